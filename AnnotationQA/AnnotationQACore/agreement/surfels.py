"""Surface elements of masks: the corners between voxels at which inside and outside meet.

References
----------
Nikolov S et al. Deep learning to achieve clinically applicable segmentation of head and neck anatomy for radiotherapy.
arXiv:1809.04430 (2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.windows import Extent
from AnnotationQACore.segmentation import BoolArray

__all__ = ["INSIDE", "Majority", "Structure", "Surfels", "Window", "find_surfels"]

INSIDE = 255
"""Code of a corner with all eight voxels inside."""


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Voxels of `array`, shape (k, j, i), that equal `value`."""

    array: NDArray[np.generic]
    value: int


@dataclass(frozen=True, slots=True)
class Majority:
    """Voxels that more than half of some structures have; `of` gives their places among the structures."""

    of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of an image with an empty margin, flat in memory, so that a neighbour is a fixed step away.

    Corner ``p`` lies between the voxels at ``p``, ``p + 1``, one row and one slice further. Rows and slices share their
    margins: a step over the end of one lands in the margin of the next, as long as it is not longer than `reach`.

    Attributes
    ----------
    voxels : Extent
        Part of the image that is held.
    reach : tuple of 3 int
        Longest step from any corner along each axis.
    core : tuple of 2 int
        First and one past the last slice, in voxels of the image, whose corners belong to this window; the corner
        before slice k has index k - 1. Corners outside the core are held for the search of neighbours only.
    """

    voxels: Extent
    reach: tuple[int, int, int]
    core: tuple[int, int]

    @property
    def margin(self) -> tuple[int, int, int]:
        """Empty layers before the first voxel along each axis."""
        return (self.reach[0] + 1, self.reach[1] + 1, self.reach[2] + 1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels and margins along each axis; slices have a margin at their end, too."""
        (k, j, i), margin = (stop - first for first, stop in self.voxels), self.margin
        return (k + 2 * margin[0], j + margin[1], i + margin[2])

    @property
    def steps(self) -> tuple[int, int, int]:
        """Flat step to the next slice, row and column."""
        _, rows, columns = self.shape
        return (rows * columns, columns, 1)

    def load(self, structure: Structure) -> NDArray[np.uint8]:
        """Mask of a structure, 0 or 1, flat, with margins."""
        flat = np.zeros(math.prod(self.shape), dtype=np.uint8)
        inner = tuple(
            slice(margin, margin + stop - first) for margin, (first, stop) in zip(self.margin, self.voxels, strict=True)
        )
        part = structure.array[tuple(slice(*limits) for limits in self.voxels)]
        np.equal(part, structure.value, out=flat.reshape(self.shape)[inner].view(np.bool_))
        return flat

    def indices(self, corners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indices (k, j, i) in the image of the voxel before each corner, shape (3, corner)."""
        slice_step, row_step, _ = self.steps
        k, within = np.divmod(corners, slice_step)
        j, i = np.divmod(within, row_step)
        origin = [first - margin for (first, _), margin in zip(self.voxels, self.margin, strict=True)]
        return np.stack([index + start for index, start in zip((k, j, i), origin, strict=True)])


@dataclass(frozen=True, slots=True, eq=False)
class Surfels:
    """Surface of one mask in a window.

    Attributes
    ----------
    codes : uint8 array, flat as the window
        Which of the eight voxels around a corner are inside: 0 outside, 255 inside.
    surface : boolean array, flat as the window
        Corners at which inside and outside meet.
    corners : int64 array
        Those of them in the core of the window, ascending.
    """

    codes: NDArray[np.uint8]
    surface: BoolArray
    corners: NDArray[np.int64]


def find_surfels(window: Window, structures: Sequence[Structure], majorities: Sequence[Majority]) -> list[Surfels]:
    """Surfaces of structures, then of majorities of them, in a window."""
    masks = [window.load(structure) for structure in structures]
    masks += [_majority([masks[place] for place in majority.of]) for majority in majorities]
    return [_surfels(window, mask) for mask in masks]


def _majority(masks: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    votes = np.zeros(len(masks[0]), dtype=np.uint16)
    for mask in masks:
        votes += mask
    return (votes > len(masks) // 2).view(np.uint8)


def _surfels(window: Window, mask: NDArray[np.uint8]) -> Surfels:
    """Surface of a mask; the memory of `mask` is used for the codes."""
    codes, scratch = mask, np.empty_like(mask)
    slice_step, row_step, _ = window.steps
    for weight, step in ((2, 1), (4, row_step), (16, slice_step)):
        np.multiply(codes, np.uint8(weight), out=scratch)
        np.bitwise_or(codes[:-step], scratch[step:], out=codes[:-step])
    # Outside is 0 and inside 255: one more makes them 1 and 0, and everything else larger.
    np.add(codes, np.uint8(1), out=scratch)
    surface = scratch.view(np.bool_)
    np.greater(scratch, np.uint8(1), out=surface)
    first_slice = window.voxels[0][0] - window.margin[0]
    first, stop = ((k - 1 - first_slice) * slice_step for k in window.core)
    return Surfels(codes, surface, np.flatnonzero(surface[first:stop]) + first)
