"""Limits of agreement between two readers.

Bland and Altman 1986, Lancet i:307, and 1999, Stat Methods Med Res 8:135. Exact intervals of the limits: Carkeet 2015,
Optom Vis Sci 92:e71, from the noncentral t distribution of an estimated normal quantile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.statistics.distributions import noncentral_t_quantile, t_quantile, t_tail
from AnnotationQACore.agreement.statistics.intervals import SumStatistic
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = [
    "BlandAltman",
    "LimitsMethod",
    "ProportionalBias",
    "bland_altman",
    "limit_reach",
    "limits_statistic",
    "paired_values",
]

LimitsMethod = Literal["exact", "approximate"]
"""``exact``: noncentral t (Carkeet 2015). ``approximate``: standard error sd * sqrt((1 + m²/2) / n) and Student's t
(Bland and Altman 1986; their √(3 s²/n) for the multiplier m = 2)."""


@dataclass(frozen=True, slots=True)
class ProportionalBias(Result):
    """Regression of the difference on the mean of the two readings: does the bias grow with the size?"""

    intercept: float
    slope: float
    slope_low: float
    slope_high: float
    p: float
    residual_sd: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BlandAltman(Result):
    """Bias and limits of agreement of ``a - b``, in the unit of the measurement.

    Attributes
    ----------
    bias, bias_low, bias_high : float
        Mean difference and its interval (Student's t).
    sd : float
        Standard deviation of the differences (n - 1).
    lower, upper : float
        Bias minus and plus `multiplier` times `sd`.
    lower_low, lower_high, upper_low, upper_high : float
        Intervals of the limits by `method`.
    correlation : float
        Pearson's r of the two readers; it measures association, not agreement.
    n, n_dropped : int
        Pairs, and cases that one of the two did not read.
    reason : str
        Why something is undefined.
    """

    bias: float
    bias_low: float
    bias_high: float
    sd: float
    lower: float
    lower_low: float
    lower_high: float
    upper: float
    upper_low: float
    upper_high: float
    multiplier: float
    method: LimitsMethod
    level: float
    proportional: ProportionalBias
    correlation: float
    n: int
    n_dropped: int
    reason: str = ""


def paired_values(a: ArrayLike, b: ArrayLike) -> tuple[FloatArray, FloatArray, int]:
    """Readings of the cases that both read, and how many cases were dropped; raises `InputError` on unequal lengths."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise InputError(
            f"readings: {first.shape} and {second.shape} are no pairs; give one value per case and reader."
        )
    both = ~(np.isnan(first) | np.isnan(second))
    return first[both], second[both], int(len(first) - both.sum())


def bland_altman(
    a: ArrayLike,
    b: ArrayLike,
    *,
    multiplier: float = 1.96,
    level: float = 0.95,
    method: LimitsMethod = "exact",
) -> BlandAltman:
    """Limits of agreement of two readers.

    Parameters
    ----------
    a, b : array, shape (case,)
        Readings; NaN is missing. The difference is ``a - b``.
    multiplier : float
        Standard deviations to each limit. The paper of 1986 rounds 1.96 to 2.
    level : float
        Coverage of the intervals of bias and limits.
    method : LimitsMethod

    Raises
    ------
    InputError
        The lengths differ, or the multiplier is not positive.
    """
    if not multiplier > 0:
        raise InputError("Bland-Altman: the multiplier of the limits must be positive; 1.96 is usual.")
    if method not in ("exact", "approximate"):
        raise InputError(f"Bland-Altman: the method '{method}' is unknown; choose 'exact' or 'approximate'.")
    first, second, dropped = paired_values(a, b)
    difference = first - second
    n = len(difference)
    nan = math.nan
    if n < 2:
        bias = float(difference[0]) if n else nan
        none = ProportionalBias(nan, nan, nan, nan, nan, nan, "fewer than three pairs")
        return BlandAltman(
            bias, *(nan,) * 9, multiplier, method, level, none, nan, n, dropped, reason="fewer than two pairs"
        )
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    tail = (1.0 + level) / 2.0
    reach = t_quantile(tail, n - 1) * sd / math.sqrt(n)
    inner, outer = limit_reach(n, multiplier, tail, method)
    return BlandAltman(
        bias=bias,
        bias_low=bias - reach,
        bias_high=bias + reach,
        sd=sd,
        lower=bias - multiplier * sd,
        lower_low=bias - outer * sd,
        lower_high=bias - inner * sd,
        upper=bias + multiplier * sd,
        upper_low=bias + inner * sd,
        upper_high=bias + outer * sd,
        multiplier=multiplier,
        method=method,
        level=level,
        proportional=_proportional_bias(difference, (first + second) / 2.0, tail),
        correlation=_correlation(first, second),
        n=n,
        n_dropped=dropped,
    )


def limits_statistic(a: ArrayLike, b: ArrayLike, multiplier: float = 1.96) -> SumStatistic:
    """Bias, lower and upper limit as a statistic that can be bootstrapped, by patient where lesions are clustered."""
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    both = ~np.isnan(difference)
    centre = float(difference[both].mean()) if both.any() else 0.0
    x = np.where(both, difference - centre, 0.0)

    def evaluate(sums: FloatArray) -> FloatArray:
        n = sums[..., 0]
        mean = sums[..., 1] / n
        sd = np.sqrt(np.maximum(sums[..., 2] - n * mean**2, 0.0) / (n - 1.0))
        bias = mean + centre
        return np.stack([bias, bias - multiplier * sd, bias + multiplier * sd], axis=-1)

    terms = np.column_stack([both, x, x**2]).astype(np.float64)
    return SumStatistic(("bias", "lower_limit", "upper_limit"), terms, evaluate)


def limit_reach(n: int, multiplier: float, tail: float, method: LimitsMethod) -> tuple[float, float]:
    """Inner and outer end of the interval of a limit, in standard deviations from the bias; `tail` is e.g. 0.975."""
    if method == "approximate":
        reach = t_quantile(tail, n - 1) * math.sqrt((1.0 + multiplier**2 / 2.0) / n)
        return multiplier - reach, multiplier + reach
    root = math.sqrt(n)
    inner, outer = (noncentral_t_quantile(p, n - 1, multiplier * root) / root for p in (1.0 - tail, tail))
    return inner, outer


def _proportional_bias(difference: FloatArray, mean: FloatArray, tail: float) -> ProportionalBias:
    n, nan = len(difference), math.nan
    x = mean - mean.mean()
    spread = float((x**2).sum())
    if n < 3 or spread <= 1e-24 * max(float((mean**2).sum()), 1e-300):
        reason = "fewer than three pairs" if n < 3 else "all cases have the same mean"
        return ProportionalBias(nan, nan, nan, nan, nan, nan, reason)
    slope = float((x * difference).sum()) / spread
    intercept = float(difference.mean()) - slope * float(mean.mean())
    residual_sd = math.sqrt(float(((difference - intercept - slope * mean) ** 2).sum()) / (n - 2))
    error = residual_sd / math.sqrt(spread)
    reach = t_quantile(tail, n - 2) * error
    p = 2.0 * t_tail(abs(slope) / error, n - 2) if error > 0 else nan
    return ProportionalBias(intercept, slope, slope - reach, slope + reach, p, residual_sd)


def _correlation(first: FloatArray, second: FloatArray) -> float:
    x, y = first - first.mean(), second - second.mean()
    scale = math.sqrt(float((x**2).sum()) * float((y**2).sum()))
    return float((x * y).sum()) / scale if scale > 0 else math.nan
