"""What a dataset is made of: what its cases have in common and in what they differ, counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.project.answers import (
    Answer,
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    NotApplicable,
    PolygonValue,
    PresenceValue,
    RatingValue,
    SegmentationValue,
)
from AnnotationQACore.protocol.items import Classification, Rating
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporting import ReadingKind, ReleaseCase, ReleaseReading
from AnnotationQACore.release.split import SplitCase

__all__ = [
    "Count",
    "Spread",
    "characteristics",
    "count_by",
    "findings",
    "imbalance",
    "parts_in_order",
    "reference_of",
    "split_case",
    "spread",
]

UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases and patients have a value, in all and in each part."""

    value: str
    cases: int
    patients: int
    by_part: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of a number over the cases that have it."""

    name: str
    unit: str
    n: int
    missing: int
    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    greatest: float


def findings(answers: Iterable[Answer], protocol: Protocol) -> frozenset[str]:
    """What answers say, as labels ``title: answer``; lesions count once, however many there are."""
    return frozenset(label for answer in answers for label in _labels(answer, protocol))


def _labels(answer: Answer, protocol: Protocol) -> Iterable[str]:
    if answer.item not in protocol.item_ids:
        return
    item = protocol.item(answer.item)
    match answer.value:
        case PresenceValue(presence) | SegmentationValue(presence):
            yield f"{item.title}: {presence.value.replace('_', ' ')}"
        case ChoiceValue(choices):
            titles = {choice.id: choice.title for choice in item.choices} if isinstance(item, Classification) else {}
            yield from (f"{item.title}: {titles.get(choice, choice)}" for choice in choices or ("none",))
        case RatingValue(level):
            titles_of = {one.value: one.title for one in item.levels} if isinstance(item, Rating) else {}
            title = titles_of.get(level, "") if level is not None else "not assessable"
            yield f"{item.title}: {title}" if level is None else f"{item.title}: {level} ({title})"
        case BoxValue() | PolygonValue() | LandmarksValue():
            yield f"{item.title}: present"
        case NotApplicable():
            yield f"{item.title}: not asked"
        case _:
            return


def reference_of(case: ReleaseCase) -> ReleaseReading | None:
    """The reading that says what a case shows: the reference standard, else the first."""
    readings = sorted(case.readings, key=lambda one: one.kind is not ReadingKind.REFERENCE)
    return readings[0] if readings else None


def _findings_of(case: ReleaseCase, protocol: Protocol) -> frozenset[str]:
    reading = reference_of(case)
    return findings(reading.answers, protocol) if reading is not None else frozenset()


def _age_group(case: ReleaseCase) -> str:
    if case.age_years is None:
        return UNKNOWN
    low = int(case.age_years // 10) * 10
    return f"{low} to {low + 9} years" if low < 90 else "90 years and over"


def characteristics(protocol: Protocol) -> dict[str, Callable[[ReleaseCase], frozenset[str]]]:
    """For each of `choices.STRATA`, what a case has of it."""
    return {
        "findings": lambda case: _findings_of(case, protocol),
        "modality": lambda case: frozenset(image.facts.modality or UNKNOWN for image in case.images),
        "scanner": lambda case: frozenset([case.scanner or UNKNOWN]),
        "site": lambda case: frozenset([case.site or UNKNOWN]),
        "sex": lambda case: frozenset([{"F": "female", "M": "male", "O": "other"}.get(case.sex, case.sex or UNKNOWN)]),
        "age": lambda case: frozenset([_age_group(case)]),
    }


def split_case(case: ReleaseCase, protocol: Protocol, stratified: Sequence[str]) -> SplitCase:
    """What the split needs of a case; `stratified` names some of `choices.STRATA`."""
    known = characteristics(protocol)
    labels = frozenset(f"{name}\n{value}" for name in stratified for value in known[name](case))
    return SplitCase(case.id, case.patient, case.site, case.scanner, labels)


def count_by(
    cases: Sequence[ReleaseCase], parts: Mapping[str, str], values_of: Callable[[ReleaseCase], frozenset[str]]
) -> tuple[Count, ...]:
    """Count cases by value, the most frequent first; a case with two values counts to both."""
    in_cases: Counter[str] = Counter()
    patients: dict[str, set[str]] = {}
    by_part: dict[str, Counter[str]] = {}
    for case in cases:
        for value in values_of(case):
            in_cases[value] += 1
            patients.setdefault(value, set()).add(case.patient)
            by_part.setdefault(value, Counter())[parts.get(case.id, "")] += 1
    ordered = sorted(in_cases, key=lambda value: (-in_cases[value], value))
    return tuple(Count(value, in_cases[value], len(patients[value]), by_part[value]) for value in ordered)


def parts_in_order(parts: Iterable[str]) -> list[str]:
    """Parts as people expect them: train, validation, folds, test."""
    place = {"train": 0, "validation": 1, "test": 3}
    return sorted(set(parts), key=lambda part: (place.get(part, 2), len(part), part))


def imbalance(counts: Sequence[Count]) -> float:
    """Cases of the most frequent value for one of the rarest; NaN when there are fewer than two values."""
    return counts[0].cases / counts[-1].cases if len(counts) > 1 else math.nan


def spread(name: str, unit: str, values: Iterable[float | None]) -> Spread:
    """Distribution of numbers, of which some may be missing."""
    all_values = list(values)
    known = [value for value in all_values if value is not None and math.isfinite(value)]
    quantiles = np.percentile(known, (0, 25, 50, 75, 100)) if known else [math.nan] * 5
    least, lower, median, upper, greatest = (float(value) for value in quantiles)
    return Spread(name, unit, len(known), len(all_values) - len(known), least, lower, median, upper, greatest)
