"""Calls on any executor, or on none: a bounded number at a time, results as they come."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from DeidentifyStudyCore.errors import InputError

if TYPE_CHECKING:  # it takes longer to load than a small study takes
    from concurrent.futures import Executor, Future

__all__ = ["completed"]

_IN_FLIGHT = 8

_Result = TypeVar("_Result")


def completed(
    executor: "Executor | None", function: Callable[..., _Result], calls: Iterable[tuple[int, tuple[Any, ...]]]
) -> Iterator[tuple[int, _Result]]:
    """Yield the number and the result of each call as it ends; without an executor, one after the other.

    Parameters
    ----------
    calls : iterable of (int, tuple)
        Number and arguments of each; read as they are needed.

    Raises
    ------
    InputError
        A worker process died.
    """
    if executor is None:
        for number, arguments in calls:
            yield number, function(*arguments)
    else:
        yield from _as_they_end(executor, function, calls)


def _as_they_end(
    executor: "Executor", function: Callable[..., _Result], calls: Iterable[tuple[int, tuple[Any, ...]]]
) -> Iterator[tuple[int, _Result]]:
    from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait

    running: dict[Future[_Result], int] = {}
    remaining = iter(calls)
    exhausted = False
    try:
        while running or not exhausted:
            while not exhausted and len(running) < _IN_FLIGHT:
                call = next(remaining, None)
                if call is None:
                    exhausted = True
                    break
                running[executor.submit(function, *call[1])] = call[0]
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield running.pop(future), future.result()
    except BrokenExecutor:
        raise InputError("a worker process died (out of memory?); run the same command again to resume.") from None
    finally:
        for future in running:
            future.cancel()
