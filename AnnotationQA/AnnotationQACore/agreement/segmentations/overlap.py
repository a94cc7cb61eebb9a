"""Overlap of two masks, from their confusion.

All functions return None where the figure is undefined; see `empty_masks` for what that means.

References
----------
Dice LR. Ecology 1945;26:297-302. Jaccard P. New Phytol 1912;11:37-50. Cohen J. Educ Psychol Meas 1960;20:37-46.
Fleiss JL. Psychol Bull 1971;76:378-382. Taha AA, Hanbury A. BMC Med Imaging 2015;15:29 (volume similarity).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.confusion import Confusion
from AnnotationQACore.segmentation import BoolArray

__all__ = [
    "cohen_kappa",
    "dice",
    "fleiss_kappa",
    "jaccard",
    "label_kappa",
    "precision",
    "sensitivity",
    "volume_similarity",
]


def dice(confusion: Confusion) -> float | None:
    """Dice similarity coefficient in [0, 1]: 2 |A ∩ B| / (|A| + |B|); None when both masks are empty."""
    return _ratio(2 * confusion.both, confusion.in_a + confusion.in_b)


def jaccard(confusion: Confusion) -> float | None:
    """Jaccard index (intersection over union) in [0, 1]; None when both masks are empty."""
    return _ratio(confusion.both, confusion.both + confusion.only_a + confusion.only_b)


def volume_similarity(confusion: Confusion) -> float | None:
    """1 - | |A| - |B| | / (|A| + |B|) in [0, 1]; it ignores where the volumes lie; None when both masks are empty."""
    total = confusion.in_a + confusion.in_b
    return _ratio(total - abs(confusion.in_a - confusion.in_b), total)


def sensitivity(confusion: Confusion) -> float | None:
    """Part of b that a found (b is the reference), in [0, 1]; None when b is empty."""
    return _ratio(confusion.both, confusion.in_b)


def precision(confusion: Confusion) -> float | None:
    """Part of a that lies in b (b is the reference), in [0, 1]; None when a is empty."""
    return _ratio(confusion.both, confusion.in_a)


def cohen_kappa(confusion: Confusion) -> float | None:
    """Voxelwise Cohen kappa of one structure over the whole grid; None when both readers used one category only.

    The more background the grid has, the closer this comes to the Dice coefficient.
    """
    return _kappa(
        confusion.both + confusion.neither,
        [(confusion.in_a, confusion.in_b), (confusion.total - confusion.in_a, confusion.total - confusion.in_b)],
        confusion.total,
    )


def label_kappa(a: NDArray[np.integer], b: NDArray[np.integer], counts: NDArray[np.int64]) -> float | None:
    """Voxelwise Cohen kappa over all labels and background at once; None when both readers used one value only.

    Parameters
    ----------
    a, b : integer arrays, shape (pattern,)
        Label that each reader gave.
    counts : int64 array, shape (pattern,)
        Voxels with that pair of labels.
    """
    marginals = [(int(counts[a == label].sum()), int(counts[b == label].sum())) for label in np.union1d(a, b)]
    return _kappa(int(counts[a == b].sum()), marginals, int(counts.sum()))


def _kappa(agreed: int, marginals: Sequence[tuple[int, int]], total: int) -> float | None:
    """Cohen kappa from the voxels agreed upon and, for each category, the voxels that a and b gave to it."""
    # Whole numbers throughout: chance agreement of nearly one would lose its digits in floating point.
    chance = sum(in_a * in_b for in_a, in_b in marginals)
    return _ratio(agreed * total - chance, total * total - chance)


def fleiss_kappa(patterns: NDArray[np.integer] | BoolArray, counts: NDArray[np.int64]) -> float | None:
    """Voxelwise Fleiss kappa of two or more readers.

    Parameters
    ----------
    patterns : array, shape (pattern, reader)
        Category that each reader gave.
    counts : int64 array, shape (pattern,)
        Voxels with that pattern.

    Returns
    -------
    float or None
        None when all readers used one and the same category everywhere.
    """
    n_readers = patterns.shape[1]
    total = int(counts.sum())
    agreeing = 0
    chance = 0
    for category in np.unique(patterns):
        votes = np.count_nonzero(patterns == category, axis=1)
        agreeing += int(np.dot(votes * (votes - 1), counts))
        chance += int(np.dot(votes, counts)) ** 2
    # kappa = (P - Pe) / (1 - Pe) with P = agreeing / (N n (n - 1)) and Pe = chance / (N n)^2, in whole numbers.
    numerator = agreeing * total * n_readers - chance * (n_readers - 1)
    return _ratio(numerator, (total * n_readers) ** 2 * (n_readers - 1) - chance * (n_readers - 1))


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None
