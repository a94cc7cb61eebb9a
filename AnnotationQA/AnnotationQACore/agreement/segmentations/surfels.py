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

from AnnotationQACore.agreement.segmentations.windows import Extent
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

    def load(self, structure: Structure, flat: NDArray[np.uint8]) -> None:
        """Enter the mask of a structure, 0 or 1, into a flat array of zeros."""
        inner = tuple(
            slice(margin, margin + stop - first) for margin, (first, stop) in zip(self.margin, self.voxels, strict=True)
        )
        part = structure.array[tuple(slice(*limits) for limits in self.voxels)]
        np.equal(part, structure.value, out=flat.reshape(self.shape)[inner].view(np.bool_))

    def indices(self, corners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indices (k, j, i) in the image of the voxel before each corner, shape (3, corner)."""
        slice_step, row_step, _ = self.steps
        k, within = np.divmod(corners, slice_step)
        j, i = np.divmod(within, row_step)
        origin = [first - margin for (first, _), margin in zip(self.voxels, self.margin, strict=True)]
        return np.stack([index + start for index, start in zip((k, j, i), origin, strict=True)])


@dataclass(frozen=True, slots=True, eq=False)
class Surfels:
    """Surfaces of masks in a window, one mask after the other in memory.

    Attributes
    ----------
    codes : uint8 array, shape (mask, corner of the window)
        Which of the eight voxels around a corner are inside: 0 outside, 255 inside.
    surface : boolean array, shape (mask, corner of the window)
        Corners at which inside and outside meet.
    corners : list of int64 arrays
        For each mask those of them in the core of the window, ascending.
    """

    codes: NDArray[np.uint8]
    surface: BoolArray
    corners: list[NDArray[np.int64]]


def find_surfels(window: Window, structures: Sequence[Structure], majorities: Sequence[Majority]) -> Surfels:
    """Surfaces of structures, then of majorities of them, in a window."""
    shape = (len(structures) + len(majorities), math.prod(window.shape))
    masks = np.zeros(shape, dtype=np.uint8)
    for mask, structure in zip(masks, structures, strict=False):
        window.load(structure, mask)
    for mask, majority in zip(masks[len(structures) :], majorities, strict=True):
        mask[:] = _majority([masks[place] for place in majority.of])
    surface = np.zeros(shape, dtype=np.bool_)
    corners = [_find_surface(window, *each) for each in zip(masks, surface, strict=True)]
    return Surfels(masks, surface, corners)


def _majority(masks: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    votes = np.zeros(len(masks[0]), dtype=np.uint16)
    for mask in masks:
        votes += mask
    return (votes > len(masks) // 2).view(np.uint8)


def _find_surface(window: Window, mask: NDArray[np.uint8], surface: BoolArray) -> NDArray[np.int64]:
    """Turn a mask into its codes, fill in its surface, and return the corners in the core of the window."""
    slice_step, row_step, _ = window.steps
    (first_slice, stop_slice), margin = window.voxels[0], window.margin[0]
    # The margins but for one slice before and after have no corners.
    filled = slice((margin - 1) * slice_step, (margin + stop_slice - first_slice + 1) * slice_step)
    codes, scratch = mask[filled], surface[filled].view(np.uint8)
    for weight, step in ((2, 1), (4, row_step), (16, slice_step)):
        np.multiply(codes, np.uint8(weight), out=scratch)
        np.bitwise_or(codes[:-step], scratch[step:], out=codes[:-step])
    # Outside is 0 and inside 255: one more makes them 1 and 0, and everything else larger.
    np.add(codes, np.uint8(1), out=scratch)
    np.greater(scratch, np.uint8(1), out=surface[filled])
    first, stop = ((k - 1 - first_slice + margin) * slice_step for k in window.core)
    return np.flatnonzero(surface[first:stop]) + first
