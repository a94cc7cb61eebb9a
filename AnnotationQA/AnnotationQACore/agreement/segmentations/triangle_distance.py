"""Distance from points to the nearest of many triangles.

References
----------
Ericson C. Real-time collision detection (2005), 5.1.5: closest point on a triangle by its Voronoi regions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["distances_to_triangles", "point_triangle_distances"]

_CANDIDATES = 32
"""Triangles with the nearest centres, of which one is taken to be the nearest to a point."""

_BLOCK = 1 << 14


def distances_to_triangles(points: NDArray[np.float64], triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each point to a surface.

    Parameters
    ----------
    points : float64 array, shape (n, 3)
    triangles : float64 array, shape (m, 3 vertices, 3)
        All of about the size of a voxel, so that the nearest one is among those with the nearest centres.
    """
    discs = _Discs.of(triangles)
    tree = cKDTree(discs.centres)
    candidates = range(1, min(_CANDIDATES, len(triangles)) + 1)
    distances = np.empty(len(points))
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        apart, nearest = tree.query(block, candidates)
        distances[start : start + _BLOCK] = _nearest(block, triangles, discs, nearest.T, apart.T)
    return distances


@dataclass(frozen=True, slots=True, eq=False)
class _Discs:
    """For each triangle a disc that holds it, so that most triangles need not be looked at any closer."""

    centres: NDArray[np.float64]
    normals: NDArray[np.float64]
    radii: NDArray[np.float64]

    @classmethod
    def of(cls, triangles: NDArray[np.float64]) -> _Discs:
        centres = triangles.mean(axis=1)
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        radii = np.linalg.norm(triangles - centres[:, np.newaxis], axis=2).max(axis=1)
        return cls(centres, normals / np.where(lengths > 0, lengths, 1.0), radii)

    def squared_distances(
        self, points: NDArray[np.float64], chosen: NDArray[np.intp], apart: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Squared distance of each point to its disc, given how far it is from the centre of that."""
        height = _dot(points - self.centres[chosen], self.normals[chosen])
        aside = np.sqrt(np.maximum(apart**2 - height**2, 0.0)) - self.radii[chosen]
        squared: NDArray[np.float64] = height**2 + np.maximum(aside, 0.0) ** 2
        return squared


def _nearest(
    points: NDArray[np.float64],
    triangles: NDArray[np.float64],
    discs: _Discs,
    candidates: Iterable[NDArray[np.intp]],
    apart: Iterable[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Distance of each point to the nearest of its candidates, which come in the order of the distance `apart`."""
    distances = np.full(len(points), np.inf)
    largest = discs.radii.max()
    for chosen, centre_apart in zip(candidates, apart, strict=True):
        near = np.flatnonzero(centre_apart - largest < distances)
        bounds = discs.squared_distances(points[near], chosen[near], centre_apart[near])
        near = near[bounds < distances[near] ** 2]
        exact = point_triangle_distances(points[near], triangles[chosen[near]])
        distances[near] = np.minimum(distances[near], exact)
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
