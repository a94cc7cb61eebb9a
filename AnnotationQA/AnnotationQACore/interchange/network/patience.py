"""How often, and after how long, something that failed for the moment is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from AnnotationQACore.errors import NetworkError

__all__ = ["Patience", "Transient", "Unreachable"]

Result = TypeVar("Result")


class Transient(NetworkError):
    """A failure that may be gone the next time.

    Attributes
    ----------
    retry_after : float or None
        Seconds that the server asks to wait.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No connection to the server could be made."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Exponential backoff with bounds.

    Attributes
    ----------
    attempts : int
        How often something is tried without success before it is given up.
    first_wait, longest_wait : float
        Seconds; each wait is twice the one before. What a server asks for is bounded by the longest, too.
    wait : callable
        Waits for so many seconds.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    wait: Callable[[float], None] = time.sleep

    def pause(self, failures: int, error: Transient) -> None:
        """Wait after so many failures in a row, or raise the error when it was the last attempt."""
        if failures >= self.attempts:
            raise error
        asked = error.retry_after
        seconds = self.first_wait * 2.0 ** (failures - 1) if asked is None else asked
        self.wait(min(max(seconds, 0.0), self.longest_wait))

    def run(self, action: Callable[[], Result]) -> Result:
        """Result of `action`, which is called again when it raises `Transient`."""
        failures = 0
        while True:
            try:
                return action()
            except Transient as error:
                failures += 1
                self.pause(failures, error)
