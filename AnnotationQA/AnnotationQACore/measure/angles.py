"""Angles between points and lines in LPS mm, in degrees."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AnnotationQACore.errors import InputError

__all__ = ["CORONAL", "angle_at", "angle_between", "cobb_angle"]

CORONAL = (0.0, 1.0, 0.0)
"""Normal of the coronal plane in LPS."""

FloatArray = NDArray[np.float64]


def angle_at(first: ArrayLike, vertex: ArrayLike, second: ArrayLike) -> float:
    """Angle at `vertex` between the directions to two other points, 0 to 180 degrees."""
    return _angle(_direction(vertex, first), _direction(vertex, second))


def angle_between(first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]) -> float:
    """Angle between two lines, each given by two points; the smaller one, 0 to 90 degrees, also where they are skew."""
    angle = _angle(_direction(*first), _direction(*second))
    return min(angle, 180.0 - angle)


def cobb_angle(
    upper: tuple[ArrayLike, ArrayLike],
    lower: tuple[ArrayLike, ArrayLike],
    plane_normal: ArrayLike | None = CORONAL,
) -> float:
    """Cobb angle between the upper end plate of the upper end vertebra and the lower one of the lower, in degrees.

    Parameters
    ----------
    upper, lower : pair of points in LPS mm
        Two points on each end plate, in either order: both lines are taken to run towards the side on which the upper
        one's second point lies, so that angles above 90 degrees are possible only when both pairs are in one order.
    plane_normal : vector or None
        The lines are projected along it (Cobb 1948: the frontal radiograph); None measures in space.

    Returns
    -------
    float
        0 to 180 degrees when both pairs are given in one order (right to left, or left to right).
    """
    first, second = _direction(*upper), _direction(*lower)
    if plane_normal is not None:
        normal = _unit(plane_normal)
        first, second = (_projected(line, normal) for line in (first, second))
    return _angle(first, second)


def _direction(start: ArrayLike, end: ArrayLike) -> FloatArray:
    line = np.asarray(end, dtype=np.float64) - np.asarray(start, dtype=np.float64)
    if line.shape != (3,) or not np.isfinite(line).all():
        raise InputError("angle: points need three finite coordinates; place them again.")
    if not line.any():
        raise InputError("angle: two points are at the same place; place one of them again.")
    return line


def _unit(vector: ArrayLike) -> FloatArray:
    direction = _direction((0.0, 0.0, 0.0), vector)
    unit: FloatArray = direction / np.linalg.norm(direction)
    return unit


def _projected(line: FloatArray, normal: FloatArray) -> FloatArray:
    projected: FloatArray = line - (line @ normal) * normal
    if np.linalg.norm(projected) <= 1e-9 * np.linalg.norm(line):
        raise InputError("Cobb angle: an end plate is seen end-on in this plane; choose another plane.")
    return projected


def _angle(first: FloatArray, second: FloatArray) -> float:
    # the half-angle form is exact near 0 and 180 degrees, where the arc cosine is not
    a, b = first / np.linalg.norm(first), second / np.linalg.norm(second)
    return float(np.degrees(2.0 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))
