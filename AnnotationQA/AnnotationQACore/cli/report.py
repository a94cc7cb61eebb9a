"""Write a report on how far the readers of a project agree: HTML for people, JSON and CSV for programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from AnnotationQACore.cli.agreement import add_executor
from AnnotationQACore.cli.numbers import seed
from AnnotationQACore.cli.output import require_folder_place
from AnnotationQACore.cli.project_arguments import add_project
from AnnotationQACore.errors import InputError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `report`."""
    add_project(parser)
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, required=True, help="new folder, or an earlier report to replace"
    )
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="only these cases; default: all")
    parser.add_argument("--names", action="store_true", help="name the readers although the protocol hides them")
    parser.add_argument("--no-pictures", action="store_true", help="draw no outlines and no images")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="DICOM images that are not where they were added")
    parser.add_argument("--resample", action="store_true", help="resample readings that lie on different grids")
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="of the bootstrap; default: 2000")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the bootstrap; default: 0")
    add_executor(parser.add_argument_group("where the cases are compared"))


def run(arguments: argparse.Namespace) -> int:
    """Compare the readings, and write the report."""
    require_folder_place(arguments.output, arguments.project, arguments.images)
    if arguments.resamples < 1:
        raise InputError(f"--resamples: {arguments.resamples} is too few; give 1 or more, 2000 is usual.")
    from AnnotationQACore.cli.report_writing import write  # loads what compares and draws all kinds of items

    return write(arguments)
