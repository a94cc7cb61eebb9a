"""Measurement reports and COCO annotations, matched to the items of a protocol and turned into answers of a reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coco import CocoAnnotation
from AnnotationQACore.interchange.coded import same_concept
from AnnotationQACore.interchange.coded_answers import (
    CANNOT_BE_DETERMINED,
    NONE_OF_THEM,
    NOT_APPLICABLE,
    SHORT_AXIS,
    SHORT_AXIS_PART,
    Tracked,
    asked_item,
    is_type,
    option_code,
    presence_code,
)
from AnnotationQACore.interchange.dicom_sr import (
    CodedEvaluation,
    CodedMeasurement,
    GraphicType,
    ImageReference,
    ImageShape,
    MeasurementGroup,
    SpatialShape,
)
from AnnotationQACore.interchange.matching import plain_words
from AnnotationQACore.interchange.matching_answers import MatchedAnswers
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    Subject,
    Value,
)
from AnnotationQACore.protocol.model import Box, Classification, Item, Landmarks, Measurement, Polygon, Protocol, Rating
from AnnotationQACore.protocol.terminology import Code

__all__ = ["match_coco", "match_groups"]

_Said: TypeAlias = tuple[Item, Value, Subject]

_FACTORS: dict[tuple[str, str], float] = {
    ("cm", "mm"): 10.0,
    ("mm3", "ml"): 0.001,
    ("cm3", "ml"): 1.0,
    ("cm2", "mm2"): 100.0,
    ("rad", "deg"): 57.29577951308232,
}
"""Factors from UCUM units in reports to the units of protocols."""
_PLAIN: dict[str, str] = {"mL": "ml", "[hnsf'U]": "HU", "1": ""}
"""What protocols write for UCUM units."""


def match_groups(groups: Sequence[MeasurementGroup], protocol: Protocol) -> MatchedAnswers:
    """Turn the groups of a measurement report into answers.

    A group belongs to the item that its tracking ID names (``item`` or ``item#2``), or whose type its finding is, where
    that is one. Measurements and evaluations belong to the items whose type their concept is, asked about that item or
    about the case, a series or an image; the point of a landmark is known by its finding or tracking ID.
    """
    answers: dict[tuple[str, Subject], Answer] = {}
    landmarks: dict[tuple[str, Subject], dict[str, Landmark]] = {}
    mismatches: list[str] = []
    counts: dict[str, int] = {}
    for group in _diameters_joined(groups):
        point = _landmark(group, protocol)
        if point is not None:
            item_id, landmark = point
            landmarks.setdefault((item_id, _where(group, None)), {})[landmark.name] = landmark
            continue
        item = _item_of(group, protocol)
        instance = _instance(group, item, counts)
        found = _said_of(group, item, instance, protocol, mismatches)
        if not found and item is None:
            mismatches.append(f"'{group.tracking_id}': finding {group.finding} matches no item of the protocol.")
        for target, value, subject in found:
            earlier = answers.get((target.id, subject))
            joint = _joined(earlier.value, value, target) if earlier else value
            if joint is None:
                mismatches.append(f"'{group.tracking_id}': item '{target.id}' is answered already.")
            else:
                answers[target.id, subject] = Answer(target.id, joint, subject)
    for (item_id, subject), points in landmarks.items():
        order = [point.id for point in getattr(protocol.item(item_id), "points", ())]
        ordered = tuple(sorted(points.values(), key=lambda mark: order.index(mark.name)))
        answers[item_id, subject] = Answer(item_id, LandmarksValue(ordered), subject)
    return MatchedAnswers(tuple(answers.values()), tuple(mismatches))


def match_coco(
    annotations: Sequence[CocoAnnotation],
    protocol: Protocol,
    image: str,
    mapping: Mapping[str, str] | None = None,
    frame: int | None = None,
) -> MatchedAnswers:
    """Turn the annotations of one image into answers about it.

    Categories are matched to the ID, title or synonym of a box or polygon.

    Parameters
    ----------
    annotations : sequence of CocoAnnotation
        Of one image.
    protocol : Protocol
    image : str
        SOP Instance UID, or other name, of the image in the answers.
    mapping : mapping of str to str, optional
        Item ID for the name of a category.
    frame : int, optional
        Number of the frame in a multi-frame image, from 1.
    """
    answers: list[Answer] = []
    mismatches: list[str] = []
    counts: dict[str, int] = {}
    drawn = [item for item in protocol.items if isinstance(item, Box | Polygon)]
    for place, one in enumerate(annotations, start=1):
        name = (mapping or {}).get(one.category, one.category)
        items = [i for i in drawn if plain_words(name) in {plain_words(t) for t in (i.id, i.title, *i.synonyms)}]
        if len(items) != 1:
            mismatches.append(f"annotation {place}: category '{one.category}' matches no box or polygon, or several.")
            continue
        (item,) = items
        value = _coco_value(one, item)
        if value is None:
            mismatches.append(f"annotation {place}: has no outline that item '{item.id}' ({item.kind}) could take.")
            continue
        counts[item.id] = counts.get(item.id, 0) + 1
        if counts[item.id] > 1 and not item.instances:
            mismatches.append(f"annotation {place}: item '{item.id}' is answered already.")
            continue
        number = (one.instance or counts[item.id]) if item.instances else None
        subject = Subject(image=image, frame=frame, instance=number)
        if any((answer.item, answer.subject) == (item.id, subject) for answer in answers):
            mismatches.append(f"annotation {place}: item '{item.id}' has an instance {number} already.")
            continue
        answers.append(Answer(item.id, value, subject))
    return MatchedAnswers(tuple(answers), tuple(mismatches))


def _coco_value(one: CocoAnnotation, item: Item) -> Value | None:
    if isinstance(item, Polygon):
        return PolygonValue(one.polygons[0]) if len(one.polygons) == 1 else None
    if one.box is None:
        return None
    left, top, width, height = one.box
    return BoxValue((left + width / 2, top + height / 2), (width, height))


def _diameters_joined(groups: Sequence[MeasurementGroup]) -> list[MeasurementGroup]:
    """Groups in which the two lines of diameters are one again, with four points."""
    part = f"/{SHORT_AXIS_PART}"
    short = {group.tracking_id.replace(part, ""): group for group in groups if part in group.tracking_id}
    result = []
    for group in groups:
        other = short.get(group.tracking_id)
        if part in group.tracking_id:
            continue
        if other is not None and isinstance(group.place, SpatialShape) and isinstance(other.place, SpatialShape):
            place: SpatialShape | ImageShape = replace(group.place, points=(*group.place.points, *other.place.points))
            group = replace(group, place=place, measurements=(*group.measurements, *other.measurements))
        elif other is not None and isinstance(group.place, ImageShape) and isinstance(other.place, ImageShape):
            place = replace(group.place, points=(*group.place.points, *other.place.points))
            group = replace(group, place=place, measurements=(*group.measurements, *other.measurements))
        result.append(group)
    return result


def _said_of(
    group: MeasurementGroup, item: Item | None, instance: int | None, protocol: Protocol, mismatches: list[str]
) -> list[_Said]:
    """What a group says: the item, the value, and what it is about."""
    found: list[_Said] = []
    try:
        drawn = _drawn(group, item)
        if drawn is not None and item is not None:
            found.append((item, drawn, _where(group, instance)))
    except InputError as error:
        mismatches.append(f"'{group.tracking_id}': {error}")
    if isinstance(item, Measurement) and found:
        return found  # its number is in it already
    statements: list[CodedMeasurement | CodedEvaluation] = [*group.measurements, *group.evaluations]
    for said in statements:
        if isinstance(said, CodedMeasurement) and same_concept(said.concept, SHORT_AXIS) and found:
            found[-1] = _with_short_axis(found[-1], said)
            continue
        target = asked_item(said.concept, item, protocol)
        if target is None:
            mismatches.append(f"'{group.tracking_id}': {said.concept} matches no item, or several.")
            continue
        try:
            found.append((target, _value(said, target), _subject(group, target, instance)))
        except InputError as error:
            mismatches.append(f"'{group.tracking_id}': {error}")
    return found


def _item_of(group: MeasurementGroup, protocol: Protocol) -> Item | None:
    name = Tracked.parse(group.tracking_id).item
    if name in protocol.item_ids:
        return protocol.item(name)
    drawn = [item for item in protocol.items if item.kind in ("segmentation", "box", "polygon")]
    found = [item for item in drawn if group.finding and is_type(group.finding, item)]
    return found[0] if len(found) == 1 else None


def _instance(group: MeasurementGroup, item: Item | None, counts: dict[str, int]) -> int | None:
    if item is not None and item.scope.level == "instance":
        return Tracked.parse(group.tracking_id).instance
    if item is None or not getattr(item, "instances", False):
        return None
    counts[item.id] = counts.get(item.id, 0) + 1
    return Tracked.parse(group.tracking_id).instance or counts[item.id]


def _where(group: MeasurementGroup, instance: int | None) -> Subject:
    """Subject of what is drawn, or said of a series or image as a whole."""
    place = group.place
    image, frame = (place.image_uid, place.frame) if isinstance(place, ImageShape | ImageReference) else (None, None)
    return Subject(Tracked.parse(group.tracking_id).series, image, frame, instance)


def _subject(group: MeasurementGroup, target: Item, instance: int | None) -> Subject:
    per_instance = instance if target.scope.level == "instance" else None
    if group.place is None or isinstance(group.place, ImageReference):
        return _where(group, per_instance)
    return Subject(instance=per_instance)


def _landmark(group: MeasurementGroup, protocol: Protocol) -> tuple[str, Landmark] | None:
    place = group.place
    if not isinstance(place, SpatialShape | ImageShape) or place.type is not GraphicType.POINT:
        return None
    tracked = Tracked.parse(group.tracking_id)
    found = [
        (item.id, Landmark(point.id, place.points[0]))
        for item in protocol.items
        if isinstance(item, Landmarks)
        for point in item.points
        if (tracked.item == item.id and tracked.point == point.id)
        or plain_words(group.tracking_id) in {plain_words(point.id), plain_words(point.title)}
        or (not tracked.point and group.finding and point.code and same_concept(group.finding, point.code))
    ]
    return found[0] if len(found) == 1 else None


def _drawn(group: MeasurementGroup, item: Item | None) -> Value | None:
    place = group.place
    if not isinstance(place, SpatialShape | ImageShape) or not isinstance(item, Box | Polygon | Measurement):
        return None
    points: list[tuple[float, ...]] = list(place.points)
    if isinstance(item, Measurement):
        return _measured(group, points, item)
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    return PolygonValue(tuple(points)) if isinstance(item, Polygon) else _box(points, item)


def _measured(group: MeasurementGroup, points: Sequence[tuple[float, ...]], item: Measurement) -> Value | None:
    """A number with the points between which it was measured."""
    values = [_value(said, item) for said in group.measurements if not same_concept(said.concept, SHORT_AXIS)]
    short = [said for said in group.measurements if same_concept(said.concept, SHORT_AXIS)]
    if len(values) != 1 or not isinstance(values[0], MeasurementValue):
        raise InputError(f"has {len(values)} numbers for item '{item.id}' instead of one.")
    number = MeasurementValue(values[0].value, values[0].unit, tuple(points))
    return _with_short_axis((item, number, Subject()), short[0])[1] if short else number


def _with_short_axis(found: _Said, said: CodedMeasurement) -> _Said:
    """A short axis belongs to the long one before it."""
    item, value, subject = found
    short = _value(said, item)
    if not isinstance(value, MeasurementValue) or not isinstance(short, MeasurementValue):
        return found
    return item, replace(value, short_axis=short.value), subject


def _box(points: Sequence[tuple[float, ...]], item: Box) -> BoxValue:
    """Box around points; a rectangle that is turned keeps its directions."""
    low = [min(axis) for axis in zip(*points, strict=True)]
    high = [max(axis) for axis in zip(*points, strict=True)]
    turned = _turned_rectangle(np.array(points))
    if turned is not None:
        return turned
    if sum(b > a for a, b in zip(low, high, strict=True)) < item.dimensions:
        raise InputError(f"is flat, which a box of {item.dimensions} dimensions such as item '{item.id}' is not.")
    center = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    return BoxValue(center, tuple(b - a for a, b in zip(low, high, strict=True)))


def _turned_rectangle(corners: NDArray[np.float64]) -> BoxValue | None:
    """Rectangle of four corners in order; None when they are none, or its edges lie along the coordinate axes."""
    if len(corners) != 4 or not np.allclose(corners[0] + corners[2], corners[1] + corners[3], atol=1e-3):
        return None
    one, two = corners[1] - corners[0], corners[3] - corners[0]
    lengths = np.linalg.norm([one, two], axis=1)
    if lengths.min() <= 0 or abs(one @ two) > 1e-4 * lengths.prod():
        return None
    directions = [one / lengths[0], two / lengths[1]]
    if all(np.abs(direction).max() > 1 - 1e-9 for direction in directions):
        return None
    size = [*lengths.tolist()]
    directions[1] = directions[1] - directions[0] * (directions[0] @ directions[1])
    directions[1] /= np.linalg.norm(directions[1])
    if corners.shape[1] == 3:
        directions.append(np.cross(directions[0], directions[1]))
        size.append(0.0)
    center = tuple(corners.mean(axis=0).tolist())
    return BoxValue(center, tuple(size), tuple(tuple(direction.tolist()) for direction in directions))


def _joined(first: Value, second: Value, item: Item) -> Value | None:
    """Two statements on one item; None when there may be one only."""
    several = isinstance(item, Classification) and item.selection == "multiple"
    if not several or not isinstance(first, ChoiceValue) or not isinstance(second, ChoiceValue):
        return None
    return None if set(first.choices) & set(second.choices) else ChoiceValue((*first.choices, *second.choices))


def _value(said: CodedMeasurement | CodedEvaluation, item: Item) -> Value:
    if isinstance(said, CodedMeasurement):
        if not isinstance(item, Measurement):
            raise InputError(f"{said.concept} is a number, which item '{item.id}' is not.")
        unit = item.unit or _PLAIN.get(said.unit.value, said.unit.value)
        factor = (
            1.0 if unit in (said.unit.value, _PLAIN.get(said.unit.value)) else _FACTORS.get((said.unit.value, unit))
        )
        if factor is None:
            raise InputError(f"{said.concept} is in {said.unit.value} instead of {unit}.")
        return MeasurementValue(said.value * factor, unit)
    value = said.value
    if isinstance(value, Code):
        if same_concept(value, NOT_APPLICABLE):
            return NotApplicable()
        answer = _coded_answer(value, item)
        if answer is not None:
            return answer
    raise InputError(f"{said.concept}: '{value}' is no answer to item '{item.id}'.")


def _coded_answer(value: Code, item: Item) -> Value | None:
    if isinstance(item, Rating):
        levels = [level for level in item.levels if same_concept(option_code(item, str(level.value)), value)]
        if len(levels) == 1:
            return RatingValue(levels[0].value)
        return RatingValue(None) if same_concept(value, CANNOT_BE_DETERMINED) else None
    if isinstance(item, Classification) and item.selection != "presence":
        choices = [choice.id for choice in item.choices if same_concept(option_code(item, choice.id), value)]
        if len(choices) == 1:
            return ChoiceValue((choices[0],))
        return ChoiceValue(()) if item.selection == "multiple" and same_concept(value, NONE_OF_THEM) else None
    presences = [presence for presence in Presence if same_concept(presence_code(presence), value)]
    if not presences or item.kind in ("measurement", "text"):
        return None
    return SegmentationValue(presences[0]) if item.kind == "segmentation" else PresenceValue(presences[0])
