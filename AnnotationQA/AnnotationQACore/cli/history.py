"""Show all that happened to a case, from the ledger."""

import argparse

from AnnotationQACore.cli.project_arguments import add_project
from AnnotationQACore.cli.verify import verified
from AnnotationQACore.errors import ProjectError
from AnnotationQACore.project.auditing import cases_of, entries

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `history`."""
    add_project(parser)
    parser.add_argument("case", metavar="CASE")


def run(arguments: argparse.Namespace) -> int:
    """Print the acts on the case in their order."""
    result = verified(arguments.project)
    if arguments.case not in result.state.cases:
        raise ProjectError(f"case '{arguments.case[:100]}': is not in the project; see annotation-qa status.")
    about = {event.hash for event in result.events if arguments.case in cases_of(event)}
    for entry in entries(result.events, result.state):
        if entry.hash in about:
            remark = f"  [does not count: {entry.counts}]" if entry.counts else ""
            print(f"{entry.time}  {entry.actor:12}  {entry.kind:18}  {entry.summary}{remark}")
    if result.first is not None:
        print(f"The project is broken, so this may not be all: {result.first}")
        return 1
    return 0
