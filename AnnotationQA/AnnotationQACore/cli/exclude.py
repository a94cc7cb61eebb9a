"""Take a case out of work and release, with the reason; or take it in again."""

import argparse

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.project_arguments import add_actor, add_project

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `exclude`."""
    add_project(parser)
    parser.add_argument("case", metavar="CASE")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--reason", help="why, for the record; nothing that identifies the patient")
    what.add_argument("--undo", action="store_true", help="take the case in again")
    add_actor(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exclude or include the case."""
    project = open_project(arguments, identity_of(arguments))
    if arguments.undo:
        project.include_case(arguments.case)
    else:
        project.exclude_case(arguments.case, arguments.reason)
    print(f"{arguments.case}: {'in again' if arguments.undo else 'excluded'}")
    return 0
