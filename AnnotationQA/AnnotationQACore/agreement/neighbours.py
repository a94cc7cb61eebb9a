"""Distance from corners to the nearest corner of a surface: near ones step by step, far ones by a k-d tree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from AnnotationQACore.segmentation import BoolArray

__all__ = ["Shells", "far_distances", "near_shells", "nearest_shell"]

_NEAR_MM = 3.0
_MOST_OFFSETS = 600
_SAME = 1e-9

_GATHER = 1 << 16
"""Look-ups done in one go when few corners are left."""


@dataclass(frozen=True, slots=True, eq=False)
class Shells:
    """Offsets on the lattice around a corner, grouped by their length.

    Attributes
    ----------
    distances : float64 array, shape (shell,)
        Length in mm, ascending; shell 0 is the corner itself.
    offsets : tuple of int64 arrays, each of shape (offset, 3)
        Steps along (k, j, i) of each shell. Every offset not longer than the last distance is there.
    """

    distances: NDArray[np.float64]
    offsets: tuple[NDArray[np.int64], ...]

    @property
    def reach(self) -> tuple[int, int, int]:
        """Longest step along each axis."""
        k, j, i = np.abs(np.concatenate(self.offsets)).max(axis=0).tolist()
        return (k, j, i)

    def flat(self, steps: tuple[int, int, int]) -> list[list[int]]:
        """Offsets of each shell as steps in a flat array."""
        return [(offsets @ np.array(steps, dtype=np.int64)).tolist() for offsets in self.offsets]


def near_shells(mm_from_index: NDArray[np.float64]) -> Shells:
    """All offsets up to about 3 mm; less where voxels are so small that they would be too many.

    Parameters
    ----------
    mm_from_index : array, shape (3, 3)
        Columns are the steps in mm along the axes (k, j, i).
    """
    voxel = abs(float(np.linalg.det(mm_from_index)))
    radius = min(_NEAR_MM, (_MOST_OFFSETS * voxel * 3 / (4 * math.pi)) ** (1 / 3))
    # A step along an axis is bounded by the distance between the planes across it, which shear makes smaller.
    bounds = np.floor(radius * np.linalg.norm(np.linalg.inv(mm_from_index), axis=1)).astype(int)
    grids = np.meshgrid(*(np.arange(-bound, bound + 1) for bound in bounds), indexing="ij")
    offsets = np.stack([grid.reshape(-1) for grid in grids], axis=1)
    lengths = np.linalg.norm(offsets @ mm_from_index.T, axis=1)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= radius]
    lengths, offsets = lengths[order], offsets[order]
    starts = np.flatnonzero(np.diff(lengths, prepend=-1.0) > _SAME)
    return Shells(lengths[starts], tuple(np.split(offsets, starts[1:])))


def nearest_shell(corners: NDArray[np.int64], surface: BoolArray, offsets: list[list[int]]) -> NDArray[np.int64]:
    """First shell in which a surface lies.

    Parameters
    ----------
    corners : int64 array, shape (corner,)
        Flat positions in a window; none lies on the surface.
    surface : boolean array, flat as the window
    offsets : list of lists of int
        For each shell its flat offsets; shell 0 is not searched.

    Returns
    -------
    int64 array, shape (corner,)
        Index of the shell; the number of shells where there is none.
    """
    shells = np.full(len(corners), len(offsets), dtype=np.int64)
    left, places = corners, np.arange(len(corners))
    n_offsets = sum(map(len, offsets)) - 1
    for shell, steps in enumerate(offsets[1:], start=1):
        if not len(left):
            return shells
        if len(left) * n_offsets <= _GATHER:
            shells[places] = _first_hit(left, surface, offsets[shell:], shell)
            return shells
        hit = surface[left + steps[0]]
        for step in steps[1:]:
            hit |= surface[left + step]
        shells[places[hit]] = shell
        left, places = left[~hit], places[~hit]
        n_offsets -= len(steps)
    return shells


def far_distances(points: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each point to the nearest of `targets`, both of shape (n, 3) in mm."""
    # A bound from a sample of the targets leaves out those that can be nearest to no point.
    bound = cKDTree(targets[:: max(1, len(targets) // 500)]).query(points)[0].max()
    near = np.all((targets >= points.min(axis=0) - bound) & (targets <= points.max(axis=0) + bound), axis=1)
    tree = cKDTree(targets[near], balanced_tree=False, compact_nodes=False)
    distances: NDArray[np.float64] = tree.query(points)[0]
    return distances


def _first_hit(
    corners: NDArray[np.int64], surface: BoolArray, offsets: list[list[int]], first_shell: int
) -> NDArray[np.int64]:
    """As `nearest_shell`, all offsets at once."""
    flat = np.array([step for steps in offsets for step in steps] + [0], dtype=np.int64)
    shell_of = np.repeat(np.arange(len(offsets) + 1), [len(steps) for steps in offsets] + [1]) + first_shell
    hits = surface[corners[:, np.newaxis] + flat]
    hits[:, -1] = True
    first: NDArray[np.int64] = shell_of[np.argmax(hits, axis=1)]
    return first
