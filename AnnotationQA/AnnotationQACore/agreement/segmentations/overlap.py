"""Overlap of two masks, from their confusion.

All functions return None where the figure is undefined; see `empty_masks` for what that means.

References
----------
Dice LR. Ecology 1945;26:297-302. Jaccard P. New Phytol 1912;11:37-50. Cohen J. Educ Psychol Meas 1960;20:37-46.
Fleiss JL. Psychol Bull 1971;76:378-382. Taha AA, Hanbury A. BMC Med Imaging 2015;15:29 (volume similarity).
"""

from __future__ import annotations

from collections.abc import Sequence

from AnnotationQACore.agreement.segmentations.confusion import Confusion

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
    in_a, in_b, total = confusion.in_a, confusion.in_b, confusion.total
    return label_kappa(confusion.both + confusion.neither, (in_a, total - in_a), (in_b, total - in_b))


def label_kappa(agreed: int, votes_a: Sequence[int], votes_b: Sequence[int]) -> float | None:
    """Voxelwise Cohen kappa over any number of categories; None when both readers used one and the same only.

    Parameters
    ----------
    agreed : int
        Voxels to which both readers gave the same category.
    votes_a, votes_b : sequence of int
        Voxels that each reader gave to each category, background included.
    """
    # Whole numbers throughout: chance agreement of nearly one would lose its digits in floating point.
    total = sum(votes_a)
    chance = sum(of_a * of_b for of_a, of_b in zip(votes_a, votes_b, strict=True))
    return _ratio(agreed * total - chance, total * total - chance)


def fleiss_kappa(agreed: int, votes: Sequence[Sequence[int]]) -> float | None:
    """Voxelwise Fleiss kappa of two or more readers; None when all used one and the same category everywhere.

    Parameters
    ----------
    agreed : int
        Voxels to which two readers gave the same category, summed over all pairs of readers.
    votes : sequence of sequences of int
        For each reader the voxels that he gave to each category, background included.
    """
    n_readers = len(votes)
    total = sum(map(sum, votes))
    chance = (n_readers - 1) * sum(sum(category) ** 2 for category in zip(*votes, strict=True))
    # kappa = (P - Pe) / (1 - Pe) with P = 2 agreed / ((n - 1) total) and Pe = chance / ((n - 1) total^2).
    return _ratio(2 * agreed * total - chance, (n_readers - 1) * total**2 - chance)


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None
