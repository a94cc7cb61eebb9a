"""The steps `release make`, `check` and `card`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.output import require_folder_place
from AnnotationQACore.cli.release_request import request_of
from AnnotationQACore.cli.release_screen import text_screen
from AnnotationQACore.errors import DestinationError, ReleaseRefused
from AnnotationQACore.project.layout import PROJECT_FILE, make_folder
from AnnotationQACore.release.card.html_page import card_html
from AnnotationQACore.release.card.markdown import card_markdown
from AnnotationQACore.release.card.sections import dataset_card
from AnnotationQACore.release.card.sources import card_sources
from AnnotationQACore.release.exporters.registry import EXPORTERS
from AnnotationQACore.release.gate.checking import check_gate
from AnnotationQACore.release.gate.problems import GateReport
from AnnotationQACore.release.making import make_release, require_destination
from AnnotationQACore.release.request import gather
from AnnotationQACore.release.splitting import check_received
from AnnotationQACore.wording import count_of

__all__ = ["card", "check", "make"]

REFUSED = 1
_DRAFT = ("README.md", "card.html")


def check(arguments: argparse.Namespace) -> int:
    """Say all that stands in the way of a release, or prove the split of a received one."""
    if not (arguments.project / PROJECT_FILE).exists() and (arguments.project / "cases.csv").exists():
        report = GateReport((check_received(arguments.project, ConsoleProgress("comparing images")),))
    else:
        project = open_project(arguments)
        request = request_of(arguments, project)
        gathered = gather(project, request, ConsoleProgress("reading cases"))
        report = check_gate(project, request, gathered, EXPORTERS, text_screen(), progress=ConsoleProgress("checking"))
    for line in report.lines():
        print(line)
    if not report.is_open:
        print(f"{len(report.problems)} problems; nothing is released.")
        return REFUSED
    print("nothing stands in the way")
    return 0


def make(arguments: argparse.Namespace) -> int:
    """Check, write, sign and record a release."""
    require_folder_place(arguments.output, arguments.images)
    require_destination(arguments.output)
    project = open_project(arguments, identity_of(arguments))
    request = request_of(arguments, project)
    try:
        made = make_release(
            project, request, arguments.output, EXPORTERS, text_screen(), progress=ConsoleProgress("releasing")
        )
    except ReleaseRefused as refused:
        for problem in refused.problems:
            print(f"REFUSED  {problem}")
        raise
    print(
        f"{made.manifest.name}: {count_of(made.cases, 'case')}, "
        f"{count_of(len(made.manifest.files), 'file')} in {made.folder}"
    )
    print(f"manifest SHA-256 {made.manifest.sha256}")
    print("Give those who receive it this public key, by another way than the dataset:")
    print(made.manifest.public_key)
    return 0


def card(arguments: argparse.Namespace) -> int:
    """Write a draft of the card."""
    require_folder_place(arguments.output, arguments.images)
    _require_own_folder(arguments.output)
    project = open_project(arguments)
    request = request_of(arguments, project)
    gathered = gather(project, request, ConsoleProgress("reading cases"))
    sources = card_sources(
        project, request, gathered, datetime.now(UTC), progress=ConsoleProgress("comparing readings")
    )
    card = dataset_card(sources)
    files = dict(zip(_DRAFT, (card_markdown(card), card_html(card)), strict=True))
    make_folder(arguments.output)
    for name, text in files.items():
        atomic.write_text(arguments.output / name, text)
    print(f"the card is in {arguments.output}; it is a draft: nothing was checked or released")
    return 0


def _require_own_folder(folder: Path) -> None:
    """Refuse a folder with anything but an earlier draft: its README.md may be somebody's own."""
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if there and there != set(_DRAFT):
        raise DestinationError(f"{folder}: is not empty and holds no draft of a card; choose another folder.")
