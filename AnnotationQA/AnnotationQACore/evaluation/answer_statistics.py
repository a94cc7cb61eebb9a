"""Statistics over the cases for answers: categories, ratings, measurements, and the volumes of what was drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.categories_coefficients import alpha_statistic, coefficient_statistic
from AnnotationQACore.agreement.ratings.continuous import concordance_statistic
from AnnotationQACore.agreement.ratings.icc import icc_statistic
from AnnotationQACore.agreement.ratings.weights import agreement_weights
from AnnotationQACore.agreement.statistics.intervals import SumStatistic, combined
from AnnotationQACore.agreement.statistics.results import FloatArray
from AnnotationQACore.evaluation.answers import scale_of
from AnnotationQACore.evaluation.figure_names import figure_name
from AnnotationQACore.evaluation.study_statistics import Found, StudyStatistic
from AnnotationQACore.protocol.items import Classification, Item, Rating

__all__ = ["answer_statistics"]

_UNITS = {"segmentation": "mm³", "polygon": "mm²"}


def answer_statistics(item: Item, found: Found) -> Iterator[StudyStatistic]:
    """Statistics that fit an item's answers.

    Readers are columns, cases (or lesions) are rows; a missing answer and "not assessable" are missing. Kappas of more
    than two readers are Conger's generalization (1980, Psychol Bull 88:322), which is Cohen's for two.
    """
    readers = tuple(dict.fromkeys(reader for _, one in found for reader in one.readers))
    rows = [(case.patient, row.values) for case, one in found for row in one.values if len(row.values) > 1]
    table = [[values.get(reader) for reader in readers] for _, values in rows]
    if len(readers) < 2 or not any(value is not None for row in table for value in row):
        return
    patients = tuple(patient for patient, _ in rows)
    of = "lesions" if any(one.instances for _, one in found) or item.scope.level == "instance" else "cases"
    if isinstance(item, (Classification, Rating)):
        yield from _categories(item, table, readers, patients, of)
    else:
        values = np.array([[np.nan if value is None else value for value in row] for row in table], dtype=np.float64)
        yield from _measurements(values, _UNITS.get(item.kind, ""), patients, of)


def _categories(
    item: Classification | Rating,
    table: Sequence[Sequence[float | str | None]],
    readers: Sequence[str],
    patients: tuple[str, ...],
    of: str,
) -> Iterator[StudyStatistic]:
    ratings = CategoryRatings.from_values(table, readers, scale_of(item, table))
    counted = int(((ratings.codes >= 0).sum(axis=1) >= 2).sum())
    ordinal = isinstance(item, Rating) and item.scale == "ordinal"
    plain = coefficient_statistic(ratings)
    chosen = [
        _one(plain, "percent_agreement", "percent_agreement"),
        _one(plain, "conger", "cohen_kappa"),
        _one(plain, "fleiss", "fleiss_kappa"),
        _one(plain, "gwet", "gwet_ac1"),
    ]
    if ordinal:
        linear = coefficient_statistic(ratings, agreement_weights("linear", ratings.scores))
        quadratic = coefficient_statistic(ratings, agreement_weights("quadratic", ratings.scores))
        chosen += [
            _one(linear, "conger", "weighted_kappa_linear"),
            _one(quadratic, "conger", "weighted_kappa_quadratic"),
            _one(quadratic, "gwet", "gwet_ac2"),
        ]
    alpha = alpha_statistic(ratings, "ordinal" if ordinal else "nominal")
    chosen.append(_one(alpha, "krippendorff", "krippendorff_alpha"))
    notes = {"gwet_ac2": "quadratic weights"}
    if len(readers) > 2:
        conger = ("cohen_kappa", "weighted_kappa_linear", "weighted_kappa_quadratic")
        notes |= dict.fromkeys(conger, "Conger's generalization to several readers")
    for statistic in chosen:
        (name,) = statistic.names
        yield StudyStatistic(figure_name(name).title, statistic, patients, of, counted, notes.get(name, ""))
    if ordinal:
        values = np.where(ratings.codes >= 0, ratings.scores[ratings.codes], np.nan)
        yield from _correlations(values, patients, of)


def _measurements(values: FloatArray, unit: str, patients: tuple[str, ...], of: str) -> Iterator[StudyStatistic]:
    yield from _correlations(values, patients, of)
    doubly = int(((~np.isnan(values)).sum(axis=1) >= 2).sum())
    pairs = combined(
        [concordance_statistic(values[:, a], values[:, b]) for a, b in combinations(range(values.shape[1]), 2)]
    )
    title = f"{figure_name('lin_ccc').title}, mean over pairs"
    yield StudyStatistic(title, _mean_of(pairs, "lin_ccc"), patients, of, doubly)
    limits = _limits_statistic(values)
    title = ", ".join([figure_name("limits_of_agreement").title, *([unit] if unit else [])])
    yield StudyStatistic(title, limits, patients, of, doubly, "from the within-subject standard deviation")


def _correlations(values: FloatArray, patients: tuple[str, ...], of: str) -> Iterator[StudyStatistic]:
    complete = int((~np.isnan(values)).all(axis=1).sum())
    note = "only those read by all readers" if complete < len(values) else ""
    forms = icc_statistic(values)
    for form in ("1,1", "2,1", "3,1"):
        statistic = _one(forms, f"icc({form})", f"icc_{form.replace(',', '_')}")
        (name,) = statistic.names
        yield StudyStatistic(figure_name(name).title, statistic, patients, of, complete, note)


def _one(statistic: SumStatistic, name: str, new_name: str) -> SumStatistic:
    """A single one of several statistics under the name that protocols use."""
    place = statistic.names.index(name)
    return SumStatistic((new_name,), statistic.terms, lambda sums: statistic.evaluate(sums)[..., place : place + 1])


def _mean_of(statistics: SumStatistic, name: str) -> SumStatistic:
    """Mean of those that are defined."""

    def evaluate(sums: FloatArray) -> FloatArray:
        values = statistics.values(sums)
        defined = ~np.isnan(values)
        mean: FloatArray = np.where(defined, values, 0.0).sum(axis=-1, keepdims=True) / defined.sum(-1, keepdims=True)
        return mean

    return SumStatistic((name,), statistics.terms, evaluate)


def _limits_statistic(values: FloatArray) -> SumStatistic:
    """1.96 sqrt(2) times the within-subject standard deviation (Bland and Altman 1999, Stat Methods Med Res 8:135)."""
    read = ~np.isnan(values)
    count = read.sum(axis=1).astype(np.float64)
    filled = np.where(read, values, 0.0)
    mean = filled.sum(axis=1) / np.maximum(count, 1.0)
    squares = (np.where(read, values - mean[:, None], 0.0) ** 2).sum(axis=1)
    terms = np.column_stack([np.where(count >= 2, squares, 0.0), np.maximum(count - 1.0, 0.0)])
    return SumStatistic(
        ("limits_of_agreement",), terms, lambda sums: 1.96 * np.sqrt(2.0 * sums[..., 0:1] / sums[..., 1:2])
    )
