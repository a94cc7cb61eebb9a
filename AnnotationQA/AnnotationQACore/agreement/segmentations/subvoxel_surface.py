"""Smooth surface of a mask: Gaussian smoothing, then marching cubes at 0.5 with interpolated vertices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter

from AnnotationQACore.agreement.segmentations.marching_cubes import CORNERS, EDGES, N_CODES, triangles
from AnnotationQACore.segmentation import BoolArray

__all__ = ["LARGEST_LOSS", "SmoothSurface", "smooth_surface", "smoothing_sigmas"]

_LEVEL = 0.5
_TRUNCATE = 4.0

LARGEST_LOSS = 0.01
"""Part of a mask that smoothing may lose, or of its size that it may fill in, before the mask counts as too thin."""


@dataclass(frozen=True, slots=True, eq=False)
class SmoothSurface:
    """Triangles of a smoothed mask.

    Attributes
    ----------
    vertices : float64 array, shape (triangle, 3 vertices, 3)
        In mm, along the columns of `mm_from_index`.
    areas : float64 array, shape (triangle,)
        In mm²; none is zero.
    field : float32 array, shape (k, j, i)
        The smoothed mask, with a margin around it.
    first : int64 array, shape (3,)
        Index in the image of the first voxel of `field`.
    lost : float
        Part of the mask that is thinner than the smoothing and vanished, or was a gap and closed.
    """

    vertices: NDArray[np.float64]
    areas: NDArray[np.float64]
    field: NDArray[np.float32]
    first: NDArray[np.int64]
    lost: float

    @property
    def centroids(self) -> NDArray[np.float64]:
        """Centres of the triangles in mm, shape (triangle, 3)."""
        centres: NDArray[np.float64] = self.vertices.mean(axis=1)
        return centres

    def contains(self, indices: NDArray[np.float64]) -> BoolArray:
        """Whether points, as indices (k, j, i) in the image of shape (n, 3), lie inside the surface."""
        places = (indices - self.first).T
        inside: BoolArray = map_coordinates(self.field, places, order=1, mode="constant") > _LEVEL
        return inside


def smoothing_sigmas(mm_from_index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation in mm along each array axis: max(0.7 voxel, 0.6 x coarsest spacing)."""
    spacing = np.linalg.norm(mm_from_index, axis=0)
    sigmas: NDArray[np.float64] = np.maximum(0.7 * spacing, 0.6 * spacing.max())
    return sigmas


def smooth_surface(mask: BoolArray, first: NDArray[np.int64], mm_from_index: NDArray[np.float64]) -> SmoothSurface:
    """Surface of a mask that is zero around the given voxels.

    Parameters
    ----------
    mask : boolean array, shape (k, j, i)
        Part of an image; outside of it the mask is empty.
    first : int64 array, shape (3,)
        Index in the image of its first voxel.
    mm_from_index : array, shape (3, 3)
        Columns are the steps in mm along the axes (k, j, i).
    """
    sigmas = smoothing_sigmas(mm_from_index) / np.linalg.norm(mm_from_index, axis=0)
    margin = np.ceil(_TRUNCATE * sigmas).astype(np.int64) + 1
    padded = np.pad(mask, [(int(width), int(width)) for width in margin])
    field = gaussian_filter(padded.astype(np.float32), sigmas, mode="constant", truncate=_TRUNCATE)
    indices = _triangles(field) + (first - margin)
    vertices = indices @ mm_from_index.T
    areas = np.linalg.norm(np.cross(vertices[:, 1] - vertices[:, 0], vertices[:, 2] - vertices[:, 0]), axis=1) / 2
    some = areas > 0
    return SmoothSurface(vertices[some], areas[some], field, first - margin, _lost(padded, field > _LEVEL, sigmas))


def _triangles(field: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vertices of all triangles as indices (k, j, i), shape (triangle, 3, 3)."""
    codes = np.zeros([n - 1 for n in field.shape], dtype=np.uint8)
    for bit, offset in enumerate(CORNERS):
        corner = field[tuple(slice(step, n - 1 + step) for step, n in zip(offset, field.shape, strict=True))]
        codes |= (corner > _LEVEL).astype(np.uint8) << np.uint8(bit)
    crossed = np.argwhere((codes > 0) & (codes < N_CODES - 1))
    counts, table = _triangle_table()
    code = codes[tuple(crossed.T)]
    cubes = np.repeat(crossed, counts[code], axis=0)
    edges = table[code][np.arange(table.shape[1]) < counts[code][:, np.newaxis]]
    corners, ends = np.array(CORNERS), np.array(EDGES)[edges]
    one, other = cubes[:, np.newaxis] + corners[ends[..., 0]], cubes[:, np.newaxis] + corners[ends[..., 1]]
    value_one, value_other = _values(field, one), _values(field, other)
    along = (_LEVEL - value_one) / (value_other - value_one)
    vertices: NDArray[np.float64] = one + along[..., np.newaxis] * (other - one)
    return vertices


def _values(field: NDArray[np.float32], indices: NDArray[np.int64]) -> NDArray[np.float64]:
    return field[indices[..., 0], indices[..., 1], indices[..., 2]].astype(np.float64)


@cache
def _triangle_table() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of triangles of each code, and their edges, shape (code, most triangles, 3)."""
    counts = np.array([len(triangles(code)) for code in range(N_CODES)], dtype=np.int64)
    table = np.zeros((N_CODES, counts.max(), 3), dtype=np.int64)
    for code in range(N_CODES):
        for place, triangle in enumerate(triangles(code)):
            table[code, place] = triangle
    return counts, table


def _lost(mask: BoolArray, smoothed: BoolArray, sigmas: NDArray[np.float64]) -> float:
    """Part of a mask that is further than two sigmas from what is left of it, and the same for its gaps.

    Smoothing moves a surface by less than that, unless the structure behind it is gone.
    """
    n_mask = int(np.count_nonzero(mask))
    size = (2 * np.ceil(2 * sigmas) + 1).astype(int).tolist()
    gone = mask & ~smoothed & ~maximum_filter(smoothed, size)
    closed = ~mask & smoothed & ~maximum_filter(~smoothed, size)
    return int(np.count_nonzero(gone | closed)) / n_mask if n_mask else 0.0
