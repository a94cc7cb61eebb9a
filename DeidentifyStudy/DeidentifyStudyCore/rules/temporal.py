"""Dates and times."""

import re
from dataclasses import dataclass

from DeidentifyStudyCore.identity.dates import is_time, parse_date, shifted_date, shifted_datetime
from DeidentifyStudyCore.rules.model import KEEP, Action, Context, Element, replaced
from DeidentifyStudyCore.rules.removal import RemoveByType

__all__ = ["FullDate", "ShiftedDate"]

_ZONE = re.compile(r"[+-]\d{4}")


@dataclass(frozen=True, slots=True)
class FullDate:
    """Dates and times that the profile retains as they are."""

    choice: str
    name: str = "full date"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep a valid value; what is none is treated as the table says without the option."""
        return _each(element, context, self.choice, 0)

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept as it is"


@dataclass(frozen=True, slots=True)
class ShiftedDate:
    """Dates that move by the patient's own number of days; times of day stay."""

    choice: str
    name: str = "shifted date"

    def apply(self, element: Element, context: Context) -> Action:
        """Move a valid value; what is none is treated as the table says without the option."""
        return _each(element, context, self.choice, context.subject.date_offset)

    def describe(self) -> str:
        """Say it in one sentence."""
        return "moved by a whole number of days, secret and the same for all dates of a patient; the time of day stays"


def _each(element: Element, context: Context, choice: str, days: int) -> Action:
    text = context.text(element)
    if not text.strip():
        return KEEP
    births = context.subject.echo.births
    parts = text.split("\\")
    if element.vr in {"DA", "DT"} and any(parse_date(part[:8]) in births for part in parts):
        return RemoveByType(choice).apply(element, context)
    values = [value for part in parts if (value := _moved(element.vr, part, days)) is not None]
    if len(values) < len(parts):
        return RemoveByType(choice).apply(element, context)
    new = "\\".join(values)
    return KEEP if new == text.strip() or days == 0 else replaced(new.encode())


def _moved(vr: str, text: str, days: int) -> str | None:
    if not text.strip():
        return ""
    if vr == "DA":
        return shifted_date(text, days)
    if vr == "DT":
        return shifted_datetime(text, days)
    if vr == "TM":
        return text if is_time(text) else None
    return text if vr == "SH" and _ZONE.fullmatch(text.strip()) else None
