"""Work spread over processes, finished here when they end without a word."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor
from typing import TypeVar

__all__ = ["mapped"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def mapped(
    executor: Executor | None,
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    on_broken: Callable[[], None],
    at_once: int = 1,
) -> Iterator[Result]:
    """Results of `work` in the order of the jobs, by an executor, or here without one.

    Processes end at once where a script without ``if __name__ == "__main__":`` makes them, or when memory runs out. The
    jobs that are left are then done here, after `on_broken` was called once. A process takes `at_once` jobs.
    """
    waiting = iter(jobs)
    if executor is not None:
        waiting, handed_out = itertools.tee(waiting)
        try:
            for result in executor.map(work, handed_out, chunksize=at_once):
                next(waiting)
                yield result
        except BrokenExecutor:
            on_broken()
    yield from map(work, waiting)
