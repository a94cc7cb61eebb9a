"""Answers as plain words and numbers, for tables and features."""

from __future__ import annotations

from collections.abc import Iterator

from AnnotationQACore.project.answers import (
    CASE_WIDE,
    Answer,
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    PolygonValue,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    TextValue,
    Value,
)
from AnnotationQACore.release.exporting import ReleaseReading

__all__ = ["SEPARATOR", "case_answers", "kind_of", "words_of"]

SEPARATOR = " + "
"""Between the choices of a multiple choice."""

_KINDS: dict[type, str] = {
    ChoiceValue: "classification",
    PresenceValue: "classification",
    SegmentationValue: "segmentation",
    BoxValue: "box",
    PolygonValue: "polygon",
    LandmarksValue: "landmarks",
    MeasurementValue: "measurement",
    RatingValue: "rating",
    TextValue: "text",
    NotApplicable: "not asked",
}


def words_of(value: Value) -> str:
    """A value in words; of shapes, whose numbers stand elsewhere, that they were drawn."""
    match value:
        case ChoiceValue():
            return SEPARATOR.join(value.choices) or "none"
        case PresenceValue() | SegmentationValue():
            return value.presence.value
        case RatingValue():
            return "not_assessable" if value.level is None else str(value.level)
        case MeasurementValue():
            return repr(value.value)
        case TextValue():
            return value.text
        case NotApplicable():
            return "not_asked"
        case BoxValue() | PolygonValue() | LandmarksValue():
            return "drawn"


def kind_of(answer: Answer) -> str:
    """Kind of an answer, as of the protocol's items; ``not asked`` where its condition did not hold."""
    return _KINDS[type(answer.value)]


def case_answers(reading: ReleaseReading) -> Iterator[tuple[str, str]]:
    """Items answered about the case as a whole, with the answer in words; shapes are left out."""
    for answer in reading.answers:
        if answer.subject == CASE_WIDE and kind_of(answer) not in ("box", "polygon", "landmarks"):
            yield answer.item, words_of(answer.value)
