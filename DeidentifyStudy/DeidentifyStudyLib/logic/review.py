"""The review of burned-in text: objects of the queue one after the other, their frames and boxes, and decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from slicer.i18n import tr as _

from DeidentifyStudyCore.dicom.digests import digests_of_file, header_digest
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.indexing.index import list_files
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES
from DeidentifyStudyCore.pixels.frames import frames_of, views_of
from DeidentifyStudyCore.pixels.risk import RISKS
from DeidentifyStudyCore.review import QueueEntry, ReviewQueue

__all__ = ["ALL_FRAMES", "Frame", "Review", "find_sources", "names_of", "source_files"]

Row = list[int]
"""``[frame, row, column, height, width]``; frame -1 stands for every frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of an object.

    Attributes
    ----------
    pixels : array of uint8 or None
        Of shape (rows, columns) or (rows, columns, 3); None when it cannot be shown.
    problem : str
        Why it cannot be shown.
    """

    pixels: NDArray[np.uint8] | None
    count: int
    problem: str = ""


def source_files(source: Path | None, files: Iterable[str]) -> list[Path]:
    """Files that a run read, in the order in which its report numbers them."""
    if source is None:
        return [Path(file) for file in sorted(files)]
    return [source / relative for relative, _reason in list_files(source)]


def find_sources(paths: Sequence[Path], digests: Iterable[str], numbers: Mapping[str, int]) -> dict[str, Path]:
    """Find the files with these headers, since the queue names objects by nothing else.

    Parameters
    ----------
    numbers : mapping of str to int
        Where the report says that they were; all files are searched for what is no longer there.
    """
    found = {}
    for digest in digests:
        number = numbers.get(digest, -1)
        if 0 <= number < len(paths) and _header_of(paths[number]) == digest:
            found[digest] = paths[number]
    missing = {digest for digest in digests if digest not in found}
    for path in paths:
        if not missing:
            break
        digest = _header_of(path)
        if digest in missing:
            missing.remove(digest)
            found[digest] = path
    return found


def names_of(files: Sequence[tuple[int, str]], paths: Sequence[Path], source: Path | None) -> list[str]:
    """Names of files that were not written, as the person knows them; those that changed since are left away.

    Parameters
    ----------
    files : sequence of (int, str)
        From `Outcome.left_out`.
    paths : sequence of Path
        Of the source, in the order of the run.
    source : Path or None
        Folder that the names are relative to; None keeps whole paths.
    """
    present = [(paths[number], digest) for number, digest in files if number < len(paths)]
    same = [path for path, digest in present if digest == (_header_of(path) or digests_of_file(path).header)]
    return [str(path.relative_to(source) if source is not None else path) for path in same]


def _header_of(path: Path) -> str:
    """Digest of a header; empty when the file cannot be read."""
    try:
        with opened(path) as source:
            return header_digest(source, path)
    except Exception:  # a traceback would bring values of the file into Slicer's log
        return ""


class Review:
    """A queue under review. Every decision is saved at once.

    Attributes
    ----------
    digests : tuple of str
        The objects, in the order of the queue.
    position : int
        The object that is shown; -1 when there is none.
    frame : int
        The frame that is shown.
    """

    def __init__(self, queue: ReviewQueue, sources: dict[str, Path]) -> None:
        self._queue = queue
        self._sources = sources
        self._undo: list[tuple[str, list[Row], str]] = []
        self.digests = tuple(digest for digest, entry in queue.entries.items() if not entry.is_face)
        self.position = 0 if self.digests else -1
        self.frame = 0

    @property
    def entry(self) -> QueueEntry:
        """The object that is shown."""
        if self.position < 0:
            raise InputError("the review queue is empty.")
        return self._queue.entries[self.digests[self.position]]

    def counts(self) -> dict[str, int]:
        """Objects by decision."""
        decisions = [self._queue.entries[digest].decision for digest in self.digests]
        return {name: decisions.count(name) for name in ("pending", "accepted", "rejected")}

    def decision_of(self, position: int) -> str:
        """Decision on an object: pending, accepted or rejected."""
        return self._queue.entries[self.digests[position]].decision

    def why(self) -> str:
        """Why the object waits, in words."""
        risks = "; ".join(RISKS.get(risk, risk) for risk in self.entry.risks)
        return risks or _("text was found in its pixels")

    def show(self, position: int) -> None:
        """Go to an object and its first frame."""
        self.position = max(0, min(position, len(self.digests) - 1))
        self.frame = 0

    def show_next_pending(self) -> bool:
        """Go to the next object that waits; False when none does."""
        count = len(self.digests)
        for step in range(1, count + 1):
            position = (self.position + step) % count
            if self.decision_of(position) == "pending":
                self.show(position)
                return True
        return False

    def image(self) -> Frame:
        """The frame that is shown."""
        path = self._sources.get(self.digests[self.position])
        if path is None:
            return Frame(None, 1, _("The source file of this object was not found: choose the source of the run."))
        try:
            with opened(path) as source:
                frames = frames_of(source)
                self.frame = max(0, min(self.frame, len(frames) - 1))
                return Frame(np.ascontiguousarray(views_of(*frames.cells(self.frame))[0]), len(frames))
        except Exception:  # of any decoder; a traceback would bring values of the file into Slicer's log
            return Frame(None, 1, _("Its pixels cannot be decoded here: decide by what you know of the object."))

    def boxes(self) -> list[tuple[int, Row]]:
        """Boxes on the frame that is shown, with their numbers in the entry."""
        return [(number, row) for number, row in enumerate(self.entry.boxes) if row[0] in {ALL_FRAMES, self.frame}]

    def source_of_box(self, row: Row) -> str:
        """What proposed a box, in words; a person drew those that nothing proposed."""
        words = {
            "classical": _("strokes"),
            "ocr": _("text recognition"),
            "outside ultrasound regions": _("ultrasound margin"),
        }
        for found, by in zip(self.entry.found, self.entry.sources, strict=False):
            if found == row:
                return words.get(by, by)
        return _("by hand")

    def add_box(self, row: int, column: int, height: int, width: int, every_frame: bool) -> None:
        """Add a box that a person drew."""
        if height < 1 or width < 1:
            return
        self._remember()
        frame = ALL_FRAMES if every_frame else self.frame
        self.entry.boxes.append([frame, max(row, 0), max(column, 0), height, width])
        self._reopen()

    def move_box(self, number: int, row: int, column: int, height: int, width: int) -> None:
        """Change a box."""
        changed = [self.entry.boxes[number][0], max(row, 0), max(column, 0), max(height, 1), max(width, 1)]
        if changed != self.entry.boxes[number]:
            self._remember()
            self.entry.boxes[number] = changed
            self._reopen()

    def remove_boxes(self, numbers: Iterable[int]) -> None:
        """Remove boxes: what they cover stays visible."""
        self._remember()
        for number in sorted(numbers, reverse=True):
            del self.entry.boxes[number]
        self._reopen()

    def decide(self, decision: str) -> None:
        """Accept the object with its boxes, or reject it."""
        self._remember()
        self.entry.decision = decision
        self._queue.save()

    def undo(self) -> bool:
        """Take the last change back and show its object; False when there is none."""
        if not self._undo:
            return False
        digest, boxes, decision = self._undo.pop()
        self.show(self.digests.index(digest))
        self.entry.boxes, self.entry.decision = boxes, decision
        self._queue.save()
        return True

    def _remember(self) -> None:
        entry = self.entry
        self._undo.append((self.digests[self.position], [list(row) for row in entry.boxes], entry.decision))

    def _reopen(self) -> None:
        """Boxes that changed after a decision need a new one."""
        self.entry.decision = "pending"
        self._queue.save()
