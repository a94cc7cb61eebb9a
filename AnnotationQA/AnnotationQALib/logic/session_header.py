"""What the bar above the form shows: project, protocol, progress, and whether the ledger is whole."""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.wording import Wording

__all__ = ["LedgerHealth", "ReadingProgress", "SessionHeader"]


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far a reader is."""

    read: int
    total: int
    sent_back: int

    def __str__(self) -> str:
        text = f"{self.read} of {self.total} read"
        return f"{text}, {self.sent_back} sent back" if self.sent_back else text


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """Whether the ledger is whole, as far as opening and refreshing noticed; one line for each problem."""

    problems: tuple[Wording | str, ...]
    is_reachable: bool = True

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing to worry about."""
        return self.is_reachable and not self.problems


@dataclass(frozen=True, slots=True)
class SessionHeader:
    """What the bar above the form shows."""

    project: str
    reader: str
    protocol: str
    version: str
    progress: ReadingProgress
    health: LedgerHealth
