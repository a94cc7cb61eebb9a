"""Lines of errors as a reader's screen may show them: without places on disks, which can hold names of patients."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["without_paths"]

_ROOT = r"(?:/|~/|\\\\|[A-Za-z]:[\\/]|file://)"
_QUOTED = re.compile(rf"(['\"]){_ROOT}[^'\"]*\1")
_LEADING = re.compile(rf"^{_ROOT}[^:]*(?::(?=[\\/]))?[^:]*(?=:\s)")
_WITHIN = re.compile(rf"(?<![\w./\\:<]){_ROOT}[^\s:;,()'\"]+")


def without_paths(line: str, names: Mapping[str, str] | None = None, place: str = "file") -> str:
    """A line with every absolute path replaced by `place`.

    Messages of ours begin with what they are about, followed by a colon: a path there may have spaces in it.

    Parameters
    ----------
    line : str
    names : mapping, optional
        Words to be replaced by others first, the longest first: known folders, which may have spaces in them, and IDs
        of cases that go by another name on the screen.
    place : str
    """
    for word in sorted(names or {}, key=len, reverse=True):
        line = _replaced(line, word, (names or {})[word])
    line = _LEADING.sub(place, line)
    line = _QUOTED.sub(place, line)
    return _WITHIN.sub(place, line)


def _replaced(line: str, word: str, name: str) -> str:
    """Replace a whole word; what hangs on a folder by separators goes with it."""
    is_folder = "/" in word or "\\" in word
    tail = r"(?:[\\/][^:;,()'\"]*?(?=$|[:;,()'\"]|\s(?![^:]*[\\/])))?" if is_folder else r"(?![\w-])"
    return re.sub(rf"(?<![\w-]){re.escape(word)}{tail}", lambda _: name, line)
