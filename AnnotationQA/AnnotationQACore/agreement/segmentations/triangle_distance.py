"""Distance from points to the nearest of many triangles.

References
----------
Ericson C. Real-time collision detection (2005), 5.1.5: closest point on a triangle by its Voronoi regions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["distances_to_triangles", "point_triangle_distances"]

_CANDIDATES = 32
"""Triangles with the nearest centres that are tried for each point."""

_BLOCK = 1 << 14


def distances_to_triangles(points: NDArray[np.float64], triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each point to a surface.

    Parameters
    ----------
    points : float64 array, shape (n, 3)
    triangles : float64 array, shape (m, 3 vertices, 3)
        All of about the size of a voxel, so that the nearest one is among those with the nearest centres.
    """
    tree = cKDTree(triangles.mean(axis=1))
    candidates = min(_CANDIDATES, len(triangles))
    distances = np.empty(len(points))
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        nearest = tree.query(block, candidates)[1].reshape(len(block), candidates)
        each = point_triangle_distances(block[:, np.newaxis], triangles[nearest])
        distances[start : start + _BLOCK] = each.min(axis=1)
    return distances


def point_triangle_distances(points: NDArray[np.float64], triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from points, shape (..., 3), to triangles, shape (..., 3 vertices, 3), broadcast against each other."""
    a, b, c = triangles[..., 0, :], triangles[..., 1, :], triangles[..., 2, :]
    edges = [_segment_distances(points, start, end) for start, end in ((a, b), (b, c), (c, a))]
    nearest_edge = np.minimum(np.minimum(edges[0], edges[1]), edges[2])
    ab, ac, ap = b - a, c - a, points - a
    normal = np.cross(ab, ac)
    squared = _dot(normal, normal)
    with np.errstate(divide="ignore", invalid="ignore"):
        height = np.abs(_dot(ap, normal)) / np.sqrt(squared)
        v = _dot(np.cross(ap, ac), normal) / squared
        w = _dot(np.cross(ab, ap), normal) / squared
        above = (v >= 0) & (w >= 0) & (v + w <= 1)
    return np.where(above, height, nearest_edge)


def _segment_distances(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    along = end - start
    length = _dot(along, along)
    place = np.clip(_dot(points - start, along) / np.where(length > 0, length, 1.0), 0.0, 1.0)
    apart = points - start - place[..., np.newaxis] * along
    return np.sqrt(_dot(apart, apart))


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = np.einsum("...i,...i->...", a, b)
    return product
