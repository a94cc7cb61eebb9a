"""Readers over time: bias against the others, drift, control charts, and gold-standard and repeated cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.ratings.bland_altman import BlandAltman, bland_altman, paired_values
from AnnotationQACore.agreement.ratings.categories import CategoryRatings, require_readers
from AnnotationQACore.agreement.ratings.categories_pairs import (
    CategoryPair,
    Kappa,
    cohen_kappa,
    compare_pairs,
    contingency_table,
)
from AnnotationQACore.agreement.ratings.continuous import Repeatability, repeatability
from AnnotationQACore.agreement.statistics.distributions import t_quantile, t_tail, wilson_interval
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = [
    "CategoryAccuracy",
    "ControlPoint",
    "GoldCategories",
    "GoldMeasurements",
    "ReaderHistory",
    "RepeatMeasurements",
    "gold_categories",
    "gold_measurements",
    "leave_one_out_differences",
    "reader_histories",
    "reader_history",
    "repeat_categories",
    "repeat_measurements",
]

_MOVING_RANGE_TO_SD = 2.0 / math.sqrt(math.pi)
"""Expected difference of two successive normal values in standard deviations (d2 of control charts, n = 2)."""


@dataclass(frozen=True, slots=True)
class ControlPoint(Result):
    """One case on the control chart: its time and difference, the moving average, its limits, and whether it is out."""

    time: float
    difference: float
    ewma: float
    lower: float
    upper: float
    outside: bool


@dataclass(frozen=True, slots=True)
class ReaderHistory(Result):
    """One reader's signed differences over time.

    Attributes
    ----------
    bias, bias_low, bias_high : float
        Mean difference and its interval (Student's t).
    slope, slope_low, slope_high, slope_p : float
        Drift per unit of time by least squares.
    centre, sd : float
        What the control chart takes as normal: no bias, or the baseline's mean; and the standard deviation from moving
        ranges, which a drift does not inflate.
    weight, limit : float
        Weight of the newest case in the EWMA, and its limits in standard deviations.
    chart : tuple of ControlPoint
        In the order of time.
    first_signal : float or None
        Time at which the chart first left its limits.
    n, n_undefined : int
        Cases that count, and cases without a difference (not read, or read by nobody else).
    reason : str
        Why something is undefined.
    """

    reader: str
    bias: float
    bias_low: float
    bias_high: float
    slope: float
    slope_low: float
    slope_high: float
    slope_p: float
    centre: float
    sd: float
    weight: float
    limit: float
    chart: tuple[ControlPoint, ...]
    first_signal: float | None
    n: int
    n_undefined: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GoldMeasurements(Result):
    """Measurements of a reader against known values: limits of agreement (reader minus gold), and absolute errors."""

    bland_altman: BlandAltman
    mean_absolute_error: float
    root_mean_square_error: float


@dataclass(frozen=True, slots=True)
class CategoryAccuracy(Result):
    """One category against the rest: sensitivity, specificity and predictive value, with what they rest on."""

    category: str
    sensitivity: float
    specificity: float
    positive_predictive_value: float
    n_gold: int
    n_reader: int


@dataclass(frozen=True, slots=True)
class GoldCategories(Result):
    """Categories of a reader against known ones; the interval of the accuracy is Wilson's."""

    accuracy: float
    low: float
    high: float
    n: int
    kappa: Kappa
    categories: tuple[CategoryAccuracy, ...]


@dataclass(frozen=True, slots=True)
class RepeatMeasurements(Result):
    """A reader's measurements of the same cases twice: second minus first, and the error of a single reading."""

    bland_altman: BlandAltman
    repeatability: Repeatability


def leave_one_out_differences(values: ArrayLike, consensus: Literal["mean", "median"] = "mean") -> FloatArray:
    """Each reading minus the consensus of the other readers of the case.

    Parameters
    ----------
    values : array, shape (case, reader)
        NaN is missing.
    consensus : "mean" or "median"
        The median resists a single strange reader.

    Returns
    -------
    array, shape (case, reader)
        NaN where the reader or all others are missing.
    """
    table = np.asarray(values, dtype=np.float64)
    differences = np.full(table.shape, np.nan)
    for reader in range(table.shape[1]):
        others = np.delete(table, reader, axis=1)
        known = ~np.isnan(others).all(axis=1)
        middle = np.nanmean if consensus == "mean" else np.nanmedian
        differences[known, reader] = table[known, reader] - middle(others[known], axis=1)
    return differences


def reader_histories(
    times: ArrayLike, values: ArrayLike, readers: Sequence[str], *, consensus: Literal["mean", "median"] = "mean"
) -> tuple[ReaderHistory, ...]:
    """History of every reader against the consensus of the others.

    Parameters
    ----------
    times : array, shape (case,) or (case, reader)
        When each case was read, such as days since the start.
    values : array, shape (case, reader)
        NaN is missing.
    readers : sequence of str
    consensus : "mean" or "median"
    """
    table = np.asarray(values, dtype=np.float64)
    require_readers(readers, table.shape)
    when = np.asarray(times, dtype=np.float64)
    when = np.broadcast_to(when[:, None] if when.ndim == 1 else when, table.shape)
    differences = leave_one_out_differences(table, consensus)
    return tuple(reader_history(when[:, column], differences[:, column], name) for column, name in enumerate(readers))


def reader_history(
    times: ArrayLike,
    differences: ArrayLike,
    reader: str = "",
    *,
    baseline: int | None = None,
    weight: float = 0.2,
    limit: float = 3.0,
    level: float = 0.95,
) -> ReaderHistory:
    """Bias, drift and EWMA control chart of one reader (Roberts 1959; Lucas and Saccucci 1990, Technometrics 32:1).

    Parameters
    ----------
    times : array, shape (case,)
        Any number that grows, such as days.
    differences : array, shape (case,)
        Reading minus consensus or gold standard; NaN is left out and counted.
    reader : str
    baseline : int, optional
        The first so many cases define normal (mean and spread); without it normal is no bias, and the spread is that
        of all cases.
    weight : float
        In (0, 1]; small weights see small drifts.
    limit : float
        Limits in standard deviations of the EWMA.
    level : float

    Raises
    ------
    InputError
        Lengths differ, a time is missing, or an option cannot be.
    """
    when, difference = np.asarray(times, dtype=np.float64), np.asarray(differences, dtype=np.float64)
    if when.shape != difference.shape or when.ndim != 1:
        raise InputError(f"readers over time: {when.shape} times for {difference.shape} readings; give one for each.")
    if not 0.0 < weight <= 1.0 or not limit > 0.0 or (baseline is not None and baseline < 2):
        raise InputError("readers over time: the weight is in (0, 1], the limit positive, the baseline two or more.")
    known = ~np.isnan(difference)
    if np.any(np.isnan(when[known])):
        raise InputError("readers over time: a reading has no time; give every reading its date.")
    order = np.argsort(when[known], kind="stable")
    when, difference = when[known][order], difference[known][order]
    n, nan = len(difference), math.nan
    tail = (1.0 + level) / 2.0
    bias = float(difference.mean()) if n else nan
    reach = t_quantile(tail, n - 1) * float(difference.std(ddof=1)) / math.sqrt(n) if n > 1 else nan
    slope, slope_reach, slope_p = _slope(when, difference, tail)
    normal = difference[:baseline] if baseline is not None else difference
    centre = float(normal.mean()) if baseline is not None and n else 0.0
    sd = float(np.abs(np.diff(normal)).mean()) / _MOVING_RANGE_TO_SD if len(normal) > 1 else nan
    chart = _chart(when, difference, centre, sd, weight, limit) if sd > 0 else ()
    return ReaderHistory(
        reader=reader,
        bias=bias,
        bias_low=bias - reach,
        bias_high=bias + reach,
        slope=slope,
        slope_low=slope - slope_reach,
        slope_high=slope + slope_reach,
        slope_p=slope_p,
        centre=centre,
        sd=sd,
        weight=weight,
        limit=limit,
        chart=chart,
        first_signal=next((point.time for point in chart if point.outside), None),
        n=n,
        n_undefined=int((~known).sum()),
        reason="" if n > 2 and chart else "fewer than three readings" if n <= 2 else "the differences do not vary",
    )


def gold_measurements(readings: ArrayLike, gold: ArrayLike) -> GoldMeasurements:
    """Compare a reader's measurements with known values, both of shape (case,); NaN is missing."""
    first, second, _ = paired_values(readings, gold)
    error = first - second
    return GoldMeasurements(
        bland_altman(readings, gold),
        float(np.abs(error).mean()) if len(error) else math.nan,
        float(np.sqrt((error**2).mean())) if len(error) else math.nan,
    )


def gold_categories(
    readings: Sequence[Any], gold: Sequence[Any], categories: Sequence[Any] | None = None, *, level: float = 0.95
) -> GoldCategories:
    """Compare a reader's categories with known ones, one for each case; None is missing."""
    ratings = CategoryRatings.from_values(
        list(zip(readings, gold, strict=True)), ("reader", "gold standard"), categories
    )
    table = contingency_table(ratings, 0, 1)
    n, right = int(table.sum()), int(np.trace(table))
    low, high = wilson_interval(right, n, level) if n else (math.nan, math.nan)
    return GoldCategories(
        accuracy=right / n if n else math.nan,
        low=low,
        high=high,
        n=n,
        kappa=cohen_kappa(table, level=level),
        categories=tuple(
            CategoryAccuracy(
                category=name,
                sensitivity=_share(table[code, code], table[:, code].sum()),
                specificity=_share(
                    n - table[code].sum() - table[:, code].sum() + table[code, code], n - table[:, code].sum()
                ),
                positive_predictive_value=_share(table[code, code], table[code].sum()),
                n_gold=int(table[:, code].sum()),
                n_reader=int(table[code].sum()),
            )
            for code, name in enumerate(ratings.categories)
        ),
    )


def repeat_measurements(first: ArrayLike, second: ArrayLike) -> RepeatMeasurements:
    """Compare a reader's two measurements of each case, both of shape (case,); NaN is missing."""
    values = np.column_stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)])
    return RepeatMeasurements(bland_altman(second, first), repeatability(values))


def repeat_categories(
    first: Sequence[Any], second: Sequence[Any], categories: Sequence[Any] | None = None
) -> CategoryPair:
    """Compare a reader's two ratings of each case; None is missing."""
    pairs = list(zip(first, second, strict=True))
    return compare_pairs(CategoryRatings.from_values(pairs, ("first reading", "second reading"), categories))[0]


def _slope(when: FloatArray, difference: FloatArray, tail: float) -> tuple[float, float, float]:
    n, nan = len(when), math.nan
    x = when - when.mean() if n else when
    spread = float((x**2).sum())
    if n < 3 or spread <= 0.0:
        return nan, nan, nan
    slope = float((x * difference).sum()) / spread
    residual = difference - difference.mean() - slope * x
    error = math.sqrt(float((residual**2).sum()) / (n - 2) / spread)
    p = 2.0 * t_tail(abs(slope) / error, n - 2) if error > 0 else nan
    return slope, t_quantile(tail, n - 2) * error, p


def _chart(
    when: FloatArray, difference: FloatArray, centre: float, sd: float, weight: float, limit: float
) -> tuple[ControlPoint, ...]:
    points = []
    average = centre
    for step, (time, value) in enumerate(zip(when.tolist(), difference.tolist(), strict=True), start=1):
        average = weight * value + (1.0 - weight) * average
        reach = limit * sd * math.sqrt(weight / (2.0 - weight) * (1.0 - (1.0 - weight) ** (2 * step)))
        outside = abs(average - centre) > reach
        points.append(ControlPoint(time, value, average, centre - reach, centre + reach, outside))
    return tuple(points)


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else math.nan
