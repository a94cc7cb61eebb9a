"""Active work: raw intervals per item, with the idle rule.

The rule: work on an item begins with the first act on it. Time counts from one act to the next when no more than
`idle_seconds` lie between them; after a longer pause the interval ends at the last act before the pause, and the next
act begins a new one. An act is any change of the reading, and any key, click or view movement that the panel reports.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.readings import Activity

__all__ = ["ActivityRecorder"]


class ActivityRecorder:
    """Records intervals of active work.

    Parameters
    ----------
    idle_seconds : float
        Pause after which time no longer counts as work, `StudyDesign.idle_seconds`.
    clock : callable
        UTC time.
    former : sequence of Activity
        Of the draft that is resumed.
    """

    def __init__(
        self,
        idle_seconds: float,
        clock: Callable[[], datetime] = utc_now,
        former: tuple[Activity, ...] = (),
    ) -> None:
        self._idle = timedelta(seconds=idle_seconds)
        self._clock = clock
        self._done = list(former)
        self._item = ""
        self._start: datetime | None = None
        self._last: datetime | None = None

    @property
    def item(self) -> str:
        """Item that is worked on; empty for the case as a whole."""
        return self._item

    def act(self, item: str | None = None) -> None:
        """Report an act of the reader, on another item if one is named (empty: on the case as a whole)."""
        now = self._clock()
        if self._start is not None and self._last is not None and (now < self._last or now - self._last > self._idle):
            self._end()  # idle, or the computer's clock was set back
        if self._start is not None and item is not None and item != self._item:
            self._last = now
            self._end()
        if item is not None:
            self._item = item
        if self._start is None:
            self._start = now
        self._last = now

    def pause(self) -> None:
        """End the present interval at the last act, such as when the panel is left."""
        self._end()

    def intervals(self) -> tuple[Activity, ...]:
        """All intervals so far, the present one up to the last act."""
        if self._start is None or self._last is None or self._last <= self._start:
            return tuple(self._done)
        return (*self._done, Activity(self._item, self._start, self._last))

    def total(self) -> timedelta:
        """Active time so far."""
        return sum((interval.stop - interval.start for interval in self.intervals()), timedelta())

    def by_item(self) -> dict[str, timedelta]:
        """Active time by item."""
        times: dict[str, timedelta] = {}
        for interval in self.intervals():
            times[interval.item] = times.get(interval.item, timedelta()) + interval.stop - interval.start
        return times

    def _end(self) -> None:
        self._done = list(self.intervals())
        self._start = self._last = None
