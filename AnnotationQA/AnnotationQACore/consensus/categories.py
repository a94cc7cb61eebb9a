"""Consensus of categories: the mode, and maximum likelihood with readers' error rates (Dawid and Skene 1979)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.expectation_maximization import maximize
from AnnotationQACore.errors import InputError

__all__ = ["CategoryConsensus", "ReaderConfusion", "dawid_skene", "mode"]

FloatArray = NDArray[np.float64]
Table = Sequence[Sequence[str | Sequence[str] | None]]

EQUAL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class ReaderConfusion:
    """How one reader decides.

    Attributes
    ----------
    reader : str
    cases : int
        Cases that the reader read.
    agreement : float
        Share of the reader's decisions that are the consensus; NaN when there are none to compare.
    confusion : float array, shape (truth, decision)
        Share of each decision given the consensus category (mode), or estimated probability (Dawid-Skene). A row is
        NaN where the reader met no case of that category.
    weight : float
    """

    reader: str
    cases: int
    agreement: float
    confusion: FloatArray
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class CategoryConsensus:
    """One category for each case.

    Attributes
    ----------
    method : str
    parameters : mapping
    categories : tuple of str
    values : tuple of str or None
        Consensus of each case; None when tied under the policy ``none``, or when nobody read the case.
    support : float array, shape (cases, categories)
        Share of the (weighted) votes, or posterior probability; NaN for a case that nobody read.
    uncertainty : float array, shape (cases,)
        Shannon entropy of the support in bits.
    performance : tuple of ReaderConfusion
    warnings : tuple of str
    """

    method: str
    parameters: Mapping[str, object]
    categories: tuple[str, ...]
    values: tuple[str | None, ...]
    support: FloatArray
    uncertainty: FloatArray
    performance: tuple[ReaderConfusion, ...]
    warnings: tuple[str, ...] = ()


def mode(
    table: Table,
    readers: Sequence[str],
    *,
    categories: Sequence[str] | None = None,
    ties: str = "none",
    tie_break_reader: str | None = None,
    weights: Mapping[str, float] | None = None,
) -> CategoryConsensus:
    """Take the category that most readers chose.

    Parameters
    ----------
    table : cases x readers
        Each entry is a category, several categories (the reader read the case more than once; the reader's vote is
        shared among them), or None where the reader did not read the case.
    readers : sequence of str
    categories : sequence of str, optional
        In their order; by default all that occur, sorted.
    ties : {"none", "first", "last", "reader"}
        A tied case has no consensus (``none``), or the first or last tied category in the order of `categories`
        (the least or most severe, where they are ordered so), or what the tie-break reader said if it is tied.
    tie_break_reader : str, optional
        With ``ties="reader"``.
    weights : mapping of reader to weight, optional
        E.g. experts counting more.
    """
    names, kinds, decided = _decided(table, readers, categories)
    policies = ("none", "first", "last", "reader")
    if ties not in policies:
        raise InputError(f"consensus: no ties policy {ties!r}; choose one of {', '.join(policies)}.")
    if (ties == "reader") != (tie_break_reader is not None) or (tie_break_reader or names[0]) not in names:
        raise InputError("consensus: the ties policy 'reader' needs a tie-break reader who is one of the readers.")
    weight = _weights(names, weights)
    total = decided.sum(axis=2, keepdims=True)
    votes = np.divide(decided, total, out=np.zeros_like(decided), where=total > 0)
    score = np.einsum("crk,r->ck", votes, weight)
    read = score.sum(axis=1) > 0
    support = np.full_like(score, np.nan)
    support[read] = score[read] / score[read].sum(axis=1, keepdims=True)

    values: list[str | None] = []
    tied_cases = 0
    for case, shares in enumerate(support):
        best = np.flatnonzero(shares >= np.max(shares) - EQUAL) if read[case] else np.zeros(0, dtype=int)
        tied_cases += len(best) > 1
        values.append(
            _untied(best, kinds, ties, None if tie_break_reader is None else votes[case, names.index(tie_break_reader)])
        )
    parameters: dict[str, object] = {"ties": ties, "tied_cases": tied_cases}
    if tie_break_reader is not None:
        parameters["tie_break_reader"] = tie_break_reader
    if weights is not None:
        parameters["weights"] = dict(weights)
    performance = _compared(names, kinds, decided, values, weight)
    return CategoryConsensus(
        "mode", parameters, kinds, tuple(values), support, _entropy(support), performance, _unread(read)
    )


def dawid_skene(
    table: Table,
    readers: Sequence[str],
    *,
    categories: Sequence[str] | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 10000,
) -> CategoryConsensus:
    """Estimate the true categories together with each reader's error rates and the prevalence.

    Starts from the shares of votes, as in the paper. With few cases in a category the error rates are poorly known.

    Parameters
    ----------
    table, readers, categories
        As for `mode`.
    tolerance : float
        The iterations end when no error rate or prevalence changes by more.
    max_iterations : int

    Returns
    -------
    CategoryConsensus
        A case has the most probable category; of equally probable ones that of more votes, then the first.
    """
    names, kinds, decided = _decided(table, readers, categories)
    votes = decided.sum(axis=1)
    read = votes.sum(axis=1) > 0
    if not read.any():
        raise InputError("consensus: the table holds no rating; check the columns.")
    start = votes[read] / votes[read].sum(axis=1, keepdims=True)
    cases = np.ones(int(read.sum()))
    estimate = maximize(decided[read], cases, start, tolerance=tolerance, max_iterations=max_iterations)
    support = np.full((len(read), len(kinds)), np.nan)
    support[read] = estimate.posterior
    values: list[str | None] = []
    for case, posterior in enumerate(support):
        if not read[case]:
            values.append(None)
            continue
        at_best = posterior >= posterior.max() - EQUAL
        values.append(kinds[int(np.argmax(np.where(at_best, votes[case], -1.0)))])
    warnings = list(_unread(read))
    if not estimate.converged:
        warnings.append(f"Dawid-Skene: not converged after {estimate.iterations} iterations; raise max_iterations.")
    by_votes = np.argmax(votes[read], axis=1)
    changed = int(np.sum(np.argmax(estimate.posterior, axis=1) != by_votes))
    parameters = {
        "prevalence": dict(zip(kinds, estimate.prior.tolist(), strict=True)),
        "log_likelihood": estimate.log_likelihood,
        "iterations": estimate.iterations,
        "converged": estimate.converged,
        "tolerance": tolerance,
        "start": "shares of votes",
        "cases_unlike_first_mode": changed,
    }
    counted = _compared(names, kinds, decided, values, np.ones(len(names)))
    performance = tuple(
        ReaderConfusion(row.reader, row.cases, row.agreement, estimate.confusion[number], row.weight)
        for number, row in enumerate(counted)
    )
    return CategoryConsensus(
        "dawid-skene", parameters, kinds, tuple(values), support, _entropy(support), performance, tuple(warnings)
    )


def _decided(
    table: Table, readers: Sequence[str], categories: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...], FloatArray]:
    """Counts of each decision, shape (cases, readers, categories), with the names checked."""
    names = tuple(readers)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError("consensus: give at least two readers, each with a name of its own.")
    if not len(table):
        raise InputError("consensus: the table of ratings is empty; check the file.")
    rows = [[_as_several(entry) for entry in row] for row in table]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise InputError(f"consensus: row {number} has {len(row)} ratings for {len(names)} readers; fill the row.")
    said = {category for row in rows for entry in row for category in entry}
    kinds = tuple(sorted(said)) if categories is None else tuple(categories)
    unknown = sorted(said - set(kinds))
    if len(set(kinds)) < len(kinds):
        raise InputError("consensus: a category is in the list twice; give each once.")
    if unknown:
        raise InputError(f"consensus: category '{unknown[0]}' is not in the list; correct the rating or the list.")
    if not kinds:
        raise InputError("consensus: the table holds no rating; check the columns.")
    index = {category: number for number, category in enumerate(kinds)}
    decided = np.zeros((len(rows), len(names), len(kinds)))
    for case, row in enumerate(rows):
        for reader, entry in enumerate(row):
            for category in entry:
                decided[case, reader, index[category]] += 1
    return names, kinds, decided


def _as_several(entry: str | Sequence[str] | None) -> tuple[str, ...]:
    if entry is None:
        return ()
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _untied(best: NDArray[np.intp], kinds: tuple[str, ...], ties: str, breaker: FloatArray | None) -> str | None:
    if len(best) == 0:
        return None
    if len(best) == 1 or ties == "first":
        return kinds[int(best[0])]
    if ties == "last":
        return kinds[int(best[-1])]
    if breaker is not None and breaker[best].max() > 0.5:
        return kinds[int(best[np.argmax(breaker[best])])]
    return None


def _weights(names: tuple[str, ...], weights: Mapping[str, float] | None) -> FloatArray:
    if weights is None:
        return np.ones(len(names))
    values = np.array([float(weights.get(name, -1.0)) for name in names])
    if set(weights) != set(names) or not np.all(np.isfinite(values)) or values.min() < 0 or not values.any():
        raise InputError("consensus: give each reader a weight of zero or more, not all zero.")
    return values


def _compared(
    names: tuple[str, ...],
    kinds: tuple[str, ...],
    decided: FloatArray,
    values: Sequence[str | None],
    weight: FloatArray,
) -> tuple[ReaderConfusion, ...]:
    truth = np.zeros((len(values), len(kinds)))
    for case, value in enumerate(values):
        if value is not None:
            truth[case, kinds.index(value)] = 1.0
    rows = []
    for number, name in enumerate(names):
        joint = truth.T @ decided[:, number]
        total = joint.sum(axis=1, keepdims=True)
        confusion = np.divide(joint, total, out=np.full_like(joint, np.nan), where=total > 0)
        agreement = float(np.trace(joint) / joint.sum()) if joint.sum() else float("nan")
        cases = int(np.sum(decided[:, number].sum(axis=1) > 0))
        rows.append(ReaderConfusion(name, cases, agreement, confusion, float(weight[number])))
    return tuple(rows)


def _entropy(support: FloatArray) -> FloatArray:
    share = np.maximum(support, np.finfo(float).tiny)
    bits: FloatArray = np.maximum(-np.sum(share * np.log2(share), axis=1), 0.0)
    return bits


def _unread(read: NDArray[np.bool_]) -> tuple[str, ...]:
    missing = int(np.sum(~read))
    return (f"{missing} of {len(read)} cases were read by nobody and have no consensus.",) if missing else ()
