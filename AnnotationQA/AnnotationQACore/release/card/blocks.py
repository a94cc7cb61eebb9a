"""Parts of a card, before they are laid out: HTML and Markdown say the same because both are made of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Bars", "Block", "Bullets", "DatasetCard", "Facts", "Paragraph", "Section", "Table"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms and what is said of them."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; columns of numbers are set to the right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Bars:
    """How often each value occurs: label, number, and what is written beside it."""

    caption: str
    rows: tuple[tuple[str, float, str], ...]


Block: TypeAlias = Paragraph | Facts | Bullets | Table | Bars


@dataclass(frozen=True, slots=True)
class Section:
    """A section, and which questions of the reporting guidelines it answers."""

    id: str
    title: str
    answers: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """The card."""

    title: str
    summary: str
    sections: tuple[Section, ...]
    footer: str
