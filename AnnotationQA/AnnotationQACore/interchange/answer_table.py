"""Answers of readings as a table, one a row: the way back is `matching_answers.match_ratings`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from AnnotationQACore.interchange.left_out import LeftOut
from AnnotationQACore.project.readings import (
    Answer,
    ChoiceValue,
    MeasurementValue,
    PresenceValue,
    RatingValue,
    Subject,
    TextValue,
)

__all__ = ["COLUMNS", "answer_rows", "table_text"]

COLUMNS = ("case", "reader", "item", "instance", "value")

Row = tuple[str, str, str, str, str]


def answer_rows(case: str, reader: str, answers: Sequence[Answer]) -> tuple[list[Row], tuple[str, ...]]:
    """Rows of the answers that are words and numbers, and one line for each thing that a table cannot hold."""
    rows: list[Row] = []
    left_out = LeftOut()
    for answer in answers:
        text = _text(answer)
        if text is None:
            left_out.add(answer.segment_id, "drawn, empty or not applicable, which a table does not hold.")
            continue
        if isinstance(answer.value, MeasurementValue) and (answer.value.points or answer.value.short_axis is not None):
            left_out.add(answer.segment_id, "a table holds its number, without points and short axis.")
        if answer.subject != Subject(instance=answer.subject.instance):
            left_out.add(answer.segment_id, "a table does not say on which series or image it was answered.")
        rows.append((case, reader, answer.item, str(answer.subject.instance or ""), text))
    return rows, left_out.lines()


def table_text(rows: Iterable[Row]) -> str:
    """CSV of rows, with a header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue()


def _text(answer: Answer) -> str | None:
    match answer.value:
        case ChoiceValue(choices=choices):
            return ";".join(choices) or None
        case PresenceValue(presence=presence):
            return presence.value
        case RatingValue(level=level):
            return "not_assessable" if level is None else str(level)
        case MeasurementValue(value=value):
            return repr(value)
        case TextValue(text=text):
            return text or None
    return None
