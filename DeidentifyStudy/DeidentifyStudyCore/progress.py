"""How long work tells where it is, and how it is cancelled."""

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Callback of a long operation; it cancels the operation by raising `errors.Cancelled`."""

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Report that `done` of `total` steps are finished; `message` names the present one."""


def silent(done: int, total: int, message: str = "") -> None:
    """Report to nobody."""
