"""Values of answers that are given by words and choices, as far as the protocol allows them."""

from __future__ import annotations

from collections.abc import Iterable

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.answers import (
    ChoiceValue,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    TextValue,
    Value,
)
from AnnotationQACore.protocol.model import Classification, DrawnItem, Rating, Segmentation, TextAnswer
from AnnotationQACore.wording import worded

__all__ = ["choice_value", "presence_value", "rating_value", "text_value"]


def choice_value(item: Classification, choices: Iterable[str]) -> Value:
    """Answer to a classification by the IDs of its choices; raises `InputError` for one that the item lacks."""
    chosen = tuple(choices)
    known = [choice.id for choice in item.answers]
    unknown = [choice for choice in chosen if choice not in known]
    if unknown or (item.selection != "multiple" and len(chosen) != 1):
        raise InputError(
            worded(
                "'{item}': {chosen} is no answer; choose from {known}.",
                item=item.title,
                chosen=", ".join(chosen),
                known=", ".join(known),
            )
        )
    if item.selection == "presence":
        return PresenceValue(Presence(chosen[0]))
    return ChoiceValue(tuple(choice for choice in known if choice in chosen))


def rating_value(item: Rating, level: int | None) -> RatingValue:
    """Answer to a rating by the value of a level, None for "not assessable"; raises `InputError` for no level."""
    levels = [known.value for known in item.levels]
    if level is not None and level not in levels:
        raise InputError(
            worded(
                "'{item}': has no level {level}; choose from {levels}.",
                item=item.title,
                level=level,
                levels=", ".join(map(str, levels)),
            )
        )
    return RatingValue(level)


def text_value(item: TextAnswer, text: str) -> TextValue | None:
    """Answer in words, None for no words; raises `InputError` when there are too many."""
    if item.max_length is not None and len(text) > item.max_length:
        raise InputError(
            worded(
                "'{item}': {length} characters are too many; shorten it to {most}.",
                item=item.title,
                length=len(text),
                most=item.max_length,
            )
        )
    return TextValue(text) if text.strip() else None


def presence_value(item: DrawnItem, presence: Presence) -> Value:
    """What is said instead of drawing; raises `InputError` for "absent" where the protocol does not allow it."""
    if presence == Presence.ABSENT and not item.may_be_absent:
        raise InputError(worded("'{item}': the protocol does not allow 'absent'; draw it.", item=item.title))
    return SegmentationValue(presence) if isinstance(item, Segmentation) else PresenceValue(presence)
