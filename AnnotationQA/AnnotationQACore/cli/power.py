"""Plan a study: how many cases must be read twice or more for an interval of the wanted width."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from AnnotationQACore.cli.numbers import count, number, positive
from AnnotationQACore.cli.output import require_place, show, write_json
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.derived import software_version
from AnnotationQACore.wording import count_of

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `annotation-qa power`."""
    parser.add_argument(
        "statistic", choices=tuple(_NEEDED), help="limits: limits of agreement; mean: a mean over cases, as of Dice"
    )
    parser.add_argument("--width", type=number, required=True, metavar="W", help="wanted full width of the interval")
    parser.add_argument("--expected", type=number, metavar="VALUE", help="of kappa or icc: its expected value")
    parser.add_argument("--prevalence", nargs="+", type=number, metavar="P", help="of kappa: share of each category")
    parser.add_argument("--sd", type=number, metavar="SD", help="limits: of the differences; mean: between cases")
    parser.add_argument("--multiplier", type=positive, metavar="M", help="of the limits of agreement; default: 1.96")
    parser.add_argument("--readers", type=count, default=2, metavar="N", help="who read each case; default: 2")
    parser.add_argument("--confidence", type=number, default=0.95, metavar="P", help="of the interval; default: 0.95")
    parser.add_argument("--per-patient", type=number, metavar="M", help="mean number of cases (lesions) of a patient")
    parser.add_argument("--correlation", type=number, metavar="R", help="of the cases of one patient")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the answer as JSON; - for the standard output")


def run(arguments: argparse.Namespace) -> int:
    """Compute, write and show."""
    _require_options(arguments)
    require_place(arguments.json)
    from AnnotationQACore.cli.power_sizes import size_for  # loads scipy, which --help and mistakes need not wait for

    size = size_for(arguments)
    if arguments.json:
        write_json(arguments.json, {"version": software_version(), "statistic": arguments.statistic, **size.to_json()})
    patients = ""
    if arguments.per_patient is not None:
        patients = f" of about {math.ceil(size.cases / arguments.per_patient)} patients"
    lines = (
        f"{count_of(size.cases, 'case')}{patients}, each read by {size.readers} readers "
        f"({size.cases * size.readers} readings)",
        f"for a {100 * size.level:g} % interval of width {size.width:g}: {size.method}",
        f"assumed: {size.assumptions}; about half of such studies have a wider interval",
    )
    show("\n".join(lines), arguments.json)
    return 0


_NEEDED = {"kappa": {"expected", "prevalence"}, "icc": {"expected"}, "limits": {"sd"}, "mean": {"sd"}}
_OPTIONAL = {"limits": {"multiplier"}}


def _require_options(arguments: argparse.Namespace) -> None:
    """Refuse what is missing, and what would do nothing."""
    statistic = arguments.statistic
    for name in ("expected", "prevalence", "sd", "multiplier"):
        is_given = getattr(arguments, name) is not None
        if is_given and name not in _NEEDED[statistic] | _OPTIONAL.get(statistic, set()):
            raise InputError(f"power: --{name} has no meaning for {statistic}; leave it out.")
        if not is_given and name in _NEEDED[statistic]:
            raise InputError(f"power: {statistic} needs --{name}; give what a pilot or the literature found.")
    if (arguments.per_patient is None) != (arguments.correlation is None):
        raise InputError("power: --per-patient and --correlation go together; give both or neither.")
