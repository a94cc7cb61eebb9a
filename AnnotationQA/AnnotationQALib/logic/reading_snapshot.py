"""A reading as it stands at one moment: plain data that another thread may check, measure and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from AnnotationQACore.checks.composition import composed_answers, parts_of
from AnnotationQACore.checks.derived_measurements import ImageSource, derived_answers
from AnnotationQACore.checks.plain_answers import is_asked, plain_values
from AnnotationQACore.checks.segment_regions import SegmentRegions
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.answers import Answer, NotApplicable, Presence, SegmentationValue, Subject
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.segmentations import SegmentationCopy
from AnnotationQALib.logic.starting_points import changed_voxels

__all__ = ["ReadingSnapshot", "SnapshotContents", "segment_of"]


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotContents:
    """A snapshot worked out: the reading with the presence of its segments, the voxels, and how many each has."""

    reading: Reading
    segmentation: Segmentation | None
    voxels: Mapping[str, int]
    regions: SegmentRegions | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ReadingSnapshot:
    """What `ReadingEditor.snapshot` gives.

    Attributes
    ----------
    reading : Reading
        Without answers about segments.
    protocol : Protocol
    segmentation : SegmentationCopy or None
    grid : Grid or None
        On which segments lie; None when the protocol has no segmentations.
    segment_keys : mapping of segment ID to ItemKey
        Segments begun so far.
    presence : mapping of ItemKey to Presence
        What the reader said explicitly about a segmentation.
    comments, reasons : mapping of ItemKey to str
    places : tuple of (ItemKey)
        All that the form asks now or hides because a condition does not hold.
    number : int
        Rises with every change; two snapshots of one number are the same.
    start : Segmentation or None
        What the reading was started from.
    """

    reading: Reading
    protocol: Protocol
    segmentation: SegmentationCopy | None
    grid: Grid | None
    segment_keys: Mapping[str, ItemKey]
    presence: Mapping[ItemKey, Presence]
    comments: Mapping[ItemKey, str] = field(default_factory=dict)
    reasons: Mapping[ItemKey, str] = field(default_factory=dict)
    places: tuple[ItemKey, ...] = ()
    number: int = 0
    start: Segmentation | None = None

    def contents(self) -> SnapshotContents:
        """Work out voxels and presence, for a draft; raises `InputError` when segments lie on another geometry."""
        segmentation = None
        counts: dict[str, int] = {}
        regions = None
        if self.segmentation is not None and self.grid is not None and self.segmentation.segments:
            segmentation = _with_composed(self.protocol, self.segmentation.on(self.grid))
            regions = SegmentRegions(segmentation)
            counts = regions.voxels()
        answers = (*self.reading.answers, *self._segment_answers(counts))
        order = {item: place for place, item in enumerate(self.protocol.item_ids)}
        answers = tuple(sorted(answers, key=lambda a: (order.get(a.item, len(order)), a.subject.instance or 0)))
        return SnapshotContents(replace(self.reading, answers=answers), segmentation, counts, regions)

    def complete(self, images: Mapping[str, ImageSource], contents: SnapshotContents | None = None) -> SnapshotContents:
        """The reading as it would be submitted: with derived measurements, and what was not asked named as such."""
        contents = contents or self.contents()
        derived_ids = {item.id for item in self.protocol.items if getattr(item, "derived", False)}
        known = set(self.protocol.item_ids) - derived_ids
        given = [answer for answer in contents.reading.answers if answer.item in known]
        derived = derived_answers(self.protocol, given, contents.segmentation, images, contents.regions)
        answers = {(answer.item, answer.subject): answer for answer in (*given, *derived)}
        self._withdraw_unasked(answers)
        order = {item: place for place, item in enumerate(self.protocol.item_ids)}
        asked = [answer for answer in answers.values() if answer.item in order]
        ordered = sorted(asked, key=lambda a: (order[a.item], a.subject.instance or 0))
        started_from = contents.reading.started_from
        if started_from is not None and self.start is not None:
            changed = changed_voxels(self.start, contents.segmentation)
            started_from = replace(started_from, changed_voxels=changed)
        reading = replace(contents.reading, answers=tuple(ordered), started_from=started_from)
        return replace(contents, reading=reading)

    def _withdraw_unasked(self, answers: dict[tuple[str, Subject], Answer]) -> None:
        """Until nothing changes, for what is not asked cannot be the reason why something else is."""
        known = self.protocol.item_ids
        keys = {(key.item, key.subject) for key in self.places} | {key for key in answers if key[0] in known}
        for _ in range(len(self.protocol.items) + 1):
            unasked = [
                key
                for key in keys
                if not is_asked(self.protocol, key[0], plain_values(self.protocol, answers.values(), key[1]))
                and not (key in answers and isinstance(answers[key].value, NotApplicable))
            ]
            if not unasked:
                return
            for item, subject in unasked:
                answers[item, subject] = Answer(item, NotApplicable(), subject)

    def _segment_answers(self, counts: Mapping[str, int]) -> list[Answer]:
        answers = {}
        for segment_id, key in self.segment_keys.items():
            if counts.get(segment_id):
                answers[key] = SegmentationValue(Presence.PRESENT)
        for key, presence in self.presence.items():
            answers[key] = SegmentationValue(presence)
        given = [
            Answer(key.item, value, key.subject, self.comments.get(key, ""), self.reasons.get(key, ""))
            for key, value in answers.items()
        ]
        return [*given, *composed_answers(self.protocol, given)]


def segment_of(segmentation: Segmentation, segment_id: str) -> Segment | None:
    """A segment by its ID; None when there is none."""
    return next((segment for segment in segmentation.segments if segment.id == segment_id), None)


def _with_composed(protocol: Protocol, segmentation: Segmentation) -> Segmentation:
    """With the segments that are the union of others, each in a layer of its own."""
    composed = [item for item in protocol.segmentations if item.composed]
    if not composed:
        return segmentation
    drawn = {segment.id: segment for segment in segmentation.segments}
    layers, segments = list(segmentation.layers), list(segmentation.segments)
    for item in composed:
        names = set(parts_of(protocol, item.id))
        parts = [segment for name, segment in drawn.items() if name.partition("#")[0] in names]
        if item.id in drawn or not parts:
            continue
        union = np.zeros(segmentation.grid.shape, dtype=layers[0].dtype)
        for part in parts:
            union |= segmentation.layers[part.layer] == part.value
        codes = item.codes
        segments.append(
            Segment(
                item.id,
                item.title,
                1,
                len(layers),
                item.rgb,
                codes.category,
                codes.type,
                codes.type_modifier,
                codes.region,
                codes.region_modifier,
            )
        )
        layers.append(union)
    return Segmentation(np.stack(layers), segmentation.grid, tuple(segments))
