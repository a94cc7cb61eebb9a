"""Agreement of two readers on categories: kappa, and what explains it when it surprises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.weights import agreement_weights
from AnnotationQACore.agreement.statistics.distributions import normal_quantile
from AnnotationQACore.agreement.statistics.intervals import SumStatistic
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = [
    "CategoryAgreement",
    "CategoryPair",
    "Kappa",
    "category_agreement",
    "cohen_kappa",
    "compare_pairs",
    "contingency_table",
    "kappa_statistic",
]


@dataclass(frozen=True, slots=True)
class Kappa(Result):
    """Cohen's kappa of one table.

    Attributes
    ----------
    value : float
        NaN where undefined; `reason` then says why.
    standard_error, low, high : float
        Large-sample error and interval (Fleiss, Cohen and Everitt 1969, Psychol Bull 72:323).
    standard_error_h0, z : float
        Error under no agreement beyond chance, and the test that uses it.
    observed, expected : float
        (Weighted) agreement observed and expected by chance.
    n : float
        Cases.
    """

    value: float
    standard_error: float
    low: float
    high: float
    standard_error_h0: float
    z: float
    observed: float
    expected: float
    n: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CategoryAgreement(Result):
    """One category against the rest.

    Attributes
    ----------
    positive, negative : float
        Specific agreement on the category, and on its absence (Cicchetti and Feinstein 1990, J Clin Epidemiol 43:551).
    kappa : float
    prevalence_index, bias_index : float
        Byrt, Bishop and Carlin 1993, J Clin Epidemiol 46:423; signed: positive when the category is chosen by both in
        more than half of cases, and when the first reader chooses it more often.
    """

    category: str
    positive: float
    negative: float
    kappa: float
    prevalence_index: float
    bias_index: float


@dataclass(frozen=True, slots=True)
class CategoryPair(Result):
    """Two readers on the cases that both read.

    Attributes
    ----------
    a, b : str
        Names of the readers.
    n : int
        Cases that both read.
    kappa, linear, quadratic : Kappa
    pabak : float
        Prevalence- and bias-adjusted kappa: (q observed - 1) / (q - 1) for q categories.
    prevalence_index, bias_index : float
        Of a scale with two categories, for the second of them (the positive one); NaN for others, where `categories`
        shows them.
    table : tuple
        Contingency table, rows are `a`.
    categories : tuple of CategoryAgreement
    """

    a: str
    b: str
    n: int
    percent_agreement: float
    kappa: Kappa
    linear: Kappa
    quadratic: Kappa
    pabak: float
    prevalence_index: float
    bias_index: float
    table: tuple[tuple[int, ...], ...]
    categories: tuple[CategoryAgreement, ...]


def contingency_table(ratings: CategoryRatings, first: int, second: int) -> FloatArray:
    """Count the cases that both readers read, shape (category, category), rows are the first reader."""
    size = len(ratings.categories)
    codes = ratings.codes[:, [first, second]]
    both = codes[(codes >= 0).all(axis=1)]
    return np.bincount(both[:, 0] * size + both[:, 1], minlength=size**2).reshape(size, size).astype(np.float64)


def cohen_kappa(
    table: ArrayLike, weights: FloatArray | None = None, *, n: float | None = None, level: float = 0.95
) -> Kappa:
    """Cohen's kappa, weighted if asked.

    Parameters
    ----------
    table : array, shape (category, category)
        Counts, or proportions together with `n`; rows are the first reader.
    weights : array, shape (category, category), optional
        Agreement weights from `weights`; the identity when left out.
    n : float, optional
        Cases behind a table of proportions.
    level : float
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or np.any(counts < 0):
        raise InputError("kappa: needs a square table of counts that are not negative; check the table.")
    total = float(counts.sum())
    if total == 0.0:
        return _undefined_kappa(math.nan, math.nan, 0.0, "no case was read by both")
    w = np.eye(len(counts)) if weights is None else weights
    cases = total if n is None else float(n)
    p = counts / total
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    chance = np.outer(rows, columns)
    observed, expected = float((w * p).sum()), float((w * chance).sum())
    if 1.0 - expected < 1e-12:
        return _undefined_kappa(observed, expected, cases, "both readers used one and the same category only")
    value = (observed - expected) / (1.0 - expected)
    marginal = (w @ columns)[:, None] + (rows @ w)[None, :]
    variance = (p * (w - marginal * (1.0 - value)) ** 2).sum() - (value - expected * (1.0 - value)) ** 2
    variance_h0 = (chance * (w - marginal) ** 2).sum() - expected**2
    error = math.sqrt(max(float(variance), 0.0) / cases) / (1.0 - expected)
    error_h0 = math.sqrt(max(float(variance_h0), 0.0) / cases) / (1.0 - expected)
    reach = normal_quantile((1.0 + level) / 2.0) * error
    return Kappa(
        value=value,
        standard_error=error,
        low=max(value - reach, -1.0),
        high=min(value + reach, 1.0),
        standard_error_h0=error_h0,
        z=value / error_h0 if error_h0 > 0 else math.nan,
        observed=observed,
        expected=expected,
        n=cases,
    )


def kappa_statistic(
    ratings: CategoryRatings, first: int, second: int, weights: FloatArray | None = None, name: str = "cohen"
) -> SumStatistic:
    """Cohen's kappa of two readers as a statistic that can be bootstrapped."""
    size = len(ratings.categories)
    w = np.eye(size) if weights is None else weights
    codes = ratings.codes[:, [first, second]]
    both = np.all(codes >= 0, axis=1)
    hot = ratings.one_hot()[:, [first, second]] * both[:, None, None]
    agreement = np.where(both, w[codes[:, 0], codes[:, 1]], 0.0)
    terms = np.column_stack([both, agreement, hot.reshape(len(hot), -1)]).astype(np.float64)

    def evaluate(sums: FloatArray) -> FloatArray:
        n = sums[..., 0]
        rows, columns = sums[..., 2 : 2 + size], sums[..., 2 + size :]
        expected = ((rows @ w) * columns).sum(axis=-1) / n**2
        value = (sums[..., 1] / n - expected) / np.where(1.0 - expected > 1e-12, 1.0 - expected, np.nan)
        return np.asarray(value[..., None], dtype=np.float64)

    return SumStatistic((name,), terms, evaluate)


def compare_pairs(ratings: CategoryRatings, *, level: float = 0.95) -> tuple[CategoryPair, ...]:
    """Agreement of every two readers on the cases that both read, in the readers' order."""
    linear = agreement_weights("linear", ratings.scores)
    quadratic = agreement_weights("quadratic", ratings.scores)
    pairs = []
    for first, second in combinations(range(len(ratings.readers)), 2):
        table = contingency_table(ratings, first, second)
        kappa = cohen_kappa(table, level=level)
        size = len(table)
        by_category = tuple(category_agreement(table, code, ratings.categories[code]) for code in range(size))
        pairs.append(
            CategoryPair(
                a=ratings.readers[first],
                b=ratings.readers[second],
                n=int(table.sum()),
                percent_agreement=kappa.observed,
                kappa=kappa,
                linear=cohen_kappa(table, linear, level=level),
                quadratic=cohen_kappa(table, quadratic, level=level),
                pabak=(size * kappa.observed - 1.0) / (size - 1.0) if size > 1 else math.nan,
                prevalence_index=by_category[1].prevalence_index if size == 2 else math.nan,
                bias_index=by_category[1].bias_index if size == 2 else math.nan,
                table=tuple(tuple(int(count) for count in row) for row in table),
                categories=by_category,
            )
        )
    return tuple(pairs)


def category_agreement(table: FloatArray, code: int, name: str) -> CategoryAgreement:
    """One category of a contingency table against the rest."""
    total = float(table.sum())
    both = float(table[code, code])
    only_a, only_b = float(table[code].sum()) - both, float(table[:, code].sum()) - both
    neither = total - both - only_a - only_b
    return CategoryAgreement(
        category=name,
        positive=_share(2.0 * both, 2.0 * both + only_a + only_b),
        negative=_share(2.0 * neither, 2.0 * neither + only_a + only_b),
        kappa=cohen_kappa([[both, only_a], [only_b, neither]]).value,
        prevalence_index=_share(both - neither, total),
        bias_index=_share(only_a - only_b, total),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def _undefined_kappa(observed: float, expected: float, n: float, reason: str) -> Kappa:
    nan = math.nan
    return Kappa(nan, nan, nan, nan, nan, nan, observed, expected, n, reason)
