"""Consensus of ratings on an ordered or continuous scale: the median."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AnnotationQACore.errors import InputError

__all__ = ["RatingConsensus", "ReaderDeviation", "median_rating"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReaderDeviation:
    """One reader against the consensus: signed mean (bias) and mean absolute deviation, over `cases` cases."""

    reader: str
    cases: int
    bias: float
    mean_absolute_deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class RatingConsensus:
    """One rating for each case.

    Attributes
    ----------
    method : str
    parameters : mapping
    values : float array, shape (cases,)
        NaN for a case that nobody read.
    lower, upper : float array, shape (cases,)
        Both middle ratings; equal when the number of readers is odd or they agree.
    uncertainty : float array, shape (cases,)
        Median absolute deviation of the readers from their median.
    performance : tuple of ReaderDeviation
    warnings : tuple of str
    """

    method: str
    parameters: Mapping[str, object]
    values: FloatArray
    lower: FloatArray
    upper: FloatArray
    uncertainty: FloatArray
    performance: tuple[ReaderDeviation, ...]
    warnings: tuple[str, ...] = ()


def median_rating(ratings: ArrayLike, readers: Sequence[str], even: str = "lower") -> RatingConsensus:
    """Take the median of the readers' ratings.

    Parameters
    ----------
    ratings : array, shape (cases, readers)
        NaN where a reader did not read the case.
    readers : sequence of str
    even : {"lower", "upper", "mean"}
        What the median of an even number of ratings is: the lower or upper one of the middle two, which is a rating
        somebody gave, or their mean, which for an ordered scale may be no rating at all. Both middle ratings are in
        the result in any case.
    """
    names = tuple(readers)
    table = np.array(ratings, dtype=np.float64)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError("consensus: give at least two readers, each with a name of its own.")
    if table.ndim != 2 or table.shape[0] == 0 or table.shape[1] != len(names):
        raise InputError(f"consensus: ratings of shape {table.shape} are no table of cases x {len(names)} readers.")
    if np.isinf(table).any():
        raise InputError("consensus: a rating is infinite; correct the table.")
    if even not in ("lower", "upper", "mean"):
        raise InputError(f"consensus: no median {even!r}; choose lower, upper or mean.")
    lower, upper, spread = (np.full(len(table), np.nan) for _ in range(3))
    for case, row in enumerate(table):
        given = np.sort(row[~np.isnan(row)])
        if len(given):
            lower[case], upper[case] = given[(len(given) - 1) // 2], given[len(given) // 2]
            spread[case] = np.median(np.abs(given - np.median(given)))
    values = {"lower": lower, "upper": upper, "mean": (lower + upper) / 2}[even]
    deviations = table - values[:, None]
    performance = tuple(_deviation(name, deviations[:, number]) for number, name in enumerate(names))
    unread = int(np.isnan(lower).sum())
    warnings = (f"{unread} of {len(table)} cases were read by nobody and have no consensus.",) if unread else ()
    split = int(np.sum(lower < upper))
    return RatingConsensus(
        "median",
        {"even": even, "cases_between_two_ratings": split},
        values,
        lower,
        upper,
        spread,
        performance,
        warnings,
    )


def _deviation(reader: str, deviations: FloatArray) -> ReaderDeviation:
    known = deviations[~np.isnan(deviations)]
    if not len(known):
        return ReaderDeviation(reader, 0, float("nan"), float("nan"))
    return ReaderDeviation(reader, len(known), float(known.mean()), float(np.abs(known).mean()))
