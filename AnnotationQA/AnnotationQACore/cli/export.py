"""Write readings of a project as objects and files that other software reads."""

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from AnnotationQACore.cli.acting import open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import images_below
from AnnotationQACore.cli.output import require_folder_place, require_place, show, summarized, write_json
from AnnotationQACore.cli.project_arguments import add_project
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.exporting.choosing import ChosenReadings, readings_of, reference_readings
from AnnotationQACore.interchange.exporting.exporting import (
    LISTING,
    Exported,
    export_readings,
    require_empty,
    require_formats,
)
from AnnotationQACore.interchange.exporting.formats import FORMATS
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.wording import count_of

__all__ = ["add_arguments", "run"]

_DEFAULT_READER = "consensus:majority"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    add_project(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="new, or empty")
    formats = "; ".join(f"{one.name}: {one.summary}" for one in FORMATS.values())
    parser.add_argument(
        "--format",
        nargs="+",
        default=[],
        metavar="FORMAT",
        help=f"{formats} (default: seg where the DICOM images are at hand, else seg.nrrd)",
    )
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "--reader",
        nargs="+",
        metavar="NAME",
        help=f"whose readings: readers, consensus:METHOD, model:NAME; default: {_DEFAULT_READER}",
    )
    whose.add_argument(
        "--reference", action="store_true", help="the reference standard: what was accepted or adjudicated"
    )
    whose.add_argument("--all-readers", action="store_true", help="everybody's readings")
    parser.add_argument("--round", type=int, metavar="N", help="readings of round N (default: all rounds)")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="DICOM images that were read, if elsewhere")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="default: all that are not excluded")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write what was done as JSON; - for standard output")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    require_formats(arguments.format)
    require_folder_place(arguments.output, arguments.images)
    require_empty(arguments.output)
    require_place(arguments.json)
    progress: Progress = silent if arguments.quiet else ConsoleProgress("writing objects")
    project = open_project(arguments)
    chosen = _chosen(project, arguments)
    if not chosen.readings:
        first = f" ({chosen.without[0].rstrip('.')})" if chosen.without else ""
        raise InputError(f"{arguments.project}: has no such readings{first}; see annotation-qa status.")
    images = images_below(arguments.images, quiet=arguments.quiet) if arguments.images else {}
    result = export_readings(project, chosen.readings, arguments.format, arguments.output, images, progress)
    if arguments.json:
        write_json(arguments.json, _document(result, chosen, arguments.output))
    show("\n".join(_lines(result, chosen, arguments.output)), arguments.json)
    return 1 if result.problems or not result.files else 0


def _chosen(project: Project, arguments: argparse.Namespace) -> ChosenReadings:
    if arguments.reference:
        if arguments.round is not None:
            raise InputError("--round: a case has one reference standard, whatever the round; leave the option out.")
        return reference_readings(project.state, arguments.cases)
    readers = None if arguments.all_readers else arguments.reader or [_DEFAULT_READER]
    return readings_of(project.state, readers, arguments.cases, arguments.round)


def _document(result: Exported, chosen: ChosenReadings, folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "readings": len(chosen.readings),
        "files": [asdict(file) for file in result.files],
        "no reading": list(chosen.without),
        "nothing to write": list(result.nothing),
        "left out": list(result.left_out),
        "not written": list(result.problems),
    }


def _lines(result: Exported, chosen: ChosenReadings, folder: Path) -> list[str]:
    """What was written, and what not: like things on one line, however many the cases."""
    kinds = (
        ("no reading", chosen.without),
        ("nothing to write", result.nothing),
        ("left out", result.left_out),
        ("not written", result.problems),
    )
    lines = [f"{kind}: {line}" for kind, found in kinds for line in summarized(found)]
    counts = Counter(file.format for file in result.files)
    files = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no"
    listed = f"; {LISTING} lists them, and all that was left out" if counts else ""
    lines.append(f"{files} files of {count_of(len(chosen.readings), 'reading')} in {folder}{listed}")
    if result.problems:
        lines.append(f"{len(result.problems)} could not be written.")
    return lines
