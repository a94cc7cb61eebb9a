"""Ratings in delimited text files, as spreadsheets and statistics programs save them.

Two layouts are read: *long*, one rating a row, with the columns ``item`` and ``value``; and *wide*, one column for each
item. Both have the columns ``case`` and ``reader``, and may have ``instance``.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.text import read_text

__all__ = ["ROLES", "Rating", "Table", "read_ratings", "read_table"]

ROLES: dict[str, tuple[str, ...]] = {
    "case": ("case", "case id", "patient", "patient id", "subject", "subject id"),
    "reader": ("reader", "reader id", "rater", "rater id", "annotator", "observer", "radiologist"),
    "item": ("item", "item id", "question", "variable"),
    "value": ("value", "rating", "answer", "score"),
    "instance": ("instance", "instance id", "instance number"),
}
"""Headings by which a column is known, for each role; case, spaces and underscores do not matter."""

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """A delimited text file.

    Attributes
    ----------
    path : Path
    header : tuple of str
    rows : tuple of (int, tuple of str)
        Line number at which the row ends in the file, and its fields, stripped; blank rows are left out.
    decimal_comma : bool
        Whether numbers are taken to have a decimal comma, as where semicolons or tabs separate the fields.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    decimal_comma: bool


@dataclass(frozen=True, slots=True)
class Rating:
    """What a reader said about an item, as text, and where it stands.

    Attributes
    ----------
    case, reader, item : str
    value : str
        Never empty.
    instance : int or None
        Number of the instance, from 1.
    place : str
        File, row and column, for messages.
    decimal_comma : bool
    """

    case: str
    reader: str
    item: str
    value: str
    instance: int | None
    place: str
    decimal_comma: bool = False

    def number(self) -> float:
        """The value as a number; raises `InputError` naming row and column when it is none."""
        text = self.value
        if self.decimal_comma and re.fullmatch(r"[+-]?\d*,\d+", text):
            text = text.replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InputError(f"{self.place}: '{_short(self.value)}' is no number; correct the cell.")
        return number


def read_table(path: Path) -> Table:
    """Read a text file with a header row, separated by commas, semicolons, tabs or bars.

    Raises
    ------
    InputError
        The file is no text, has no or two equal headings, or a row has not as many fields as the header.
    """
    text = read_text(path)
    declared = re.match(r"sep=(.)\r?\n", text)  # Excel's way to name the delimiter
    offset = 1 if declared else 0
    text = text[declared.end() :] if declared else text
    delimiter = declared[1] if declared else _delimiter(text)
    rows = _rows(text, delimiter, offset, path)
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path}: is empty; save the table again.")
    header = first[1]
    while header and not header[-1]:
        header = header[:-1]
    if len(header) < 2:
        raise InputError(f"{path}: has one column only; separate the columns by comma, semicolon or tab.")
    for column, name in enumerate(header, start=1):
        if not name or header.index(name) != column - 1:
            raise InputError(
                f"{path}: column {column} has {'the heading of another' if name else 'no heading'}; name it."
            )
    body = tuple((number, _fitted(fields, len(header), f"{path}: row {number}")) for number, fields in rows)
    return Table(path, header, body, decimal_comma=delimiter in ";\t")


def read_ratings(
    path: Path, columns: Mapping[str, str] | None = None, case: str | None = None, reader: str | None = None
) -> tuple[Rating, ...]:
    """Read ratings in long or wide layout; an empty cell is no rating.

    Parameters
    ----------
    path : Path
    columns : mapping, optional
        Heading of a column for each role of `ROLES` that is named otherwise in the file.
    case, reader : str, optional
        Case and reader of the whole file, where it has no column for them.

    Raises
    ------
    InputError
        As for `read_table`; or a column is missing, an instance is no number from 1, or something is rated twice. The
        message names row and column.
    """
    table = read_table(path)
    roles = _roles(table, columns or {})
    for role, given in (("case", case), ("reader", reader)):
        if role not in roles and given is None:
            known = ", ".join(f"'{name}'" for name in ROLES[role][:3])
            raise InputError(f"{path}: has no column for the {role}; name one {known}, or name the {role} of the file.")
    ratings: list[Rating] = []
    seen: dict[tuple[str, str, str, int | None], str] = {}
    for rating in _ratings(table, roles, case, reader):
        key = (rating.case, rating.reader, rating.item, rating.instance)
        if key in seen:
            raise InputError(f"{rating.place}: item '{rating.item}' is rated already in {seen[key]}; keep one.")
        seen[key] = rating.place.removeprefix(f"{path}: ")
        ratings.append(rating)
    return tuple(ratings)


def _ratings(table: Table, roles: Mapping[str, int], case: str | None, reader: str | None) -> Iterator[Rating]:
    is_long = "item" in roles and "value" in roles
    items = [] if is_long else [c for c in range(len(table.header)) if c not in roles.values()]
    for number, fields in table.rows:
        row = f"{table.path}: row {number}"
        who = {"case": case, "reader": reader}
        who |= {role: _required(fields, roles, role, table, row) for role in who if role in roles}
        instance = _instance(fields, roles, table, row)
        if is_long:
            item = _required(fields, roles, "item", table, row)
            cells = [(item, roles["value"])]
        else:
            cells = [(table.header[column], column) for column in items]
        for item, column in cells:
            if fields[column]:
                place = f"{row}, column '{table.header[column]}'"
                value = fields[column]
                yield Rating(who["case"] or "", who["reader"] or "", item, value, instance, place, table.decimal_comma)


def _roles(table: Table, columns: Mapping[str, str]) -> dict[str, int]:
    unknown = [role for role in columns if role not in ROLES]
    if unknown:
        raise InputError(f"columns: '{unknown[0]}' is none of {', '.join(ROLES)}; correct the mapping.")
    headings = {_plain(name): column for column, name in reversed(list(enumerate(table.header)))}
    roles = {}
    for role, synonyms in ROLES.items():
        if role in columns:
            if _plain(columns[role]) not in headings:
                raise InputError(f"{table.path}: has no column '{columns[role]}' for the {role}; correct the mapping.")
            roles[role] = headings[_plain(columns[role])]
        else:
            found = [headings[name] for name in synonyms if name in headings]
            if found:
                roles[role] = found[0]
    if not ("item" in roles and "value" in roles):  # a wide table may well have an item called "rating"
        roles.pop("item", None)
        roles.pop("value", None)
    return roles


def _required(fields: tuple[str, ...], roles: Mapping[str, int], role: str, table: Table, row: str) -> str:
    column = roles[role]
    if not fields[column]:
        raise InputError(f"{row}, column '{table.header[column]}': is empty; fill in the {role}.")
    return fields[column]


def _instance(fields: tuple[str, ...], roles: Mapping[str, int], table: Table, row: str) -> int | None:
    if "instance" not in roles or not fields[roles["instance"]]:
        return None
    text = fields[roles["instance"]]
    if not re.fullmatch(r"[1-9]\d{0,8}(\.0)?", text):
        heading = table.header[roles["instance"]]
        raise InputError(f"{row}, column '{heading}': '{_short(text)}' is no number from 1; correct the cell.")
    return int(text.removesuffix(".0"))


def _rows(text: str, delimiter: str, offset: int, path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{path}: row {reader.line_num + offset} is garbled ({error}); check its quotation marks."
            ) from error
        if any(field.strip() for field in fields):
            yield reader.line_num + offset, tuple(field.strip() for field in fields)


def _fitted(fields: tuple[str, ...], width: int, row: str) -> tuple[str, ...]:
    if len(fields) < width or any(fields[width:]):
        raise InputError(f"{row}: has {len(fields)} fields instead of {width}; check delimiters and quotation marks.")
    return fields[:width]


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))


def _plain(heading: str) -> str:
    return re.sub(r"[\s_-]+", " ", heading).strip().casefold()


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."
