"""What a rule is given, and what it answers."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from DeidentifyStudyCore.dicom.byte_range import ByteRange
from DeidentifyStudyCore.dicom.charset import text_in
from DeidentifyStudyCore.dicom.pixeldata import Generated
from DeidentifyStudyCore.dicom.standard import AttributeTypes
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms

__all__ = ["KEEP", "REMOVE", "Action", "Context", "Element", "Kind", "Mode", "Rule", "Subject", "opened", "replaced"]


class Kind(enum.StrEnum):
    """What is done to an element."""

    KEEP = "kept"
    REMOVE = "removed"
    REPLACE = "replaced"
    ITEMS = "cleaned item by item"


class Mode(enum.Enum):
    """How the items of a sequence are cleaned.

    ``NORMAL``: by the same rules as everything; ``DUMMY``: all text becomes a dummy; ``RETAIN``: text of an identity
    that the profile retains stays, unless it repeats the patient's.
    """

    NORMAL = "normal"
    DUMMY = "dummy"
    RETAIN = "retain"


class Action(NamedTuple):
    """What a rule decided; `value` is the new, unpadded value of a replaced element, or `generated` makes a long one of
    an even number of bytes."""

    kind: Kind
    value: bytes = b""
    mode: Mode = Mode.NORMAL
    generated: Generated | None = None

    def told(self, *, empty: bool) -> str:
        """Say it in reports; an element without a value (`empty`) has nothing that could be kept."""
        if self.kind is Kind.KEEP and empty:
            return "kept empty"
        if self.kind is Kind.REPLACE and not self.value and self.generated is None:
            return "emptied"
        return self.kind


KEEP = Action(Kind.KEEP)
REMOVE = Action(Kind.REMOVE)


def replaced(value: bytes | Generated) -> Action:
    """Replace the value, by one that is too long to be held where it is made in parts."""
    if isinstance(value, Generated):
        return Action(Kind.REPLACE, generated=value)
    return Action(Kind.REPLACE, value)


def opened(mode: Mode) -> Action:
    """Clean the sequence item by item."""
    return Action(Kind.ITEMS, mode=mode)


CONCEPT_NAME = 0x0040A043
"""Concept Name Code Sequence: what a content item of a report is about."""


class Element(NamedTuple):
    """One element as rules see it: `vr` is the one that counts (the dictionary's where the file has UN), `value` its
    bytes; where these are too long to be held, something of no meaning, and `long_value` is where they lie."""

    tag: int
    vr: str
    value: bytes
    big: bool = False
    long_value: ByteRange | None = None


@dataclass(frozen=True)
class Subject:
    """What is known of a patient while the objects are written.

    Attributes
    ----------
    pseudonym : str
        The new Patient ID.
    date_offset : int
        Days that all dates move.
    echo : Echo
        What must not be repeated.
    """

    pseudonym: str
    date_offset: int
    echo: Echo


@dataclass(slots=True)
class Context:
    """Where an element stands.

    Attributes
    ----------
    path : tuple of int
        Tags of the sequences that lead to the item; empty at the top.
    item : mapping of int to bytes
        Values of the elements beside it, for rules that depend on a concept name or a coding scheme. Empty at the top.
    retained : set of (int, str)
        Texts that were kept or cleaned, for a person to look over.
    """

    subject: Subject
    pseudonyms: Pseudonyms
    types: AttributeTypes
    codecs: tuple[str, ...]
    path: tuple[int, ...] = ()
    item: Mapping[int, bytes] = field(default_factory=dict)
    mode: Mode = Mode.NORMAL
    retained: set[tuple[int, str]] = field(default_factory=set)

    def text(self, element: Element) -> str:
        """Decode an element's value, without padding."""
        return text_in(element.value, self.codecs)

    def type_of(self, tag: int) -> str:
        """Type of an attribute in this place: 1, 2 or 3."""
        return self.types.of(self.path, tag)


class Rule(Protocol):
    """One thing that can happen to elements."""

    @property
    def name(self) -> str:
        """Short name, for reports."""

    def apply(self, element: Element, context: Context) -> Action:
        """Decide what happens to an element."""

    def describe(self) -> str:
        """Say it in one sentence."""
