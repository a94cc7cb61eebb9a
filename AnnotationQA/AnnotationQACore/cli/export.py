"""Write the segmentations of a reader or a consensus: DICOM SEG where the images are at hand, else .seg.nrrd."""

import argparse
from pathlib import Path

from AnnotationQACore.cli.acting import add_project, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import images_below
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.reading_objects import write_reading
from AnnotationQACore.project.layout import make_folder

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    add_project(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="made when it is not there")
    parser.add_argument("--reader", default="consensus:majority", help="whose readings; default: consensus:majority")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="DICOM images that were read")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="default: all")


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    project = open_project(arguments)
    unknown = sorted(set(arguments.cases or ()) - set(project.state.cases))
    if unknown:
        raise InputError(f"case '{unknown[0]}': is not in the project; see annotation-qa status {arguments.project}.")
    wanted = [
        reading
        for case in arguments.cases or project.state.cases
        for reading in project.state.latest_readings(case)
        if reading.reader == arguments.reader
    ]
    if not wanted:
        raise InputError(f"reader '{arguments.reader}': has no reading in this project; choose another with --reader.")
    images = images_below(arguments.images) if arguments.images else {}
    make_folder(arguments.output)
    progress = ConsoleProgress("writing objects")
    written = []
    for done, reading in enumerate(wanted):
        progress(done, len(wanted), reading.case)
        if (one := write_reading(project, reading, images, arguments.output)) is not None:
            written.append(one)
    progress(len(wanted), len(wanted))
    dicom = sum(one.path.suffix == ".dcm" for one in written)
    print(f"{dicom} DICOM SEG and {len(written) - dicom} .seg.nrrd files in {arguments.output}")
    for one in written:
        for loss in one.losses:
            print(f"{one.path.name}: {loss}")
    return 0
