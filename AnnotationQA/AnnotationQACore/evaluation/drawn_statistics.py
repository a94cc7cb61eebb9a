"""Statistics over the cases for what readers draw: overlap, distance, detection."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from AnnotationQACore.agreement.statistics.intervals import mean_statistic
from AnnotationQACore.evaluation.figure_names import FIGURES
from AnnotationQACore.evaluation.records import PairFigures
from AnnotationQACore.evaluation.study_statistics import Found, StudyStatistic
from AnnotationQACore.protocol.statistics import STATISTICS

__all__ = ["drawn_statistics"]

SUMMARIZED = (*(name for name, facts in STATISTICS.items() if facts.of_one_case), "hausdorff_mm")
TITLES = {name: FIGURES[name].title for name in SUMMARIZED}
"""Figures of pairs that are summarized, and their titles."""


def drawn_statistics(found: Found) -> Iterator[StudyStatistic]:
    """Mean over cases of the mean over pairs of readers; of items with instances, also over the single lesions.

    A case in which both readers of a pair drew nothing has no overlap and counts as undefined. A distance is infinite
    where only one of them drew: such pairs are counted in the note, the mean is that of the pairs in which both did,
    and `summary` lets no such mean reach a threshold.
    """
    patients = tuple(case.patient for case, _ in found)
    cases = [one.pairs for _, one in found]
    yield from _means(cases, patients, "cases", "")
    lesions = [(case.patient, lesion) for case, one in found for lesion in one.instances]
    if lesions:
        shared = [[pair for pair in lesion.pairs if pair.state == "both present"] for _, lesion in lesions]
        yield from _means(shared, tuple(patient for patient, _ in lesions), "lesions", "per lesion ")


def _means(
    rows: Sequence[Iterable[PairFigures]], patients: tuple[str, ...], of: str, prefix: str
) -> Iterator[StudyStatistic]:
    names = dict.fromkeys(name for row in rows for pair in row for name in pair.figures if name in TITLES)
    for name in names:
        figures = [[pair.figures.get(name, math.nan) for pair in row] for row in rows]
        infinite = sum(math.isinf(figure) for row in figures for figure in row)
        values = np.array([_mean(row) for row in figures])
        counted = int(np.isfinite(values).sum())
        if not counted:
            continue
        note = ""
        if infinite:
            alone = f"{infinite} pair{'s' * (infinite > 1)} in which only one drew it"
            note = f"infinite in {alone}; this is the mean of the others"
        statistic = mean_statistic(values, f"{prefix}{name}")
        title = f"{TITLES[name]}, per lesion" if prefix else TITLES[name]
        yield StudyStatistic(title, statistic, patients, of, counted, note)


def _mean(figures: Sequence[float]) -> float:
    finite = [figure for figure in figures if math.isfinite(figure)]
    return math.fsum(finite) / len(finite) if finite else math.nan
