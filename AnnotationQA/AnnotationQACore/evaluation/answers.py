"""Answers of the readers of a case to classifications, ratings and measurements, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import ItemAgreement, SharedInstance, ValueRow
from AnnotationQACore.project.readings import (
    Answer,
    ChoiceValue,
    MeasurementValue,
    NotApplicable,
    Presence,
    PresenceValue,
    RatingValue,
    Subject,
)
from AnnotationQACore.protocol.items import Classification, Measurement, Rating

__all__ = ["MULTIPLE_SEPARATOR", "answer_agreement", "scale_of"]

MULTIPLE_SEPARATOR = " + "
"""Between the choices of a multiple choice, which are compared as one answer."""


def answer_agreement(
    item: Classification | Rating | Measurement, case: CaseReadings, shared: Mapping[str, tuple[SharedInstance, ...]]
) -> ItemAgreement | None:
    """Put the answers about the same subject beside each other.

    Parameters
    ----------
    item : Classification, Rating or Measurement
    case : CaseReadings
    shared : mapping of item ID to SharedInstance
        Which instances of the readers are one lesion: an answer about an instance is one about that lesion.
    """
    rows: dict[str, dict[str, float | str | None]] = {}
    lesion_of = _lesions(shared.get(item.scope.of or "", ()))
    for reader, reading in case.readings.items():
        for answer in reading.answers_to(item.id):
            if isinstance(answer.value, NotApplicable):
                continue
            rows.setdefault(_subject(answer.subject, reader, lesion_of), {})[reader] = _value(answer)
    if not rows:
        return None
    readers = dict.fromkeys(reader for values in rows.values() for reader in values)
    ordered = tuple(name for name in case.readings if name in readers)
    return ItemAgreement(item.id, ordered, values=tuple(ValueRow(subject, rows[subject]) for subject in sorted(rows)))


def scale_of(item: Classification | Rating, values: Iterable[Sequence[float | str | None]]) -> list[float | str] | None:
    """All answers that the protocol admits, whether or not anybody gave them; None of a multiple choice.

    The chance that Gwet's AC1 and AC2 expect follows from how many there are. Of a multiple choice each combination is
    an answer, and only those that were given count. "Not assessable" is a missing answer. What was answered by an
    earlier version of the protocol has its place too: a level among the others, a choice behind them.
    """
    if isinstance(item, Classification) and item.selection == "multiple":
        return None
    given = {value for row in values for value in row if value is not None}
    if isinstance(item, Rating):
        return sorted({*given, *(level.value for level in item.levels)})
    scale = [choice.id for choice in item.answers if choice.id != Presence.NOT_ASSESSABLE.value]
    return [*scale, *sorted(given.difference(scale))]


def _lesions(shared: Iterable[SharedInstance]) -> dict[tuple[str, int], int]:
    return {(reader, own): lesion.number for lesion in shared for reader, own in lesion.members.items()}


def _subject(subject: Subject, reader: str, lesion_of: Mapping[tuple[str, int], int]) -> str:
    parts = list(subject.place)
    if subject.instance:
        number = lesion_of.get((reader, subject.instance))
        parts.append(f"instance {number:04}" if number else f"instance {subject.instance:04} of {reader}")
    return ", ".join(parts)


def _value(answer: Answer) -> float | str | None:
    value = answer.value
    match value:
        case ChoiceValue():
            return MULTIPLE_SEPARATOR.join(value.choices) or "none"
        case PresenceValue():
            return None if value.presence is Presence.NOT_ASSESSABLE else value.presence.value
        case RatingValue():
            return value.level
        case MeasurementValue():
            return value.value
        case _:
            return None
