"""Rows as text: CSV (RFC 4180) and TSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

__all__ = ["Cell", "csv_text", "tsv"]

Cell = str | int | float | bool | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Comma-separated, ``\\n`` at line ends; nothing known is an empty cell, numbers have all their digits.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def tsv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Tab-separated as BIDS asks for: no quotes, tabs and line ends in text become blanks."""
    lines = [heads, *([" ".join(str(value).split()) or "n/a" for value in row] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
