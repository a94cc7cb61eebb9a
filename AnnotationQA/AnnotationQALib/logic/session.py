"""A reader's session in a project: one open case after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import slicer

from AnnotationQACore.checks.problems import ReadingProblem
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.kept_drafts import discard_kept, kept_folder
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.state import SubmittedReading, TaskStatus
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.autosave import SaveState, is_reachable
from AnnotationQALib.logic.background import BackgroundTask, Workers
from AnnotationQALib.logic.case_contents import CaseContents, load_contents
from AnnotationQALib.logic.case_loading import Locate
from AnnotationQALib.logic.ledger_watch import LedgerWatch
from AnnotationQALib.logic.left_drafts import LeftDrafts, SaveProblem
from AnnotationQALib.logic.open_case import CheckedReading, OpenCase
from AnnotationQALib.logic.project_opening import OpenedProject, open_project
from AnnotationQALib.logic.read_ahead import ReadAhead, followed
from AnnotationQALib.logic.reader_worklist import ReaderWorklist, WorklistRow, is_same_task
from AnnotationQALib.logic.scene_starts import discard_start
from AnnotationQALib.logic.session_header import ReadingProgress, SessionHeader
from AnnotationQALib.logic.starting_points import Start, StartOffer, load_start, start_offers

__all__ = ["LabelingSession"]


class LabelingSession:
    """One reader at work in one project.

    Everything that needs the scene is done on the thread that calls; files are read, hashed, encoded and written, and
    voxels measured, by the executor. What takes long has a ``begin_...`` that gives a `BackgroundTask`, and a
    ``finish_...`` for its result; the method without prefix does both and waits. One case is open at a time.

    Parameters
    ----------
    scene : vtkMRMLScene
    opened : OpenedProject
        By the reader's identity.
    executor : Executor, optional
        Threads by default.
    locate : callable, optional
        Finds the files of a series by its UID, such as in Slicer's DICOM database; called on the main thread.
    utc, seconds : callable
        Clocks.

    Attributes
    ----------
    case : OpenCase or None
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        opened: OpenedProject,
        *,
        executor: Executor | None = None,
        locate: Locate | None = None,
        utc: Callable[[], datetime] = utc_now,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.project = opened.project
        self.protocol = opened.protocol
        self.reader = opened.reader
        self.case: OpenCase | None = None
        self._scene = scene
        self._lock = threading.Lock()
        self._owns_executor = executor is None
        self._executor = executor or Workers(3, "AnnotationQA")
        self._utc = utc
        self._seconds = seconds
        self._cases = ReaderWorklist(self.project, self.protocol, self.reader)
        self._images = ReadAhead(self.project, self.protocol, self._executor, locate)
        self._ledger = LedgerWatch(self.project, self._lock, self._executor)
        self._drafts = LeftDrafts()

    @classmethod
    def open(
        cls,
        scene: slicer.vtkMRMLScene,
        folder: Path | str,
        identity: Identity,
        *,
        executor: Executor | None = None,
        locate: Locate | None = None,
        utc: Callable[[], datetime] = utc_now,
        seconds: Callable[[], float] = time.monotonic,
    ) -> LabelingSession:
        """Read a project and begin to work; see `open_project` for what may be wrong."""
        opened = open_project(folder, identity, utc=utc)
        return cls(scene, opened, executor=executor, locate=locate, utc=utc, seconds=seconds)

    # what the reader sees

    @property
    def header(self) -> SessionHeader:
        """Project, protocol, progress and health as of the last refresh."""
        health = self._ledger.health
        if self.case is not None and self.case.autosave.state == SaveState.KEPT_HERE:
            health = replace(health, is_reachable=False)
        return SessionHeader(
            self.project.name, self.reader, self.protocol.title, self.protocol.version, self.progress, health
        )

    @property
    def progress(self) -> ReadingProgress:
        """How far the reader is, over all cases that are offered by now."""
        return self._cases.progress

    def worklist(self, with_done: bool = False) -> tuple[WorklistRow, ...]:
        """The reader's cases: sent back first, then drafts, then the others in their order."""
        return self._cases.rows(with_done)

    def name_of(self, item: WorkItem) -> str:
        """What a case is called on the screen; where there are repeats or gold cases this is not its ID."""
        return self._cases.name_of(item)

    def next_item(self) -> WorkItem | None:
        """The next undone case: the first that was not opened in this session, else the first that is not open."""
        return self._cases.next(besides=self.case.item if self.case is not None else None)

    def screen_line(self, line: str, item: WorkItem | None = None, translate: Callable[[str], str] = str) -> str:
        """A message as the screen may show it, see `ReaderWorklist.screen_line`; about the open case by default."""
        about = item or (self.case.item if self.case is not None else None)
        return self._cases.screen_line(line, about, translate)

    def refresh(self) -> SessionHeader:
        """Read what others wrote meanwhile; a project out of reach is told by the header, not raised."""
        self._ledger.refresh()
        return self.header

    def begin_refresh(self) -> None:
        """Begin to read what others wrote meanwhile; `header` and `worklist` tell it when it is there."""
        self._ledger.begin_refresh()

    # opening a case

    def begin_opening(self, item: WorkItem) -> BackgroundTask[CaseContents]:
        """Begin to read a case; the one that is open stays open until `finish_opening`.

        The task raises
        ---------------
        InputError
            The images are missing or were changed, or the draft or former reading cannot be used.
        ProjectError, DestinationError
            The case cannot be begun in the ledger.
        """
        images = self._images.take(item)
        state = self.project.state
        if self.case is not None and is_same_task(self.case.item, item):
            self.close_case()
        wait_for_draft = self._drafts.waiting_for(item)  # the same case may have been left a moment ago

        def work(progress: Progress) -> CaseContents:
            prepared = followed(images, progress)
            wait_for_draft()
            contents = load_contents(self.project, state, self._lock, self.protocol, item, prepared)
            progress(1, 1)
            with self._lock:
                if item.status == TaskStatus.ASSIGNED and is_reachable(self.project):
                    self.project.start_reading(item.case, item.round)
            return contents

        return BackgroundTask(self._executor, work)

    def finish_opening(self, item: WorkItem, contents: CaseContents) -> OpenCase:
        """Show a case that was read; the one that is open is left, and its draft saved in the background.

        Raises
        ------
        InputError
            The former drawing lies on another geometry than the images; nothing is open then.
        """
        self.close_case()
        self.case = OpenCase(
            self._scene,
            self.project,
            self._lock,
            self._executor,
            self.protocol,
            item,
            contents,
            self._utc,
            self._seconds,
        )
        self._cases.visit(item)
        self.case.activity.act("")
        return self.case

    def open_case(self, item: WorkItem) -> OpenCase:
        """Show a case with its draft, or, when it was sent back, with the former answers and the comments."""
        self.close_case()
        return self.finish_opening(item, self.begin_opening(item).result())

    def open_next(self) -> OpenCase | None:
        """Open the next undone case; None when all is done."""
        item = self.next_item()
        return self.open_case(item) if item is not None else None

    def preload(self, item: WorkItem | None = None) -> None:
        """Begin to read the images of a case, of the next one by default, in the background."""
        item = item or self.next_item()
        if item is not None:
            self._images.begin(item)

    @property
    def is_preloaded(self) -> bool:
        """Whether the next case can be shown at once."""
        return self._images.is_ready

    def start_offers(self) -> tuple[StartOffer, ...]:
        """Readings that the protocol allows the open case to be started from."""
        item = self._open().item
        return start_offers(self.project.state, self.protocol, item.case, self.reader, item.round)

    def begin_start(self, offer: StartOffer) -> BackgroundTask[Start]:
        """Begin to read what the open case is to be started from; see `OpenCase.start_from`."""
        return BackgroundTask(self._executor, lambda _progress: load_start(self.project, offer))

    def start_from(self, offer: StartOffer) -> Start:
        """Let the open case start from another reading."""
        start = self.begin_start(offer).result()
        self._open().start_from(start)
        return start

    # working on it

    def tick(self) -> bool:
        """To be called some times a second on the main thread; True when there is something new to show."""
        self._drafts.collect()
        return self.case is not None and self.case.tick()

    @property
    def is_working(self) -> bool:
        """Whether threads of this session have work to do."""
        return bool(getattr(self._executor, "is_working", False))

    # submitting and leaving it

    def begin_submit(
        self, checked: CheckedReading, reasons: Mapping[ReadingProblem, str] | None = None
    ) -> BackgroundTask[SubmittedReading]:
        """Begin to submit the open case; see `OpenCase.begin_submit`."""
        return self._open().begin_submit(checked, reasons)

    def finish_submit(self, task: BackgroundTask[SubmittedReading]) -> SubmittedReading:
        """Close the case that was submitted; raises what hindered it, and the case stays open then."""
        case = self._open()
        case.is_submitting = False
        submitted = task.result()
        case.discard()
        self.case = None
        self._cases.offer_again(case.item)  # should it be sent back, it comes first
        discard_kept(kept_folder(self.project.id), case.item.case, self.reader, case.item.round)
        discard_start(self.project.id, case.item.case, self.reader, case.item.round)
        return submitted

    def submit(self, reasons: Mapping[ReadingProblem, str] | None = None) -> SubmittedReading:
        """Check and submit the open case, and close it."""
        case = self._open()
        checked = case.begin_check().result()
        case.take_check(checked)
        return self.finish_submit(case.begin_submit(checked, reasons))

    def close_case(self, comes_next: bool = False) -> None:
        """Take the open case out of the scene; its draft is saved in the background, see `take_save_problems`.

        Parameters
        ----------
        comes_next : bool
            Whether it is offered again as if it had not been opened, such as when the scene was closed.
        """
        case = self.case
        if case is None:
            return
        if comes_next:
            self._cases.offer_again(case.item)
        self.case = None
        case.leave()
        self._drafts.add(case.item, case.autosave, case.keeping_start)

    def take_save_problems(self) -> tuple[SaveProblem, ...]:
        """Cases that were left since, and whose draft could not be saved in the project."""
        return self._drafts.take_problems()

    # leaving the project

    def begin_close(self) -> BackgroundTask[None]:
        """Take the open case out of the scene, and begin to write what is to be kept; nothing else may follow.

        The task writes all drafts, and a snapshot of the ledger for a quick opening. It must not be cancelled.
        """
        self.close_case()
        self._images.cancel()
        wait_for_drafts = self._drafts.waiting_for()

        def work(_progress: Progress) -> None:
            wait_for_drafts()
            if is_reachable(self.project):
                with self._lock:
                    self.project.close()

        return BackgroundTask(self._executor, work)

    def finish_close(self, task: BackgroundTask[None]) -> tuple[SaveProblem, ...]:
        """End the threads; waits until all is written, and returns which drafts could not be saved in the project."""
        task.wait()
        self._drafts.collect()
        if self._owns_executor:
            self._executor.shutdown(wait=False, cancel_futures=True)
        task.result()
        return self.take_save_problems()

    def close(self) -> tuple[SaveProblem, ...]:
        """Save and close the case, keep a snapshot of the ledger, end the threads; waits for all that is written."""
        return self.finish_close(self.begin_close())

    # inside

    def _open(self) -> OpenCase:
        if self.case is None:
            raise InputError(worded("no case is open; choose one from the worklist."))
        return self.case
