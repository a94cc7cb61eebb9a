"""A table of what is known of cases from elsewhere than their images: site, scanner, sex, age."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from AnnotationQACore.errors import InputError
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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            columns = set(rows.fieldnames or ())
            if "case" not in columns or not columns <= set(COLUMNS):
                raise InputError(f"{path}: columns must be case and any of {', '.join(COLUMNS[1:])}.")
            found: dict[str, CaseFacts] = {}
            for row in rows:
                where = f"{path}: line {rows.line_num}"
                if None in row or None in row.values():
                    raise InputError(f"{where} has not as many values as there are columns; correct it.")
                case = row["case"].strip()
                if not case or case in found:
                    raise InputError(f"{where} has no case, or one that was named before; name each case once.")
                found[case] = _facts(row, where)
            return found
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except (csv.Error, UnicodeDecodeError):
        raise InputError(f"{path}: is no CSV table in UTF-8; save it as such.") from None


def _facts(row: Mapping[str, str], where: str) -> CaseFacts:
    sex = row.get("sex", "").strip().upper()
    if sex not in {"", "M", "F", "O"}:
        raise InputError(f"{where}: sex must be M, F, O or empty; correct it.")
    text = row.get("age_years", "").strip()
    try:
        age = float(text) if text else None
    except ValueError:
        age = math.nan
    if age is not None and not 0 <= age <= 130:
        raise InputError(f"{where}: age_years must be a number of years, or empty; correct it.")
    return CaseFacts(row.get("site", "").strip(), row.get("scanner", "").strip(), sex, age)
