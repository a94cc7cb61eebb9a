"""Answers that are said, not drawn, with comments and reasons; each can be undone and done again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from AnnotationQACore.project.answers import TextValue, Value
from AnnotationQALib.logic.form import ItemKey

__all__ = ["GivenAnswers"]

UNDO_STEPS = 100


@dataclass(frozen=True, slots=True)
class _Step:
    key: ItemKey
    before: Value | None
    after: Value | None


class GivenAnswers:
    """What the reader has said so far.

    Attributes
    ----------
    values : dict of ItemKey to Value
    comments : dict of ItemKey to str
    reasons : dict of ItemKey to str
        Why an answer is right although a check warns.
    """

    def __init__(self) -> None:
        self.values: dict[ItemKey, Value] = {}
        self.comments: dict[ItemKey, str] = {}
        self.reasons: dict[ItemKey, str] = {}
        self._done: list[_Step] = []
        self._undone: list[_Step] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is an answer to be undone."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone answer to be given again."""
        return bool(self._undone)

    def put(self, key: ItemKey, value: Value | None) -> bool:
        """Give an answer, or take it back with None; False when it was so already. It can be undone."""
        before = self.values.get(key)
        if before == value:
            return False
        last = self._done[-1] if self._done else None
        is_typing = isinstance(value, TextValue) and isinstance(before, TextValue)
        if is_typing and last is not None and last.key == key and last.after == before and not self._undone:
            self._done[-1] = _Step(key, last.before, value)  # words are undone as a whole, not by letters
        else:
            self._done = [*self._done, _Step(key, before, value)][-UNDO_STEPS:]
        self._undone.clear()
        self._store(key, value)
        return True

    def undo(self) -> ItemKey | None:
        """Take the last answer back; returns whose it was, None when there is none."""
        if not self._done:
            return None
        step = self._done.pop()
        self._undone.append(step)
        self._store(step.key, step.before)
        return step.key

    def redo(self) -> ItemKey | None:
        """Give the answer again that was undone last; returns whose it is, None when there is none."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        self._store(step.key, step.after)
        return step.key

    def forget(self, keys: Iterable[ItemKey]) -> None:
        """Remove all that was said about items, such as those of a removed instance; this cannot be undone."""
        gone = set(keys)
        for kept in (self.values, self.comments, self.reasons):
            for key in gone & kept.keys():
                del kept[key]
        self._done = [step for step in self._done if step.key not in gone]
        self._undone = [step for step in self._undone if step.key not in gone]

    def clear(self) -> None:
        """Remove everything."""
        for kept in (self.values, self.comments, self.reasons, self._done, self._undone):
            kept.clear()

    def _store(self, key: ItemKey, value: Value | None) -> None:
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value


def put_text(texts: dict[ItemKey, str], key: ItemKey, text: str) -> bool:
    """Keep a text, or none; False when it was so already."""
    if texts.get(key, "") == text:
        return False
    if text:
        texts[key] = text
    else:
        texts.pop(key, None)
    return True
