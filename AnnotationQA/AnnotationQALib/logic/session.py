"""A reader's session in a project: worklist, progress, and one open case after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import slicer

from AnnotationQACore.checks.problems import ReadingProblem
from AnnotationQACore.errors import AnnotationQAError, InputError, InvalidProtocol, ProjectError, ProtocolError
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.drafts import Draft
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.kept_drafts import discard_kept, kept_draft, kept_folder
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.readings import Reading, StartedFrom
from AnnotationQACore.project.state import SubmittedReading, TaskStatus
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segmentation
from AnnotationQALib.logic.autosave import is_reachable
from AnnotationQALib.logic.case_images import PreparedCase, prepare_images
from AnnotationQALib.logic.case_loading import Locate, load_case
from AnnotationQALib.logic.open_case import CaseContents, OpenCase
from AnnotationQALib.logic.starting_points import Start, StartOffer, load_start, start_offers

__all__ = ["LabelingSession", "LedgerHealth", "ReadingProgress", "SessionHeader", "WorklistRow"]


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

    problems: tuple[str, ...]
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
    has_comments : bool
    """

    item: WorkItem
    number: int
    has_comments: bool


@dataclass(slots=True)
class _Preload:
    item: WorkItem
    future: Future[PreparedCase]


class LabelingSession:
    """One reader at work in one project.

    Everything that needs the scene is done on the thread that calls; voxels are read, encoded and measured by the
    executor. One case is open at a time.

    Parameters
    ----------
    scene : vtkMRMLScene
    project : Project
        Opened with the reader's identity.
    executor : Executor, optional
        Threads by default.
    locate : callable, optional
        Finds the files of a series by its UID, such as in Slicer's DICOM database.
    utc, seconds : callable
        Clocks.

    Attributes
    ----------
    case : OpenCase or None

    Raises
    ------
    ProjectError
        The project was opened without identity, or the identity is no reader of the project.
    ProtocolError
        The protocol in force cannot be read by this version.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        project: Project,
        *,
        executor: Executor | None = None,
        locate: Locate | None = None,
        utc: Callable[[], datetime] = utc_now,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        if project.identity is None:
            raise ProjectError(f"{project.folder}: was opened without identity; choose who you are.")
        if project.identity.member not in project.state.members:
            raise ProjectError(
                f"reader '{project.identity.member}': is unknown to the project; give the lead your public key."
            )
        self.project = project
        self.reader = project.identity.member
        self.case: OpenCase | None = None
        self._scene = scene
        self._lock = threading.Lock()
        self._owns_executor = executor is None
        self._executor = executor or ThreadPoolExecutor(max_workers=3, thread_name_prefix="AnnotationQA")
        self._locate = locate
        self._utc = utc
        self._seconds = seconds
        self._preload: _Preload | None = None
        self._trouble = ""
        self._visited: set[tuple[str, int]] = set()
        self.protocol = self._load_protocol()

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
        """Open a project and begin to work; see `Project.open` for what may be wrong."""
        project = Project.open(folder, identity, clock=utc)
        return cls(scene, project, executor=executor, locate=locate, utc=utc, seconds=seconds)

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
            LedgerHealth((*self.project.problems, *filter(None, [self._trouble])), is_reachable(self.project)),
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
        return tuple(WorklistRow(item, number, bool(item.comments)) for number, item in enumerate(items, start=1))

    def next_item(self) -> WorkItem | None:
        """The next undone case: the first that was not opened in this session, else the first that is not open."""
        is_open = (self.case.item.case, self.case.item.round) if self.case is not None else None
        items = [i for i in self.project.worklist(self.reader) if (i.case, i.round) != is_open]
        fresh = [i for i in items if (i.case, i.round) not in self._visited]
        return next(iter(fresh or items), None)

    def refresh(self) -> SessionHeader:
        """Read what others wrote meanwhile; a project out of reach is told by the header, not raised."""
        if is_reachable(self.project) and self._lock.acquire(blocking=False):
            try:
                self.project.refresh()
            except (AnnotationQAError, OSError) as error:
                self._trouble = str(error)
            else:
                self._trouble = ""
            finally:
                self._lock.release()
        return self.header

    # cases

    def open_case(self, item: WorkItem) -> OpenCase:
        """Show a case with its draft, or, when it was sent back, with the former answers and the comments.

        The case that is open is saved and closed first. Images that `preload` has read are shown at once.

        Raises
        ------
        InputError
            The images are missing or were changed, or the draft or former reading cannot be used; nothing is open then.
        ProjectError, DestinationError
            The case cannot be begun in the ledger.
        """
        self.close_case()
        images = self._images_of(item)
        contents = self._contents(item, images)
        with self._lock:
            if item.status == TaskStatus.ASSIGNED and is_reachable(self.project):
                self.project.start_reading(item.case, item.round)
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

    def open_next(self) -> OpenCase | None:
        """Open the next undone case; None when all is done."""
        item = self.next_item()
        return self.open_case(item) if item is not None else None

    def preload(self, item: WorkItem | None = None) -> None:
        """Begin to read the images of a case, of the next one by default, in the background."""
        item = item or self.next_item()
        if item is None or (self._preload is not None and self._preload.item.case == item.case):
            return
        case = self.project.state.cases[item.case].case
        future = self._executor.submit(_read_images, case, self.protocol, self.project.folder, self._locate)
        self._preload = _Preload(item, future)

    @property
    def is_preloaded(self) -> bool:
        """Whether the next case can be shown at once."""
        return self._preload is not None and self._preload.future.done()

    def submit(self, reasons: Mapping[ReadingProblem, str] | None = None) -> SubmittedReading:
        """Submit the open case and close it; see `OpenCase.submit`."""
        case = self._open()
        submitted = case.submit(reasons)
        case.discard()
        self.case = None
        self._visited.discard((case.item.case, case.item.round))  # should it be sent back, it comes first again
        discard_kept(kept_folder(self.project.id), case.item.case, self.reader, case.item.round)
        return submitted

    def close_case(self) -> None:
        """Save the open case as a draft and take it out of the scene."""
        if self.case is not None:
            self.case.close()
            self.case = None

    def tick(self) -> bool:
        """To be called some times a second on the main thread; True when there is something new to show."""
        return self.case is not None and self.case.tick()

    def start_offers(self) -> tuple[StartOffer, ...]:
        """Readings that the protocol allows the open case to be started from."""
        case = self._open()
        return start_offers(self.project.state, self.protocol, case.item.case, self.reader)

    def start_from(self, offer: StartOffer) -> Start:
        """Let the open case start from another reading; see `OpenCase.start_from`."""
        start = load_start(self.project, offer)
        self._open().start_from(start)
        return start

    def close(self) -> None:
        """Save and close the case, keep a snapshot of the ledger, end the threads."""
        self.close_case()
        if self._preload is not None:
            self._preload.future.cancel()
            self._preload = None
        if is_reachable(self.project):
            with self._lock:
                self.project.close()
        if self._owns_executor:
            self._executor.shutdown(wait=True, cancel_futures=True)

    # inside

    def _open(self) -> OpenCase:
        if self.case is None:
            raise InputError("no case is open; choose one from the worklist.")
        return self.case

    def _load_protocol(self) -> Protocol:
        try:
            return self.project.protocol()
        except ProtocolError as error:
            record = self.project.state.protocols[-1]
            first = error.problems[0].rstrip(".") if isinstance(error, InvalidProtocol) else str(error)
            raise ProtocolError(
                f"protocol '{record.title}' {record.version}: cannot be read by this version of AnnotationQA; "
                f"update the extension, or ask the lead ({first})."
            ) from error

    def _images_of(self, item: WorkItem) -> PreparedCase:
        preload, self._preload = self._preload, None
        if preload is not None and preload.item.case == item.case:
            return preload.future.result()
        if preload is not None:
            preload.future.cancel()
        case = self.project.state.cases[item.case].case
        return _read_images(case, self.protocol, self.project.folder, self._locate)

    def _contents(self, item: WorkItem, images: PreparedCase) -> CaseContents:
        """Draft, former revision, or nothing: what the reading goes on from."""
        notices: list[str] = []
        draft = self._draft(item)
        kept = kept_draft(kept_folder(self.project.id), item.case, self.reader, item.round)
        source, path = (draft.reading, draft.segmentation) if draft is not None else (None, None)
        if kept is not None and kept.draft.reading.revision == item.revision:
            if kept.follows == (draft.sha256 if draft is not None else ""):
                source, path = kept.draft.reading, kept.draft.segmentation
                notices.append("Work that was kept on this computer was resumed.")
            else:
                notices.append(
                    "Work kept on this computer and the draft in the project differ: another session saved it "
                    "meanwhile. The draft of the project is shown; the other is still kept."
                )
        elif draft is not None:
            notices.append("Your draft was resumed.")
        if source is None and item.revision > 1:
            former, path = self._former(item)
            source = replace(former.next_revision(), started_from=StartedFrom(former.id))
        reading = source or Reading(item.case, self.reader, item.round, item.revision, self.protocol.hash)
        if reading.protocol != self.protocol.hash:
            notices.append(
                f"The protocol was changed since; the reading goes on under version {self.protocol.version}. "
                "Answers to items that are no longer asked are left out when it is submitted."
            )
            reading = replace(reading, protocol=self.protocol.hash)
        return CaseContents(images, reading, self._voxels(path), draft, tuple(notices), self._start_of(reading))

    def _draft(self, item: WorkItem) -> Draft | None:
        if not is_reachable(self.project):
            return None
        with self._lock:
            return self.project.load_draft(item.case, item.round)

    def _former(self, item: WorkItem) -> tuple[Reading, Path | None]:
        state = self.project.state
        former = [
            r
            for r in state.readings.get(item.case, ())
            if (r.reader, r.round, r.revision) == (self.reader, item.round, item.revision - 1)
        ]
        if not former:
            raise InputError(f"case '{item.case}': its former reading is missing; ask the lead to verify the project.")
        return self.project.load_reading(former[0]), self.project.segmentation_path(former[0])

    def _start_of(self, reading: Reading) -> Segmentation | None:
        """Voxels that a resumed reading was started from; None when they cannot be found again."""
        started = reading.started_from
        submitted = self.project.state.reading(started.reading) if started is not None else None
        return self._voxels(self.project.segmentation_path(submitted)) if submitted is not None else None

    def _voxels(self, path: Path | None) -> Segmentation | None:
        return read_segmentation(path) if path is not None else None


def _read_images(case: Case, protocol: Protocol, project: Path, locate: Locate | None) -> PreparedCase:
    """Read and prepare the images of a case; runs on any thread."""
    return prepare_images(load_case(case, protocol, project, locate=locate))
