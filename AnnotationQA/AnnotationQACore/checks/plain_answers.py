"""Answers as the plain values that conditions of a protocol look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from AnnotationQACore.project.answers import (
    CASE_WIDE,
    Answer,
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    Subject,
    TextValue,
    Value,
)
from AnnotationQACore.protocol.model import Classification, Protocol, condition_holds

__all__ = ["is_asked", "plain_value", "plain_values"]


def plain_value(value: Value, multiple: bool = False) -> object:
    """What `condition_holds` compares: choice ID (a list of them if `multiple`), level, number, text or presence."""
    match value:
        case ChoiceValue():
            return list(value.choices) if multiple else next(iter(value.choices), None)
        case PresenceValue() | SegmentationValue():
            return value.presence.value
        case RatingValue():
            return "not_assessable" if value.level is None else value.level
        case MeasurementValue():
            return value.value
        case TextValue():
            return value.text
        case BoxValue() | PolygonValue():
            return Presence.PRESENT.value
        case LandmarksValue():
            seen = any(mark.position is not None for mark in value.landmarks)
            return Presence.PRESENT.value if seen else None
        case NotApplicable():
            return None


def plain_values(protocol: Protocol, answers: Iterable[Answer], subject: Subject = CASE_WIDE) -> dict[str, object]:
    """Plain values by item, as a condition about `subject` sees them.

    An answer about the same subject is seen, and one about the case as a whole. Of an item with several instances the
    condition about the case sees "present" as soon as one of them is present.
    """
    multiple = {i.id for i in protocol.items if isinstance(i, Classification) and i.selection == "multiple"}
    seen: dict[str, tuple[int, object]] = {}
    for answer in answers:
        rank = _rank(answer, subject)
        value = plain_value(answer.value, answer.item in multiple)
        if value is not None and rank > seen.get(answer.item, (0, None))[0]:
            seen[answer.item] = (rank, value)
    return {item: value for item, (_, value) in seen.items()}


def _rank(answer: Answer, subject: Subject) -> int:
    """How much an answer matters for a subject; 0 not at all."""
    if answer.subject == subject:
        return 4
    if subject.instance is not None and answer.subject.instance == subject.instance:
        return 3
    if answer.subject.instance is None and subject.series in (None, answer.subject.series):
        return 2
    drawn = isinstance(answer.value, BoxValue | PolygonValue | LandmarksValue | SegmentationValue)
    is_present = drawn and plain_value(answer.value) == Presence.PRESENT.value
    if answer.subject.instance is not None:
        return 3 if is_present and subject.instance is None else 0
    return 2 if answer.subject == CASE_WIDE else 0


def is_asked(protocol: Protocol, item: str, values: Mapping[str, object]) -> bool:
    """Whether an item is asked, given the plain values that its condition sees.

    The instances of an item are told apart by the caller; here the condition counts, and that of the item whose
    instance it is about.
    """
    found = protocol.item(item)
    if not condition_holds(found.when, values):
        return False
    if found.scope.level == "instance" and found.scope.of is not None:
        return condition_holds(protocol.item(found.scope.of).when, values)
    return True
