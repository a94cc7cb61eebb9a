"""A case on a reader's desk: images, reading, draft, read-outs, checks, and the way to submit it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from datetime import datetime

import slicer

from AnnotationQACore.checks.problems import ReadingProblem
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.answers import Answer
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic.activity import ActivityRecorder
from AnnotationQALib.logic.autosave import Autosave
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.case_contents import CaseContents
from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.comment_pins import CommentPins
from AnnotationQALib.logic.form import ItemKey, form_key
from AnnotationQALib.logic.image_sources import image_sources
from AnnotationQALib.logic.measuring import Measured, Measuring
from AnnotationQALib.logic.presentation import AppliedView, apply_view
from AnnotationQALib.logic.reading_checks import CheckedReading, check_snapshot, deleted_segments, with_reasons
from AnnotationQALib.logic.reading_editor import ReadingEditor
from AnnotationQALib.logic.reading_snapshot import ReadingSnapshot, SnapshotContents
from AnnotationQALib.logic.readouts import Readout
from AnnotationQALib.logic.saved_segments import SavedSegments
from AnnotationQALib.logic.scene_starts import keep_start, matched_segments
from AnnotationQALib.logic.starting_points import Start, StartKind
from AnnotationQALib.logic.submission import submit_reading

__all__ = ["OpenCase"]


class OpenCase:
    """A case while it is read.

    `tick` is called some times a second on the main thread: it saves, measures in the background, and takes in results.

    Attributes
    ----------
    item : WorkItem
    protocol : Protocol
    images : CaseImages
    editor : ReadingEditor
    autosave : Autosave
    activity : ActivityRecorder
    pins : CommentPins
        The reviewer's comments in the image, of a case that was sent back.
    sources : mapping of role to ImageSource
        The images as checks and measurements need them.
    readouts : mapping of ItemKey to Readout
        What was measured last.
    notices : tuple of Notice
        What the reader should know on opening, such as that a draft was resumed.
    keeping_start : Future or None
        Keeps what the reading was started from on this computer.
    is_submitting : bool
        While it is, nothing is saved, and the reading must not be changed.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        project: Project,
        lock: threading.Lock,
        executor: Executor,
        protocol: Protocol,
        item: WorkItem,
        contents: CaseContents,
        utc: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self.item = item
        self.protocol = protocol
        self.notices = contents.notices
        self._scene = scene
        self._project = project
        self._lock = lock
        self._executor = executor
        titles = {role.id: role.title for role in protocol.imaging.series}
        self.images = CaseImages(scene, contents.images, titles)
        try:
            self.editor = ReadingEditor(scene, protocol, self.images, contents.reading, contents.segmentation)
        except BaseException:
            self.images.remove()
            raise
        self.editor.remember_start(contents.start)
        self.activity = ActivityRecorder(protocol.design.idle_seconds, utc, contents.reading.activity)
        self.autosave = Autosave(project, lock, self._snapshot, executor, contents.draft, seconds)
        self.pins = CommentPins(scene, self.images, item.comments)
        self.sources = image_sources(contents.images.loaded, self.images)
        self.readouts: Mapping[ItemKey, Readout] = {}
        self.is_submitting = False
        self.keeping_start: Future[None] | None = None
        self._measuring = Measuring(self._snapshot, lambda: self.editor.changes, self.sources, executor, seconds)
        self._saved = SavedSegments(contents.segmentation)
        self._reader = contents.reading.reader
        self.editor.observe(self._on_change)

    @property
    def case_id(self) -> str:
        """ID of the case."""
        return self.item.case

    def show(self, key: ItemKey | None = None) -> AppliedView:
        """Show the images as an item wants them, or as the protocol does."""
        item = self.protocol.item(key.item) if key is not None else None
        return apply_view(self._scene, self.images, self.protocol, item)

    def select(self, key: ItemKey | None) -> None:
        """Take note of the item the reader works on, for the record of time."""
        self.activity.act(key.item if key is not None else "")

    # saving and measuring

    def tick(self) -> bool:
        """Save, measure, and take in what was done in the background; True when there is something new to show."""
        is_news = not self.is_submitting and self.autosave.tick()
        self._remember_saved()
        return self._take_measured(self._measuring.tick()) or is_news

    def measured(self) -> None:
        """Wait until what is drawn has been measured, and take in the results."""
        self._take_measured(self._measuring.finish())

    # checking and submitting

    def check(self) -> tuple[ReadingProblem, ...]:
        """What is wrong with the reading as it stands, errors first; waits for it."""
        return self.take_check(self.begin_check().result())

    def begin_check(self) -> BackgroundTask[CheckedReading]:
        """Begin to check the reading as it stands; `take_check` is to be called with the result."""
        snapshot, sources, deleted = self._snapshot(), self.sources, deleted_segments(self.editor, self.protocol)
        return BackgroundTask(self._executor, lambda progress: check_snapshot(snapshot, sources, deleted, progress))

    def take_check(self, checked: CheckedReading) -> tuple[ReadingProblem, ...]:
        """Take note of what the checks found, so that the form shows it in its states; returns the problems."""
        self._note_voxels(checked.contents)
        by_key: dict[ItemKey, list[Wording]] = {}
        for problem in checked.problems:
            by_key.setdefault(form_key(self.protocol, problem.item, problem.subject), []).append(problem.wording)
        self.editor.note_problems(by_key)
        return checked.problems

    def begin_submit(
        self, checked: CheckedReading, reasons: Mapping[ReadingProblem, str] | None = None
    ) -> BackgroundTask[SubmittedReading]:
        """Begin to sign a checked reading into the ledger; afterwards the case is closed by its session.

        The draft is written first, so that nothing is lost should the submission fail or be cancelled.

        Parameters
        ----------
        checked : CheckedReading
            Of the reading as it stands.
        reasons : mapping of ReadingProblem to str
            Why the reading is right although a check warns; every warning needs one, given here or before.

        Raises
        ------
        InputError
            At once: an error stands, a warning is without reason, or the reading was changed since it was checked.
            By the task: another session saved the draft meanwhile, or the reading was changed while it was submitted.
        ProjectError, DestinationError
            By the task, see `submit_reading`.
        """
        self._require_unchanged(checked)
        reading = with_reasons(checked.contents.reading, checked.problems, reasons or {})
        self.autosave.begin_last()
        self.is_submitting = True
        return BackgroundTask(
            self._executor,
            lambda progress: submit_reading(
                self._project,
                self._lock,
                self.autosave,
                reading,
                checked.contents.segmentation,
                lambda: self._require_unchanged(checked),
                progress,
            ),
        )

    # starting from something else, and going back

    def start_from(self, start: Start) -> None:
        """Take another reading over as a start; what was drawn and answered so far is replaced.

        Raises
        ------
        InputError
            The protocol does not allow it, or its segmentation lies on another geometry.
        """
        self.editor.start_from(start)
        self._saved.start_from(start.segmentation)
        if start.name and start.segmentation is not None:
            place = (self._project.id, self.item.case, start.reading.reader, self.item.round)
            self.keeping_start = self._executor.submit(keep_start, *place, start.segmentation)

    def start_from_node(self, node: slicer.vtkMRMLSegmentationNode, name: str) -> tuple[str, ...]:
        """Take over the segments of another segmentation of the scene, such as that of a model; answers stay.

        Parameters
        ----------
        node : vtkMRMLSegmentationNode
        name : str
            Of what has made it, which goes into the reading.

        Returns
        -------
        tuple of str
            Names of its segments that the protocol does not ask for; they are not taken over.

        Raises
        ------
        InputError
            The protocol does not allow it or asks for no segmentations, or it lies on another geometry.
        """
        grid = self.editor.snapshot().grid
        if grid is None:
            raise InputError(worded("segmentation: the protocol asks for none."))
        matched = matched_segments(node, self.protocol, grid)
        reading = Reading(self.item.case, self._reader, self.item.round, self.item.revision, self.protocol.hash)
        self.start_from(Start(StartKind.MODEL, reading, matched.segmentation, name))
        return matched.others

    def restore_segment(self, key: ItemKey) -> None:
        """Bring a deleted segment back as it was at the last save."""
        self._remember_saved()
        self.editor.drawing.restore_segment(key, self._saved.holding(key))

    # leaving

    def leave(self) -> None:
        """Take everything out of the scene; `autosave` goes on to save the draft in the background."""
        self.activity.pause()
        self.autosave.leave()
        self.discard()

    def discard(self) -> None:
        """Take everything out of the scene without saving, such as after submitting."""
        self._measuring.drop()
        self.pins.remove()
        self.editor.close()
        self.images.remove()

    # inside

    def _on_change(self) -> None:
        self._measuring.changed()
        self.activity.act()
        self.autosave.changed()

    def _snapshot(self) -> ReadingSnapshot:
        return self.editor.snapshot(self.activity.intervals())

    def _take_measured(self, measured: Measured | None) -> bool:
        if measured is None:
            return False
        self.readouts = measured.readouts
        self._note_voxels(measured.contents)
        return True

    def _note_voxels(self, contents: SnapshotContents) -> None:
        derived: list[Answer] = [
            answer for answer in contents.reading.answers if getattr(self.protocol.item(answer.item), "derived", False)
        ]
        self.editor.note_voxels(contents.voxels, derived)

    def _remember_saved(self) -> None:
        if self.autosave.contents is not None:
            self._saved.remember(self.autosave.contents.segmentation)

    def _require_unchanged(self, checked: CheckedReading) -> None:
        if self.editor.changes != checked.number:
            raise InputError(worded("the reading was changed while it was submitted; look at it, and submit it again."))
