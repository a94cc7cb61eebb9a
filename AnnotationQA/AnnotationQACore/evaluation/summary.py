"""How far the readers of a study agree: for each item several statistics side by side, with intervals.

Statistics of different kinds are never averaged into one score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from AnnotationQACore.agreement.statistics.intervals import bootstrap
from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.evaluation.answer_statistics import answer_statistics
from AnnotationQACore.evaluation.drawn_statistics import drawn_statistics
from AnnotationQACore.evaluation.segmentation_items import surface_tolerance_mm
from AnnotationQACore.evaluation.study import StudyAgreement
from AnnotationQACore.evaluation.study_statistics import Found, StudyStatistic
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.protocol.items import Item, Segmentation
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.statistics import STATISTICS

__all__ = ["Figure", "ItemSummary", "StudySummary", "summarize"]


@dataclass(frozen=True, slots=True)
class Figure(Result):
    """One statistic over the cases.

    Attributes
    ----------
    name : str
        As in `STATISTICS` where it is one of them.
    title : str
        For people, with the unit.
    value : float
        NaN where undefined.
    low, high : float
        95 % interval from a bootstrap by patient: bias-corrected and accelerated, percentile where that is undefined.
    n : int
        Cases, lesions or pairs of readers that count; `of` says which.
    of : str
    n_patients : int
    undefined : int
        Of those that could count, how many have no value (both absent, not assessable).
    undefined_resamples : int
        Resamples that left the statistic undefined and are out of the interval.
    note : str
    """

    name: str
    title: str
    value: float
    low: float
    high: float
    n: int
    of: str
    n_patients: int
    undefined: int = 0
    undefined_resamples: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class ItemSummary(Result):
    """Agreement on one item over all cases.

    Attributes
    ----------
    item, title, kind : str
    readers : tuple of str
    n_cases : int
        Cases in which two readers or more answered it.
    figures : tuple of Figure
    judged_by : str
        The protocol's statistic; empty where it asks for none.
    threshold : float
    reached : bool or None
        Whether the protocol's statistic over all cases reaches its threshold; None where that cannot be said.
    agreed_cases, review_cases : int
        Cases that the protocol would accept without a reviewer, and those that it would not.
    """

    item: str
    title: str
    kind: str
    readers: tuple[str, ...]
    n_cases: int
    figures: tuple[Figure, ...]
    judged_by: str
    threshold: float
    reached: bool | None
    agreed_cases: int
    review_cases: int

    def figure(self, name: str) -> Figure | None:
        """One figure by the name of its statistic."""
        return next((figure for figure in self.figures if figure.name == name), None)


@dataclass(frozen=True, slots=True)
class StudySummary(Result):
    """All items, in the order of the protocol."""

    items: tuple[ItemSummary, ...]
    n_cases: int
    n_patients: int
    resamples: int
    seed: int


def summarize(
    study: StudyAgreement,
    protocol: Protocol,
    *,
    resamples: int = 2000,
    seed: int = 0,
    progress: Progress = silent,
) -> StudySummary:
    """Summarize a study.

    Parameters
    ----------
    study : StudyAgreement
    protocol : Protocol
        The one under which it was read.
    resamples, seed : int
        Of the bootstrap.
    progress : Progress
        Called before each item.
    """
    summaries = []
    for done, item in enumerate(protocol.items):
        progress(done, len(protocol.items), item.title)
        found = [(case, one) for case in study.cases if (one := case.item(item.id)) is not None]
        compared = [(case, one) for case, one in found if len(one.readers) > 1]
        if compared:
            summaries.append(_summarize(item, compared, resamples, seed))
    progress(len(protocol.items), len(protocol.items))
    patients = {case.patient for case in study.cases}
    return StudySummary(tuple(summaries), len(study.cases), len(patients), resamples, seed)


def _summarize(item: Item, found: Found, resamples: int, seed: int) -> ItemSummary:
    statistics = [*drawn_statistics(found), *answer_statistics(item, found)]
    figures = tuple(_titled(_figure(one, resamples, seed), item) for one in statistics)
    judged_by = item.agreement.statistic if item.agreement else ""
    threshold = item.agreement.threshold if item.agreement else math.nan
    verdicts = [one.agreed for _, one in found]
    return ItemSummary(
        item=item.id,
        title=item.title,
        kind=item.kind,
        readers=tuple(dict.fromkeys(reader for _, one in found for reader in one.readers)),
        n_cases=len(found),
        figures=figures,
        judged_by=judged_by,
        threshold=threshold,
        reached=_reached(item, figures, found),
        agreed_cases=verdicts.count(True),
        review_cases=verdicts.count(False),
    )


def _figure(one: StudyStatistic, resamples: int, seed: int) -> Figure:
    interval = bootstrap(one.statistic, one.patients, resamples=resamples, seed=seed)[one.name]
    accelerated = not math.isnan(interval.bca_low)
    notes = [one.note] if one.note else []
    if interval.low == interval.high:
        notes.append("all resamples give this value, so that the interval does not show how sure it is")
    return Figure(
        name=one.name,
        title=one.title,
        value=interval.estimate,
        low=interval.bca_low if accelerated else interval.low,
        high=interval.bca_high if accelerated else interval.high,
        n=one.counted,
        of=one.of,
        n_patients=interval.n_drawn,
        undefined=len(one.patients) - one.counted,
        undefined_resamples=interval.undefined,
        note="; ".join(notes),
    )


def _titled(figure: Figure, item: Item) -> Figure:
    """Name the tolerance, without which a surface Dice says nothing."""
    if not isinstance(item, Segmentation) or figure.name.split()[-1] != "nsd":
        return figure
    name, comma, rest = figure.title.partition(",")
    return replace(figure, title=f"{name} at {surface_tolerance_mm(item):g} mm{comma}{rest}")


def _reached(item: Item, figures: Sequence[Figure], found: Found) -> bool | None:
    if item.agreement is None:
        return None
    pairs = [pair for _, one in found for pair in one.pairs]
    if any(math.isinf(pair.figures.get(item.agreement.statistic, 0.0)) for pair in pairs):
        return False  # a reader drew nothing where another drew: no distance is larger
    value = next((figure.value for figure in figures if figure.name == item.agreement.statistic), math.nan)
    if math.isnan(value):
        return None
    if STATISTICS[item.agreement.statistic].better == "larger":
        return value >= item.agreement.threshold
    return value <= item.agreement.threshold
