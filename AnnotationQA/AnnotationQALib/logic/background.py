"""Long work beside the main thread, which asks now and then how far it is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from AnnotationQACore.errors import Cancelled
from AnnotationQACore.progress import Progress
from AnnotationQALib.logic.main_thread_collection import collect_on_main_thread_only

__all__ = ["BackgroundTask", "TaskProgress", "Workers"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How far a task is; `total` 0 means that nobody knows."""

    done: int = 0
    total: int = 0
    message: str = ""


class BackgroundTask(Generic[T]):
    """One piece of work that was handed to an executor.

    Nothing is called when it ends: whoever waits for it asks `is_done` from a timer of the main thread, because MRML
    and Qt may be used there only.

    Parameters
    ----------
    executor : Executor
    work : callable
        Called on another thread with a `Progress`, by which it is cancelled, too. It must not touch MRML.
    """

    def __init__(self, executor: Executor, work: Callable[[Progress], T]) -> None:
        self._report = _Report()
        self._abandoned = False
        self._work: Callable[[Progress], T] | None = work  # the main thread is the last to let go of what it holds
        self._future: Future[T] = executor.submit(_do, [work], self._report)

    @property
    def progress(self) -> TaskProgress:
        """How far it is."""
        return self._report.progress

    @property
    def is_done(self) -> bool:
        """Whether it has ended, one way or the other, or was abandoned."""
        return self._abandoned or self._future.done()

    def cancel(self) -> None:
        """Ask it to end; it does so at its next step, and `result` raises `Cancelled` then."""
        self._report.is_cancelled = True
        self._future.cancel()

    def abandon(self) -> None:
        """Cancel it without waiting for its next step: nobody wants its result any more."""
        self.cancel()
        self._abandoned = True

    def result(self) -> T:
        """What came of it; waits for the end, and raises what the work raised, or `Cancelled`."""
        if self._abandoned:
            raise Cancelled("cancelled.")
        try:
            return self._future.result()
        except CancelledError:
            raise Cancelled("cancelled.") from None
        finally:
            self._work = None

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the end, whatever it is, at most so long."""
        with contextlib.suppress(Exception):  # also that it takes longer
            self._future.exception(seconds)


class _Report:
    """What the two threads tell each other; a `Progress`."""

    def __init__(self) -> None:
        self.progress = TaskProgress()
        self.is_cancelled = False

    def __call__(self, done: int, total: int, message: str = "") -> None:
        if self.is_cancelled:
            raise Cancelled("cancelled.")
        self.progress = TaskProgress(done, total, message)


def _do(work: list[Callable[[Progress], T]], report: Progress) -> T:
    """Do a piece of work, and let go of it before anybody learns that it is done."""
    return work.pop()(report)


class Workers(ThreadPoolExecutor):
    """Threads that know whether there is anything left to do, and take nothing apart that is not theirs."""

    def __init__(self, number: int, name: str) -> None:
        collect_on_main_thread_only()
        super().__init__(max_workers=number, thread_name_prefix=name)
        self._count_lock = threading.Lock()
        self._pending = 0

    @property
    def is_working(self) -> bool:
        """Whether work is waiting or going on."""
        return self._pending > 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin a piece of work."""
        with self._count_lock:
            self._pending += 1
        try:
            future = super().submit(fn, *args, **kwargs)
        except BaseException:
            self._finished(None)
            raise
        future.add_done_callback(self._finished)
        return future

    def _finished(self, _future: Future[Any] | None) -> None:
        with self._count_lock:
            self._pending -= 1
