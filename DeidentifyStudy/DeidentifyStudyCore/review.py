"""The queue of objects that wait for a person: which object, why, and what the person decided.

Objects are named by the SHA-256 of their header (`digests`), so that a queue holds nothing of a patient. Steps that
look at pixels add boxes.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.errors import InputError

__all__ = ["DECISIONS", "QueueEntry", "ReviewQueue"]

_FORMAT = "deidentify-review/1"
DECISIONS = ("pending", "accepted", "rejected")


@dataclass(slots=True)
class QueueEntry:
    """One object of the queue.

    Attributes
    ----------
    reason : str
        Code from `quarantine.REASONS`.
    risks : tuple of str
        Codes from `risk.RISKS`.
    decision : str
        One of `DECISIONS`.
    boxes : list
        ``[frame, row, column, height, width]`` of regions to fill; for steps that work on pixels.
    """

    reason: str
    risks: tuple[str, ...] = ()
    decision: str = "pending"
    boxes: list[list[int]] = field(default_factory=list)


class ReviewQueue:
    """A queue in one JSON file."""

    def __init__(self, path: Path, entries: dict[str, QueueEntry] | None = None) -> None:
        self.path = path
        self.entries = entries or {}

    @classmethod
    def load(cls, path: Path) -> "ReviewQueue":
        """Read a queue; an absent file is an empty queue.

        Raises
        ------
        InputError
            The file is not a queue.
        """
        if not path.exists():
            return cls(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError
            entries = {digest: _entry(row) for digest, row in content["objects"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: is not a review queue; name another file, or remove it.") from None
        return cls(path, entries)

    def save(self) -> None:
        """Write the queue, whole or not at all."""
        rows = {
            digest: {"reason": e.reason, "risks": list(e.risks), "decision": e.decision, "boxes": e.boxes}
            for digest, e in sorted(self.entries.items())
        }
        write_text(self.path, json.dumps({"format": _FORMAT, "objects": rows}, indent=1) + "\n")

    def add(self, digest: str, reason: str, risks: Iterable[str]) -> None:
        """Put an object into the queue, unless a person has decided on it already."""
        if digest not in self.entries:
            self.entries[digest] = QueueEntry(reason, tuple(risks))

    def decided(self, decision: str) -> frozenset[str]:
        """Digests of the objects with this decision."""
        return frozenset(digest for digest, entry in self.entries.items() if entry.decision == decision)


def _entry(row: dict[str, Any]) -> QueueEntry:
    if row["decision"] not in DECISIONS:
        raise ValueError
    return QueueEntry(str(row["reason"]), tuple(row["risks"]), row["decision"], list(row["boxes"]))
