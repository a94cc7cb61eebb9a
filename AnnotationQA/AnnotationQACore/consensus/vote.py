"""Majority and weighted vote, and what is done with ties."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.result import LabelConsensus, compared_with, image_of, tabulated
from AnnotationQACore.errors import InputError

__all__ = ["Ties", "best_supported", "majority", "reader_weights", "require_ties", "weighted_vote"]

Ties = Literal["background", "include", "reader"]
"""``background``: a voxel with a tie is background. ``include``: the tied label other than background, the one of the
lowest value when there are several. ``reader``: what the tie-break reader said if that is tied, else background."""

EQUAL = 1e-9
"""Supports that differ by no more than this are tied: sums of the same weights in another order differ by rounding."""


def majority(decisions: Decisions, ties: Ties = "background", tie_break_reader: str | None = None) -> LabelConsensus:
    """Give each voxel the label that most readers gave it (plurality; with one structure, more than half of them).

    Parameters
    ----------
    decisions : Decisions
    ties : {"background", "include", "reader"}
    tie_break_reader : str, optional
        Needed with ``ties="reader"``, and only there.
    """
    breaker = require_ties(decisions, ties, tie_break_reader)
    support = decisions.vote_counts / len(decisions.readers)
    winner, tied = best_supported(support, decisions, ties, breaker)
    parameters = {**_tie_parameters(decisions, tied, ties, tie_break_reader), **decisions.parameters()}
    table = tabulated(decisions, winner)
    return LabelConsensus(
        "majority",
        parameters,
        decisions,
        image_of(decisions, winner),
        support,
        "vote fraction",
        compared_with(decisions, table),
        _many_ties(decisions, tied),
    )


def weighted_vote(
    decisions: Decisions,
    weights: Mapping[str, float],
    ties: Ties = "background",
    tie_break_reader: str | None = None,
) -> LabelConsensus:
    """Give each voxel the label with the largest sum of the weights of its readers, e.g. experts counting more.

    Parameters
    ----------
    decisions : Decisions
    weights : mapping of reader to weight
        Zero or more, one for every reader, not all zero.
    ties, tie_break_reader
        As for `majority`.
    """
    breaker = require_ties(decisions, ties, tie_break_reader)
    weight = reader_weights(decisions, weights)
    share = weight / weight.sum()
    support = np.stack([(decisions.patterns == label) @ share for label in range(len(decisions.labels))], axis=1)
    winner, tied = best_supported(support, decisions, ties, breaker)
    parameters = {
        "weights": {name: float(weights[name]) for name in decisions.readers},
        **_tie_parameters(decisions, tied, ties, tie_break_reader),
        **decisions.parameters(),
    }
    performance = compared_with(
        decisions, tabulated(decisions, winner), weights=np.repeat(weight[:, None], len(decisions.labels), axis=1)
    )
    voxels = image_of(decisions, winner)
    return LabelConsensus(
        "weighted vote",
        parameters,
        decisions,
        voxels,
        support,
        "weighted vote fraction",
        performance,
        _many_ties(decisions, tied),
    )


def best_supported(
    support: NDArray[np.float64], decisions: Decisions, ties: Ties, breaker: int | None
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Index of the label with the largest support for each pattern, and whether it was tied."""
    at_best = support >= support.max(axis=1, keepdims=True) - EQUAL
    tied = at_best.sum(axis=1) > 1
    winner = np.argmax(at_best, axis=1)
    if ties == "include":
        at_best[:, 0] &= ~tied
        winner = np.argmax(at_best, axis=1)
    elif ties == "reader" and breaker is not None:
        said = decisions.patterns[:, breaker]
        among = at_best[np.arange(len(said)), said]
        winner = np.where(tied, np.where(among, said, 0), winner)
    else:
        winner = np.where(tied, 0, winner)
    return winner, tied


def require_ties(decisions: Decisions, ties: Ties, tie_break_reader: str | None) -> int | None:
    """Check the ties policy; returns the number of the tie-break reader, if there is one."""
    if ties not in get_args(Ties):
        raise InputError(f"consensus: no ties policy {ties!r}; choose one of {', '.join(get_args(Ties))}.")
    if (ties == "reader") != (tie_break_reader is not None):
        raise InputError(
            "consensus: a tie-break reader and the ties policy 'reader' go together; give both or neither."
        )
    if tie_break_reader is None:
        return None
    if tie_break_reader not in decisions.readers:
        raise InputError(
            f"consensus: the tie-break reader {tie_break_reader!r} is none of the readers {list(decisions.readers)}."
        )
    return decisions.readers.index(tie_break_reader)


def reader_weights(decisions: Decisions, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Weights in the order of the readers; raises `InputError` unless there is a fitting one for each."""
    if set(weights) != set(decisions.readers):
        raise InputError(f"consensus: weights are for {sorted(weights)}, the readers are {sorted(decisions.readers)}.")
    values = np.array([float(weights[name]) for name in decisions.readers])
    if not all(math.isfinite(value) and value >= 0 for value in values) or not values.any():
        raise InputError("consensus: weights must be zero or more and not all zero; correct the weights.")
    return values


def _tie_parameters(
    decisions: Decisions, tied: NDArray[np.bool_], ties: Ties, tie_break_reader: str | None
) -> dict[str, object]:
    found: dict[str, object] = {"ties": ties, "tied_voxels": int(decisions.counts[tied].sum())}
    return found if tie_break_reader is None else {**found, "tie_break_reader": tie_break_reader}


def _many_ties(decisions: Decisions, tied: NDArray[np.bool_]) -> tuple[str, ...]:
    labeled = decisions.counts[np.any(decisions.patterns > 0, axis=1)].sum()
    share = decisions.counts[tied].sum() / labeled if labeled else 0.0
    if share <= 0.1:
        return ()
    return (f"{share:.0%} of the voxels that any reader labeled are tied: the ties policy decides much of the result.",)
