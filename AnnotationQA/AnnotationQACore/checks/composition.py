"""Presence of segmentations that are composed of others."""

from __future__ import annotations

from collections.abc import Sequence

from AnnotationQACore.project.answers import CASE_WIDE, Answer, Presence, SegmentationValue
from AnnotationQACore.protocol.model import Protocol

__all__ = ["composed_answers", "parts_of"]


def parts_of(protocol: Protocol, item: str) -> tuple[str, ...]:
    """IDs of the drawn segmentations of which a composed one is the union, over all levels."""
    found: list[str] = []
    for part in protocol.segmentations:
        if part.parent == item:
            found += parts_of(protocol, part.id) if part.composed else [part.id]
    return tuple(found)


def composed_answers(protocol: Protocol, answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Presence of composed segmentations: present when a part is, absent when all parts are said to be absent."""
    found = []
    for item in protocol.segmentations:
        if not item.composed:
            continue
        parts = parts_of(protocol, item.id)
        said: dict[str, set[Presence]] = {part: set() for part in parts}
        for answer in answers:
            if answer.item in said and isinstance(answer.value, SegmentationValue):
                said[answer.item].add(answer.value.presence)
        if any(Presence.PRESENT in presence for presence in said.values()):
            found.append(Answer(item.id, SegmentationValue(Presence.PRESENT), CASE_WIDE))
        elif parts and all(presence == {Presence.ABSENT} for presence in said.values()):
            found.append(Answer(item.id, SegmentationValue(Presence.ABSENT), CASE_WIDE))
    return tuple(found)
