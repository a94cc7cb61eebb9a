"""Processes that do a part of the work."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

__all__ = ["WorkerPool"]


class WorkerPool(ProcessPoolExecutor):
    """Local processes; as many as there are processors without a number.

    They are spawned, since forking a process that runs threads can deadlock, and Slicer runs many. Ctrl-C in a terminal
    reaches every process of a command: theirs is left to the one that started them, which ends them in order.
    """

    def __init__(self, workers: int | None = None) -> None:
        super().__init__(workers or os.cpu_count(), mp_context=multiprocessing.get_context("spawn"))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do a job in a process, which is started when it is needed."""
        with _interruptions_held():
            return super().submit(fn, *args, **kwargs)


@contextlib.contextmanager
def _interruptions_held() -> Iterator[None]:
    """Hold SIGINT back; what is started meanwhile never gets it. Windows has no such thing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
