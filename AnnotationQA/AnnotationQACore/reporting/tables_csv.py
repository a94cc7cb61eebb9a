"""The figures of a report as CSV in long format: one value a row, for statistics packages."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

from AnnotationQACore.reporting.contents import Contents

__all__ = ["answers_csv", "figures_csv", "pairs_csv"]

Cell = str | float | int | None


def figures_csv(contents: Contents) -> str:
    """Statistics over the cases."""
    rows = (
        (item.item, one.name, one.value, one.low, one.high, one.n, one.of, one.n_patients, one.undefined,
         one.undefined_resamples, int(one.name == item.judged_by),
         item.threshold if one.name == item.judged_by else None, one.note)
        for item in contents.agreement.summary.items
        for one in item.figures
    )  # fmt: skip
    heads = ("item", "statistic", "value", "low", "high", "n", "of", "patients", "undefined", "undefined_resamples",
             "judged", "threshold", "note")  # fmt: skip
    return _written(heads, rows)


def pairs_csv(contents: Contents) -> str:
    """Every figure of every two readers, of whole cases (no lesion) and of single lesions."""
    return _written(
        ("case", "patient", "item", "lesion", "reader_a", "reader_b", "state", "statistic", "value"), _pairs(contents)
    )


def answers_csv(contents: Contents) -> str:
    """Every answer; of what was drawn the volume in mm³, the area in mm², or the number of boxes."""
    rows = (
        (case.case, case.patient, item.item, row.subject, reader, value)
        for case in contents.agreement.study.cases
        for item in case.items
        for row in item.values
        for reader, value in row.values.items()
    )
    return _written(("case", "patient", "item", "subject", "reader", "value"), rows)


def _pairs(contents: Contents) -> Iterator[Sequence[Cell]]:
    for case in contents.agreement.study.cases:
        for item in case.items:
            groups = [("", item.pairs), *((str(lesion.number), lesion.pairs) for lesion in item.instances)]
            for lesion, pairs in groups:
                for pair in pairs:
                    for name, value in pair.figures.items():
                        yield (case.case, case.patient, item.item, lesion, pair.a, pair.b, pair.state, name, value)


def _written(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Undefined is an empty cell, infinite is ``inf``; numbers have all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
    return repr(value)
