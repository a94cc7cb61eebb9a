"""One long step at a time of a lead's work, with progress, time left, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, Cancelled
from AnnotationQACore.progress import Progress
from AnnotationQALib.logic.background import BackgroundTask, Workers
from AnnotationQALib.logic.time_left import TimeLeft
from AnnotationQALib.widgets.busy_row import BusyRow
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.missing_packages import text_or_remedy
from AnnotationQALib.widgets.thread_time import let_threads_work

__all__ = ["LeadWork"]

POLL_MS = 20


class LeadWork:
    """Runs steps on a thread, and hands their results over on the main one.

    Parameters
    ----------
    frame, label, bar, cancel_button : widgets
        The row that is shown meanwhile.
    on_error : callable
        Called with one line.
    on_cancelled : callable
        Called with the title of a step that was cancelled.
    on_busy : callable
        Called with whether something is at work, when that changes.
    executor : Executor, optional
        One thread by default.
    """

    def __init__(
        self,
        frame: Any,
        label: Any,
        bar: Any,
        cancel_button: Any,
        on_error: Callable[[str], None],
        on_cancelled: Callable[[str], None],
        on_busy: Callable[[bool], None],
        executor: Executor | None = None,
    ) -> None:
        self._row = BusyRow(frame, label, bar, cancel_button)
        self._label = label
        self._on_error = on_error
        self._on_cancelled = on_cancelled
        self._on_busy = on_busy
        self._executor = executor or Workers(1, "AnnotationQA-release")
        self._task: BackgroundTask[Any] | None = None
        self._title = ""
        self._left = TimeLeft()
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        connect(self._timer, "timeout()", self.poll)

    @property
    def is_busy(self) -> bool:
        """Whether a step is at work."""
        return self._row.is_busy

    def begin(self, title: str, work: Callable[[Progress], Any], on_done: Callable[[Any], None]) -> None:
        """Begin a step, unless one is at work; `on_done` gets its result, unless it failed or was cancelled."""
        if self._row.is_busy:
            return
        self._title = title
        self._left = TimeLeft()
        self._on_busy(True)
        self._task = BackgroundTask(self._executor, work)
        self._timer.start()
        self._row.start(self._task, title, lambda task: self._ended(task, on_done))

    def poll(self) -> None:
        """What the step has done since; called by a timer."""
        if self._row.is_busy:
            self._row.poll()
        if self._row.is_busy and self._task is not None:
            self._label.text = self._text(self._task)
            let_threads_work()

    def finish(self) -> None:
        """Wait for the end of the step and hand its result over."""
        self._row.finish()

    def drop(self) -> None:
        """Cancel the step, and take no notice any more of what comes of it."""
        self._timer.stop()
        self._task = None
        if self._row.is_busy:
            self._row.drop()
            self._on_busy(False)

    def close(self) -> None:
        """End the work; its result is dropped."""
        self.drop()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ended(self, task: BackgroundTask[Any], on_done: Callable[[Any], None]) -> None:
        self._timer.stop()
        self._task = None
        self._on_busy(False)
        try:
            result = task.result()
        except Cancelled:
            self._on_cancelled(self._title)
            return
        except AnnotationQAError as error:
            self._on_error(text_or_remedy(error))
            return
        on_done(result)

    def _text(self, task: BackgroundTask[Any]) -> str:
        progress = task.progress
        if not progress.total:
            return self._title
        text = _("{title}: {done} of {total}").format(title=self._title, done=progress.done, total=progress.total)
        left = self._left.seconds(progress)
        if left is None:
            return text
        return _("{text}, about {left} left in this step").format(text=text, left=_duration(left))


def _duration(seconds: float) -> str:
    if seconds < 100:
        return _("{number} s").format(number=max(round(seconds), 1))
    if seconds < 6000:
        return _("{number} min").format(number=round(seconds / 60))
    return _("{number} h").format(number=round(seconds / 3600))
