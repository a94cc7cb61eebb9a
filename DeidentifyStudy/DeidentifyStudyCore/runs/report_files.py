"""Radiology reports that lie beside the studies: cleaned by what the studies tell of their patient."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.errors import DestinationError, InputError
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.folder_index import build_index
from DeidentifyStudyCore.indexing.index import NO_PATIENT, list_files
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.progress import Progress, silent
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.report_text import clean_diagnostic_report, clean_report_text
from DeidentifyStudyCore.runs.subjects import pseudonyms_of, subjects_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["REPORT_REASONS", "ReportResult", "clean_reports"]

REPORT_REASONS = {
    "unreadable": "cannot be read; check its rights, and that it is no link out of the folder",
    "not-text": "is no text in UTF-8; save it as text",
    "not-a-report": "is JSON, but no FHIR DiagnosticReport; take the reports out of their bundle",
    "too-large": "is larger than 4 MiB, which no report is",
    "repeats-identity": "still repeats something of the patient's after cleaning; clean it by hand",
}
"""Why a report is not written, and the remedy."""

_LARGEST = 4 << 20
_DATES = frozenset({"retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"})


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What became of a report.

    Attributes
    ----------
    number : int
        Its place among the files of the folder by name, from 1.
    output : str
        Name of the file that was written; empty when there is none.
    reason : str
        From `REPORT_REASONS` when there is none.
    """

    number: int
    output: str = ""
    reason: str = ""


class _NotWritten(Exception):
    """Carries a reason of `REPORT_REASONS`."""


def clean_reports(
    reports: Path,
    studies: Path,
    destination: Path,
    profile: Profile,
    secret: Secret,
    *,
    key_file: Path | None = None,
    supplied: Mapping[str, str] | None = None,
    executor: "Executor | None" = None,
    progress: Progress = silent,
) -> list[ReportResult]:
    """Clean the reports of one patient, plain text or FHIR DiagnosticReport, into files with pseudonymous names.

    Parameters
    ----------
    reports : Path
        A file, or a folder of them.
    studies : Path
        Folder with studies of the patient: their names, numbers and dates must not stay in the reports.
    key_file : Path or None
        Where the crosswalk lies; None with an ephemeral key.
    supplied : mapping, optional
        Patient ID to pseudonym, from the user's table.

    Raises
    ------
    InputError
        A place is missing or lies inside another, the studies are not of one patient, or the profile keeps no text.
    DestinationError
        The destination cannot be written.
    """
    if "clean_descriptors" not in profile.options:
        raise InputError(f"profile {profile.name} keeps no free text; switch it on with --option clean_descriptors.")
    _check_places(reports, studies, destination)
    listing = list_files(reports) if reports.is_dir() else [(reports.name, "")]
    if not listing:
        raise InputError("the folder of the reports is empty; name a file, or the folder that holds them.")
    index = build_index(studies, profile, executor, progress)
    patients = {facts.patient for facts in index.files if facts.patient and not facts.reason} - {NO_PATIENT}
    if not patients:
        raise InputError("the studies are of no patient; name the folder that holds them with --studies.")
    if len(patients) > 1:
        raise InputError(f"the studies are of {len(patients)} patients; name the folder with those of one.")
    pseudonyms = pseudonyms_of(secret, profile)
    (patient,) = patients
    subject = subjects_of(index, profile, secret, pseudonyms, key_file, supplied or {})[patient]
    if "retain_longitudinal_full_dates" in profile.options:
        subject = replace(subject, date_offset=0)
    root = reports if reports.is_dir() else reports.parent
    try:
        destination.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationError(f"{destination}: cannot be made ({error.strerror}); choose another folder.") from error
    results: list[ReportResult] = []
    taken: set[str] = set()
    for number, (relative, reason) in enumerate(listing, 1):
        try:
            if reason:
                raise _NotWritten("unreadable")
            content, suffix = _cleaned(root / relative, subject, pseudonyms, keep_dates=bool(_DATES & profile.options))
            output = _new_name(pseudonyms, relative, suffix, taken)
            write_text(destination / output, content)
            results.append(ReportResult(number, output))
        except _NotWritten as error:
            results.append(ReportResult(number, reason=str(error)))
        progress(number, len(listing), "reports")
    return results


def _new_name(pseudonyms: Pseudonyms, relative: str, suffix: str, taken: set[str]) -> str:
    """Name of a written report, the same for the same file in every run."""
    names = (f"{pseudonyms.name(f'report{attempt}', relative, 'RE')}{suffix}" for attempt in count())
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _cleaned(path: Path, subject: Subject, pseudonyms: Pseudonyms, *, keep_dates: bool) -> tuple[str, str]:
    """New content of a report, and the suffix of its file."""
    text = _text_of(path)
    if path.suffix.lower() != ".json" and not text.lstrip().startswith("{"):
        cleaned = clean_report_text(text, subject.echo)
        _require_clean(cleaned.splitlines(), subject)
        return cleaned + "\n", ".txt"
    try:
        resource = clean_diagnostic_report(json.loads(text), subject, pseudonyms, keep_dates=keep_dates)
    except (ValueError, AttributeError, TypeError, RecursionError, InputError):
        raise _NotWritten("not-a-report") from None
    _require_clean([resource.get("conclusion", ""), json.dumps(resource.get("code", {}), ensure_ascii=False)], subject)
    return json.dumps(resource, ensure_ascii=False, indent=1) + "\n", ".json"


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise _NotWritten("too-large")
        return path.read_text(encoding="utf-8-sig")
    except OSError:
        raise _NotWritten("unreadable") from None
    except UnicodeDecodeError:
        raise _NotWritten("not-text") from None


def _require_clean(lines: list[str], subject: Subject) -> None:
    """Look at what will be written as `Verifier` looks at elements: by the dictionary alone."""
    if any(subject.echo.is_in(line) for line in lines):
        raise _NotWritten("repeats-identity")


def _check_places(reports: Path, studies: Path, destination: Path) -> None:
    if not studies.is_dir():
        raise InputError("the studies are not a folder; name the one that holds them with --studies.")
    if not (reports.is_file() or reports.is_dir()):
        raise InputError("there are no such reports; name a file, or the folder that holds them.")
    new = destination.resolve()
    for place in (reports.resolve(), studies.resolve()):
        if new.is_relative_to(place) or place.is_relative_to(new):
            raise InputError("the result must lie outside the reports and the studies; choose another folder.")
