"""Export the ledger for auditors: every act, whether it counts, the outcome of the verification, and the heads."""

import argparse
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.cli.output import require_place
from AnnotationQACore.cli.project_arguments import add_project
from AnnotationQACore.cli.verify import BROKEN, verified
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.auditing import audit_csv, audit_html, audit_json

__all__ = ["add_arguments", "run"]

_FORMATS = {"csv": audit_csv, "json": audit_json, "html": audit_html}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `audit`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="write all acts to a file")
    add_project(export)
    export.add_argument("file", metavar="FILE", type=Path, help=f"its ending chooses the form: {', '.join(_FORMATS)}")
    export.add_argument("--format", choices=list(_FORMATS), help="where the ending does not say it")


def run(arguments: argparse.Namespace) -> int:
    """Verify and export; exit code 1 when the project is broken."""
    kind = arguments.format or arguments.file.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        raise InputError(f"{arguments.file}: the ending says no form; use one of {', '.join(_FORMATS)}, or --format.")
    require_place(arguments.file)
    result = verified(arguments.project)
    atomic.write_text(arguments.file, _FORMATS[kind](result))
    print(f"{arguments.file}: {result.state.events} acts; the project is {'sound' if result.is_sound else 'BROKEN'}")
    return 0 if result.is_sound else BROKEN
