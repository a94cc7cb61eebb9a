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
