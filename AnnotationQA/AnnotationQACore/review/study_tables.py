"""Agreement over the cases of a project as plain tables, for tables and plots."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.ratings.bland_altman import BlandAltman, bland_altman
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement

__all__ = [
    "BlandAltmanData",
    "ConfusionTable",
    "PairRow",
    "ReaderBias",
    "bland_altman_data",
    "confusion_tables",
    "drift",
    "pair_rows",
    "reader_biases",
]


@dataclass(frozen=True, slots=True)
class PairRow:
    """One figure of two readers on one item in one case."""

    case: str
    item: str
    a: str
    b: str
    figure: str
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class BlandAltmanData:
    """Values of two readers on one item, case by case.

    Attributes
    ----------
    a, b : str
        Readers.
    cases : tuple of str
        Case and subject of each point.
    means, differences : float array, shape (point,)
        Mean of the two, and a - b, in the unit of the item (mm³ for segmentations).
    limits : BlandAltman
    """

    a: str
    b: str
    cases: tuple[str, ...]
    means: NDArray[np.float64]
    differences: NDArray[np.float64]
    limits: BlandAltman


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionTable:
    """How often reader a gave one answer where b gave another: counts, shape (answers of a, answers of b)."""

    a: str
    b: str
    answers: tuple[str, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ReaderBias:
    """How a reader differs from the others on a segmented item, on average over the cases.

    Attributes
    ----------
    reader : str
    volume_percent : float
        Mean of ``100 (own volume - mean of the others) / mean of the others``: above 0 is over-segmentation. NaN where
        nobody else drew it.
    boundary_shift_mm : float
        Mean distance of the own surface outside (negative: inside) that of the others.
    n_cases : int
    """

    reader: str
    volume_percent: float
    boundary_shift_mm: float
    n_cases: int


def pair_rows(cases: Iterable[CaseAgreement], item: str, figure: str) -> tuple[PairRow, ...]:
    """A figure such as ``dice`` of every case and pair of readers, in the order of the cases."""
    return tuple(
        PairRow(case.case, item, pair.a, pair.b, figure, pair.figures[figure])
        for case, one in _found(cases, item)
        for pair in one.pairs
        if figure in pair.figures
    )


def bland_altman_data(cases: Iterable[CaseAgreement], item: str) -> tuple[BlandAltmanData, ...]:
    """Differences of every two readers who share two numbers or more: measurements, ratings, volumes."""
    given: dict[tuple[str, str], list[tuple[str, float, float]]] = defaultdict(list)
    for case, one in _found(cases, item):
        for row in one.values:
            numbers = {reader: float(v) for reader, v in row.values.items() if isinstance(v, (int, float))}
            for a, b in combinations(sorted(numbers), 2):
                where = f"{case.case}, {row.subject}" if row.subject else case.case
                given[(a, b)].append((where, numbers[a], numbers[b]))
    found = []
    for (a, b), rows in sorted(given.items()):
        if len(rows) < 2:
            continue
        first = np.array([row[1] for row in rows], dtype=np.float64)
        second = np.array([row[2] for row in rows], dtype=np.float64)
        limits = bland_altman(first, second)
        found.append(BlandAltmanData(a, b, tuple(row[0] for row in rows), (first + second) / 2, first - second, limits))
    return tuple(found)


def confusion_tables(cases: Iterable[CaseAgreement], item: str) -> tuple[ConfusionTable, ...]:
    """Answers of every two readers against each other; "not assessable" is an answer here."""
    counted: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for _, one in _found(cases, item):
        for row in one.values:
            words = {reader: _answer(value) for reader, value in row.values.items()}
            for a, b in combinations(sorted(words), 2):
                counted[(a, b)][(words[a], words[b])] += 1
    answers = tuple(sorted({word for pairs in counted.values() for pair in pairs for word in pair}, key=_order))
    place = {answer: number for number, answer in enumerate(answers)}
    tables = []
    for (a, b), pairs in sorted(counted.items()):
        counts = np.zeros((len(answers), len(answers)), dtype=np.int64)
        for (x, y), n in pairs.items():
            counts[place[x], place[y]] = n
        tables.append(ConfusionTable(a, b, answers, counts))
    return tuple(tables)


def reader_biases(cases: Iterable[CaseAgreement], item: str) -> tuple[ReaderBias, ...]:
    """Systematic over- or under-segmentation of each reader."""
    percents: dict[str, list[float]] = defaultdict(list)
    shifts: dict[str, list[float]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for _, one in _found(cases, item):
        totals: dict[str, float] = defaultdict(float)
        for row in one.values:
            for reader, value in row.values.items():
                if isinstance(value, (int, float)):
                    totals[reader] += value
        for reader in one.readers:
            counts[reader] += 1
            others = [total for name, total in totals.items() if name != reader]
            if others and math.fsum(others) > 0:
                mean = math.fsum(others) / len(others)
                percents[reader].append(100 * (totals.get(reader, 0.0) - mean) / mean)
        for pair in one.pairs:
            shift = pair.figures.get("boundary_shift_mm", math.nan)
            if math.isfinite(shift):
                shifts[pair.a].append(shift)
                shifts[pair.b].append(-shift)
    return tuple(ReaderBias(r, _mean(percents[r]), _mean(shifts[r]), n) for r, n in sorted(counts.items()))


def drift(
    cases: Sequence[CaseAgreement], item: str, figure: str, times: Mapping[tuple[str, str], str]
) -> Mapping[str, tuple[tuple[str, float], ...]]:
    """Mean of a figure of each reader with the others, case by case in the order of the reader's own submissions.

    Parameters
    ----------
    times : mapping of (case, reader) to str
        When each reader submitted each case, as in the ledger.

    Returns
    -------
    mapping of reader to tuple of (time, value)
    """
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for case, one in _found(cases, item):
        for reader in one.readers:
            values = [p.figures.get(figure, math.nan) for p in one.pairs if reader in (p.a, p.b)]
            known = [value for value in values if math.isfinite(value)]
            if known and (case.case, reader) in times:
                found[reader].append((times[(case.case, reader)], _mean(known)))
    return {reader: tuple(sorted(rows)) for reader, rows in sorted(found.items())}


def _found(cases: Iterable[CaseAgreement], item: str) -> Iterator[tuple[CaseAgreement, ItemAgreement]]:
    for case in cases:
        one = case.item(item)
        if one is not None and len(one.readers) > 1:
            yield case, one


def _answer(value: float | str | None) -> str:
    if value is None:
        return "not assessable"
    return f"{value:g}" if isinstance(value, (int, float)) else value


def _order(answer: str) -> tuple[bool, float, str]:
    """Levels by number, then words."""
    try:
        return False, float(answer), answer
    except ValueError:
        return True, 0.0, answer


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
