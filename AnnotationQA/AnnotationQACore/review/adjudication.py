"""One reviewer's decisions on one case, item by item and region by region, until they make a reference standard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AnnotationQACore.agreement.segmentations.confusion import Confusion
from AnnotationQACore.agreement.segmentations.overlap import dice
from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import (
    CASE_WIDE,
    Answer,
    NotApplicable,
    Presence,
    Reading,
    SegmentationValue,
    Subject,
    Value,
)
from AnnotationQACore.project.state import Action, SubmittedReading
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.review.answer_differences import in_words
from AnnotationQACore.review.painting import EDITED, Painting
from AnnotationQACore.segmentation import Mask, Segmentation
from AnnotationQACore.wording import worded

__all__ = ["Adjudicated", "Adjudication", "ItemDecision", "MinorityOpinion", "sign_off"]


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """What was decided about an item and subject.

    Attributes
    ----------
    item : str
    source : str
        Reader, ``consensus:METHOD``, ``edited``, or ``regions`` when it was put together region by region.
    reason : str
    subject : Subject
    """

    item: str
    source: str
    reason: str = ""
    subject: Subject = CASE_WIDE


@dataclass(frozen=True, slots=True)
class MinorityOpinion:
    """What a reader said that was not accepted; kept with the result."""

    reader: str
    item: str
    text: str
    subject: Subject = CASE_WIDE

    def to_json(self) -> dict[str, Any]:
        """As a comment of a decision (see `project.state.Decision`)."""
        about = {} if self.subject == CASE_WIDE else {"subject": self.subject.to_json()}
        return {"text": self.text, "item": self.item, "reader": self.reader, "opinion": "minority", **about}


@dataclass(frozen=True, slots=True, eq=False)
class Adjudicated:
    """Result of an adjudication, not recorded yet.

    Attributes
    ----------
    answers : tuple of Answer
    segmentation : Segmentation or None
    decisions : tuple of ItemDecision
    minority : tuple of MinorityOpinion
    """

    answers: tuple[Answer, ...]
    segmentation: Segmentation | None
    decisions: tuple[ItemDecision, ...]
    minority: tuple[MinorityOpinion, ...]


class Adjudication:
    """Collects decisions; the readings stay as they are.

    Parameters
    ----------
    protocol : Protocol
    readings : CaseReadings
        What the readers answered.
    painting : Painting or None
        The voxels; None when nothing was segmented.
    """

    def __init__(self, protocol: Protocol, readings: CaseReadings, painting: Painting | None = None) -> None:
        self.protocol = protocol
        self.readings = readings
        self.painting = painting
        self._decisions: dict[tuple[str, Subject], ItemDecision] = {}
        self._values: dict[tuple[str, Subject], Value] = {}

    @property
    def decisions(self) -> tuple[ItemDecision, ...]:
        """The newest decision about each item and subject, in the order they were made."""
        return tuple(self._decisions.values())

    def accept(self, item: str, source: str, reason: str = "") -> None:
        """Accept what a reader or a consensus has for an item, with its voxels and all answers to it.

        Raises
        ------
        InputError
            There is no such item or source, the protocol asks for a reason and there is none, or a consensus is asked
            for on something that is not segmented.
        """
        self._require_reason(reason, item)
        found = self.protocol.item(item)
        if source in self.readings.readings:
            self._forget(item)
            for answer in self.readings.readings[source].answers_to(item):
                self._values[(item, answer.subject)] = answer.value
        elif not isinstance(found, SegmentationItem):
            raise InputError(f"review: '{source}' has no answer to '{item}'; choose a reader, or give an answer.")
        if isinstance(found, SegmentationItem):
            for segment in self._segments(item):
                self._need_painting().take_structure(segment, source)
        self._decisions[(item, CASE_WIDE)] = ItemDecision(item, source, reason.strip())

    def answer(self, item: str, value: Value, reason: str = "", subject: Subject = CASE_WIDE) -> None:
        """Give an answer of the reviewer's own, or one reader's answer about one subject."""
        self._require_reason(reason, item)
        if isinstance(self.protocol.item(item), SegmentationItem):
            raise InputError(f"review: '{item}' is segmented; edit its voxels.")
        given_by = [
            reader
            for reader, reading in self.readings.readings.items()
            if (said := reading.answer(item, subject)) is not None and said.value == value
        ]
        self._values[(item, subject)] = value
        source = given_by[0] if given_by else EDITED
        self._decisions[(item, subject)] = ItemDecision(item, source, reason.strip(), subject)

    def take_region(self, region: int, source: str, reason: str = "") -> None:
        """Paint one region of disagreement as `source` has it."""
        painting = self._need_painting()
        if not 0 <= region < len(painting.disagreements):
            raise InputError(f"review: there is no region {region}; there are {len(painting.disagreements)}.")
        items = {segment.partition("#")[0] for segment in painting.disagreements.structures(region)}
        self._require_reason(reason, ", ".join(sorted(items)))
        painting.take_region(region, source)
        for item in sorted(items):
            former = self._decisions.get((item, CASE_WIDE))
            reasons = dict.fromkeys(filter(None, [former.reason if former else "", reason.strip()]))
            self._decisions[(item, CASE_WIDE)] = ItemDecision(item, "regions", "; ".join(reasons))

    def take_edited(self, segment_id: str, mask: Mask, reason: str = "") -> tuple[str, ...]:
        """Take the voxels that the reviewer drew for a segment; returns the segments that lost voxels to it."""
        item = segment_id.partition("#")[0]
        self._require_reason(reason, item)
        lost = self._need_painting().take_edited(segment_id, mask)
        self._decisions[(item, CASE_WIDE)] = ItemDecision(item, EDITED, reason.strip())
        return lost

    def open_items(self) -> tuple[str, ...]:
        """Items that need a decision and have none: readers differ about them, or none gave the answer that all give.

        An item that all readers answered alike needs none, and is taken over.
        """
        return tuple(item.id for item in self.protocol.items if self._is_open(item.id))

    def open_regions(self) -> tuple[int, ...]:
        """Regions about which nothing was decided yet."""
        return self.painting.undecided() if self.painting is not None else ()

    def result(self) -> Adjudicated:
        """The result as it stands.

        Raises
        ------
        InputError
            Something is not decided yet; the message names it.
        """
        regions = len(self.open_regions())
        items = self.open_items()
        if items or regions:
            parts = [f"{', '.join(items)}" if items else "", f"{regions} regions" if regions else ""]
            raise InputError(f"review: not decided yet: {'; '.join(filter(None, parts))}; decide or send back.")
        answers = [
            Answer(item, value, subject)
            for (item, subject), value in self._all_values().items()
            if not isinstance(self.protocol.item(item), SegmentationItem)
        ]
        segmentation = None
        if self.painting is not None:
            segmentation = self.painting.segmentation
            answers += self._presence(segmentation)
        order = {item: place for place, item in enumerate(self.protocol.item_ids)}
        answers.sort(key=lambda answer: (order[answer.item], str(answer.subject)))
        return Adjudicated(tuple(answers), segmentation, self.decisions, tuple(self._minority(answers, segmentation)))

    def _require_reason(self, reason: str, item: str) -> None:
        if self.protocol.design.reason_required and not reason.strip():
            raise InputError(f"review: the protocol asks for a reason for each decision ('{item}'); give one.")

    def _need_painting(self) -> Painting:
        if self.painting is None:
            raise InputError("review: nothing was segmented in this case.")
        return self.painting

    def _segments(self, item: str) -> list[str]:
        if self.painting is None:
            return []
        return [s.id for s in self.painting.labels.segments if s.id == item or s.id.startswith(item + "#")]

    def _forget(self, item: str) -> None:
        for key in [key for key in self._values if key[0] == item]:
            del self._values[key]
        for key in [key for key in self._decisions if key[0] == item]:
            del self._decisions[key]

    def _common(self, item: str) -> dict[Subject, Value] | None:
        """What all readers answered alike; None when they differ."""
        said = [{a.subject: a.value for a in one.answers_to(item)} for one in self.readings.readings.values()]
        return said[0] if said and all(other == said[0] for other in said[1:]) else None

    def _is_open(self, item: str) -> bool:
        if any(key[0] == item for key in self._decisions):
            return False
        if isinstance(self.protocol.item(item), SegmentationItem):
            involved = [n for segment in self._segments(item) for n in self._involving(segment)]
            undecided = set(self.open_regions())
            return any(region in undecided for region in involved) or self._unassessed(item)
        return self._common(item) is None

    def _involving(self, segment: str) -> Sequence[int]:
        numbers: list[int] = self._need_painting().disagreements.involving(segment).tolist()
        return numbers

    def _unassessed(self, item: str) -> bool:
        """Whether readers differ about whether the structure can be judged, or is asked for, at all."""
        states = {
            "open" if isinstance(a.value, SegmentationValue) and a.value.presence is Presence.NOT_ASSESSABLE else "read"
            for reading in self.readings.readings.values()
            for a in reading.answers_to(item)
        }
        return len(states) > 1

    def _all_values(self) -> dict[tuple[str, Subject], Value]:
        """Decided values, and those that all readers gave alike."""
        values: dict[tuple[str, Subject], Value] = {}
        for item in self.protocol.item_ids:
            decided = {key: value for key, value in self._values.items() if key[0] == item}
            common = self._common(item)
            if common is not None:
                values |= {(item, subject): value for subject, value in common.items()}
            if decided and common is None and (item, CASE_WIDE) not in self._decisions:
                for subject, value in self._undisputed(item).items():
                    values.setdefault((item, subject), value)
            values |= decided
        return values

    def _undisputed(self, item: str) -> dict[Subject, Value]:
        """Answers about single subjects that all readers gave alike."""
        said = [{a.subject: a.value for a in one.answers_to(item)} for one in self.readings.readings.values()]
        return {
            subject: value for subject, value in said[0].items() if all(other.get(subject) == value for other in said)
        }

    def _presence(self, segmentation: Segmentation) -> Iterable[Answer]:
        """Answers that say which structures are there, as they were painted."""
        for item in self.protocol.segmentations:
            segments = self._segments(item.id)
            present = [segment for segment in segments if segmentation.mask(segment).voxels.any()]
            asked = [a.value for one in self.readings.readings.values() for a in one.answers_to(item.id)]
            if present:
                for segment in present:
                    number = segment.partition("#")[2]
                    subject = Subject(instance=int(number)) if number else CASE_WIDE
                    yield Answer(item.id, SegmentationValue(Presence.PRESENT), subject)
            elif asked and all(isinstance(value, NotApplicable) for value in asked):
                yield Answer(item.id, NotApplicable())
            elif asked and all(value == SegmentationValue(Presence.NOT_ASSESSABLE) for value in asked):
                yield Answer(item.id, SegmentationValue(Presence.NOT_ASSESSABLE))
            elif asked:
                yield Answer(item.id, SegmentationValue(Presence.ABSENT))

    def _minority(self, answers: Sequence[Answer], segmentation: Segmentation | None) -> Iterable[MinorityOpinion]:
        final = {(a.item, a.subject): a.value for a in answers}
        for reader, reading in self.readings.readings.items():
            for answer in reading.answers:
                if isinstance(self.protocol.item(answer.item), SegmentationItem):
                    continue
                if final.get((answer.item, answer.subject)) != answer.value:
                    yield MinorityOpinion(reader, answer.item, in_words(answer.value), answer.subject)
        if segmentation is None:
            return
        labels = self._need_painting().labels
        for segment in labels.segments:
            accepted = segmentation.mask(segment.id).voxels
            for reader in labels.readers:
                counted = Confusion.of_masks(labels.mask(reader, segment.id), accepted)
                if counted.only_a or counted.only_b:
                    ml = labels.grid.voxel_volume / 1000
                    overlap = dice(counted)
                    words = "undefined" if overlap is None else f"{overlap:.3f}"
                    text = f"{counted.in_a * ml:.4g} ml against {counted.in_b * ml:.4g} ml accepted, Dice {words}"
                    item, _, number = segment.id.partition("#")
                    subject = Subject(instance=int(number)) if number.isdigit() else CASE_WIDE
                    yield MinorityOpinion(reader, item, text, subject)


def sign_off(project: Project, case: str, result: Adjudicated, reason: str = "") -> SubmittedReading:
    """Record the result as the reference standard of the case.

    It is submitted as the reading of ``adjudicated:<actor>``, and the decision names it, with what was decided on
    each item and the minority opinions as comments. The readings are named by the decision's comments only: they stay
    as submitted.

    Raises
    ------
    ProjectError
        Whoever acts is no adjudicator, or the case is not in the project.
    InputError
        The protocol asks for a reason and there is none.
    DestinationError
        The project cannot be written; nothing is recorded, or only the reading, which then is no reference standard.
    """
    if project.identity is None:
        raise ProjectError(
            worded("{folder}: was opened without identity; say who acts (--as NAME).", folder=str(project.folder))
        )
    state = project.refresh()
    protocol = project.protocol()
    if protocol.design.reason_required and not reason.strip() and not all(d.reason for d in result.decisions):
        raise InputError("review: the protocol asks for a reason; give one.")
    reader = f"adjudicated:{project.identity.member}"
    former = [one for one in state.readings.get(case, ()) if one.reader == reader and one.round == 1]
    revision = max((one.revision for one in former), default=0) + 1
    reading = Reading(case, reader, 1, revision, state.protocol, result.answers, comment=reason.strip())
    with tempfile.TemporaryDirectory() as folder:
        path = None
        if result.segmentation is not None:
            path = Path(folder) / "adjudicated.seg.nrrd"
            write_segmentation(path, result.segmentation)
        submitted = project.submit_reading(reading, path)
    comments = [
        {"text": f"{one.item}: {one.source}" + (f" ({one.reason})" if one.reason else ""), "item": one.item,
         "opinion": "accepted"}
        for one in result.decisions
    ]  # fmt: skip
    comments += [opinion.to_json() for opinion in result.minority]
    project.decide(case, Action.ADJUDICATE, [submitted.id], comments=comments, reason=reason.strip())
    return submitted
