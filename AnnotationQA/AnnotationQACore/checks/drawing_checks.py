"""Whether boxes, outlines, landmarks and measurements are plausible."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.checks.context import CheckContext, problem_of
from AnnotationQACore.checks.derived_measurements import in_mm, polygon_area, slice_axis_of
from AnnotationQACore.checks.limit_words import AREA, DIAMETER, VOLUME, limit_words, outside_limit
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity, Spot
from AnnotationQACore.checks.segment_checks import outside_of
from AnnotationQACore.measure.angles import angle_at
from AnnotationQACore.project.answers import (
    Answer,
    BoxValue,
    LandmarksValue,
    MeasurementValue,
    Point,
    PolygonValue,
    Subject,
)
from AnnotationQACore.protocol.limits import Inside, Limit
from AnnotationQACore.protocol.model import Box, Item, Landmarks, Measurement, Polygon
from AnnotationQACore.segmentation import Mask
from AnnotationQACore.wording import Wording, worded

__all__ = ["PERPENDICULAR_TOLERANCE_DEGREES", "axes_problem", "drawing_problems"]

PERPENDICULAR_TOLERANCE_DEGREES = 5.0
"""By how much the short axis may deviate from the right angle to the long one."""

SAME_SLICE_FRACTION = 0.5
"""Points are on one slice when they are less than this fraction of the slice distance apart across slices."""

FloatArray = NDArray[np.float64]
Drawing = Box | Polygon | Landmarks | Measurement

_DIRECTIONS = {
    "to_left": ((1.0, 0.0, 0.0), worded("to left")),
    "to_right": ((-1.0, 0.0, 0.0), worded("to right")),
    "to_posterior": ((0.0, 1.0, 0.0), worded("to posterior")),
    "to_anterior": ((0.0, -1.0, 0.0), worded("to anterior")),
    "to_superior": ((0.0, 0.0, 1.0), worded("to superior")),
    "to_inferior": ((0.0, 0.0, -1.0), worded("to inferior")),
}
"""LPS vectors, and words for them."""


def drawing_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Problems of all drawings but segments."""
    for item in context.protocol.items:
        answers = context.answers_to(item.id)
        for answer in answers:
            match item, answer.value:
                case Box(), BoxValue() as box:
                    yield from _box(context, item, answer, box)
                case Polygon(), PolygonValue() as polygon:
                    yield from _polygon(context, item, answer, polygon)
                case Landmarks(), LandmarksValue() as landmarks:
                    yield from _landmarks(context, item, answer, landmarks)
                case Measurement(), MeasurementValue() as measurement:
                    yield from _measurement(context, item, answer, measurement)
        yield from _count(context, item, answers)


def axes_problem(points: Sequence[Point], slice_axis: int, indices: FloatArray | None = None) -> Wording | None:
    """What is wrong with two diameters in one plane; None when nothing is.

    The short axis must be perpendicular to the long one, and all ends must lie on one slice (RECIST 1.1).

    Parameters
    ----------
    points : sequence of 4 points
        Ends of the long, then of the short axis, in mm.
    slice_axis : int
        Array axis across the slices.
    indices : array, shape (4, 3), optional
        The same points as array indices; not given where there are no slices.
    """
    ends = np.array([(*point, 0.0)[:3] for point in points], dtype=np.float64)
    if ends.shape != (4, 3):
        return None
    if not (ends[1] - ends[0]).any() or not (ends[3] - ends[2]).any():
        return worded("a diameter has no length; place its ends again.")
    if indices is not None and float(np.ptp(indices[:, slice_axis])) >= SAME_SLICE_FRACTION:
        return worded("the two diameters are not on one slice; move the ends to the slice of the long one.")
    angle = angle_at(ends[1] - ends[0], (0.0, 0.0, 0.0), ends[3] - ends[2])
    if abs(angle - 90.0) > PERPENDICULAR_TOLERANCE_DEGREES:
        between = min(angle, 180.0 - angle)
        return worded("the short axis is at {angle:.0f}° to the long one; turn it to 90°.", angle=between)
    return None


def _box(context: CheckContext, item: Box, answer: Answer, box: BoxValue) -> Iterator[ReadingProblem]:
    title, spot = context.title(item, answer.subject), context.spot(box.center, context.role(item))
    if sum(edge > 0 for edge in box.size) < item.dimensions:
        wording = worded("{title}: an edge has no length; draw the box again.", title=title)
        yield problem_of(item, CheckKind.ANSWER, Severity.ERROR, wording, answer.subject, spot)
        return
    yield from _in_image(context, item, answer, [box.center])
    if item.limits.volume_ml is not None and len(box.size) == 3:
        volume = math.prod(box.size) / 1000.0
        yield from _limited(context, item, answer.subject, VOLUME, volume, "ml", item.limits.volume_ml, spot)
    area = _box_area(context, item, box)
    if item.limits.area_mm2 is not None and area is not None:
        yield from _limited(context, item, answer.subject, AREA, area, "mm²", item.limits.area_mm2, spot)
    longest = _box_diameter(context, item, box)
    limit = item.limits.longest_diameter_mm
    if limit is not None and longest is not None:
        yield from _limited(context, item, answer.subject, DIAMETER, longest, "mm", limit, spot)
    if item.limits.inside is not None and len(box.center) == 3:
        yield from _points_inside(context, item, answer.subject, [box.center], item.limits.inside)


def _box_area(context: CheckContext, item: Box, box: BoxValue) -> float | None:
    """Area of a rectangle; on a slice that of its two edges in the plane, the third is the slice's thickness."""
    if len(box.size) == 3:
        edges = sorted(box.size, reverse=True)
        return edges[0] * edges[1]
    image = context.image(item)
    if image is None or image.pixel_spacing is None:
        return None
    return box.size[0] * image.pixel_spacing[1] * box.size[1] * image.pixel_spacing[0]


def _box_diameter(context: CheckContext, item: Box, box: BoxValue) -> float | None:
    """Diagonal in the plane of the slices."""
    if len(box.size) == 3:
        return math.hypot(box.size[0], box.size[1])
    image = context.image(item)
    if image is None or image.pixel_spacing is None:
        return None
    return math.hypot(box.size[0] * image.pixel_spacing[1], box.size[1] * image.pixel_spacing[0])


def _polygon(context: CheckContext, item: Polygon, answer: Answer, polygon: PolygonValue) -> Iterator[ReadingProblem]:
    subject, role = answer.subject, context.role(item)
    middle = context.spot(polygon.points[0], role)
    yield from _in_image(context, item, answer, polygon.points)
    image = context.image(item)
    if image is not None and len(polygon.points[0]) == 3 and image.has_patient_geometry:
        depths = image.grid.to_index(polygon.points)
        if min(float(np.ptp(depths[:, axis])) for axis in range(3)) >= SAME_SLICE_FRACTION:
            title = context.title(item, subject)
            wording = worded("{title}: its points are not on one slice; snap it to a slice.", title=title)
            yield problem_of(item, CheckKind.ANSWER, Severity.ERROR, wording, subject, middle)
    points = in_mm(polygon.points, image)
    if points is None:
        return
    if item.limits.area_mm2 is not None and item.closed:
        area = polygon_area(points)
        yield from _limited(context, item, subject, AREA, area, "mm²", item.limits.area_mm2, middle)
    if item.limits.longest_diameter_mm is not None:
        longest = max(math.dist(a, b) for a in points for b in points)
        limit = item.limits.longest_diameter_mm
        yield from _limited(context, item, subject, DIAMETER, longest, "mm", limit, middle)
    if item.limits.inside is not None:
        yield from _points_inside(context, item, subject, polygon.points, item.limits.inside)


def _landmarks(
    context: CheckContext, item: Landmarks, answer: Answer, landmarks: LandmarksValue
) -> Iterator[ReadingProblem]:
    places = {mark.name: mark.position for mark in landmarks.landmarks}
    titles = {point.id: point.title for point in item.points}
    visible = [(p.id, position) for p in item.points if (position := places.get(p.id)) is not None]
    yield from _in_image(context, item, answer, [position for _, position in visible])
    points = in_mm([position for _, position in visible], context.image(item))
    role = context.role(item)
    direction, way = _DIRECTIONS.get(item.limits.direction or "", (None, ""))
    for number in range(len(visible) - 1):
        (first, _), (second, at) = visible[number], visible[number + 1]
        spot = context.spot(at, role)
        if direction is not None and len(at) == 3:
            step = float(np.dot(np.subtract(at, visible[number][1]), direction))
            if step <= 0:
                wording = worded(
                    "{title}: {second} is out of order, it should follow {first} {way}; check which is which.",
                    title=item.title,
                    first=titles[first],
                    second=titles[second],
                    way=way,
                )
                yield problem_of(item, CheckKind.LANDMARKS, Severity.WARNING, wording, answer.subject, spot)
        limit = item.limits.neighbour_distance_mm
        if limit is not None and points is not None:
            what = worded("the distance from {first} to {second}", first=titles[first], second=titles[second])
            distance = math.dist(points[number], points[number + 1])
            yield from _limited(context, item, answer.subject, what, distance, "mm", limit, spot)
    if item.limits.inside is not None:
        at_points = [position for _, position in visible if len(position) == 3]
        yield from _points_inside(context, item, answer.subject, at_points, item.limits.inside)


def _measurement(
    context: CheckContext, item: Measurement, answer: Answer, measured: MeasurementValue
) -> Iterator[ReadingProblem]:
    subject = answer.subject
    spot = context.spot(measured.points[0], context.role(item)) if measured.points else None
    unit = {"deg": "°", "mm2": "mm²"}.get(measured.unit, measured.unit)
    if item.limits.value is not None:
        yield from _limited(context, item, subject, worded("its value"), measured.value, unit, item.limits.value, spot)
    if item.limits.short_axis is not None and measured.short_axis is not None:
        limit = item.limits.short_axis
        what = worded("its short axis")
        yield from _limited(context, item, subject, what, measured.short_axis, unit, limit, spot)
    if item.derived:
        return
    yield from _in_image(context, item, answer, measured.points)
    if item.quantity == "bidimensional" and len(measured.points) == 4:
        wrong = _axes(context, item, measured.points)
        if wrong is not None:
            wording = worded("{title}: {wrong}", title=context.title(item, subject), wrong=wrong)
            yield problem_of(item, CheckKind.ANSWER, Severity.ERROR, wording, subject, spot)
    if item.limits.inside is not None:
        points = [point for point in measured.points if len(point) == 3]
        yield from _points_inside(context, item, subject, points, item.limits.inside)


def _axes(context: CheckContext, item: Measurement, points: Sequence[Point]) -> Wording | None:
    image = context.image(item)
    placed = in_mm(points, image)
    if image is None or len(points[0]) == 2 or item.plane == "any":
        return axes_problem(placed if placed is not None else points, 0)
    return axes_problem(points, slice_axis_of(image.grid, item.plane), image.grid.to_index(points))


def _count(context: CheckContext, item: Item, answers: Sequence[Answer]) -> Iterator[ReadingProblem]:
    if not isinstance(item, Box | Polygon | Measurement) or item.limits.count is None:
        return
    drawn = [a for a in answers if isinstance(a.value, BoxValue | PolygonValue | MeasurementValue)]
    limit: Limit = item.limits.count
    if answers and not limit.allows(len(drawn)):
        template = "{title}: there are {number}; plausible is {limit}."
        wording = worded(template, title=item.title, number=len(drawn), limit=limit_words(limit))
        yield problem_of(item, CheckKind.COUNT, limit.severity, wording, context.base_subject(item))


def _in_image(
    context: CheckContext, item: Drawing, answer: Answer, points: Sequence[Point]
) -> Iterator[ReadingProblem]:
    """Points outside of the image by more than half a voxel."""
    image = context.image(item)
    if image is None or not points:
        return
    depth, rows, columns = image.grid.shape
    for point in points:
        if len(point) == 2:
            inside = 0 <= point[0] <= columns and 0 <= point[1] <= rows
        else:
            index = image.grid.to_index(point)
            inside = bool(
                np.all(index >= -0.5 - 1e-6) and np.all(index <= np.array([depth, rows, columns]) - 0.5 + 1e-6)
            )
        if not inside:
            title = context.title(item, answer.subject)
            wording = worded("{title}: lies outside the image; move it onto the image.", title=title)
            spot = context.spot(point, context.role(item))
            yield problem_of(item, CheckKind.ANSWER, Severity.ERROR, wording, answer.subject, spot)
            return


def _points_inside(
    context: CheckContext, item: Drawing, subject: Subject, points: Sequence[Point], inside: Inside
) -> Iterator[ReadingProblem]:
    """Points outside of the structure in which they must lie, by the voxel they are in."""
    if context.regions is None:
        return
    grid = context.regions.segmentation.grid
    parent = context.protocol.item(inside.item)
    for point in points:
        index = np.rint(grid.to_index(point)).astype(int)
        if np.any(index < 0) or np.any(index >= grid.shape):
            continue
        region = (slice(index[0], index[0] + 1), slice(index[1], index[1] + 1), slice(index[2], index[2] + 1))
        outside = outside_of(context, inside, Mask(np.ones((1, 1, 1), dtype=bool), grid.cropped(region)))
        if outside is not None and outside.any():
            template = "{title}: a point lies outside {parent}; correct one of the two."
            wording = worded(template, title=context.title(item, subject), parent=parent.title)
            spot = context.spot(point, context.role(item))
            yield problem_of(item, CheckKind.INSIDE, inside.severity, wording, subject, spot)
            return


def _limited(
    context: CheckContext,
    item: Item,
    subject: Subject,
    what: Wording,
    value: float,
    unit: str,
    limit: Limit,
    spot: Spot | None,
) -> Iterator[ReadingProblem]:
    if not limit.allows(value):
        wording = outside_limit(context.title(item, subject), what, value, unit, limit)
        yield problem_of(item, CheckKind.LIMIT, limit.severity, wording, subject, spot)
