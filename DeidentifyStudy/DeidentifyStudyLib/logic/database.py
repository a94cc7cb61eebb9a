"""Studies of Slicer's DICOM database, for a list in which a person ticks them."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Study", "studies_of"]


@dataclass(frozen=True, slots=True)
class Study:
    """A study, as the person knows it; shown in the panel and nowhere else."""

    uid: str
    patient: str
    date: str
    description: str
    files: tuple[str, ...]


def studies_of(database: Any) -> list[Study]:
    """List all studies; empty when there is no open database."""
    if database is None or not database.isOpen:
        return []
    found = []
    for patient in database.patients():
        for study in database.studiesForPatient(patient):
            files = [file for series in database.seriesForStudy(study) for file in database.filesForSeries(series)]
            first = files[0] if files else ""
            found.append(
                Study(
                    study,
                    database.nameForPatient(patient) or (database.fileValue(first, "0010,0020") if first else ""),
                    database.fileValue(first, "0008,0020") if first else "",
                    database.descriptionForStudy(study),
                    tuple(files),
                )
            )
    return found
