"""Drafts of cases that were left, until they are written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.wording import Wording
from AnnotationQALib.logic.autosave import Autosave
from AnnotationQALib.logic.reader_worklist import is_same_task

__all__ = ["LeftDrafts", "SaveProblem"]


@dataclass(frozen=True, slots=True)
class SaveProblem:
    """Why the draft of a case that was left is not in the project, and what is to be done."""

    item: WorkItem
    message: Wording | str


@dataclass(frozen=True, slots=True)
class _Left:
    item: WorkItem
    autosave: Autosave
    start: Future[None] | None

    @property
    def is_writing(self) -> bool:
        return self.autosave.has_unsaved or (self.start is not None and not self.start.done())

    def wait(self) -> None:
        with contextlib.suppress(Exception):  # `collect` tells it
            self.autosave.written()
        if self.start is not None:
            self.start.exception()


class LeftDrafts:
    """Everything is called on the main thread; `waiting_for` gives what another thread calls to wait."""

    def __init__(self) -> None:
        self._problems: list[SaveProblem] = []
        self._left: list[_Left] = []

    def add(self, item: WorkItem, autosave: Autosave, start: Future[None] | None = None) -> None:
        """Take over what writes the draft of a case that is left, and what keeps its start on this computer."""
        self._left.append(_Left(item, autosave, start))

    def waiting_for(self, item: WorkItem | None = None) -> Callable[[], None]:
        """What waits until the drafts of a case, of all cases by default, are written or have failed to be."""
        writing = [left for left in self._left if item is None or is_same_task(left.item, item)]

        def wait() -> None:
            for left in writing:
                left.wait()

        return wait

    def collect(self) -> None:
        """Take in what came of the drafts that are written."""
        for left in self._left:
            left.autosave.collect()
        written = [left for left in self._left if not left.is_writing]
        self._left = [left for left in self._left if left.is_writing]
        self._problems += [SaveProblem(left.item, left.autosave.message) for left in written if left.autosave.message]

    def take_problems(self) -> tuple[SaveProblem, ...]:
        """Drafts that could not be saved in the project, as far as `collect` has taken them in; each is told once."""
        problems, self._problems = tuple(self._problems), []
        return problems
