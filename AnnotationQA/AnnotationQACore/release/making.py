"""Makes a release: the folder is there whole, signed and recorded in the ledger, or it is not there.

Everything is written into a hidden folder beside the destination, which is renamed at the very end. After an
interruption the same request goes on from there; another request begins anew.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.canonical import canonical_hash
from AnnotationQACore.errors import DestinationError, ProjectError, ReleaseRefused
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.fields import format_time, parse_time
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import protocol_text
from AnnotationQACore.release.card.croissant import croissant_json
from AnnotationQACore.release.card.html_page import card_html
from AnnotationQACore.release.card.markdown import card_markdown
from AnnotationQACore.release.card.sections import dataset_card, label_hashes
from AnnotationQACore.release.card.sources import CardSources, card_sources
from AnnotationQACore.release.exporting import Exporter
from AnnotationQACore.release.gate.checking import check_gate, file_names, signed_identifiers
from AnnotationQACore.release.gate.texts import TextScreen, check_names
from AnnotationQACore.release.manifest import MANIFEST, Manifest, list_files, read_manifest, write_manifest
from AnnotationQACore.release.options import options_to_json
from AnnotationQACore.release.people import member_names
from AnnotationQACore.release.request import Gathered, ReleaseRequest, gather
from AnnotationQACore.release.sheet import ReleaseSheet
from AnnotationQACore.release.tables import (
    cases_table,
    deidentification_document,
    fingerprints_document,
    ledger_document,
    readings_table,
)
from AnnotationQACore.wording import worded

__all__ = ["Made", "make_release", "require_destination", "unfinished_folder"]

_PLAN = "plan.json"
_CONTENT = "content"
FORMAT = "AnnotationQA unfinished release 1"


@dataclass(frozen=True, slots=True)
class Made:
    """A release that was made."""

    folder: Path
    manifest: Manifest
    cases: int


def unfinished_folder(destination: Path) -> Path:
    """Where a release is built until it is whole."""
    return destination.with_name(f".unfinished-{destination.name}")


def require_destination(destination: Path) -> None:
    """Make sure that a release can be made there; call it before the long work.

    Raises
    ------
    DestinationError
        It is a file or not empty, or what lies beside it under the name of an unfinished release is something else.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise DestinationError(
            worded("{folder}: is not empty; choose a new folder for the release.", folder=str(destination))
        )
    building = unfinished_folder(destination)
    if building.exists() and not (building / _PLAN).is_file() and any(building.iterdir()):
        raise DestinationError(
            worded("{folder}: is in the way and no unfinished release; move it.", folder=str(building))
        )


def make_release(
    project: Project,
    request: ReleaseRequest,
    destination: Path,
    exporters: Mapping[str, Exporter],
    screen: TextScreen,
    *,
    clock: Callable[[], datetime] = utc_now,
    resamples: int = 2000,
    progress: Progress = silent,
) -> Made:
    """Check, write, sign and record a release.

    Parameters
    ----------
    project : Project
        Opened with the identity of a lead.
    request : ReleaseRequest
    destination : Path
        New or empty folder.
    exporters : mapping of name to Exporter
    screen : TextScreen
        The patterns of de-identification.
    clock : callable
    resamples : int
        Of the intervals of the card.
    progress : Progress
        Called before each step and by each exporter; may raise `Cancelled`. What is written stays for the next run.

    Raises
    ------
    ReleaseRefused
        The gate keeps the dataset back; `problems` has every reason.
    DestinationError
        The destination is not empty, or cannot be written.
    ProjectError
        Whoever acts is no lead.
    InputError
        A file cannot be read.
    """
    if project.identity is None:
        raise ProjectError(
            worded("{folder}: was opened without identity; say who acts (--as NAME).", folder=str(project.folder))
        )
    require_destination(destination)
    if not project.refresh().has_role(project.identity.member, Role.LEAD):
        raise ProjectError(
            worded("'{member}' is no lead of the project; a lead releases.", member=project.identity.member)
        )
    building = unfinished_folder(destination)
    recorded = _recorded(project, request.name, building)
    if recorded is None:
        gathered = gather(project, request, progress)
        report = check_gate(project, request, gathered, exporters, screen, progress=progress)
        if not report.is_open:
            raise ReleaseRefused(tuple(map(str, report.problems)))
        made = _begin(building, _plan(project, request, gathered), clock())
        content = building / _CONTENT
        _write_formats(request, gathered, exporters, content, progress)
        sources = card_sources(project, request, gathered, made, resamples=resamples, progress=progress)
        _write_own_files(sources, content, screen, progress)
        recorded = _sign(sources, content, progress)
        details = _details(sources)
        project.release(request.name, recorded.sha256, details)
    progress(0, 1, "moving the release to its place")
    _finish(building, destination)
    return Made(destination, recorded, sum(1 for _ in _cases_of(project, request.name)))


def _recorded(project: Project, name: str, building: Path) -> Manifest | None:
    """The manifest of a release that is whole and in the ledger, and only was not moved to its place."""
    if not (building / _CONTENT / MANIFEST).is_file():
        return None
    manifest = read_manifest(building / _CONTENT)
    in_ledger = next((one for one in project.state.releases if one.manifest_sha256 == manifest.sha256), None)
    if in_ledger is not None and in_ledger.name != name:
        raise DestinationError(
            worded(
                "{folder}: holds the release '{name}', which only was not moved to its place; finish it with "
                "--name {name}, or choose another folder.",
                folder=str(building),
                name=in_ledger.name,
            )
        )
    return None if in_ledger is None else manifest


def _plan(project: Project, request: ReleaseRequest, gathered: Gathered) -> str:
    """Hash of all that decides what is written."""
    return canonical_hash(
        {
            "format": FORMAT,
            "project": project.id,
            "signer": project.identity.member if project.identity else "",
            "name": request.name,
            "sheet": _plain(request.sheet),
            "formats": list(request.formats),
            "options": options_to_json(request.options),
            "coded readers": request.selection.coded_readers,
            "protocol": gathered.dataset.protocol.hash,
            "split": request.split,
            "reports": [report.sha256 for report in request.reports],
            "cases": [
                [
                    case.id,
                    [case.time_point, case.site, case.scanner, case.sex, case.age_years],
                    gathered.dataset.splits.get(case.id, ""),
                    [[one.name, one.sha256] for one in case.readings],
                    [one.pixels for one in gathered.prints.get(case.id, ())],
                ]
                for case in gathered.dataset.cases
            ],
        }
    )


def _plain(sheet: ReleaseSheet) -> dict[str, Any]:
    values = {name: getattr(sheet, name) for name in sheet.__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _begin(building: Path, plan: str, now: datetime) -> datetime:
    """Go on with an unfinished release of the same plan, or begin anew; returns when it was begun."""
    path = building / _PLAN
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        former = json.loads(path.read_bytes())
        if former["plan"] == plan:
            return parse_time(former["begun"])
    _remove(building)
    make_folder(building)
    atomic.write_text(path, json.dumps({"plan": plan, "begun": format_time(now)}))
    make_folder(building / _CONTENT)
    return parse_time(format_time(now))


def _write_formats(
    request: ReleaseRequest,
    gathered: Gathered,
    exporters: Mapping[str, Exporter],
    content: Path,
    progress: Progress,
) -> None:
    for name in request.formats:
        folder = content / "data" / name
        make_folder(folder)
        exporters[name].write(gathered.dataset, folder, request.options, progress)


def _write_own_files(sources: CardSources, content: Path, screen: TextScreen, progress: Progress) -> None:
    project, dataset = sources.project, sources.gathered.dataset
    names = member_names(project, sources.request.selection.coded_readers)
    dismissed = project.state.signed_off("pair")
    make_folder(content / "provenance")
    texts = {
        "cases.csv": cases_table(dataset),
        "protocol.json": protocol_text(dataset.protocol),
        "provenance/readings.csv": readings_table(project, dataset, names),
        "provenance/ledger.json": ledger_document(project),
        "provenance/deidentification.json": deidentification_document(sources.request.reports),
        "provenance/fingerprints.json": fingerprints_document(
            sources.gathered.prints, sources.gathered.links, dismissed
        ),
    }
    card = dataset_card(sources)
    texts |= {"README.md": card_markdown(card), "card.html": card_html(card)}
    for done, (name, text) in enumerate(texts.items()):
        progress(done, len(texts), name)
        atomic.write_text(content / name, text)
    files = _files(content, progress)
    check = check_names("file names", file_names(files), screen, signed_identifiers(project, sources.gathered))
    if check.problems:
        raise ReleaseRefused(tuple(map(str, check.problems)))
    atomic.write_text(content / "croissant.json", croissant_json(sources, files))


def _files(content: Path, progress: Progress) -> dict[str, tuple[int, str]]:
    """Files of the release so far; what a former run left unfinished is removed first."""
    for path in content.rglob(".tmp-*"):
        path.unlink()
    files = list_files(content, progress)
    files.pop("croissant.json", None)
    return files


def _sign(sources: CardSources, content: Path, progress: Progress) -> Manifest:
    project = sources.project
    if project.identity is None:
        raise ProjectError(
            worded("{folder}: was opened without identity; say who acts (--as NAME).", folder=str(project.folder))
        )
    manifest = Manifest(
        name=sources.request.name,
        project=project.id,
        protocol=sources.gathered.dataset.protocol.hash,
        made=format_time(sources.made),
        signer=sources.names.get(project.identity.member, "lead"),
        heads={key: (head.sequence, head.hash) for key, head in project.state.front.heads.items()},
        files=list_files(content, progress),
    )
    return write_manifest(content, manifest, project.identity)


def _details(sources: CardSources) -> dict[str, Any]:
    dataset = sources.gathered.dataset
    return {
        "version": sources.request.sheet.version,
        "protocol": dataset.protocol.hash,
        "formats": list(sources.request.formats),
        "split": sources.request.split,
        "cases": label_hashes(sources),
    }


def _cases_of(project: Project, name: str) -> Mapping[str, str]:
    release = next(one for one in project.state.releases if one.name == name)
    return dict(release.details.get("cases", {}))


def _finish(building: Path, destination: Path) -> None:
    try:
        if destination.exists():
            destination.rmdir()
        (building / _CONTENT).rename(destination)
    except OSError as error:
        raise DestinationError(
            worded(
                "{folder}: the release cannot be moved there ({reason}); run the command again.",
                folder=str(destination),
                reason=error.strerror or "",
            )
        ) from error
    _remove(building)


def _remove(building: Path) -> None:
    try:
        shutil.rmtree(building)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DestinationError(f"{building}: cannot be removed ({error.strerror}); remove it by hand.") from error
