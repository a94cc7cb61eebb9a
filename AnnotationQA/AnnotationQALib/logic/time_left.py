"""How long a task still takes, from how long it took so far."""

from __future__ import annotations

import time
from collections.abc import Callable

from AnnotationQALib.logic.background import TaskProgress

__all__ = ["TimeLeft"]

_KNOWN_AFTER = 1.0


class TimeLeft:
    """Estimate for the present step of a task; steps of unlike work follow each other, so each is measured by itself.

    Parameters
    ----------
    seconds : callable
        A clock.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._begin = seconds()
        self._total = 0
        self._last = 0

    def seconds(self, progress: TaskProgress) -> float | None:
        """Seconds until the step is done; None as long as nobody knows."""
        now = self._seconds()
        if progress.total != self._total or progress.done < self._last:
            self._begin, self._total = now, progress.total
        self._last = progress.done
        elapsed = now - self._begin
        if not 0 < progress.done <= progress.total or elapsed < _KNOWN_AFTER:
            return None
        return elapsed / progress.done * (progress.total - progress.done)
