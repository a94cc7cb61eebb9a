"""The form of a protocol for one case: which items are asked, about what, and where each stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from AnnotationQACore.checks.context import base_subject
from AnnotationQACore.checks.plain_answers import is_asked, plain_values
from AnnotationQACore.project.answers import CASE_WIDE, Answer, LandmarksValue, NotApplicable, Subject
from AnnotationQACore.protocol.model import DrawnItem, Item, Landmarks, Measurement, Protocol, Segmentation
from AnnotationQACore.wording import Wording

__all__ = [
    "FormEntry",
    "FormGroup",
    "ImagePlace",
    "ItemKey",
    "ItemState",
    "form_entries",
    "form_key",
    "grouped",
]


class ItemState(StrEnum):
    """Where an item stands."""

    TO_DO = "to do"
    DONE = "done"
    NOT_APPLICABLE = "not applicable"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class ItemKey:
    """One thing to answer: an item of the protocol, and what it is asked about below the case."""

    item: str
    subject: Subject = CASE_WIDE

    @property
    def instance(self) -> int | None:
        """Number of the instance, from 1."""
        return self.subject.instance

    def of_instance(self, number: int | None) -> ItemKey:
        """The same for an instance; None for the item as a whole."""
        return ItemKey(self.item, replace(self.subject, instance=number))


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """One image that is asked about: of a series of a single image, or a slice or frame that the reader has chosen."""

    series: str
    image: str | None = None
    frame: int | None = None

    @property
    def subject(self) -> Subject:
        """As a subject of answers."""
        return Subject(series=self.series, image=self.image, frame=self.frame)


@dataclass(frozen=True, slots=True)
class FormEntry:
    """A row of the form.

    Attributes
    ----------
    key : ItemKey
    item : Item
    title : str
        With the number of the instance and the name of the series, where there are several.
    state : ItemState
    required : bool
    computed : bool
        Whether software answers it (derived measurements, composed segmentations), so that there is nothing to do.
    depth : int
        Depth in the label hierarchy, or below the instance that it is about; for indentation.
    problems : tuple of Wording
        Why the state is `PROBLEM`.
    """

    key: ItemKey
    item: Item
    title: str
    state: ItemState
    required: bool
    computed: bool = False
    depth: int = 0
    problems: tuple[Wording, ...] = ()


@dataclass(frozen=True, slots=True)
class FormGroup:
    """Rows that belong together; items without group come under an empty title."""

    id: str
    title: str
    description: str
    entries: tuple[FormEntry, ...]


def form_key(protocol: Protocol, item_id: str, subject: Subject) -> ItemKey:
    """Key of the row to which an answer belongs: the time point chosen for a named frame is no part of it."""
    if item_id not in protocol.item_ids:
        return ItemKey(item_id, subject)
    item = protocol.item(item_id)
    is_named = isinstance(item, DrawnItem) and item.frame is not None
    return ItemKey(item_id, replace(subject, frame=None) if is_named else subject)


def form_entries(
    protocol: Protocol,
    answers: Sequence[Answer],
    instances: Mapping[str, Sequence[ItemKey]],
    series: Sequence[str],
    images: Sequence[ImagePlace] = (),
    flat_series: Iterable[str] = (),
    problems: Mapping[ItemKey, Sequence[Wording]] | None = None,
) -> tuple[FormEntry, ...]:
    """Rows of the form in the order of the protocol, with those about an instance below that instance.

    Parameters
    ----------
    protocol : Protocol
    answers : sequence of Answer
        Given so far.
    instances : mapping of item ID to sequence of ItemKey
        Instances begun so far, in order of their numbers.
    series : sequence of str
        Roles of the series that the case has.
    images : sequence of ImagePlace
        Images that are asked about one by one.
    flat_series : iterable of str
        Roles of series without patient geometry.
    problems : mapping, optional
        What is known to be wrong.
    """
    form = _Form(protocol, answers, instances, series, images, tuple(flat_series), problems or {})
    return tuple(entry for item in protocol.items if item.scope.level != "instance" for entry in form.rows(item, 0))


def grouped(protocol: Protocol, entries: Sequence[FormEntry]) -> tuple[FormGroup, ...]:
    """Rows by group of the protocol, in the order of the groups; rows about an instance stay with that instance."""
    place: dict[str, list[FormEntry]] = {group.id: [] for group in protocol.groups} | {"": []}
    current = ""
    for entry in entries:
        if entry.item.scope.level != "instance":
            current = entry.item.group or ""
        place.setdefault(current, []).append(entry)
    known = [FormGroup(g.id, g.title, g.description, tuple(place[g.id])) for g in protocol.groups]
    return tuple(group for group in (*known, FormGroup("", "", "", tuple(place[""]))) if group.entries)


@dataclass(frozen=True, slots=True)
class _Form:
    protocol: Protocol
    answers: Sequence[Answer]
    instances: Mapping[str, Sequence[ItemKey]]
    series: Sequence[str]
    images: Sequence[ImagePlace]
    flat_series: tuple[str, ...]
    problems: Mapping[ItemKey, Sequence[str]]

    def rows(self, item: Item, depth: int) -> Iterator[FormEntry]:
        depth += self._level(item)
        for subject in self._subjects(item):
            key = ItemKey(item.id, subject)
            several = isinstance(item, DrawnItem) and item.instances
            entry = self._entry(key, item, depth)
            yield entry
            if several and entry.state != ItemState.NOT_APPLICABLE:
                for instance in self._instances_on(key):
                    yield self._entry(instance, item, depth + 1)
                    yield from self._about(instance, item, depth + 2)
            elif not several:
                yield from self._about(key, item, depth + 1)

    def _about(self, parent: ItemKey, item: Item, depth: int) -> Iterator[FormEntry]:
        """Rows of what is asked about one instance."""
        for other in self.protocol.per_instance(item.id):
            base = base_subject(self.protocol, other, self.flat_series)
            yield self._entry(ItemKey(other.id, replace(base, instance=parent.instance or 1)), other, depth)

    def _instances_on(self, key: ItemKey) -> Iterator[ItemKey]:
        whole = replace(key.subject, instance=None)
        return (k for k in self.instances.get(key.item, ()) if replace(k.subject, instance=None) == whole)

    def _subjects(self, item: Item) -> Iterator[Subject]:
        base = base_subject(self.protocol, item, self.flat_series)
        match item.scope.level:
            case "series":
                yield from (Subject(series=role) for role in self.series if item.scope.of in (None, role))
            case "image":
                yield from (place.subject for place in self.images if item.scope.of in (None, place.series))
            case _:
                yield base

    def _entry(self, key: ItemKey, item: Item, depth: int) -> FormEntry:
        values = plain_values(self.protocol, self.answers, key.subject)
        computed = (isinstance(item, Measurement) and item.derived) or (
            isinstance(item, Segmentation) and item.composed
        )
        problems = tuple(self.problems.get(key, ()))
        if not is_asked(self.protocol, item.id, values):
            state = ItemState.NOT_APPLICABLE
        elif problems:
            state = ItemState.PROBLEM
        else:
            state = ItemState.DONE if self._is_answered(key, item) else ItemState.TO_DO
        return FormEntry(key, item, self._title(key, item), state, item.required, computed, depth, problems)

    def _is_answered(self, key: ItemKey, item: Item) -> bool:
        given = {(a.item, a.subject) for a in self.answers if self._is_complete(a)}
        if (key.item, key.subject) in given:
            return True
        if isinstance(item, DrawnItem) and item.instances and key.instance is None:
            return any((k.item, k.subject) in given for k in self._instances_on(key))
        return False

    def _is_complete(self, answer: Answer) -> bool:
        """Whether nothing is left to say: landmarks are complete when each was looked for."""
        if isinstance(answer.value, LandmarksValue):
            item = self.protocol.item(answer.item)
            return not isinstance(item, Landmarks) or len(answer.value.landmarks) >= len(item.points)
        return not isinstance(answer.value, NotApplicable)

    def _title(self, key: ItemKey, item: Item) -> str:
        parts = [item.title]
        if key.instance is not None and item.scope.level != "instance":
            parts.append(str(key.instance))
        if item.scope.level in ("series", "image") and key.subject.series:
            roles = {role.id: role.title for role in self.protocol.imaging.series}
            where = roles.get(key.subject.series, key.subject.series)
            parts.append(f"({where}, {key.subject.frame})" if key.subject.frame else f"({where})")
        return " ".join(parts)

    def _level(self, item: Item) -> int:
        """Depth in the label hierarchy."""
        level, seen, parent = 0, {item.id}, item.parent
        while parent is not None and parent not in seen:
            seen.add(parent)
            level, parent = level + 1, self.protocol.item(parent).parent
        return level
