"""Checks of a reading as it stands, and the reasons that its warnings ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQACore.checks.plausibility import check_reading
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic.reading_editor import ReadingEditor
from AnnotationQALib.logic.reading_snapshot import ReadingSnapshot, SnapshotContents

__all__ = ["CheckedReading", "check_snapshot", "deleted_segments", "with_reasons"]


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


def check_snapshot(
    snapshot: ReadingSnapshot,
    sources: Mapping[str, ImageSource],
    deleted: Sequence[ReadingProblem],
    progress: Progress,
) -> CheckedReading:
    """Check a reading on any thread; `deleted` are the problems that `deleted_segments` has found in the editor."""
    progress(0, 2)
    contents = snapshot.complete(sources)
    progress(1, 2)
    found = check_reading(snapshot.protocol, contents.reading, contents.segmentation, sources, contents.regions)
    problems = sorted((*deleted, *found), key=lambda problem: problem.severity != Severity.ERROR)
    progress(2, 2)
    return CheckedReading(contents, tuple(problems), snapshot.number)


def deleted_segments(editor: ReadingEditor, protocol: Protocol) -> tuple[ReadingProblem, ...]:
    """Segments that were deleted, and neither restored nor confirmed to be gone."""
    return tuple(
        ReadingProblem(
            key.item,
            CheckKind.SEGMENTS,
            Severity.ERROR,
            worded(
                "{title}: its segment was deleted; restore it, or confirm the deletion.",
                title=protocol.item(key.item).title,
            ),
            subject=key.subject,
        )
        for key in editor.drawing.deleted_segments()
    )


def with_reasons(
    reading: Reading, problems: Sequence[ReadingProblem], reasons: Mapping[ReadingProblem, str]
) -> Reading:
    """The reading with the reasons for its warnings, at their answers, or else in its comment.

    Raises
    ------
    InputError
        An error stands, or a warning has no reason, neither given here nor before.
    """
    errors = [problem for problem in problems if problem.severity == Severity.ERROR]
    if errors:
        raise InputError(_hindered(errors))
    before = {(a.item, a.subject): a.warning_reason for a in reading.answers if a.warning_reason}
    answered = {(a.item, a.subject) for a in reading.answers}
    texts: dict[tuple[str, Any], list[str]] = {}
    loose = []
    for problem in problems:
        place, text = (problem.item, problem.subject), reasons.get(problem, "").strip()
        if not text and place not in before:
            template = "the reading cannot be submitted without a reason for this warning: {problem}"
            raise InputError(worded(template, problem=problem.wording))
        if text and place in answered:
            texts.setdefault(place, []).append(text)
        elif text:
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
