"""Standard errors and bootstrap intervals of statistics that are functions of sums over cases.

Kappa, alpha, ICC, limits of agreement, mean Dice: each is a function of sums of what every case contributes. A
bootstrap resample gives each case a weight, how often it was drawn, so that all resamples of all statistics are one
matrix product. Where cases are clustered (several lesions of one patient) whole clusters are drawn.

Sources: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14; Davison and Hinkley,
Bootstrap Methods and their Application (1997), chapters 2 (delta method) and 3.8 (clusters).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.statistics.resampling import DistinctCases, Resampling
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent

__all__ = [
    "RESAMPLES",
    "BootstrapInterval",
    "SumStatistic",
    "bootstrap",
    "combined",
    "mean_statistic",
    "standard_errors",
]

RESAMPLES = 2000
"""Default number of bootstrap resamples."""

_SUMS_BYTES = 100_000
_LEAST_ROWS = 500
"""Resamples are evaluated in blocks that are small, unless the calls would then cost more than the sums."""

_WEIGHTS_BYTES = 180_000
"""Resamples are drawn in blocks that stay in the processor's cache."""

_ONE_THREAD = 1 << 18
"""Multiplications up to which OpenBLAS stays on one thread; smaller products lose by its threads."""


@dataclass(frozen=True, slots=True, eq=False)
class SumStatistic:
    """One or several statistics that depend on the cases only through sums.

    Attributes
    ----------
    names : tuple of str
        One for each statistic.
    terms : array, shape (case, term)
        What each case contributes to the sums.
    evaluate : callable
        Maps sums, shape (..., term), to values, shape (..., statistic); NaN where undefined.
    n : tuple of int
        For each statistic the cases that count; those that contribute anything when left out.
    """

    names: tuple[str, ...]
    terms: FloatArray
    evaluate: Callable[[FloatArray], FloatArray]
    n: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.n:
            contributing = int(np.any(self.terms != 0.0, axis=1).sum())
            object.__setattr__(self, "n", (contributing,) * len(self.names))

    def values(self, sums: FloatArray) -> FloatArray:
        """Evaluate for given sums without numpy's warnings; infinities are undefined (NaN)."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            values = self.evaluate(sums)
        return np.where(np.isfinite(values), values, np.nan)

    def estimates(self) -> FloatArray:
        """Values for the cases as they are, shape (statistic,)."""
        return self.values(self.terms.sum(axis=0))


@dataclass(frozen=True, slots=True)
class BootstrapInterval(Result):
    """Bootstrap interval of one statistic.

    Attributes
    ----------
    estimate : float
    low, high : float
        Percentile interval; NaN where there is only one case or cluster to draw.
    bca_low, bca_high : float
        Bias-corrected and accelerated interval (Efron 1987), acceleration from the jackknife over clusters; NaN where
        the jackknife is undefined or all resamples are alike.
    standard_error : float
        Standard deviation of the defined resamples.
    level : float
    n, n_drawn : int
        Cases that count for the statistic, and what was drawn: all cases, or all clusters.
    resamples, undefined : int
        Resamples drawn, and how many of them left the statistic undefined and are out of the interval.
    seed : int
    """

    estimate: float
    low: float
    high: float
    bca_low: float
    bca_high: float
    standard_error: float
    level: float
    n: int
    n_drawn: int
    resamples: int
    undefined: int
    seed: int


def combined(statistics: Sequence[SumStatistic]) -> SumStatistic:
    """Join statistics of the same cases, so that they are evaluated on the same resamples."""
    edges = np.cumsum([0, *(statistic.terms.shape[1] for statistic in statistics)])

    def evaluate(sums: FloatArray) -> FloatArray:
        parts = [
            statistic.evaluate(sums[..., start:stop])
            for statistic, start, stop in zip(statistics, edges[:-1], edges[1:], strict=True)
        ]
        return np.concatenate(parts, axis=-1)

    names = tuple(name for statistic in statistics for name in statistic.names)
    n = tuple(count for statistic in statistics for count in statistic.n)
    return SumStatistic(names, np.concatenate([s.terms for s in statistics], axis=1), evaluate, n)


def mean_statistic(values: FloatArray, name: str = "mean") -> SumStatistic:
    """Mean over cases, as of a Dice coefficient; cases with NaN are left out."""
    values = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(values)
    terms = np.column_stack([defined, np.where(defined, values, 0.0)]).astype(np.float64)
    return SumStatistic((name,), terms, lambda sums: sums[..., 1:2] / sums[..., 0:1])


def standard_errors(
    statistic: SumStatistic, clusters: Sequence[Hashable] | None = None, *, ddof: int = 1
) -> FloatArray:
    """Large-sample standard errors by the delta method, shape (statistic,).

    Parameters
    ----------
    statistic : SumStatistic
    clusters : sequence, length case, optional
        Cluster (patient) of each case; the error is then robust against the likeness of a cluster's cases.
    ddof : int
        1 divides the variance of the contributions by clusters - 1 (Gwet), 0 by their number (Fleiss et al. 1969).
    """
    terms = _cluster_terms(statistic.terms, clusters)
    count = len(terms)
    if count <= ddof:
        return np.full(len(statistic.names), np.nan)
    sums = terms.sum(axis=0)
    step = 1e-5 * np.maximum(np.abs(terms).sum(axis=0), 1e-12)
    shifts = np.diag(step)
    slopes = (statistic.values(sums + shifts) - statistic.values(sums - shifts)) / (2.0 * step[:, None])
    influence = terms @ slopes
    centred = influence - influence.mean(axis=0)
    errors: FloatArray = np.sqrt((centred**2).sum(axis=0) * count / (count - ddof))
    return errors


def bootstrap(
    statistic: SumStatistic,
    clusters: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, BootstrapInterval]:
    """Percentile and BCa intervals of all statistics from the same resamples, keyed by name.

    Parameters
    ----------
    statistic : SumStatistic
        Several are joined by `combined`.
    clusters : sequence, length case, optional
        Cluster (patient) of each case; without it each case is its own cluster.
    resamples : int
    level : float
        Coverage, between 0 and 1.
    seed : int
        The same seed gives the same resamples.
    progress : Progress
        Called between blocks of resamples.

    Raises
    ------
    InputError
        There is no case, or `resamples` or `level` cannot be.
    """
    if resamples < 1 or not 0.0 < level < 1.0:
        raise InputError("bootstrap: needs at least one resample and a level between 0 and 1; correct the options.")
    terms = _cluster_terms(statistic.terms, clusters)
    if len(terms) == 0:
        raise InputError("bootstrap: there is no case to draw from; check the table.")
    cases = DistinctCases.of(terms)
    draws = _resampled_values(statistic, cases, resamples, seed, progress)
    estimates = statistic.estimates()
    if len(terms) > 1:
        left_out = statistic.values(terms.sum(axis=0) - cases.terms).take(cases.of_case, axis=0)
    else:
        left_out = np.full((1, len(statistic.names)), np.nan)
    return {
        name: _interval(
            float(estimates[column]),
            draws[:, column],
            left_out[:, column],
            level=level,
            n=statistic.n[column],
            n_drawn=len(terms),
            seed=seed,
        )
        for column, name in enumerate(statistic.names)
    }


def _resampled_values(
    statistic: SumStatistic, cases: DistinctCases, resamples: int, seed: int, progress: Progress
) -> FloatArray:
    generator = np.random.default_rng(seed)
    resampling = Resampling.of(cases)
    block = max(_LEAST_ROWS, _SUMS_BYTES // (8 * cases.terms.shape[1]))
    draws = np.empty((resamples, len(statistic.names)))
    for start in range(0, resamples, block):
        stop = min(start + block, resamples)
        draws[start:stop] = statistic.values(_resampled_sums(generator, stop - start, resampling))
        progress(stop, resamples)
    return draws


def _resampled_sums(generator: np.random.Generator, resamples: int, resampling: Resampling) -> FloatArray:
    """Sums over drawn clusters, shape (resample, term): the times that each was drawn, multiplied by its terms."""
    terms = resampling.cases.terms
    block = max(1, _WEIGHTS_BYTES // (8 * len(terms)))
    piece = max(1, _ONE_THREAD // terms.size) if terms.size <= _ONE_THREAD else block
    sums = np.empty((resamples, terms.shape[1]))
    for start in range(0, resamples, block):
        times = resampling.draw(generator, min(block, resamples - start))
        for first in range(0, len(times), piece):
            part = times[first : first + piece]
            np.matmul(part, terms, out=sums[start + first : start + first + len(part)])
    return sums


def _cluster_terms(terms: FloatArray, clusters: Sequence[Hashable] | None) -> FloatArray:
    if clusters is None:
        return terms
    if len(clusters) != len(terms):
        raise InputError(f"bootstrap: {len(clusters)} cluster names for {len(terms)} cases; give one for each case.")
    index: dict[Hashable, int] = {}
    member: NDArray[np.intp] = np.array([index.setdefault(name, len(index)) for name in clusters], dtype=np.intp)
    sums = np.zeros((len(index), terms.shape[1]))
    np.add.at(sums, member, terms)
    return sums


def _interval(
    estimate: float, draws: FloatArray, left_out: FloatArray, *, level: float, n: int, n_drawn: int, seed: int
) -> BootstrapInterval:
    defined = np.sort(draws[~np.isnan(draws)])
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    usable = n_drawn > 1 and len(defined) > 1 and not math.isnan(estimate)
    low, high = _quantiles(defined, tails) if usable else (math.nan, math.nan)
    bca = _bca_probabilities(estimate, defined, left_out, tails) if usable else None
    bca_low, bca_high = _quantiles(defined, bca) if bca else (math.nan, math.nan)
    return BootstrapInterval(
        estimate=estimate,
        low=low,
        high=high,
        bca_low=bca_low,
        bca_high=bca_high,
        standard_error=float(np.std(defined, ddof=1)) if usable else math.nan,
        level=level,
        n=n,
        n_drawn=n_drawn,
        resamples=len(draws),
        undefined=len(draws) - len(defined),
        seed=seed,
    )


def _quantiles(ascending: FloatArray, probabilities: tuple[float, float]) -> tuple[float, float]:
    """Linear between order statistics (Hyndman and Fan 1996, type 7), as numpy's but for values that are sorted."""
    last = len(ascending) - 1
    low, high = np.interp(np.multiply(probabilities, last), np.arange(last + 1), ascending)
    return float(low), float(high)


def _bca_probabilities(
    estimate: float, defined: FloatArray, left_out: FloatArray, tails: tuple[float, float]
) -> tuple[float, float] | None:
    """Where to read the sorted resamples (Efron and Tibshirani 1993, eq. 14.10); None where that is undefined."""
    below = (np.searchsorted(defined, estimate, "left") + np.searchsorted(defined, estimate, "right")) / 2.0
    share = below / len(defined)
    deviation = left_out.mean() - left_out
    spread = float((deviation**2).sum())
    if not 0.0 < share < 1.0 or not spread > 0.0:
        return None
    acceleration = float((deviation**3).sum()) / (6.0 * spread**1.5)
    from scipy import special  # slow to load, and most who load this module draw no resamples

    bias = float(special.ndtri(share))

    def shifted(tail: float) -> float:
        z = bias + float(special.ndtri(tail))
        return float(special.ndtr(bias + z / (1.0 - acceleration * z)))

    return shifted(tails[0]), shifted(tails[1])
