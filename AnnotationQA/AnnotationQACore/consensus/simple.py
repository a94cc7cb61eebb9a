"""SIMPLE: selective and iterative method for performance level estimation (Langerak et al. 2010, IEEE TMI 29:2000).

Written from the paper's description: estimate the truth by a vote weighted with each reader's performance, estimate
each reader's performance against it, discard the poor ones, and repeat until nothing changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.result import LabelConsensus, compared_with, image_of, tabulated
from AnnotationQACore.consensus.vote import EQUAL
from AnnotationQACore.errors import InputError

__all__ = ["simple"]


@dataclass(frozen=True, slots=True, eq=False)
class _Selection:
    weights: NDArray[np.float64]
    support: NDArray[np.float64]
    iterations: int
    discarded: tuple[int, ...]


def simple(
    decisions: Decisions, *, alpha: float = 1.0, minimum_readers: int = 3, max_iterations: int = 100
) -> LabelConsensus:
    """Vote weighted by performance among the readers that perform well enough; each label on its own.

    Parameters
    ----------
    decisions : Decisions
    alpha : float
        A reader is discarded, for good, whose Dice with the estimate is below mean - alpha x standard deviation
        (population) of the readers still in.
    minimum_readers : int
        No reader is discarded when fewer than this would be left; the poorest goes first.
    max_iterations : int
        The iterations end when the estimate and the selection stay as they are, at the latest after this many.

    Returns
    -------
    LabelConsensus
        A voxel has the label whose weighted vote is above one half; where several labels are, that of the largest
        vote, and background when those are equal. No label is where none of the readers has it.
    """
    if not (math.isfinite(alpha) and alpha >= 0) or minimum_readers < 1 or max_iterations < 1:
        raise InputError("SIMPLE: alpha must be zero or more, minimum_readers and max_iterations at least one.")
    readers, labels = len(decisions.readers), len(decisions.labels)
    weights, support = np.ones((readers, labels)), np.zeros((len(decisions.counts), labels))
    discarded, iterations = {}, {}
    for index, label in enumerate(decisions.labels[1:], start=1):
        chosen = _select(decisions.patterns == index, decisions.counts, alpha, minimum_readers, max_iterations)
        weights[:, index], support[:, index] = chosen.weights, chosen.support
        discarded[label] = [decisions.readers[number] for number in chosen.discarded]
        iterations[label] = chosen.iterations
    winner = _above_half(support)
    support[:, 0] = np.maximum(1.0 - support[:, 1:].sum(axis=1), 0.0)
    support /= support.sum(axis=1, keepdims=True)  # each label has weights of its own
    parameters = {
        "alpha": alpha,
        "minimum_readers": minimum_readers,
        "max_iterations": max_iterations,
        "performance_measure": "Dice",
        "discarded": discarded,
        "iterations": iterations,
        **decisions.parameters(),
    }
    warnings: tuple[str, ...] = ()
    if readers <= minimum_readers:
        warnings = (f"SIMPLE: with {readers} readers nobody can be discarded; this is a vote weighted by Dice.",)
    performance = compared_with(decisions, tabulated(decisions, winner), weights=weights)
    voxels = image_of(decisions, winner)
    return LabelConsensus(
        "simple", parameters, decisions, voxels, support, "weighted vote fraction", performance, warnings
    )


def _select(
    votes: NDArray[np.bool_], counts: NDArray[np.int64], alpha: float, minimum_readers: int, max_iterations: int
) -> _Selection:
    """Select readers of one structure; `votes` has shape (patterns, readers)."""
    readers = votes.shape[1]
    weights, kept = np.ones(readers), np.ones(readers, dtype=bool)
    discarded: list[int] = []
    sizes = counts @ votes
    support = votes @ weights / weights.sum()
    estimate = support > 0.5 + EQUAL
    for iteration in range(1, max_iterations + 1):  # noqa: B007  returned below
        size, both = counts @ estimate, counts @ (votes & estimate[:, None])
        total = sizes + size
        dice = np.divide(2.0 * both, total, out=np.ones(readers), where=total > 0)
        threshold = dice[kept].mean() - alpha * dice[kept].std()
        poor = [
            number for number in np.argsort(dice, kind="stable") if kept[number] and dice[number] < threshold - EQUAL
        ]
        poor = poor[: max(0, int(kept.sum()) - minimum_readers)]
        kept[poor] = False
        discarded.extend(int(number) for number in poor)
        # when no reader kept overlaps the estimate, equal votes are all that is left
        weights = np.where(kept, dice, 0.0) if dice[kept].any() else kept.astype(float)
        support = votes @ weights / weights.sum()
        before, estimate = estimate, support > 0.5 + EQUAL
        if not poor and np.array_equal(before, estimate):
            break
    return _Selection(weights, support, iteration, tuple(discarded))


def _above_half(support: NDArray[np.float64]) -> NDArray[np.intp]:
    claims = np.where(support > 0.5 + EQUAL, support, 0.0)
    best = claims.max(axis=1, keepdims=True)
    at_best = (claims >= best - EQUAL) & (best > 0)
    return np.where(at_best.sum(axis=1) == 1, np.argmax(at_best, axis=1), 0)
