"""Analysis of answers: categories, and numbers such as measurements and volumes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from AnnotationQACore.agreement.ratings.bland_altman import bland_altman, limits_statistic
from AnnotationQACore.agreement.ratings.categories import NOT_READ, CategoryRatings
from AnnotationQACore.agreement.ratings.categories_coefficients import coefficient_statistic
from AnnotationQACore.agreement.ratings.categories_pairs import compare_pairs, kappa_statistic
from AnnotationQACore.agreement.ratings.longitudinal import leave_one_out_differences
from AnnotationQACore.agreement.ratings.weights import agreement_weights
from AnnotationQACore.agreement.statistics.intervals import SumStatistic, combined
from AnnotationQACore.agreement.statistics.results import FloatArray
from AnnotationQACore.evaluation.answers import MULTIPLE_SEPARATOR, scale_of
from AnnotationQACore.evaluation.figure_names import figure_name
from AnnotationQACore.evaluation.study_statistics import Found
from AnnotationQACore.protocol.items import Classification, Item, Rating
from AnnotationQACore.reporting.analysis_records import (
    CategoryTables,
    Estimate,
    PairLimits,
    PairMean,
    PairTable,
    ReaderEstimate,
    ReaderFigures,
)
from AnnotationQACore.reporting.estimates import Bootstrap, mean_over

__all__ = [
    "AnswerTable",
    "answer_table",
    "category_tables",
    "category_titles",
    "pair_kappas",
    "pair_limits",
    "reader_bias",
]

Cell = float | str | None


class AnswerTable:
    """Answers about the same subjects: rows are subjects that two readers or more answered, columns are readers."""

    __slots__ = ("of", "patients", "readers", "values")

    def __init__(self, readers: Sequence[str], patients: Sequence[str], values: Sequence[Sequence[Cell]], of: str):
        self.readers = tuple(readers)
        self.patients = tuple(patients)
        self.values = values
        self.of = of

    def numbers(self) -> FloatArray:
        """Values as numbers, shape (subject, reader); NaN is missing."""
        rows = [[math.nan if value is None else float(value) for value in row] for row in self.values]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.readers))

    def categories(self, item: Classification | Rating) -> CategoryRatings:
        """Values as categories, all that the protocol admits."""
        return CategoryRatings.from_values(self.values, self.readers, scale_of(item, self.values))


def answer_table(item: Item, found: Found, readers: Sequence[str]) -> AnswerTable | None:
    """Collect the answers; None where there is none."""
    rows = [(case.patient, row.values) for case, one in found for row in one.values if len(row.values) > 1]
    values = [[row.get(reader) for reader in readers] for _, row in rows]
    if not any(value is not None for row in values for value in row):
        return None
    has_lesions = any(one.instances for _, one in found) or item.scope.level == "instance"
    return AnswerTable(readers, [patient for patient, _ in rows], values, "lesions" if has_lesions else "cases")


def category_titles(item: Classification | Rating, categories: Sequence[str]) -> tuple[str, ...]:
    """Categories in the protocol's words."""
    if isinstance(item, Rating):
        titles = {str(level.value): f"{level.value} {level.title}" for level in item.levels}
    else:
        titles = {choice.id: choice.title for choice in item.answers}
    return tuple(
        MULTIPLE_SEPARATOR.join(titles.get(part, part) for part in category.split(MULTIPLE_SEPARATOR))
        for category in categories
    )


def category_tables(item: Classification | Rating, table: AnswerTable) -> CategoryTables:
    """Contingency tables of all pairs, and how often each reader gave each category."""
    ratings = table.categories(item)
    pairs = compare_pairs(ratings)
    counts = np.array([pair.table for pair in pairs], dtype=np.int64).reshape(-1, *(len(ratings.categories),) * 2)
    pooled = counts.sum(axis=0)
    both = np.diag(pooled)
    either = pooled.sum(axis=0) + pooled.sum(axis=1)
    neither = pooled.sum() - either + both
    used = ratings.one_hot().sum(axis=0)
    tables = []
    for (a, b), pair in zip(combinations(range(len(table.readers)), 2), pairs, strict=True):
        tables.append(
            PairTable(
                pair.a,
                pair.b,
                pair.n,
                pair.table,
                pair.percent_agreement,
                pair.kappa.value,
                float(_ac1(ratings, a, b).estimates()[0]),
                pair.prevalence_index,
                pair.bias_index,
            )
        )
    return CategoryTables(
        categories=ratings.categories,
        titles=category_titles(item, ratings.categories),
        pooled=_integers(pooled),
        pairs=tuple(tables),
        readers=table.readers,
        used=_integers(used),
        positive=tuple(_share(2 * x, y) for x, y in zip(both, either, strict=True)),
        negative=tuple(_share(2 * x, 2 * x + y - 2 * z) for x, y, z in zip(neither, either, both, strict=True)),
    )


def pair_kappas(
    item: Classification | Rating, table: AnswerTable, bootstrap: Bootstrap
) -> tuple[str, tuple[PairMean, ...], ReaderFigures]:
    """A coefficient of every two readers, and each reader's mean of it with the others.

    It is Gwet's AC1 where the protocol judges by it, otherwise kappa, with quadratic weights where levels are ordered.

    Returns its title, the pairs, and the readers.
    """
    ratings = table.categories(item)
    title, statistic = _pair_coefficient(item, ratings)
    statistics = {(a, b): statistic(a, b) for a, b in combinations(range(len(table.readers)), 2)}
    read = ratings.codes >= 0
    pairs = tuple(
        PairMean(table.readers[a], table.readers[b], float(one.estimates()[0]), int((read[:, a] & read[:, b]).sum()))
        for (a, b), one in statistics.items()
    )
    readers = []
    for place, reader in enumerate(table.readers):
        own = mean_over(combined([one for pair, one in statistics.items() if place in pair]))
        shared = int((read[:, place] & (read.sum(axis=1) >= 2)).sum())
        readers.append(ReaderEstimate(reader, bootstrap.estimates(own, table.patients, shared)[0]))
    figures = ReaderFigures("agreement with the others", f"{title}, mean with the others", table.of, tuple(readers))
    return title, pairs, figures


def reader_bias(
    table: AnswerTable, name: str, title: str, bootstrap: Bootstrap, *, relative: bool = False
) -> ReaderFigures:
    """Signed difference of each reader from the mean of the others, mean over subjects.

    With `relative` in per cent, from logarithms: the geometric mean of the ratio to the geometric mean of the others,
    so that large lesions do not outweigh small ones. Values of 0 have no ratio and are left out.
    """
    values = table.numbers()
    if relative:
        values = np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), np.nan)
    differences = leave_one_out_differences(values)
    estimates = [bootstrap.mean(differences[:, place], table.patients) for place in range(len(table.readers))]
    if relative:
        estimates = [Estimate(_percent(one.value), _percent(one.low), _percent(one.high), one.n) for one in estimates]
    readers = tuple(ReaderEstimate(reader, one) for reader, one in zip(table.readers, estimates, strict=True))
    return ReaderFigures(name, title, table.of, readers)


def pair_limits(table: AnswerTable, bootstrap: Bootstrap, *, relative: bool = False) -> tuple[PairLimits, ...]:
    """Bland-Altman analysis of every two readers; with `relative` the differences are in per cent of the mean."""
    values = table.numbers()
    limits = []
    for first, second in combinations(range(len(table.readers)), 2):
        a, b = values[:, first], values[:, second]
        both = ~(np.isnan(a) | np.isnan(b))
        if relative:
            both &= a + b > 0
        a, b = a[both], b[both]
        if len(a) < 2:
            continue
        means, differences = (a + b) / 2.0, a - b
        if relative:
            differences = 100.0 * differences / means
        patients = [patient for patient, counts in zip(table.patients, both, strict=True) if counts]
        statistic = limits_statistic(differences, np.zeros_like(differences))
        bias, lower, upper = bootstrap.estimates(statistic, patients, len(a))
        half = differences / 2.0  # the two readings whose mean and difference are those of the plot
        proportional = bland_altman(means + half, means - half).proportional
        limits.append(
            PairLimits(
                table.readers[first],
                table.readers[second],
                bias,
                lower,
                upper,
                proportional,
                tuple(means.tolist()),
                tuple(differences.tolist()),
            )
        )
    return tuple(limits)


def _pair_coefficient(
    item: Classification | Rating, ratings: CategoryRatings
) -> tuple[str, Callable[[int, int], SumStatistic]]:
    if item.agreement and item.agreement.statistic == "gwet_ac1":
        return figure_name("gwet_ac1").title, lambda a, b: _ac1(ratings, a, b)
    if isinstance(item, Rating) and item.scale == "ordinal":
        weights = agreement_weights("quadratic", ratings.scores)
        return figure_name("weighted_kappa_quadratic").title, lambda a, b: kappa_statistic(ratings, a, b, weights)
    return figure_name("cohen_kappa").title, lambda a, b: kappa_statistic(ratings, a, b)


def _ac1(ratings: CategoryRatings, a: int, b: int) -> SumStatistic:
    """Gwet's AC1 of two readers on what both read; undefined where they share nothing."""
    codes = ratings.codes[:, [a, b]]
    both = np.all(codes >= 0, axis=1, keepdims=True)
    codes = np.where(both, codes, NOT_READ)
    names = (ratings.readers[a], ratings.readers[b])
    statistic = coefficient_statistic(CategoryRatings(codes, ratings.categories, ratings.scores, names))
    place = statistic.names.index("gwet")
    return SumStatistic(("gwet",), statistic.terms, lambda sums: statistic.evaluate(sums)[..., place : place + 1])


def _percent(log_ratio: float) -> float:
    return 100.0 * math.expm1(log_ratio)


def _integers(counts: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(value) for value in row) for row in counts)


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else math.nan
