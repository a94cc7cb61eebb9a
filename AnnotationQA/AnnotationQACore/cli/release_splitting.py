"""The step `release split`."""

import argparse

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import images_below
from AnnotationQACore.cli.output import rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.release.facts_table import read_facts
from AnnotationQACore.release.split import fold_parts
from AnnotationQACore.release.splitting import SplitPlan, plan_split, record_split
from AnnotationQACore.wording import count_of

__all__ = ["split"]


def split(arguments: argparse.Namespace) -> int:
    """Place cases in parts, and record it."""
    project = open_project(arguments, None if arguments.dry_run else identity_of(arguments))
    plan = plan_split(
        project,
        arguments.name,
        _shares(arguments),
        arguments.seed,
        by=arguments.by,
        stratified=arguments.balance,
        images=images_below(arguments.images) if arguments.images else {},
        facts=read_facts(arguments.facts) if arguments.facts else {},
        progress=ConsoleProgress("comparing cases"),
    )
    if plan.new and not arguments.dry_run:
        record_split(project, plan)
    _show(plan, arguments.dry_run)
    return 0


def _show(plan: SplitPlan, dry_run: bool) -> None:
    sizes = plan.sizes()
    rows = [["part", "asked for", "cases"]]
    rows += [[part, f"{100 * share:.0f} %", str(sizes[part])] for part, share in plan.parts.items()]
    print(rows_as_text(rows))
    for link in plan.links:
        print(f"{'together' if link.binds else 'look at '}  {link}")
    for problem in plan.unread:
        print(f"not compared  {problem}")
    done = "would be placed" if dry_run else "placed"
    print(
        f"split '{plan.name}': {count_of(len(plan.new), 'case')} {done}, {len(plan.assignments) - len(plan.new)} stay"
    )


def _shares(arguments: argparse.Namespace) -> dict[str, float] | None:
    if arguments.folds is not None:
        return fold_parts(arguments.folds, arguments.test)
    if arguments.parts is None:
        return None
    shares = {}
    for text in arguments.parts:
        part, _, share = text.partition("=")
        try:
            shares[part] = float(share)
        except ValueError:
            raise InputError(f"--parts '{text[:40]}': is not PART=SHARE; such as train=0.8.") from None
        if part not in {"train", "validation", "test"}:
            raise InputError(f"--parts '{part[:40]}': is no part that formats know; use train, validation, test.")
    return shares
