"""What a report shows of an item beyond its summary: pairs, readers, distributions, tables."""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.agreement.ratings.bland_altman import ProportionalBias
from AnnotationQACore.agreement.statistics.results import Result

__all__ = [
    "CategoryTables",
    "Detection",
    "Distribution",
    "Estimate",
    "ItemAnalysis",
    "PairLimits",
    "PairMean",
    "PairTable",
    "ReaderEstimate",
    "ReaderFigures",
]


@dataclass(frozen=True, slots=True)
class Estimate(Result):
    """A figure with its 95 % interval (bootstrap by patient) and how many rows it rests on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ReaderEstimate(Result):
    """A figure of one reader."""

    reader: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class ReaderFigures(Result):
    """One figure of every reader.

    Attributes
    ----------
    name : str
        ``agreement with the others``, ``volume``, ``boundary``, ``measurement`` or ``levels``.
    title : str
        For people, with the unit.
    of : str
        What n counts.
    readers : tuple of ReaderEstimate
    """

    name: str
    title: str
    of: str
    readers: tuple[ReaderEstimate, ...]


@dataclass(frozen=True, slots=True)
class PairMean(Result):
    """One statistic of two readers: the mean over cases or lesions, or the coefficient over them."""

    a: str
    b: str
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Distribution(Result):
    """Figures of all pairs of readers, one value for each case or lesion.

    Attributes
    ----------
    statistic, title, of : str
    means : tuple of PairMean
    values : tuple of tuple of float
        For each pair the finite ones, sorted.
    infinite : tuple of int
        For each pair how many are infinite: only one of the two drew anything.
    """

    statistic: str
    title: str
    of: str
    means: tuple[PairMean, ...]
    values: tuple[tuple[float, ...], ...]
    infinite: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PairLimits(Result):
    """Bland-Altman analysis of two readers, first minus second.

    Attributes
    ----------
    bias, lower, upper : Estimate
        Mean difference and 95 % limits of agreement, with intervals by a bootstrap of patients.
    proportional : ProportionalBias
    means, differences : tuple of float
        The points.
    """

    a: str
    b: str
    bias: Estimate
    lower: Estimate
    upper: Estimate
    proportional: ProportionalBias
    means: tuple[float, ...]
    differences: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PairTable(Result):
    """Contingency table of two readers, rows are `a`, and what follows from it."""

    a: str
    b: str
    n: int
    table: tuple[tuple[int, ...], ...]
    percent_agreement: float
    kappa: float
    gwet_ac1: float
    prevalence_index: float
    bias_index: float


@dataclass(frozen=True, slots=True)
class CategoryTables(Result):
    """How readers used the categories.

    Attributes
    ----------
    categories : tuple of str
        As stored.
    titles : tuple of str
        For people.
    pooled : tuple
        Sum of the tables of all pairs; rows are the reader named first.
    pairs : tuple of PairTable
    readers : tuple of str
    used : tuple
        For each reader how often each category was given.
    positive, negative : tuple of float
        Specific agreement on each category, and on its absence, over all pairs.
    """

    categories: tuple[str, ...]
    titles: tuple[str, ...]
    pooled: tuple[tuple[int, ...], ...]
    pairs: tuple[PairTable, ...]
    readers: tuple[str, ...]
    used: tuple[tuple[int, ...], ...]
    positive: tuple[float, ...]
    negative: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Detection(Result):
    """How many readers found the lesions.

    Attributes
    ----------
    n_readers : int
        The most readers who read the item in a case.
    found_by : tuple of int
        Lesions that 1, 2, ... readers drew.
    partial_cases : int
        Cases that fewer readers than that read.
    readers : tuple of str
    found, alone, missed : tuple of int
        For each reader the lesions drawn, those that nobody else drew, and those that all others drew.
    """

    n_readers: int
    found_by: tuple[int, ...]
    partial_cases: int
    readers: tuple[str, ...]
    found: tuple[int, ...]
    alone: tuple[int, ...]
    missed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ItemAnalysis(Result):
    """One item.

    Attributes
    ----------
    item : str
    pair_statistic, pair_of : str
        What `pairs` shows, for people.
    pairs : tuple of PairMean
    distributions : tuple of Distribution
    readers : tuple of ReaderFigures
    limits_title : str
        What the differences of `limits` are, with the unit; empty without them.
    limits : tuple of PairLimits
    categories : CategoryTables or None
    detection : Detection or None
    """

    item: str
    pair_statistic: str = ""
    pair_of: str = ""
    pairs: tuple[PairMean, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    readers: tuple[ReaderFigures, ...] = ()
    limits_title: str = ""
    limits: tuple[PairLimits, ...] = ()
    categories: CategoryTables | None = None
    detection: Detection | None = None
