"""Measurement reports and COCO annotations, matched to the items of a protocol and turned into answers of a reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coco import CocoAnnotation
from AnnotationQACore.interchange.coded import same_concept
from AnnotationQACore.interchange.dicom_sr import (
    CodedEvaluation,
    CodedMeasurement,
    GraphicType,
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
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    Subject,
    Value,
)
from AnnotationQACore.protocol.model import Box, Classification, Item, Landmarks, Measurement, Polygon, Protocol, Rating
from AnnotationQACore.protocol.terminology import Code

__all__ = ["match_coco", "match_groups"]

_FACTORS: dict[tuple[str, str], float] = {
    ("cm", "mm"): 10.0,
    ("mm3", "ml"): 0.001,
    ("cm3", "ml"): 1.0,
    ("mL", "ml"): 1.0,
    ("cm2", "mm2"): 100.0,
    ("[hnsf'U]", "HU"): 1.0,
    ("rad", "deg"): 57.29577951308232,
}
"""Factors from UCUM units in reports to the units of protocols."""


def match_groups(groups: Sequence[MeasurementGroup], protocol: Protocol) -> MatchedAnswers:
    """Turn the groups of a measurement report into answers.

    A group belongs to the item that its tracking ID names (``item`` or ``item#2``), or whose type its finding is, where
    that is one. Measurements and evaluations belong to the items whose type their concept is, asked about that item or
    about the case; the point of a landmark is known by its finding or tracking ID.
    """
    answers: dict[tuple[str, Subject], Answer] = {}
    landmarks: dict[str, dict[str, Landmark]] = {}
    mismatches: list[str] = []
    counts: dict[str, int] = {}
    for group in groups:
        point = _landmark(group, protocol)
        if point is not None:
            item_id, landmark = point
            landmarks.setdefault(item_id, {})[landmark.name] = landmark
            continue
        item = _item_of(group, protocol)
        instance = _instance(group, item, counts)
        found: list[tuple[Item, Value, Subject]] = []
        try:
            drawn = _drawn(group, item)
            if drawn is not None and item is not None:
                image = group.place.image_uid if isinstance(group.place, ImageShape) else None
                found.append((item, drawn, Subject(image=image, instance=instance)))
            statements: list[CodedMeasurement | CodedEvaluation] = [*group.measurements, *group.evaluations]
            for said in statements:
                target = _asked(said.concept, item, protocol)
                if target is None:
                    mismatches.append(f"'{group.tracking_id}': {said.concept} matches no item, or several.")
                    continue
                per_instance = target.scope.level == "instance"
                found.append((target, _value(said, target), Subject(instance=instance if per_instance else None)))
        except InputError as error:
            mismatches.append(f"'{group.tracking_id}': {error}")
        if not found and item is None:
            mismatches.append(f"'{group.tracking_id}': finding {group.finding} matches no item of the protocol.")
        for target, value, subject in found:
            if (target.id, subject) in answers:
                mismatches.append(f"'{group.tracking_id}': item '{target.id}' is answered already.")
            else:
                answers[target.id, subject] = Answer(target.id, value, subject)
    for item_id, points in landmarks.items():
        answers[item_id, Subject()] = Answer(item_id, LandmarksValue(tuple(points.values())))
    return MatchedAnswers(tuple(answers.values()), tuple(mismatches))


def match_coco(
    annotations: Sequence[CocoAnnotation], protocol: Protocol, image: str, mapping: Mapping[str, str] | None = None
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
    """
    answers: list[Answer] = []
    mismatches: list[str] = []
    counts: dict[str, int] = {}
    drawn = [item for item in protocol.items if isinstance(item, Box | Polygon)]
    for number, one in enumerate(annotations, start=1):
        name = (mapping or {}).get(one.category, one.category)
        items = [i for i in drawn if plain_words(name) in {plain_words(t) for t in (i.id, i.title, *i.synonyms)}]
        if len(items) != 1:
            mismatches.append(f"annotation {number}: category '{one.category}' matches no box or polygon, or several.")
            continue
        (item,) = items
        value = _coco_value(one, item)
        if value is None:
            mismatches.append(f"annotation {number}: has no outline that item '{item.id}' ({item.kind}) could take.")
            continue
        counts[item.id] = counts.get(item.id, 0) + 1
        if counts[item.id] > 1 and not item.instances:
            mismatches.append(f"annotation {number}: item '{item.id}' is answered already.")
            continue
        answers.append(
            Answer(item.id, value, Subject(image=image, instance=counts[item.id] if item.instances else None))
        )
    return MatchedAnswers(tuple(answers), tuple(mismatches))


def _coco_value(one: CocoAnnotation, item: Item) -> Value | None:
    if isinstance(item, Polygon):
        return PolygonValue(one.polygons[0]) if len(one.polygons) == 1 else None
    if one.box is None:
        return None
    left, top, width, height = one.box
    return BoxValue((left + width / 2, top + height / 2), (width, height))


def _item_of(group: MeasurementGroup, protocol: Protocol) -> Item | None:
    name = group.tracking_id.partition("#")[0]
    if name in protocol.item_ids:
        return protocol.item(name)
    drawn = [item for item in protocol.items if item.kind in ("segmentation", "box", "polygon")]
    found = [item for item in drawn if group.finding and _is_type(group.finding, item)]
    return found[0] if len(found) == 1 else None


def _is_type(code: Code, item: Item) -> bool:
    return any(same_concept(code, known) for known in (item.codes.type, *item.codes.equivalent) if known)


def _instance(group: MeasurementGroup, item: Item | None, counts: dict[str, int]) -> int | None:
    if item is None or not getattr(item, "instances", False):
        return None
    counts[item.id] = counts.get(item.id, 0) + 1
    number = group.tracking_id.partition("#")[2]
    return int(number) if number.isdigit() and int(number) else counts[item.id]


def _landmark(group: MeasurementGroup, protocol: Protocol) -> tuple[str, Landmark] | None:
    if not isinstance(group.place, SpatialShape) or group.place.type is not GraphicType.POINT:
        return None
    found = [
        (item.id, Landmark(point.id, group.place.points[0]))
        for item in protocol.items
        if isinstance(item, Landmarks)
        for point in item.points
        if plain_words(group.tracking_id) in {plain_words(point.id), plain_words(point.title)}
        or (group.finding and point.code and same_concept(group.finding, point.code))
    ]
    return found[0] if len(found) == 1 else None


def _drawn(group: MeasurementGroup, item: Item | None) -> Value | None:
    place = group.place
    if not isinstance(place, SpatialShape | ImageShape) or not isinstance(item, Box | Polygon):
        return None
    points: list[tuple[float, ...]] = list(place.points)
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    if isinstance(item, Polygon):
        return PolygonValue(tuple(points))
    low = [min(axis) for axis in zip(*points, strict=True)]
    high = [max(axis) for axis in zip(*points, strict=True)]
    if len(low) != item.dimensions:
        raise InputError(f"has {len(low)} dimensions instead of the {item.dimensions} of item '{item.id}'.")
    center = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    return BoxValue(center, tuple(b - a for a, b in zip(low, high, strict=True)))


def _asked(concept: Code, about: Item | None, protocol: Protocol) -> Item | None:
    """The item that asks for a concept: of the item that the group is about, else of the case."""
    asking = [
        item
        for item in protocol.items
        if isinstance(item, Measurement | Rating | Classification) and _is_type(concept, item)
    ]
    own = [
        item
        for item in asking
        if about is not None
        and (item.scope.of == about.id or (isinstance(item, Measurement) and about.id in item.derived_from))
    ]
    candidates = own or [item for item in asking if item.scope.level == "case"]
    return candidates[0] if len(candidates) == 1 else None


def _value(said: CodedMeasurement | CodedEvaluation, item: Item) -> Value:
    if isinstance(said, CodedMeasurement):
        if not isinstance(item, Measurement):
            raise InputError(f"{said.concept} is a number, which item '{item.id}' is not.")
        unit = item.unit or said.unit.value
        factor = 1.0 if said.unit.value == unit else _FACTORS.get((said.unit.value, unit))
        if factor is None:
            raise InputError(f"{said.concept} is in {said.unit.value} instead of {unit}.")
        return MeasurementValue(said.value * factor, unit)
    value = said.value
    if isinstance(value, Code):
        if isinstance(item, Rating):
            levels = [level.value for level in item.levels if level.code and same_concept(level.code, value)]
            if len(levels) == 1:
                return RatingValue(levels[0])
        if isinstance(item, Classification):
            choices = [choice.id for choice in item.answers if choice.code and same_concept(choice.code, value)]
            if len(choices) == 1:
                presence = item.selection == "presence"
                return PresenceValue(Presence(choices[0])) if presence else ChoiceValue((choices[0],))
    raise InputError(f"{said.concept}: '{value}' is no answer to item '{item.id}'.")
