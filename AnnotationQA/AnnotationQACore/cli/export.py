"""Write readings of a project as objects and files that other software reads."""

import argparse
from collections import Counter
from pathlib import Path

from AnnotationQACore.cli.acting import add_project, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import images_below
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
from AnnotationQACore.project.folder import Project

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


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    require_formats(arguments.format)
    require_empty(arguments.output)
    project = open_project(arguments)
    chosen = _chosen(project, arguments)
    if not chosen.readings:
        first = f" ({chosen.without[0]})" if chosen.without else ""
        raise InputError(f"{arguments.project}: has no such readings{first}; see annotation-qa status.")
    images = images_below(arguments.images) if arguments.images else {}
    result = export_readings(
        project, chosen.readings, arguments.format, arguments.output, images, ConsoleProgress("writing objects")
    )
    _show(result, chosen, arguments.output)
    return 1 if result.problems or not result.files else 0


def _chosen(project: Project, arguments: argparse.Namespace) -> ChosenReadings:
    if arguments.reference:
        if arguments.round is not None:
            raise InputError("--round: a case has one reference standard, whatever the round; leave the option out.")
        return reference_readings(project.state, arguments.cases)
    readers = None if arguments.all_readers else arguments.reader or [_DEFAULT_READER]
    return readings_of(project.state, readers, arguments.cases, arguments.round)


def _show(result: Exported, chosen: ChosenReadings, folder: Path) -> None:
    for line in chosen.without:
        print(f"no reading: {line}")
    for line in result.nothing:
        print(f"nothing to write: {line}")
    for line in result.left_out:
        print(f"left out: {line}")
    for line in result.problems:
        print(f"not written: {line}")
    counts = Counter(file.format for file in result.files)
    files = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no"
    print(
        f"{files} files of {len(chosen.readings)} readings in {folder}" + (f"; {LISTING} lists them" if counts else "")
    )
    if result.problems:
        print(f"{len(result.problems)} could not be written.")
