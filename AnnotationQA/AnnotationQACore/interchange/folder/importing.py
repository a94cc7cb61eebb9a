"""Brings readings from files into a project, and says what was not matched."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import AnnotationQAError, Cancelled, GridMismatch, ProjectError
from AnnotationQACore.interchange.case_images import CaseImages, SeriesImages, case_images
from AnnotationQACore.interchange.folder.contents import FolderReading, read_files
from AnnotationQACore.interchange.folder.listing import FolderListing
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.interchange.sources import read_sources
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Answer, Reading
from AnnotationQACore.project.state import Role, SubmittedReading
from AnnotationQACore.segmentation import Segmentation

__all__ = ["ImportedFolder", "import_folder"]


@dataclass(frozen=True, slots=True)
class ImportedFolder:
    """What was imported and what was not.

    Attributes
    ----------
    readings, cases_added, readers_added : tuple of str
        IDs.
    already_there : int
        Readings of readers who have one of that case and round, which says the same.
    differing : tuple of str
        One line for each reading that the project has with another content; it was not imported.
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
    differing: tuple[str, ...]
    mismatches: tuple[str, ...]
    problems: tuple[str, ...]
    unmatched: tuple[Path, ...]


def import_folder(
    project: Project,
    listing: FolderListing,
    *,
    mapping: Mapping[str, str] | None = None,
    add_cases: bool = False,
    revise: bool = False,
    images: Mapping[str, Sequence[Path]] | None = None,
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
        Item ID for a segment, markup, finding, category or column of another name.
    add_cases : bool
        Whether cases that the project does not have are added; their patient is the one that the file names say, or
        else the case.
    revise : bool
        Whether readings that the project has with another content are submitted as their next revision.
    images : mapping of Series Instance UID to files, optional
        DICOM images that lie elsewhere than the project says; structure sets and masks on images need them.
    progress : Progress

    Raises
    ------
    ProjectError
        A case is not in the project and `add_cases` is false, or whoever acts is no lead.
    DestinationError
        The project cannot be written.
    """
    found, problems = read_files(
        listing.files,
        project.protocol(),
        mapping,
        progress,
        lambda case, uid: _images_of(project, case, uid, images or {}),
    )
    new_cases = {one.case: one.patient or one.case for one in found if one.case not in project.state.cases}
    if new_cases and not add_cases:
        raise ProjectError(
            f"case '{next(iter(new_cases))}': is not in the project ({len(new_cases)} are not); "
            "add them first, or say --add-cases."
        )
    latest = {(r.case, r.reader, r.round): r for case in {f.case for f in found} for r in _latest(project, case)}
    todo: list[tuple[FolderReading, _Content, int]] = []
    differing: list[str] = []
    refused = 0
    for one in found:
        earlier = latest.get((one.case, one.reader, one.round))
        try:
            content = _Content(one.segmentation(), one.all_answers())
            difference = _difference(project, content, earlier) if earlier else ""
        except AnnotationQAError as error:
            problems.append(str(error))
            refused += earlier is not None
            continue
        if earlier is None or (difference and revise):
            todo.append((one, content, earlier.revision + 1 if earlier else 1))
        elif difference:
            differing.append(f"{earlier.id}: the files differ from it in {difference}; --revise submits a revision.")
    if new_cases:
        project.add_cases([Case(case, patient) for case, patient in sorted(new_cases.items())])
    new_readers = sorted({one.reader for one, _, _ in todo} - set(project.state.members))
    for reader in new_readers:
        project.add_member(reader, f"{reader} (imported)", [Role.READER])
    imported = []
    for one, content, revision in todo:
        try:
            imported.append(_submit(project, one, content, revision))
        except Cancelled:
            raise
        except AnnotationQAError as error:
            problems.append(str(error))
    same = sum((one.case, one.reader, one.round) in latest for one in found) - len(differing) - refused
    return ImportedFolder(
        tuple(imported),
        tuple(sorted(new_cases)),
        tuple(new_readers),
        same - sum(revision > 1 for _, _, revision in todo),
        tuple(differing),
        tuple(f"{one.case}, {one.reader}: {line}" for one in found for line in one.mismatches),
        tuple(problems),
        listing.unmatched,
    )


def _latest(project: Project, case: str) -> tuple[SubmittedReading, ...]:
    return project.state.latest_readings(case) if case in project.state.cases else ()


def _images_of(project: Project, case: str, series_uid: str, images: Mapping[str, Sequence[Path]]) -> CaseImages:
    record = project.state.cases.get(case)
    reference = project.protocol().imaging.reference_series
    found = case_images(project.folder, record.case if record else Case(case, case), images, reference)
    if series_uid not in images or any(one.uid == series_uid for one in found.series):
        return found
    other = SeriesImages(series_uid, read_sources(images[series_uid]))  # the case does not say which images it has
    return CaseImages((*found.series, other), found.reference)


@dataclass(frozen=True, slots=True, eq=False)
class _Content:
    """What will be submitted."""

    segmentation: Segmentation | None
    answers: tuple[Answer, ...]


def _difference(project: Project, content: _Content, earlier: SubmittedReading) -> str:
    """What the files say otherwise than the reading that is there; empty when nothing."""
    before = {(a.item, a.subject): a.value for a in project.load_reading(earlier).answers}
    now = {(a.item, a.subject): a.value for a in content.answers}
    items = [key[0] for key in before | now if before.get(key) != now.get(key)]
    path = project.segmentation_path(earlier)
    items += _differing_segments(None if path is None else read_segmentation(path), content.segmentation)
    return ", ".join(dict.fromkeys(items))


def _differing_segments(before: Segmentation | None, now: Segmentation | None) -> list[str]:
    """IDs of the segments that do not have the same voxels in both."""
    ids = [{segment.id for segment in one.segments} if one else set() for one in (before, now)]
    differing = sorted(ids[0] ^ ids[1])
    if before is None or now is None:
        return differing
    try:
        grid = joint_grid({"before": before.grid, "now": now.grid})
    except GridMismatch:
        return sorted(ids[0] | ids[1])
    pair = placed_on(before, grid), placed_on(now, grid)
    common = sorted(ids[0] & ids[1])
    return differing + [name for name in common if (pair[0].mask(name).voxels != pair[1].mask(name).voxels).any()]


def _submit(project: Project, one: FolderReading, content: _Content, revision: int) -> str:
    segmentation = content.segmentation
    reading = Reading(
        one.case, one.reader, one.round, revision, project.state.protocol, content.answers, flags=tuple(one.flags)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = None
        if segmentation is not None:
            path = Path(folder) / "imported.seg.nrrd"
            write_segmentation(path, segmentation)
        return project.submit_reading(reading, path).id
