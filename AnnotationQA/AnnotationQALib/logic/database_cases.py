"""Cases from a DICOM database such as Slicer's: studies, and which of their series play which role of the protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.protocol.model import Protocol, SeriesRole
from AnnotationQACore.wording import worded

__all__ = ["Database", "DatabaseSeries", "DatabaseStudy", "cases_of_studies", "list_studies", "roles_of_series"]

_CODE_LENGTH = 10
_HINT = 10


class Database(Interface):
    """What is asked of a DICOM database; the names are those of ``ctkDICOMDatabase``."""

    def patients(self) -> Sequence[str]:
        """Keys of the patients."""

    def studiesForPatient(self, patient: str) -> Sequence[str]:
        """Study Instance UIDs."""

    def seriesForStudy(self, study: str) -> Sequence[str]:
        """Series Instance UIDs."""

    def filesForSeries(self, series: str) -> Sequence[str]:
        """Files of a series."""

    def fieldForPatient(self, field: str, patient: str) -> str:
        """A column of the patients."""

    def fieldForStudy(self, field: str, study: str) -> str:
        """A column of the studies."""

    def fieldForSeries(self, field: str, series: str) -> str:
        """A column of the series."""


@dataclass(frozen=True, slots=True)
class DatabaseSeries:
    """A series of a study."""

    uid: str
    modality: str
    description: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class DatabaseStudy:
    """A study that may become a case; who the patient is, is not in it.

    Attributes
    ----------
    uid : str
        Study Instance UID.
    patient : str
        Pseudonym, the same for all studies of the patient in this project.
    case : str
        ID of the case that it would be.
    time_point : str
        Its place among the patient's studies by date, from 1; empty for the only one.
    date, description : str
    series : tuple of DatabaseSeries
    """

    uid: str
    patient: str
    case: str
    time_point: str
    date: str
    description: str
    series: tuple[DatabaseSeries, ...]


def list_studies(database: Database, project_id: str) -> tuple[DatabaseStudy, ...]:
    """All studies of a database, by patient and date; on the main thread, for CTK's database belongs to it.

    The pseudonyms are hashes of what the database calls the patient and study, with the project's ID, so that they are
    the same whenever studies are added. They keep names off screens and out of files; who has the database and the
    project can compute them.
    """
    studies = []
    for patient in database.patients():
        code = _code("p", project_id, database.fieldForPatient("PatientID", patient) or patient)
        dated = sorted((database.fieldForStudy("StudyDate", uid), uid) for uid in database.studiesForPatient(patient))
        for number, (date, uid) in enumerate(dated, start=1):
            series = tuple(_series(database, series) for series in database.seriesForStudy(uid))
            point = str(number) if len(dated) > 1 else ""
            description = database.fieldForStudy("StudyDescription", uid)
            case = f"{code}-{_code('', project_id, uid)[:6]}"
            studies.append(DatabaseStudy(uid, code, case, point, date, description, series))
    return tuple(sorted(studies, key=lambda study: (study.patient, study.date, study.uid)))


def roles_of_series(study: DatabaseStudy, protocol: Protocol) -> Mapping[str, DatabaseSeries]:
    """Which series of a study plays which role of the protocol.

    A role is played by a series of one of its modalities; where several could, by the one whose description has most
    of the protocol's hints, then most words of the role's ID and title, and then by the one with most files. Roles that
    share a modality are told apart by hints and words only.

    Raises
    ------
    InputError
        A required role has no series, or it cannot be told which one it is.
    """
    chosen: dict[str, DatabaseSeries] = {}
    roles = protocol.imaging.series
    for role in sorted(roles, key=lambda role: -max((_fit(role, s) for s in _candidates(study, role)), default=0)):
        left = [series for series in _candidates(study, role) if series not in chosen.values()]
        best = max(left, key=lambda series: (_fit(role, series), len(series.files)), default=None)
        rivals = [other for other in roles if other.id != role.id and set(other.modalities) & set(role.modalities)]
        if best is None or (rivals and not _fit(role, best)):
            if role.required:
                why = worded("is missing")
                if best is not None:
                    why = worded("cannot be told from the others by its description")
                raise InputError(
                    worded(
                        "study of case '{case}': the series '{role}' {why}; add the case by a table instead.",
                        case=study.case,
                        role=role.title,
                        why=why,
                    )
                )
            continue
        chosen[role.id] = best
    return {role.id: chosen[role.id] for role in roles if role.id in chosen}


def cases_of_studies(studies: Sequence[DatabaseStudy], protocol: Protocol, progress: Progress) -> tuple[Case, ...]:
    """Make a case of each study, with the hashes of its files; on any thread. Raises `InputError`."""
    cases = []
    for done, study in enumerate(studies):
        progress(done, len(studies), study.case)
        references = []
        for role, series in roles_of_series(study, protocol).items():
            files, sha256 = hash_series(series.files)
            references.append(SeriesReference(role, "", series.uid, files, sha256))
        cases.append(Case(study.case, study.patient, study.time_point, tuple(references)))
    progress(len(studies), len(studies))
    return tuple(cases)


def _series(database: Database, uid: str) -> DatabaseSeries:
    return DatabaseSeries(
        uid,
        database.fieldForSeries("Modality", uid),
        database.fieldForSeries("SeriesDescription", uid),
        tuple(sorted(Path(file) for file in database.filesForSeries(uid))),
    )


def _candidates(study: DatabaseStudy, role: SeriesRole) -> list[DatabaseSeries]:
    return [s for s in study.series if s.files and (not role.modalities or s.modality in role.modalities)]


def _fit(role: SeriesRole, series: DatabaseSeries) -> int:
    """How well the description of a series fits a role: by the protocol's hints first, then by words of its title."""
    said = _words(series.description)
    hints = sum(_words(hint) <= said for hint in role.description_hints)
    return _HINT * hints + len(said & (_words(role.id) | _words(role.title)))


def _words(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() else " " for letter in text.casefold()).split())


def _code(prefix: str, *parts: str) -> str:
    return prefix + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_CODE_LENGTH]
