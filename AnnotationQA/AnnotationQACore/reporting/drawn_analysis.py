"""Analysis of items that are drawn: pairs, distributions, boundary shift, detection."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from AnnotationQACore.evaluation.drawn_statistics import TITLES
from AnnotationQACore.evaluation.records import ItemAgreement, PairFigures
from AnnotationQACore.evaluation.study_statistics import Found
from AnnotationQACore.protocol.items import Item
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.reporting.analysis_records import (
    Detection,
    Distribution,
    PairMean,
    ReaderEstimate,
    ReaderFigures,
)
from AnnotationQACore.reporting.estimates import Bootstrap

__all__ = ["boundary_shift", "detection", "distributions", "pair_statistic", "reader_agreement"]

Rows = Sequence[tuple[str, Sequence[PairFigures]]]
"""Patient and pairs of each case or lesion."""

DISTANCES = ("hd95", "hausdorff_mm", "max_distance_mm")


def pair_statistic(item: Item, found: Found) -> str:
    """The statistic that pairs are shown by: the protocol's where it is one of a case, or the first that there is."""
    names = dict.fromkeys(name for _, one in found for pair in one.pairs for name in pair.figures if name in TITLES)
    if item.agreement and STATISTICS[item.agreement.statistic].of_one_case and item.agreement.statistic in names:
        return item.agreement.statistic
    return next(iter(names), "")


def rows_of(found: Found, of: str) -> Rows:
    """Pairs of each case, or of each lesion that both readers of the pair drew."""
    if of == "cases":
        return [(case.patient, one.pairs) for case, one in found]
    return [
        (case.patient, [pair for pair in lesion.pairs if pair.state == "both present"])
        for case, one in found
        for lesion in one.instances
    ]


def distributions(name: str, found: Found, readers: Sequence[str]) -> tuple[Distribution, ...]:
    """Distribution of a statistic over cases, and over lesions together with that of a distance."""
    has_lesions = any(one.instances for _, one in found)
    chosen = [("cases", name)]
    if has_lesions:
        chosen.append(("lesions", name))
    distance = next((other for other in DISTANCES if other != name and _has(found, other)), None)
    if distance and distance in TITLES:
        chosen.append(("lesions" if has_lesions else "cases", distance))
    made = [_distribution(statistic, of, rows_of(found, of), readers) for of, statistic in chosen]
    return tuple(one for one in made if any(one.values))


def reader_agreement(name: str, found: Found, readers: Sequence[str], of: str, bootstrap: Bootstrap) -> ReaderFigures:
    """For each reader the mean over cases or lesions of the mean over the pairs with the other readers."""
    rows = rows_of(found, of)
    patients = [patient for patient, _ in rows]
    estimates = []
    for reader in readers:
        values = [
            _mean(pair.figures.get(name, math.nan) for pair in pairs if reader in (pair.a, pair.b)) for _, pairs in rows
        ]
        estimates.append(ReaderEstimate(reader, bootstrap.mean(values, patients)))
    return ReaderFigures("agreement with the others", f"{TITLES[name]}, mean with the others", of, tuple(estimates))


def boundary_shift(found: Found, readers: Sequence[str], bootstrap: Bootstrap) -> ReaderFigures | None:
    """Signed distance in mm by which a reader's outline lies outside those of the others."""
    of = "lesions" if any(one.instances for _, one in found) else "cases"
    rows = rows_of(found, of)
    if not any("boundary_shift_mm" in pair.figures for _, pairs in rows for pair in pairs):
        return None
    patients = [patient for patient, _ in rows]
    estimates = []
    for reader in readers:
        values = [_mean(_shift_of(reader, pair) for pair in pairs) for _, pairs in rows]
        estimates.append(ReaderEstimate(reader, bootstrap.mean(values, patients)))
    return ReaderFigures("boundary", "Outline outside (+) or inside (-) that of the others, mm", of, tuple(estimates))


def detection(found: Found, readers: Sequence[str]) -> Detection | None:
    """How many readers found each lesion; None where there are no lesions."""
    lesions = [(one, lesion) for _, one in found for lesion in one.instances]
    if not lesions:
        return None
    most = max(len(one.readers) for _, one in found)
    found_by = [0] * most
    for _, lesion in lesions:
        found_by[len(lesion.members) - 1] += 1
    return Detection(
        n_readers=most,
        found_by=tuple(found_by),
        partial_cases=sum(len(one.readers) < most for _, one in found),
        readers=tuple(readers),
        found=tuple(sum(reader in lesion.members for _, lesion in lesions) for reader in readers),
        alone=tuple(sum(set(lesion.members) == {reader} for _, lesion in lesions) for reader in readers),
        missed=tuple(sum(_missed_alone(reader, one, lesion.members) for one, lesion in lesions) for reader in readers),
    )


def _missed_alone(reader: str, one: ItemAgreement, members: Iterable[str]) -> bool:
    others = set(one.readers) - {reader}
    return reader in one.readers and len(others) > 0 and set(members) == others


def _distribution(name: str, of: str, rows: Rows, readers: Sequence[str]) -> Distribution:
    means, values, infinite = [], [], []
    by_pair: dict[frozenset[str], list[float]] = {}
    for _, pairs in rows:
        for pair in pairs:
            by_pair.setdefault(frozenset((pair.a, pair.b)), []).append(pair.figures.get(name, math.nan))
    for a, b in combinations(readers, 2):
        figures = by_pair.get(frozenset((a, b)), [])
        finite = sorted(figure for figure in figures if math.isfinite(figure))
        means.append(PairMean(a, b, _mean(finite), len(finite)))
        values.append(tuple(finite))
        infinite.append(sum(math.isinf(figure) for figure in figures))
    return Distribution(name, TITLES[name], of, tuple(means), tuple(values), tuple(infinite))


def _shift_of(reader: str, pair: PairFigures) -> float:
    shift = pair.figures.get("boundary_shift_mm", math.nan)
    return shift if reader == pair.a else -shift if reader == pair.b else math.nan


def _has(found: Found, name: str) -> bool:
    return any(name in pair.figures for _, one in found for pair in one.pairs)


def _mean(figures: Iterable[float]) -> float:
    finite = np.array([figure for figure in figures if math.isfinite(figure)])
    return float(finite.mean()) if len(finite) else math.nan
