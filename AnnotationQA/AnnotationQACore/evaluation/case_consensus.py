"""Computes one reading from those of several readers of a case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from AnnotationQACore.agreement.instances.instances import given_instances
from AnnotationQACore.consensus.categories import mode
from AnnotationQACore.consensus.decisions import Decisions, joint_decisions
from AnnotationQACore.consensus.landmarks import landmark_consensus
from AnnotationQACore.consensus.ratings import median_rating
from AnnotationQACore.consensus.result import LabelConsensus, ReaderPerformance
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case_files import CaseFiles
from AnnotationQACore.evaluation.loading import CaseReadings, load_case
from AnnotationQACore.evaluation.segmentation_items import (
    comparable_readers,
    item_labels,
    renumbered,
    shared_members,
)
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.matching import as_in_protocol
from AnnotationQACore.project.readings import (
    Answer,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    Subject,
    Value,
    segment_id,
)
from AnnotationQACore.protocol.items import Item, Rating
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation

__all__ = ["CaseConsensus", "case_consensus"]

Method = Callable[[Decisions], LabelConsensus]

Members = Sequence[Mapping[str, int]]
"""For each instance that the consensus keeps, the number of the instance of each reader who has it."""


@dataclass(frozen=True, slots=True, eq=False)
class CaseConsensus:
    """A computed reading of a case.

    Attributes
    ----------
    answers : tuple of Answer
    segmentation : Segmentation or None
        None when nothing was segmented.
    performance : mapping of item ID to tuple of ReaderPerformance
        How each reader compares with the consensus, label by label.
    open_items : tuple of str
        Items on which the readers are split, or for which there is no way to combine answers: they need a person.
    """

    answers: tuple[Answer, ...]
    segmentation: Segmentation | None
    performance: Mapping[str, tuple[ReaderPerformance, ...]]
    open_items: tuple[str, ...]


def case_consensus(files: CaseFiles, protocol: Protocol, method: Method) -> CaseConsensus:
    """Combine the readings of a case.

    Segmentations are combined by `method`; instances of different readers that overlap are one, and decided together
    with the others. Categories take the answer that most readers gave (none when they are split), ordinal ratings the
    lower median, measurements the median, landmarks the geometric median. Other items are left open.

    Parameters
    ----------
    files : CaseFiles
    protocol : Protocol
    method : callable
        From `Decisions` to `LabelConsensus`, such as `vote.majority`.

    Raises
    ------
    InputError
        There are fewer than two readings, or a file is missing, changed or unreadable.
    GridMismatch
        Two readers segmented images with different lattices.
    """
    if len(files.readings) < 2:
        raise InputError(f"case {files.case}: {len(files.readings)} reading; a consensus needs at least two.")
    case = load_case(files)
    drawn = {
        item.id: one
        for item in protocol.segmentations
        if (one := _segment(item, case, method)) is not None  # one reader or none answered it
    }
    answers = [answer for one in drawn.values() for answer in one.answers]
    open_items = []
    for item in protocol.items:
        if item.id in drawn:
            continue
        found, is_open = _answers(item, case, drawn)
        answers.extend(found)
        if is_open:
            open_items.append(item.id)
    return CaseConsensus(
        tuple(answers),
        _assembled([one for one in drawn.values() if one.segments]),
        {item: one.performance for item, one in drawn.items()},
        tuple(open_items),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """Consensus on one segmentation item; `voxels` holds the number of the instance, or 1."""

    answers: tuple[Answer, ...]
    segments: tuple[Segment, ...]
    voxels: LabelArray
    grid: Grid
    members: Members
    performance: tuple[ReaderPerformance, ...]


def _segment(item: SegmentationItem, case: CaseReadings, method: Method) -> _Drawn | None:
    readers = comparable_readers(case, item.id)
    if len(readers) < 2:
        return None
    grid = next((segmentation.grid for segmentation in case.segmentations.values()), Grid((1, 1, 1)))
    labels = {name: item_labels(case.segmentations.get(name), item.id, grid) for name in readers}
    members = shared_members({name: given_instances(array, grid) for name, array in labels.items()})
    if not members:
        absent = (Answer(item.id, SegmentationValue(Presence.ABSENT)),)
        return _Drawn(absent, (), np.zeros(grid.shape, np.uint16), grid, (), ())
    lesions = renumbered(labels, members)
    result = method(joint_decisions(list(lesions.values()), grid, readers))
    kept = [number for number in range(1, len(members) + 1) if np.any(result.voxels == number)]
    table = np.zeros(len(members) + 1, dtype=np.uint16)
    table[kept] = np.arange(1, len(kept) + 1)
    segments, answers = [], []
    for number, old in enumerate(kept, start=1):
        instance = number if item.instances else None
        drawn = _segment_of(case, item.id, members[old - 1])
        described = as_in_protocol(drawn, item, instance)
        segments.append(replace(described, value=number, layer=0, color=drawn.color))
        answers.append(Answer(item.id, SegmentationValue(Presence.PRESENT), Subject(instance=instance)))
    if not kept:
        answers.append(Answer(item.id, SegmentationValue(Presence.ABSENT)))
    return _Drawn(
        tuple(answers),
        tuple(segments),
        table[result.voxels],
        grid,
        [members[old - 1] for old in kept],
        result.performance,
    )


def _segment_of(case: CaseReadings, item_id: str, members: Mapping[str, int]) -> Segment:
    """How the first reader who has it described the segment."""
    reader, number = next(iter(members.items()))
    wanted = {item_id, segment_id(item_id, number)}
    return next(segment for segment in case.segmentations[reader].segments if segment.id in wanted)


def _assembled(drawn: Sequence[_Drawn]) -> Segmentation | None:
    """All items in one segmentation, each in a layer of its own, so that they may overlap."""
    if not drawn:
        return None
    layers = np.stack([one.voxels for one in drawn])
    segments = [replace(segment, layer=layer) for layer, one in enumerate(drawn) for segment in one.segments]
    return Segmentation(layers, drawn[0].grid, tuple(segments))


def _answers(item: Item, case: CaseReadings, drawn: Mapping[str, _Drawn]) -> tuple[list[Answer], bool]:
    """Combined answers to an item, and whether any of them is left open."""
    parent = drawn.get(item.scope.of or "")
    grouped: dict[Subject, dict[str, Value]] = defaultdict(dict)
    for reader, subject, value in _given(item.id, case):
        placed = _in_consensus(subject, reader, parent)
        if placed is not None:
            grouped[placed][reader] = value
    found, is_open = [], False
    for subject, values in grouped.items():
        combined = _combined(item, values)
        if combined is None:
            is_open = True
        else:
            found.append(Answer(item.id, combined, subject))
    return found, is_open


def _given(item_id: str, case: CaseReadings) -> Iterator[tuple[str, Subject, Value]]:
    for reader, reading in case.readings.items():
        for answer in reading.answers_to(item_id):
            if not isinstance(answer.value, NotApplicable):
                yield reader, answer.subject, answer.value


def _in_consensus(subject: Subject, reader: str, parent: _Drawn | None) -> Subject | None:
    """The subject with the consensus's number of the instance; None when the consensus has no such instance."""
    if subject.instance is None or parent is None:
        return subject
    for number, members in enumerate(parent.members, start=1):
        if members.get(reader) == subject.instance:
            return replace(subject, instance=number)
    return None


def _combined(item: Item, values: Mapping[str, Value]) -> Value | None:
    """One value from those of one or more readers; None when it takes a person."""
    given = list(values.values())
    if len(given) == 1:
        return given[0]
    readers = list(values)
    if all(isinstance(value, RatingValue) for value in given):
        levels = [value.level for value in given if isinstance(value, RatingValue)]
        if isinstance(item, Rating) and item.scale == "ordinal":
            table = [[np.nan if level is None else level for level in levels]]
            median = median_rating(table, readers).values[0]
            return RatingValue(None if np.isnan(median) else int(median))
        chosen = _mode([None if level is None else str(level) for level in levels], readers)
        return None if chosen is None else RatingValue(int(chosen))
    if all(isinstance(value, PresenceValue) for value in given):
        chosen = _mode([value.presence.value for value in given if isinstance(value, PresenceValue)], readers)
        return None if chosen is None else PresenceValue(Presence(chosen))
    if all(isinstance(value, ChoiceValue) for value in given):
        chosen = _mode(["\n".join(value.choices) for value in given if isinstance(value, ChoiceValue)], readers)
        return None if chosen is None else ChoiceValue(tuple(filter(None, chosen.split("\n"))))
    if all(isinstance(value, MeasurementValue) for value in given):
        return _median([value for value in given if isinstance(value, MeasurementValue)])
    if all(isinstance(value, LandmarksValue) for value in given):
        return _landmarks({name: value for name, value in values.items() if isinstance(value, LandmarksValue)})
    return None


def _mode(categories: Sequence[str | None], readers: Sequence[str]) -> str | None:
    if all(category is None for category in categories):
        return None
    return mode([categories], readers).values[0]


def _median(values: Sequence[MeasurementValue]) -> MeasurementValue | None:
    if len({value.unit for value in values}) > 1:
        return None
    short = [value.short_axis for value in values if value.short_axis is not None]
    return MeasurementValue(
        float(np.median([value.value for value in values])),
        values[0].unit,
        short_axis=float(np.median(short)) if len(short) == len(values) else None,
    )


def _landmarks(values: Mapping[str, LandmarksValue]) -> LandmarksValue | None:
    if any(len(mark.position or (0, 0, 0)) != 3 for value in values.values() for mark in value.landmarks):
        return None  # on an X-ray, in pixels
    points = {
        name: {mark.name: None if mark.position is None else mark.position[:3] for mark in value.landmarks}
        for name, value in values.items()
    }
    combined = landmark_consensus(points)  # type: ignore[arg-type]  # three coordinates were checked above
    return LandmarksValue(tuple(Landmark(point.name, point.position) for point in combined.points))
