"""Diameters and pieces of large structures, as quickly as a check before submitting must be.

The results are those of `measure.diameters.plane_diameters` and of connected components with 26 neighbours; only the
way there is shorter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from AnnotationQACore.measure.diameters import PlaneDiameters, plane_diameters
from AnnotationQACore.segmentation import BoolArray, Mask

__all__ = ["pieces", "quick_plane_diameters"]

DIRECTIONS = (8, 48)
"""Along how many directions all slices are bounded, and then those that are left."""


def quick_plane_diameters(mask: Mask, slice_axis: int = 0) -> PlaneDiameters | None:
    """`plane_diameters`, measured only on slices on which the longest diameter can be.

    The widths of a slice along several directions bound its diameter from above and below. Slices that can have the
    longest one are bounded along more directions, the one with the largest bound is measured, and then those of the
    others that can be as long.
    """
    lines = _lines(mask, slice_axis)
    bounds, reached = _bounds(lines, DIRECTIONS[0])
    if bounds.max() < 0:
        return None
    bounds, _ = _bounds(_of_slices(lines, bounds >= reached), DIRECTIONS[1])
    first = _stretch(mask, slice_axis, np.array([int(np.argmax(bounds))]))
    measured = plane_diameters(first, slice_axis)
    reached = measured.longest.length_mm if measured is not None else 0.0
    candidates = np.flatnonzero(bounds >= reached - 1e-9)
    found = plane_diameters(_stretch(mask, slice_axis, candidates), slice_axis)
    if found is None:
        return None
    start = int(candidates[0])
    tied = tuple(start + index for index in found.tied_slices)
    return replace(found, slice_index=start + found.slice_index, tied_slices=tied)


def _stretch(mask: Mask, axis: int, kept: NDArray[np.intp]) -> Mask:
    """The slices from the first to the last of those that are kept, the others between them emptied."""
    region = [slice(0, size) for size in mask.grid.shape]
    region[axis] = slice(int(kept[0]), int(kept[-1]) + 1)
    part = (region[0], region[1], region[2])
    voxels = mask.voxels[part].copy()
    others = np.setdiff1d(np.arange(voxels.shape[axis]), kept - kept[0])
    np.moveaxis(voxels, axis, 0)[others] = False
    return Mask(voxels, mask.grid.cropped(part))


def pieces(voxels: BoolArray) -> list[tuple[int, tuple[int, int, int]]]:
    """Connected pieces (26-neighbourhood), the smallest first: number of voxels, and the index of one of them."""
    starts, stops, shape = _runs(voxels)
    if not len(starts):
        return []
    rows, width = shape[1], shape[2]
    pairs = [_touching(starts, stops, (dk * rows + dj) * width) for dk, dj in ((0, 1), (1, -1), (1, 0), (1, 1))]
    first = np.concatenate([pair[0] for pair in pairs])
    second = np.concatenate([pair[1] for pair in pairs])
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(starts), len(starts)))
    number, labels = connected_components(graph, directed=False)
    sizes = np.bincount(labels, weights=stops - starts, minlength=number).astype(int)
    middle = [int(np.flatnonzero(labels == label)[0]) for label in range(number)] if number <= 1000 else []
    found = []
    for label in np.argsort(sizes, kind="stable").tolist():
        run = middle[label] if middle else int(np.argmax(labels == label))
        k, j, i = np.unravel_index(int((starts[run] + stops[run] - 1) // 2), shape)
        found.append((int(sizes[label]), (int(k) - 1, int(j) - 1, int(i) - 1)))
    return found


def _runs(voxels: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int, int]]:
    """First and past-the-last index of every run along the last axis, in the flat array padded by one voxel."""
    padded = np.pad(voxels, 1).view(np.int8)
    steps = np.diff(padded.reshape(-1))
    starts = np.flatnonzero(steps == 1) + 1
    stops = np.flatnonzero(steps == -1) + 1
    return starts, stops, (padded.shape[0], padded.shape[1], padded.shape[2])


def _touching(
    starts: NDArray[np.int64], stops: NDArray[np.int64], offset: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of runs that touch, the second being `offset` farther; corners touch too."""
    low = np.searchsorted(stops, starts + offset - 1, side="right")
    high = np.searchsorted(starts, stops + offset + 1, side="left")
    counts = np.maximum(high - low, 0)
    first = np.repeat(np.arange(len(starts)), counts)
    second = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    return first, second


@dataclass(frozen=True, slots=True)
class _Lines:
    """The first and last voxel of every line of a mask that has any: no others can be ends of a diameter.

    `plane` has the in-plane steps in mm along both axes, shape (2, 2); `number` is the number of slices.
    """

    slices: NDArray[np.intp]
    rows: NDArray[np.intp]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    plane: NDArray[np.float64]
    number: int


def _lines(mask: Mask, slice_axis: int) -> _Lines:
    voxels = np.moveaxis(mask.voxels, slice_axis, 0)
    slices, rows = np.nonzero(voxels.any(axis=2))
    lines = voxels[slices, rows]
    first = np.argmax(lines, axis=1)
    last = lines.shape[1] - 1 - np.argmax(lines[:, ::-1], axis=1)
    columns = np.delete(mask.grid.affine[:3, :3], slice_axis, axis=1)
    basis, _ = np.linalg.qr(columns)
    return _Lines(slices, rows, first, last, basis.T @ columns, len(voxels))


def _of_slices(lines: _Lines, chosen: BoolArray) -> _Lines:
    """Only the lines of the chosen slices."""
    kept = chosen[lines.slices]
    return _Lines(lines.slices[kept], lines.rows[kept], lines.first[kept], lines.last[kept], lines.plane, lines.number)


def _bounds(lines: _Lines, directions: int) -> tuple[NDArray[np.float64], float]:
    """Upper bound in mm of the diameter on each slice, -1 where no line is; and a length that one has at least."""
    bounds = np.full(lines.number, -1.0)
    if not len(lines.slices):
        return bounds, 0.0
    starts = np.flatnonzero(np.r_[True, np.diff(lines.slices) > 0])
    widest = np.zeros(len(starts))
    between_centres = 0.0
    for angle in np.arange(directions) * math.pi / directions:
        along = np.array([math.cos(angle), math.sin(angle)]) @ lines.plane
        down, across = lines.rows * along[0], (lines.first * along[1], lines.last * along[1])
        high = np.maximum.reduceat(down + np.maximum(*across), starts)
        low = np.minimum.reduceat(down + np.minimum(*across), starts)
        widest = np.maximum(widest, high - low + np.abs(along).max())  # end points lie half a voxel farther out
        between_centres = max(between_centres, float((high - low).max()))
    excess = 1.0 / math.cos(math.pi / (2 * directions))  # of a diameter over the widths along the directions
    bounds[lines.slices[starts]] = widest * excess + 1e-6
    return bounds, between_centres
