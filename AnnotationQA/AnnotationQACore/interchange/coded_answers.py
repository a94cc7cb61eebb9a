"""The coded words in which answers of a protocol are said in measurement reports, and how they are found again.

A concept has the item's own code where that alone tells the item from all others. Where items share a code, or have
none, it has a code of a private scheme, whose value is the item's ID: no answer is taken for that to another item.
"""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.interchange.coded import same_concept
from AnnotationQACore.project.readings import Presence, Subject, segment_id
from AnnotationQACore.protocol.model import PRESENCE_CHOICES, Classification, Item, Measurement, Protocol, Rating
from AnnotationQACore.protocol.terminology import Code

__all__ = [
    "CANNOT_BE_DETERMINED",
    "NONE_OF_THEM",
    "NOT_APPLICABLE",
    "PRIVATE_SCHEME",
    "SHORT_AXIS",
    "SHORT_AXIS_PART",
    "Tracked",
    "asked_item",
    "concept_of",
    "is_type",
    "option_code",
    "presence_code",
    "private_code",
    "tracking_id",
]

PRIVATE_SCHEME = "99ANNOTATIONQA"
CANNOT_BE_DETERMINED = Code("SCT", "1156316003", "Cannot be determined")
NOT_APPLICABLE = Code("SCT", "385432009", "Not applicable")
NONE_OF_THEM = Code("SCT", "260413007", "None")
SHORT_AXIS = Code("SCT", "103340004", "Short axis")
SHORT_AXIS_PART = "short-axis"
"""Part of a tracking identifier: the line of the short one of two diameters."""

_CASE = "case"


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a tracking identifier says: ``item#instance/point@series``; all parts but the first may be missing."""

    item: str
    instance: int | None = None
    point: str = ""
    series: str | None = None

    @classmethod
    def parse(cls, text: str) -> Tracked:
        """Take a tracking identifier apart; that of another software is an item that no protocol has."""
        rest, _, series = text.partition("@")
        rest, _, point = rest.partition("/")
        item, _, number = rest.partition("#")
        return cls(item, int(number) if number.isdigit() and int(number) else None, point, series or None)


def tracking_id(item: str, subject: Subject, point: str = "") -> str:
    """Tracking identifier of what a subject says about an item; without an item, about the case."""
    text = segment_id(item or _CASE, subject.instance)
    text += f"/{point}" if point else ""
    return f"{text}@{subject.series}" if subject.series else text


def private_code(value: str, meaning: str) -> Code:
    """Code of the private scheme."""
    return Code(PRIVATE_SCHEME, value, meaning)


def is_type(code: Code, item: Item) -> bool:
    """Whether a code names an item."""
    if code.scheme == PRIVATE_SCHEME:
        return code.value == item.id
    return any(same_concept(code, known) for known in (item.codes.type, *item.codes.equivalent) if known)


def asked_item(concept: Code, about: Item | None, protocol: Protocol) -> Item | None:
    """The item that asks for a concept: of the item that a group is about, else of the case; None unless it is one."""
    if concept.scheme == PRIVATE_SCHEME:
        return next((item for item in protocol.items if item.id == concept.value), None)
    asking = [
        item
        for item in protocol.items
        if isinstance(item, Measurement | Rating | Classification) and is_type(concept, item)
    ]
    own = [
        item
        for item in asking
        if about is not None
        and (item.scope.of == about.id or (isinstance(item, Measurement) and about.id in item.derived_from))
    ]
    candidates = own or [item for item in asking if item.scope.level != "instance"]
    return candidates[0] if len(candidates) == 1 else None


def concept_of(item: Item, about: Item | None, protocol: Protocol) -> Code:
    """Code by which `asked_item` finds the item again in a group about `about`."""
    code = item.codes.type
    if code is not None and asked_item(code, about, protocol) is item:
        return code
    return private_code(item.id, item.title)


def option_code(item: Rating | Classification, name: str) -> Code:
    """Code of a level (by its number as text) or of a choice (by its ID)."""
    if isinstance(item, Rating):
        options = [(str(level.value), level.title, level.code) for level in item.levels]
    else:
        options = [(choice.id, choice.title, choice.code) for choice in item.answers]
    _, title, code = next(option for option in options if option[0] == name)
    shared = code is None or sum(other is not None and same_concept(code, other) for _, _, other in options) > 1
    return private_code(name, title) if code is None or shared else code


def presence_code(presence: Presence) -> Code:
    """Code of an answer to whether something is there."""
    code = next(choice.code for choice in PRESENCE_CHOICES if choice.id == presence.value)
    return code or CANNOT_BE_DETERMINED
