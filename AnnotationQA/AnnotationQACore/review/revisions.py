"""What a reader changed between two revisions of a reading."""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading, Subject
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.review.answer_differences import in_words
from AnnotationQACore.review.disagreements import Disagreements, find_disagreements
from AnnotationQACore.review.labels import review_labels
from AnnotationQACore.segmentation import Segmentation

__all__ = ["AnswerChange", "Changes", "SegmentChange", "reading_changes", "revision_changes"]

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """An answer before and after, in words; empty where there is none."""

    item: str
    subject: Subject
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """Volumes in mm³ that a segment gained and lost."""

    segment: str
    gained_mm3: float
    lost_mm3: float


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What differs between two readings.

    Attributes
    ----------
    answers : tuple of AnswerChange
    segments : tuple of SegmentChange
        Those with a change.
    regions : Disagreements or None
        Regions of change, of the readers ``before`` and ``after``; None when neither has voxels.
    """

    answers: tuple[AnswerChange, ...]
    segments: tuple[SegmentChange, ...]
    regions: Disagreements | None

    def __bool__(self) -> bool:
        return bool(self.answers or self.segments)


def revision_changes(project: Project, submitted: SubmittedReading) -> Changes | None:
    """What a submitted reading changed since its former revision; None when it is the first.

    Raises
    ------
    InputError
        A file is missing, was changed, or cannot be read.
    """
    former = next(
        (
            one
            for one in project.state.readings.get(submitted.case, ())
            if (one.reader, one.round, one.revision) == (submitted.reader, submitted.round, submitted.revision - 1)
        ),
        None,
    )
    if former is None:
        return None
    paths = [project.segmentation_path(one) for one in (former, submitted)]
    voxels = [read_segmentation(path) if path is not None else None for path in paths]
    return reading_changes(project.load_reading(former), project.load_reading(submitted), voxels[0], voxels[1])


def reading_changes(
    before: Reading, after: Reading, voxels_before: Segmentation | None, voxels_after: Segmentation | None
) -> Changes:
    """Compare two readings of a case."""
    old = {(a.item, a.subject): in_words(a.value) for a in before.answers}
    new = {(a.item, a.subject): in_words(a.value) for a in after.answers}
    exact_old = {(a.item, a.subject): a.value for a in before.answers}
    exact_new = {(a.item, a.subject): a.value for a in after.answers}
    answers = tuple(
        AnswerChange(item, subject, old.get((item, subject), ""), new.get((item, subject), ""))
        for item, subject in dict.fromkeys([*old, *new])
        if exact_old.get((item, subject)) != exact_new.get((item, subject))
    )
    if voxels_before is None and voxels_after is None:
        return Changes(answers, (), None)
    present = voxels_before or voxels_after
    empty = Segmentation(present.layers[:1] * 0, present.grid, ())  # type: ignore[union-attr]  # one of them is there
    labels = review_labels({BEFORE: voxels_before or empty, AFTER: voxels_after or empty})
    segments = []
    for segment in labels.segments:
        was, is_now = labels.mask(BEFORE, segment.id), labels.mask(AFTER, segment.id)
        gained, lost = int((is_now & ~was).sum()), int((was & ~is_now).sum())
        if gained or lost:
            mm3 = labels.grid.voxel_volume
            segments.append(SegmentChange(segment.id, gained * mm3, lost * mm3))
    return Changes(answers, tuple(segments), find_disagreements(labels))
