"""Answers of a reading as groups of a measurement report: the way back is `matching_objects.match_groups`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coded_answers import (
    CANNOT_BE_DETERMINED,
    NONE_OF_THEM,
    NOT_APPLICABLE,
    SHORT_AXIS,
    SHORT_AXIS_PART,
    concept_of,
    option_code,
    presence_code,
    private_code,
    tracking_id,
)
from AnnotationQACore.interchange.dicom_sr import (
    CodedEvaluation,
    CodedMeasurement,
    GraphicType,
    ImageReference,
    ImageShape,
    MeasurementGroup,
    SegmentReference,
    SpatialShape,
)
from AnnotationQACore.interchange.left_out import LeftOut
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
    SegmentationValue,
    Subject,
    TextValue,
    segment_id,
)
from AnnotationQACore.protocol.model import Classification, Item, Measurement, Polygon, Protocol, Rating
from AnnotationQACore.protocol.terminology import Code

__all__ = ["AnswerGroups", "Places", "answer_groups", "box_corners"]

_UCUM: dict[str, str] = {"HU": "[hnsf'U]", "ml": "mL", "": "1"}
_PLANAR = 1e-3
"""Distance in mm from their common plane at which points still lie in it."""

_Key: TypeAlias = tuple[str, str | None, int | None]
"""Tracking identifier, image and frame."""

Place: TypeAlias = SegmentReference | SpatialShape | ImageShape | ImageReference | None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the answers of a case lie, as the images tell.

    Attributes
    ----------
    frames_of_reference : mapping of str to str
        Frame of Reference UID for each role of a series.
    reference : str
        Role of the series on which items are drawn that name no other.
    images : mapping of str to str
        SOP Instance UID for each role of a series that is a single image.
    segments : mapping of str to SegmentReference
        For the ID of each segment in the DICOM segmentation that the report refers to.
    """

    frames_of_reference: Mapping[str, str]
    reference: str
    images: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, SegmentReference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerGroups:
    """Groups, and one line for each answer that a measurement report cannot hold."""

    groups: tuple[MeasurementGroup, ...]
    left_out: tuple[str, ...]


def answer_groups(answers: Sequence[Answer], protocol: Protocol, places: Places) -> AnswerGroups:
    """Say the answers of a reading in groups: one for each thing drawn, and for the case, a series or image as a whole.

    Ratings, choices and numbers stand in the group of the segment or shape that they are asked about. Points are stored
    with single precision. Text, boxes in space and points that are not visible have no place in a report of TID 1500.
    """
    groups: dict[_Key, MeasurementGroup] = {}
    left_out = LeftOut()
    statements: list[Answer] = []
    for answer in answers:
        try:
            drawn = _drawn_groups(answer, protocol, places)
        except InputError as error:
            left_out.add(answer.segment_id, str(error))
            continue
        if drawn is None:
            statements.append(answer)
        groups |= {(group.tracking_id, answer.subject.image, answer.subject.frame): group for group in drawn or ()}
        if isinstance(answer.value, LandmarksValue):
            for mark in answer.value.landmarks:
                if mark.position is None:
                    left_out.add(f"{answer.item}/{mark.name}", "not visible, which a report does not say.")
    for answer in statements:
        if isinstance(answer.value, TextValue):
            left_out.add(answer.segment_id, "text, and reports of TID 1500 hold codes and numbers only.")
            continue
        about = _about(answer, protocol)
        key = _key_of_drawn(about, answer.subject, groups)
        if key is None:
            about = about if answer.subject.instance else None
            key = (tracking_id(about.id if about else "", answer.subject), answer.subject.image, answer.subject.frame)
        group = groups.get(key) or _group_without_shape(key[0], about, answer.subject, places)
        groups[key] = _with_statement(group, answer, about, protocol)
    return AnswerGroups(tuple(groups.values()), left_out.lines())


def _key_of_drawn(about: Item | None, subject: Subject, groups: Mapping[_Key, MeasurementGroup]) -> _Key | None:
    """Key of the one thing drawn that an answer is about; None where there is not exactly one."""
    if about is None or subject != Subject(instance=subject.instance):
        return None
    name = segment_id(about.id, subject.instance)
    found = [
        key
        for key, group in groups.items()
        if key[0].partition("@")[0] == name and isinstance(group.place, SegmentReference | SpatialShape | ImageShape)
    ]
    return found[0] if len(found) == 1 else None


def box_corners(box: BoxValue) -> tuple[Point, ...]:
    """The four corners of a rectangle, in order around it; raises `InputError` when the box is no rectangle."""
    center = np.array(box.center)
    axes = np.array(box.directions) if box.directions else np.eye(len(box.center))
    edges = [axis * size / 2 for axis, size in zip(axes, box.size, strict=True) if len(box.center) == 2 or size > 0]
    if len(edges) != 2:
        raise InputError("is a box in space, for which reports have no shape; .mrk.json holds it.")
    one, two = edges
    return tuple(tuple((center + a * one + b * two).tolist()) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)))


def _drawn_groups(answer: Answer, protocol: Protocol, places: Places) -> list[MeasurementGroup] | None:
    """Groups of what was drawn; None where nothing was."""
    item, subject = protocol.item(answer.item), answer.subject
    name = tracking_id(item.id, subject)
    match answer.value:
        case SegmentationValue(presence=Presence.PRESENT):
            reference = places.segments.get(segment_id(item.id, subject.instance))
            return [_group(segment_id(item.id, subject.instance), item, reference)] if reference else []
        case BoxValue() as box:
            corners = box_corners(box)
            return [_group(name, item, _shape(GraphicType.POLYGON, corners, item, subject, places))]
        case PolygonValue(points=points):
            closed = not isinstance(item, Polygon) or item.closed
            kind = GraphicType.POLYGON if closed else GraphicType.POLYLINE
            return [_group(name, item, _shape(kind, points, item, subject, places))]
        case LandmarksValue(landmarks=landmarks):
            codes = {point.id: (point.code, point.title) for point in getattr(item, "points", ())}
            groups = []
            for mark in landmarks:
                if mark.position is not None:
                    code, title = codes.get(mark.name, (None, mark.name))
                    place = _shape(GraphicType.POINT, (mark.position,), item, subject, places)
                    finding = code or private_code(mark.name, title)
                    point_name = tracking_id(item.id, subject, mark.name)
                    groups.append(replace(_group(point_name, item, place), finding=finding))
            return groups
        case MeasurementValue(points=points, short_axis=float(short)) as value if len(points) == 4:
            return _diameters(value, short, item, subject, places)
        case MeasurementValue(points=points) if points:
            place = _shape(GraphicType.POLYLINE, points, item, subject, places)
            return [_with_statement(_group(name, item, place), answer, item, protocol)]
    return None


def _diameters(
    value: MeasurementValue, short: float, item: Item, subject: Subject, places: Places
) -> list[MeasurementGroup]:
    """Both diameters, each a line with its length, so that viewers draw no line between them."""
    groups = []
    for points, number, part in (
        (value.points[:2], value.value, ""),
        (value.points[2:], short, SHORT_AXIS_PART),
    ):
        name = tracking_id(item.id, subject, part)
        place = _shape(GraphicType.POLYLINE, points, item, subject, places)
        concept = SHORT_AXIS if part else item.codes.type or private_code(item.id, item.title)
        number_of = CodedMeasurement(concept, number, _unit(value.unit))
        groups.append(replace(_group(name, item, place), measurements=(number_of,)))
    return groups


def _unit(unit: str) -> Code:
    return Code("UCUM", _UCUM.get(unit, unit), unit or "no units")


def _group(name: str, item: Item, place: Place) -> MeasurementGroup:
    codes = item.codes
    return MeasurementGroup(
        name,
        "",
        place,
        finding=codes.type or private_code(item.id, item.title),
        category=codes.category,
        site=codes.region,
        laterality=codes.laterality if codes.region else None,
    )


def _shape(
    kind: GraphicType, points: Sequence[Point], item: Item, subject: Subject, places: Places
) -> SpatialShape | ImageShape:
    if kind is GraphicType.POLYGON:
        points = (*points, points[0])
    role = subject.series or getattr(item, "series", None) or places.reference
    if len(points[0]) == 2:
        image = subject.image or places.images.get(role)
        if image is None:
            raise InputError("lies on an image that is not named; name the images with --images.")
        flat = tuple((x, y) for x, y in points)
        # on an image a closed outline is a line that returns to its start (PS3.3 C.18.6.1.2)
        return ImageShape(GraphicType.POLYLINE if kind is GraphicType.POLYGON else kind, flat, image, subject.frame)
    frame = places.frames_of_reference.get(role)
    if not frame:
        raise InputError("lies in space, but its images name no frame of reference.")
    solid = tuple((x, y, z) for x, y, z in points)
    if kind is GraphicType.POLYGON and not _is_planar(np.array(solid)):
        raise InputError("does not lie in one plane, as an outline in a report must.")
    return SpatialShape(kind, solid, frame)


def _is_planar(points: np.ndarray) -> bool:
    offsets = points - points.mean(axis=0)
    normal = np.linalg.svd(offsets)[2][2]
    return bool(np.abs(offsets @ normal).max() <= _PLANAR)


def _about(answer: Answer, protocol: Protocol) -> Item | None:
    """The drawn item that an answer is about: the one whose instance it is, or the one it is derived from."""
    item = protocol.item(answer.item)
    if item.scope.level == "instance" and item.scope.of:
        return protocol.item(item.scope.of)
    if isinstance(item, Measurement) and len(item.derived_from) == 1:
        source = protocol.item(item.derived_from[0])
        return source if source.kind in ("segmentation", "polygon") else None
    return None


def _group_without_shape(name: str, about: Item | None, subject: Subject, places: Places) -> MeasurementGroup:
    image = subject.image or (places.images.get(subject.series) if subject.series else None)
    place = ImageReference(image, subject.frame) if image else None
    return _group(name, about, place) if about is not None else MeasurementGroup(name, "", place)


def _with_statement(
    group: MeasurementGroup, answer: Answer, about: Item | None, protocol: Protocol
) -> MeasurementGroup:
    item = protocol.item(answer.item)
    # "absent" of what is drawn is no answer to a question that may have the same code
    drawn = item.kind not in ("measurement", "rating", "classification")
    concept = private_code(item.id, item.title) if drawn else concept_of(item, about, protocol)
    if about is item and isinstance(item, Measurement):
        concept = item.codes.type or private_code(item.id, item.title)
    match answer.value:
        case MeasurementValue() as value:
            unit = _unit(value.unit)
            numbers = [CodedMeasurement(concept, value.value, unit)]
            if value.short_axis is not None:
                numbers.append(CodedMeasurement(SHORT_AXIS, value.short_axis, unit))
            return replace(group, measurements=(*group.measurements, *numbers))
        case ChoiceValue(choices=choices) if isinstance(item, Classification):
            codes = [option_code(item, choice) for choice in choices] or [NONE_OF_THEM]
        case RatingValue(level=level) if isinstance(item, Rating):
            codes = [CANNOT_BE_DETERMINED if level is None else option_code(item, str(level))]
        case PresenceValue(presence=presence) | SegmentationValue(presence=presence):
            codes = [presence_code(presence)]
        case NotApplicable():
            codes = [NOT_APPLICABLE]
        case _:
            raise InputError("of a kind that a report does not hold.")
    said = tuple(CodedEvaluation(concept, code) for code in codes)
    return replace(group, evaluations=(*group.evaluations, *said))
