"""Brings readings from files into a project, and says what was not matched."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import AnnotationQAError, Cancelled, ProjectError
from AnnotationQACore.interchange.folder.contents import FolderReading, read_files
from AnnotationQACore.interchange.folder.listing import FolderListing
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import Role

__all__ = ["ImportedFolder", "import_folder"]


@dataclass(frozen=True, slots=True)
class ImportedFolder:
    """What was imported and what was not.

    Attributes
    ----------
    readings, cases_added, readers_added : tuple of str
        IDs.
    already_there : int
        Readings of readers who have one of that case and round.
    mismatches : tuple of str
        One line for each segment, markup, rating or item that found no partner.
    problems : tuple of str
        One line for each file or reading that could not be imported.
    unmatched : tuple of Path
        Files that the pattern or table does not name.
    """

    readings: tuple[str, ...]
    cases_added: tuple[str, ...]
    readers_added: tuple[str, ...]
    already_there: int
    mismatches: tuple[str, ...]
    problems: tuple[str, ...]
    unmatched: tuple[Path, ...]


def import_folder(
    project: Project,
    listing: FolderListing,
    *,
    mapping: Mapping[str, str] | None = None,
    add_cases: bool = False,
    progress: Progress = silent,
) -> ImportedFolder:
    """Import the files of a listing as submitted readings of their readers, signed by the lead.

    Readers that the project does not know are added as readers without a key. A bad file or reading does not stop the
    others, and nothing of it is imported.

    Parameters
    ----------
    project : Project
    listing : FolderListing
    mapping : mapping of str to str, optional
        Item ID for a segment, markup or column of another name.
    add_cases : bool
        Whether cases that the project does not have are added; their patient is the one that the file names say, or
        else the case.
    progress : Progress

    Raises
    ------
    ProjectError
        A case is not in the project and `add_cases` is false, or whoever acts is no lead.
    DestinationError
        The project cannot be written.
    """
    found, problems = read_files(listing.files, project.protocol(), mapping, progress)
    new_cases = {one.case: one.patient or one.case for one in found if one.case not in project.state.cases}
    if new_cases and not add_cases:
        raise ProjectError(
            f"case '{next(iter(new_cases))}': is not in the project ({len(new_cases)} are not); "
            "add them first, or say --add-cases."
        )
    submitted = {(r.case, r.reader, r.round) for r in project.state.all_readings()}
    todo = [one for one in found if (one.case, one.reader, one.round) not in submitted]
    if new_cases:
        project.add_cases([Case(case, patient) for case, patient in sorted(new_cases.items())])
    new_readers = sorted({one.reader for one in todo} - set(project.state.members))
    for reader in new_readers:
        project.add_member(reader, f"{reader} (imported)", [Role.READER])
    imported = []
    for one in todo:
        try:
            imported.append(_submit(project, one))
        except Cancelled:
            raise
        except AnnotationQAError as error:
            problems.append(str(error))
    return ImportedFolder(
        tuple(imported),
        tuple(sorted(new_cases)),
        tuple(new_readers),
        len(found) - len(todo),
        tuple(f"{one.case}, {one.reader}: {line}" for one in found for line in one.mismatches),
        tuple(problems),
        listing.unmatched,
    )


def _submit(project: Project, one: FolderReading) -> str:
    segmentation = one.segmentation()
    reading = Reading(one.case, one.reader, one.round, 1, project.state.protocol, one.all_answers())
    with tempfile.TemporaryDirectory() as folder:
        path = None
        if segmentation is not None:
            path = Path(folder) / "imported.seg.nrrd"
            write_segmentation(path, segmentation)
        return project.submit_reading(reading, path).id
