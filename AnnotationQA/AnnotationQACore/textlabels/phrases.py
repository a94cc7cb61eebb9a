"""Finds many phrases at once in a list of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Match", "PhraseFinder"]

Meaning = TypeVar("Meaning")


@dataclass(frozen=True, slots=True)
class Match(Generic[Meaning]):
    """A phrase that was found: words `start` to `stop` (excluded), and what it means."""

    start: int
    stop: int
    meaning: Meaning


class PhraseFinder(Generic[Meaning]):
    """Phrases, each a sequence of words with a meaning, found from left to right, the longest first.

    Parameters
    ----------
    phrases : mapping of tuple of str to Meaning

    Attributes
    ----------
    phrases : dict of tuple of str to Meaning
    """

    def __init__(self, phrases: Mapping[tuple[str, ...], Meaning]) -> None:
        self.phrases = dict(phrases)
        self._longest: dict[str, int] = {}
        for phrase in phrases:
            self._longest[phrase[0]] = max(self._longest.get(phrase[0], 0), len(phrase))

    def at(self, words: Sequence[str], start: int) -> Match[Meaning] | None:
        """The longest phrase that begins at word `start`."""
        for length in range(min(self._longest.get(words[start], 0), len(words) - start), 0, -1):
            meaning = self.phrases.get(tuple(words[start : start + length]))
            if meaning is not None:
                return Match(start, start + length, meaning)
        return None

    def find(self, words: Sequence[str]) -> Iterator[Match[Meaning]]:
        """Phrases that do not overlap, in their order."""
        start = 0
        while start < len(words):
            match = self.at(words, start)
            if match is None:
                start += 1
                continue
            yield match
            start = match.stop
