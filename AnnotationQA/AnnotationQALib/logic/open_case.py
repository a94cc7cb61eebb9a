"""A case on a reader's desk: images, reading, draft, checks, and the way to submit it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import slicer

from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQACore.checks.plausibility import check_reading
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity
from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.interchange.seg_nrrd import write_seg_nrrd
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.answers import Answer, segment_id
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic.activity import ActivityRecorder
from AnnotationQALib.logic.autosave import Autosave, SaveState, is_reachable
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.case_contents import CaseContents
from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.case_loading import LoadedCase
from AnnotationQALib.logic.comment_pins import CommentPins
from AnnotationQALib.logic.form import ItemKey, form_key
from AnnotationQALib.logic.presentation import AppliedView, apply_view
from AnnotationQALib.logic.reading_editor import ReadingEditor
from AnnotationQALib.logic.reading_snapshot import SnapshotContents
from AnnotationQALib.logic.readouts import Readout, compute_readouts
from AnnotationQALib.logic.scene_starts import keep_start, matched_segments
from AnnotationQALib.logic.starting_points import Start, StartKind

__all__ = ["FLAGS", "CheckedReading", "OpenCase"]

FLAGS = ("poor quality", "wrong series", "burned-in identity", "edge case")
"""What a reader may flag a case for."""

READOUT_PAUSE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class CheckedReading:
    """A reading as it would be submitted, and what is wrong with it, errors first.

    Attributes
    ----------
    contents : SnapshotContents
    problems : tuple of ReadingProblem
    number : int
        `ReadingEditor.changes` at the moment of the snapshot.
    """

    contents: SnapshotContents
    problems: tuple[ReadingProblem, ...]
    number: int


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
    notices : tuple of Notice
        What the reader should know on opening, such as that a draft was resumed.
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
        self._seconds = seconds
        titles = {role.id: role.title for role in protocol.imaging.series}
        self.images = CaseImages(scene, contents.images, titles)
        try:
            self.editor = ReadingEditor(scene, protocol, self.images, contents.reading, contents.segmentation)
        except BaseException:
            self.images.remove()
            raise
        self.editor.remember_start(contents.start)
        self.activity = ActivityRecorder(protocol.design.idle_seconds, utc, contents.reading.activity)
        self.autosave = Autosave(project, lock, self._take_snapshot, executor, contents.draft, seconds)
        self.pins = CommentPins(scene, self.images, item.comments)
        self.sources = image_sources(contents.images.loaded, self.images)
        self.readouts: Mapping[ItemKey, Readout] = {}
        self._measuring: Future[tuple[SnapshotContents, Mapping[ItemKey, Readout]]] | None = None
        self._measured_number = -1
        self._last_change = float("-inf")
        self._original = contents.segmentation
        self._reader = contents.reading.reader
        self._last_saved: dict[str, Segmentation] = {}
        self.is_submitting = False
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

    def tick(self) -> bool:
        """Save, measure, and take in what was done in the background; True when there is something new to show."""
        news = not self.is_submitting and self.autosave.tick()
        self._remember_segments()
        measuring = self._measuring
        if measuring is not None and measuring.done():
            self._measuring = None
            error = measuring.exception()
            if error is None:
                contents, self.readouts = measuring.result()
                self.editor.note_voxels(contents.voxels, self._derived(contents))
                news = True
        paused = self._seconds() - self._last_change >= READOUT_PAUSE
        if self._measuring is None and paused and self.editor.changes != self._measured_number:
            self.measure()
        return news

    def measure(self) -> None:
        """Begin to measure what is drawn, in the background; `tick` takes in the results."""
        self._measured_number = self.editor.changes
        snapshot = self._take_snapshot()
        self._measuring = self._executor.submit(_measure, snapshot, self.sources)

    def measured(self) -> None:
        """Wait until what is drawn has been measured, and take in the results."""
        if self._measuring is None and self.editor.changes != self._measured_number:
            self.measure()
        if self._measuring is not None:
            self._measuring.exception()
            self.tick()

    def check(self) -> tuple[ReadingProblem, ...]:
        """What is wrong with the reading as it stands, errors first; waits for it."""
        return self.take_check(self.begin_check().result())

    def begin_check(self) -> BackgroundTask[CheckedReading]:
        """Begin to check the reading as it stands; `take_check` is to be called with the result."""
        snapshot, sources, protocol = self._take_snapshot(), self.sources, self.protocol
        deleted = self._deleted()

        def work(progress: Progress) -> CheckedReading:
            progress(0, 2)
            contents = snapshot.complete(sources)
            progress(1, 2)
            found = check_reading(protocol, contents.reading, contents.segmentation, sources, contents.regions)
            problems = sorted((*deleted, *found), key=lambda problem: problem.severity != Severity.ERROR)
            progress(2, 2)
            return CheckedReading(contents, tuple(problems), snapshot.number)

        return BackgroundTask(self._executor, work)

    def take_check(self, checked: CheckedReading) -> tuple[ReadingProblem, ...]:
        """Take note of what the checks found, so that the form shows it in its states; returns the problems."""
        self.editor.note_voxels(checked.contents.voxels, self._derived(checked.contents))
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
        ProjectError
            By the task: the reading does not count, such as when another protocol is in force.
        DestinationError
            By the task: the project cannot be reached; the reading is kept as a draft.
        """
        self._require_unchanged(checked)
        given = {problem: text.strip() for problem, text in (reasons or {}).items() if text.strip()}
        reading = _with_reasons(checked.contents.reading, checked.problems, given)
        self.autosave.begin_last()
        self.is_submitting = True
        return BackgroundTask(self._executor, lambda progress: self._submit(checked, reading, progress))

    def _submit(self, checked: CheckedReading, reading: Reading, progress: Progress) -> SubmittedReading:
        """On another thread: wait for the draft, encode the voxels, sign."""
        progress(0, 3)
        if self.autosave.written() == SaveState.CONFLICT:
            raise InputError(
                worded(
                    "case '{case}': another session saved the draft meanwhile; close that session and open the case "
                    "again. Your work is kept on this computer.",
                    case=self.case_id,
                )
            )
        if not is_reachable(self._project):
            raise DestinationError(
                worded(
                    "case '{case}': the project cannot be reached; the reading is kept on this computer, submit it "
                    "when the project is back.",
                    case=self.case_id,
                )
            )
        progress(1, 3)
        with tempfile.TemporaryDirectory(prefix="AnnotationQA-") as temporary:
            voxels = None
            if checked.contents.segmentation is not None:
                voxels = Path(temporary) / "reading.seg.nrrd"
                write_seg_nrrd(voxels, checked.contents.segmentation)
            progress(2, 3)  # the last moment to cancel
            with self._lock:
                self._require_unchanged(checked)
                return self._project.submit_reading(reading, voxels)

    def _require_unchanged(self, checked: CheckedReading) -> None:
        if self.editor.changes != checked.number:
            raise InputError(worded("the reading was changed while it was submitted; look at it, and submit it again."))

    def start_from(self, start: Start) -> None:
        """Take another reading over as a start; what was drawn and answered so far is replaced.

        Raises
        ------
        InputError
            The protocol does not allow it, or its segmentation lies on another geometry.
        """
        self.editor.start_from(start)
        self._original = start.segmentation
        if start.name and start.segmentation is not None:
            place = (self._project.id, self.item.case, start.reading.reader, self.item.round)
            self._executor.submit(keep_start, *place, start.segmentation)

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
        self._remember_segments()
        last = self._last_saved.get(segment_id(key.item, key.instance), self._original)
        if last is None:
            raise InputError(worded("'{item}': was never saved; draw it again.", item=key.item))
        self.editor.drawing.restore_segment(key, last)

    def _remember_segments(self) -> None:
        """Keep the last saved voxels of every segment: one that was deleted can come back after later saves too."""
        contents = self.autosave.contents
        if contents is not None and contents.segmentation is not None:
            for segment in contents.segmentation.segments:
                self._last_saved[segment.id] = contents.segmentation

    def leave(self) -> Autosave:
        """Take everything out of the scene while the draft is saved in the background; returns what saves it."""
        self.activity.pause()
        self.autosave.begin_last()
        self.discard()
        return self.autosave

    def discard(self) -> None:
        """Take everything out of the scene without saving, such as after submitting."""
        self._measuring = None  # it works on copies, and nobody waits for it any more
        self.pins.remove()
        self.editor.close()
        self.images.remove()

    def _on_change(self) -> None:
        self._last_change = self._seconds()
        self.activity.act()
        self.autosave.changed()

    def _take_snapshot(self) -> Any:
        return self.editor.snapshot(self.activity.intervals())

    def _derived(self, contents: SnapshotContents) -> list[Answer]:
        return [a for a in contents.reading.answers if getattr(self.protocol.item(a.item), "derived", False)]

    def _deleted(self) -> tuple[ReadingProblem, ...]:
        return tuple(
            ReadingProblem(
                key.item,
                CheckKind.SEGMENTS,
                Severity.ERROR,
                worded(
                    "{title}: its segment was deleted; restore it, or confirm the deletion.",
                    title=self.protocol.item(key.item).title,
                ),
                subject=key.subject,
            )
            for key in self.editor.drawing.deleted_segments()
        )


def image_sources(loaded: LoadedCase, images: CaseImages) -> dict[str, ImageSource]:
    """Series as the checks need them, by role; the voxels are those that were read, not copies."""
    sources = {}
    for series in loaded.series:
        data = series.series
        count = images.frame_count(series.role)
        volumes = () if data.is_color else tuple(images.volume(series.role, n) for n in range(1, count + 1))
        sources[series.role] = ImageSource(
            series.role,
            data.modality,
            volumes,
            images.grid(series.role),
            not series.is_flat,
            data.spacing.spacing,
            data.suv.factor if data.suv is not None else None,
        )
    return sources


def _measure(snapshot: Any, sources: Mapping[str, ImageSource]) -> tuple[SnapshotContents, Mapping[ItemKey, Readout]]:
    contents = snapshot.complete(sources)
    return contents, compute_readouts(snapshot.protocol, contents, sources)


def _with_reasons(reading: Reading, problems: Sequence[ReadingProblem], given: Mapping[ReadingProblem, str]) -> Reading:
    """The reading with the reasons for its warnings; raises `InputError` while it may not be submitted."""
    errors = [problem for problem in problems if problem.severity == Severity.ERROR]
    if errors:
        raise InputError(_hindered(errors))
    before = {(a.item, a.subject): a.warning_reason for a in reading.answers if a.warning_reason}
    texts: dict[tuple[str, Any], list[str]] = {}
    loose = []
    for problem in problems:
        place = (problem.item, problem.subject)
        text = given.get(problem)
        if text is None and place not in before:
            template = "the reading cannot be submitted without a reason for this warning: {problem}"
            raise InputError(worded(template, problem=problem.wording))
        if text is None:
            continue
        if any((a.item, a.subject) == place for a in reading.answers):
            texts.setdefault(place, []).append(text)
        else:
            loose.append(f"{problem.message} Reason: {text}")
    answers = tuple(
        replace(a, warning_reason="; ".join(dict.fromkeys(texts[a.item, a.subject])))
        if (a.item, a.subject) in texts
        else a
        for a in reading.answers
    )
    comment = "\n".join(filter(None, [reading.comment, *loose]))
    return replace(reading, answers=answers, comment=comment)


def _hindered(errors: Sequence[ReadingProblem]) -> Wording:
    if len(errors) == 1:
        return worded("the reading cannot be submitted: {problem}", problem=errors[0].wording)
    template = "the reading cannot be submitted: {problem} ({number} more)"
    return worded(template, problem=errors[0].wording, number=len(errors) - 1)
