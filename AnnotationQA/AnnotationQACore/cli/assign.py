"""Assign cases to readers: balanced, in a random order that the seed makes again."""

import argparse
from collections import Counter
from datetime import timedelta

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.numbers import days, seed
from AnnotationQACore.cli.project_arguments import add_actor, add_project
from AnnotationQACore.project.assignments import active_readers, plan_assignments
from AnnotationQACore.project.ledger import utc_now

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `assign`."""
    add_project(parser)
    parser.add_argument("--readers", nargs="+", metavar="NAME", help="default: all readers of the project with a key")
    parser.add_argument("--per-case", type=int, default=2, metavar="N", help="readers for each case (default: 2)")
    parser.add_argument("--seed", type=seed, required=True, help="the same seed gives the same plan")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="default: all")
    parser.add_argument(
        "--gold", nargs="+", default=[], metavar="CASE", help="cases with a known answer, for all readers"
    )
    parser.add_argument("--repeats", type=float, default=0.0, metavar="SHARE", help="share of the cases read twice")
    parser.add_argument("--washout", type=days, default=28, metavar="DAYS", help="before a repeat (default: 28)")
    parser.add_argument("--dry-run", action="store_true", help="show how many each reader would get")
    add_actor(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan and record the assignments."""
    project = open_project(arguments, None if arguments.dry_run else identity_of(arguments))
    state = project.state
    readers = arguments.readers or active_readers(state)
    plan = plan_assignments(
        state,
        readers,
        arguments.per_case,
        arguments.seed,
        now=utc_now(),
        cases=arguments.cases,
        gold=arguments.gold,
        repeats=arguments.repeats,
        washout=timedelta(days=arguments.washout),
    )
    if not plan:
        print("nothing to assign: all cases have their readers")
        return 0
    if not arguments.dry_run:
        project.assign(plan, arguments.seed)
    counts = Counter((entry.reader, entry.purpose) for entry in plan)
    for (reader, purpose), count in sorted(counts.items()):
        print(f"{reader}\t{count}\t{purpose}")
    return 0
