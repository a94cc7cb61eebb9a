"""Ratings in a table: `annotation-qa agreement --ratings` and `--matrix`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AnnotationQACore.agreement.ratings.ratings import RatingAgreement, RatingOptions, agree_on_ratings
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.output import figure, rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.tables import Table, read_table
from AnnotationQACore.wording import count_of

__all__ = ["compare"]

MISSING = {"", "na", "n/a", "nan", "."}
"""Cells that say that there is no rating, in any case."""

CASE_HEADINGS = {
    "case",
    "subject",
    "patient",
    "participant",
    "target",
    "item",
    "unit",
    "nodule",
    "lesion",
    "image",
    "id",
}
"""First words of the heading of a matrix's first column by which it is known to name the cases."""


@dataclass(frozen=True, slots=True)
class _Ratings:
    values: list[list[Any]]
    readers: tuple[str, ...]
    patients: list[str] | None
    case_column: str | None


def compare(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Compare the readers of a table; returns the JSON document and the text to show."""
    options = RatingOptions(
        level=arguments.level,
        categories=None if arguments.categories is None else tuple(map(_value, arguments.categories)),
        weights=arguments.weights,
        multiplier=arguments.multiplier,
        limits=arguments.limits,
        confidence=arguments.confidence,
        resamples=arguments.resamples,
        seed=arguments.seed,
    )
    if options.resamples < 0:
        raise InputError(f"agreement: --resamples {options.resamples} is too few; give 2000, or 0 for no bootstrap.")
    ratings = _matrix(arguments) if arguments.matrix is not None else _long(arguments)
    if arguments.readers:
        raise InputError("agreement: --readers names files; the readers of a table have their names in it.")
    result = agree_on_ratings(
        ratings.values,
        ratings.readers,
        options,
        clusters=ratings.patients,
        progress=ConsoleProgress("bootstrap"),
    )
    return {**result.to_json(), "case_column": ratings.case_column}, _text(result)


def _long(arguments: argparse.Namespace) -> _Ratings:
    absent = [f"--{name}" for name in ("case", "reader", "value") if not getattr(arguments, name)]
    if absent:
        raise InputError(f"agreement: --ratings needs {' and '.join(absent)} too: name the columns of the table.")
    if len(arguments.reader) != 1:
        raise InputError("agreement: --reader names one column of a table with one rating a row; or add --matrix.")
    table = _table(arguments.ratings)
    case, reader, value = (_column(table, name) for name in (arguments.case, arguments.reader[0], arguments.value))
    patient = _column(table, arguments.patient) if arguments.patient else None
    cells: dict[tuple[str, str], Any] = {}
    patients: dict[str, str] = {}
    for row, fields in table.rows:
        if not fields[case] or not fields[reader]:
            raise InputError(f"{table.path}: row {row} names no case or no reader; fill in both.")
        key = (fields[case], fields[reader])
        if key in cells:
            raise InputError(f"{table.path}: row {row} rates a case that its reader rated above; keep one of the two.")
        cells[key] = _cell(table, row, value, fields, arguments)
        if patient is not None and patients.setdefault(fields[case], fields[patient]) != fields[patient]:
            raise InputError(f"{table.path}: row {row} gives its case another patient than above; correct one.")
    cases, readers = _distinct(case for case, _ in cells), _distinct(reader for _, reader in cells)
    values = [[cells.get((case, reader)) for reader in readers] for case in cases]
    by_case = [patients[case] for case in cases] if patient is not None else None
    return _Ratings(values, tuple(readers), by_case, arguments.case)


def _matrix(arguments: argparse.Namespace) -> _Ratings:
    if (arguments.matrix is True) == (arguments.ratings is None):
        raise InputError("agreement: give the table once, as --matrix FILE or as --ratings FILE --matrix.")
    if arguments.value:
        raise InputError("agreement: a matrix has its ratings under the readers' names; leave out --value.")
    table = _table(arguments.ratings if arguments.matrix is True else Path(arguments.matrix))
    case = _column(table, arguments.case) if arguments.case else _case_column(table)
    patient = _column(table, arguments.patient) if arguments.patient else None
    if arguments.reader:
        columns = [_column(table, name) for name in arguments.reader]
    else:
        columns = [column for column in range(len(table.header)) if column not in (case, patient)]
    if not arguments.reader and all(map(_is_number, table.header)):
        raise InputError(f"{table.path}: the first row has numbers for names; begin with a row of readers' names.")
    values = [[_cell(table, row, column, fields, arguments) for column in columns] for row, fields in table.rows]
    cases = [fields[case] for _, fields in table.rows] if case is not None else []
    if len(set(cases)) < len(cases):
        twice = next(row for (row, fields), seen in zip(table.rows, _seen(cases), strict=True) if seen)
        raise InputError(f"{table.path}: row {twice} repeats a case; give each case one row.")
    patients = [fields[patient] for _, fields in table.rows] if patient is not None else None
    heading = table.header[case] if case is not None else None
    return _Ratings(values, tuple(table.header[column] for column in columns), patients, heading)


def _table(path: Path) -> Table:
    table = read_table(path)
    if not table.rows:
        raise InputError(f"{path}: has headings but no rows; check the file.")
    return table


def _case_column(table: Table) -> int | None:
    """The first column when it names the cases: by its heading, or because it holds words that all differ."""
    words = table.header[0].casefold().replace("_", " ").replace("-", " ").split()
    if words and (words[0] in CASE_HEADINGS or words[-1] in {"id", "name", "number"}):
        return 0
    cells = [fields[0] for _, fields in table.rows]
    is_text = not any(_is_number(cell) or cell.casefold() in MISSING for cell in cells)
    return 0 if is_text and len(cells) > 2 and len(set(cells)) == len(cells) else None


def _column(table: Table, name: str) -> int:
    if name not in table.header:
        raise InputError(f"{table.path}: has no column '{name}'; it has {', '.join(table.header)}.")
    return table.header.index(name)


def _cell(table: Table, row: int, column: int, fields: Sequence[str], arguments: argparse.Namespace) -> Any:
    text = fields[column]
    if text.casefold() in MISSING:
        return None
    text = text.replace(",", ".") if table.decimal_comma and text.count(",") == 1 else text
    value = _value(text)
    if _is_infinite(text):
        raise InputError(
            f"{table.path}: row {row}, column '{table.header[column]}': '{text[:40]}' is no finite number; correct it, "
            "or leave the cell empty."
        )
    ordered_words = arguments.level == "ordinal" and arguments.categories
    if arguments.level in ("ordinal", "interval", "ratio") and not ordered_words and isinstance(value, str):
        remedy = "correct it" if arguments.level != "ordinal" else "correct it, or list the order with --categories"
        raise InputError(
            f"{table.path}: row {row}, column '{table.header[column]}': '{text[:40]}' is no number, as level "
            f"{arguments.level} needs; {remedy}."
        )
    return value


def _value(text: str) -> float | str:
    return float(text) if _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _seen(cases: Sequence[str]) -> list[bool]:
    return [case in cases[:index] for index, case in enumerate(cases)]


def _text(result: RatingAgreement) -> str:
    """Tables for people."""
    readers = ", ".join(result.readers)
    clusters = f" of {count_of(result.n_clusters, 'patient')}" if result.n_clusters is not None else ""
    parts = [
        f"{count_of(result.n_cases, 'case')}{clusters}, {count_of(len(result.readers), 'reader')} ({readers}), "
        f"{count_of(result.n_ratings, 'rating')}; {count_of(result.n_doubly_read, 'case')} read by two or more; "
        f"level {result.level}",
        f"{_coefficient_table(result)}\n{_interval_words(result)}",
    ]
    if result.specific:
        rows = [["category", "share", "agreement"]]
        rows += [[row.category, figure(row.share, 3), figure(row.agreement, 3)] for row in result.specific]
        parts.append(rows_as_text(rows))
    if result.pairs:
        parts.append(_pair_table(result))
    if result.continuous:
        parts.append(_measurement_tables(result))
    alike: dict[str, list[str]] = {}
    for name, reason in result.to_json()["reasons"].items():
        alike.setdefault(reason, []).append(name)
    reasons = [f"undefined: {'; '.join(names)}: {reason}" for reason, names in alike.items()]
    return "\n\n".join([*parts, "\n".join([*reasons, *(f"note: {note}" for note in result.notes)])]).rstrip()


def _interval_words(result: RatingAgreement) -> str:
    """Which intervals the table has: their names alone do not say."""
    options = result.options
    first = f"{100 * options.confidence:g} %: large-sample, of ICC by the F distribution"
    if not result.intervals:
        return f"{first}; no bootstrap"
    drawn = count_of(result.n_cases, "case") if result.n_clusters is None else count_of(result.n_clusters, "patient")
    return f"{first}; bootstrap of {drawn}: {options.resamples} resamples, seed {options.seed}, percentile and BCa"


def _coefficient_table(result: RatingAgreement) -> str:
    percent = f"{100 * result.options.confidence:g} %"
    rows = [["", "value", f"{percent} low", "high", "bootstrap low", "high", "BCa low", "high", "n", "undefined"]]
    for name, c in result.coefficients.items():
        rows.append([name, *map(figure, (c.value, c.low, c.high)), *_bootstrapped(result, name), str(c.n), ""])
    if result.continuous:
        table = result.continuous.icc
        for form in table.forms:
            name = f"icc.{form.form}"
            analytic = map(figure, (form.value, form.low, form.high))
            rows.append([name, *analytic, *_bootstrapped(result, name), str(table.n_cases), ""])
    for row in rows[1:]:
        interval = result.intervals.get(row[0])
        row[-1] = f"{interval.undefined}/{interval.resamples}" if interval else "–"
    return rows_as_text(rows)


def _bootstrapped(result: RatingAgreement, name: str) -> list[str]:
    interval = result.intervals.get(name)
    if interval is None:
        return ["–"] * 4
    return [figure(v) for v in (interval.low, interval.high, interval.bca_low, interval.bca_high)]


def _pair_table(result: RatingAgreement) -> str:
    rows = [["pair", "n", "agreement", "kappa", "linear", "quadratic", "PABAK", "prevalence index", "bias index"]]
    for pair in result.pairs:
        values = (pair.percent_agreement, pair.kappa.value, pair.linear.value, pair.quadratic.value, pair.pabak)
        if not result.to_json()["weighted"]["linear"]:
            values = (*values[:2], math.nan, math.nan, pair.pabak)
        indices = (pair.prevalence_index, pair.bias_index)
        rows.append([f"{pair.a} – {pair.b}", str(pair.n), *(figure(v, 3) for v in (*values, *indices))])
    return rows_as_text(rows)


def _measurement_tables(result: RatingAgreement) -> str:
    if result.continuous is None:
        return ""
    rows = [["pair", "n", "bias", "low", "high", "lower limit", "upper limit", "slope", "p", "CCC", "low", "high"]]
    for pair in result.continuous.pairs:
        ba, ccc = pair.bland_altman, pair.concordance
        numbers = (ba.bias, ba.bias_low, ba.bias_high, ba.lower, ba.upper, ba.proportional.slope, ba.proportional.p)
        cells = [figure(v, 3) for v in (*numbers, ccc.value, ccc.low, ccc.high)]
        rows.append([f"{pair.a} – {pair.b}", str(ba.n), *cells])
    error = result.continuous.repeatability
    icc = result.continuous.icc
    return "\n".join(
        [
            rows_as_text(rows),
            "bias: first minus second reader; slope: of the differences over the means, with p of the test against 0",
            f"within-subject SD {figure(error.within_subject_sd)} ({figure(error.low)} to {figure(error.high)}), "
            f"repeatability coefficient {figure(error.repeatability_coefficient)}, {count_of(error.n, 'case')}; "
            f"ICC on {count_of(icc.n_cases, 'complete case')}, {icc.n_dropped} dropped",
        ]
    )
