"""A reading while it is made: answers of the form, and segments and markups in the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import slicer
import vtk

from AnnotationQACore.checks.composition import composed_answers
from AnnotationQACore.checks.context import base_subject
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.answers import (
    Answer,
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    Subject,
    TextValue,
    Value,
    segment_id,
)
from AnnotationQACore.project.readings import Activity, Reading, StartedFrom
from AnnotationQACore.protocol.model import (
    Box,
    Classification,
    DrawnItem,
    Item,
    LandmarkPoint,
    Landmarks,
    Measurement,
    Polygon,
    Protocol,
    Rating,
    TextAnswer,
)
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQALib.logic import markup_values, segment_painting
from AnnotationQALib.logic.case_images import CASE_ATTRIBUTE, CaseImages
from AnnotationQALib.logic.form import FormEntry, FormGroup, ImagePlace, ItemKey, form_entries, grouped
from AnnotationQALib.logic.image_plane import ImagePlane
from AnnotationQALib.logic.masking import MaskingRules, masking_rules
from AnnotationQALib.logic.reading_snapshot import ReadingSnapshot
from AnnotationQALib.logic.segmentations import (
    SegmentationCopier,
    add_segment,
    fill_segmentation,
    set_reference_grid,
)
from AnnotationQALib.logic.starting_points import Start, require_grid

__all__ = ["ITEM_ATTRIBUTE", "DrawingTarget", "ReadingEditor"]

ITEM_ATTRIBUTE = "AnnotationQA.Item"

_SEGMENT_EVENTS = ("SourceRepresentationModified", "SegmentAdded", "SegmentRemoved", "SegmentModified")
_POINT_EVENTS = ("PointModifiedEvent", "PointPositionDefinedEvent", "PointPositionUndefinedEvent", "PointRemovedEvent")


@dataclass(frozen=True, slots=True)
class DrawingTarget:
    """What is drawn next for an item.

    Attributes
    ----------
    key : ItemKey
    segment_id : str
        Segment to be selected in the Segment Editor; empty for markups.
    masking : MaskingRules or None
        For the Segment Editor.
    node : markups node or None
        In which points are placed; None for segments.
    point : int
        Index of the control point that is placed next.
    """

    key: ItemKey
    segment_id: str = ""
    masking: MaskingRules | None = None
    node: slicer.vtkMRMLMarkupsNode | None = None
    point: int = 0


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
    segmentation_node : vtkMRMLSegmentationNode or None
        None when the protocol has no segmentations.

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
        self._scene = scene
        self._reading = reading
        self._answers: dict[ItemKey, Value] = {}
        self._comments: dict[ItemKey, str] = {}
        self._reasons: dict[ItemKey, str] = {}
        self._nodes: dict[ItemKey, list[slicer.vtkMRMLMarkupsNode]] = {}
        self._unchanged: dict[ItemKey, tuple[tuple[int, ...], Value]] = {}
        self._instances: dict[str, dict[int, ItemKey]] = {}
        self._segments: dict[str, ItemKey] = {}
        self._frames: dict[tuple[str, str], int] = {}
        self._places: list[ImagePlace] = list(images.image_places())
        self._voxels: dict[str, int] = {}
        self._derived: tuple[Answer, ...] = ()
        self._problems: dict[ItemKey, tuple[str, ...]] = {}
        self._copier = SegmentationCopier()
        self._observers: list[Callable[[], None]] = []
        self._observed: list[tuple[vtk.vtkObject, int]] = []
        self._loading = True
        self._number = 0
        self._start: Segmentation | None = None
        self._orphans: tuple[Answer, ...] = ()  # answers to items of an older protocol, kept in drafts
        self.flags: tuple[str, ...] = reading.flags
        self.comment = reading.comment
        self.started_from: StartedFrom | None = reading.started_from
        self.segmentation_node = self._make_segmentation_node(segmentation)
        self._load(reading.answers)
        self._loading = False

    # the form

    def entries(self) -> tuple[FormEntry, ...]:
        """Rows of the form with their states."""
        instances = {item: tuple(by_number.values()) for item, by_number in self._instances.items()}
        return form_entries(
            self.protocol,
            self.answers(),
            instances,
            self.images.roles,
            self._places,
            self.images.flat_roles,
            self._all_problems(),
        )

    def groups(self) -> tuple[FormGroup, ...]:
        """Rows of the form by group."""
        return grouped(self.protocol, self.entries())

    def answers(self) -> tuple[Answer, ...]:
        """Answers as they stand; whether a segment has voxels is as of the last `note_voxels`."""
        values: dict[ItemKey, Value] = {}
        for segment, key in self._segments.items():
            if self._voxels.get(segment):
                values[key] = SegmentationValue(Presence.PRESENT)
        values |= {key: value for key in self._nodes if (value := self._drawn_value(key)) is not None}
        values |= self._answers
        own = [self._answer(key, value) for key, value in values.items()]
        own += composed_answers(self.protocol, own)
        taken = {(answer.item, answer.subject) for answer in own}
        return (*own, *(answer for answer in self._derived if (answer.item, answer.subject) not in taken))

    def value(self, key: ItemKey) -> Value | None:
        """What is said about an item; None for nothing yet."""
        stored = self._as_stored(key)
        return next((a.value for a in self.answers() if (a.item, a.subject) == (key.item, stored)), None)

    def comment_on(self, key: ItemKey) -> str:
        """Comment of the reader on an item."""
        return self._comments.get(key, "")

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
        item = self._item(key, Classification)
        chosen = tuple(choices)
        known = [choice.id for choice in item.answers]
        unknown = [choice for choice in chosen if choice not in known]
        if unknown or (item.selection != "multiple" and len(chosen) != 1):
            raise InputError(f"'{item.id}': {list(chosen)} is no answer; choose from {', '.join(known)}.")
        ordered = tuple(choice for choice in known if choice in chosen)
        is_presence = item.selection == "presence"
        self._set(key, PresenceValue(Presence(chosen[0])) if is_presence else ChoiceValue(ordered))

    def rate(self, key: ItemKey, level: int | None) -> None:
        """Answer a rating by the value of a level; None says "not assessable"."""
        item = self._item(key, Rating)
        if level is not None and level not in [known.value for known in item.levels]:
            raise InputError(f"'{item.id}': has no level {level}; choose from {[v.value for v in item.levels]}.")
        self._set(key, RatingValue(level))

    def write(self, key: ItemKey, text: str) -> None:
        """Answer by words; none takes the answer back."""
        item = self._item(key, TextAnswer)
        if item.max_length is not None and len(text) > item.max_length:
            raise InputError(f"'{item.id}': {len(text)} characters are too many; shorten it to {item.max_length}.")
        if text.strip():
            self._set(key, TextValue(text))
        else:
            self.clear(key)

    def declare(self, key: ItemKey, presence: Presence | None) -> None:
        """Say that something to be drawn is absent, uncertain or not assessable; None takes it back.

        What was drawn stays; a check tells when it contradicts.
        """
        item = self._item(key, DrawnItem)
        if presence is None:
            self.clear(key)
            return
        if presence == Presence.ABSENT and not item.may_be_absent:
            raise InputError(f"'{item.id}': the protocol does not allow 'absent'; draw it.")
        value: Value = SegmentationValue(presence) if isinstance(item, SegmentationItem) else PresenceValue(presence)
        self._set(key, value)

    def remark(self, key: ItemKey, text: str) -> None:
        """Comment on an item."""
        self._put_text(self._comments, key, text)

    def give_reason(self, key: ItemKey, text: str) -> None:
        """Say why an answer is right although a check warns."""
        self._put_text(self._reasons, key, text)

    def clear(self, key: ItemKey) -> None:
        """Take back what was said about an item; what was drawn stays."""
        if self._answers.pop(key, None) is not None:
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
        item = self._item(key, DrawnItem)
        if not item.instances:
            raise InputError(f"'{item.id}': there is only one; the protocol asks for no instances.")
        self._answers.pop(key.of_instance(None), None)  # "absent" no longer holds
        number = max(self._instances.get(key.item, {}), default=0) + 1
        instance = key.of_instance(number)
        self._begin_instance(instance)
        self._changed()
        return instance

    def remove_instance(self, key: ItemKey) -> None:
        """Remove an instance with what was drawn and answered for it."""
        if key.instance is None:
            raise InputError(f"'{key.item}': name the instance to be removed.")
        self._instances.get(key.item, {}).pop(key.instance, None)
        dependent = {item.id for item in self.protocol.per_instance(key.item)} | {key.item}
        gone = [
            other
            for other in {*self._answers, *self._nodes}
            if other.item in dependent and other.instance == key.instance
        ]
        for other in gone:
            self._answers.pop(other, None)
            self._comments.pop(other, None)
            self._reasons.pop(other, None)
            self._remove_nodes(other)
        segment = segment_id(key.item, key.instance)
        if self._segments.pop(segment, None) and self.segmentation_node is not None:
            self.segmentation_node.GetSegmentation().RemoveSegment(segment)
            self._voxels.pop(segment, None)
        self._changed()

    def instances(self, item: str) -> tuple[ItemKey, ...]:
        """Instances begun so far."""
        return tuple(self._instances.get(item, {}).values())

    def ask_about_image(self, role: str, slice_index: int) -> ImagePlace:
        """Let items of scope "image" be asked about the slice (from 0) that is shown."""
        place = self.images.image_place(role, slice_index)
        if place not in self._places:
            self._places.append(place)
            self._changed()
        return place

    def choose_frame(self, role: str, frame_id: str, frame: int) -> None:
        """Say which time point (from 1) is a named frame of the protocol, such as end-diastole."""
        self._frames[role, frame_id] = frame
        self._changed()

    def frame_of(self, item: DrawnItem) -> int | None:
        """Time point (from 1) on which an item is drawn; None when it is not chosen yet or the item names none."""
        role = item.series or self.protocol.imaging.reference_series
        return self._frames.get((role, item.frame)) if item.frame else None

    # drawing

    def activate(self, key: ItemKey) -> DrawingTarget:
        """Make ready to draw an item: its segment or its markups node is there afterwards.

        Raises
        ------
        InputError
            The item is not drawn, is computed, or has instances and none is named.
        """
        item = self._item(key, DrawnItem)
        if item.instances and key.instance is None:
            raise InputError(f"'{item.id}': add an instance first.")
        if isinstance(item, SegmentationItem):
            if item.composed:
                raise InputError(f"'{item.id}': is composed of its parts; draw those.")
            segment = self._segment(key, item)
            ids = tuple(self._segment_ids())
            return DrawingTarget(key, segment, masking_rules(self.protocol, item, ids))
        if isinstance(item, Measurement) and item.derived:
            raise InputError(f"'{item.id}': is computed from {', '.join(item.derived_from)}; draw those.")
        node, point = self._next_node(key, item)
        return DrawingTarget(key, node=node, point=point)

    def nodes(self, key: ItemKey) -> tuple[slicer.vtkMRMLMarkupsNode, ...]:
        """Markups nodes of an item; none before it is activated."""
        return tuple(self._nodes.get(key, ()))

    def next_landmark(self, key: ItemKey) -> LandmarkPoint | None:
        """The next point that was not looked for yet; None when there is none."""
        item = self._item(key, Landmarks)
        index = self._next_point(key, item)
        return None if index is None else item.points[index]

    def mark_not_visible(self, key: ItemKey, point_id: str) -> None:
        """Say that a landmark was looked for and is not visible."""
        item = self._item(key, Landmarks)
        index, point = next(((n, p) for n, p in enumerate(item.points) if p.id == point_id), (0, None))
        if point is None:
            raise InputError(f"'{item.id}': has no point '{point_id}'; choose from {[p.id for p in item.points]}.")
        if not point.may_be_invisible:
            raise InputError(f"'{item.id}': '{point.title}' must be placed; the protocol does not allow 'not visible'.")
        self._make_nodes(key, item)
        self._nodes[key][0].SetNthControlPointPositionMissing(index)
        self._changed()

    def unplace_landmark(self, key: ItemKey, point_id: str) -> None:
        """Take a landmark back, so that it is placed anew."""
        item = self._item(key, Landmarks)
        for index, point in enumerate(item.points):
            if point.id == point_id and key in self._nodes:
                self._nodes[key][0].UnsetNthControlPointPosition(index)
        self._changed()

    def erase(self, key: ItemKey) -> None:
        """Remove the markups of an item."""
        self._remove_nodes(key)
        self._changed()

    def snap_to_slice(self, key: ItemKey) -> int:
        """Move the points of a polygon onto the slice nearest to all of them, and return its index along k."""
        item = self._item(key, Polygon)
        grid = self._grid_of(item)
        node = self._nodes[key][0] if key in self._nodes else None
        if node is None or node.GetNumberOfDefinedControlPoints() < 1:
            raise InputError(f"'{item.id}': nothing is drawn yet; place its points.")
        index = segment_painting.snap_to_slice(node, grid)
        self._changed()
        return index

    def polygon_to_segment(self, key: ItemKey, segment_key: ItemKey) -> None:
        """Add the inside of a polygon on its slice to the segment of another item."""
        item = self._item(key, Polygon)
        target = self._item(segment_key, SegmentationItem)
        index = self.snap_to_slice(key)
        segment = self._segment(segment_key, target)
        points = markup_values.points_of(self._nodes[key][0])
        segment_painting.add_polygon(self.segmentation_node, segment, points, index, self._grid_of(item))
        self._changed()

    # segments that are not as the protocol wants them

    def deleted_segments(self) -> tuple[ItemKey, ...]:
        """Segments of the protocol that were begun and are no longer in the scene."""
        present = set(self._segment_ids())
        return tuple(key for segment, key in self._segments.items() if segment not in present)

    def accept_deletion(self, key: ItemKey) -> None:
        """Take it that a deleted segment was meant to be deleted."""
        segment = segment_id(key.item, key.instance)
        self._segments.pop(segment, None)
        self._voxels.pop(segment, None)
        if key.instance is not None:
            self._instances.get(key.item, {}).pop(key.instance, None)
        self._changed()

    def restore_segment(self, key: ItemKey, segmentation: Segmentation) -> None:
        """Bring a deleted segment back with the voxels that it has in `segmentation`, such as that of the last save."""
        item = self._item(key, SegmentationItem)
        segment = segment_id(key.item, key.instance)
        self._segment(key, item)
        if any(known.id == segment for known in segmentation.segments):
            segment_painting.set_voxels(self.segmentation_node, segment, segmentation.mask(segment))
        self._changed()

    def foreign_segments(self) -> tuple[str, ...]:
        """IDs of segments in the scene that the protocol does not know."""
        known = set(self._segments) | {item.id for item in self.protocol.segmentations if item.composed}
        return tuple(segment for segment in self._segment_ids() if segment not in known)

    # as data

    def snapshot(self, activity: Sequence[Activity] = ()) -> ReadingSnapshot:
        """The reading as it stands, as plain data that another thread may work on.

        Costs some milliseconds: voxels are copied only where they have changed since the last snapshot.
        """
        segmentation = self._copier.copy(self.segmentation_node) if self.segmentation_node is not None else None
        presence: dict[ItemKey, Presence] = {}
        answers = []
        values: dict[ItemKey, Value] = {
            key: value for key in self._nodes if (value := self._drawn_value(key)) is not None
        }
        for key, value in (values | self._answers).items():
            if isinstance(value, SegmentationValue):
                presence[self._stored_key(key)] = value.presence
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
        places = tuple(ItemKey(entry.key.item, self._as_stored(entry.key)) for entry in self.entries())
        return ReadingSnapshot(
            reading,
            self.protocol,
            segmentation,
            self._segmentation_grid(),
            {segment: self._stored_key(key) for segment, key in self._segments.items()},
            presence,
            {self._stored_key(key): text for key, text in self._comments.items()},
            {self._stored_key(key): text for key, text in self._reasons.items()},
            places,
            self._number,
            self._start,
        )

    def remember_start(self, segmentation: Segmentation | None) -> None:
        """Tell what a resumed draft was started from, so that changed voxels can be counted on."""
        self._start = segmentation

    def note_voxels(self, voxels: Mapping[str, int], derived: Sequence[Answer] = ()) -> None:
        """Take note of what another thread found in a snapshot: voxels of each segment, derived measurements."""
        self._voxels = dict(voxels)
        self._derived = tuple(derived)

    def note_problems(self, problems: Mapping[ItemKey, Sequence[str]]) -> None:
        """Take note of what the checks found, by item; shown as the state `PROBLEM`."""
        self._problems = {key: tuple(messages) for key, messages in problems.items()}

    def replace_segmentation(self, segmentation: Segmentation) -> None:
        """Put other segments in place of all that are drawn."""
        if self.segmentation_node is None:
            raise InputError("segmentation: the protocol asks for none.")
        self._require_grid(segmentation)
        fill_segmentation(self.segmentation_node, _without_composed(self.protocol, segmentation))
        self._register_segments()
        self._changed()

    def start_from(self, start: Start) -> None:
        """Take another reading over in place of all that was drawn and answered; see `OpenCase.start_from`."""
        if start.kind not in self.protocol.design.start_from:
            raise InputError(f"the protocol does not allow to start from a {start.kind.replace('_', ' ')}.")
        require_grid(start, self._segmentation_grid())
        self._loading = True
        try:
            self._clear_all()
            if start.segmentation is not None and self.segmentation_node is not None:
                fill_segmentation(self.segmentation_node, _without_composed(self.protocol, start.segmentation))
                self._register_segments()
            self._load(start.reading.answers)
        finally:
            self._loading = False
        self._start = start.segmentation
        self._orphans = ()
        self.started_from = StartedFrom(start.reading.id)
        self._changed()

    def close(self) -> None:
        """Take all nodes that were made for the reading out of the scene."""
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed.clear()
        self._observers.clear()
        for key in list(self._nodes):
            self._remove_nodes(key)
        if self.segmentation_node is not None:
            _remove(self._scene, self.segmentation_node)
            self.segmentation_node = None

    # inside

    def _item(self, key: ItemKey, kind: type) -> Item:
        item = self.protocol.item(key.item)
        if not isinstance(item, kind):
            raise InputError(f"'{key.item}': is a {item.kind}; it cannot be answered this way.")
        return item

    def _set(self, key: ItemKey, value: Value) -> None:
        self._problems.pop(key, None)
        if self._answers.get(key) != value:
            self._answers[key] = value
            self._changed()

    def _put_text(self, texts: dict[ItemKey, str], key: ItemKey, text: str) -> None:
        if texts.get(key, "") == text:
            return
        texts[key] = text
        if not text:
            del texts[key]
        self._changed()

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
        subject = self._as_stored(key)
        return Answer(key.item, value, subject, self._comments.get(key, ""), self._reasons.get(key, ""))

    def _as_stored(self, key: ItemKey) -> Subject:
        """Subject with the time point that was chosen for a named frame."""
        item = self.protocol.item(key.item)
        frame = self.frame_of(item) if isinstance(item, DrawnItem) and item.frame else None
        return replace(key.subject, frame=frame) if frame else key.subject

    def _stored_key(self, key: ItemKey) -> ItemKey:
        return ItemKey(key.item, self._as_stored(key))

    def _plane_of(self, item: DrawnItem) -> ImagePlane | None:
        role = item.series or self.protocol.imaging.reference_series
        return self.images.plane(role) if role in self.images.roles else None

    def _grid_of(self, item: DrawnItem) -> Grid:
        return self.images.grid(item.series or self.protocol.imaging.reference_series)

    # markups

    def _next_node(
        self, key: ItemKey, item: Box | Polygon | Landmarks | Measurement
    ) -> tuple[slicer.vtkMRMLMarkupsNode, int]:
        self._make_nodes(key, item)
        nodes = self._nodes[key]
        if isinstance(item, Landmarks):
            index = self._next_point(key, item) or 0
            nodes[0].SetControlPointPlacementStartIndex(index)
            return nodes[0], index
        unfinished = [node for node in nodes if node.GetNumberOfDefinedControlPoints() < 2]
        node = unfinished[0] if unfinished else nodes[0]
        return node, node.GetNumberOfDefinedControlPoints()

    def _make_nodes(self, key: ItemKey, item: Box | Polygon | Landmarks | Measurement) -> None:
        if key in self._nodes:
            return
        titles = [item.title if key.instance is None else f"{item.title} {key.instance}"]
        if isinstance(item, Measurement) and item.quantity == "bidimensional":
            titles.append(f"{titles[0]}, short axis")
        self._nodes[key] = [self._markups_node(key, item, title) for title in titles]
        if isinstance(item, Landmarks):
            markup_values.prepare_landmarks(self._nodes[key][0], item)
        if isinstance(item, Box):
            markup_values.align_box(self._nodes[key][0], self._grid_of(item))

    def _markups_node(self, key: ItemKey, item: DrawnItem, title: str) -> slicer.vtkMRMLMarkupsNode:
        node = self._scene.AddNewNodeByClass(markup_values.node_class(item), title)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if display is not None:
            display.SetSelectedColor(item.rgb)
            display.SetColor(item.rgb)
        node.SetAttribute(ITEM_ATTRIBUTE, key.item)
        node.SetAttribute(CASE_ATTRIBUTE, self._reading.case)
        node.SaveWithSceneOff()
        for name in _POINT_EVENTS:
            self._observe(node, getattr(slicer.vtkMRMLMarkupsNode, name))
        if isinstance(item, Box):
            self._observe(node, vtk.vtkCommand.ModifiedEvent)
        return node

    def _remove_nodes(self, key: ItemKey) -> None:
        for node in self._nodes.pop(key, ()):
            self._forget(node)
            _remove(self._scene, node)
        self._unchanged.pop(key, None)

    def _drawn_value(self, key: ItemKey) -> Value | None:
        nodes = [node for node in self._nodes[key] if self._scene.IsNodePresent(node)]
        if len(nodes) < len(self._nodes[key]):  # the reader removed it in another module
            self._remove_nodes(key) if not nodes else None
            return None
        times = tuple(node.GetMTime() for node in nodes)
        known = self._unchanged.get(key)
        if known and known[0] == times:
            return known[1]
        item = self.protocol.item(key.item)
        plane = self._plane_of(item)
        match item:
            case Box():
                return markup_values.box_value(nodes[0], plane)
            case Polygon():
                return markup_values.polygon_value(nodes[0], plane)
            case Landmarks():
                return markup_values.landmarks_value(nodes[0], item, plane)
            case Measurement():
                return markup_values.measurement_value(nodes, item, plane, self._is_calibrated(item))
        return None

    def _is_calibrated(self, item: DrawnItem) -> bool:
        series = self.images.loaded.of_role(item.series or self.protocol.imaging.reference_series)
        return series is not None and series.series.spacing.spacing is not None

    def _next_point(self, key: ItemKey, item: Landmarks) -> int | None:
        if key not in self._nodes:
            return 0
        node = self._nodes[key][0]
        decided = (slicer.vtkMRMLMarkupsNode.PositionDefined, slicer.vtkMRMLMarkupsNode.PositionMissing)
        for index in range(len(item.points)):
            if node.GetNthControlPointPositionStatus(index) not in decided:
                return index
        return None

    # segments

    def _make_segmentation_node(self, segmentation: Segmentation | None) -> slicer.vtkMRMLSegmentationNode | None:
        grid = self._segmentation_grid()
        if grid is None:
            return None
        node = self._scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Reading")
        node.CreateDefaultDisplayNodes()
        node.SetAttribute(CASE_ATTRIBUTE, self._reading.case)
        node.SaveWithSceneOff()
        set_reference_grid(node, grid)
        node.SetReferenceImageGeometryParameterFromVolumeNode(self.images.node(self._segmentation_role()))
        self.segmentation_node = node
        if segmentation is not None:
            self._require_grid(segmentation)
            fill_segmentation(node, _without_composed(self.protocol, segmentation))
        self._register_segments()
        for name in _SEGMENT_EVENTS:
            self._observe(node.GetSegmentation(), getattr(slicer.vtkSegmentation, name))
        return node

    def _segmentation_role(self) -> str:
        items = [item for item in self.protocol.segmentations if not item.composed]
        reference = self.protocol.imaging.reference_series
        return next((item.series or reference for item in items), reference)

    def _segmentation_grid(self) -> Grid | None:
        items = self.protocol.segmentations
        reference = self.protocol.imaging.reference_series
        roles = sorted({item.series or reference for item in items} & set(self.images.roles))
        if not roles:
            return None
        grids = [self.images.grid(role) for role in roles]
        for role, grid in zip(roles[1:], grids[1:], strict=True):
            if grid.differences(grids[0]):
                raise InputError(
                    f"case '{self._reading.case}': the protocol asks for segmentations on '{roles[0]}' and '{role}', "
                    "which lie on different grids; ask the lead for series resampled to one."
                )
        return grids[0]

    def _require_grid(self, segmentation: Segmentation) -> None:
        grid = self._segmentation_grid()
        differing = grid.differences(segmentation.grid) if grid is not None else ()
        if differing:
            raise InputError(
                f"case '{self._reading.case}': the segmentation and the image differ in {', '.join(differing)}; "
                "resample the segmentation to the image, or choose the image on which it was made."
            )

    def _segment_ids(self) -> list[str]:
        if self.segmentation_node is None:
            return []
        source = self.segmentation_node.GetSegmentation()
        return [source.GetNthSegmentID(index) for index in range(source.GetNumberOfSegments())]

    def _register_segments(self) -> None:
        """Take the segments of the scene that belong to the protocol for begun."""
        items = {item.id: item for item in self.protocol.segmentations if not item.composed}
        for segment in self._segment_ids():
            name, mark, number = segment.partition("#")
            item = items.get(name)
            if item is None or bool(mark) != item.instances or (mark and not number.isdecimal()):
                continue
            key = ItemKey(name, base_subject(self.protocol, item, self.images.flat_roles))
            key = key.of_instance(int(number)) if mark else key
            self._segments[segment] = key
            self._voxels.setdefault(segment, 1)
            if key.instance is not None:
                self._instances.setdefault(name, {})[key.instance] = key

    def _segment(self, key: ItemKey, item: SegmentationItem) -> str:
        segment = segment_id(item.id, key.instance)
        if self.segmentation_node is None:
            raise InputError(f"'{item.id}': the image has no grid to draw on; choose a series with patient geometry.")
        if segment not in self._segment_ids():
            add_segment(self.segmentation_node, _described(item, key.instance))
        self._segments[segment] = key
        if key.instance is not None:
            self._instances.setdefault(item.id, {})[key.instance] = key
        return segment

    def _begin_instance(self, key: ItemKey) -> None:
        self._instances.setdefault(key.item, {})[key.instance or 1] = key
        item = self.protocol.item(key.item)
        if isinstance(item, SegmentationItem):
            self._segment(key, item)
        elif isinstance(item, Box | Polygon | Landmarks | Measurement):
            self._make_nodes(key, item)

    def _clear_all(self) -> None:
        for key in list(self._nodes):
            self._remove_nodes(key)
        for kept in (self._answers, self._comments, self._reasons, self._instances, self._segments, self._voxels):
            kept.clear()
        self._derived = ()
        if self.segmentation_node is not None:
            self.segmentation_node.GetSegmentation().RemoveAllSegments()

    def _all_problems(self) -> Mapping[ItemKey, Sequence[str]]:
        deleted = self.deleted_segments()
        if not deleted:
            return self._problems
        message = "its segment was deleted; restore it, or confirm the deletion."
        return {**self._problems, **{key: (*self._problems.get(key, ()), message) for key in deleted}}

    # loading

    def _load(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if answer.item not in self.protocol.item_ids:
                self._orphans = (*self._orphans, answer)
                continue
            if isinstance(answer.value, NotApplicable):
                continue
            item = self.protocol.item(answer.item)
            key = self._key_of(answer, item)
            if answer.comment:
                self._comments[key] = answer.comment
            if answer.warning_reason:
                self._reasons[key] = answer.warning_reason
            self._load_value(key, item, answer.value)

    def _key_of(self, answer: Answer, item: Item) -> ItemKey:
        subject = answer.subject
        if isinstance(item, DrawnItem) and item.frame and subject.frame:
            role = item.series or self.protocol.imaging.reference_series
            self._frames[role, item.frame] = subject.frame
            subject = replace(subject, frame=None)
        if item.scope.level == "image" and subject.series:
            place = ImagePlace(subject.series, subject.image, subject.frame)
            if place not in self._places:
                self._places.append(place)
        return ItemKey(item.id, subject)

    def _load_value(self, key: ItemKey, item: Item, value: Value) -> None:
        if isinstance(item, Measurement) and item.derived:
            self._derived = (*self._derived, Answer(item.id, value, key.subject))
            return
        if isinstance(value, SegmentationValue):
            if value.presence != Presence.PRESENT:
                self._answers[key] = value
            if key.instance is not None:
                self._instances.setdefault(item.id, {})[key.instance] = key
            return
        if not isinstance(item, Box | Polygon | Landmarks | Measurement) or isinstance(value, PresenceValue):
            self._answers[key] = value
            return
        if key.instance is not None and item.instances:
            self._instances.setdefault(item.id, {})[key.instance] = key
        if not self._draw(key, item, value):
            self._answers[key] = value
            return
        times = tuple(node.GetMTime() for node in self._nodes[key])
        self._unchanged[key] = (times, value)

    def _draw(self, key: ItemKey, item: Box | Polygon | Landmarks | Measurement, value: Value) -> bool:
        """Show an answer as markups; False when it has nothing to show, such as a number without points."""
        plane = self._plane_of(item)
        if isinstance(value, MeasurementValue) and not value.points:
            return False
        self._make_nodes(key, item)
        nodes = self._nodes[key]
        match value:
            case BoxValue():
                markup_values.fill_box(nodes[0], value, plane, self._grid_of(item))
            case PolygonValue():
                markup_values.fill_points(nodes[0], value.points, plane)
            case LandmarksValue() if isinstance(item, Landmarks):
                markup_values.fill_landmarks(nodes[0], item, value, plane)
            case MeasurementValue():
                size = 2 if len(nodes) == 2 else len(value.points)
                for number, node in enumerate(nodes):
                    markup_values.fill_points(node, value.points[number * size : (number + 1) * size], plane)
            case _:
                return False
        return True

    # observers

    def _observe(self, observed: vtk.vtkObject, event: int) -> None:
        self._observed.append((observed, observed.AddObserver(event, self._drawn)))

    def _forget(self, observed: vtk.vtkObject) -> None:
        for entry in [entry for entry in self._observed if entry[0] is observed]:
            observed.RemoveObserver(entry[1])
            self._observed.remove(entry)


def _described(item: SegmentationItem, instance: int | None) -> Segment:
    """The segment of an item; instances share the item's label value in exports, MRML numbers them in its layers."""
    codes = item.codes
    return Segment(
        segment_id(item.id, instance),
        item.title if instance is None else f"{item.title} {instance}",
        item.label_value,
        0,
        item.rgb,
        codes.category,
        codes.type,
        codes.type_modifier,
        codes.region,
        codes.region_modifier or codes.laterality,
    )


def _without_composed(protocol: Protocol, segmentation: Segmentation) -> Segmentation:
    """Without the segments that software composes; they are composed again when the reading is saved."""
    composed = {item.id for item in protocol.segmentations if item.composed}
    kept = tuple(segment for segment in segmentation.segments if segment.id not in composed)
    if len(kept) == len(segmentation.segments):
        return segmentation
    used = sorted({segment.layer for segment in kept}) or [0]
    places = {old: new for new, old in enumerate(used)}
    moved = tuple(replace(segment, layer=places[segment.layer]) for segment in kept)
    return Segmentation(segmentation.layers[used], segmentation.grid, moved)


def _remove(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLDisplayableNode) -> None:
    if not scene.IsNodePresent(node):
        return
    displays = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for display in displays:
        if display is not None and scene.IsNodePresent(display):
            scene.RemoveNode(display)
