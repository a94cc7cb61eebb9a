"""Where the work on many cases runs: in this process, in local processes, or on a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.processes import WorkerPool

__all__ = ["open_executor"]


@contextlib.contextmanager
def open_executor(workers: int | None = None, scheduler: str | None = None) -> Iterator[Executor]:
    """Open an executor and close it afterwards.

    Parameters
    ----------
    workers : int, optional
        Local processes; as many as there are processors without it.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://host:8786``; its workers must reach the project's files.

    Raises
    ------
    InputError
        The number of workers cannot be, or the scheduler does not answer.
    MissingExtra
        A scheduler is named and `distributed` is not installed.
    """
    if scheduler is not None:
        with _dask(scheduler) as executor:
            yield executor
        return
    if workers is not None and workers < 1:
        raise InputError(f"workers: {workers} is not a number of processes from 1; correct the option.")
    with WorkerPool(workers) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextlib.contextmanager
def _dask(scheduler: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtra(
            "a Dask scheduler needs the package distributed; run: pip install 'annotation-qa[cluster]'"
        ) from error
    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"scheduler {scheduler}: does not answer ({error}); check the address.") from error
    with client:
        yield client.get_executor()
