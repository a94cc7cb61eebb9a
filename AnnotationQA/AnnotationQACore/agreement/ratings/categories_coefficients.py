"""Chance-corrected agreement of any number of readers, with missing ratings.

A case counts for observed agreement when at least two readers rated it. Formulas as in Gwet, Handbook of Inter-Rater
Reliability, 4th ed. (2014), and Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from AnnotationQACore.agreement.ratings.categories import CategoryRatings, Level
from AnnotationQACore.agreement.ratings.weights import WeightName, agreement_weights
from AnnotationQACore.agreement.statistics.distributions import normal_tail, t_quantile
from AnnotationQACore.agreement.statistics.intervals import SumStatistic, standard_errors
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = [
    "COEFFICIENTS",
    "Coefficient",
    "VarianceMethod",
    "alpha_coefficient",
    "alpha_from_values",
    "alpha_statistic",
    "case_agreement",
    "coefficient_statistic",
    "coefficients",
    "fleiss_z",
]

VarianceMethod = Literal["linearized", "gwet"]
"""``linearized``: delta method for the ratio that observed agreement is; the bootstrap gives the same. ``gwet``: Gwet's
formulas, those of the package irrCAC, which are wider where many cases have one rating."""

Metric = Level | WeightName | FloatArray
"""How far two categories are apart."""

COEFFICIENTS = ("percent_agreement", "fleiss", "conger", "gwet", "brennan_prediger")
"""Names of the coefficients of `coefficient_statistic`, in its order."""


@dataclass(frozen=True, slots=True)
class Coefficient(Result):
    """One coefficient of agreement.

    Attributes
    ----------
    value : float
        NaN where undefined; `reason` then says why.
    standard_error : float
        Large sample, over cases, for the readers at hand.
    low, high : float
        Interval from Student's t, cut at -1 (percent agreement: 0) and 1.
    n : int
        Cases that count.
    reason : str
    """

    value: float
    standard_error: float
    low: float
    high: float
    level: float
    n: int
    reason: str = ""


def case_agreement(counts: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Agreement within each case: the share of reader pairs that agree, weighted if asked; NaN below two readers.

    Parameters
    ----------
    counts : array, shape (case, category)
    weights : array, shape (category, category), optional
    """
    weights = np.eye(counts.shape[1]) if weights is None else weights
    readers = counts.sum(axis=1)
    agreeing: FloatArray = (counts * (counts @ weights.T - 1.0)).sum(axis=1)
    pairs = readers * (readers - 1.0)
    agreement: FloatArray = np.divide(agreeing, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)
    return agreement


def coefficient_statistic(
    ratings: CategoryRatings, weights: FloatArray | None = None, names: Sequence[str] = COEFFICIENTS
) -> SumStatistic:
    """Some or all of `COEFFICIENTS`, in the order asked for, as a statistic that can be bootstrapped.

    With weights other than the identity, ``percent_agreement`` is the weighted observed agreement and ``gwet`` is AC2.
    Without ``conger`` it does not matter which reader gave a rating: many cases are then alike, and a bootstrap faster.
    """
    unknown = [name for name in names if name not in COEFFICIENTS]
    if unknown:
        raise InputError(f"ratings: there is no coefficient '{unknown[0]}'; choose from {', '.join(COEFFICIENTS)}.")
    counts = ratings.counts
    readers, categories = ratings.codes.shape[1], len(ratings.categories)
    w = np.eye(categories) if weights is None else weights
    rated = counts.sum(axis=1)
    agreement = case_agreement(counts, w)
    shares = counts / np.maximum(rated, 1.0)[:, None]
    doubly = rated >= 2
    columns = [rated >= 1, doubly, np.where(doubly, agreement, 0.0), shares]
    if "conger" in names:
        columns.append(ratings.one_hot().reshape(len(counts), -1))
    terms = np.column_stack(columns).astype(np.float64)

    def chance(name: str, sums: FloatArray, mean_share: FloatArray) -> FloatArray:
        if name == "fleiss":
            return _bilinear(mean_share, w, mean_share)
        if name == "conger":
            return _conger_chance(sums[..., 3 + categories :].reshape(*sums.shape[:-1], readers, categories), w)
        if name == "gwet":
            share = float(w.sum()) / (categories * (categories - 1.0)) if categories > 1 else math.nan
            spread: FloatArray = share * (mean_share * (1.0 - mean_share)).sum(axis=-1)
            return spread
        return np.full(sums.shape[:-1], w.sum() / categories**2)

    def evaluate(sums: FloatArray) -> FloatArray:
        observed = sums[..., 2] / sums[..., 1]
        mean_share = sums[..., 3 : 3 + categories] / sums[..., 0:1]
        values = []
        for name in names:
            if name == "percent_agreement":
                values.append(observed)
            else:
                by_chance = chance(name, sums, mean_share)
                values.append((observed - by_chance) / np.where(1.0 - by_chance > 1e-12, 1.0 - by_chance, np.nan))
        return np.stack(values, axis=-1)

    return SumStatistic(tuple(names), terms, evaluate, (int(doubly.sum()),) * len(names))


def coefficients(
    ratings: CategoryRatings,
    weights: FloatArray | None = None,
    *,
    level: float = 0.95,
    variance: VarianceMethod = "linearized",
) -> dict[str, Coefficient]:
    """`COEFFICIENTS` with standard errors and intervals, keyed by name.

    Parameters
    ----------
    ratings : CategoryRatings
    weights : array, shape (category, category), optional
        Agreement weights from `weights`; the identity when left out.
    level : float
    variance : VarianceMethod
        The two differ only where some cases have one rating.
    """
    rated = (ratings.codes >= 0).sum(axis=1)
    if len(ratings.categories) < 2:
        one = "the scale has one category; name the whole scale if it has more"
        n = int((rated >= 2).sum())
        agreed = _coefficient(1.0, 0.0, n, level, "") if n else _undefined("no case was read by two readers", level)
        return {name: _undefined(one, level, n) for name in COEFFICIENTS} | {"percent_agreement": agreed}
    statistic = coefficient_statistic(ratings, weights)
    n = int((rated >= (1 if variance == "gwet" else 2)).sum())
    reason = "no case was read by two readers" if not np.any(rated >= 2) else "only one category was used"
    with_rating = SumStatistic(statistic.names, statistic.terms[rated >= 1], statistic.evaluate)
    errors = standard_errors(_with_fixed_share(with_rating) if variance == "gwet" else with_rating)
    return {
        name: _coefficient(float(value), float(error), n, level, reason, 0.0 if name == "percent_agreement" else -1.0)
        for name, value, error in zip(statistic.names, statistic.estimates(), errors, strict=True)
    }


def alpha_statistic(ratings: CategoryRatings, metric: Metric = "nominal", *, small_sample: bool = True) -> SumStatistic:
    """Krippendorff's alpha as a statistic that can be bootstrapped.

    Parameters
    ----------
    ratings : CategoryRatings
    metric : Level, WeightName or array, shape (category, category)
        A level of measurement gives Krippendorff's own metric; ``linear``, ``radical``, ``circular`` and ``bipolar``
        take one minus Gwet's weights. Krippendorff's ``ordinal`` depends on how often each category was used and is
        not Gwet's. An array gives the disagreement between every two categories, zero on the diagonal: for Gwet's
        ordinal weights ``1 - agreement_weights("ordinal", scores)``.
    small_sample : bool
        Expected disagreement from pairs without replacement, as Krippendorff defines; without it Scott's.
    """
    counts = ratings.counts
    rated = counts.sum(axis=1)
    counts[rated < 2] = 0.0
    others = np.maximum(rated - 1.0, 1.0)[:, None]
    categories = counts.shape[1]
    if isinstance(metric, str) and metric == "ordinal":
        return _ordinal_alpha(counts, others, small_sample=small_sample)
    difference = _metric(metric, ratings.scores)  # zero on the diagonal: a rating is not paired with itself
    terms = np.column_stack([counts, (counts @ difference * counts / others).sum(axis=1)])

    def evaluate(sums: FloatArray) -> FloatArray:
        used, observed = sums[..., :categories], sums[..., categories]
        expected = _bilinear(used, difference, used)
        return _alpha(observed, expected, used.sum(axis=-1), small_sample=small_sample)[..., None]

    return SumStatistic(("krippendorff",), terms, evaluate)


def _ordinal_alpha(counts: FloatArray, others: FloatArray, *, small_sample: bool) -> SumStatistic:
    """Alpha whose metric is the squared difference of mean ranks, which depend on how often each category was used.

    Of every two categories the lower is `low`; both sums over ordered pairs are twice those over such pairs.
    """
    categories = counts.shape[1]
    low, high = np.triu_indices(categories, 1)
    terms = np.column_stack([counts, counts[:, low] * counts[:, high] / others])
    mean_rank = np.tri(categories) - np.eye(categories) / 2.0
    rank_difference = mean_rank[high] - mean_rank[low]

    def evaluate(sums: FloatArray) -> FloatArray:
        by_term = np.ascontiguousarray(sums.reshape(-1, terms.shape[1]).T)
        used, coincidences = by_term[:categories], by_term[categories:]
        squared = (rank_difference @ used) ** 2
        observed = 2.0 * (coincidences * squared).sum(axis=0)
        expected = 2.0 * (used[low] * used[high] * squared).sum(axis=0)
        alpha = _alpha(observed, expected, used.sum(axis=0), small_sample=small_sample)
        return alpha.reshape(*sums.shape[:-1], 1)

    return SumStatistic(("krippendorff",), terms, evaluate)


def alpha_coefficient(ratings: CategoryRatings, metric: Metric = "nominal", *, level: float = 0.95) -> Coefficient:
    """Krippendorff's alpha with its large-sample standard error; cases with one rating do not count."""
    doubly = (ratings.codes >= 0).sum(axis=1) >= 2
    n = int(doubly.sum())
    if n == 0:
        return _undefined("no case was read by two readers", level)
    exact = alpha_statistic(ratings, metric)
    large = alpha_statistic(ratings, metric, small_sample=False)
    error = standard_errors(SumStatistic(large.names, large.terms[doubly], large.evaluate))
    return _coefficient(float(exact.estimates()[0]), float(error[0]), n, level, "only one category was used")


def alpha_from_values(values: FloatArray) -> SumStatistic:
    """Krippendorff's interval alpha of measurements, shape (case, reader) with NaN missing, without categories."""
    read = ~np.isnan(values)
    rated = read.sum(axis=1)
    counts = (rated >= 2).astype(np.float64)
    centre = np.nanmean(values) if read.any() else 0.0
    x = np.where(read, values - centre, 0.0) * counts[:, None]
    total, squares = x.sum(axis=1), (x**2).sum(axis=1)
    observed = 2.0 * (rated * squares - total**2) / np.maximum(rated - 1.0, 1.0)
    terms = np.column_stack([rated * counts, total, squares, observed])

    def evaluate(sums: FloatArray) -> FloatArray:
        n, first, second = sums[..., 0], sums[..., 1], sums[..., 2]
        expected = 2.0 * (n * second - first**2)
        expected = np.where(expected > 1e-12 * n * second, expected, 0.0)
        return _alpha(sums[..., 3], expected, n, small_sample=True)[..., None]

    return SumStatistic(("krippendorff",), terms, evaluate)


def fleiss_z(ratings: CategoryRatings) -> tuple[float, float]:
    """Test of Fleiss' kappa against zero: z and two-sided p (Fleiss, Nee and Landis 1979, Psychol Bull 86:974).

    NaN unless all readers rated all cases.
    """
    counts = ratings.counts
    cases, readers = ratings.codes.shape
    if np.any(counts.sum(axis=1) != readers):
        return math.nan, math.nan
    share = counts.sum(axis=0) / counts.sum()
    spread = float((share * (1.0 - share)).sum())
    if spread <= 0.0:
        return math.nan, math.nan
    skew = float((share * (1.0 - share) * (1.0 - 2.0 * share)).sum())
    variance = 2.0 * (spread**2 - skew) / (spread**2 * cases * readers * (readers - 1.0))
    kappa = float(coefficient_statistic(ratings).estimates()[COEFFICIENTS.index("fleiss")])
    z = kappa / math.sqrt(variance)
    return z, 2.0 * normal_tail(abs(z))


def _with_fixed_share(statistic: SumStatistic) -> SumStatistic:
    """Let cases with one rating add to the variance as in Gwet (2014, chapter 5): he takes their share as given."""
    share = statistic.terms[:, 1].mean()

    def evaluate(sums: FloatArray) -> FloatArray:
        values: FloatArray = statistic.evaluate(sums) * (sums[..., 1:2] / sums[..., 0:1]) / share
        return values

    return SumStatistic(statistic.names, statistic.terms, evaluate)


def _alpha(observed: FloatArray, expected: FloatArray, total: FloatArray, *, small_sample: bool) -> FloatArray:
    pairs = total - 1.0 if small_sample else total
    alpha: FloatArray = 1.0 - observed * pairs / np.where(expected > 0.0, expected, np.nan)
    return alpha


def _metric(metric: Metric, scores: FloatArray) -> FloatArray:
    if not isinstance(metric, str):
        return np.asarray(metric, dtype=np.float64)
    if metric == "nominal":
        return 1.0 - np.eye(len(scores))
    if metric == "interval":
        return (scores[:, None] - scores[None, :]) ** 2
    if metric == "ratio":
        if scores[0] < 0:
            raise InputError("ratings: level 'ratio' needs values that are not negative; choose 'interval'.")
        total = scores[:, None] + scores[None, :]
        relative: FloatArray = ((scores[:, None] - scores[None, :]) / np.where(total > 0, total, 1.0)) ** 2
        return relative
    if metric == "ordinal":
        raise InputError("ratings: the ordinal metric depends on the ratings and has no fixed table.")
    return 1.0 - agreement_weights(metric, scores)


def _bilinear(left: FloatArray, table: FloatArray, right: FloatArray) -> FloatArray:
    product: FloatArray = ((left @ table) * right).sum(axis=-1)
    return product


def _conger_chance(by_reader: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean chance agreement over ordered pairs of different readers; readers without ratings are left out."""
    rated = by_reader.sum(axis=-1, keepdims=True)
    share = np.divide(by_reader, rated, out=np.zeros_like(by_reader), where=rated > 0)
    readers = (rated > 0).sum(axis=(-2, -1))
    total = share.sum(axis=-2)
    together = _bilinear(total, weights, total)
    own = _bilinear(share, weights, share).sum(axis=-1)
    chance: FloatArray = (together - own) / (readers * (readers - 1.0))
    return chance


def _coefficient(value: float, error: float, n: int, level: float, reason: str, least: float = -1.0) -> Coefficient:
    if math.isnan(value):
        return _undefined(reason, level, n)
    reach = t_quantile((1.0 + level) / 2.0, n - 1) * error if n > 1 else math.nan
    low, high = max(value - reach, least), min(value + reach, 1.0)
    if math.isnan(reach):
        low = high = math.nan
    return Coefficient(value, error, low, high, level, n)


def _undefined(reason: str, level: float, n: int = 0) -> Coefficient:
    return Coefficient(math.nan, math.nan, math.nan, math.nan, level, n, reason)
