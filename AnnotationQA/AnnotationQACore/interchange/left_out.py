"""What a format does not hold, one line for each reason."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LeftOut"]


class LeftOut:
    """Collects names of what is left out under the reason why."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, None]] = {}

    def add(self, name: str, reason: str) -> None:
        """Say that something is left out; a name counts once for each reason."""
        self._names.setdefault(reason, {})[name] = None

    def lines(self, more: Sequence[str] = ()) -> tuple[str, ...]:
        """Lines such as ``malignancy, texture: not drawn.``, after `more`."""
        return (*more, *(f"{', '.join(names)}: {reason}" for reason, names in self._names.items()))
