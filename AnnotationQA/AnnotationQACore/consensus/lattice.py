"""Neighbours on the lattice of voxel centres, by true distance in mm; right on anisotropic and sheared grids."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.geometry import Grid

__all__ = ["adjacent_offsets", "near_offsets"]


def near_offsets(grid: Grid, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """About `count` index offsets, shape (n, 3) in order (k, j, i), nearest first, and their lengths in mm; no gaps."""
    radius = (3.0 * count * grid.voxel_volume / (4.0 * math.pi)) ** (1.0 / 3.0)
    return _offsets_within(grid, max(radius, min(grid.spacing)))


def adjacent_offsets(grid: Grid) -> NDArray[np.int64]:
    """Index offsets, shape (n, 3), to the voxels whose Voronoi cell shares a face with that of a voxel.

    They are the shortest lattice vectors of each class of the lattice modulo twice the lattice (Conway and Sloane
    1992). From any lattice point, one of them leads nearer to any other; so the nearest voxel of a set always has one
    of these neighbours outside the set. On an orthogonal grid they are the six face neighbours.
    """
    corners = np.array([(k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1)][1:])
    matrix = grid.affine[:3, :3]
    reach = np.linalg.norm(corners @ matrix.T, axis=1)
    offsets, lengths = _offsets_within(grid, float(reach.max()))
    kept = []
    for corner in corners:
        members = np.flatnonzero(np.all((offsets - corner) % 2 == 0, axis=1))
        shortest = members[lengths[members] <= lengths[members].min() * (1 + 1e-9)]
        # more than one pair of shortest vectors: their cells touch in an edge or corner only
        if len(shortest) == 2:
            kept.extend(shortest)
    adjacent: NDArray[np.int64] = offsets[np.sort(kept)]
    return adjacent


def _offsets_within(grid: Grid, radius: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    matrix = grid.affine[:3, :3]
    reach = np.floor(radius * np.linalg.norm(np.linalg.inv(matrix), axis=1) + 1e-9).astype(int)
    ranges = [np.arange(-extent, extent + 1) for extent in reach]
    offsets = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(offsets @ matrix.T, axis=1)
    inside = (lengths <= radius * (1 + 1e-9)) & (lengths > 0)
    offsets, lengths = offsets[inside], lengths[inside]
    order = np.argsort(lengths, kind="stable")
    return offsets[order].astype(np.int64), lengths[order]
