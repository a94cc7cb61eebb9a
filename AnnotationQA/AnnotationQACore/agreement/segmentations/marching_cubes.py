"""Triangles of the surface within a cube of eight voxel centres, derived from the shape of the cube.

A cube has a corner at each of 2x2x2 neighbouring voxel centres. Its code has bit ``4 dk + 2 dj + di`` set where the
voxel at offset ``(dk, dj, di)`` is inside. The surface crosses every edge whose ends differ; on each face the crossings
are joined so that inside corners which touch only across a diagonal stay apart; the loops that result are cut into
triangles.

References
----------
Lorensen WE, Cline HE. Marching cubes. SIGGRAPH 1987;21(4):163-169.
Nikolov S et al. arXiv:1809.04430 (2018): surface elements weighted by the area of these triangles.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise, product

import numpy as np
from numpy.typing import NDArray

__all__ = ["CORNERS", "EDGES", "N_CODES", "surfel_areas", "triangles"]

Corner = tuple[int, int, int]
Triangle = tuple[int, int, int]

N_CODES = 256

CORNERS: tuple[Corner, ...] = tuple((k, j, i) for k, j, i in product((0, 1), repeat=3))
"""Offset (k, j, i) of each corner; its place is its bit in the code."""

EDGES: tuple[tuple[int, int], ...] = tuple(
    (first, second) for first, second in combinations(range(len(CORNERS)), 2) if (first ^ second).bit_count() == 1
)
"""Ends of each edge, as places in `CORNERS`."""


@cache
def triangles(code: int) -> tuple[Triangle, ...]:
    """Triangles of a code; each names the three edges on which its vertices lie."""
    return tuple(triangle for loop in _loops(code) for triangle in _fan(loop))


def surfel_areas(mm_from_index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area in mm² of the surface in each cube when it crosses edges at their middle, shape (256,).

    Parameters
    ----------
    mm_from_index : array, shape (3, 3)
        Columns are the steps in mm along the axes (k, j, i).

    Notes
    -----
    A code and its complement have the same area, that of the one with fewer corners inside, so that it does not matter
    which side of a surface is called inside.
    """
    middles = np.array([np.add(CORNERS[first], CORNERS[second]) / 2 for first, second in EDGES]) @ mm_from_index.T
    codes, edges = _triangles_of_smaller_codes()
    corners = middles[edges]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.zeros(N_CODES)
    np.add.at(areas, codes, np.linalg.norm(normals, axis=1) / 2)
    return areas


@cache
def _triangles_of_smaller_codes() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Code and edges of every triangle, each code standing for the one of it and its complement with fewer corners."""
    rows = [
        (code, *triangle)
        for code in range(N_CODES)
        for triangle in triangles(code if code.bit_count() <= len(CORNERS) // 2 else N_CODES - 1 - code)
    ]
    table = np.array(rows, dtype=np.int64)
    return table[:, 0], table[:, 1:]


def _loops(code: int) -> list[list[int]]:
    """Closed loops of crossed edges."""
    neighbours: dict[int, list[int]] = {}
    for first, second in _joined_crossings(code):
        neighbours.setdefault(first, []).append(second)
        neighbours.setdefault(second, []).append(first)
    loops = []
    while neighbours:
        edge = min(neighbours)
        loop = []
        while edge in neighbours:
            loop.append(edge)
            ahead = neighbours.pop(edge)
            edge = next((other for other in ahead if other in neighbours), edge)
        loops.append(loop)
    return loops


def _joined_crossings(code: int) -> list[tuple[int, int]]:
    """Pairs of crossed edges that the surface joins across a face: on every face, the two around inside corners."""
    joined = []
    for axis, side in product(range(3), (0, 1)):
        ring = _face(axis, side)
        inside = [bool(code >> corner & 1) for corner in ring]
        for start in range(4):
            # A stretch of inside corners along the ring is entered by one crossed edge and left by another.
            if inside[start] and not inside[start - 1]:
                stop = start
                while inside[(stop + 1) % 4]:
                    stop += 1
                joined.append((_edge(ring[start - 1], ring[start]), _edge(ring[stop % 4], ring[(stop + 1) % 4])))
    return joined


def _face(axis: int, side: int) -> list[int]:
    """Corners of a face of the cube, in order around it."""
    around = []
    for u, v in ((0, 0), (0, 1), (1, 1), (1, 0)):
        offset = [u, v]
        offset.insert(axis, side)
        around.append(CORNERS.index((offset[0], offset[1], offset[2])))
    return around


def _edge(first: int, second: int) -> int:
    return EDGES.index((min(first, second), max(first, second)))


def _fan(loop: list[int]) -> list[Triangle]:
    """Cut a loop into triangles around the vertex on an edge that is parallel to one further along the loop.

    Loops of five and six vertices are not flat. The cut between two parallel edges leaves flat pieces.
    """
    size = len(loop)
    apex = next(
        (
            start
            for start in range(size)
            for ahead in range(2, size - 1)
            if _direction(loop[start]) == _direction(loop[(start + ahead) % size])
        ),
        0,
    )
    turned = loop[apex:] + loop[:apex]
    return [(turned[0], second, third) for second, third in pairwise(turned[1:])]


def _direction(edge: int) -> int:
    first, second = EDGES[edge]
    return first ^ second
