"""Surface elements of masks: the corners between voxels at which inside and outside meet.

References
----------
Nikolov S et al. Deep learning to achieve clinically applicable segmentation of head and neck anatomy for radiotherapy.
arXiv:1809.04430 (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.runs import Box
from AnnotationQACore.agreement.segmentations.windows import Extent
from AnnotationQACore.segmentation import BoolArray

__all__ = ["INSIDE", "Majority", "Structure", "Surfels", "Window", "find_surfels"]

INSIDE = 255
"""Code of a corner with all eight voxels inside."""

_TOGETHER = 1 << 19
"""Corners of several masks up to which they are handled at once: a call then costs more than its work."""


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
    margins: a step over the end of one lands in the margin of the next, as long as it is not longer than the margin.

    Attributes
    ----------
    voxels : Extent
        Part of the image that is held.
    margin : tuple of 3 int
        Empty layers before the first voxel along each axis.
    shape : tuple of 3 int
        Voxels and margins along each axis; slices have a margin at their end, too.
    core : slice
        Flat positions of the corners that belong to this window. Others are held for the search of neighbours only.
    """

    voxels: Extent
    margin: tuple[int, int, int]
    shape: tuple[int, int, int]
    core: slice

    @classmethod
    def of(cls, voxels: Extent, reach: tuple[int, int, int], core: tuple[int, int]) -> Window:
        """Lay out a window.

        Parameters
        ----------
        voxels : Extent
            Part of the image to hold.
        reach : tuple of 3 int
            Longest step from any corner along each axis.
        core : tuple of 2 int
            First and one past the last slice, in voxels of the image, whose corners belong to this window; the corner
            before slice k has index k - 1.
        """
        k, j, i = reach[0] + 1, reach[1] + 1, reach[2] + 1
        (first, stop), (first_j, stop_j), (first_i, stop_i) = voxels
        shape = (stop - first + 2 * k, stop_j - first_j + j, stop_i - first_i + i)
        step, before = shape[1] * shape[2], k - 1 - first
        return cls(voxels, (k, j, i), shape, slice((core[0] + before) * step, (core[1] + before) * step))

    @property
    def steps(self) -> tuple[int, int, int]:
        """Flat step to the next slice, row and column."""
        _, rows, columns = self.shape
        return (rows * columns, columns, 1)

    @property
    def part(self) -> Box:
        """Where in the image the voxels are."""
        k, j, i = self.voxels
        return (slice(*k), slice(*j), slice(*i))

    @property
    def inner(self) -> Box:
        """Where in the window the voxels are."""
        (first, stop), (first_j, stop_j), (first_i, stop_i) = self.voxels
        k, j, i = self.margin
        return (slice(k, k + stop - first), slice(j, j + stop_j - first_j), slice(i, i + stop_i - first_i))

    @property
    def filled(self) -> slice:
        """Flat positions outside of which there is no corner: the margins but for one slice before and after."""
        step = self.steps[0]
        return slice((self.margin[0] - 1) * step, (self.shape[0] - self.margin[0] + 1) * step)

    def indices(self, corners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indices (k, j, i) in the image of the voxel before each corner, shape (3, corner)."""
        slice_step, row_step, _ = self.steps
        k, within = np.divmod(corners, slice_step)
        j, i = np.divmod(within, row_step)
        origin = [first - margin for (first, _), margin in zip(self.voxels, self.margin, strict=True)]
        return np.stack([index + start for index, start in zip((k, j, i), origin, strict=True)])


@dataclass(frozen=True, slots=True, eq=False)
class Surfels:
    """Surfaces of masks in a window.

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
    n_masks = len(structures) + len(majorities)
    masks = np.zeros((n_masks, *window.shape), dtype=np.uint8)
    part, inner = window.part, window.inner
    for mask, structure in zip(masks, structures, strict=False):
        np.equal(structure.array[part], structure.value, out=mask[inner].view(np.bool_))
    for mask, majority in zip(masks[len(structures) :], majorities, strict=True):
        mask[:] = _majority([masks[place] for place in majority.of])
    codes = masks.reshape(n_masks, -1)
    surface = np.zeros(codes.shape, dtype=np.bool_)
    size, filled = codes.shape[1], window.filled
    together = max(1, _TOGETHER // size)
    for first in range(0, n_masks, together):
        last = min(first + together, n_masks) - 1
        some = slice(first * size + filled.start, last * size + filled.stop)
        _find_surface(codes.reshape(-1)[some], surface.reshape(-1)[some], window.steps)
    corners = [each[window.core].nonzero()[0] + window.core.start for each in surface]
    return Surfels(codes, surface, corners)


def _majority(masks: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    votes = np.zeros(masks[0].shape, dtype=np.uint16)
    for mask in masks:
        votes += mask
    return (votes > len(masks) // 2).view(np.uint8)


def _find_surface(codes: NDArray[np.uint8], surface: BoolArray, steps: tuple[int, int, int]) -> None:
    """Turn masks, 0 or 1, into their codes, and fill in their surfaces; all flat, and one after the other."""
    slice_step, row_step, _ = steps
    scratch = surface.view(np.uint8)
    for weight, step in ((2, 1), (4, row_step), (16, slice_step)):
        np.multiply(codes, np.uint8(weight), out=scratch)
        codes[:-step] |= scratch[step:]
    # Outside is 0 and inside 255: one more makes them 1 and 0, and everything else larger.
    np.add(codes, np.uint8(1), out=scratch)
    np.greater(scratch, np.uint8(1), out=surface)
