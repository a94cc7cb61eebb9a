"""Projects that were closed, and whose last drafts are still being written beside the main thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.left_drafts import SaveProblem
from AnnotationQALib.logic.session import LabelingSession

__all__ = ["LeavingProjects", "UnsavedCase"]


@dataclass(frozen=True, slots=True)
class UnsavedCase:
    """A draft that could not be saved in a project that was closed."""

    session: LabelingSession
    problem: SaveProblem


@dataclass(frozen=True, slots=True)
class _Leaving:
    session: LabelingSession
    task: BackgroundTask[None]


class LeavingProjects:
    """Everything is called on the main thread; `waiting_for` gives what another thread calls to wait."""

    def __init__(self) -> None:
        self._leaving: list[_Leaving] = []

    @property
    def is_writing(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._leaving)

    def leave(self, session: LabelingSession) -> BackgroundTask[None]:
        """Begin to close a session; the task tells how far that is, and must not be cancelled."""
        task = session.begin_close()
        self._leaving.append(_Leaving(session, task))
        return task

    def waiting_for(self) -> Callable[[str], bool]:
        """What waits until all of a project, named by its ID, is written; true when it had been left at all."""
        leaving = tuple(self._leaving)

        def wait(project_id: str) -> bool:
            same = [one for one in leaving if one.session.project.id == project_id]
            for one in same:
                one.task.wait()
            return bool(same)

        return wait

    def collect(self) -> tuple[UnsavedCase, ...]:
        """End the sessions whose drafts are written; returns what could not be saved in their projects."""
        return self._finish([one for one in self._leaving if one.task.is_done])

    def finish(self) -> tuple[UnsavedCase, ...]:
        """Wait until all is written, such as before the application ends."""
        for one in self._leaving:
            one.task.wait()
        return self._finish(list(self._leaving))

    def _finish(self, ending: list[_Leaving]) -> tuple[UnsavedCase, ...]:
        unsaved: list[UnsavedCase] = []
        for one in ending:
            self._leaving.remove(one)
            unsaved += [UnsavedCase(one.session, problem) for problem in one.session.finish_close(one.task)]
        return tuple(unsaved)
