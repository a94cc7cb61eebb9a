"""A reader's session in a project: worklist, progress, and one open case after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import slicer

from AnnotationQACore.checks.problems import ReadingProblem
from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.identities import Identity, user_folder
from AnnotationQACore.project.kept_drafts import discard_kept, kept_folder
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.state import SubmittedReading, TaskStatus
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic.autosave import Autosave, SaveState, is_reachable, message_of
from AnnotationQALib.logic.background import BackgroundTask, Workers
from AnnotationQALib.logic.case_contents import CaseContents, load_contents
from AnnotationQALib.logic.case_images import PreparedCase, prepare_images
from AnnotationQALib.logic.case_loading import Locate, load_case
from AnnotationQALib.logic.display_names import hides_names, shown_names
from AnnotationQALib.logic.open_case import CheckedReading, OpenCase
from AnnotationQALib.logic.project_opening import OpenedProject, open_project
from AnnotationQALib.logic.scene_starts import discard_start
from AnnotationQALib.logic.screen_text import without_paths
from AnnotationQALib.logic.starting_points import Start, StartOffer, load_start, start_offers

__all__ = ["LabelingSession", "LedgerHealth", "ReadingProgress", "SessionHeader", "WorklistRow"]


FOLLOW_SECONDS = 0.1


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


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """A row of the worklist; gold cases and repeats look like all others.

    Attributes
    ----------
    item : WorkItem
    number : int
        Place in the list, from 1.
    name : str
        What the case is called on the screen.
    has_comments : bool
    """

    item: WorkItem
    number: int
    name: str
    has_comments: bool


@dataclass(frozen=True, slots=True)
class _Preload:
    item: WorkItem
    task: BackgroundTask[PreparedCase]


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
    save_problems : list of Wording or str
        Cases that were left and whose draft could not be saved in the project, one line each; taken by the panel.
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
        self._locate = locate
        self._utc = utc
        self._seconds = seconds
        self._preload: _Preload | None = None
        self._trouble: Wording | str = ""
        self._is_reachable = True
        self._refreshing: BackgroundTask[None] | None = None
        self._leaving: list[tuple[WorkItem, Autosave]] = []
        self.save_problems: list[Wording | str] = []
        self._visited: set[tuple[str, int]] = set()

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
        return SessionHeader(
            self.project.name,
            self.reader,
            self.protocol.title,
            self.protocol.version,
            self.progress,
            LedgerHealth((*self.project.problems, *filter(None, [self._trouble])), self._can_be_reached()),
        )

    @property
    def progress(self) -> ReadingProgress:
        """How far the reader is, over all cases that are offered by now."""
        items = self.project.worklist(self.reader, with_done=True)
        read = sum(item.status == TaskStatus.SUBMITTED for item in items)
        sent_back = sum(item.status == TaskStatus.SENT_BACK for item in items)
        return ReadingProgress(read, len(items), sent_back)

    def worklist(self, with_done: bool = False) -> tuple[WorklistRow, ...]:
        """The reader's cases: sent back first, then drafts, then the others in their order."""
        items = self.project.worklist(self.reader, with_done)
        names = self._names()
        return tuple(
            WorklistRow(item, number, names.get((item.case, item.round), item.case), bool(item.comments))
            for number, item in enumerate(items, start=1)
        )

    def name_of(self, item: WorkItem) -> str:
        """What a case is called on the screen; where there are repeats or gold cases this is not its ID."""
        return self._names().get((item.case, item.round), item.case)

    def next_item(self) -> WorkItem | None:
        """The next undone case: the first that was not opened in this session, else the first that is not open."""
        is_open = (self.case.item.case, self.case.item.round) if self.case is not None else None
        items = [i for i in self.project.worklist(self.reader) if (i.case, i.round) != is_open]
        fresh = [i for i in items if (i.case, i.round) not in self._visited]
        return next(iter(fresh or items), None)

    def screen_line(self, line: str, item: WorkItem | None = None) -> str:
        """A message as the screen may show it: without places on disks, and with the case's name on the screen.

        Parameters
        ----------
        line : str
        item : WorkItem, optional
            That it may be about; the open case by default.
        """
        words = {str(self.project.folder): "the project", str(user_folder()): "the user's folder"}
        item = item or (self.case.item if self.case is not None else None)
        if item is not None:
            words[item.case] = self.name_of(item)
            series = self.project.state.cases[item.case].case.series
            words |= {one.location: "the images" for one in series if "/" in one.location or "\\" in one.location}
        return without_paths(line, words)

    def refresh(self) -> SessionHeader:
        """Read what others wrote meanwhile; a project out of reach is told by the header, not raised."""
        self._refresh(silent)
        return self.header

    def begin_refresh(self) -> None:
        """Begin to read what others wrote meanwhile; `header` and `worklist` tell it when it is there."""
        if self._refreshing is None or self._refreshing.is_done:
            self._refreshing = BackgroundTask(self._executor, self._refresh)

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
        images = self._images_of(item)
        state = self.project.state
        leaving = [autosave for left, autosave in self._leaving if (left.case, left.round) == (item.case, item.round)]
        if self.case is not None and (self.case.item.case, self.case.item.round) == (item.case, item.round):
            leaving.append(self._leave_case())

        def work(progress: Progress) -> CaseContents:
            try:
                prepared = _followed(images, progress)
            except BaseException:
                images.cancel()
                raise
            for autosave in leaving:  # the same case was left a moment ago
                autosave.written()
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
        self._visited.add((item.case, item.round))
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
        if item is None or (self._preload is not None and self._preload.item.case == item.case):
            return
        if self._preload is not None:
            self._preload.task.cancel()
        self._preload = _Preload(item, self._begin_images(item))

    @property
    def is_preloaded(self) -> bool:
        """Whether the next case can be shown at once."""
        return self._preload is not None and self._preload.task.is_done

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
        self._visited.discard((case.item.case, case.item.round))  # should it be sent back, it comes first again
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
        """Take the open case out of the scene; its draft is saved in the background, see `save_problems`.

        Parameters
        ----------
        comes_next : bool
            Whether it is offered again as if it had not been opened, such as when the scene was closed.
        """
        if self.case is not None:
            if comes_next:
                self._visited.discard((self.case.item.case, self.case.item.round))
            self._leave_case()

    def wait_for_drafts(self) -> None:
        """Wait until the drafts of all cases that were left are written."""
        for _, autosave in self._leaving:
            autosave.wait()
        self._collect_drafts()

    def tick(self) -> bool:
        """To be called some times a second on the main thread; True when there is something new to show."""
        self._collect_drafts()
        return self.case is not None and self.case.tick()

    @property
    def is_working(self) -> bool:
        """Whether threads of this session have work to do."""
        return bool(getattr(self._executor, "is_working", False))

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

    def close(self) -> None:
        """Save and close the case, keep a snapshot of the ledger, end the threads; waits for all of it."""
        self.close_case()
        self.wait_for_drafts()
        if self._preload is not None:
            self._preload.task.cancel()
            self._preload = None
        if is_reachable(self.project):
            with self._lock:
                self.project.close()
        if self._owns_executor:
            self._executor.shutdown(wait=True, cancel_futures=True)

    # inside

    def _open(self) -> OpenCase:
        if self.case is None:
            raise InputError(worded("no case is open; choose one from the worklist."))
        return self.case

    def _leave_case(self) -> Autosave:
        case = self._open()
        self.case = None
        autosave = case.leave()
        self._leaving.append((case.item, autosave))
        return autosave

    def _collect_drafts(self) -> None:
        """Take in what came of the last saves of cases that were left."""
        still = []
        for item, autosave in self._leaving:
            autosave.collect()
            if autosave.has_unsaved:
                still.append((item, autosave))
            elif autosave.state not in (SaveState.SAVED, SaveState.UNSAVED):
                self.save_problems.append(autosave.message)
        self._leaving = still

    def _names(self) -> dict[tuple[str, int], str]:
        state = self.project.state
        if not hides_names(state, self.protocol.design.repeat_fraction):
            return {}
        return shown_names(state, self.project.id, self.reader)

    def _can_be_reached(self) -> bool:
        """As of the last time that the background looked: a share that is gone may block for seconds."""
        is_kept_here = self.case is not None and self.case.autosave.state == SaveState.KEPT_HERE
        return self._is_reachable and not is_kept_here

    def _refresh(self, _progress: Progress) -> None:
        """On any thread."""
        self._is_reachable = is_reachable(self.project)
        if not self._is_reachable:
            return
        try:
            with self._lock:
                self.project.refresh()
        except (AnnotationQAError, OSError) as error:
            self._trouble = message_of(error)
        else:
            self._trouble = ""

    def _images_of(self, item: WorkItem) -> BackgroundTask[PreparedCase]:
        preload, self._preload = self._preload, None
        if preload is not None and preload.item.case == item.case:
            return preload.task
        if preload is not None:
            preload.task.cancel()
        return self._begin_images(item)

    def _begin_images(self, item: WorkItem) -> BackgroundTask[PreparedCase]:
        """Begin to read and prepare the images of a case; a DICOM database is asked here, on the main thread."""
        case = self.project.state.cases[item.case].case
        wanted = [series.uid for series in case.series if series.uid and not series.location]
        files = {uid: tuple(self._locate(uid)) for uid in wanted} if self._locate is not None else {}
        protocol, folder = self.protocol, self.project.folder

        def work(progress: Progress) -> PreparedCase:
            loaded = load_case(case, protocol, folder, locate=lambda uid: files.get(uid, ()), progress=progress)
            return prepare_images(loaded)

        return BackgroundTask(self._executor, work)


def _followed(images: BackgroundTask[PreparedCase], progress: Progress) -> PreparedCase:
    """Wait for images that another thread reads, and report its progress."""
    while not images.is_done:
        progress(images.progress.done, images.progress.total, images.progress.message)
        images.wait(FOLLOW_SECONDS)
    return images.result()
