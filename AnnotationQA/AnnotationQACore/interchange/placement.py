"""Segmentations brought to another grid without a change of any voxel, and the rectification of tilted ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import GridMismatch
from AnnotationQACore.geometry import TOLERANCE, Grid, require_same_grid
from AnnotationQACore.segmentation import LabelArray, Segmentation

__all__ = ["Region", "bounding_region", "joint_grid", "placed_on", "rectified", "rectified_grid"]

Region = tuple[slice, slice, slice]


def placed_on(
    segmentation: Segmentation, grid: Grid, names: tuple[str, str] = ("segmentation", "image")
) -> Segmentation:
    """Put a segmentation on a grid of the same lattice: cropped or padded, axes swapped and turned round as needed.

    Parameters
    ----------
    segmentation : Segmentation
        May be larger or smaller than `grid`, but has voxels within it only.
    grid : Grid
    names : tuple of 2 str
        What the two are called in an error.

    Raises
    ------
    GridMismatch
        The voxels of the two do not coincide, or a segment has voxels outside `grid`.
    """
    if not segmentation.grid.differences(grid):
        return Segmentation(segmentation.layers, grid, segmentation.segments)
    layers, turned = _turned(segmentation.layers, segmentation.grid, grid)
    start = np.rint(grid.to_index(turned.origin)).astype(int)
    _require_lattice(turned, start, grid, segmentation.grid, names)
    region = bounding_region(layers)
    if region is not None:
        low = start + [part.start for part in region]
        high = start + [part.stop for part in region]
        if (low < 0).any() or (high > grid.shape).any():
            raise GridMismatch(f"{names[0]} has voxels outside {names[1]}; label them on the same image.")
    result = np.zeros((len(layers), *grid.shape), layers.dtype)
    if region is not None:
        target = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        result[(slice(None), *target)] = layers[(slice(None), *region)]
    return Segmentation(result, grid, segmentation.segments)


def joint_grid(grids: Mapping[str, Grid]) -> Grid:
    """Smallest grid that holds all the grids, which must be parts of one lattice: segmentations may be saved cropped.

    Parameters
    ----------
    grids : mapping of str to Grid
        By what each is called in an error.

    Raises
    ------
    GridMismatch
        Two of them are not parts of one lattice; the message names them.
    """
    (first_name, first), *others = grids.items()
    corners = [(np.zeros(3, int), np.array(first.shape))]
    for name, grid in others:
        start = np.rint(first.to_index(grid.origin)).astype(int)
        shifted = Grid(grid.shape, first.spacing, _position(first, start), first.directions)
        require_same_grid(shifted, grid, (first_name, name))
        corners.append((start, start + grid.shape))
    low = np.min([start for start, _ in corners], axis=0)
    size = np.max([stop for _, stop in corners], axis=0) - low
    return Grid((int(size[0]), int(size[1]), int(size[2])), first.spacing, _position(first, low), first.directions)


def bounding_region(layers: NDArray[Any]) -> Region | None:
    """Smallest region of the last three axes that holds all voxels above zero; None when there are none."""
    occupied = layers.reshape(-1, *layers.shape[-3:])
    planes = np.zeros(occupied.shape[1], bool)
    for volume in occupied:
        planes |= (volume != 0).any(axis=(1, 2))
    ks = np.flatnonzero(planes)
    if not ks.size:
        return None
    flat = np.zeros(occupied.shape[2:], bool)
    for volume in occupied:
        flat |= (volume[ks[0] : ks[-1] + 1] != 0).any(axis=0)
    js, is_ = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    bounds = ((ks[0], ks[-1]), (js[0], js[-1]), (is_[0], is_[-1]))
    k, j, i = (slice(int(first), int(last) + 1) for first, last in bounds)
    return (k, j, i)


def rectified_grid(grid: Grid) -> Grid:
    """Orthogonal grid with the slices of a sheared one in their planes, wide enough for all of them.

    The in-plane axes and the position of the slices along the normal are kept; `grid` has orthogonal in-plane axes.
    """
    return _rectification(grid)[0]


def rectified(segmentation: Segmentation) -> Segmentation:
    """Segmentation of a gantry-tilted series on `rectified_grid`.

    Every slice stays in its plane and is moved within it by whole voxels, so that volumes do not change and no
    voxel is displaced by more than half an in-plane voxel diagonal.
    """
    grid, shifts = _rectification(segmentation.grid)
    _, rows, columns = segmentation.grid.shape
    layers = np.zeros((len(segmentation.layers), *grid.shape), segmentation.layers.dtype)
    for k, (j, i) in enumerate(shifts):
        layers[:, k, j : j + rows, i : i + columns] = segmentation.layers[:, k]
    return Segmentation(layers, grid, segmentation.segments)


def _rectification(grid: Grid) -> tuple[Grid, NDArray[np.int_]]:
    """Rectified grid, and for each slice the (row, column) at which it begins there."""
    along_k, along_j, along_i = np.array(grid.directions)
    step = along_k * grid.spacing[0]
    normal = np.cross(along_i, along_j)
    normal /= np.linalg.norm(normal)
    distance = float(step @ normal)
    normal *= np.sign(distance)
    in_plane = np.array([step @ along_j / grid.spacing[1], step @ along_i / grid.spacing[2]])
    shifts = np.rint(np.arange(grid.shape[0])[:, np.newaxis] * in_plane).astype(int)
    first = shifts.min(axis=0)
    shifts -= first
    rows, columns = shifts.max(axis=0) + grid.shape[1:]
    origin = np.array(grid.origin) + first[0] * along_j * grid.spacing[1] + first[1] * along_i * grid.spacing[2]
    affine = np.eye(4)
    affine[:3, 0] = normal * abs(distance)
    affine[:3, 1] = along_j * grid.spacing[1]
    affine[:3, 2] = along_i * grid.spacing[2]
    affine[:3, 3] = origin
    return Grid.from_affine((grid.shape[0], int(rows), int(columns)), affine), shifts


def _turned(layers: LabelArray, grid: Grid, target: Grid) -> tuple[LabelArray, Grid]:
    """The same voxels with their axes in the order and sense that fits `target` best."""
    alignment = np.array(target.directions) @ np.array(grid.directions).T
    order = max(permutations(range(3)), key=lambda axes: sum(abs(alignment[n, axis]) for n, axis in enumerate(axes)))
    affine = grid.affine
    columns = affine[:3, list(order)]
    origin = affine[:3, 3].copy()
    flips = [n for n, axis in enumerate(order) if alignment[n, axis] < 0]
    shape = tuple(grid.shape[axis] for axis in order)
    for n in flips:
        origin += columns[:, n] * (shape[n] - 1)
        columns[:, n] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = columns
    matrix[:3, 3] = origin
    turned = layers.transpose(0, *(axis + 1 for axis in order))
    return np.flip(turned, tuple(n + 1 for n in flips)), Grid.from_affine((shape[0], shape[1], shape[2]), matrix)


def _require_lattice(turned: Grid, start: NDArray[np.int_], grid: Grid, original: Grid, names: tuple[str, str]) -> None:
    """Raise `GridMismatch` unless voxel 0 of `turned` is voxel `start` of the lattice of `grid`."""
    expected = Grid(turned.shape, grid.spacing, _vector(grid.to_world(start)), grid.directions)
    if turned.differences(expected, max(TOLERANCE, 1e-2)):
        require_same_grid(original, grid, names)


def _vector(point: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(point[0]), float(point[1]), float(point[2]))


def _position(grid: Grid, index: NDArray[np.int64]) -> tuple[float, float, float]:
    x, y, z = grid.to_world(index)
    return (float(x), float(y), float(z))
