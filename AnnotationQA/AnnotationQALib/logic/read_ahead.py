"""Images of cases, read and prepared beside the main thread: those that are wanted, and the next ones ahead."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from AnnotationQACore.progress import Progress
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.case_images import PreparedCase, prepare_images
from AnnotationQALib.logic.case_loading import Locate, load_case

__all__ = ["ReadAhead", "followed"]

FOLLOW_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Begun:
    case: str
    task: BackgroundTask[PreparedCase]


class ReadAhead:
    """Reads the images of one case ahead, and gives them to whoever opens it.

    Parameters
    ----------
    project : Project
    protocol : Protocol
        In force.
    executor : Executor
    locate : callable, optional
        Finds the files of a series by its UID, such as in Slicer's DICOM database; called on the main thread.
    """

    def __init__(self, project: Project, protocol: Protocol, executor: Executor, locate: Locate | None) -> None:
        self._project = project
        self._protocol = protocol
        self._executor = executor
        self._locate = locate
        self._ahead: _Begun | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the case that was read ahead can be shown at once."""
        return self._ahead is not None and self._ahead.task.is_done

    def begin(self, item: WorkItem) -> None:
        """Begin to read the images of a case ahead; those of another are let go."""
        if self._ahead is None or self._ahead.case != item.case:
            self.cancel()
            self._ahead = _Begun(item.case, self._read(item))

    def take(self, item: WorkItem) -> BackgroundTask[PreparedCase]:
        """The images of a case that is opened, which may have been read ahead."""
        ahead = self._ahead
        if ahead is None or ahead.case != item.case:
            self.cancel()
            return self._read(item)
        self._ahead = None
        return ahead.task

    def cancel(self) -> None:
        """Nobody wants what is read ahead."""
        if self._ahead is not None:
            self._ahead.task.cancel()
        self._ahead = None

    def _read(self, item: WorkItem) -> BackgroundTask[PreparedCase]:
        case = self._project.state.cases[item.case].case
        wanted = [series.uid for series in case.series if series.uid and not series.location]
        files = {uid: tuple(self._locate(uid)) for uid in wanted} if self._locate is not None else {}
        protocol, folder = self._protocol, self._project.folder

        def work(progress: Progress) -> PreparedCase:
            loaded = load_case(case, protocol, folder, locate=lambda uid: files.get(uid, ()), progress=progress)
            return prepare_images(loaded)

        return BackgroundTask(self._executor, work)


def followed(images: BackgroundTask[PreparedCase], progress: Progress) -> PreparedCase:
    """Wait for images that another thread reads, and report its progress; cancelled, they are not wanted any more."""
    try:
        while not images.is_done:
            progress(images.progress.done, images.progress.total, images.progress.message)
            images.wait(FOLLOW_SECONDS)
        return images.result()
    except BaseException:
        images.cancel()
        raise
