"""Verify that a project is as it was signed. Exit code 0: sound; 1: broken; 2: it cannot be verified."""

import argparse
import json
from pathlib import Path

from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.project_arguments import add_project
from AnnotationQACore.errors import InputError
from AnnotationQACore.processes import WorkerPool
from AnnotationQACore.project.events import Head
from AnnotationQACore.project.layout import LEDGER
from AnnotationQACore.project.verification import Verification, verify

__all__ = ["BROKEN", "add_arguments", "run", "verified"]

BROKEN = 1
_WORTH_PROCESSES = 10_000_000
"""Bytes of ledger from which several processes pay."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `verify`."""
    add_project(parser)
    parser.add_argument(
        "--against",
        type=Path,
        metavar="AUDIT",
        help="audit export (JSON) that was kept elsewhere: its heads must be there",
    )
    parser.add_argument("--quiet", action="store_true", help="findings only, no notes")


def run(arguments: argparse.Namespace) -> int:
    """Verify, and print a line for each finding."""
    result = verified(arguments.project, _heads(arguments.against) if arguments.against else None)
    for finding in result.findings:
        print(f"BROKEN  {finding}")
    for note in () if arguments.quiet else result.notes:
        print(f"note    {note}")
    if result.first is not None:
        count = len(result.findings)
        print(f"The project is broken: {count} finding{'s' if count > 1 else ''}, the first: {result.first}")
        return BROKEN
    keys = len(result.heads)
    print(f"sound: {result.state.events} acts by {keys} key{'s' if keys != 1 else ''}, and all files they speak of")
    return 0


def verified(project: Path, kept: dict[str, Head] | None = None) -> Verification:
    """Verify with progress, and with several processes when that pays."""
    progress = ConsoleProgress("verifying")
    size = sum(path.stat().st_size for path in (project / LEDGER).glob("*.jsonl"))
    if size < _WORTH_PROCESSES:
        return verify(project, kept_heads=kept)
    with WorkerPool() as executor:
        return verify(project, kept_heads=kept, executor=executor, progress=progress)


def _heads(path: Path) -> dict[str, Head]:
    try:
        heads = json.loads(path.read_bytes())["heads"]
        return {str(key): Head(int(sequence), str(digest)) for key, (sequence, digest) in heads.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(
            f"{path}: is no audit export; make one with: annotation-qa audit export --format json."
        ) from None
