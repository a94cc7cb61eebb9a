"""Segmentations on the voxels that all readers saw: crop, or resample when asked, and say what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.label_sources import LabelSource
from AnnotationQACore.agreement.segmentations.runs import Box, joint_runs
from AnnotationQACore.errors import GridMismatch
from AnnotationQACore.geometry import Grid, require_same_grid
from AnnotationQACore.segmentation import BoolArray

__all__ = ["CommonView", "on_common_view", "require_common_view"]

_STILL = 1e-6
"""In voxels: what rounding of headers may move."""


@dataclass(frozen=True, slots=True, eq=False)
class CommonView:
    """Label arrays on one grid.

    Attributes
    ----------
    sources : tuple of LabelSource
        All of the shape of `grid`; voxels that not all readers saw are background.
    grid : Grid
    n_unseen : int
        Voxels of the grid that not all readers saw.
    left_out_mm3 : dict
        For each reader the labelled volume outside of what all readers saw; empty when all grids are the same.
    messages : tuple of str
    """

    sources: tuple[LabelSource, ...]
    grid: Grid
    n_unseen: int
    left_out_mm3: dict[str, float]
    messages: tuple[str, ...]


def on_common_view(sources: Sequence[LabelSource], resample: bool) -> CommonView:
    """Bring segmentations to the voxels that all readers saw.

    Grids that are parts of one lattice are cropped to what they have in common. Others are resampled to the grid of
    the first source by the nearest neighbour, when that is allowed.

    Parameters
    ----------
    sources : sequence of LabelSource
    resample : bool
        Whether segmentations on other lattices may be resampled; without it they are refused.

    Raises
    ------
    GridMismatch
        Two segmentations lie on different lattices and `resample` is false, or have no voxel in common.
    """
    target = sources[0].grid
    if all(source.grid == target or not target.differences(source.grid) for source in sources):
        return CommonView(tuple(sources), target, 0, {}, ())
    shifts = []
    for source in sources:
        shift = _whole_shift(target, source.grid)
        if shift is None:
            if resample:
                return _resampled(sources)
            require_same_grid(target, source.grid, (sources[0].name, source.name))
        else:
            shifts.append(shift)
    return _cropped(sources, shifts)


def require_common_view(grids: Mapping[str, Grid]) -> None:
    """Raise `GridMismatch` unless the grids, parts of one lattice, have a voxel in common."""
    (_, target), *others = grids.items()
    first, stop = np.zeros(3, dtype=np.int64), np.array(target.shape, dtype=np.int64)
    for _, grid in others:
        start = np.rint(target.to_index(grid.origin)).astype(np.int64)
        first, stop = np.maximum(first, start), np.minimum(stop, start + grid.shape)
    if np.any(stop <= first):
        raise _nothing_in_common()


def _whole_shift(target: Grid, grid: Grid) -> NDArray[np.int64] | None:
    """Voxels from the origin of `target` to that of `grid`; None when they are not parts of one lattice."""
    shift = np.rint(target.to_index(grid.origin)).astype(np.int64)
    x, y, z = target.to_world(shift).tolist()
    moved = Grid(grid.shape, target.spacing, (x, y, z), target.directions)
    return None if grid.differences(moved) else shift


def _cropped(sources: Sequence[LabelSource], shifts: Sequence[NDArray[np.int64]]) -> CommonView:
    target = sources[0].grid
    first = np.max(shifts, axis=0)
    stop = np.min([shift + source.grid.shape for shift, source in zip(shifts, sources, strict=True)], axis=0)
    if np.any(stop <= first):
        raise _nothing_in_common()
    grid = target.cropped(_box(first, stop))
    parts = []
    left_out = {}
    messages = [f"different fields of view: scored on the {_size(grid.shape)} voxels that all have in common."]
    for source, shift in zip(sources, shifts, strict=True):
        arrays = tuple(array[_box(first - shift, stop - shift)] for array in source.arrays)
        voxels = _labelled(source.arrays) - _labelled(arrays)
        left_out[source.name] = voxels * source.grid.voxel_volume
        parts.append(replace(source, arrays=arrays, grid=grid))
        messages += _lost_labels(source, arrays)
    return CommonView(tuple(parts), grid, 0, left_out, tuple(messages))


def _resampled(sources: Sequence[LabelSource]) -> CommonView:
    target = sources[0].grid
    seen = np.ones(target.shape, dtype=np.bool_)
    for source in sources:
        for k, (_, inside) in enumerate(_nearest_voxels(target, source.grid)):
            seen[k] &= inside
    if not np.any(seen):
        raise _nothing_in_common()
    box = _bounding_box(seen)
    grid = target.cropped(box)
    parts = []
    left_out = {}
    messages = []
    for source in sources:
        differing = target.differences(source.grid)
        arrays = tuple(_nearest_labels(array, source.grid, target, seen)[box] for array in source.arrays)
        left_out[source.name] = _unseen(source, target, seen) * source.grid.voxel_volume
        parts.append(replace(source, arrays=arrays, grid=grid))
        if differing:
            messages.append(
                f"{source.name} differs from {sources[0].name} in {', '.join(differing)}: resampled from "
                f"{_size(source.grid.shape)} to {_size(target.shape)} voxels by the nearest neighbour."
            )
        messages += _lost_labels(source, arrays)
    n_common = int(np.count_nonzero(seen))
    if n_common < seen.size:
        messages.append(f"different fields of view: scored on the {n_common} voxels that all have in common.")
    return CommonView(tuple(parts), grid, int(np.count_nonzero(~seen[box])), left_out, tuple(messages))


def _nearest_voxels(target: Grid, grid: Grid) -> Iterator[tuple[tuple[NDArray[np.int64], ...], BoolArray]]:
    """For each slice of `target` the indices in `grid` of the voxels nearest to its voxels, and whether there are any.

    Indices are clipped to the grid. They and the flags have shapes that broadcast to that of a slice.
    """
    matrix = np.linalg.inv(grid.affine) @ target.affine
    k, j, i = np.ogrid[tuple(slice(n) for n in target.shape)]
    for plane in k.reshape(-1):
        indices = []
        inside = np.ones((1, 1), dtype=np.bool_)
        for row, n in zip(matrix, grid.shape, strict=False):
            # A step that moves the whole slice by less than a rounding is none: aligned axes then stay separate.
            place = np.full((1, 1), row[3] + row[0] * plane)
            for step, along in ((row[1], j[0]), (row[2], i[0])):
                if abs(step) * along.size > _STILL:
                    place = place + step * along
            # Halfway between two voxels the lower index wins, whatever the rounding.
            nearest = np.ceil(place - 0.5 - _STILL).astype(np.int64)
            inside = inside & (nearest >= 0) & (nearest < n)
            indices.append(np.clip(nearest, 0, n - 1))
        yield tuple(indices), inside


def _nearest_labels(array: NDArray[np.generic], grid: Grid, target: Grid, seen: BoolArray) -> NDArray[np.generic]:
    """Labels on the voxels of `target`, background where not all readers saw."""
    if not target.differences(grid):
        return np.where(seen, array, np.zeros((), dtype=array.dtype))
    labels = np.zeros(target.shape, dtype=array.dtype)
    for k, (indices, _) in enumerate(_nearest_voxels(target, grid)):
        np.copyto(labels[k], array[indices], where=seen[k])
    return labels


def _unseen(source: LabelSource, target: Grid, seen: BoolArray) -> int:
    """Labelled voxels of a source whose centre no target voxel holds that all readers saw."""
    labelled = np.zeros(source.grid.shape, dtype=np.bool_)
    for array in source.arrays:
        labelled |= array != 0
    return sum(
        int(np.count_nonzero(labelled[k] & ~(inside & seen[indices])))
        for k, (indices, inside) in enumerate(_nearest_voxels(source.grid, target))
    )


def _lost_labels(source: LabelSource, arrays: Sequence[NDArray[np.generic]]) -> list[str]:
    """Say which labels of a reader have no voxel among those that all readers saw."""
    messages = []
    for layer, (before, after) in enumerate(zip(source.arrays, arrays, strict=True)):
        drawn, left = (set(joint_runs([array], [source.name]).labels(0).tolist()) for array in (before, after))
        keys = {place: key for key, place in (source.segments or {}).items()}
        lost = [keys.get((layer, value), str(value)) for value in sorted(drawn - left)]
        messages += [
            f"{source.name}: label {key} lies wholly outside of what all readers saw, and counts as absent here."
            for key in lost
        ]
    return messages


def _labelled(arrays: Sequence[NDArray[np.generic]]) -> int:
    """Voxels with a label in any layer."""
    if len(arrays) == 1:
        return int(np.count_nonzero(arrays[0]))
    return int(np.count_nonzero(np.any([array != 0 for array in arrays], axis=0)))


def _bounding_box(mask: BoolArray) -> Box:
    limits = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(mask.any(axis=others))
        limits.append(slice(int(held[0]), int(held[-1]) + 1))
    return (limits[0], limits[1], limits[2])


def _box(first: NDArray[np.int64], stop: NDArray[np.int64]) -> Box:
    k, j, i = (slice(start, end) for start, end in zip(first.tolist(), stop.tolist(), strict=True))
    return (k, j, i)


def _size(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))


def _nothing_in_common() -> GridMismatch:
    return GridMismatch("the segmentations have no field of view in common; check that they are of one image.")
