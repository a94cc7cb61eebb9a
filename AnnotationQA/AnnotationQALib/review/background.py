"""Long steps on other threads, whose results are taken up on the main one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from typing import Any

from AnnotationQACore.errors import AnnotationQAError, Cancelled
from AnnotationQACore.wording import Wording
from AnnotationQALib.logic.background import Workers

__all__ = ["Background"]


@dataclass(frozen=True, slots=True)
class _Step:
    """Holds its work until it is done, so that nothing of the scene is let go of on the other thread."""

    group: str
    title: Wording | str
    future: Future[Any]
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]


class Background:
    """Runs work on a thread, one step after the other, and hands results over when `poll` is called.

    Parameters
    ----------
    failed : callable
        Called with one line when a step raises an error of our tree; any other error is raised by `poll`.
    executor : Executor, optional
        One thread by default.
    tell : callable
        Makes the line of an error, such as in the reviewer's language.
    """

    def __init__(
        self,
        failed: Callable[[str], None],
        executor: Executor | None = None,
        tell: Callable[[AnnotationQAError], str] = str,
    ) -> None:
        self._failed = failed
        self._tell = tell
        self._executor = executor or Workers(1, "AnnotationQA-review")
        self._steps: list[_Step] = []
        self._forgotten: list[_Step] = []

    @property
    def title(self) -> Wording | str:
        """What is at work now; empty when nothing is, or when it need not be told."""
        return next((step.title for step in self._steps if step.title), "")

    @property
    def is_idle(self) -> bool:
        """Whether nothing is at work."""
        return not self._steps

    def run(
        self,
        group: str,
        title: Wording | str,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Begin a step.

        Parameters
        ----------
        group : str
            What it belongs to, see `forget`.
        title : Wording or str
            For the person who waits; empty when nobody does.
        work : callable
            Runs on the other thread.
        done : callable
            Called with the result by `poll`.
        failed : callable, optional
            Called with one line instead of the callable of this object.
        """
        self._steps.append(_Step(group, title, self._executor.submit(_do, [work]), work, done, failed or self._failed))

    def forget(self, group: str) -> None:
        """Take no notice any more of what belongs to a group; what has not begun does not begin."""
        for step in self._steps:
            if step.group == group:
                step.future.cancel()
                self._forgotten.append(step)
        self._steps = [step for step in self._steps if step.group != group]

    def poll(self) -> bool:
        """Hand over what is ready; returns whether there was anything. Call it on the main thread."""
        self._forgotten = [step for step in self._forgotten if not step.future.done()]
        was_any = False
        while True:
            ready = next((step for step in self._steps if step.future.done()), None)
            if ready is None:
                return was_any
            was_any = True
            self._steps.remove(ready)
            try:
                result = ready.future.result()
            except (Cancelled, CancelledError):
                continue
            except AnnotationQAError as error:
                ready.failed(self._tell(error))
                continue
            ready.done(result)

    def close(self) -> None:
        """Begin nothing any more."""
        for step in self._steps:
            step.future.cancel()
        self._forgotten += self._steps
        self._steps = []
        self._executor.shutdown(wait=False, cancel_futures=True)


def _do(work: list[Callable[[], Any]]) -> Any:
    """Do a piece of work, and let go of it before anybody learns that it is done."""
    return work.pop()()
