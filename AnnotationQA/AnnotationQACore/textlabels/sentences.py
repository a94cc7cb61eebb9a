"""Sections and sentences of a report, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from AnnotationQACore.textlabels.language import Language, SectionKind
from AnnotationQACore.textlabels.words import plain_words

__all__ = ["Sentence", "sentences_of"]

_HEADING = re.compile(
    r"(?:^|(?<=[.;!?])[ \t])[ \t]*(?P<name>[A-Za-z][A-Za-z /&()-]{1,48}?)[ \t]*(?P<end>:|$)", re.MULTILINE
)
_END = re.compile(
    r"[.!?]+(?=\s|$)|\n[ \t]*\n|\n(?=[ \t]*(?:[-*•·]|\(?\d{1,2}[.)])[ \t])|\n(?=[ \t]*[A-Z][A-Za-z /&()-]{1,48}:)"
)
_BULLET = re.compile(r"\s*(?:(?:[-*•·]|\(?\d{1,2}[.)])[ \t]+)?")
_LAST_WORD = re.compile(r"([^\s]+)$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Characters `start` to `stop` (excluded) of a report, and the section in which they stand."""

    start: int
    stop: int
    section: SectionKind


def sentences_of(text: str, language: Language) -> list[Sentence]:
    """Sentences of a report, in their order.

    A sentence ends at its full stop, question or exclamation mark (not after an abbreviation, nor within a number), at
    an empty line, and before a bullet, a numbered point or a heading. Headings of sections belong to no sentence. Lines
    that are merely wrapped belong together.
    """
    found = []
    for section, start, stop in _sections(text, language):
        for first, last in _pieces(text, start, stop, language):
            bullet = _BULLET.match(text, first, last)
            first = bullet.end() if bullet else first
            while last > first and text[last - 1].isspace():
                last -= 1
            if last > first:
                found.append(Sentence(first, last, section))
    return found


def _sections(text: str, language: Language) -> Iterator[tuple[SectionKind, int, int]]:
    """Kind, and the characters from the end of its heading to the next heading."""
    kind, start = SectionKind.UNNAMED, 0
    for heading in _HEADING.finditer(text):
        named = language.sections.get(" ".join(plain_words(heading["name"])))
        at_line_start = heading.start() == 0 or text[heading.start() - 1] == "\n"
        if heading["end"] != ":" and not heading["name"].isupper():
            continue
        if named is None or not (at_line_start or heading["name"].isupper()):
            continue
        yield kind, start, heading.start()
        kind, start = named, heading.end()
    yield kind, start, len(text)


def _pieces(text: str, start: int, stop: int, language: Language) -> Iterator[tuple[int, int]]:
    begin = start
    for end in _END.finditer(text, start, stop):
        if end.group().startswith(".") and _is_abbreviation(text, begin, end.start(), language):
            continue
        yield begin, end.end()
        begin = end.end()
    yield begin, stop


def _is_abbreviation(text: str, begin: int, dot: int, language: Language) -> bool:
    last = _LAST_WORD.search(text, begin, dot)
    if last is None:
        return False
    word = last.group().lower().strip("(")
    is_number_of_list = word.isdigit() and not text[begin : last.start()].strip()
    return word in language.abbreviations or is_number_of_list
