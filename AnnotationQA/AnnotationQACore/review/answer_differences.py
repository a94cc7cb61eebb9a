"""Where readers differ in what is no voxel: answers, ratings, measurements, boxes, outlines and landmarks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np

from AnnotationQACore.agreement.drawn.oriented_boxes import oriented_box_iou
from AnnotationQACore.agreement.drawn.polygons import compare_polygons
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import SharedInstance
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    Point,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    Reading,
    SegmentationValue,
    TextValue,
    Value,
)
from AnnotationQACore.protocol.items import Box, Item, Landmarks, Measurement, Polygon, Rating, TextAnswer
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.review.kinds import Kind

T = TypeVar("T")

__all__ = ["AnswerDifference", "answer_differences", "in_words"]

SAME_BOX_IOU = 0.0
"""Boxes and outlines of two readers are of one thing when they share anything, the most alike first."""

DEFAULT_BOX_IOU = 0.5
DEFAULT_OUTLINE_MM = 1.0
DEFAULT_LANDMARK_MM = 2.0
"""What lets a difference pass when the protocol names no threshold or tolerance."""


@dataclass(frozen=True, slots=True)
class AnswerDifference:
    """Readers who differ about one subject.

    Attributes
    ----------
    kind : Kind
    item : str
    subject : str
        Empty for the case as a whole; ``instance 2``, ``series T1``, ``landmark apex`` and so on.
    answers : mapping of reader to str
        What each reader says, in words; readers without an answer say ``not read``.
    size : float
        How far they are apart: levels, the measurement's unit, mm, or one minus the overlap; NaN for categories.
    position : Point or None
        LPS mm, or pixels of an image, of the place to look at; None when the difference has none.
    """

    kind: Kind
    item: str
    subject: str
    answers: Mapping[str, str]
    size: float = math.nan
    position: Point | None = None


def answer_differences(
    case: CaseReadings, protocol: Protocol, lesions: Mapping[str, Sequence[SharedInstance]] | None = None
) -> tuple[AnswerDifference, ...]:
    """Everything in which the readings of a case differ but voxels, in the order of the protocol.

    Parameters
    ----------
    case : CaseReadings
    protocol : Protocol
        Differences that its tolerances let pass are left out.
    lesions : mapping of item ID to SharedInstance, optional
        Which instances of the readers are one lesion; without it an instance is one by its number.
    """
    if len(case.readings) < 2:
        return ()
    return tuple(found for item in protocol.items for found in _of_item(item, case, lesions or {}))


def in_words(value: Value) -> str:
    """A value for people, short."""
    match value:
        case ChoiceValue():
            return " + ".join(value.choices) or "none"
        case PresenceValue() | SegmentationValue():
            return value.presence.value.replace("_", " ")
        case RatingValue():
            return "not assessable" if value.level is None else str(value.level)
        case MeasurementValue():
            short = "" if value.short_axis is None else f" x {value.short_axis:g}"
            return f"{value.value:g}{short} {value.unit}"
        case BoxValue():
            return "box " + " x ".join(f"{edge:.1f}" for edge in value.size)
        case PolygonValue():
            return f"outline of {len(value.points)} points"
        case LandmarksValue():
            return f"{len(value.landmarks)} landmarks"
        case TextValue():
            return value.text
        case NotApplicable():
            return "not asked"


def _of_item(
    item: Item, case: CaseReadings, lesions: Mapping[str, Sequence[SharedInstance]]
) -> Iterator[AnswerDifference]:
    yield from _not_read(item, case)
    match item:
        case TextAnswer():
            return  # free text is read by people
        case SegmentationItem():
            return  # its voxels are compared
        case Box():
            yield from _boxes(item, case)
        case Polygon():
            yield from _polygons(item, case)
        case Landmarks():
            yield from _landmarks(item, case)
        case _:
            yield from _values(item, case, lesions.get(item.scope.of or "", ()))


def _not_read(item: Item, case: CaseReadings) -> Iterator[AnswerDifference]:
    """Readers without an answer, or who could not tell, where another reader answered."""
    if isinstance(item, TextAnswer) or item.scope.level == "instance":
        return  # whether there is an instance is a difference of its own
    words = {reader: _state_of(reading, item.id) for reader, reading in case.readings.items()}
    open_words = {"not read", "not assessable"}
    if any(word in open_words for word in words.values()) and any(word == "answered" for word in words.values()):
        yield AnswerDifference(Kind.NOT_READ, item.id, "", words)


def _state_of(reading: Reading, item: str) -> str:
    answers = reading.answers_to(item)
    if not answers:
        return "not read"
    if all(isinstance(answer.value, NotApplicable) for answer in answers):
        return "not asked"
    return "not assessable" if all(_is_open(answer.value) for answer in answers) else "answered"


def _is_open(value: Value) -> bool:
    if isinstance(value, (PresenceValue, SegmentationValue)):
        return value.presence is Presence.NOT_ASSESSABLE
    return isinstance(value, RatingValue) and value.level is None


def _values(item: Item, case: CaseReadings, lesions: Sequence[SharedInstance]) -> Iterator[AnswerDifference]:
    number_of = {(reader, own): lesion.number for lesion in lesions for reader, own in lesion.members.items()}
    rows: dict[str, dict[str, Value]] = {}
    for reader, reading in case.readings.items():
        for answer in reading.answers_to(item.id):
            if not isinstance(answer.value, NotApplicable) and not _is_open(answer.value):
                rows.setdefault(_subject(answer, reader, number_of), {})[reader] = answer.value
    tolerance = item.agreement.case_tolerance or 0.0 if item.agreement is not None else 0.0
    for subject, values in sorted(rows.items()):
        if len(values) < 2:
            continue
        size = _spread(item, values)
        if (size <= tolerance) if not math.isnan(size) else len(set(values.values())) == 1:
            continue
        words = {reader: in_words(values[reader]) if reader in values else "not read" for reader in case.readings}
        kind = Kind.MEASUREMENT if isinstance(item, Measurement) else _kind_of(item)
        yield AnswerDifference(kind, item.id, subject, words, size, _middle(values.values()))


def _kind_of(item: Item) -> Kind:
    return Kind.RATING if isinstance(item, Rating) and item.scale == "ordinal" else Kind.ANSWER


def _spread(item: Item, values: Mapping[str, Value]) -> float:
    numbers: list[float] = []
    for value in values.values():
        if isinstance(value, MeasurementValue):
            numbers.append(value.value)
        elif isinstance(value, RatingValue) and value.level is not None and _kind_of(item) is Kind.RATING:
            numbers.append(value.level)
        else:
            return math.nan
    return max(numbers) - min(numbers)


def _middle(values: Iterable[Value]) -> Point | None:
    points = [point for value in values if isinstance(value, MeasurementValue) for point in value.points]
    if not points or len({len(point) for point in points}) > 1:
        return None
    return tuple(float(x) for x in np.mean(points, axis=0))


def _subject(answer: Answer, reader: str, number_of: Mapping[tuple[str, int], int]) -> str:
    subject = answer.subject
    parts = list(subject.place)
    if subject.instance:
        number = number_of.get((reader, subject.instance))
        known = bool(number_of)
        parts.append(
            f"instance {number}" if number else f"instance {subject.instance}" + (f" of {reader}" if known else "")
        )
    return ", ".join(parts)


def _boxes(item: Box, case: CaseReadings) -> Iterator[AnswerDifference]:
    drawn = {
        reader: [(_plane(a), a.value) for a in reading.answers_to(item.id) if isinstance(a.value, BoxValue)]
        for reader, reading in _assessed(case, item.id).items()
    }
    threshold = DEFAULT_BOX_IOU
    if item.agreement is not None and item.agreement.statistic == "box_iou":
        threshold = item.agreement.threshold

    def alike(a: tuple[str, BoxValue], b: tuple[str, BoxValue]) -> float:
        if a[0] != b[0] or len(a[1].size) != len(b[1].size):
            return 0.0
        axes = np.eye(len(a[1].size))
        iou = oriented_box_iou(
            a[1].center, a[1].size, a[1].directions or axes, b[1].center, b[1].size, b[1].directions or axes
        )
        return 0.0 if math.isnan(iou) else iou

    for number, group in enumerate(_groups(drawn, alike), start=1):
        boxes = {reader: drawn[reader][place] for reader, place in group.items()}
        overlaps = [alike(boxes[a], boxes[b]) for a, b in combinations(boxes, 2)]
        least = min(overlaps, default=1.0) if len(boxes) == len(drawn) else 0.0
        if least >= threshold:
            continue
        words = {r: in_words(boxes[r][1]) if r in boxes else "no box" for r in drawn}
        centre = tuple(float(x) for x in np.mean([box.center for _, box in boxes.values()], axis=0))
        yield AnswerDifference(Kind.BOX, item.id, f"box {number}", words, 1.0 - least, centre)


def _polygons(item: Polygon, case: CaseReadings) -> Iterator[AnswerDifference]:
    drawn = {
        reader: [(_plane(a), a.value) for a in reading.answers_to(item.id) if isinstance(a.value, PolygonValue)]
        for reader, reading in _assessed(case, item.id).items()
    }
    tolerance = item.agreement.tolerance_mm if item.agreement and item.agreement.tolerance_mm else DEFAULT_OUTLINE_MM

    def nearness(a: tuple[str, PolygonValue], b: tuple[str, PolygonValue]) -> float:
        if a[0] != b[0]:
            return 0.0
        return 1.0 / (1.0 + float(np.linalg.norm(np.mean(a[1].points, axis=0) - np.mean(b[1].points, axis=0))))

    for number, group in enumerate(_groups(drawn, nearness), start=1):
        outlines = {reader: drawn[reader][place][1] for reader, place in group.items()}
        apart = [compare_polygons(outlines[a].points, outlines[b].points).hausdorff_mm
                 for a, b in combinations(outlines, 2)]  # fmt: skip
        furthest = max(apart, default=0.0) if len(outlines) == len(drawn) else math.inf
        if furthest <= tolerance:
            continue
        words = {r: in_words(outlines[r]) if r in outlines else "no outline" for r in drawn}
        centre = np.mean([np.mean(one.points, axis=0) for one in outlines.values()], axis=0)
        yield AnswerDifference(
            Kind.POLYGON, item.id, f"outline {number}", words, furthest, tuple(float(x) for x in centre)
        )


def _landmarks(item: Landmarks, case: CaseReadings) -> Iterator[AnswerDifference]:
    tolerance = item.agreement.tolerance_mm if item.agreement and item.agreement.tolerance_mm else None
    if tolerance is None:
        judged = item.agreement is not None and item.agreement.statistic == "landmark_distance"
        tolerance = item.agreement.threshold if judged and item.agreement is not None else DEFAULT_LANDMARK_MM
    placed: dict[tuple[str, str], dict[str, Point | None]] = {}
    for reader, reading in _assessed(case, item.id).items():
        for answer in reading.answers_to(item.id):
            if isinstance(answer.value, LandmarksValue):
                for mark in answer.value.landmarks:
                    placed.setdefault((_subject(answer, reader, {}), mark.name), {})[reader] = mark.position
    for (subject, name), positions in placed.items():
        seen = {reader: position for reader, position in positions.items() if position is not None}
        apart = [math.dist(seen[a], seen[b]) for a, b in combinations(seen, 2)]
        size = max(apart, default=0.0)
        if len(seen) == len(positions) == len(case.readings) and size <= tolerance:
            continue
        words = {reader: _placed_words(positions, reader) for reader in case.readings}
        if len(set(words.values())) == 1 and not seen:
            continue
        centre = tuple(float(x) for x in np.mean(list(seen.values()), axis=0)) if seen else None
        about = f"{subject}, landmark {name}" if subject else f"landmark {name}"
        yield AnswerDifference(
            Kind.LANDMARK, item.id, about, words, size if len(seen) == len(case.readings) else math.inf, centre
        )


def _placed_words(positions: Mapping[str, Point | None], reader: str) -> str:
    if reader not in positions:
        return "not read"
    position = positions[reader]
    return "not visible" if position is None else ", ".join(f"{x:.1f}" for x in position)


def _assessed(case: CaseReadings, item: str) -> dict[str, Reading]:
    """Readers who answered the item and could assess it."""
    return {
        reader: reading
        for reader, reading in case.readings.items()
        if (answers := reading.answers_to(item)) and not any(_is_open(answer.value) for answer in answers)
    }


def _plane(answer: Answer) -> str:
    """The image on which a 2D object lies; empty in space."""
    subject = answer.subject
    return "" if subject.image is None and subject.series is None else f"{subject.series} {subject.image}"


def _groups(drawn: Mapping[str, Sequence[T]], alike: Callable[[T, T], float]) -> Iterator[dict[str, int]]:
    """Objects of different readers that are of one thing; matched reader by reader to those found so far."""
    from scipy.optimize import linear_sum_assignment  # slow to load, and most cases have no boxes

    groups: list[dict[str, int]] = []
    for reader, objects in drawn.items():
        likeness = np.array(
            [[max(alike(drawn[r][place], one) for r, place in group.items()) for one in objects] for group in groups]
        ).reshape(len(groups), len(objects))
        rows, columns = linear_sum_assignment(likeness, maximize=True)
        matched = set()
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if likeness[row, column] > SAME_BOX_IOU:
                groups[row][reader] = column
                matched.add(column)
        groups += [{reader: place} for place in range(len(objects)) if place not in matched]
    yield from groups
