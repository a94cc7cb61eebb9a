"""A reading while it is made: answers of the form, and segments and markups in the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import slicer

from AnnotationQACore.checks.composition import composed_answers
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.answers import (
    Answer,
    Presence,
    SegmentationValue,
    Value,
)
from AnnotationQACore.project.readings import Activity, Reading, StartedFrom
from AnnotationQACore.protocol.model import (
    Box,
    Classification,
    DrawnItem,
    Landmarks,
    Measurement,
    Polygon,
    Protocol,
    Rating,
    TextAnswer,
)
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic import answer_values
from AnnotationQALib.logic.answer_loading import load_answers
from AnnotationQALib.logic.asked_about import AskedAbout
from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.drawing_editor import DrawingEditor, item_of
from AnnotationQALib.logic.drawn_markups import DrawnMarkups
from AnnotationQALib.logic.drawn_segments import DrawnSegments
from AnnotationQALib.logic.form import FormEntry, FormGroup, ImagePlace, ItemKey, form_entries, grouped
from AnnotationQALib.logic.given_answers import GivenAnswers, put_text
from AnnotationQALib.logic.observations import Observations
from AnnotationQALib.logic.reading_snapshot import ReadingSnapshot
from AnnotationQALib.logic.starting_points import Start, require_grid

__all__ = ["ReadingEditor"]


class ReadingEditor:
    """Answers of one reading and the nodes that are drawn for it, in a scene that is handed in.

    Every change calls the observers added by `observe`, on the thread that makes it.

    Parameters
    ----------
    scene : vtkMRMLScene
    protocol : Protocol
    images : CaseImages
    reading : Reading
        To go on with: a new one without answers, a draft, or a former revision.
    segmentation : Segmentation or None
        Its voxels.

    Attributes
    ----------
    flags : tuple of str
    comment : str
    started_from : StartedFrom or None
    drawing : DrawingEditor

    Raises
    ------
    InputError
        The segmentation lies on another geometry than the image, or segmentations are asked on images that have none.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        protocol: Protocol,
        images: CaseImages,
        reading: Reading,
        segmentation: Segmentation | None = None,
    ) -> None:
        self.protocol = protocol
        self.images = images
        self.flags: tuple[str, ...] = reading.flags
        self.comment = reading.comment
        self.started_from: StartedFrom | None = reading.started_from
        self._reading = reading
        self._loading = True
        self._number = 0
        self._observers: list[Callable[[], None]] = []
        self._derived: tuple[Answer, ...] = ()
        self._problems: dict[ItemKey, tuple[Wording, ...]] = {}
        self._start: Segmentation | None = None
        self._orphans: tuple[Answer, ...] = ()  # answers to items of an older protocol, kept in drafts
        self._observations = Observations(self._drawn)
        self._given = GivenAnswers()
        self._asked = AskedAbout(protocol, images)
        self._markups = DrawnMarkups(scene, protocol, images, reading.case, self._observations)
        self._segments = DrawnSegments(
            scene, protocol, images, reading.case, self._asked, self._observations, segmentation
        )
        self.drawing = DrawingEditor(protocol, self._markups, self._segments, self._changed)
        self._load(reading.answers)
        self._loading = False

    @property
    def segmentation_node(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The segmentation that is drawn; None when the protocol asks for none."""
        return self._segments.node

    # the form

    def entries(self) -> tuple[FormEntry, ...]:
        """Rows of the form with their states."""
        return form_entries(
            self.protocol,
            self.answers(),
            self._asked.all_instances(),
            self.images.roles,
            self._asked.places,
            self.images.flat_roles,
            self._all_problems(),
        )

    def groups(self) -> tuple[FormGroup, ...]:
        """Rows of the form by group."""
        return grouped(self.protocol, self.entries())

    def answers(self) -> tuple[Answer, ...]:
        """Answers as they stand; whether a segment has voxels is as of the last `note_voxels`."""
        values: dict[ItemKey, Value] = {}
        for segment, key in self._segments.begun.items():
            if self._segments.voxels.get(segment):
                values[key] = SegmentationValue(Presence.PRESENT)
        values |= self._markups.values()
        values |= self._given.values
        own = [self._answer(key, value) for key, value in values.items()]
        own += composed_answers(self.protocol, own)
        taken = {(answer.item, answer.subject) for answer in own}
        return (*own, *(answer for answer in self._derived if (answer.item, answer.subject) not in taken))

    def value(self, key: ItemKey) -> Value | None:
        """What is said about an item; None for nothing yet."""
        stored = self._asked.stored(key)
        return next((a.value for a in self.answers() if (a.item, a.subject) == (key.item, stored)), None)

    def comment_on(self, key: ItemKey) -> str:
        """Comment of the reader on an item."""
        return self._given.comments.get(key, "")

    def observe(self, callback: Callable[[], None]) -> None:
        """Call `callback` after every change."""
        self._observers.append(callback)

    @property
    def changes(self) -> int:
        """Rises with every change."""
        return self._number

    # answers that are not drawn

    def choose(self, key: ItemKey, choices: Iterable[str]) -> None:
        """Answer a classification by the IDs of its choices; raises `InputError` for one that the item lacks."""
        self._give(key, answer_values.choice_value(item_of(self.protocol, key, Classification), choices))

    def rate(self, key: ItemKey, level: int | None) -> None:
        """Answer a rating by the value of a level; None says "not assessable"."""
        self._give(key, answer_values.rating_value(item_of(self.protocol, key, Rating), level))

    def write(self, key: ItemKey, text: str) -> None:
        """Answer by words; none takes the answer back."""
        self._give(key, answer_values.text_value(item_of(self.protocol, key, TextAnswer), text))

    def declare(self, key: ItemKey, presence: Presence | None) -> None:
        """Say that something to be drawn is absent, uncertain or not assessable; None takes it back.

        What was drawn stays; a check tells when it contradicts.
        """
        item = item_of(self.protocol, key, DrawnItem)
        self._give(key, None if presence is None else answer_values.presence_value(item, presence))

    def clear(self, key: ItemKey) -> None:
        """Take back what was said about an item; what was drawn stays."""
        self._give(key, None)

    @property
    def can_undo(self) -> bool:
        """Whether there is an answer to be undone."""
        return self._given.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone answer to be given again."""
        return self._given.can_redo

    def undo(self) -> ItemKey | None:
        """Take the last answer back and return whose it was; strokes are undone by the Segment Editor."""
        return self._stepped(self._given.undo())

    def redo(self) -> ItemKey | None:
        """Give the answer again that was undone last, and return whose it is."""
        return self._stepped(self._given.redo())

    def remark(self, key: ItemKey, text: str) -> None:
        """Comment on an item."""
        if put_text(self._given.comments, key, text):
            self._changed()

    def give_reason(self, key: ItemKey, text: str) -> None:
        """Say why an answer is right although a check warns."""
        if put_text(self._given.reasons, key, text):
            self._changed()

    def set_flag(self, flag: str, is_on: bool) -> None:
        """Flag the case, such as for poor quality."""
        flags = [other for other in self.flags if other != flag]
        self.flags = (*flags, flag) if is_on else tuple(flags)
        self._changed()

    def set_comment(self, text: str) -> None:
        """Comment on the reading as a whole."""
        if text != self.comment:
            self.comment = text
            self._changed()

    # instances, images, frames

    def add_instance(self, key: ItemKey) -> ItemKey:
        """Begin the next instance of an item, given the key of the item as a whole; numbers are never used again."""
        item = item_of(self.protocol, key, DrawnItem)
        if not item.instances:
            raise InputError(
                worded("'{item}': there is only one; the protocol asks for no instances.", item=item.title)
            )
        self._given.forget([key.of_instance(None)])  # "absent" no longer holds
        instance = self._asked.next_instance(key)
        self._asked.begin(instance)
        if isinstance(item, SegmentationItem):
            self._segments.begin(instance, item)
        elif isinstance(item, Box | Polygon | Landmarks | Measurement):
            self._markups.make(instance, item)
        self._changed()
        return instance

    def remove_instance(self, key: ItemKey) -> None:
        """Remove an instance with what was drawn and answered for it."""
        if key.instance is None:
            raise InputError(worded("'{item}': name the instance to be removed.", item=key.item))
        self._asked.end(key)
        dependent = {item.id for item in self.protocol.per_instance(key.item)} | {key.item}
        said = {*self._given.values, *self._given.comments, *self._given.reasons}
        gone = {k for k in {*said, *self._markups.keys()} if k.item in dependent and k.instance == key.instance}
        self._given.forget(gone)
        for other in gone:
            self._markups.remove(other)
        self._segments.remove(key)
        self._changed()

    def instances(self, item: str) -> tuple[ItemKey, ...]:
        """Instances begun so far."""
        return self._asked.instances(item)

    def ask_about_image(self, role: str, slice_index: int) -> ImagePlace:
        """Let items of scope "image" be asked about the slice (from 0) that is shown."""
        place = self.images.image_place(role, slice_index)
        if self._asked.add_place(place):
            self._changed()
        return place

    def forget_image(self, place: ImagePlace) -> None:
        """No longer ask about an image, and remove what was answered about it."""
        keys = {*self._given.values, *self._given.comments, *self._given.reasons}
        self._given.forget(
            k for k in keys if self.protocol.item(k.item).scope.level == "image" and k.subject == place.subject
        )
        self._asked.remove_place(place)
        self._changed()

    def choose_frame(self, role: str, frame_id: str, frame: int) -> None:
        """Say which time point (from 1) is a named frame of the protocol, such as end-diastole."""
        self._asked.choose_frame(role, frame_id, frame)
        self._changed()

    def frame_of(self, item: DrawnItem) -> int | None:
        """Time point (from 1) on which an item is drawn; None when it is not chosen yet or the item names none."""
        return self._asked.frame_of(item)

    # as data

    def snapshot(self, activity: Sequence[Activity] = ()) -> ReadingSnapshot:
        """The reading as it stands, as plain data that another thread may work on.

        Costs some milliseconds: voxels are copied only where they have changed since the last snapshot.
        """
        stored = self._asked.stored_key
        presence: dict[ItemKey, Presence] = {}
        answers = []
        for key, value in (self._markups.values() | self._given.values).items():
            if isinstance(value, SegmentationValue):
                presence[stored(key)] = value.presence
            else:
                answers.append(self._answer(key, value))
        reading = replace(
            self._reading,
            answers=(*answers, *self._orphans),
            activity=tuple(activity),
            flags=self.flags,
            comment=self.comment,
            started_from=self.started_from,
            segmentation=None,
        )
        return ReadingSnapshot(
            reading,
            self.protocol,
            self._segments.copy(),
            self._segments.grid,
            {segment: stored(key) for segment, key in self._segments.begun.items()},
            presence,
            {stored(key): text for key, text in self._given.comments.items()},
            {stored(key): text for key, text in self._given.reasons.items()},
            tuple(stored(entry.key) for entry in self.entries()),
            self._number,
            self._start,
        )

    def remember_start(self, segmentation: Segmentation | None) -> None:
        """Tell what a resumed draft was started from, so that changed voxels can be counted on."""
        self._start = segmentation

    def note_voxels(self, voxels: Mapping[str, int], derived: Sequence[Answer] = ()) -> None:
        """Take note of what another thread found in a snapshot: voxels of each segment, derived measurements."""
        self._segments.voxels = dict(voxels)
        self._derived = tuple(derived)

    def note_problems(self, problems: Mapping[ItemKey, Sequence[Wording]]) -> None:
        """Take note of what the checks found, by item; shown as the state `PROBLEM`."""
        self._problems = {key: tuple(wordings) for key, wordings in problems.items()}

    def replace_segmentation(self, segmentation: Segmentation) -> None:
        """Put other segments in place of all that are drawn."""
        self._segments.fill(segmentation)
        self._changed()

    def start_from(self, start: Start) -> None:
        """Take another reading over in place of all that was drawn and answered; see `OpenCase.start_from`."""
        if start.kind not in self.protocol.design.start_from:
            raise InputError(
                worded("the protocol does not allow to start from a {kind}.", kind=start.kind.replace("_", " "))
            )
        require_grid(start, self._segments.grid)
        self._loading = True
        try:
            if start.name:  # voxels alone: answers and points stay
                self._segments.clear()
            else:
                self._clear_all()
            if start.segmentation is not None and self._segments.node is not None:
                self._segments.fill(start.segmentation)
            self._load(start.reading.answers)
        finally:
            self._loading = False
        self._start = start.segmentation
        self._orphans = () if not start.name else self._orphans
        self.started_from = StartedFrom(start.source)
        self._changed()

    def close(self) -> None:
        """Take all nodes that were made for the reading out of the scene."""
        self._observations.clear()
        self._observers.clear()
        self._markups.remove_all()
        self._segments.remove_node()

    # inside

    def _give(self, key: ItemKey, value: Value | None) -> None:
        self._problems.pop(key, None)
        if self._given.put(key, value):
            self._changed()

    def _stepped(self, key: ItemKey | None) -> ItemKey | None:
        if key is not None:
            self._problems.pop(key, None)
            self._changed()
        return key

    def _drawn(self, *_: object) -> None:
        """Something in the scene changed: what the checks found about drawings may no longer be so."""
        drawn = {item.id for item in self.protocol.items if isinstance(item, DrawnItem)}
        self._problems = {key: found for key, found in self._problems.items() if key.item not in drawn}
        self._changed()

    def _changed(self) -> None:
        self._number += 1
        if self._loading:
            return
        for callback in tuple(self._observers):
            callback()

    def _answer(self, key: ItemKey, value: Value) -> Answer:
        comment, reason = self._given.comments.get(key, ""), self._given.reasons.get(key, "")
        return Answer(key.item, value, self._asked.stored(key), comment, reason)

    def _clear_all(self) -> None:
        self._markups.remove_all()
        self._segments.clear()
        self._given.clear()
        self._asked.end_all()
        self._derived = ()

    def _all_problems(self) -> Mapping[ItemKey, Sequence[Wording]]:
        deleted = self.drawing.deleted_segments()
        if not deleted:
            return self._problems
        wording = worded("its segment was deleted; restore it, or confirm the deletion.")
        return {**self._problems, **{key: (*self._problems.get(key, ()), wording) for key in deleted}}

    def _load(self, answers: Sequence[Answer]) -> None:
        others = load_answers(answers, self.protocol, self._asked, self._given, self._markups)
        self._derived = (*self._derived, *others.derived)
        self._orphans = (*self._orphans, *others.orphans)
