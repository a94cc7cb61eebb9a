"""What is wrong with a protocol: where in the file, what, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Problem", "did_you_mean"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    path : str
        Place in the file, such as ``items[3].codes.type.value``; empty for the whole document.
    what : str
        What is wrong.
    remedy : str
        What to do about it.
    """

    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.what}; {self.remedy}" + ("" if self.remedy.endswith("?") else ".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Remedy for a word that is not known: the nearest known one, or all of them when they are few."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    if not known:
        return "remove it"
    shown = ", ".join(f"'{name}'" for name in known[:30])
    return f"use one of {shown}" + (", ..." if len(known) > 30 else "")
