"""Boxes in which the surfaces of one structure are looked for, so that cost follows the structure, not the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ONE_BOX", "Extent", "separate_boxes", "slabs", "spanned"]

Extent = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""First and one past the last voxel along each axis (k, j, i)."""

ONE_BOX = 1 << 15
"""Voxels of an image that is looked at as a whole sooner than searched for the box of a structure."""

_WORTH_A_CUT = 300_000
"""Voxels that a cut must save: about what another window costs in time."""

_THINNEST = 8
"""Slices of a slab, at least, since its neighbours are looked at too."""

_WINDOW = 1 << 20
"""Voxels of a slab: a mask, its codes and its surface of that size stay near the processor."""


def separate_boxes(runs: NDArray[np.int64], gap: tuple[int, int, int]) -> list[Extent]:
    """Cut the box around some runs at empty layers, as long as that saves work.

    Parameters
    ----------
    runs : int64 array, shape (3 axes, 2, run)
        First and last voxel of each run along each axis; at least one run.
    gap : tuple of 3 int
        Empty layers needed between two boxes along each axis.

    Returns
    -------
    list of Extent
        Boxes that hold all runs; any two are at least `gap` layers apart along some axis.
    """
    box = _bounding_box(runs)
    if _voxels(box) < _WORTH_A_CUT:
        return [box]
    cuts = [_cut(runs, axis, box[axis], gap[axis]) for axis in range(3)]
    parts = min(cuts, key=lambda parts: sum(_voxels(_bounding_box(part)) for part in parts))
    if _voxels(box) - sum(_voxels(_bounding_box(part)) for part in parts) < _WORTH_A_CUT:
        return [box]
    return [smaller for part in parts for smaller in separate_boxes(part, gap)]


def spanned(boxes: Sequence[Extent]) -> Extent:
    """Smallest box that holds some boxes."""
    (first_k, stop_k), (first_j, stop_j), (first_i, stop_i) = (
        (min(first for first, _ in limits), max(stop for _, stop in limits)) for limits in zip(*boxes, strict=True)
    )
    return ((first_k, stop_k), (first_j, stop_j), (first_i, stop_i))


def slabs(box: Extent) -> Iterator[tuple[int, int]]:
    """First and one past the last slice of consecutive slabs of a box, each small enough to be handled at once."""
    (first, stop), (first_j, stop_j), (first_i, stop_i) = box
    thickness = max(_THINNEST, _WINDOW // ((stop_j - first_j) * (stop_i - first_i)))
    for start in range(first, stop, thickness):
        yield start, min(start + thickness, stop)


def _cut(runs: NDArray[np.int64], axis: int, limits: tuple[int, int], gap: int) -> list[NDArray[np.int64]]:
    """Runs on either side of each stretch of `gap` or more empty layers along an axis."""
    first, stop = limits
    begins = np.bincount(runs[axis, 0] - first, minlength=stop - first + 1)
    ends = np.bincount(runs[axis, 1] - first + 1, minlength=stop - first + 1)
    occupied = np.flatnonzero(np.cumsum(begins - ends)[:-1])
    after_gap = np.flatnonzero(np.diff(occupied) > gap) + 1
    if not len(after_gap):
        return [runs]
    part = np.searchsorted(occupied[after_gap] + first, runs[axis, 0], side="right")
    return [runs[:, :, part == n] for n in range(len(after_gap) + 1)]


def _bounding_box(runs: NDArray[np.int64]) -> Extent:
    """Smallest box that holds all runs."""
    firsts = runs[:, 0].min(axis=-1).tolist()
    lasts = runs[:, 1].max(axis=-1).tolist()
    return ((firsts[0], lasts[0] + 1), (firsts[1], lasts[1] + 1), (firsts[2], lasts[2] + 1))


def _voxels(box: Extent) -> int:
    (first_k, stop_k), (first_j, stop_j), (first_i, stop_i) = box
    return (stop_k - first_k) * (stop_j - first_j) * (stop_i - first_i)
