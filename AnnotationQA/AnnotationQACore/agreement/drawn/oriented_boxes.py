"""Overlap of boxes that are turned against each other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.statistics.results import FloatArray

__all__ = ["oriented_box_iou"]


def oriented_box_iou(
    center_a: ArrayLike, size_a: ArrayLike, axes_a: ArrayLike, center_b: ArrayLike, size_b: ArrayLike, axes_b: ArrayLike
) -> float:
    """Intersection over union of two boxes in any orientation; NaN when both are empty.

    Parameters
    ----------
    center_a, center_b : array, shape (axis,)
        In mm; two or three axes.
    size_a, size_b : array, shape (axis,)
        Full edge lengths in mm.
    axes_a, axes_b : array, shape (axis, axis)
        Unit vectors along the edges, one a row.
    """
    volume_a, volume_b = float(np.prod(np.asarray(size_a))), float(np.prod(np.asarray(size_b)))
    if volume_a == 0.0 and volume_b == 0.0:
        return math.nan
    halfspaces = np.vstack([_halfspaces(center_a, size_a, axes_a), _halfspaces(center_b, size_b, axes_b)])
    shared = _volume(halfspaces)
    return shared / (volume_a + volume_b - shared)


def _halfspaces(center: ArrayLike, size: ArrayLike, axes: ArrayLike) -> FloatArray:
    """Rows (normal, offset) with normal . x + offset <= 0 inside."""
    normals = np.asarray(axes, dtype=np.float64)
    along = normals @ np.asarray(center, dtype=np.float64)
    half = np.asarray(size, dtype=np.float64) / 2.0
    return np.vstack([np.column_stack([normals, -along - half]), np.column_stack([-normals, along - half])])


def _volume(halfspaces: FloatArray) -> float:
    from scipy.optimize import linprog  # both slow to load, and rare
    from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError

    normals, offsets = halfspaces[:, :-1], halfspaces[:, -1]
    # The centre of the largest ball that fits: the halfspaces meet in nothing when its radius is not positive.
    fit = linprog(
        [*[0.0] * normals.shape[1], -1.0],
        A_ub=np.column_stack([normals, np.ones(len(normals))]),
        b_ub=-offsets,
        bounds=[(None, None)] * normals.shape[1] + [(0.0, None)],
    )
    if not fit.success or fit.x[-1] <= 1e-9:
        return 0.0
    try:
        return float(ConvexHull(HalfspaceIntersection(halfspaces, fit.x[:-1]).intersections).volume)
    except QhullError:  # thinner than floating point can hold
        return 0.0
