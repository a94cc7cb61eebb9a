"""STAPLE: simultaneous truth and performance level estimation (Warfield et al. 2004, IEEE TMI 23:903).

Exact and fast, because all voxels with the same joint decision have the same posterior: the iterations run on the
counts of joint decisions, never on voxels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.expectation_maximization import Estimate, expectation, maximize
from AnnotationQACore.consensus.result import LabelConsensus, compared_with, image_of, tabulated
from AnnotationQACore.consensus.vote import EQUAL
from AnnotationQACore.errors import InputError

__all__ = ["staple"]

INITIAL_PERFORMANCE = 0.99999
"""Sensitivity and specificity of the second start, as in the paper."""

SAME_LIKELIHOOD = 1e-9
"""Log-likelihoods that differ by less than this fraction are those of the same optimum."""

LARGER = 1.10
"""A consensus this much larger than the majority's is worth a warning."""


def staple(
    decisions: Decisions,
    prior: Mapping[int, float] | None = None,
    *,
    tolerance: float = 1e-9,
    max_iterations: int = 5000,
) -> LabelConsensus:
    """Estimate the truth together with each reader's confusion matrix; one label or many.

    The iterations start twice, from the mean votes (M-step first) and from a sensitivity and specificity of 0.99999
    (E-step first), and the result of the larger likelihood is kept; ``parameters["start"]`` says which.

    Parameters
    ----------
    decisions : Decisions
        Their domain matters: more background raises the specificities and lowers the prior of the labels.
    prior : mapping of label value to probability, optional
        Prior of the labels, the rest is background; by default the mean share of votes in the domain.
    tolerance : float
        The iterations end when no parameter changes by more.
    max_iterations : int

    Returns
    -------
    LabelConsensus
        Each voxel has the most probable label; of equally probable ones that of more readers, then the smallest
        positive one. Sensitivity and specificity are the estimates.
    """
    probabilities = _mean_votes(decisions) if prior is None else _given_prior(decisions, prior)
    decided = np.eye(len(decisions.labels))[decisions.patterns]
    weights = decisions.counts.astype(np.float64)
    starts = {
        "mean votes": decisions.vote_counts / len(decisions.readers),
        f"performance {INITIAL_PERFORMANCE}": expectation(decided, probabilities, _nearly_perfect(decisions))[0],
    }
    estimates = {
        name: maximize(decided, weights, start, prior=probabilities, tolerance=tolerance, max_iterations=max_iterations)
        for name, start in starts.items()
    }
    chosen = _likelier(estimates)
    estimate = estimates[chosen]
    winner = _most_probable(estimate.posterior, decisions.vote_counts)
    parameters = {
        "prior": dict(zip(decisions.labels, probabilities.tolist(), strict=True)),
        "prior_source": "mean share of votes in the domain" if prior is None else "given",
        "start": chosen,
        "log_likelihood": {name: estimates[name].log_likelihood for name in estimates},
        "iterations": estimate.iterations,
        "converged": estimate.converged,
        "tolerance": tolerance,
        "max_iterations": max_iterations,
        **decisions.parameters(),
    }
    performance = compared_with(decisions, tabulated(decisions, winner), estimated=_rates(estimate))
    voxels = image_of(decisions, winner)
    warnings = _warnings(decisions, estimate, winner)
    return LabelConsensus(
        "staple", parameters, decisions, voxels, estimate.posterior, "posterior probability", performance, warnings
    )


def _likelier(estimates: Mapping[str, Estimate]) -> str:
    """Name of the start that ended at the larger likelihood, the first when they ended at the same one."""
    first, second = estimates
    gain = estimates[second].log_likelihood - estimates[first].log_likelihood
    return second if gain > SAME_LIKELIHOOD * abs(estimates[first].log_likelihood) else first


def _mean_votes(decisions: Decisions) -> NDArray[np.float64]:
    votes = decisions.counts @ decisions.vote_counts
    share: NDArray[np.float64] = votes / votes.sum()
    return share


def _given_prior(decisions: Decisions, prior: Mapping[int, float]) -> NDArray[np.float64]:
    if set(prior) != set(decisions.labels[1:]):
        raise InputError(
            f"STAPLE: the prior is for labels {sorted(prior)}, the readers have {list(decisions.labels[1:])}."
        )
    values = [float(prior[label]) for label in decisions.labels[1:]]
    if not all(math.isfinite(value) and 0 < value < 1 for value in values) or sum(values) >= 1:
        raise InputError("STAPLE: priors must lie between 0 and 1 and leave something for the background.")
    return np.array([1.0 - sum(values), *values])


def _nearly_perfect(decisions: Decisions) -> NDArray[np.float64]:
    labels = len(decisions.labels)
    if labels == 1:
        return np.ones((len(decisions.readers), 1, 1))
    matrix = np.full((labels, labels), (1.0 - INITIAL_PERFORMANCE) / (labels - 1))
    np.fill_diagonal(matrix, INITIAL_PERFORMANCE)
    return np.repeat(matrix[None], len(decisions.readers), axis=0)


def _most_probable(posterior: NDArray[np.float64], votes: NDArray[np.int64]) -> NDArray[np.intp]:
    at_best = posterior >= posterior.max(axis=1, keepdims=True) - EQUAL
    most = np.where(at_best, votes, -1)
    at_best &= most == most.max(axis=1, keepdims=True)
    several = at_best.sum(axis=1) > 1
    at_best[:, 0] &= ~several
    best: NDArray[np.intp] = np.argmax(at_best, axis=1)
    return best


def _rates(estimate: Estimate) -> NDArray[np.float64]:
    """Sensitivity and specificity for each reader and label, shape (readers, labels, 2).

    The specificity of one label among several is that of the other labels together, weighted by the prior.
    """
    sensitivity = np.diagonal(estimate.confusion, axis1=1, axis2=2)
    false_positive = estimate.confusion * estimate.prior[None, :, None]
    wrongly = false_positive.sum(axis=1) - sensitivity * estimate.prior
    others = 1.0 - estimate.prior
    specificity = 1.0 - np.divide(wrongly, others, out=np.zeros_like(wrongly), where=others > 0)
    return np.stack([sensitivity, specificity], axis=2)


def _warnings(decisions: Decisions, estimate: Estimate, winner: NDArray[np.intp]) -> tuple[str, ...]:
    found = []
    if not estimate.converged:
        found.append(f"STAPLE: not converged after {estimate.iterations} iterations; raise max_iterations.")
    votes = decisions.vote_counts
    for index, label in enumerate(decisions.labels[1:], start=1):
        size = int(decisions.counts[winner == index].sum())
        agreed = int(decisions.counts[2 * votes[:, index] > len(decisions.readers)].sum())
        if size == 0:
            found.append(f"STAPLE: label {label} is nowhere the most probable, though readers have it.")
        elif agreed and size > LARGER * agreed:
            found.append(
                f"STAPLE: label {label} is {size / agreed - 1:.0%} larger than what more than half of the readers "
                "labeled; compare it with the majority."
            )
    unseen = int(decisions.counts[votes[np.arange(len(winner)), winner] == 0].sum())
    if unseen:
        found.append(f"STAPLE: {unseen} voxels have a label that no reader gave them, by the readers' confusions.")
    if len(decisions.readers) == 2:
        found.append("STAPLE: two readers cannot tell whose disagreement is the error; the prior decides.")
    return tuple(found)
