"""The review of faces: frames of reference one after the other, the head before and after, and decisions by name."""

from pathlib import Path

from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.faces.store import FaceStore, StoredFace
from DeidentifyStudyCore.review import QueueEntry, ReviewQueue

__all__ = ["FaceReview", "waiting_faces"]


def waiting_faces(queue: ReviewQueue) -> int:
    """How many faces wait for a person."""
    return len(queue.decided("pending") - queue.pending_texts())


class FaceReview:
    """The faces of a queue under review. Every decision is saved at once.

    Attributes
    ----------
    digests : tuple of str
        The faces, in the order of the queue.
    position : int
        The one that is shown.
    """

    def __init__(self, queue: ReviewQueue) -> None:
        self._queue = queue
        self._store = FaceStore(queue.pictures)
        self._undo: list[tuple[str, str, str]] = []
        self.digests = tuple(digest for digest, entry in queue.entries.items() if entry.is_face)
        if not self.digests:
            raise InputError(_("no face waits for a review."))
        self.position = 0

    @property
    def digest(self) -> str:
        """Name of the face that is shown."""
        return self.digests[self.position]

    @property
    def entry(self) -> QueueEntry:
        """The face that is shown."""
        return self._queue.entries[self.digest]

    @property
    def picture(self) -> Path:
        """Its picture: the surface before above the one after, or the images in which no face was found."""
        return self._store.picture(self.digest)

    def counts(self) -> dict[str, int]:
        """Faces by decision."""
        decisions = [self._queue.entries[digest].decision for digest in self.digests]
        return {name: decisions.count(name) for name in ("pending", "accepted", "rejected")}

    def why(self) -> str:
        """What was found."""
        return "; ".join(risk.removeprefix("face: ") for risk in self.entry.risks)

    def head(self) -> StoredFace | None:
        """The head and its mask; None where no face was found."""
        if not self._store.voxels(self.digest).exists():
            return None
        return self._store.load(self.digest)

    def show(self, position: int) -> None:
        """Go to a face."""
        self.position = max(0, min(position, len(self.digests) - 1))

    def show_next_pending(self) -> bool:
        """Go to the next face that waits; False when none does."""
        count = len(self.digests)
        for step in range(1, count + 1):
            position = (self.position + step) % count
            if self._queue.entries[self.digests[position]].decision == "pending":
                self.show(position)
                return True
        return False

    def decide(self, decision: str, name: str) -> None:
        """Accept the alteration under a person's name, or reject it; raises `InputError` without a name."""
        if decision == "accepted" and not name.strip():
            raise InputError(_("type your name before you confirm."))
        before = self.digest, self.entry.decision, self.entry.confirmed_by
        self._queue.decide(self.digest, decision, name)
        self._undo.append(before)
        self._queue.save()

    def undo(self) -> bool:
        """Take the last decision back and show its face; False when there is none."""
        if not self._undo:
            return False
        digest, decision, name = self._undo.pop()
        self.show(self.digests.index(digest))
        self._queue.decide(digest, decision, name)
        self._queue.save()
        return True
