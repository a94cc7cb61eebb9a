"""Checks labels out of a report against what readers saw in the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    NotApplicable,
    PolygonValue,
    Presence,
    PresenceValue,
    Reading,
    SegmentationValue,
)
from AnnotationQACore.textlabels.context import Assertion
from AnnotationQACore.textlabels.labels import ReportLabel
from AnnotationQACore.textlabels.vocabulary import Finding, Vocabulary

__all__ = ["Comparison", "compare_with_images", "image_assertion"]

_ASSERTIONS = {
    Presence.PRESENT: Assertion.PRESENT,
    Presence.ABSENT: Assertion.ABSENT,
    Presence.UNCERTAIN: Assertion.UNCERTAIN,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finding of a case, as the report and as the image labels have it.

    Attributes
    ----------
    finding : Finding
    report : ReportLabel or None
        None where the report does not speak of it.
    image : Assertion or None
        None where the reading does not answer it, or could not assess it.
    """

    finding: Finding
    report: ReportLabel | None
    image: Assertion | None

    @property
    def differs(self) -> bool:
        """Whether one says present and the other absent, or one is certain and the other is not."""
        return self.report is not None and self.image is not None and self.report.assertion is not self.image

    @property
    def unmentioned(self) -> bool:
        """Whether the images show it and the report does not speak of it."""
        return self.report is None and self.image is Assertion.PRESENT


def compare_with_images(
    labels: Sequence[ReportLabel], reading: Reading, vocabulary: Vocabulary
) -> tuple[Comparison, ...]:
    """Every finding of which the report or the reading says something, in the protocol's order."""
    by_finding = {label.finding: label for label in labels}
    compared = (
        Comparison(finding, by_finding.get(finding), image_assertion(reading, finding)) for finding in vocabulary.terms
    )
    return tuple(one for one in compared if one.report is not None or one.image is not None)


def image_assertion(reading: Reading, finding: Finding) -> Assertion | None:
    """What a reading of images says about a finding; with several instances, what the strongest of them says."""
    said = {_assertion(answer, finding) for answer in reading.answers_to(finding.item)}
    order = (Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.ABSENT)
    return next((one for one in order if one in said), None)


def _assertion(answer: Answer, finding: Finding) -> Assertion | None:
    value = answer.value
    if isinstance(value, PresenceValue | SegmentationValue):
        return _ASSERTIONS.get(value.presence)
    if isinstance(value, ChoiceValue):
        return Assertion.PRESENT if finding.choice in value.choices else Assertion.ABSENT
    if isinstance(value, BoxValue | PolygonValue):
        return Assertion.PRESENT
    if isinstance(value, NotApplicable) and finding.choice:
        return Assertion.ABSENT
    return None
