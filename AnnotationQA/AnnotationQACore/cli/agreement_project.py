"""Agreement over a project: every item by the statistic that the protocol asks for."""

from __future__ import annotations

import argparse
import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from AnnotationQACore.agreement.statistics.results import json_value
from AnnotationQACore.cli.acting import open_project
from AnnotationQACore.cli.console import ConsoleProgress, say
from AnnotationQACore.cli.output import rows_as_text
from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.evaluation.executors import open_executor
from AnnotationQACore.evaluation.project import ProjectAgreement, kept_results_folder, project_agreement
from AnnotationQACore.evaluation.summary import Figure, ItemSummary
from AnnotationQACore.project.folder import Project
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.wording import count_of

__all__ = ["compare", "evaluate"]


def evaluate(project: Project, arguments: argparse.Namespace) -> ProjectAgreement:
    """Compare all cases of a project; what was compared before is taken from this user's kept results."""
    with ExitStack() as stack:
        executor = None
        if arguments.scheduler or arguments.workers not in (None, 1):
            executor = stack.enter_context(open_executor(arguments.workers, arguments.scheduler))
        return project_agreement(
            project,
            executor=executor,
            keep_in=_kept(project),
            resample=arguments.resample,
            resamples=arguments.resamples,
            seed=arguments.seed,
            progress=ConsoleProgress("comparing cases"),
        )


def _kept(project: Project) -> Path | None:
    """Where results are kept; nowhere, said so, where this user has no place to write to, as in some containers."""
    try:
        return kept_results_folder(project)
    except AnnotationQAError as error:
        say(f"note: results are not kept for the next time: {error}")
        return None


def compare(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The mode of `annotation-qa agreement` for a project folder."""
    result = evaluate(open_project(argparse.Namespace(project=arguments.files[0])), arguments)
    document = {
        "protocol": result.study.protocol,
        "summary": json_value(result.summary),
        "cases": json_value(result.study.cases),
        "failed": json_value(result.study.failed),
        "not compared": list(result.unread),
    }
    return document, _table(result)


def _table(result: ProjectAgreement) -> str:
    rows = [["item", "statistic", "value", "95 % interval", "n", "asked for", "cases agreed", "to review"]]
    rows += [_row(item) for item in result.summary.items]
    lines = [rows_as_text(rows)]
    shown = [(item.title, figure) for item in result.summary.items if (figure := _shown(item)) is not None]
    lines += [f"note: {title}: {figure.note}" for title, figure in shown if figure.note]
    lines += [f"note: {case.case}: {message}" for case in result.study.cases for message in case.messages]
    lines += [f"not compared: {failed.case}: {failed.problem}" for failed in result.study.failed]
    if result.unread:
        lines.append(f"read by fewer than two readers: {count_of(len(result.unread), 'case')}")
    return "\n".join(lines)


def _shown(item: ItemSummary) -> Figure | None:
    return item.figure(item.judged_by) or (item.figures[0] if item.figures else None)


def _row(item: ItemSummary) -> list[str]:
    figure = _shown(item)
    if figure is None:
        return [item.title, "–", "–", "–", str(item.n_cases), "–", "–", "–"]
    judged = figure.name == item.judged_by
    sign = "≥" if not judged or STATISTICS[figure.name].better == "larger" else "≤"  # type: ignore[index]
    asked = f"{sign} {item.threshold:g} {'reached' if item.reached else 'missed'}" if judged else "–"
    has_verdict = item.agreed_cases + item.review_cases > 0
    return [
        item.title,
        figure.title,
        _number(figure.value),
        _interval(figure),
        f"{figure.n} {figure.of}",
        asked,
        str(item.agreed_cases) if has_verdict else "–",
        str(item.review_cases) if has_verdict else "–",
    ]


def _interval(figure: Figure) -> str:
    return "–" if math.isnan(figure.low) else f"{_number(figure.low)} to {_number(figure.high)}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
