"""Weights of agreement between categories: 1 on the diagonal, less the farther two categories are apart.

Names and formulas follow Gwet, Handbook of Inter-Rater Reliability, 4th ed. (2014), chapter 3.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.statistics.results import FloatArray
from AnnotationQACore.errors import InputError

__all__ = ["WEIGHTS", "WeightName", "agreement_weights", "weights_from_disagreement"]

WeightName = Literal["identity", "linear", "quadratic", "ordinal", "radical", "ratio", "circular", "bipolar"]

WEIGHTS: tuple[WeightName, ...] = get_args(WeightName)


def agreement_weights(name: WeightName, scores: ArrayLike) -> FloatArray:
    """Weights of agreement between categories.

    Parameters
    ----------
    name : WeightName
        ``identity`` counts exact agreement only. ``linear``, ``quadratic`` and ``radical`` fall with the distance of
        the scores, its square, and its root. ``ordinal`` uses ranks only: the number of pairs of categories spanned.
        ``ratio`` uses the distance relative to the sum; ``circular`` is for cyclic scales (clock face);
        ``bipolar`` is for scales with two poles.
    scores : array, shape (category,)
        Strictly increasing numeric value of each category; 1, 2, 3... for ordered categories without one.

    Returns
    -------
    array, shape (category, category)

    Raises
    ------
    InputError
        The scores do not increase, or are negative for ``ratio``.
    """
    x = np.asarray(scores, dtype=np.float64)
    if np.any(np.diff(x) <= 0):
        raise InputError("weights: the scores of the categories must increase; order the categories.")
    if name not in WEIGHTS:
        raise InputError(f"weights: '{name}' is unknown; choose one of {', '.join(WEIGHTS)}.")
    if name == "identity" or len(x) < 2:
        return np.eye(len(x))
    disagreement = _disagreement(name, x)
    np.fill_diagonal(disagreement, 0.0)
    weights: FloatArray = 1.0 - disagreement / disagreement.max()
    return weights


def weights_from_disagreement(disagreement: ArrayLike) -> FloatArray:
    """Weights of agreement from a table of costs, zero on the diagonal (Cohen 1968, Psychol Bull 70:213)."""
    costs = np.asarray(disagreement, dtype=np.float64)
    square = costs.ndim == 2 and costs.shape[0] == costs.shape[1]
    if not square or np.any(costs < 0) or np.any(np.diag(costs) != 0) or not np.any(costs > 0):
        raise InputError("weights: a table of costs is square, not negative, zero on the diagonal and not all zero.")
    weights: FloatArray = 1.0 - costs / costs.max()
    return weights


def _disagreement(name: WeightName, x: FloatArray) -> FloatArray:
    distance: FloatArray = np.abs(x[:, None] - x[None, :])
    total: FloatArray = x[:, None] + x[None, :]
    if name == "ordinal":
        rank = np.arange(len(x))
        spanned = np.abs(rank[:, None] - rank[None, :]) + 1
        distance = spanned * (spanned - 1) / 2.0
    elif name == "quadratic":
        distance = distance**2
    elif name == "radical":
        distance = np.sqrt(distance)
    elif name == "ratio":
        if x[0] < 0:
            raise InputError("weights: 'ratio' needs scores that are not negative; choose 'linear' or 'quadratic'.")
        distance = (distance / np.where(total > 0, total, 1.0)) ** 2
    elif name == "circular":
        distance = np.sin(np.pi * distance / (x[-1] - x[0] + 1.0)) ** 2
    elif name == "bipolar":
        to_ends = (total - 2 * x[0]) * (2 * x[-1] - total)
        distance = distance**2 / np.where(to_ends > 0, to_ends, 1.0)
    return distance
