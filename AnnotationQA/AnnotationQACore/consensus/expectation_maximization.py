"""Expectation-maximization for readers with unknown error rates and an unknown truth.

One model serves categories (Dawid and Skene 1979, Appl Stat 28:20) and voxels (STAPLE: Warfield et al. 2004, IEEE TMI
23:903): given the truth of a case, each reader decides independently with reader-specific probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "expectation", "maximize"]

FloatArray = NDArray[np.float64]

SMALLEST = 1e-300
"""Probabilities are kept above this under the logarithm."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Where the iterations ended.

    Attributes
    ----------
    posterior : float array, shape (cases, categories)
        Probability of each truth.
    prior : float array, shape (categories,)
    confusion : float array, shape (readers, truth, decision)
        Probability of each decision of each reader given the truth.
    log_likelihood : float
        Natural logarithm, of all decisions under `prior` and `confusion`.
    iterations : int
    converged : bool
    """

    posterior: FloatArray
    prior: FloatArray
    confusion: FloatArray
    log_likelihood: float
    iterations: int
    converged: bool


def maximize(
    decided: FloatArray,
    weights: FloatArray,
    start: FloatArray,
    *,
    prior: FloatArray | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 5000,
) -> Estimate:
    """Iterate from a first posterior until no error rate changes by more than `tolerance`.

    Parameters
    ----------
    decided : float array, shape (cases, readers, categories)
        How often each reader chose each category for each case; zeros throughout where a reader did not read.
    weights : float array, shape (cases,)
        How often each case occurs.
    start : float array, shape (cases, categories)
        First posterior; the M-step comes first.
    prior : float array, shape (categories,), optional
        Held fixed; estimated with the rest when not given.
    tolerance : float
    max_iterations : int
    """
    posterior, fixed = start, prior
    prior, confusion = _m_step(decided, weights, posterior, fixed)
    converged, iteration = False, 0
    while not converged and iteration < max_iterations:
        iteration += 1
        posterior, _ = expectation(decided, prior, confusion)
        before_prior, before = prior, confusion
        prior, confusion = _m_step(decided, weights, posterior, fixed)
        change = max(np.abs(confusion - before).max(), np.abs(prior - before_prior).max())
        converged = bool(change <= tolerance)
    posterior, case_likelihood = expectation(decided, prior, confusion)
    return Estimate(posterior, prior, confusion, float(weights @ case_likelihood), iteration, converged)


def expectation(decided: FloatArray, prior: FloatArray, confusion: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E-step: posterior, shape (cases, categories), and log-likelihood of each case."""
    cases, readers, categories = decided.shape
    log_confusion = np.log(np.maximum(confusion, SMALLEST))
    evidence = decided.reshape(cases, -1) @ log_confusion.transpose(0, 2, 1).reshape(readers * categories, categories)
    joint = evidence + np.log(np.maximum(prior, SMALLEST))
    peak = joint.max(axis=1, keepdims=True)
    scaled = np.exp(joint - peak)
    total = scaled.sum(axis=1, keepdims=True)
    return scaled / total, (peak + np.log(total))[:, 0]


def _m_step(
    decided: FloatArray, weights: FloatArray, posterior: FloatArray, fixed_prior: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    cases, readers, categories = decided.shape
    mass = posterior * weights[:, None]
    joint = (mass.T @ decided.reshape(cases, -1)).reshape(categories, readers, categories).transpose(1, 0, 2)
    total = joint.sum(axis=2, keepdims=True)
    # a truth that has no weight says nothing of the readers: every decision is then equally probable
    confusion = np.divide(joint, total, out=np.full_like(joint, 1.0 / categories), where=total > 0)
    prior = mass.sum(axis=0) / weights.sum() if fixed_prior is None else fixed_prior
    return prior, confusion
