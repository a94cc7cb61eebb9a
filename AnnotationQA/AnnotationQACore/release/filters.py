"""Which cases belong to a release: each filter says in words why it leaves a case out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Literal

from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.project.answers import ChoiceValue, PresenceValue, RatingValue, SegmentationValue, Value
from AnnotationQACore.protocol.constraints import Interval, Length, Slug, Text
from AnnotationQACore.protocol.decoding import decode
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.problems import Problem
from AnnotationQACore.protocol.shapes import shape_of
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.release.exporting import ReadingKind, ReleaseCase, ReleaseReading

__all__ = [
    "AgreementFilter",
    "Filters",
    "FindingFilter",
    "check_filters",
    "filters_from_json",
    "filters_to_json",
    "why_left_out",
]

Years = Annotated[float, Interval(0, 150)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """Cases with an answer, in the reference standard.

    Attributes
    ----------
    item : str
        Segmentation, classification or rating of the protocol.
    answers : list of str
        Any of them: `present`, `absent`, `uncertain`, `not_assessable`, the ID of a choice, or the number of a level.
    """

    item: Slug
    answers: Annotated[tuple[Text, ...], Length(1)] = ("present",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFilter:
    """Cases on which the readers agree.

    Attributes
    ----------
    item : str
    limit : float or None
        Of the statistic that the protocol names for the item, for the two readers who agree least; without it, the
        item's threshold in the protocol decides.
    """

    item: Slug
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which cases belong to the release; an empty field admits all.

    A case of which nobody knows what is asked is left out. Facts of images are those of the reference series.

    Attributes
    ----------
    cases : list of str
    modalities : list of str
        DICOM modalities, such as `CT`.
    phases : list of str
        Part of the word for the contrast or heart phase, in any case, such as `venous`.
    sexes : list of str
        `M`, `F`, `O`.
    min_age, max_age : float or None
        Years, inclusive.
    max_slice_thickness_mm : float or None
        Inclusive.
    findings : list of FindingFilter
        All of them.
    agreement : list of AgreementFilter
        All of them.
    without_flags : list of str
        Flags of readings, such as `poor quality`, of which a case has none.
    """

    cases: tuple[Text, ...] = ()
    modalities: tuple[Text, ...] = ()
    phases: tuple[Text, ...] = ()
    sexes: tuple[Literal["M", "F", "O"], ...] = ()
    min_age: Years | None = None
    max_age: Years | None = None
    max_slice_thickness_mm: Annotated[float, Interval(0, open_below=True)] | None = None
    findings: tuple[FindingFilter, ...] = ()
    agreement: tuple[AgreementFilter, ...] = ()
    without_flags: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        if self.min_age is not None and self.max_age is not None and self.min_age > self.max_age:
            raise InputError(f"filters: min_age: {self.min_age:g} is above max_age {self.max_age:g}; exchange them.")


def filters_to_json(filters: Filters) -> dict[str, Any]:
    """JSON object of what differs from the default; `filters_from_json` gives equal filters."""
    document: dict[str, Any] = to_document(filters)
    return document


def filters_from_json(document: object) -> Filters:
    """Read what `filters_to_json` or a person wrote; raises `InputError` naming the path of the first problem."""
    problems: list[Problem] = []
    filters = decode(document, shape_of(Filters), "", problems)
    if not isinstance(filters, Filters):
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"filters: {problems[0]}{more}")
    return filters


def check_filters(filters: Filters, protocol: Protocol) -> None:
    """Raise `InputError` where the filters ask for items, answers or statistics that the protocol does not have."""
    known = set(protocol.item_ids)
    for place, finding in enumerate(filters.findings):
        path = f"filters: findings[{place}]"
        if finding.item not in known:
            raise InputError(f"{path}.item: the protocol has no item '{finding.item}'; use one of its items.")
        allowed = _answers_of(protocol, finding.item)
        for answer in finding.answers:
            if answer not in allowed:
                raise InputError(
                    f"{path}.answers: '{answer[:40]}' is no answer to '{finding.item}'; "
                    f"use {', '.join(allowed) or 'a classification, rating or segmentation'}."
                )
    for place, one in enumerate(filters.agreement):
        path = f"filters: agreement[{place}].item"
        if one.item not in known:
            raise InputError(f"{path}: the protocol has no item '{one.item}'; use one of its items.")
        agreement = protocol.item(one.item).agreement
        if agreement is None:
            raise InputError(f"{path}: the protocol does not judge agreement on '{one.item}'; choose another item.")
        if one.limit is not None and not STATISTICS[agreement.statistic].of_one_case:
            raise InputError(
                f"{path}: '{agreement.statistic}' is a statistic of many cases; leave limit out, so that the "
                "protocol's tolerance for one case decides."
            )


def why_left_out(
    filters: Filters, case: ReleaseCase, reference_series: str, agreement: CaseAgreement | None, protocol: Protocol
) -> str:
    """Reason for which a case is left out, in words; empty when all filters admit it.

    Parameters
    ----------
    filters : Filters
    case : ReleaseCase
        With its reference standard, where it has one, among the readings.
    reference_series : str
        Role whose image speaks for the case.
    agreement : CaseAgreement or None
        Of its readers; None when fewer than two read it.
    protocol : Protocol
    """
    reasons = chain(
        _by_facts(filters, case, reference_series),
        _by_readings(filters, case),
        _by_agreement(filters, agreement, protocol),
    )
    return next(reasons, "")


def _by_facts(filters: Filters, case: ReleaseCase, role: str) -> Iterator[str]:
    image = case.image(role) or (case.images[0] if case.images else None)
    facts = image.facts if image is not None else None
    modality, phase = (facts.modality, facts.phase) if facts is not None else ("", "")
    thickness = facts.slice_thickness_mm if facts is not None else None
    if filters.cases and case.id not in filters.cases:
        yield "is not among the cases asked for"
    if filters.modalities and modality not in filters.modalities:
        yield f"modality {modality or 'unknown'}"
    if filters.phases and not any(one.lower() in phase.lower() for one in filters.phases):
        yield f"phase {phase or 'unknown'}"
    if filters.sexes and case.sex not in filters.sexes:
        yield f"sex {case.sex or 'unknown'}"
    for bound, is_low in ((filters.min_age, True), (filters.max_age, False)):
        if bound is None:
            continue
        if case.age_years is None:
            yield "age unknown"
        elif (case.age_years < bound) if is_low else (case.age_years > bound):
            yield f"age {'below' if is_low else 'above'} {bound:g} years"
    most = filters.max_slice_thickness_mm
    if most is not None and (thickness is None or thickness > most + 1e-6):
        yield "slice thickness " + ("unknown" if thickness is None else f"{thickness:g} mm, above {most:g} mm")


def _by_readings(filters: Filters, case: ReleaseCase) -> Iterator[str]:
    if flags := sorted({flag for reading in case.readings for flag in reading.flags} & set(filters.without_flags)):
        yield f"is flagged '{flags[0]}'"
    reference = next((reading for reading in case.readings if reading.kind is ReadingKind.REFERENCE), None)
    for finding in filters.findings:
        if reference is None or not _says(reference, finding):
            yield f"'{finding.item}' is not {' or '.join(finding.answers)}"


def _says(reading: ReleaseReading, finding: FindingFilter) -> bool:
    given = (answer for answer in reading.answers if answer.item == finding.item)
    return any(word in finding.answers for answer in given for word in _words(answer.value))


def _words(value: Value) -> tuple[str, ...]:
    match value:
        case PresenceValue() | SegmentationValue():
            return (value.presence.value,)
        case ChoiceValue():
            return value.choices
        case RatingValue():
            return ("not_assessable" if value.level is None else str(value.level),)
        case _:
            return ()


def _by_agreement(filters: Filters, agreement: CaseAgreement | None, protocol: Protocol) -> Iterator[str]:
    for one in filters.agreement:
        compared = agreement.item(one.item) if agreement is not None else None
        rule = protocol.item(one.item).agreement
        if compared is None or rule is None:
            yield f"agreement on '{one.item}' is unknown"
        elif one.limit is None:
            if not compared.agreed:
                yield f"the readers do not agree on '{one.item}'"
        elif not _reaches(compared.judged, one.limit, STATISTICS[rule.statistic].better == "larger"):
            yield f"{rule.statistic} of '{one.item}' is {compared.judged:.3g}"


def _reaches(value: float, limit: float, larger_is_better: bool) -> bool:
    return value >= limit if larger_is_better else value <= limit


def _answers_of(protocol: Protocol, item_id: str) -> tuple[str, ...]:
    item = protocol.item(item_id)
    if item.kind == "segmentation":
        return ("present", "absent", "uncertain", "not_assessable")
    if item.kind == "classification":
        return tuple(choice.id for choice in item.answers)
    if item.kind == "rating":
        return (*(str(level.value) for level in item.levels), "not_assessable")
    return ()
