"""The beginning of a report: do the readers agree, on what not, who deviates, which cases need a decision."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from AnnotationQACore.evaluation.summary import Figure, ItemSummary
from AnnotationQACore.project.state import CaseStatus
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.reporting.analysis_records import ReaderEstimate
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.html import Markup, Node, fragment, tag
from AnnotationQACore.reporting.item_section import summary_of
from AnnotationQACore.reporting.numbers import count, interval, number
from AnnotationQACore.reporting.page import Column, heading, table, verdict
from AnnotationQACore.reporting.plots_estimates import is_signed
from AnnotationQACore.wording import count_of

__all__ = ["glance_section"]

_DIRECTIONS = {
    "volume": ("volume larger", "volume smaller"),
    "area": ("area larger", "area smaller"),
    "boundary": ("outline outside", "outline inside"),
    "levels": ("higher", "lower"),
}
"""What a difference above and below 0 means."""

MIN_READERS_APART = 3
"""Of two readers neither agrees less with the other."""

FEW_PATIENTS = 20
"""With fewer, bootstrap intervals are said to be rough."""


def glance_section(contents: Contents) -> Iterator[Node]:
    """Four answers in words, then every item by the statistic that judges it."""
    yield heading(2, "At a glance", "summary")
    yield tag("div", *(tag("p", words) for words in _answers(contents)), class_="answer")
    summaries = contents.agreement.summary.items
    columns: Sequence[Column | str] = (
        "Item", "Judged by", Column("Value", True), Column("95 % CI", True), Column("Threshold", True), "Result",
        Column("n", True), Column("Cases that agree", True), Column("Cases for a reviewer", True),
    )  # fmt: skip
    yield table(columns, [_summary_row(one) for one in summaries],
                caption="Each item by the statistic that the protocol asks for; never averaged over items")  # fmt: skip
    if contents.agreement.summary.n_patients < FEW_PATIENTS:
        few = count(contents.agreement.summary.n_patients, "patient")
        yield tag("p", f"Intervals rest on {few}: with so few, a bootstrap makes them too narrow.", class_="open")
    without = [item.title for item in contents.protocol.items if summary_of(contents, item) is None]
    if without:
        yield tag("p", f"No case has answers of two readers to: {', '.join(without)}.", class_="soft")


def _answers(contents: Contents) -> Iterator[Node]:
    judged = [one for one in contents.agreement.summary.items if one.reached is not None]
    reached = [one.title for one in judged if one.reached]
    missed = [one.title for one in judged if not one.reached]
    if judged:
        yield fragment(
            tag("b", "Do the readers agree? "),
            f"As far as the protocol asks on {len(reached)} of {count(len(judged), 'judged item')}",
            f": {', '.join(reached)}." if reached else ".",
        )
        if missed:
            yield fragment(tag("b", "On what not? "), f"{', '.join(missed)}.")
    deviating = _deviating(contents)
    yield fragment(
        tag("b", "Who deviates? "),
        "; ".join(f"{reader}: {', '.join(items)}" for reader, items in deviating.items())
        + " (of each item the reader furthest from the others, where the 95 % interval excludes no difference or lies "
        "apart from those of all others)."
        if deviating
        else "Nobody: no interval of a difference from the others excludes 0.",
    )
    cases = len(contents.agreement.study.cases)
    decided = {one.case for one in contents.cases if one.status == CaseStatus.DECIDED}
    waiting = sum(one.case not in decided for one in contents.attention)
    yield fragment(
        tag("b", "Which cases need a decision? "),
        f"{waiting} of {count(cases, 'compared case')} on at least one item",
        f" ({len(contents.attention) - waiting} decided already); " if waiting < len(contents.attention) else "; ",
        tag("a", "the list", href="#attention"),
        " begins with those that have most.",
    )


def _deviating(contents: Contents) -> dict[str, list[str]]:
    """For each reader the items on which no other is further out."""
    found: dict[str, list[str]] = {}
    for item in contents.protocol.items:
        analysis = contents.analyses.get(item.id)
        for figures in analysis.readers if analysis else ():
            known = [one for one in figures.readers if not math.isnan(one.estimate.value)]
            outlier = _apart(known, figures.title) if not is_signed(figures) else _furthest(known)
            if outlier is not None:
                above, below = _DIRECTIONS.get(figures.name, ("larger", "smaller"))
                direction = above if outlier.estimate.value > 0 else below
                words = (
                    f"{item.title} {direction}" if is_signed(figures) else f"{item.title} agrees less with the others"
                )
                found.setdefault(outlier.reader, []).append(words)
    return dict(sorted(found.items()))


def _furthest(known: Sequence[ReaderEstimate]) -> ReaderEstimate | None:
    """The reader with the largest signed difference, if its interval excludes 0."""
    furthest = max(known, key=lambda one: abs(one.estimate.value), default=None)
    if furthest is None or not (furthest.estimate.low > 0 or furthest.estimate.high < 0):
        return None
    return furthest


def _apart(known: Sequence[ReaderEstimate], title: str) -> ReaderEstimate | None:
    """The reader who agrees least with the others, if the interval lies apart from those of all others."""
    if len(known) < MIN_READERS_APART:
        return None
    sign = -1.0 if "mm" in title else 1.0
    least, *others = sorted(known, key=lambda one: sign * one.estimate.value)
    own_end = least.estimate.high if sign > 0 else -least.estimate.low
    ends = [one.estimate.low if sign > 0 else -one.estimate.high for one in others]
    return least if own_end < min(ends) else None


def _summary_row(one: ItemSummary) -> Sequence[Node]:
    link = tag("a", one.title, href=f"#item-{one.item}")
    shown = one.figure(one.judged_by) if one.judged_by else next(iter(one.figures), None)
    if shown is None:
        title = STATISTICS[one.judged_by].title if one.judged_by else "–"  # type: ignore[index]
        unknown = verdict(None, unknown="not computed" if one.judged_by else "not judged")
        asked = _threshold(one) if one.judged_by else "–"
        return (link, title, "–", "–", asked, unknown, f"{count_of(one.n_cases, 'case')}", "–", "–")
    judged = shown.name == one.judged_by
    has_verdict = one.agreed_cases + one.review_cases > 0
    return (
        link,
        shown.title,
        number(shown.value),
        interval(shown.low, shown.high),
        _threshold(one) if judged else "–",
        _result(one, shown),
        f"{shown.n} {shown.of}",
        str(one.agreed_cases) if has_verdict else "–",
        str(one.review_cases) if has_verdict else "–",
    )


def _threshold(one: ItemSummary) -> str:
    return f"{'≥' if STATISTICS[one.judged_by].better == 'larger' else '≤'} {one.threshold:g}"  # type: ignore[index]


def _result(one: ItemSummary, shown: Figure) -> Markup:
    words = []
    if one.reached is not None and math.isfinite(shown.low) and shown.low <= one.threshold <= shown.high:
        words.append("CI includes the threshold")
    if shown.low == shown.high:
        words.append("CI without width: all resamples alike")
    return fragment(verdict(one.reached), tag("span", f" {'; '.join(words)}", class_="soft") if words else None)
