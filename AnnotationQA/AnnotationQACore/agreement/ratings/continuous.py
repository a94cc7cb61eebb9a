"""Agreement of measurements: concordance, and the error of a single reading."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.ratings.bland_altman import BlandAltman, LimitsMethod, bland_altman, paired_values
from AnnotationQACore.agreement.ratings.categories import require_readers
from AnnotationQACore.agreement.ratings.icc import IccTable, intraclass_correlations
from AnnotationQACore.agreement.statistics.distributions import chi2_quantile, normal_quantile
from AnnotationQACore.agreement.statistics.intervals import SumStatistic
from AnnotationQACore.agreement.statistics.results import FloatArray, Result

__all__ = [
    "Concordance",
    "ContinuousAgreement",
    "ContinuousPair",
    "Repeatability",
    "agree_on_measurements",
    "concordance",
    "concordance_statistic",
    "repeatability",
]


@dataclass(frozen=True, slots=True)
class Concordance(Result):
    """Lin's concordance correlation coefficient.

    Attributes
    ----------
    value, low, high : float
        Interval by Fisher's z with Lin's variance (1989, corrected 2000).
    precision, accuracy : float
        Pearson's r, and the factor C_b by which location and scale shift lower it: value = r C_b.
    moments : str
        ``1/n`` as Lin (1989), or ``unbiased`` (n - 1) variances.
    """

    value: float
    low: float
    high: float
    precision: float
    accuracy: float
    moments: str
    n: int
    n_dropped: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Repeatability(Result):
    """Error of a single reading, from cases with two readings or more (Bland and Altman 1996, BMJ 312:1654).

    Attributes
    ----------
    within_subject_sd, low, high : float
        Root of the pooled variance within cases, interval from chi-square.
    repeatability_coefficient : float
        1.96 √2 within-subject SD: two readings of a case differ by less in 95 % of cases. Between readers it is the
        reproducibility coefficient.
    within_subject_cv : float
        Within-subject SD relative to the mean of all readings; NaN unless that is positive.
    df, n : int
        Degrees of freedom, and cases with two readings or more.
    """

    within_subject_sd: float
    low: float
    high: float
    repeatability_coefficient: float
    within_subject_cv: float
    df: int
    n: int
    level: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContinuousPair(Result):
    """Two readers on the cases that both measured."""

    a: str
    b: str
    bland_altman: BlandAltman
    concordance: Concordance


@dataclass(frozen=True, slots=True)
class ContinuousAgreement(Result):
    """Everything about measurements by several readers."""

    icc: IccTable
    repeatability: Repeatability
    pairs: tuple[ContinuousPair, ...]


def concordance(a: ArrayLike, b: ArrayLike, *, unbiased: bool = False, level: float = 0.95) -> Concordance:
    """Lin's concordance correlation coefficient (1989, Biometrics 45:255; 2000, 56:324).

    Parameters
    ----------
    a, b : array, shape (case,)
        Readings; NaN is missing.
    unbiased : bool
        Variances divided by n - 1 instead of n; packages differ in this, which shows in the third or fourth digit.
    level : float
    """
    first, second, dropped = paired_values(a, b)
    n, nan = len(first), math.nan
    moments = "unbiased" if unbiased else "1/n"
    if n < 2:
        return Concordance(nan, nan, nan, nan, nan, moments, n, dropped, "fewer than two pairs")
    x, y = first - first.mean(), second - second.mean()
    divisor = n - 1 if unbiased else n
    var_x, var_y, cov = (float((u * v).sum()) / divisor for u, v in ((x, x), (y, y), (x, y)))
    shift = float(first.mean() - second.mean())
    below = var_x + var_y + shift**2
    if below <= 0.0:
        return Concordance(nan, nan, nan, nan, nan, moments, n, dropped, "all values are equal")
    value = 2.0 * cov / below
    if var_x <= 0.0 or var_y <= 0.0:
        reason = "a reader gave all cases the same value: no interval"
        return Concordance(value, nan, nan, nan, nan, moments, n, dropped, reason)
    r = cov / math.sqrt(var_x * var_y)
    low, high = _lin_interval(value, r, shift**2 / math.sqrt(var_x * var_y), n, level)
    accuracy = 2.0 * math.sqrt(var_x * var_y) / below
    return Concordance(value, low, high, r, accuracy, moments, n, dropped)


def concordance_statistic(a: ArrayLike, b: ArrayLike) -> SumStatistic:
    """Lin's coefficient (1/n moments) as a statistic that can be bootstrapped."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    both = ~(np.isnan(first) | np.isnan(second))
    centre = float((first[both].mean() + second[both].mean()) / 2.0) if both.any() else 0.0
    x, y = np.where(both, first - centre, 0.0), np.where(both, second - centre, 0.0)
    terms = np.column_stack([both, x, y, x**2, y**2, x * y]).astype(np.float64)

    def evaluate(sums: FloatArray) -> FloatArray:
        n = sums[..., 0]
        mean_x, mean_y = sums[..., 1] / n, sums[..., 2] / n
        cov = sums[..., 5] / n - mean_x * mean_y
        variances = (sums[..., 3] + sums[..., 4]) / n - mean_x**2 - mean_y**2
        return np.asarray((2.0 * cov / (variances + (mean_x - mean_y) ** 2))[..., None], dtype=np.float64)

    return SumStatistic(("ccc",), terms, evaluate)


def repeatability(values: ArrayLike, *, level: float = 0.95) -> Repeatability:
    """Within-subject standard deviation and repeatability coefficient.

    Parameters
    ----------
    values : array, shape (case, reading)
        NaN is missing; cases with fewer than two readings do not count.
    level : float
    """
    table = np.asarray(values, dtype=np.float64)
    read = ~np.isnan(table)
    counts = read.sum(axis=1)
    kept = counts >= 2
    n, df = int(kept.sum()), int((counts[kept] - 1).sum())
    if df == 0:
        nan = math.nan
        return Repeatability(nan, nan, nan, nan, nan, 0, n, level, "no case has two readings")
    filled = np.where(read, table, 0.0)[kept]
    means = filled.sum(axis=1) / counts[kept]
    squares = float((np.where(read[kept], filled - means[:, None], 0.0) ** 2).sum())
    sd = math.sqrt(squares / df)
    tails = [chi2_quantile(p, df) for p in ((1.0 + level) / 2.0, (1.0 - level) / 2.0)]
    overall = float(filled.sum() / counts[kept].sum())
    return Repeatability(
        within_subject_sd=sd,
        low=math.sqrt(squares / tails[0]),
        high=math.sqrt(squares / tails[1]),
        repeatability_coefficient=1.96 * math.sqrt(2.0) * sd,
        within_subject_cv=sd / overall if overall > 0 else math.nan,
        df=df,
        n=n,
        level=level,
    )


def agree_on_measurements(
    values: ArrayLike,
    readers: tuple[str, ...],
    *,
    multiplier: float = 1.96,
    method: LimitsMethod = "exact",
    level: float = 0.95,
) -> ContinuousAgreement:
    """All statistics of measurements by several readers.

    Parameters
    ----------
    values : array, shape (case, reader)
        NaN is missing.
    readers : tuple of str
    multiplier, method
        Of the limits of agreement, see `bland_altman`.
    level : float

    Raises
    ------
    InputError
        The table is empty, has fewer than two readers, or two of the same name.
    """
    table: FloatArray = np.asarray(values, dtype=np.float64)
    require_readers(readers, table.shape)
    pairs = tuple(
        ContinuousPair(
            readers[i],
            readers[j],
            bland_altman(table[:, i], table[:, j], multiplier=multiplier, level=level, method=method),
            concordance(table[:, i], table[:, j], level=level),
        )
        for i, j in combinations(range(len(readers)), 2)
    )
    return ContinuousAgreement(
        intraclass_correlations(table, readers, level=level), repeatability(table, level=level), pairs
    )


def _lin_interval(ccc: float, r: float, u2: float, n: int, level: float) -> tuple[float, float]:
    """Interval by Fisher's z; `u2` is the squared location shift relative to the scales."""
    nan = math.nan
    if n < 3 or abs(ccc) >= 1.0 - 1e-12 or abs(r) < 1e-12:
        return nan, nan
    variance = (
        (1.0 - r**2) * ccc**2 / ((1.0 - ccc**2) * r**2)
        + 2.0 * ccc**3 * (1.0 - ccc) * u2 / (r * (1.0 - ccc**2) ** 2)
        - ccc**4 * u2**2 / (2.0 * r**2 * (1.0 - ccc**2) ** 2)
    ) / (n - 2)
    if variance < 0.0:
        return nan, nan
    reach = normal_quantile((1.0 + level) / 2.0) * math.sqrt(variance)
    z = math.atanh(ccc)
    return math.tanh(z - reach), math.tanh(z + reach)
