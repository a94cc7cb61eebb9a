"""Estimates with bootstrap intervals by patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.statistics.intervals import BootstrapInterval, SumStatistic, bootstrap, mean_statistic
from AnnotationQACore.agreement.statistics.results import FloatArray
from AnnotationQACore.reporting.analysis_records import Estimate

__all__ = ["Bootstrap", "mean_over"]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are computed."""

    resamples: int
    seed: int

    def estimates(self, statistic: SumStatistic, patients: Sequence[str], n: int) -> tuple[Estimate, ...]:
        """Values of a statistic with 95 % intervals; no interval where there is no row or one patient only."""
        if not n:
            return tuple(Estimate(math.nan, math.nan, math.nan, 0) for _ in statistic.names)
        if len(set(patients)) < 2:
            return tuple(Estimate(float(value), math.nan, math.nan, n) for value in statistic.estimates())
        found = bootstrap(statistic, patients, resamples=self.resamples, seed=self.seed)
        return tuple(_estimate(found[name], n) for name in statistic.names)

    def mean(self, values: ArrayLike, patients: Sequence[str]) -> Estimate:
        """Mean of the values that are finite."""
        array = np.asarray(values, dtype=np.float64)
        array = np.where(np.isfinite(array), array, np.nan)
        return self.estimates(mean_statistic(array), patients, int((~np.isnan(array)).sum()))[0]


def mean_over(statistics: SumStatistic) -> SumStatistic:
    """Mean of several statistics; undefined where one of them is, so that it always means the same."""

    def evaluate(sums: FloatArray) -> FloatArray:
        return np.asarray(statistics.values(sums).mean(axis=-1, keepdims=True), dtype=np.float64)

    return SumStatistic(("mean",), statistics.terms, evaluate)


def _estimate(found: BootstrapInterval, n: int) -> Estimate:
    accelerated = not math.isnan(found.bca_low)
    low, high = (found.bca_low, found.bca_high) if accelerated else (found.low, found.high)
    return Estimate(found.estimate, low, high, n)
