"""Saves the draft of a reading: a copy on the main thread, everything else beside it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from AnnotationQACore.errors import AnnotationQAError, DraftConflict, InputError
from AnnotationQACore.interchange.seg_nrrd import write_seg_nrrd
from AnnotationQACore.project import drafts
from AnnotationQACore.project.drafts import Draft
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.kept_drafts import discard_kept, keep_draft, kept_folder
from AnnotationQACore.project.layout import PROJECT_FILE
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic.reading_snapshot import ReadingSnapshot, SnapshotContents

__all__ = ["Autosave", "SaveState", "is_reachable"]

SAVE_AFTER_PAUSE = 2.0
SAVE_AT_LEAST_EVERY = 30.0
RETRY_AFTER = 15.0


class SaveState(StrEnum):
    """Where the reader's work is."""

    SAVED = "saved"
    UNSAVED = "unsaved"
    SAVING = "saving"
    KEPT_HERE = "kept on this computer"
    CONFLICT = "conflict"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a save came to; `contents` is None when the snapshot itself could not be worked out."""

    number: int
    state: SaveState
    message: Wording | str
    draft: Draft | None
    contents: SnapshotContents | None


class Autosave:
    """Saves the draft after every pause, and at least every half minute of uninterrupted work.

    Call `changed` after a change and `tick` some times a second, both on the main thread.

    Parameters
    ----------
    project : Project
    lock : threading.Lock
        Held while the project is used.
    snapshot : callable
        Takes the copy, on the main thread.
    executor : Executor
        Encodes and writes.
    draft : Draft or None
        That is resumed.
    clock : callable
        Seconds, `time.monotonic`.

    Attributes
    ----------
    state : SaveState
    message : Wording or str
        What is wrong and the remedy; empty when all is well.
    contents : SnapshotContents or None
        Of the last save.
    """

    def __init__(
        self,
        project: Project,
        lock: threading.Lock,
        snapshot: Callable[[], ReadingSnapshot],
        executor: Executor,
        draft: Draft | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = SaveState.SAVED
        self.message: Wording | str = ""
        self.contents: SnapshotContents | None = None
        self._project = project
        self._lock = lock
        self._snapshot = snapshot
        self._executor = executor
        self._draft = draft
        self._clock = clock
        self._kept = kept_folder(project.id)
        self._running: Future[_Outcome] | None = None
        self._first_change: float | None = None
        self._last_change = 0.0
        self._retry_at = float("inf")

    @property
    def draft(self) -> Draft | None:
        """The draft in the project as of the last save."""
        return self._draft

    @property
    def has_unsaved(self) -> bool:
        """Whether there are changes that no file holds yet."""
        return self._first_change is not None or self._running is not None

    def changed(self) -> None:
        """Take note of a change."""
        now = self._clock()
        self._last_change = now
        if self._first_change is None:
            self._first_change = now
        if self.state == SaveState.SAVED:
            self.state = SaveState.UNSAVED

    def tick(self) -> bool:
        """Take in what was saved meanwhile, and begin to save when it is time; True when the state has changed."""
        before = (self.state, self.message)
        self.collect()
        now = self._clock()
        due = self._first_change is not None and (
            now - self._last_change >= SAVE_AFTER_PAUSE or now - self._first_change >= SAVE_AT_LEAST_EVERY
        )
        if (due or now >= self._retry_at) and self._running is None and self.state != SaveState.CONFLICT:
            self.begin()
        return (self.state, self.message) != before

    def begin(self) -> None:
        """Begin to save now; does nothing while a save runs."""
        if self._running is not None:
            return
        self._first_change, self._retry_at = None, float("inf")
        snapshot = self._snapshot()
        self.state = SaveState.SAVING
        self._running = self._executor.submit(self._save, snapshot, self._draft)

    def begin_last(self) -> None:
        """Begin to save all that is unsaved, after the save that runs; the scene is not needed any more afterwards.

        A session that has lost a conflict keeps its work on this computer. What no file could take is tried once more.
        """
        if self._first_change is None and self.state != SaveState.FAILED:
            return
        if self._running is None:
            self.begin()
            return
        self._first_change, self._retry_at = None, float("inf")
        self._running = self._executor.submit(self._save_after, self._running, self._snapshot())

    def leave(self) -> None:
        """Begin to save all that is unsaved, and let go of the reading: nothing follows."""
        self.begin_last()
        self._snapshot = _gone

    def flush(self) -> None:
        """Save what is unsaved and wait until it is written; see `state` for what came of it."""
        self.begin_last()
        self.wait()

    def written(self) -> SaveState:
        """Wait for the save that runs, and return what came of it; for other threads, `tick` takes it in."""
        running = self._running
        return running.result().state if running is not None else self.state

    def wait(self) -> None:
        """Wait for the save that runs, and take in what came of it."""
        if self._running is not None:
            with contextlib.suppress(Exception):
                self._running.result()
            self.collect()

    def collect(self) -> None:
        """Take in what came of the save that ran."""
        running = self._running
        if running is None or not running.done():
            return
        self._running = None
        outcome = running.result()
        self.state, self.message, self._draft = outcome.state, outcome.message, outcome.draft
        if outcome.contents is not None:
            self.contents = outcome.contents
        if outcome.state == SaveState.SAVED:
            if self._first_change is not None:
                self.state = SaveState.UNSAVED
        else:
            self._retry_at = self._clock() + RETRY_AFTER

    def _save_after(self, running: Future[_Outcome], snapshot: ReadingSnapshot) -> _Outcome:
        return self._save(snapshot, running.result().draft)

    def _save(self, snapshot: ReadingSnapshot, former: Draft | None) -> _Outcome:
        """On another thread: work out, encode, write."""
        try:
            contents = snapshot.contents()
        except InputError as error:
            kept = self._rescue(snapshot)
            message = worded(
                "{error} The voxels as they are were kept on this computer, in the folder '{folder}'.",
                error=message_of(error),
                folder=kept.parent.name,
            )
            return _Outcome(snapshot.number, SaveState.FAILED, message, former, None)
        try:
            with tempfile.TemporaryDirectory(prefix="AnnotationQA-", ignore_cleanup_errors=True) as temporary:
                voxels = None
                if contents.segmentation is not None:
                    voxels = Path(temporary) / "draft.seg.nrrd"
                    write_seg_nrrd(voxels, contents.segmentation)
                return self._write(snapshot.number, contents, voxels, former)
        except (AnnotationQAError, OSError) as error:
            return _Outcome(snapshot.number, SaveState.FAILED, message_of(error), former, contents)

    def _write(self, number: int, contents: SnapshotContents, voxels: Path | None, former: Draft | None) -> _Outcome:
        reading = contents.reading
        try:
            if not is_reachable(self._project):
                raise InputError(
                    worded("{folder}: cannot be reached; connect the drive or share.", folder=str(self._project.folder))
                )
            with self._lock:
                draft = self._save_in_project(reading, voxels, former)
        except DraftConflict as error:
            keep_draft(self._kept, reading, voxels, former.sha256 if former else "")
            message = worded("{error} Your work is kept on this computer meanwhile.", error=message_of(error))
            return _Outcome(number, SaveState.CONFLICT, message, former, contents)
        except (AnnotationQAError, OSError) as error:
            keep_draft(self._kept, reading, voxels, former.sha256 if former else "")
            message = worded(
                "{error} Your work is kept on this computer, and written when the project is back.",
                error=message_of(error),
            )
            return _Outcome(number, SaveState.KEPT_HERE, message, former, contents)
        discard_kept(self._kept, reading.case, reading.reader, reading.round)
        return _Outcome(number, SaveState.SAVED, "", draft, contents)

    def _save_in_project(self, reading: Reading, voxels: Path | None, former: Draft | None) -> Draft:
        try:
            return self._project.save_draft(reading, voxels, former)
        except DraftConflict:
            raise
        except AnnotationQAError:
            # the files may be there and only the act in the ledger not: then the next save must follow them
            written = drafts.load_draft(self._project.folder, reading.case, reading.reader, reading.round)
            if written is None or replace(written.reading, segmentation=None) != replace(reading, segmentation=None):
                raise
            return written

    def _rescue(self, snapshot: ReadingSnapshot) -> Path:
        """Keep voxels that do not lie on the image's grid, each layer as a file of its own."""
        folder = self._kept / "other geometry" / snapshot.reading.case
        folder.mkdir(parents=True, exist_ok=True)
        copy = snapshot.segmentation
        for number, layer in enumerate(copy.layers if copy is not None else ()):
            if copy is not None and layer is not None:
                segments = tuple(replace(s, layer=0) for s in copy.segments if s.layer == number)
                segmentation = Segmentation(layer.voxels[None], layer.lattice, segments)
                write_seg_nrrd(folder / f"layer-{number + 1}.seg.nrrd", segmentation)
        return folder


def _gone() -> ReadingSnapshot:
    raise RuntimeError("the case was left")


def message_of(error: Exception) -> Wording | str:
    """What hinders saving, as a sentence."""
    if isinstance(error, AnnotationQAError):
        return error.wording or str(error)
    reason = error.strerror if isinstance(error, OSError) else None
    return worded("The project cannot be written ({reason}).", reason=reason or type(error).__name__)


def is_reachable(project: Project) -> bool:
    """Whether the project's folder is there, which on a network share it may not be for a while."""
    try:
        return (project.folder / PROJECT_FILE).is_file()
    except OSError:
        return False
