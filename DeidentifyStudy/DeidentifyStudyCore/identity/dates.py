"""DA, TM, DT and AS values: reading, shifting by whole days, and every way people spell a date."""

import datetime
import re

__all__ = ["capped_age", "is_time", "parse_date", "shifted_date", "shifted_datetime", "spellings"]

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})|(\d{4})[./-](\d{2})[./-](\d{2})")
_TIME = re.compile(r"\d{2}(:?[0-5]\d(:?[0-6]\d(\.\d{1,6})?)?)?")
_DATETIME = re.compile(r"(\d{8})(\d{0,6}(?:\.\d{1,6})?)([+-]\d{4})?")
_AGE = re.compile(r"(\d{3})([DWMY])")
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_OLDEST_SHOWN = 89
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_ERAS = (
    ("r", datetime.date(2019, 5, 1)),
    ("h", datetime.date(1989, 1, 8)),
    ("s", datetime.date(1926, 12, 25)),
    ("t", datetime.date(1912, 7, 30)),
    ("m", datetime.date(1868, 1, 25)),
)
"""First days of the Japanese eras, by the letter that people write."""
_SHORTEST_IN_FEW_DIGITS = 7


def parse_date(text: str) -> datetime.date | None:
    """Read a DA value, also in the old form of ACR-NEMA (``YYYY.MM.DD``); None when it is no date."""
    found = _DATE.fullmatch(text.strip(" \0"))
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def shifted_date(text: str, days: int) -> str | None:
    """Move a DA value; None when it is no date."""
    date = parse_date(text)
    if date is None:
        return None
    try:
        return (date + datetime.timedelta(days=days)).strftime("%Y%m%d").rjust(8, "0")
    except OverflowError:
        return None


def shifted_datetime(text: str, days: int) -> str | None:
    """Move a DT value by whole days; time and offset from UTC stay. None when it has no full date."""
    found = _DATETIME.fullmatch(text.strip(" \0"))
    if not found:
        return None
    date = shifted_date(found[1], days)
    return None if date is None else f"{date}{found[2]}{found[3] or ''}"


def is_time(text: str) -> bool:
    """Whether the text is a TM value."""
    return _TIME.fullmatch(text.strip(" \0")) is not None


def capped_age(text: str) -> str | None:
    """Age with everything over 89 years as ``090Y`` (45 CFR 164.514(b)(2)(i)(C)); None when it is no age."""
    found = _AGE.fullmatch(text.strip(" \0"))
    if not found:
        return None
    years = int(found[1]) / _PER_YEAR[found[2]]
    return "090Y" if int(years) > _OLDEST_SHOWN else found[0]


def spellings(date: datetime.date) -> set[str]:
    """Ways to write a date, in lower case, that a search must know."""
    year, month, day = date.year, date.month, date.day
    numbers = {
        f"{year:04}{month:02}{day:02}",
        f"{day:02}{month:02}{year:04}",
        f"{month:02}{day:02}{year:04}",
    }
    for separator in "-./ ":
        for y, m, d in ((f"{year:04}", f"{month:02}", f"{day:02}"), (f"{year:04}", str(month), str(day))):
            numbers |= {separator.join(parts) for parts in ((y, m, d), (d, m, y), (m, d, y))}
    numbers |= _in_few_digits(year % 100, month, day) | _in_japanese_years(date)
    numbers |= {f"{day}. {month}. {year}", f"{day:02}. {month:02}. {year}", f"{year}. {month}. {day}"}
    long = _MONTHS[month - 1]
    for name in (long[:3], long):
        for d in (str(day), f"{day:02}"):
            numbers |= {
                f"{d} {name} {year}",
                f"{d}-{name}-{year}",
                f"{name} {d}, {year}",
                f"{name} {d} {year}",
                f"{d}{name}{year}",
                f"{d}{name}{year % 100:02}",
            }
    return numbers


def _in_few_digits(year: int, month: int, day: int) -> set[str]:
    """With a year of two digits; the shortest are part of too many numbers to be searched."""
    found = set()
    for separator in ("-", ".", "/", " ", ",", ". "):
        y, m, d = f"{year:02}", f"{month:02}", f"{day:02}"
        found |= {separator.join(parts) for parts in ((y, m, d), (d, m, y), (m, d, y))}
        if separator in {" ", ",", ". "}:
            found |= {separator.join(parts) for parts in ((str(day), str(month), y), (str(month), str(day), y))}
    return {spelling for spelling in found if len(spelling) >= _SHORTEST_IN_FEW_DIGITS}


def _in_japanese_years(date: datetime.date) -> set[str]:
    """S6.7.14 is the fourteenth of July in the sixth year of Showa."""
    for letter, first in _ERAS:
        if date >= first:
            year = date.year - first.year + 1
            plain = (f"{letter}{year}", str(date.month), str(date.day))
            padded = (f"{letter}{year:02}", f"{date.month:02}", f"{date.day:02}")
            return {separator.join(parts) for separator in "./-" for parts in (plain, padded)}
    return set()
