"""The row that tells of long work in the background, and the button that cancels it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.widgets.guard import connect

__all__ = ["BusyRow", "Ending"]


class Ending(Enum):
    """How work in the background may be ended before it is done."""

    AT_ITS_NEXT_STEP = auto()
    AT_ONCE = auto()
    """It only reads, so that nobody need wait for it: a share out of reach may hold it for minutes."""
    NOT = auto()
    """It writes what would be lost."""


class BusyRow:
    """At most one task at a time; its result is handed over by `poll`, on the main thread.

    Parameters
    ----------
    frame, label, bar, cancel_button : widgets
    """

    def __init__(self, frame: Any, label: Any, bar: Any, cancel_button: Any) -> None:
        self._frame = frame
        self._label = label
        self._bar = bar
        self._cancel_button = cancel_button
        self._task: BackgroundTask[Any] | None = None
        self._on_done: Callable[[BackgroundTask[Any]], None] | None = None
        self._ending = Ending.AT_ITS_NEXT_STEP
        connect(cancel_button, "clicked()", self.cancel)

    @property
    def is_busy(self) -> bool:
        """Whether a task is at work."""
        return self._task is not None

    def start(
        self,
        task: BackgroundTask[Any],
        title: str,
        on_done: Callable[[BackgroundTask[Any]], None],
        ending: Ending = Ending.AT_ITS_NEXT_STEP,
    ) -> None:
        """Show a task until it ends; `on_done` is called with it then, also when it failed or was cancelled."""
        self._task, self._on_done, self._ending = task, on_done, ending
        self._cancel_button.visible = ending != Ending.NOT
        self._label.text = title
        self._show_progress(task)
        self._frame.visible = True
        self.poll()

    def poll(self) -> None:
        """To be called by a timer."""
        task, on_done = self._task, self._on_done
        if task is None or on_done is None:
            return
        if not task.is_done:
            self._show_progress(task)
            return
        self._clear()
        on_done(task)

    def cancel(self) -> None:
        """Ask the task to end."""
        if self._task is None or self._ending == Ending.NOT:
            return
        if self._ending == Ending.AT_ONCE:
            self._task.abandon()
            self.poll()
        else:
            self._task.cancel()

    def finish(self) -> None:
        """Wait for the end of the task, such as before the scene is closed, and hand its result over."""
        if self._task is not None:
            self._task.wait()
            self.poll()

    def drop(self) -> None:
        """Cancel the task and forget it: nobody wants its result any more. What must be written goes on."""
        if self._task is not None and self._ending == Ending.NOT:
            return
        if self._task is not None:
            self._task.cancel()
        self._clear()

    def _clear(self) -> None:
        self._task = self._on_done = None
        self._frame.visible = False

    def _show_progress(self, task: BackgroundTask[Any]) -> None:
        progress = task.progress
        self._bar.maximum = progress.total
        self._bar.value = progress.done
