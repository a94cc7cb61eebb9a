"""Measure how far readers agree: in a project, on label files, on a table of ratings, or on landmarks."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Set
from pathlib import Path
from typing import Literal, get_args

from AnnotationQACore.agreement.ratings.categories import Level
from AnnotationQACore.agreement.ratings.weights import WEIGHTS
from AnnotationQACore.agreement.statistics.intervals import RESAMPLES
from AnnotationQACore.cli.numbers import number, seed
from AnnotationQACore.cli.output import require_place, show, write_json
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.layout import PROJECT_FILE

__all__ = ["add_arguments", "add_executor", "run"]

Mode = Literal["project", "ratings", "landmarks", "segmentations"]
"""What is compared; module ``cli.agreement_<mode>`` has ``compare(arguments)``, and is loaded when it is asked for."""

_OF_TABLES = frozenset({"ratings", "matrix", "case", "reader", "value", "patient", "level", "categories", "weights",
                        "multiplier", "limits", "confidence", "resamples", "seed"})  # fmt: skip
_OF_SEGMENTATIONS = frozenset({"labels", "tolerance", "definition", "resample", "match", "reference", "consensus",
                               "instances", "iou", "within", "connectivity"})  # fmt: skip
_OPTIONS: dict[Mode, tuple[str, frozenset[str]]] = {
    "project": ("a project", frozenset({"resample", "resamples", "seed", "workers", "scheduler"})),
    "ratings": ("a table of ratings", _OF_TABLES | {"readers"}),
    "landmarks": ("landmarks", frozenset({"landmarks", "readers", "reference", "confidence"})),
    "segmentations": ("label files", _OF_SEGMENTATIONS | {"readers"}),
}
"""What each mode is called, and the options that have a meaning there."""

_OF_INSTANCES = ("iou", "within", "connectivity")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `annotation-qa agreement`."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="label file of one reader each, or a project"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything as JSON; - for the standard output")
    parser.add_argument("--readers", nargs="+", metavar="NAME", help="names of the readers; default: the file names")
    _segmentation_arguments(parser.add_argument_group("segmentations"))
    _rating_arguments(parser.add_argument_group("ratings"))
    add_executor(parser.add_argument_group("projects"))
    landmarks = parser.add_argument_group("landmarks")
    landmarks.add_argument(
        "--landmarks", nargs="+", type=Path, metavar="FILE", help=".mrk.json or .fcsv of each reader"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, show and write."""
    mode = _mode(arguments)
    _require_options_of(mode, arguments)
    require_place(
        arguments.json, *arguments.files, *_tables(arguments), *(arguments.landmarks or ()), arguments.reference
    )
    if not 0.0 < arguments.confidence < 1.0:
        raise InputError(f"agreement: --confidence {arguments.confidence:g} is not between 0 and 1; 0.95 is usual.")
    module = importlib.import_module(f"AnnotationQACore.cli.agreement_{mode}")
    report, table = module.compare(arguments)
    if arguments.json:
        write_json(arguments.json, report)
    show(table, arguments.json)
    return 0


def _tables(arguments: argparse.Namespace) -> list[Path]:
    return [Path(one) for one in (arguments.ratings, arguments.matrix) if isinstance(one, str | Path)]


def _mode(arguments: argparse.Namespace) -> Mode:
    """Choose by what was given."""
    table = arguments.ratings is not None or arguments.matrix is not None
    given = [bool(arguments.files), table, arguments.landmarks is not None]
    if sum(given) != 1:
        raise InputError(
            "agreement: give label files, or --ratings FILE, or --matrix FILE, or --landmarks FILES; "
            f"{'only one of these at a time' if any(given) else 'see annotation-qa agreement --help'}."
        )
    if len(arguments.files) == 1 and (arguments.files[0] / PROJECT_FILE).is_file():
        return "project"
    if table:
        return "ratings"
    if len(arguments.files) == 1 and not arguments.files[0].is_file():
        raise InputError(f"{arguments.files[0]}: is no project and no label file; check the path.")
    return "landmarks" if arguments.landmarks else "segmentations"


def _require_options_of(mode: Mode, arguments: argparse.Namespace) -> None:
    """Refuse an option that would do nothing: whoever gave it takes the figures for other ones."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    unset = vars(parser.parse_args([]))
    changed = [name for name in unset if getattr(arguments, name) != unset[name]]
    what, usable = _OPTIONS[mode]
    given = next((name for name in changed if name not in usable | {"files", "json"}), None)
    if given is not None:
        hint = "; its protocol says how it is measured" if mode == "project" else ""
        raise InputError(f"agreement: --{given} has no meaning for {what}{hint}; leave it out.")
    _require_options_of_instances(set(changed), arguments.instances)


def _require_options_of_instances(changed: Set[str], instances: str | None) -> None:
    given = next((name for name in _OF_INSTANCES if name in changed), None)
    if given is not None and instances is None:
        raise InputError(f"agreement: --{given} says how instances are matched; add --instances, or leave it out.")
    if {"iou", "within"} <= changed:
        raise InputError("agreement: --iou and --within are two ways to match instances; give one of them.")
    if "connectivity" in changed and instances == "given":
        raise InputError("agreement: --connectivity finds instances, and these are given; leave it out.")
    if "resample" in changed and instances is not None:
        raise InputError("agreement: instances are matched on one grid, unresampled; leave out --resample.")


def add_executor(group: argparse._ArgumentGroup) -> None:
    """Add the options that say where the cases of a project are compared."""
    group.add_argument("--workers", type=int, metavar="N", help="local processes; default: 1, this one")
    group.add_argument("--scheduler", metavar="ADDRESS", help="address of a Dask scheduler, such as tcp://host:8786")


def _segmentation_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--labels", nargs="+", metavar="LABEL", help="only these label values or segment IDs")
    group.add_argument("--tolerance", nargs="+", type=number, default=[1.0, 2.0], metavar="MM", help="of NSD; 1 2")
    group.add_argument("--definition", choices=("surfel", "subvoxel"), default="surfel", help="of the surface")
    group.add_argument("--resample", action="store_true", help="where grids differ; to the first file's")
    group.add_argument("--match", choices=("auto", "id", "value"), default="auto", help="what segments have in common")
    group.add_argument("--reference", type=Path, metavar="FILE", help="reference standard (also of landmarks)")
    group.add_argument("--consensus", action="store_true", help="also against the majority of the other readers")
    group.add_argument(
        "--instances", choices=("connected", "given"), help="match instances: components, or label values"
    )
    group.add_argument("--iou", type=number, default=0.5, metavar="T", help="instances match above this IoU; 0.5")
    group.add_argument("--within", type=number, metavar="MM", help="match instances by the distance of centres instead")
    group.add_argument("--connectivity", type=int, choices=(6, 18, 26), default=26, help="of instances; 26")


def _rating_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--ratings", type=Path, metavar="FILE", help="table, one rating a row; see --case and so on")
    group.add_argument("--matrix", nargs="?", const=True, metavar="FILE", help="table, cases x readers")
    group.add_argument("--case", metavar="COL", help="column of the case")
    group.add_argument("--reader", nargs="+", metavar="COL", help="column of the reader; of a matrix, all of them")
    group.add_argument("--value", metavar="COL", help="column of the rating")
    group.add_argument("--patient", metavar="COL", help="column of the patient: the bootstrap draws patients")
    group.add_argument("--level", choices=get_args(Level), help="level of measurement of the values")
    group.add_argument("--categories", nargs="+", metavar="VALUE", help="the whole scale, from low to high")
    group.add_argument("--weights", choices=WEIGHTS, default="quadratic", help="of Gwet's AC2; quadratic")
    group.add_argument("--multiplier", type=number, default=1.96, metavar="M", help="of the limits of agreement; 1.96")
    group.add_argument("--limits", choices=("exact", "approximate"), default="exact", help="their intervals; exact")
    group.add_argument("--confidence", type=number, default=0.95, metavar="P", help="of all intervals; 0.95")
    group.add_argument("--resamples", type=int, default=RESAMPLES, metavar="N", help="of the bootstrap; 0 for none")
    group.add_argument("--seed", type=seed, default=0, metavar="N", help="of the bootstrap; 0")
