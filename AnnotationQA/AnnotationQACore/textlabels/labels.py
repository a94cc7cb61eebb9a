"""What a whole report says about each finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.textlabels.context import Assertion
from AnnotationQACore.textlabels.language import SectionKind
from AnnotationQACore.textlabels.mentions import Mention
from AnnotationQACore.textlabels.vocabulary import Finding, Vocabulary

__all__ = ["ReportLabel", "label_report"]

_OF_THIS_STUDY = frozenset({SectionKind.FINDINGS, SectionKind.CONCLUSION, SectionKind.UNNAMED})
_STRENGTH = (Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.ABSENT)


@dataclass(frozen=True, slots=True)
class ReportLabel:
    """What a report says about a finding in the study that it is about.

    Attributes
    ----------
    finding : Finding
    assertion : Assertion
        `PRESENT`, `UNCERTAIN` or `ABSENT`.
    mentions : tuple of Mention
        Where it says so.
    implied_by : Finding or None
        Whose mentions these are: a kind of this one that is present, or the more general one that is absent.
    contradicted : bool
        Whether it also says the opposite somewhere, as of the other side of the body.
    """

    finding: Finding
    assertion: Assertion
    mentions: tuple[Mention, ...]
    implied_by: Finding | None = None
    contradicted: bool = False


def label_report(mentions: Sequence[Mention], vocabulary: Vocabulary) -> tuple[ReportLabel, ...]:
    """One label for each finding that a report speaks of, in the protocol's order.

    Only what is said of this study counts: mentions in the sections findings and conclusion, or in a report without
    sections, and none that are historical or of someone else. Present anywhere is present, else uncertain anywhere is
    uncertain, else it is absent. A kind of a finding that is present makes the finding present, and a finding that is
    absent its kinds, where the report says nothing of them.
    """
    direct: dict[Finding, ReportLabel] = {}
    for finding in vocabulary.terms:
        said = [m for m in mentions if m.finding == finding and m.section in _OF_THIS_STUDY]
        kinds = {m.assertion for m in said}
        strongest = next((one for one in _STRENGTH if one in kinds), None)
        if strongest is not None:
            direct[finding] = ReportLabel(
                finding,
                strongest,
                tuple(m for m in said if m.assertion is strongest),
                contradicted=Assertion.PRESENT in kinds and Assertion.ABSENT in kinds,
            )
    return tuple(label for finding in vocabulary.terms if (label := _implied(finding, direct, vocabulary)) is not None)


def _implied(finding: Finding, direct: dict[Finding, ReportLabel], vocabulary: Vocabulary) -> ReportLabel | None:
    own = direct.get(finding)
    if own is None or own.assertion is not Assertion.PRESENT:
        for other in direct.values():
            if other.assertion is Assertion.PRESENT and finding in _ancestors(other.finding, vocabulary):
                contradicted = own is not None and own.assertion is Assertion.ABSENT
                return ReportLabel(finding, Assertion.PRESENT, other.mentions, other.finding, contradicted)
    if own is not None:
        return own
    for ancestor in _ancestors(finding, vocabulary):
        above = direct.get(ancestor)
        if above is not None and above.assertion is Assertion.ABSENT:
            return ReportLabel(finding, Assertion.ABSENT, above.mentions, ancestor)
    return None


def _ancestors(finding: Finding, vocabulary: Vocabulary) -> list[Finding]:
    found: list[Finding] = []
    while (parent := vocabulary.parents.get(finding)) is not None and parent not in found:
        found.append(parent)
        finding = parent
    return found
