"""Identities of devices and institutions that a profile retains (PS3.15, E.3.3 and E.3.5: action K, unchanged)."""

import re
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.charset import encoded
from DeidentifyStudyCore.identity.dates import is_time, parse_date, shifted_datetime
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.rules.model import KEEP, Action, Context, Element, replaced
from DeidentifyStudyCore.rules.removal import RemoveByType
from DeidentifyStudyCore.rules.text import Allowed, clean_text

__all__ = ["DeviceDate", "KeyedTitle", "RetainedText"]

_UID = re.compile(r"[0-9]+(?:\.[0-9]+){3,}")
_LONGEST_SHOWN = 200
_DAY = 8


def _repeats(text: str, echo: Echo) -> bool:
    return echo.is_in(text) or any(uid in echo.uids for uid in _UID.findall(text))


@dataclass(frozen=True, slots=True)
class RetainedText:
    """Names, addresses and serial numbers of devices and institutions."""

    choice: str = "X"
    name: str = "retained text"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep it as it is; where it repeats what is known of the patient, only its other words."""
        text = context.text(element)
        if not text:
            return KEEP
        echo = context.subject.echo
        parts = text.split("\\") if element.vr in {"LO", "SH", "UC"} else [text]
        new = "\\".join(clean_text(part, echo, Allowed.ALL) if _repeats(part, echo) else part for part in parts)
        if not new.strip("\\ "):
            return RemoveByType(self.choice).apply(element, context)
        context.retained.add((element.tag, new[:_LONGEST_SHOWN]))
        return KEEP if new == text else replaced(encoded(new, context.codecs))

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept as it is; of what repeats the patient's names, numbers or dates, the other words"


@dataclass(frozen=True, slots=True)
class DeviceDate:
    """Dates and times of a device's making and calibration, where the patient's dates are removed."""

    choice: str
    name: str = "date of a device"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep it unless it is one of the patient's dates."""
        text = context.text(element)
        parts = [part.strip() for part in text.split("\\") if part.strip()]
        if element.vr == "TM":
            kept = all(map(is_time, parts))
        else:
            dates = {parse_date(part[:_DAY]) for part in parts}
            valid = element.vr == "DA" or all(shifted_datetime(part, 0) for part in parts)
            kept = (
                valid
                and None not in dates
                and dates.isdisjoint(context.subject.echo.dates | context.subject.echo.births)
            )
        return KEEP if kept else RemoveByType(self.choice).apply(element, context)

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept unless it is one of the patient's dates"


@dataclass(frozen=True, slots=True)
class KeyedTitle:
    """Titles of application entities, which name stations and, here and there, places and people."""

    name: str = "keyed title"

    def apply(self, element: Element, context: Context) -> Action:
        """Replace each title by a keyed one, the same for the same title."""
        titles = [part.strip() for part in context.text(element).split("\\")]
        new = "\\".join(title and context.pseudonyms.name("title", title, "AE") for title in titles)
        return replaced(new.encode()) if new else KEEP

    def describe(self) -> str:
        """Say it in one sentence."""
        return "replaced by a keyed title, the same for the same title everywhere"
