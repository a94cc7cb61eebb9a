"""Measure segments on their image (volumes, diameters, intensities, change), or landmarks (lengths, angles)."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from AnnotationQACore.cli.numbers import number
from AnnotationQACore.cli.output import require_place, show, write_json
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.derived import software_version

__all__ = ["add_arguments", "run"]

PLANES = ("coronal", "sagittal", "axial", "space")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `annotation-qa measure`."""
    parser.add_argument(
        "image", nargs="?", type=Path, metavar="IMAGE", help="the image: a file, or the folder of a DICOM series"
    )
    parser.add_argument(
        "segmentation",
        nargs="?",
        type=Path,
        metavar="SEG",
        help="segmentation of the image: label image, .seg.nrrd or DICOM SEG",
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="write the measurements as JSON; - for the standard output"
    )
    parser.add_argument("--segments", nargs="+", metavar="ID", help="only these segments")
    parser.add_argument(
        "--slice-axis", type=int, choices=(0, 1, 2), default=0, help="array axis across the slices (k=0)"
    )
    parser.add_argument("--shell", type=number, default=0.0, metavar="MM", help="partial-volume shell to leave out")
    parser.add_argument("--factor", type=number, default=1.0, help="multiplies the image values, e.g. the SUV factor")
    parser.add_argument("--unit", default="", help="of the values after the factor, e.g. HU or SUV; only shown")
    parser.add_argument(
        "--percentiles", nargs="+", type=number, metavar="P", help="of the intensities; default: 5 10 25 75 90 95"
    )
    _change_arguments(parser)
    _landmark_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write and show."""
    _require_options(arguments)
    require_place(arguments.json, *_read(arguments))
    mode = "landmarks" if arguments.landmarks else "segments"
    module = importlib.import_module(f"AnnotationQACore.cli.measure_{mode}")
    document, text = module.measure(arguments)
    if arguments.json:
        write_json(arguments.json, {"version": software_version(), **document})
    show(text, arguments.json)
    return 0


def _read(arguments: argparse.Namespace) -> list[Path | None]:
    """Every file that is read."""
    several = (*(arguments.landmarks or ()), *(arguments.baseline or ()))
    return [arguments.image, arguments.segmentation, arguments.end_systole, *several]


_OF_LANDMARKS = ("landmarks", "distance", "angle", "between", "cobb", "plane")
_OF_CHANGE = ("days", "nadir", "new_lesion")


def _require_options(arguments: argparse.Namespace) -> None:
    """Refuse what is missing, and what would do nothing."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    unset = vars(parser.parse_args([]))
    given = [name for name, value in unset.items() if getattr(arguments, name) != value]
    if arguments.landmarks:
        useless, reason = [name for name in given if name not in (*_OF_LANDMARKS, "json")], "with --landmarks"
    elif arguments.segmentation is None:
        raise InputError("measure: give IMAGE and SEG, or --landmarks FILE; see annotation-qa measure --help.")
    else:
        useless, reason = [name for name in given if name in _OF_LANDMARKS], "without --landmarks"
        if arguments.baseline is None and not useless:
            useless, reason = [name for name in given if name in _OF_CHANGE], "without --baseline"
    if useless:
        option = useless[0].upper() if useless[0] in ("image", "segmentation") else "--" + useless[0].replace("_", "-")
        raise InputError(f"measure: {option} has no meaning {reason}; leave it out.")


def _change_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("change between time points")
    group.add_argument("--baseline", nargs=2, type=Path, metavar=("IMAGE", "SEG"), help="the earlier time point")
    group.add_argument("--days", type=number, metavar="N", help="between the two, for the volume doubling time")
    group.add_argument("--nadir", type=number, metavar="MM", help="smallest sum of diameters so far; default: baseline")
    group.add_argument("--new-lesion", action="store_true", help="there is a new lesion elsewhere")
    heart = parser.add_argument_group("heart")
    heart.add_argument(
        "--end-systole", type=Path, metavar="SEG", help="ejection fraction of SEG, at end-diastole, to this one"
    )


def _landmark_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("landmarks")
    group.add_argument("--landmarks", nargs="+", type=Path, metavar="FILE", help=".mrk.json or .fcsv")
    group.add_argument("--distance", nargs=2, action="append", metavar="POINT", help="between two landmarks")
    group.add_argument("--angle", nargs=3, action="append", metavar="POINT", help="at the second of three landmarks")
    group.add_argument(
        "--between", nargs=4, action="append", metavar="POINT", help="angle between the lines of two landmarks each"
    )
    group.add_argument(
        "--cobb",
        nargs=4,
        action="append",
        metavar="POINT",
        help="two points on the upper, two on the lower end plate",
    )
    group.add_argument("--plane", choices=PLANES, default="coronal", help="of the Cobb angle; default: coronal")
