"""The queue of objects that wait for a person: which object, why, what was found in it, and what the person decided.

It holds objects with text in their pixels, and alterations of faces, one for each frame of reference. Objects are named
by the SHA-256 of their header (`digests`), so that the queue's file holds nothing of a patient; faces by that of what
was found. The pictures beside it show what is burned in, and faces: a queue is as confidential as the source. People
and programs may edit the file: `decision`, and `boxes`, which is what will be filled.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.errors import DestinationError, InputError

__all__ = ["DECISIONS", "QueueEntry", "ReviewQueue"]

_FORMAT = "deidentify-review/1"
_FILE = "queue.json"
_FACE = "face-"
DECISIONS = ("pending", "accepted", "rejected")
"""`accepted` writes the object with its boxes filled, `rejected` leaves it out."""


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
        ``[frame, row, column, height, width]`` of regions to fill, counted from 0; frame -1 stands for every frame.
    found : list
        Boxes that the program proposed, whatever became of them; nobody edits these.
    sources : list of str
        What found each of them.
    confirmed_by : str
        Who confirmed the alteration of a face; empty for all else.
    """

    reason: str
    risks: tuple[str, ...] = ()
    decision: str = "pending"
    boxes: list[list[int]] = field(default_factory=list)
    found: list[list[int]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    confirmed_by: str = ""

    @property
    def is_face(self) -> bool:
        """Whether it is the alteration of a face, and not an object with text."""
        return self.reason.startswith(_FACE)


class ReviewQueue:
    """A queue in one JSON file, with pictures in a folder beside it.

    Attributes
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path, entries: dict[str, QueueEntry] | None = None) -> None:
        self.path = path
        self.entries = entries or {}

    @property
    def pictures(self) -> Path:
        """Folder of the pictures, named by the digests of their objects."""
        return self.path.with_name(f"{self.path.stem}-pictures")

    @classmethod
    def load(cls, path: Path) -> "ReviewQueue":
        """Read a queue: a JSON file, or a folder that holds ``queue.json``; an absent one is an empty queue.

        Raises
        ------
        InputError
            The file is not a queue; the message names the place.
        """
        if path.is_dir() or not path.suffix:
            path = path / _FILE
        if not path.exists():
            return cls(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError
            rows = dict(content["objects"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: is not a review queue; name another file, or remove it.") from None
        return cls(path, {digest: _entry(row, f"{path}: $.objects['{digest}']") for digest, row in rows.items()})

    def save(self) -> None:
        """Write the queue, whole or not at all."""
        rows = {
            digest: {
                "reason": entry.reason,
                "risks": list(entry.risks),
                "decision": entry.decision,
                "boxes": entry.boxes,
                "found": entry.found,
                "sources": entry.sources,
                **({"confirmed_by": entry.confirmed_by} if entry.confirmed_by else {}),
            }
            for digest, entry in sorted(self.entries.items())
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise DestinationError(f"{self.path.parent}: cannot be made ({reason}); name another folder.") from error
        write_text(self.path, json.dumps({"format": _FORMAT, "objects": rows}, indent=1) + "\n")

    def add(
        self,
        digest: str,
        reason: str,
        risks: Iterable[str],
        found: Iterable[list[int]] = (),
        sources: Iterable[str] = (),
    ) -> None:
        """Put an object into the queue.

        An object that is there already keeps its decision, unless something was found that nobody has seen: then it
        waits again, with the new boxes added to those that were accepted.
        """
        entry = self.entries.get(digest)
        if entry is None:
            boxes = [list(box) for box in found]
            self.entries[digest] = QueueEntry(reason, tuple(risks), "pending", boxes, list(boxes), list(sources))
            return
        seen = [*entry.found, *entry.boxes]
        new = [(list(box), source) for box, source in zip(found, sources, strict=True) if list(box) not in seen]
        if new and entry.decision != "rejected":
            entry.decision = "pending"
            for box, source in new:
                entry.boxes.append(box)
                entry.found.append(box)
                entry.sources.append(source)

    def decided(self, decision: str) -> frozenset[str]:
        """Digests of the objects with this decision."""
        return frozenset(digest for digest, entry in self.entries.items() if entry.decision == decision)

    def decide(self, digest: str, decision: str, confirmed_by: str = "") -> None:
        """Record a decision.

        Raises
        ------
        InputError
            A face is accepted without the name of the person who looked at it.
        """
        entry = self.entries[digest]
        if entry.is_face and decision == "accepted" and not confirmed_by.strip():
            raise InputError(
                f"{digest[:12]} is a face: look at its pictures, and confirm with --face --by 'YOUR NAME'."
            )
        entry.decision = decision
        entry.confirmed_by = confirmed_by.strip() if entry.is_face and decision == "accepted" else ""

    def pending_texts(self) -> frozenset[str]:
        """Digests of the objects with text that wait; faces are decided one by one."""
        return frozenset(digest for digest in self.decided("pending") if not self.entries[digest].is_face)

    def confirmed_by(self, digest: str) -> str:
        """Who confirmed the alteration of a face; empty where nobody did."""
        entry = self.entries.get(digest)
        return entry.confirmed_by if entry is not None and entry.is_face and entry.decision == "accepted" else ""

    def find(self, start: str) -> tuple[str, QueueEntry]:
        """Find the object whose digest begins so.

        Raises
        ------
        InputError
            There is none, or more than one.
        """
        found = [digest for digest in self.entries if digest.startswith(start.lower())]
        if len(found) != 1 or not start:
            which = "no object of the queue begins" if not found else f"{len(found)} objects of the queue begin"
            raise InputError(f"{which} with '{start}'; see 'review QUEUE list'.")
        return found[0], self.entries[found[0]]


def _entry(row: Any, where: str) -> QueueEntry:
    if not isinstance(row, dict) or not isinstance(row.get("reason"), str) or not isinstance(row.get("risks"), list):
        raise InputError(f"{where} must be an object with a reason and risks; mend the file.")
    if row.get("decision") not in DECISIONS:
        raise InputError(f"{where}.decision must be one of {', '.join(DECISIONS)}.")
    found = _boxes(row.get("found", []), f"{where}.found")
    sources = row.get("sources", [""] * len(found))
    if not isinstance(sources, list) or len(sources) != len(found):
        raise InputError(f"{where}.sources must say of each found box what found it.")
    boxes = _boxes(row.get("boxes", []), f"{where}.boxes")
    risks = tuple(str(risk) for risk in row["risks"])
    confirmed_by = row.get("confirmed_by", "")
    if not isinstance(confirmed_by, str):
        raise InputError(f"{where}.confirmed_by must be a name.")
    return QueueEntry(
        row["reason"], risks, row["decision"], boxes, found, [str(source) for source in sources], confirmed_by.strip()
    )


def _boxes(value: Any, where: str) -> list[list[int]]:
    if not isinstance(value, list):
        raise InputError(f"{where} must be a list.")
    for index, box in enumerate(value):
        whole = isinstance(box, list) and len(box) == 5 and all(type(number) is int for number in box)
        if not whole or box[0] < -1 or min(box[1:3]) < 0 or min(box[3:]) < 1:
            raise InputError(f"{where}[{index}] must be [frame, row, column, height, width], frame -1 for every frame.")
    return [list(box) for box in value]
