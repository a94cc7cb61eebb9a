"""Add cases to a project: from a table (CSV, JSON), or from a folder with a folder for each case."""

import argparse
from pathlib import Path

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.project_arguments import add_actor, add_project
from AnnotationQACore.project.cases import cases_from_folder, cases_from_table
from AnnotationQACore.wording import count_of

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `add-cases`."""
    add_project(parser)
    parser.add_argument(
        "source",
        metavar="TABLE|FOLDER",
        type=Path,
        help="CSV with the columns case, patient and any of time_point, role, series_uid, location; JSON; or a folder",
    )
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, add nothing")
    add_actor(parser)


def run(arguments: argparse.Namespace) -> int:
    """Add the cases, all or none."""
    project = open_project(arguments, None if arguments.dry_run else identity_of(arguments))
    read = cases_from_folder if arguments.source.is_dir() else cases_from_table
    cases = read(arguments.source, project.folder, ConsoleProgress("reading images"))
    if not arguments.dry_run:
        project.add_cases(cases)
    series = sum(len(case.series) for case in cases)
    print(f"{'would add' if arguments.dry_run else 'added'} {count_of(len(cases), 'case')} with {series} series")
    return 0
