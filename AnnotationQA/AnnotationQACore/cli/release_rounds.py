"""The steps `release redo`, `drift`, `rank` and `rereads`: what is read next in a living dataset."""

import argparse
from datetime import timedelta

from AnnotationQACore.agreement.statistics.results import json_value
from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.output import figure, require_place, rows_as_text, show, write_json
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.assignments import active_readers
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.release.choices import WEIGHTS
from AnnotationQACore.release.rounds.model_performance import ItemPerformance, ModelPerformance, model_performance
from AnnotationQACore.release.rounds.ranking import rank_cases
from AnnotationQACore.release.rounds.redo import readings_to_redo, send_back_for_redo
from AnnotationQACore.release.rounds.rereads import plan_rereads
from AnnotationQACore.wording import count_of

__all__ = ["drift", "rank", "redo", "rereads"]


def redo(arguments: argparse.Namespace) -> int:
    """List, or send back, the readings that a new version of the protocol asks for again."""
    require_place(arguments.json)
    project = open_project(arguments, identity_of(arguments) if arguments.send_back else None)
    found = readings_to_redo(project, ConsoleProgress("comparing protocols"))
    if arguments.json:
        write_json(arguments.json, {"protocol": project.state.protocol, "readings": json_value(found)})
    if not found:
        show("nothing to read again: every reading says what the protocol in force asks", arguments.json)
        return 0
    rows = [["case", "reader", "read under", "items"]]
    rows += [[one.case, one.reader, one.version, ", ".join(one.items)] for one in found]
    reasons = {item: reason for one in found for item, reason in one.items.items()}
    lines = [rows_as_text(rows), *(f"{item}: {reason}" for item, reason in reasons.items())]
    if arguments.send_back:
        lines.append(f"{send_back_for_redo(project, found)} cases sent back")
    show("\n".join(lines), arguments.json)
    return 0


def drift(arguments: argparse.Namespace) -> int:
    """Score a model over time."""
    require_place(arguments.json)
    project = open_project(arguments)
    result = model_performance(project, arguments.model, by=arguments.by, progress=ConsoleProgress("scoring"))
    if arguments.json:
        write_json(arguments.json, json_value(result))
    show(_drift_text(result), arguments.json)
    return 0


def _drift_text(result: ModelPerformance) -> str:
    rows = [["item", "measure", "n", "mean", "95 % interval", "quarters", "drift"]]
    rows += [_drift_row(item) for item in result.items]
    lines = [rows_as_text(rows)] if result.items else ["nothing could be scored"]
    lines += [f"left out: {line}" for line in result.left_out[:10]]
    if len(result.left_out) > 10:
        lines.append(f"left out: {len(result.left_out) - 10} more")
    return "\n".join([*lines, f"{count_of(result.n_cases, 'case')} of {result.model} scored"])


def _drift_row(item: ItemPerformance) -> list[str]:
    return [
        item.title,
        item.measure,
        str(item.n),
        figure(item.mean, 3),
        f"{figure(item.low, 3)} to {figure(item.high, 3)}",
        ", ".join(f"{quarter.name} {figure(quarter.mean, 2)}" for quarter in item.quarters),
        _signal(item.history.first_signal) if item.history else "too few cases",
    ]


def _signal(first: float | None) -> str:
    return "none" if first is None else f"from day {first:.0f}"


def rank(arguments: argparse.Namespace) -> int:
    """Rank the cases for the next round."""
    require_place(arguments.json)
    weights = _weights(arguments.weights)
    ranked = rank_cases(
        open_project(arguments),
        weights=weights,
        decided=arguments.decided,
        progress=ConsoleProgress("comparing readings"),
    )
    if arguments.json:
        write_json(arguments.json, {"cases": json_value(ranked)})
    rows = [["case", "score", "model", "readers", "rarity", "rarest finding", "status"]]
    rows += [
        [
            one.case,
            *(figure(value, 2) for value in (one.score, one.model, one.readers, one.rarity)),
            one.rarest,
            one.status,
        ]
        for one in ranked[: arguments.top]
    ]
    show(rows_as_text(rows) if ranked else "no case is left to rank", arguments.json)
    return 0


def _weights(texts: list[str]) -> dict[str, float]:
    weights = dict(WEIGHTS)
    for text in texts:
        name, _, value = text.partition("=")
        try:
            weights[name] = float(value)
        except ValueError:
            raise InputError(f"--weights '{text[:40]}': is not REASON=WEIGHT; such as rarity=0.5.") from None
    return weights


def rereads(arguments: argparse.Namespace) -> int:
    """Plan what readers read again."""
    project = open_project(arguments, None if arguments.dry_run else identity_of(arguments))
    state = project.state
    readers = arguments.readers or active_readers(state)
    plan = plan_rereads(
        state,
        readers,
        arguments.per_quarter,
        arguments.seed,
        now=utc_now(),
        quarters=arguments.quarters,
        washout=timedelta(days=arguments.washout),
    )
    if plan.assignments and not arguments.dry_run:
        project.assign(plan.assignments, arguments.seed)
    counts: dict[tuple[str, str], int] = {}
    for one in plan.assignments:
        counts[one.reader, one.available_from[:10]] = counts.get((one.reader, one.available_from[:10]), 0) + 1
    for (reader, start), cases in sorted(counts.items()):
        print(f"{reader}\tfrom {start}\t{cases}")
    for line in plan.short:
        print(f"too few cases  {line}")
    done = "would be planned" if arguments.dry_run else "planned"
    print(f"{len(plan.assignments)} re-reads of {len(set(readers))} readers {done}")
    return 0
