"""Lattices: reorientation without interpolation, target grids, and resampling from one grid to another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.placement import rectified_grid
from AnnotationQACore.release.options import Resampling
from AnnotationQACore.segmentation import LabelArray

__all__ = ["Turn", "oriented", "resample_image", "resample_labels", "resampled_grid"]

_ORDERS = {"nearest": 0, "linear": 1, "bspline": 3}
_LPS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
MAX_VOXELS = 2**31


class Turn:
    """Axes exchanged and turned round so that they run towards given patient directions.

    Parameters
    ----------
    grid : Grid
        As it is.
    orientation : str
        Directions towards which (i, j, k) run, such as ``RAS``; empty for no turn.
    """

    __slots__ = ("flips", "grid", "order")

    def __init__(self, grid: Grid, orientation: str) -> None:
        self.order, self.flips = _axes(grid, orientation)
        affine = grid.affine
        columns, origin = affine[:3, list(self.order)], affine[:3, 3].copy()
        shape = tuple(grid.shape[axis] for axis in self.order)
        for axis in self.flips:
            origin += columns[:, axis] * (shape[axis] - 1)
            columns[:, axis] *= -1
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = columns, origin
        self.grid = Grid.from_affine((shape[0], shape[1], shape[2]), matrix)

    def apply(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """Turn the last three axes of an array."""
        lead = voxels.ndim - 3
        turned = voxels.transpose(*range(lead), *(axis + lead for axis in self.order))
        return np.flip(turned, tuple(axis + lead for axis in self.flips))


def oriented(grid: Grid) -> str:
    """Patient directions nearest to those in which (i, j, k) run, such as ``LPS``."""
    return "".join(_letter(direction) for direction in reversed(grid.directions))


def resampled_grid(grid: Grid, resampling: Resampling) -> Grid:
    """Grid with the same field of view, from voxel border to voxel border, and another number of voxels.

    With a spacing, the number of voxels is rounded and the field of view changes by less than a voxel around the same
    centre. A sheared grid is straightened first.

    Raises
    ------
    InputError
        It would have more than 2**31 voxels.
    """
    if grid.is_sheared:
        grid = rectified_grid(grid)
    shape, spacing = np.array(grid.shape), np.array(grid.spacing)
    if resampling.size is not None:
        size = np.where(np.array(resampling.size) > 0, resampling.size, shape)
        new_spacing = shape * spacing / size
    elif resampling.spacing_mm is not None:
        new_spacing = np.where(np.array(resampling.spacing_mm) > 0, resampling.spacing_mm, spacing)
        size = np.maximum(np.rint(shape * spacing / new_spacing), 1)
    else:
        size = np.maximum(np.rint(shape * (resampling.scale or 1.0)), 1)
        new_spacing = shape * spacing / size
    if float(np.prod(size)) > MAX_VOXELS:
        raise InputError("export options: resampling: makes an image of more than 2^31 voxels; take a larger spacing.")
    centre = grid.to_world((shape - 1) / 2)
    directions = np.array(grid.directions)
    origin = centre - ((size - 1) / 2 * new_spacing) @ directions
    matrix = np.eye(4)
    matrix[:3, :3] = directions.T * new_spacing
    matrix[:3, 3] = origin
    return Grid.from_affine((int(size[0]), int(size[1]), int(size[2])), matrix)


def resample_image(voxels: NDArray[Any], grid: Grid, target: Grid, interpolator: str) -> NDArray[Any]:
    """Values of an image at the voxels of another grid; outside of it its lowest value.

    Integers are rounded, and stay in their type and between the lowest and highest value.
    """
    low, high = voxels.min(), voxels.max()
    sampled = _sampled(voxels.astype(np.float32, copy=False), grid, target, _ORDERS[interpolator])
    outside = ~_inside(grid, target)
    if outside.any():
        sampled[outside] = low
    if voxels.dtype.kind in "iu":
        np.rint(sampled, out=sampled)
    clipped: NDArray[Any] = np.clip(sampled, low, high).astype(voxels.dtype)
    return clipped


def resample_labels(labels: LabelArray, grid: Grid, target: Grid, interpolator: str) -> LabelArray:
    """Labels at the voxels of another grid, shape (k, j, i); 0 outside.

    ``linear`` takes for each voxel the label of the largest linearly interpolated share, background included; the lower
    value where two are equal.
    """
    if interpolator == "nearest":
        return _sampled(labels, grid, target, 0, mode="grid-constant")
    best = np.zeros(target.shape, np.float32)
    result = np.zeros(target.shape, labels.dtype)
    rest = np.ones(target.shape, np.float32)
    for value in np.unique(labels[labels > 0]).tolist():
        share = _sampled((labels == value).astype(np.float32), grid, target, 1, mode="grid-constant")
        rest -= share
        wins = share > best
        result[wins], best[wins] = value, share[wins]
    result[rest > best] = 0
    return result


def _sampled(voxels: NDArray[Any], grid: Grid, target: Grid, order: int, mode: str = "nearest") -> NDArray[Any]:
    from scipy import ndimage  # slow to load, and most releases keep the voxels as they are

    mapping = np.linalg.inv(grid.affine) @ target.affine
    mapping[np.abs(mapping) < 1e-9] = 0.0
    sampled: NDArray[Any] = ndimage.affine_transform(
        voxels, mapping[:3, :3], mapping[:3, 3], target.shape, order=order, mode=mode, cval=0
    )
    return sampled


def _inside(grid: Grid, target: Grid) -> NDArray[np.bool_]:
    """Voxels of the target that lie within a voxel of the grid."""
    corners = np.array(np.meshgrid(*((-0.5, size - 0.5) for size in target.shape), indexing="ij")).reshape(3, -1).T
    places = grid.to_index(target.to_world(corners))
    if (places >= -0.5 - 1e-6).all() and (places <= np.array(grid.shape) - 0.5 + 1e-6).all():
        return np.ones(target.shape, bool)
    inside: NDArray[np.bool_] = _sampled(np.ones(grid.shape, np.uint8), grid, target, 0, mode="grid-constant") > 0
    return inside


def _axes(grid: Grid, orientation: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each new axis (k, j, i) the old one, and the new axes that run the other way."""
    if not orientation:
        return (0, 1, 2), ()
    wanted = np.zeros((3, 3))
    for axis, letter in enumerate(reversed(orientation)):
        world, sign = _LPS[letter]
        wanted[axis, world] = sign
    alignment = wanted @ np.array(grid.directions).T
    order = max(permutations(range(3)), key=lambda axes: _fit(alignment, axes))
    return order, tuple(axis for axis, old in enumerate(order) if alignment[axis, old] < 0)


def _fit(alignment: NDArray[np.float64], axes: Sequence[int]) -> float:
    return float(sum(abs(alignment[axis, old]) for axis, old in enumerate(axes)))


def _letter(direction: Sequence[float]) -> str:
    world = int(np.argmax(np.abs(direction)))
    return ("RL", "AP", "IS")[world][int(direction[world] > 0)]
