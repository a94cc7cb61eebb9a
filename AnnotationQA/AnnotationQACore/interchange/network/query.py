"""What to look for on a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING

from AnnotationQACore.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Query"]

_DATE_RANGE = re.compile(r"(\d{8})?(-)?(\d{8})?")
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Criteria that all have to be met; those that are empty are not looked at.

    Attributes
    ----------
    patients : tuple of str
        Patient IDs (pseudonyms, as a rule); ``*`` and ``?`` are wildcards.
    studies, series : tuple of str
        Study and Series Instance UIDs.
    modalities : tuple of str
        Such as ``CT``.
    dates : str
        Day or range of days of the study: ``20240131``, ``20240101-20240131``, ``20240101-`` or ``-20240131``.

    Raises
    ------
    InputError
        A criterion cannot be what it should be.
    """

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    dates: str = ""

    def __post_init__(self) -> None:
        for uid in (*self.studies, *self.series):
            if not _UID.fullmatch(uid):
                raise InputError("query: a study or series is not named by a UID; give digits and dots, at most 64.")
        if any(re.search(r"[\\\x00-\x1f]", text) or not text for text in (*self.patients, *self.modalities)):
            raise InputError("query: a patient or modality is empty or holds a backslash; give one value each.")
        if self.dates:
            self._check_dates()

    @property
    def is_empty(self) -> bool:
        """Whether everything on the server matches."""
        return not (self.patients or self.studies or self.series or self.modalities or self.dates)

    def study_filters(self) -> Iterator[dict[str, str]]:
        """Criteria at the level of the study, one set of single values for each search that has to be made."""
        choices = product(self.patients or ("",), self.studies or ("",), self.modalities or ("",))
        for patient, study, modality in choices:
            found = {
                "PatientID": patient,
                "StudyInstanceUID": study,
                "StudyDate": self.dates,
                "ModalitiesInStudy": modality,
            }
            yield {keyword: value for keyword, value in found.items() if value}

    def series_filters(self) -> Iterator[dict[str, str]]:
        """Criteria at the level of the series, one set of single values for each search that has to be made."""
        for series, modality in product(self.series or ("",), self.modalities or ("",)):
            found = {"SeriesInstanceUID": series, "Modality": modality}
            yield {keyword: value for keyword, value in found.items() if value}

    def admits(self, answer: Dataset) -> bool:
        """Whether an answer matches: servers pass over criteria that they do not know.

        Attributes that the answer does not have are taken to match.
        """
        patient, study, series, modality, day = (
            str(answer.get(keyword) or "")
            for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "StudyDate")
        )
        if patient and self.patients and not any(_matches(patient, pattern) for pattern in self.patients):
            return False
        if study and self.studies and study not in self.studies:
            return False
        if series and self.series and series not in self.series:
            return False
        if modality and self.modalities and modality not in self.modalities:
            return False
        return not day or self._first_day <= day <= self._last_day

    @property
    def _first_day(self) -> str:
        return self.dates.partition("-")[0] or "00000000"

    @property
    def _last_day(self) -> str:
        first, dash, last = self.dates.partition("-")
        return last or (first if first and not dash else "99999999")

    def _check_dates(self) -> None:
        match = _DATE_RANGE.fullmatch(self.dates)
        days = [day for day in match.group(1, 3) if day] if match else []
        if not match or not days or (len(days) == 2 and not match.group(2)):
            raise InputError(f"dates '{self.dates}': give YYYYMMDD, YYYYMMDD-YYYYMMDD, YYYYMMDD- or -YYYYMMDD.")
        for day in days:
            try:
                date(int(day[:4]), int(day[4:6]), int(day[6:]))
            except ValueError:
                raise InputError(f"dates '{self.dates}': {day} is no day; give YYYYMMDD.") from None
        if self._first_day > self._last_day:
            raise InputError(f"dates '{self.dates}': the range ends before it starts; swap them.")


def _matches(value: str, pattern: str) -> bool:
    """DICOM wildcard matching (PS3.4 C.2.2.2.4): only ``*`` and ``?`` are special; case is left to the server."""
    return fnmatchcase(value.strip().lower(), pattern.strip().lower().replace("[", "[[]"))
