"""Lines, angles and polygons: their measures in mm, and how far two readers' differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = [
    "AngleAgreement",
    "LineAgreement",
    "PolygonAgreement",
    "angle_at",
    "compare_angles",
    "compare_lines",
    "compare_polygons",
    "line_angle",
    "path_length",
    "polygon_area",
]


@dataclass(frozen=True, slots=True)
class LineAgreement(Result):
    """Two readers' lines; differences are `b` minus `a`.

    Attributes
    ----------
    end_point_errors_mm : tuple of float
        Distance of the two start points and of the two end points.
    end_point_error_mm : float
        Their mean.
    reversed : bool
        `b` was turned round, because its ends fit better so: a line has no direction.
    angle_deg : float
        Between the lines, 0 to 90; NaN when one has no length.
    """

    length_a_mm: float
    length_b_mm: float
    length_difference_mm: float
    end_point_errors_mm: tuple[float, float]
    end_point_error_mm: float
    angle_deg: float
    reversed: bool


@dataclass(frozen=True, slots=True)
class AngleAgreement(Result):
    """Two readers' angles at a vertex; the difference is `b` minus `a`."""

    angle_a_deg: float
    angle_b_deg: float
    difference_deg: float
    vertex_error_mm: float


@dataclass(frozen=True, slots=True)
class PolygonAgreement(Result):
    """Two readers' closed polygons; differences are `b` minus `a`.

    Attributes
    ----------
    area_difference_relative : float
        To the area of `a`; NaN when that is zero.
    mean_distance_mm, hausdorff_mm : float
        Of the outlines: mean over both directions' means along the outline, and largest; sampled every 0.1 mm or, on
        long outlines, at 2,000 points.
    centre_distance_mm : float
        Of the centres of the outlines.
    """

    area_a_mm2: float
    area_b_mm2: float
    area_difference_mm2: float
    area_difference_relative: float
    perimeter_a_mm: float
    perimeter_b_mm: float
    perimeter_difference_mm: float
    mean_distance_mm: float
    hausdorff_mm: float
    centre_distance_mm: float


def path_length(points: ArrayLike, *, closed: bool = False) -> float:
    """Length in mm of the path through points, shape (point, 2 or 3); `closed` adds the way back to the first."""
    path = _points(points, 1)
    if closed:
        path = np.vstack([path, path[:1]])
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def polygon_area(points: ArrayLike) -> float:
    """Area in mm² of a closed planar polygon, shape (point, 2 or 3), in any plane.

    Half the length of the sum of cross products (vector area); of a polygon that is not planar, the area of its
    projection on the plane in which that is greatest. A polygon must not cross itself.
    """
    corners = _in_space(_points(points, 3))
    spokes = corners - corners[0]
    return float(np.linalg.norm(np.cross(spokes[:-1], spokes[1:]).sum(axis=0)) / 2.0)


def line_angle(a: ArrayLike, b: ArrayLike) -> float:
    """Angle in degrees, 0 to 90, between two lines, each of shape (2, 2 or 3); NaN when one has no length."""
    first, second = np.diff(_in_space(_points(a, 2)), axis=0)[0], np.diff(_in_space(_points(b, 2)), axis=0)[0]
    # atan2 keeps the digits of small angles that acos would lose.
    if not np.any(first) or not np.any(second):
        return math.nan
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(first, second))), abs(float(first @ second))))


def angle_at(points: ArrayLike) -> float:
    """Angle in degrees, 0 to 180, at the second of three points, shape (3, 2 or 3); NaN when an arm has no length."""
    corner = _in_space(_points(points, 3))
    first, second = corner[0] - corner[1], corner[2] - corner[1]
    if not np.any(first) or not np.any(second):
        return math.nan
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second)))


def compare_lines(a: ArrayLike, b: ArrayLike) -> LineAgreement:
    """Compare two readers' lines, each of shape (2, 2 or 3) in mm."""
    first, second = _points(a, 2), _points(b, 2)
    _require_same_axes(first, second)
    if len(first) != 2 or len(second) != 2:
        raise InputError("line: needs exactly two points; a path of more is compared as a polygon.")
    straight = np.linalg.norm(first - second, axis=1)
    turned = np.linalg.norm(first - second[::-1], axis=1)
    is_turned = bool(turned.sum() < straight.sum())
    ends = turned if is_turned else straight
    length_a, length_b = path_length(first), path_length(second)
    return LineAgreement(
        length_a_mm=length_a,
        length_b_mm=length_b,
        length_difference_mm=length_b - length_a,
        end_point_errors_mm=(float(ends[0]), float(ends[1])),
        end_point_error_mm=float(ends.mean()),
        angle_deg=line_angle(first, second),
        reversed=is_turned,
    )


def compare_angles(a: ArrayLike, b: ArrayLike) -> AngleAgreement:
    """Compare two readers' angles, each of shape (3, 2 or 3) in mm, the vertex in the middle."""
    first, second = _points(a, 3), _points(b, 3)
    _require_same_axes(first, second)
    angle_a, angle_b = angle_at(first), angle_at(second)
    return AngleAgreement(angle_a, angle_b, angle_b - angle_a, float(np.linalg.norm(first[1] - second[1])))


def compare_polygons(a: ArrayLike, b: ArrayLike) -> PolygonAgreement:
    """Compare two readers' closed polygons, each of shape (point, 2 or 3) in mm."""
    from scipy.spatial import KDTree  # slow to load

    first, second = _points(a, 3), _points(b, 3)
    _require_same_axes(first, second)
    area_a, area_b = polygon_area(first), polygon_area(second)
    around_a, around_b = path_length(first, closed=True), path_length(second, closed=True)
    outline_a, outline_b = _outline(first, around_a), _outline(second, around_b)
    there, _ = KDTree(outline_b).query(outline_a)
    back, _ = KDTree(outline_a).query(outline_b)
    return PolygonAgreement(
        area_a_mm2=area_a,
        area_b_mm2=area_b,
        area_difference_mm2=area_b - area_a,
        area_difference_relative=(area_b - area_a) / area_a if area_a > 0 else math.nan,
        perimeter_a_mm=around_a,
        perimeter_b_mm=around_b,
        perimeter_difference_mm=around_b - around_a,
        mean_distance_mm=float((there.mean() + back.mean()) / 2.0),
        hausdorff_mm=float(max(there.max(), back.max())),
        centre_distance_mm=float(np.linalg.norm(outline_a.mean(axis=0) - outline_b.mean(axis=0))),
    )


def _outline(corners: FloatArray, around: float) -> FloatArray:
    """Points at equal steps along a closed outline."""
    ring = np.vstack([corners, corners[:1]])
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))])
    count = int(min(max(around / 0.1, 16.0), 2000.0))
    steps = np.linspace(0.0, around, count, endpoint=False)
    return np.column_stack([np.interp(steps, travelled, ring[:, axis]) for axis in range(ring.shape[1])])


def _points(points: ArrayLike, at_least: int) -> FloatArray:
    path = np.asarray(points, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] not in (2, 3) or len(path) < at_least:
        raise InputError(f"markup: points of shape {path.shape} are not at least {at_least} points with 2 or 3 axes.")
    if not np.all(np.isfinite(path)):
        raise InputError("markup: a coordinate is not finite; place the point again.")
    return path


def _in_space(points: FloatArray) -> FloatArray:
    return points if points.shape[1] == 3 else np.column_stack([points, np.zeros(len(points))])


def _require_same_axes(a: FloatArray, b: FloatArray) -> None:
    if a.shape[1] != b.shape[1]:
        raise InputError("markup: one reader's points are 2D and the other's 3D; give both in the same frame.")
