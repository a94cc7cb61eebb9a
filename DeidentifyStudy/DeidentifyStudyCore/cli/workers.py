"""Worker processes of a run; light, so that the server they come from loads beside the program itself."""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.context import BaseContext
from typing import Any

__all__ = ["WorkerPool", "processes"]


class WorkerPool(ProcessPoolExecutor):
    """Ctrl-C in a terminal reaches every process: theirs is left to the one that started them, which ends them."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call, starting workers where it takes any."""
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


def processes() -> BaseContext:
    """How workers are started: from a server that has loaded our modules once, where there is such a thing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # Windows has none

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["DeidentifyStudyCore.indexing.index", "DeidentifyStudyCore.cleaning.writing"])
    with _interruptions_held():
        forkserver.ensure_running()  # it loads while the caller does, reads the key and lists the files
    return context
