"""Distance from corners to the nearest corner of a surface: near ones by steps, far ones by a tree or a transform."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.segmentation import BoolArray

__all__ = ["Shells", "far_distances", "near_shells", "nearest_shell"]

_NEAR_MM = 3.0
"""Within this distance every corner is searched step by step."""

_STEPPED_MM = 8.0
"""Up to this distance those are that are still left, when they are few."""

_MOST_OFFSETS = 2500
_SAME = 1e-9

_LOOK_UPS_PER_TARGET = 50
"""Look-ups beyond the near distance that cost as much as adding a corner to a k-d tree and asking it."""

_SAMPLE = 1000
"""Targets from which the distance of far points is first bounded."""

_VOXELS_PER_QUERY = 100
"""Voxels of a distance transform that take as long as one query of the k-d tree."""

_FEW = 1000
"""Corners up to which several shells are looked at together: a call then costs more than its look-ups."""

_GATHER = 1 << 14
"""Look-ups that are done together."""


@dataclass(frozen=True, slots=True, eq=False)
class Shells:
    """Offsets on the lattice around a corner, grouped by their length.

    Attributes
    ----------
    distances : float64 array, shape (shell,)
        Length in mm, ascending; shell 0 is the corner itself.
    offsets : int64 array, shape (offset, 3)
        Steps along (k, j, i), one shell after the other. Every offset not longer than the last distance is there.
    ends : tuple of int, shape (shell,)
        One past the last offset of each shell.
    shell : int64 array, shape (offset,)
        Shell of each offset.
    n_near : int
        Shells in which every corner is searched.
    reach : tuple of 3 int
        Longest step along each axis.
    """

    distances: NDArray[np.float64]
    offsets: NDArray[np.int64]
    ends: tuple[int, ...]
    shell: NDArray[np.int64]
    n_near: int
    reach: tuple[int, int, int]


def near_shells(mm_from_index: NDArray[np.float64]) -> Shells:
    """All offsets up to about 8 mm; less where voxels are so small that they would be too many.

    Parameters
    ----------
    mm_from_index : array, shape (3, 3)
        Columns are the steps in mm along the axes (k, j, i).
    """
    voxel = abs(float(np.linalg.det(mm_from_index)))
    radius = min(_STEPPED_MM, (_MOST_OFFSETS * voxel * 3 / (4 * math.pi)) ** (1 / 3))
    # A step along an axis is bounded by the distance between the planes across it, which shear makes smaller.
    bounds = np.floor(radius * np.linalg.norm(np.linalg.inv(mm_from_index), axis=1)).astype(int)
    grids = np.meshgrid(*(np.arange(-bound, bound + 1) for bound in bounds), indexing="ij")
    offsets = np.stack([grid.reshape(-1) for grid in grids], axis=1)
    lengths = np.linalg.norm(offsets @ mm_from_index.T, axis=1)
    short = np.flatnonzero(lengths <= radius)
    order = short[np.argsort(lengths[short])]
    lengths, offsets = lengths[order], offsets[order]
    starts = np.flatnonzero(np.diff(lengths, prepend=-1.0) > _SAME)
    distances = lengths[starts]
    n_near = int(np.searchsorted(distances, radius * _NEAR_MM / _STEPPED_MM, side="right"))
    k, j, i = np.abs(offsets).max(axis=0).tolist()
    ends = (*starts[1:].tolist(), len(offsets))
    shell = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(offsets)))
    return Shells(distances, offsets, ends, shell, n_near, (k, j, i))


def nearest_shell(
    corners: NDArray[np.int64], surface: BoolArray, n_surface: int, shells: Shells, steps: tuple[int, int, int]
) -> NDArray[np.int64]:
    """First shell in which a surface lies.

    Parameters
    ----------
    corners : int64 array, shape (corner,)
        Flat positions in a window, or in several of one shape one after the other.
    surface : boolean array, flat as the windows
    n_surface : int
        Corners of the surface, about.
    shells : Shells
        Those that are not near are searched as long as that costs less than a k-d tree.
    steps : tuple of 3 int
        Flat step to the next slice, row and column of the windows.

    Returns
    -------
    int64 array, shape (corner,)
        Index of the shell; the number of shells where the surface was not found.
    """
    ends = shells.ends
    nearest = np.empty(len(corners), dtype=np.int64)
    left, places = corners, np.arange(len(corners))
    # As in renting or buying skis: never spend more on steps than the tree would have cost.
    budget = n_surface * _LOOK_UPS_PER_TARGET
    flat_steps = np.array(steps, dtype=np.int64)
    shell = before = 0
    while len(left) and shell < len(ends) and budget >= 0:
        stop = shell + 1
        if len(left) <= _FEW:
            stop = max(bisect_right(ends, before + _GATHER // len(left)), stop)
        if shell < shells.n_near:
            stop = min(stop, shells.n_near)
        else:
            budget -= len(left) * (ends[stop - 1] - before)
        flat = shells.offsets[before : ends[stop - 1]] @ flat_steps
        if stop == shell + 1:
            hit = _any_hit(left, surface, flat)
            nearest[places] = shell
        else:
            first, hit = _first_hit(left, surface, flat)
            nearest[places] = shells.shell[before:].take(first)
        missing = (~hit).nonzero()[0]
        left, places = left.take(missing), places.take(missing)
        shell, before = stop, ends[stop - 1]
    nearest[places] = len(ends)
    return nearest


def far_distances(
    corners: NDArray[np.int64], surface: NDArray[np.int64], mm_from_index: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance in mm from each corner to the nearest corner of a surface; both are indices (k, j, i), shape (3, n)."""
    first = np.minimum(corners.min(axis=1), surface.min(axis=1))
    shape = np.maximum(corners.max(axis=1), surface.max(axis=1)) - first + 1
    orthogonal = np.count_nonzero(mm_from_index) == len(mm_from_index)
    if orthogonal and corners.shape[1] * _VOXELS_PER_QUERY > math.prod(shape.tolist()):
        return _transformed(corners - first[:, np.newaxis], surface - first[:, np.newaxis], shape, mm_from_index)
    from scipy.spatial import cKDTree  # slower to load than near surfaces are to compare

    points, targets = _to_mm(corners, mm_from_index), _to_mm(surface, mm_from_index)
    # A bound from a sample of the targets leaves out those that can be nearest to no point.
    sample = targets[:, :: max(1, targets.shape[1] // _SAMPLE)]
    bound = cKDTree(sample.T).query(points.T)[0].max()
    near = np.ones(targets.shape[1], dtype=np.bool_)
    for coordinate, of_points in zip(targets, points, strict=True):
        near &= coordinate >= of_points.min() - bound
        near &= coordinate <= of_points.max() + bound
    tree = cKDTree(targets[:, near].T, balanced_tree=False, compact_nodes=False)
    nearest = surface[:, near][:, tree.query(points.T)[1]]
    # From whole steps, so that equal offsets have equal distances wherever they are.
    distances: NDArray[np.float64] = np.linalg.norm(_to_mm(nearest - corners, mm_from_index), axis=0)
    return distances


def _transformed(
    corners: NDArray[np.int64], surface: NDArray[np.int64], shape: NDArray[np.int64], mm_from_index: NDArray[np.float64]
) -> NDArray[np.float64]:
    """As `far_distances`, by a distance transform of the whole box: its cost does not grow with the corners."""
    from scipy.ndimage import distance_transform_edt  # see `far_distances`

    outside = np.ones(shape, dtype=np.bool_)
    outside[tuple(surface)] = False
    distances: NDArray[np.float64] = distance_transform_edt(outside, sampling=np.diag(mm_from_index))[tuple(corners)]
    return distances


def _to_mm(indices: NDArray[np.int64], mm_from_index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions in mm, shape (3, n)."""
    # Not a matrix product: its threads cost more than they save on three numbers.
    return np.stack([row[0] * indices[0] + row[1] * indices[1] + row[2] * indices[2] for row in mm_from_index])


def _any_hit(corners: NDArray[np.int64], surface: BoolArray, steps: NDArray[np.int64]) -> BoolArray:
    """Whether a surface lies at any of the steps from each corner."""
    # A view of the surface from each step on is cheaper than adding the step to all corners.
    lowest = int(steps.min())
    shifted = corners + lowest
    hit = np.zeros(len(corners), dtype=np.bool_)
    for step in (steps - lowest).tolist():
        hit |= surface[step:].take(shifted)
    return hit


def _first_hit(
    corners: NDArray[np.int64], surface: BoolArray, steps: NDArray[np.int64]
) -> tuple[NDArray[np.intp], BoolArray]:
    """The first step from each corner at which a surface lies, and whether there is any."""
    hits = surface.take(corners[:, np.newaxis] + steps)
    first = hits.argmax(axis=1)
    return first, surface.take(corners + steps.take(first))
