"""The handbook that readers get: what a protocol asks for, arranged for reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from AnnotationQACore.protocol.imaging import View
from AnnotationQACore.protocol.items import (
    Choice,
    Classification,
    DrawnItem,
    ExamplePicture,
    Item,
    LandmarkPoint,
    Landmarks,
    Level,
    Measurement,
    Rating,
)
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.protocol.words import agreement_words, condition_words, kind_words, limit_words, scope_words

__all__ = ["Answer", "Entry", "Section", "entries", "sections"]

_OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice, level or point: its mark (number or empty), title, definition and code."""

    mark: str
    title: str
    definition: str
    code: Code | None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as the handbook shows it.

    Attributes
    ----------
    item : Item
    depth : int
        How many of its ancestors are shown before it in the same section.
    facts : tuple of (str, str)
        Rows of a name and a phrase: kind, scope, condition, limits, agreement, view.
    codes : tuple of (str, Code)
        Rows of a role and a code.
    answers : tuple of Answer
        Choices, levels or points.
    color : str or None
        Colour on the screen, for what is drawn.
    """

    item: Item
    depth: int
    facts: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, Code], ...]
    answers: tuple[Answer, ...]
    color: str | None

    @property
    def examples(self) -> tuple[ExamplePicture, ...]:
        """The example pictures."""
        return self.item.examples


@dataclass(frozen=True, slots=True)
class Section:
    """A group of the form."""

    id: str
    title: str
    description: str
    entries: tuple[Entry, ...]


def sections(protocol: Protocol) -> tuple[Section, ...]:
    """The groups of the form with their items, in order; items without a group come last."""
    found = [
        Section(group.id, group.title, group.description, entries(protocol, group.id)) for group in protocol.groups
    ]
    found.append(Section("other", _OTHER, "", entries(protocol, None)))
    return tuple(section for section in found if section.entries)


def entries(protocol: Protocol, group: str | None) -> tuple[Entry, ...]:
    """The items of one group, children after their parents."""
    members = [item for item in protocol.items if item.group == group]
    return tuple(_entry(item, depth, protocol) for item, depth in _by_hierarchy(members))


def _by_hierarchy(members: list[Item], parent: str | None = None, depth: int = 0) -> Iterator[tuple[Item, int]]:
    ids = {item.id for item in members}
    for item in members:
        above = item.parent if item.parent in ids else None
        if above == parent:
            yield item, depth
            yield from _by_hierarchy(members, item.id, depth + 1)


def _entry(item: Item, depth: int, protocol: Protocol) -> Entry:
    color = item.color if isinstance(item, DrawnItem) and item.kind != "measurement" else None
    return Entry(item, depth, tuple(_facts(item, protocol)), tuple(_codes(item)), tuple(_answers(item)), color)


def _facts(item: Item, protocol: Protocol) -> Iterator[tuple[str, str]]:
    yield "Answer", kind_words(item, protocol)
    yield "Asked", scope_words(item, protocol)
    condition = condition_words(item.when, protocol)
    computed = (isinstance(item, Measurement) and item.derived) or bool(getattr(item, "composed", False))
    if condition:
        yield "Only when", condition
    if not computed:
        yield "Required", "yes" if item.required else "no"
    if isinstance(item, DrawnItem):
        yield from _drawing_facts(item, protocol)
    limits = limit_words(item, protocol)
    if limits:
        yield "Plausible", "; ".join(limits)
    if item.view is not None:
        yield "View", _view_words(item.view, protocol)
    if item.agreement is not None:
        unit = item.unit if isinstance(item, Measurement) else "levels" if isinstance(item, Rating) else ""
        yield "Readers agree", agreement_words(item.agreement, unit)
    if item.synonyms:
        yield "Also called", ", ".join(item.synonyms)


def _drawing_facts(item: DrawnItem, protocol: Protocol) -> Iterator[tuple[str, str]]:
    if item.series is not None or item.frame is not None:
        role = next(
            role for role in protocol.imaging.series if role.id == (item.series or protocol.imaging.reference_series)
        )
        frame = next((f", {frame.title.lower()}" for frame in role.frames if frame.id == item.frame), "")
        yield "Drawn on", f"{role.title}{frame}"
    value = getattr(item, "label_value", None)
    if value is not None:
        yield "Label value", str(value)
    overlaps = [other.title for other in protocol.segmentations if other.id in getattr(item, "may_overlap", ())]
    if overlaps:
        yield "May overlap", ", ".join(overlaps)


def _view_words(view: View, protocol: Protocol) -> str:
    windows = {window.id: window.title for window in protocol.windows}
    roles = {role.id: role.title for role in protocol.imaging.series}
    parts = [
        view.layout.replace("_", " ") if view.layout else "",
        roles.get(view.background or "", ""),
        f"window {windows[view.window]}" if view.window in windows else "",
        f"under {roles[view.foreground]}" if view.foreground in roles else "",
        f"volume rendering {view.volume_rendering}" if view.volume_rendering else "",
    ]
    return ", ".join(filter(None, parts))


def _codes(item: Item) -> Iterator[tuple[str, Code]]:
    for role in ("category", "type", "type_modifier", "region", "region_modifier", "laterality"):
        code = getattr(item.codes, role)
        if code is not None:
            yield role.replace("_", " "), code
    for code in item.codes.equivalent:
        yield "same as", code


def _answers(item: Item) -> Iterator[Answer]:
    match item:
        case Classification():
            parents = {choice.id: choice.parent for choice in item.choices}
            for choice in item.answers:
                yield _answer(choice, "", _depth(choice.id, parents))
        case Rating():
            for level in item.levels:
                yield _answer(level, str(level.value))
        case Landmarks():
            for place, point in enumerate(item.points, 1):
                yield _answer(point, str(place))


def _answer(source: Choice | Level | LandmarkPoint, mark: str, depth: int = 0) -> Answer:
    return Answer(mark, source.title, source.definition, source.code, depth)


def _depth(choice: str, parents: dict[str, str | None]) -> int:
    depth, above = 0, parents.get(choice)
    while above is not None:
        depth, above = depth + 1, parents.get(above)
    return depth
