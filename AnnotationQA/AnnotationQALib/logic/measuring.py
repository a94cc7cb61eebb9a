"""What is drawn is measured beside the main thread, whenever the reader pauses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.reading_snapshot import ReadingSnapshot, SnapshotContents
from AnnotationQALib.logic.readouts import Readout, compute_readouts

__all__ = ["Measured", "Measuring"]

PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a snapshot holds, and the read-outs of its drawn items."""

    contents: SnapshotContents
    readouts: Mapping[ItemKey, Readout]


class Measuring:
    """Call `changed` after a change and `tick` some times a second, both on the main thread.

    Parameters
    ----------
    snapshot : callable
        Takes the copy that is measured, on the main thread.
    changes : callable
        Number of changes so far: what was measured already is not measured again.
    sources : mapping of role to ImageSource
    executor : Executor
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        snapshot: Callable[[], ReadingSnapshot],
        changes: Callable[[], int],
        sources: Mapping[str, ImageSource],
        executor: Executor,
        clock: Callable[[], float],
    ) -> None:
        self._snapshot = snapshot
        self._changes = changes
        self._sources = sources
        self._executor = executor
        self._clock = clock
        self._running: Future[Measured] | None = None
        self._number = -1
        self._last_change = float("-inf")

    def changed(self) -> None:
        """Take note of a change."""
        self._last_change = self._clock()

    def tick(self) -> Measured | None:
        """What was measured since; begins to measure when the reader pauses."""
        measured = self._collect()
        if self._clock() - self._last_change >= PAUSE_SECONDS:
            self._begin()
        return measured

    def finish(self) -> Measured | None:
        """Measure what is drawn now, and wait for it; None when it was measured before."""
        self._begin()
        if self._running is not None:
            with contextlib.suppress(Exception):
                self._running.result()
        return self._collect()

    def drop(self) -> None:
        """Nobody waits for the results any more; the work is on copies."""
        self._running = None

    def _begin(self) -> None:
        if self._running is None and self._changes() != self._number:
            self._number = self._changes()
            self._running = self._executor.submit(_measure, self._snapshot(), self._sources)

    def _collect(self) -> Measured | None:
        running = self._running
        if running is None or not running.done():
            return None
        self._running = None
        return running.result() if running.exception() is None else None


def _measure(snapshot: ReadingSnapshot, sources: Mapping[str, ImageSource]) -> Measured:
    contents = snapshot.complete(sources)
    return Measured(contents, compute_readouts(snapshot.protocol, contents, sources))
