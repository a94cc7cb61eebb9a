"""Words and punctuation of a text, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Word", "plain_words", "words_of"]

_TOKEN = re.compile(r"[^\W_]+|[,;:()?]")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word in lower case, or one of the characters ``, ; : ( ) ?``, and where it stands.

    Attributes
    ----------
    text : str
    start, stop : int
        Characters of the whole text, `stop` excluded.
    """

    text: str
    start: int
    stop: int


def words_of(text: str, start: int = 0, stop: int | None = None) -> list[Word]:
    """Words and punctuation of a part of a text; hyphens, slashes and apostrophes part words."""
    stop = len(text) if stop is None else stop
    return [Word(m.group().lower(), m.start(), m.end()) for m in _TOKEN.finditer(text, start, stop)]


def plain_words(phrase: str) -> tuple[str, ...]:
    """The words of a phrase in lower case, without punctuation."""
    return tuple(match.group().lower() for match in _WORD.finditer(phrase))
