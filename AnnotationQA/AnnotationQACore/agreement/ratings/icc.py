"""Intraclass correlation: the six forms of Shrout and Fleiss.

Estimates: Shrout and Fleiss 1979, Psychol Bull 86:420. Tests and intervals: McGraw and Wong 1996, Psychol Methods 1:30
(with their correction, 1:390). Analysis of variance needs complete cases: a case that a reader missed is dropped and
counted. Estimates are not cut at zero; a negative one says that cases differ less than readings of a case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.agreement.ratings.categories import require_readers
from AnnotationQACore.agreement.statistics.distributions import f_quantile, f_tail
from AnnotationQACore.agreement.statistics.intervals import SumStatistic
from AnnotationQACore.agreement.statistics.results import FloatArray, Result

__all__ = [
    "ICC_FORMS",
    "AnovaTable",
    "Icc",
    "IccTable",
    "anova",
    "complete_cases",
    "icc_statistic",
    "intraclass_correlations",
]

ICC_FORMS = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")
"""Shrout and Fleiss' names. 1: readers differ from case to case; 2: readers are a random sample, absolute agreement;
3: these readers only, consistency. 1: of a single reading; k: of the mean of all readers."""

_MCGRAW_WONG = {
    "1,1": "ICC(1)",
    "2,1": "ICC(A,1)",
    "3,1": "ICC(C,1)",
    "1,k": "ICC(k)",
    "2,k": "ICC(A,k)",
    "3,k": "ICC(C,k)",
}


@dataclass(frozen=True, slots=True)
class AnovaTable(Result):
    """Mean squares of a cases x readers table: between cases, within cases, between readers, residual."""

    cases: int
    readers: int
    between_cases: float
    within_cases: float
    between_readers: float
    residual: float


@dataclass(frozen=True, slots=True)
class Icc(Result):
    """One form of the intraclass correlation.

    Attributes
    ----------
    form, name : str
        As Shrout and Fleiss, and as McGraw and Wong, call it.
    value : float
        NaN where undefined; `reason` then says why.
    low, high : float
    f, df1, df2, p : float
        Test against zero.
    """

    form: str
    name: str
    value: float
    low: float
    high: float
    f: float
    df1: float
    df2: float
    p: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IccTable(Result):
    """All six forms, with the cases they rest on."""

    forms: tuple[Icc, ...]
    anova: AnovaTable
    n_cases: int
    n_dropped: int
    level: float

    def form(self, name: str) -> Icc:
        """One of `ICC_FORMS`."""
        return self.forms[ICC_FORMS.index(name)]


def complete_cases(values: FloatArray) -> FloatArray:
    """Rows without NaN."""
    kept: FloatArray = values[~np.isnan(values).any(axis=1)]
    return kept


def anova(values: FloatArray) -> AnovaTable:
    """Analysis of variance of a complete table, shape (case, reader)."""
    n, k = values.shape
    if n < 2 or k < 2:
        return AnovaTable(n, k, math.nan, math.nan, math.nan, math.nan)
    squares = _mean_squares(_anova_terms(values).sum(axis=0), k)
    cases, within, readers, residual = (float(square) for square in squares)
    return AnovaTable(n, k, cases, within, readers, residual)


def icc_statistic(values: FloatArray) -> SumStatistic:
    """All six forms as a statistic that can be bootstrapped; an incomplete case contributes nothing.

    Parameters
    ----------
    values : array, shape (case, reader)
        NaN is missing.
    """
    k = values.shape[1]
    incomplete = np.isnan(values).any(axis=1)
    terms = np.zeros((len(values), k + 3))
    if not incomplete.all():
        terms[~incomplete] = _anova_terms(values[~incomplete])

    def evaluate(sums: FloatArray) -> FloatArray:
        values = _estimates(*_mean_squares(sums, k), n=sums[..., 0], k=k)
        return np.stack([values[form] for form in ICC_FORMS], axis=-1)

    return SumStatistic(tuple(f"icc({form})" for form in ICC_FORMS), terms, evaluate)


def intraclass_correlations(
    values: FloatArray, readers: Sequence[str] | None = None, *, level: float = 0.95
) -> IccTable:
    """All six intraclass correlations.

    Parameters
    ----------
    values : array, shape (case, reader)
        Measurements; NaN is missing. Only complete cases count.
    readers : sequence of str, optional
    level : float

    Raises
    ------
    InputError
        The table is empty, has fewer than two readers, or two of the same name.
    """
    values = np.asarray(values, dtype=np.float64)
    names = readers if readers is not None else [f"reader {column + 1}" for column in range(values.shape[-1])]
    require_readers(names, values.shape)
    kept = complete_cases(values)
    table = anova(kept)
    reason = ""
    if len(kept) < 2:
        reason = "fewer than two cases were read by all readers"
    elif table.between_cases == 0.0 and table.within_cases == 0.0:
        reason = "all values are equal"
    forms = tuple(_form(form, table, level, reason) for form in ICC_FORMS)
    return IccTable(forms, table, len(kept), len(values) - len(kept), level)


def _anova_terms(values: FloatArray) -> FloatArray:
    """Count, values by reader, squares and squared case sums / k, of values centred so that no digits are lost."""
    x = values - values.mean()
    return np.column_stack([np.ones(len(x)), x, (x**2).sum(axis=1), x.sum(axis=1) ** 2 / x.shape[1]])


def _mean_squares(sums: FloatArray, k: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    n, readers, squares, cases = sums[..., 0], sums[..., 1 : 1 + k], sums[..., 1 + k], sums[..., 2 + k]
    correction = readers.sum(axis=-1) ** 2 / (n * k)
    # Each resample has its own variance; what is 1e-12 of the table's own scale is rounding.
    rounding = 1e-12 * np.maximum(squares, 1e-300)
    between_cases = _at_least(cases - correction, rounding)
    within = _at_least(squares - cases, rounding)
    between_readers = _at_least((readers**2).sum(axis=-1) / n - correction, rounding)
    residual = _at_least(squares - cases - between_readers, rounding)
    return (
        between_cases / (n - 1.0),
        within / (n * (k - 1.0)),
        np.asarray(between_readers / (k - 1.0)),
        residual / ((n - 1.0) * (k - 1.0)),
    )


def _at_least(sum_of_squares: FloatArray, rounding: FloatArray) -> FloatArray:
    return np.where(sum_of_squares > rounding, sum_of_squares, 0.0)


def _estimates(
    cases: FloatArray, within: FloatArray, readers: FloatArray, residual: FloatArray, *, n: FloatArray, k: int
) -> dict[str, FloatArray]:
    return {
        "1,1": (cases - within) / (cases + (k - 1.0) * within),
        "2,1": (cases - residual) / _total(cases + (k - 1.0) * residual + k * (readers - residual) / n),
        "3,1": (cases - residual) / (cases + (k - 1.0) * residual),
        "1,k": (cases - within) / cases,
        "2,k": (cases - residual) / _total(cases + (readers - residual) / n),
        "3,k": (cases - residual) / cases,
    }


def _total(variance: FloatArray) -> FloatArray:
    """Total variance; NaN where its estimate is not positive, which would turn the sign of the ratio."""
    return np.where(variance > 0.0, variance, np.nan)


def _form(form: str, table: AnovaTable, level: float, reason: str) -> Icc:
    nan = math.nan
    name = _MCGRAW_WONG[form]
    if reason:
        return Icc(form, name, nan, nan, nan, nan, nan, nan, nan, reason)
    n, k = table.cases, table.readers
    mean_squares = (table.between_cases, table.within_cases, table.between_readers, table.residual)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(_estimates(*(np.float64(square) for square in mean_squares), n=np.float64(n), k=k)[form])  # type: ignore[arg-type]  # scalars broadcast as arrays do
    one_way = form.startswith("1")
    noise = table.within_cases if one_way else table.residual
    df1, df2 = n - 1.0, n * (k - 1.0) if one_way else (n - 1.0) * (k - 1.0)
    if noise == 0.0:
        reason = "no residual variance: no interval" if math.isfinite(value) else "cases do not differ"
        return Icc(form, name, value if math.isfinite(value) else nan, nan, nan, math.inf, df1, df2, 0.0, reason)
    f = table.between_cases / noise
    p = f_tail(f, df1, df2)
    if not math.isfinite(value):
        reason = "the estimate of the total variance is not positive" if f > 0 else "cases do not differ"
        return Icc(form, name, nan, nan, nan, f, df1, df2, p, reason)
    if form.startswith("2"):
        low, high = _absolute_agreement_interval(table, level)
    else:
        low, high = _interval_from_f(f, df1, df2, k, level)
    if form.endswith("k"):
        low, high = _of_mean(low, k), _of_mean(high, k)
    return Icc(form, name, value, low, high, f, df1, df2, p)


def _interval_from_f(f: float, df1: float, df2: float, k: int, level: float) -> tuple[float, float]:
    tail = (1.0 + level) / 2.0
    low = f / f_quantile(tail, df1, df2)
    high = f * f_quantile(tail, df2, df1)
    return (low - 1.0) / (low + k - 1.0), (high - 1.0) / (high + k - 1.0)


def _absolute_agreement_interval(table: AnovaTable, level: float) -> tuple[float, float]:
    """ICC(A,1) (McGraw and Wong 1996, table 7), degrees of freedom by Satterthwaite's approximation."""
    n, k = float(table.cases), float(table.readers)
    cases, readers, residual = table.between_cases, table.between_readers, table.residual
    value = (cases - residual) / (cases + (k - 1.0) * residual + k * (readers - residual) / n)
    if value >= 1.0:
        return math.nan, math.nan
    a = k * value / (n * (1.0 - value))
    b = 1.0 + k * value * (n - 1.0) / (n * (1.0 - value))
    parts = (a * readers) ** 2 / (k - 1.0) + (b * residual) ** 2 / ((n - 1.0) * (k - 1.0))
    if parts == 0.0:  # neither readers nor the residual carry weight: no degrees of freedom
        return math.nan, math.nan
    df = (a * readers + b * residual) ** 2 / parts
    tail = (1.0 + level) / 2.0
    f_low, f_high = f_quantile(tail, n - 1.0, df), f_quantile(tail, df, n - 1.0)
    if not (math.isfinite(f_low) and math.isfinite(f_high)):
        return math.nan, math.nan
    spread = k * readers + (k * n - k - n) * residual
    low = n * (cases - f_low * residual) / (f_low * spread + n * cases)
    high = n * (f_high * cases - residual) / (spread + n * f_high * cases)
    return low, high


def _of_mean(single: float, k: int) -> float:
    """Reliability of the mean of k readings (Spearman-Brown)."""
    below = 1.0 + (k - 1.0) * single
    return k * single / below if below > 0.0 else -math.inf
