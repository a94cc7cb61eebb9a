"""Answers as short texts for people."""

from __future__ import annotations

from slicer.i18n import tr as _

from AnnotationQACore.project.answers import (
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    TextValue,
    Value,
)
from AnnotationQACore.protocol.model import Classification, Item, Landmarks, Rating

__all__ = ["answer_text", "number_text", "presence_text", "unit_text"]

_UNITS = {"deg": "°", "mL": "ml", "mm2": "mm²", "[hnsf'U]": "HU", "{SUVbw}g/ml": "SUV", "1": "", "{pixel}": "pixels"}


def presence_text(presence: Presence) -> str:
    """Presence as the reader's word."""
    return {
        Presence.PRESENT: _("Present"),
        Presence.ABSENT: _("Absent"),
        Presence.UNCERTAIN: _("Uncertain"),
        Presence.NOT_ASSESSABLE: _("Not assessable"),
    }[presence]


def unit_text(unit: str) -> str:
    """UCUM unit as it is printed."""
    return _UNITS.get(unit, unit)


def number_text(value: float) -> str:
    """A number with as many digits as a reader needs."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def answer_text(item: Item, value: Value | None) -> str:
    """What was answered, in one short line; empty for nothing yet."""
    match value:
        case ChoiceValue(choices=chosen) if isinstance(item, Classification):
            titles = {choice.id: choice.title for choice in item.answers}
            return ", ".join(titles.get(choice, choice) for choice in chosen) or _("None of these")
        case PresenceValue(presence=presence) | SegmentationValue(presence=presence):
            return presence_text(presence)
        case RatingValue(level=None):
            return presence_text(Presence.NOT_ASSESSABLE)
        case RatingValue(level=level) if isinstance(item, Rating):
            title = next((known.title for known in item.levels if known.value == level), "")
            return f"{level} – {title}" if title else str(level)
        case TextValue(text=text):
            return " ".join(text.split())
        case MeasurementValue():
            return _measurement(value)
        case LandmarksValue(landmarks=marks) if isinstance(item, Landmarks):
            return _("{number} of {total} points").format(number=len(marks), total=len(item.points))
        case BoxValue() | PolygonValue():
            return _("Drawn")
    return ""


def _measurement(value: MeasurementValue) -> str:
    unit = unit_text(value.unit)
    space = "" if unit == "°" else " "
    axes = [value.value] if value.short_axis is None else [value.value, value.short_axis]
    return f"{' × '.join(map(number_text, axes))}{space}{unit}".rstrip()
