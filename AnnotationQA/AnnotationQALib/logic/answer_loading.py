"""Answers of a stored reading, put into the form and drawn into the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.project.answers import (
    Answer,
    NotApplicable,
    Presence,
    PresenceValue,
    SegmentationValue,
    Value,
)
from AnnotationQACore.protocol.model import Box, DrawnItem, Item, Landmarks, Measurement, Polygon, Protocol
from AnnotationQALib.logic.asked_about import AskedAbout
from AnnotationQALib.logic.drawn_markups import DrawnMarkups
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.given_answers import GivenAnswers

__all__ = ["OtherAnswers", "load_answers"]


@dataclass(frozen=True, slots=True)
class OtherAnswers:
    """Answers that the reader does not give.

    Attributes
    ----------
    derived : tuple of Answer
        Computed by software.
    orphans : tuple of Answer
        To items that the protocol no longer has.
    """

    derived: tuple[Answer, ...]
    orphans: tuple[Answer, ...]


def load_answers(
    answers: Sequence[Answer], protocol: Protocol, asked: AskedAbout, given: GivenAnswers, markups: DrawnMarkups
) -> OtherAnswers:
    """Put answers where they are edited: values into `given`, drawings into the scene; segments are there already."""
    derived, orphans = [], []
    for answer in answers:
        if answer.item not in protocol.item_ids:
            orphans.append(answer)
            continue
        if isinstance(answer.value, NotApplicable):
            continue
        item = protocol.item(answer.item)
        key = asked.key_of(answer, item)
        if answer.comment:
            given.comments[key] = answer.comment
        if answer.warning_reason:
            given.reasons[key] = answer.warning_reason
        if isinstance(item, Measurement) and item.derived:
            derived.append(Answer(item.id, answer.value, key.subject))
            continue
        if isinstance(item, DrawnItem) and item.instances:
            asked.begin(key)
        if not _is_drawn(key, item, answer.value, markups):
            given.values[key] = answer.value
    return OtherAnswers(tuple(derived), tuple(orphans))


def _is_drawn(key: ItemKey, item: Item, value: Value, markups: DrawnMarkups) -> bool:
    """Draw what is drawn by markups; whether the scene holds the value now."""
    if isinstance(value, SegmentationValue):
        return value.presence == Presence.PRESENT
    is_markup = isinstance(item, Box | Polygon | Landmarks | Measurement)
    return is_markup and not isinstance(value, PresenceValue) and markups.draw(key, item, value)
