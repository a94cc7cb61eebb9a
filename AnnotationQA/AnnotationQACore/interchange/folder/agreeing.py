"""Whether two files of one reading say the same of one thing, as far as each can."""

from __future__ import annotations

import numpy as np

from AnnotationQACore.project.readings import BoxValue, LandmarksValue, MeasurementValue, Point, PolygonValue, Value

__all__ = ["agreed"]

_SINGLE = 1e-6
"""Relative error of single precision, with which measurement reports store points."""


def agreed(first: Value, second: Value) -> Value | None:
    """The fuller of two values that agree; None where they do not.

    Points agree when they are equal in single precision, and a number without points with the same one that has them.
    """
    if first == second:
        return first
    if isinstance(first, MeasurementValue) and isinstance(second, MeasurementValue):
        full, bare = sorted((first, second), key=lambda v: (bool(v.points), v.short_axis is not None), reverse=True)
        same = first.unit == second.unit and _close((first.value,), (second.value,))
        same &= not bare.points or _all_close(full.points, bare.points)
        same &= bare.short_axis is None or (
            full.short_axis is not None and _close((full.short_axis,), (bare.short_axis,))
        )
        return full if same else None
    if isinstance(first, LandmarksValue) and isinstance(second, LandmarksValue):
        return _agreed_landmarks(first, second)
    return first if _all_close(_points(first), _points(second)) and type(first) is type(second) else None


def _agreed_landmarks(first: LandmarksValue, second: LandmarksValue) -> LandmarksValue | None:
    few, many = sorted((first, second), key=lambda value: len(value.landmarks))
    positions = {mark.name: mark.position for mark in many.landmarks}
    for mark in few.landmarks:
        other = positions.get(mark.name, ())
        if other != mark.position and (not other or not mark.position or not _close(other, mark.position)):
            return None
    return many


def _points(value: Value) -> tuple[Point, ...]:
    match value:
        case PolygonValue(points=points):
            return points
        case BoxValue():
            return (value.center, value.size, *value.directions)
    return ()


def _all_close(first: tuple[Point, ...], second: tuple[Point, ...]) -> bool:
    return len(first) == len(second) > 0 and all(_close(a, b) for a, b in zip(first, second, strict=True))


def _close(first: Point, second: Point) -> bool:
    return len(first) == len(second) and np.allclose(first, second, rtol=_SINGLE, atol=_SINGLE)
