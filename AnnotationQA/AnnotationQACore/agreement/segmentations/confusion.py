"""Confusions of two readers: how many voxels both, one or neither of them gave to a structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AnnotationQACore.segmentation import BoolArray

__all__ = ["Confusion"]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Voxels of one structure, seen by readers a and b on one grid.

    With b as the reference these are, in this order, the true positives, false positives, false negatives and true
    negatives of a.
    """

    both: int
    only_a: int
    only_b: int
    neither: int

    @classmethod
    def of_masks(cls, a: BoolArray, b: BoolArray) -> Confusion:
        """Count two masks of the same shape."""
        both, in_a, in_b = (int(np.count_nonzero(mask)) for mask in (a & b, a, b))
        return cls(both, in_a - both, in_b - both, a.size - in_a - in_b + both)

    @property
    def in_a(self) -> int:
        """Voxels of a."""
        return self.both + self.only_a

    @property
    def in_b(self) -> int:
        """Voxels of b."""
        return self.both + self.only_b

    @property
    def total(self) -> int:
        """Voxels of the grid."""
        return self.both + self.only_a + self.only_b + self.neither

    def swapped(self) -> Confusion:
        """The same with a and b exchanged."""
        return Confusion(self.both, self.only_b, self.only_a, self.neither)
