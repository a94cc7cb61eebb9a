"""Which files hold the readings of a case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.project.folder import Project

__all__ = ["CaseFiles", "ReadingFiles", "case_files"]


@dataclass(frozen=True, slots=True)
class ReadingFiles:
    """Files of one submitted reading, and their SHA-256 as the ledger has them."""

    id: str
    reader: str
    reading: Path
    reading_sha256: str
    segmentation: Path | None = None
    segmentation_sha256: str = ""


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The readings of one case that are compared; small, so that it can be sent to another process."""

    case: str
    patient: str
    readings: tuple[ReadingFiles, ...]


def case_files(project: Project, case: str, round_number: int = 1) -> CaseFiles:
    """The newest revision of each reader's reading of a case in one round, without consensus and adjudicated ones."""
    found = []
    for submitted in project.state.latest_readings(case):
        if submitted.round != round_number or submitted.reader.startswith(("consensus:", "adjudicated:")):
            continue
        reading, *voxels = submitted.files
        found.append(
            ReadingFiles(
                id=submitted.id,
                reader=submitted.reader,
                reading=project.folder / reading.path,
                reading_sha256=reading.sha256,
                segmentation=project.folder / voxels[0].path if voxels else None,
                segmentation_sha256=voxels[0].sha256 if voxels else "",
            )
        )
    return CaseFiles(case, project.state.cases[case].patient, tuple(found))
