"""Everything about one rating item: all coefficients that its level of measurement allows, with intervals.

What a level does not allow is left undefined with a reason, not computed: a mean of nominal codes has no meaning.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from AnnotationQACore.agreement.ratings.bland_altman import LimitsMethod
from AnnotationQACore.agreement.ratings.categories import CategoryRatings, Level, reader_overlap, require_readers
from AnnotationQACore.agreement.ratings.categories_coefficients import (
    Coefficient,
    alpha_coefficient,
    alpha_from_values,
    alpha_statistic,
    coefficient_statistic,
    coefficients,
)
from AnnotationQACore.agreement.ratings.categories_pairs import CategoryPair, compare_pairs, kappa_statistic
from AnnotationQACore.agreement.ratings.continuous import ContinuousAgreement, agree_on_measurements
from AnnotationQACore.agreement.ratings.icc import ICC_FORMS, icc_statistic
from AnnotationQACore.agreement.ratings.weights import WeightName, agreement_weights
from AnnotationQACore.agreement.statistics.intervals import (
    RESAMPLES,
    BootstrapInterval,
    SumStatistic,
    bootstrap,
    combined,
)
from AnnotationQACore.agreement.statistics.results import FloatArray, Result, json_value
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent

__all__ = ["MAX_CATEGORIES", "RatingAgreement", "RatingOptions", "SpecificAgreement", "agree_on_ratings"]

MAX_CATEGORIES = 100
"""More different values than this are measurements, not categories."""

_MAX_BOOTSTRAPPED_PAIRS = 45
_NAMED = 5


@dataclass(frozen=True, slots=True)
class RatingOptions:
    """How to compare ratings.

    Attributes
    ----------
    level : Level or None
        Level of measurement. None takes categories as nominal, and adds what numbers allow.
    categories : tuple or None
        The whole scale in its order, also what nobody used; None takes the values found.
    weights : WeightName
        Of Gwet's AC2.
    multiplier, limits : float, LimitsMethod
        Of the limits of agreement, see `bland_altman`.
    confidence : float
    resamples, seed : int
        Of the bootstrap; no resamples, no bootstrap.
    """

    level: Level | None = None
    categories: tuple[Any, ...] | None = None
    weights: WeightName = "quadratic"
    multiplier: float = 1.96
    limits: LimitsMethod = "exact"
    confidence: float = 0.95
    resamples: int = RESAMPLES
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SpecificAgreement(Result):
    """One category over all readers: its share of the ratings, and how often a second reader who has the choice agrees.

    `agreement` is the probability that another reader of the case gives this category when one does (Fleiss 1971's
    conditional agreement; with two readers 2a / (2a + b + c)).
    """

    category: str
    share: float
    agreement: float


@dataclass(frozen=True, slots=True)
class RatingAgreement:
    """Agreement of several readers on one rating item.

    Attributes
    ----------
    readers : tuple of str
    level : Level
        That was used for Krippendorff's alpha.
    n_cases, n_doubly_read, n_ratings : int
        Cases with a rating, cases that two readers or more rated, and ratings.
    categories : tuple of str
        Empty when the values are measurements.
    coefficients : dict
        ``percent_agreement``, ``fleiss``, ``conger``, ``gwet_ac1``, ``gwet_ac2``, ``brennan_prediger``,
        ``krippendorff``.
    pairs : tuple of CategoryPair
    specific : tuple of SpecificAgreement
    continuous : ContinuousAgreement or None
        For numbers at a level other than nominal.
    overlap : int array, shape (reader, reader)
        Cases that each two readers both read.
    intervals : dict
        Bootstrap intervals, keyed like the values in the JSON: ``fleiss``, ``icc.2,1``, ``cohen.A|B``.
    notes : tuple of str
        What was assumed or left out.
    """

    readers: tuple[str, ...]
    level: Level
    options: RatingOptions
    n_cases: int
    n_doubly_read: int
    n_ratings: int
    n_clusters: int | None
    categories: tuple[str, ...]
    coefficients: dict[str, Coefficient]
    pairs: tuple[CategoryPair, ...]
    specific: tuple[SpecificAgreement, ...]
    continuous: ContinuousAgreement | None
    overlap: tuple[tuple[int, ...], ...]
    intervals: dict[str, BootstrapInterval]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON document of ``annotation-qa agreement --ratings``; undefined values are ``null``, see ``reasons``."""
        value = {name: coefficient.value for name, coefficient in self.coefficients.items()}
        ordered = "gwet_ac2" in value and not math.isnan(value["gwet_ac2"])
        forms = self.continuous.icc.forms if self.continuous else ()
        result: dict[str, Any] = {
            "n_cases": self.n_cases,
            "n_readers": len(self.readers),
            "readers": self.readers,
            "level": self.level,
            "categories": self.categories,
            "percent_agreement": value.get("percent_agreement", math.nan),
            "cohen": {pair_name(pair.a, pair.b): pair.kappa.value for pair in self.pairs},
            "weighted": {
                "linear": {pair_name(pair.a, pair.b): pair.linear.value for pair in self.pairs if ordered},
                "quadratic": {pair_name(pair.a, pair.b): pair.quadratic.value for pair in self.pairs if ordered},
            },
            **{
                name: value.get(name, math.nan)
                for name in ("fleiss", "krippendorff", "gwet_ac1", "gwet_ac2", "conger", "brennan_prediger")
            },
            "icc": dict.fromkeys(ICC_FORMS, math.nan) | {form.form: form.value for form in forms},
            "intervals": self.intervals,
            "gwet_ac2_weights": self.options.weights,
            "n_doubly_read": self.n_doubly_read,
            "n_ratings": self.n_ratings,
            "n_clusters": self.n_clusters,
            "overlap": self.overlap,
            "per_category": self.specific,
            "coefficients": self.coefficients,
            "pairs": self.pairs,
            "continuous": self.continuous,
            "reasons": self._reasons(),
            "notes": self.notes,
        }
        plain: dict[str, Any] = json_value(result)
        return plain

    def _reasons(self) -> dict[str, str]:
        reasons = {name: c.reason for name, c in self.coefficients.items() if c.reason}
        reasons |= {f"cohen.{pair_name(pair.a, pair.b)}": pair.kappa.reason for pair in self.pairs if pair.kappa.reason}
        if self.continuous:
            reasons |= {f"icc.{form.form}": form.reason for form in self.continuous.icc.forms if form.reason}
        return reasons


def pair_name(a: str, b: str) -> str:
    """Key of a pair of readers in JSON."""
    return f"{a}|{b}"


def agree_on_ratings(
    values: Sequence[Sequence[Any]],
    readers: Sequence[str],
    options: RatingOptions | None = None,
    *,
    clusters: Sequence[Hashable] | None = None,
    progress: Progress = silent,
) -> RatingAgreement:
    """Compare the ratings of one item by several readers.

    Parameters
    ----------
    values : table, cases x readers
        Numbers or words; None, NaN and empty text are missing.
    readers : sequence of str
    options : RatingOptions, optional
    clusters : sequence, length case, optional
        Patient of each case, for the bootstrap.
    progress : Progress

    Raises
    ------
    InputError
        The table is empty, has fewer than two readers or two of the same name, or its values do not fit the level.
    """
    options = options or RatingOptions()
    require_readers(readers, (len(values), len(readers)))
    rated = [i for i, row in enumerate(values) if any(not _missing(value) for value in row)]
    if not rated:
        raise InputError("ratings: there is no rating in the table; check the columns.")
    rows = [list(values[i]) for i in rated]
    groups = None if clusters is None else [clusters[i] for i in rated]
    numbers = _numbers(rows)
    level, notes = _level(rows, numbers, options)
    item = _Item(tuple(readers), rows, numbers, level, options)
    categories = item.categories()
    continuous = item.continuous()
    found = item.coefficients(categories)
    pairs = compare_pairs(categories, level=options.confidence) if categories else ()
    statistics = item.statistics(categories, pairs, continuous)
    if len(pairs) > _MAX_BOOTSTRAPPED_PAIRS and options.resamples:
        notes.append(f"{len(pairs)} pairs of readers: their kappas have large-sample intervals only.")
    if categories is None:
        notes.append(f"More than {MAX_CATEGORIES} different values, or fractions: taken as measurements; no kappas.")
    intervals = {}
    if statistics and options.resamples:
        intervals = bootstrap(
            combined(statistics),
            groups,
            resamples=options.resamples,
            level=options.confidence,
            seed=options.seed,
            progress=progress,
        )
    n_clusters = None if groups is None else len(set(groups))
    if n_clusters is not None and n_clusters < len(rows):
        notes.append(
            "Patients have several cases: only the intervals of the bootstrap, which draws patients, allow for it."
        )
    notes += _without_spread(found, intervals)
    read = np.array([[not _missing(value) for value in row] for row in rows])
    return RatingAgreement(
        readers=tuple(readers),
        level=level,
        options=options,
        n_cases=len(rows),
        n_doubly_read=int((read.sum(axis=1) >= 2).sum()),
        n_ratings=int(read.sum()),
        n_clusters=n_clusters,
        categories=categories.categories if categories else (),
        coefficients=found,
        pairs=pairs,
        specific=_specific(categories) if categories else (),
        continuous=continuous,
        overlap=tuple(tuple(int(n) for n in row) for row in reader_overlap(read)),
        intervals=intervals,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Item:
    """One rating item, and what its level allows."""

    readers: tuple[str, ...]
    rows: list[list[Any]]
    numbers: FloatArray | None
    level: Level
    options: RatingOptions

    @property
    def is_ordered(self) -> bool:
        known = self.options.level is not None or self.numbers is not None or self.options.categories is not None
        return known and self.options.level != "nominal"

    def categories(self) -> CategoryRatings | None:
        """Ratings as categories; None when they are measurements."""
        if self.options.categories is None and self.options.level not in ("nominal", "ordinal") and self._measured():
            return None
        ratings = CategoryRatings.from_values(self.rows, self.readers, self.options.categories)
        if len(ratings.categories) > MAX_CATEGORIES:
            raise InputError(
                f"ratings: {len(ratings.categories)} different values are no {self.level} scale; use level interval."
            )
        return ratings

    def continuous(self) -> ContinuousAgreement | None:
        if self.numbers is None or self.options.level == "nominal":
            return None
        options = self.options
        return agree_on_measurements(
            self.numbers,
            self.readers,
            multiplier=options.multiplier,
            method=options.limits,
            level=options.confidence,
        )

    def coefficients(self, ratings: CategoryRatings | None) -> dict[str, Coefficient]:
        confidence = self.options.confidence
        nan = math.nan
        if ratings is None:
            value = float(self._measured_alpha().estimates()[0])
            reason = ""
            if self.level == "ratio":
                reason = f"alpha at level ratio needs up to {MAX_CATEGORIES} different values; round them"
            elif math.isnan(value):
                reason = "all values are equal, or no case was read by two readers"
            value = nan if reason else value
            n = int(((~np.isnan(self._values())).sum(axis=1) >= 2).sum())
            return {"krippendorff": Coefficient(value, nan, nan, nan, confidence, n, reason)}
        found = coefficients(ratings, level=confidence)
        found["gwet_ac1"] = found.pop("gwet")
        if self.is_ordered:
            weights = agreement_weights(self.options.weights, ratings.scores)
            found["gwet_ac2"] = coefficients(ratings, weights, level=confidence)["gwet"]
        else:
            reason = "categories without an order have no weights"
            found["gwet_ac2"] = Coefficient(nan, nan, nan, nan, confidence, 0, reason)
        found["krippendorff"] = alpha_coefficient(ratings, self.level, level=confidence)
        return found

    def statistics(
        self,
        ratings: CategoryRatings | None,
        pairs: Sequence[CategoryPair],
        continuous: ContinuousAgreement | None,
    ) -> list[SumStatistic]:
        """What is bootstrapped."""
        statistics: list[SumStatistic] = []
        if ratings is not None and len(ratings.categories) > 1:
            names = {"gwet": "gwet_ac1"}
            statistics += [_renamed(coefficient_statistic(ratings), names), alpha_statistic(ratings, self.level)]
            if self.is_ordered:
                weighted = coefficient_statistic(ratings, agreement_weights(self.options.weights, ratings.scores))
                statistics.append(_only(weighted, "gwet", "gwet_ac2"))
            if len(pairs) <= _MAX_BOOTSTRAPPED_PAIRS:
                statistics += self._pair_statistics(ratings)
        elif ratings is None and self.level == "interval":
            statistics.append(self._measured_alpha())
        if continuous is not None and continuous.icc.n_cases > 1:
            names = {f"icc({form})": f"icc.{form}" for form in ICC_FORMS}
            statistics.append(_renamed(icc_statistic(self._values()), names))
        return statistics

    def _pair_statistics(self, ratings: CategoryRatings) -> list[SumStatistic]:
        quadratic = agreement_weights("quadratic", ratings.scores)
        statistics = []
        for i, j in combinations(range(len(self.readers)), 2):
            name = pair_name(self.readers[i], self.readers[j])
            statistics.append(kappa_statistic(ratings, i, j, name=f"cohen.{name}"))
            if self.is_ordered:
                statistics.append(kappa_statistic(ratings, i, j, quadratic, name=f"weighted.quadratic.{name}"))
        return statistics

    def _values(self) -> FloatArray:
        return self.numbers if self.numbers is not None else np.empty((0, len(self.readers)))

    def _measured(self) -> bool:
        values = self._values()
        known = values[~np.isnan(values)]
        return bool(np.any(known != np.rint(known)) and len(np.unique(known)) > 10) or (
            len(np.unique(known)) > MAX_CATEGORIES
        )

    def _measured_alpha(self) -> SumStatistic:
        return alpha_from_values(self._values())


def _level(
    rows: Sequence[Sequence[Any]], numbers: FloatArray | None, options: RatingOptions
) -> tuple[Level, list[str]]:
    if options.level in ("interval", "ratio") and numbers is None:
        text = next(str(v) for row in rows for v in row if not _missing(v) and not _is_number(v))
        raise InputError(
            f"ratings: '{text[:40]}' is no number, as level {options.level} needs; use nominal or ordinal."
        )
    if options.level == "ordinal" and numbers is None and options.categories is None:
        raise InputError("ratings: words at level ordinal need their order; list the categories from low to high.")
    if options.level is not None:
        return options.level, []
    item = _Item((), list(map(list, rows)), numbers, "nominal", options)
    if numbers is not None and options.categories is None and item._measured():
        return "interval", ["No level was given: measurements are taken at level interval."]
    notes = ["No level was given: alpha is nominal; give the level if the categories have an order."]
    known = [value for row in rows for value in row if not _missing(value)]
    if numbers is None and options.categories is None and any(map(_is_number, known)):
        word = next(str(value) for value in known if not _is_number(value))
        notes.append(f"'{word[:40]}' is no number, other values are: all are taken as words.")
    return "nominal", notes


def _without_spread(found: Mapping[str, Coefficient], intervals: Mapping[str, BootstrapInterval]) -> list[str]:
    """Say it of intervals without width, which look like certainty: a value that no two cases tell apart."""
    either: list[Coefficient | BootstrapInterval] = [*found.values(), *intervals.values()]
    names = [name for name, one in zip([*found, *intervals], either, strict=True) if one.low == one.high]
    names = list(dict.fromkeys(names))
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [f"{', '.join(names[:_NAMED])}{more}: the interval has no width and does not show how sure the value is."]


def _specific(ratings: CategoryRatings) -> tuple[SpecificAgreement, ...]:
    counts = ratings.counts
    readers = counts.sum(axis=1)
    several = readers >= 2
    others = np.maximum(readers - 1.0, 1.0)[:, None]
    agreeing = (counts * (counts - 1.0) / others)[several].sum(axis=0)
    given = counts[several].sum(axis=0)
    total = counts.sum()
    return tuple(
        SpecificAgreement(
            name, float(counts[:, code].sum() / total), float(agreeing[code] / given[code]) if given[code] else math.nan
        )
        for code, name in enumerate(ratings.categories)
    )


def _renamed(statistic: SumStatistic, names: Mapping[str, str]) -> SumStatistic:
    return SumStatistic(
        tuple(names.get(name, name) for name in statistic.names), statistic.terms, statistic.evaluate, statistic.n
    )


def _only(statistic: SumStatistic, name: str, new: str) -> SumStatistic:
    column = statistic.names.index(name)

    def evaluate(sums: FloatArray) -> FloatArray:
        return statistic.evaluate(sums)[..., column : column + 1]

    return SumStatistic((new,), statistic.terms, evaluate, (statistic.n[column],))


def _numbers(rows: Sequence[Sequence[Any]]) -> FloatArray | None:
    """Values as floats; None when one of them is a word."""
    if not all(_missing(value) or _is_number(value) for row in rows for value in row):
        return None
    return np.array([[math.nan if _missing(value) else float(value) for value in row] for row in rows])


def _missing(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value)
