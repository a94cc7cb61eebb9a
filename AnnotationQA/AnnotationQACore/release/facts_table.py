"""A table of what is known of cases from elsewhere than their images: site, scanner, sex, age."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.tables import read_table
from AnnotationQACore.release.selection import CaseFacts

__all__ = ["COLUMNS", "read_facts"]

COLUMNS = ("case", "site", "scanner", "sex", "age_years")


def read_facts(path: Path) -> Mapping[str, CaseFacts]:
    """Read a CSV table with the column ``case`` and any of the others of `COLUMNS`.

    Raises
    ------
    InputError
        It cannot be read, or a row is wrong; the message names the line and repeats no value.
    """
    table = read_table(path)
    columns = [heading.casefold() for heading in table.header]
    if "case" not in columns or not set(columns) <= set(COLUMNS) or len(set(columns)) < len(columns):
        raise InputError(
            f"{path}: columns must be case and any of {', '.join(COLUMNS[1:])}, each once; correct its first line."
        )
    found: dict[str, CaseFacts] = {}
    for line, fields in table.rows:
        row = dict(zip(columns, fields, strict=True))
        where = f"{path}: line {line}"
        if not row["case"] or row["case"] in found:
            raise InputError(f"{where} has no case, or one that was named before; name each case once.")
        found[row["case"]] = _facts(row, where, table.decimal_comma)
    return found


def _facts(row: Mapping[str, str], where: str, decimal_comma: bool) -> CaseFacts:
    sex = row.get("sex", "").upper()
    if sex not in {"", "M", "F", "O"}:
        raise InputError(f"{where}: sex must be M, F, O or empty; correct it.")
    text = row.get("age_years", "").replace(",", "." if decimal_comma else ",")
    try:
        age = float(text) if text else None
    except ValueError:
        age = math.nan
    if age is not None and not 0 <= age <= 130:
        raise InputError(f"{where}: age_years must be a number of years, or empty; correct it.")
    return CaseFacts(row.get("site", ""), row.get("scanner", ""), sex, age)
