"""Answers of a reading as markups of 3D Slicer: the way back is `matching_answers.match_markups`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.interchange.left_out import LeftOut
from AnnotationQACore.interchange.markups import Markup, MarkupKind, MarkupPoint, PointStatus, Region
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    LandmarksValue,
    MeasurementValue,
    Point,
    PolygonValue,
    Subject,
    segment_id,
)
from AnnotationQACore.protocol.model import Item, Polygon, Protocol

__all__ = ["LONG_AXIS_NAME", "SHORT_AXIS_NAME", "AnswerMarkups", "answer_markups"]

LONG_AXIS_NAME = "long axis"
SHORT_AXIS_NAME = "short axis"
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class AnswerMarkups:
    """Markups, and one line for each answer that they cannot hold."""

    markups: tuple[Markup, ...]
    left_out: tuple[str, ...]


def answer_markups(answers: Sequence[Answer], protocol: Protocol) -> AnswerMarkups:
    """Markups of all that is drawn in space, named by item and instance (``item#2``).

    Bidimensional diameters are two lines, ``item#2 long axis`` and ``item#2 short axis``.
    """
    markups: list[Markup] = []
    left_out = LeftOut()
    for answer in answers:
        name = segment_id(answer.item, answer.subject.instance)
        points = _points(answer)
        if points is None:
            left_out.add(answer.item, "not drawn in space by points that are known, as markups are.")
        elif any(len(point) == 2 for point in points):
            left_out.add(name, "lies on an image, and markups lie in space; COCO and SR hold it.")
        else:
            markups += _markups(name, answer, protocol.item(answer.item))
            if answer.subject != Subject(instance=answer.subject.instance):
                left_out.add(name, "markups do not say on which series or image it was drawn.")
    return AnswerMarkups(tuple(markups), left_out.lines())


def _points(answer: Answer) -> tuple[Point, ...] | None:
    match answer.value:
        case BoxValue() as box:
            return (box.center,)
        case PolygonValue(points=points):
            return points
        case LandmarksValue(landmarks=landmarks):
            return tuple(mark.position for mark in landmarks if mark.position is not None)
        case MeasurementValue(points=points) if len(points) in (2, 3, 4):
            return points
    return None


def _markups(name: str, answer: Answer, item: Item) -> list[Markup]:
    match answer.value:
        case BoxValue() as box:
            directions = box.directions or _IDENTITY
            x, y, z = ((d[0], d[1], d[2]) for d in directions)
            region = Region(
                (box.center[0], box.center[1], box.center[2]), (box.size[0], box.size[1], box.size[2]), (x, y, z)
            )
            return [Markup(MarkupKind.ROI, name, (), region)]
        case PolygonValue(points=points):
            closed = not isinstance(item, Polygon) or item.closed
            return [_line(MarkupKind.CLOSED_CURVE if closed else MarkupKind.CURVE, name, points)]
        case LandmarksValue(landmarks=landmarks):
            titles = {point.id: point.title for point in getattr(item, "points", ())}
            # labels are for people, and the description holds the ID, as in the labeling panel
            marks = [
                MarkupPoint(
                    titles.get(mark.name, mark.name),
                    None if mark.position is None else _vector(mark.position),
                    PointStatus.MISSING if mark.position is None else PointStatus.DEFINED,
                    mark.name,
                )
                for mark in landmarks
            ]
            return [Markup(MarkupKind.FIDUCIAL, name, tuple(marks))]
        case MeasurementValue(points=points):
            if len(points) == 4:
                return [
                    _line(MarkupKind.LINE, f"{name} {LONG_AXIS_NAME}", points[:2]),
                    _line(MarkupKind.LINE, f"{name} {SHORT_AXIS_NAME}", points[2:]),
                ]
            return [_line(MarkupKind.LINE if len(points) == 2 else MarkupKind.ANGLE, name, points)]
    return []


def _line(kind: MarkupKind, name: str, points: Sequence[Point]) -> Markup:
    return Markup(kind, name, tuple(MarkupPoint(str(n), _vector(p)) for n, p in enumerate(points, start=1)))


def _vector(point: Point) -> tuple[float, float, float]:
    x, y, z = np.asarray(point, float).tolist()
    return x, y, z
