"""Writes readings of a project into a new folder: all of it or nothing, with a list of what each file does not hold."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from AnnotationQACore import atomic
from AnnotationQACore.errors import AnnotationQAError, Cancelled, DestinationError, InputError
from AnnotationQACore.interchange.case_images import CaseImages, case_images
from AnnotationQACore.interchange.derived import ObjectInfo, software_version
from AnnotationQACore.interchange.dicom_seg import ProbabilityMap
from AnnotationQACore.interchange.exporting.formats import FORMATS, ReadingContent, nothing_to_write
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.interchange.reading_objects import file_stem, object_info, segment_origins
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.segmentation import Segmentation, Volume

__all__ = ["LISTING", "Exported", "ExportedFile", "export_readings", "require_empty", "require_formats"]

LISTING = "export.json"
"""What was written, from which reading, and what it does not hold."""

SEG_OR_NRRD = ("seg", "seg.nrrd")
"""Without a choice: DICOM SEG where the images are at hand, else ``.seg.nrrd``."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file, and what it was made of; `path` is relative to the folder of the export."""

    path: str
    sha256: str
    format: str
    case: str
    reading: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote and what it did not.

    Attributes
    ----------
    files : tuple of ExportedFile
    left_out : tuple of str
        One line for each thing of a reading that a format does not hold.
    nothing : tuple of str
        One line for each reading that has nothing a format could hold.
    problems : tuple of str
        One line for each reading that could not be written in a format, though it has something to be written.
    """

    files: tuple[ExportedFile, ...]
    left_out: tuple[str, ...]
    nothing: tuple[str, ...]
    problems: tuple[str, ...]


def require_formats(names: Sequence[str]) -> None:
    """Raise `InputError` unless all are names of formats."""
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError(f"format '{unknown[0][:40]}': is unknown; there are {', '.join(FORMATS)}.")


def require_empty(folder: Path) -> None:
    """Raise `DestinationError` unless a folder is not there, or empty."""
    if folder.exists() and not folder.is_dir():
        raise DestinationError(f"{folder}: is a file; name a new folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise DestinationError(f"{folder}: is not empty; name a new folder, so that nothing old stands among the new.")


def export_readings(
    project: Project,
    readings: Sequence[SubmittedReading],
    formats: Sequence[str],
    folder: Path,
    images: Mapping[str, Sequence[Path]] | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write readings in all formats into a folder, with `LISTING`; a reading that cannot be written stops no other.

    Parameters
    ----------
    project : Project
    readings : sequence of SubmittedReading
    formats : sequence of str
        Names of `formats.FORMATS`; none for DICOM SEG where the images are at hand, else ``.seg.nrrd``.
    folder : Path
        New, or empty. It is there with everything in it, or not at all.
    images : mapping of Series Instance UID to files, optional
        DICOM images that lie elsewhere than the project says.
    progress : Progress

    Raises
    ------
    InputError
        A format is unknown.
    DestinationError
        The folder is not empty, or cannot be written.
    """
    require_formats(formats)
    require_empty(folder)
    report = _Report([], [], [], [])
    with _appearing(folder) as place:
        for done, submitted in enumerate(readings):
            progress(done, len(readings), submitted.case)
            _export(project, submitted, tuple(dict.fromkeys(formats)), images or {}, place, report)
        progress(len(readings), len(readings))
        result = Exported(tuple(report.files), tuple(report.left_out), tuple(report.nothing), tuple(report.problems))
        if result.files:
            atomic.write_text(place / LISTING, _listing(project, result))
    return result


@dataclass(frozen=True, slots=True)
class _Report:
    files: list[ExportedFile]
    left_out: list[str]
    nothing: list[str]
    problems: list[str]


def _export(
    project: Project,
    submitted: SubmittedReading,
    formats: Sequence[str],
    images: Mapping[str, Sequence[Path]],
    place: Path,
    report: _Report,
) -> None:
    stem = file_stem(submitted)
    try:
        content = _content(project, submitted, images)
    except Cancelled:
        raise
    except AnnotationQAError as error:
        report.problems.append(f"{stem}: {error}")
        return
    if not formats:
        formats = SEG_OR_NRRD[:1] if content.images.series else SEG_OR_NRRD[1:]
    written: dict[Path, str] = {}
    for name in formats:
        try:
            paths, left_out = FORMATS[name].write(content, place, stem)
        except Cancelled:
            raise
        except DestinationError:
            raise
        except AnnotationQAError as error:
            where = report.nothing if nothing_to_write(error) else report.problems
            where.append(f"{stem}, {name}: {error}")
            continue
        # a report refers to a segmentation, which is written with it
        kinds = {path: SEG_OR_NRRD[0] if path.name == f"{stem}.dcm" else name for path in paths}
        written = kinds | written
        report.left_out.extend(f"{stem}, {name}: {line}" for line in left_out)
    if content.reading.comment or any(a.comment or a.warning_reason for a in content.reading.answers):
        report.left_out.append(f"{stem}: comments stay in the project; no format holds them.")
    if content.reading.flags and "kos" not in formats:
        report.left_out.append(f"{stem}: is flagged ({', '.join(content.reading.flags)}), which format kos holds.")
    report.files.extend(
        ExportedFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), name, submitted.case, submitted.id)
        for path, name in written.items()
    )


def _content(project: Project, submitted: SubmittedReading, images: Mapping[str, Sequence[Path]]) -> ReadingContent:
    reading = project.load_reading(submitted)
    protocol = project.protocol(submitted.protocol)
    voxels = project.segmentation_path(submitted)
    segmentation = None if voxels is None else read_segmentation(voxels)
    if segmentation is not None and not segmentation.segments:
        segmentation = None
    case = project.state.cases[submitted.case].case
    found = case_images(project.folder, case, images, protocol.imaging.reference_series)
    origins = segment_origins(project, submitted, reading, segmentation) if segmentation is not None else {}
    return ReadingContent(
        reading,
        segmentation,
        protocol,
        found,
        _info(project, submitted, found),
        origins,
        lambda: _shares(project, submitted),
    )


def _info(project: Project, submitted: SubmittedReading, images: CaseImages) -> Callable[[str], ObjectInfo]:
    """The same reading of the same images makes the same objects; of other copies of them, others."""
    series = images.main.uid if images.series else ""
    return lambda part: object_info(project, submitted, f"{part} {series}".strip())


def _shares(project: Project, submitted: SubmittedReading) -> list[ProbabilityMap]:
    """Of a consensus: for each segment the share of its readings that marked each voxel."""
    sources = [project.state.reading(name) for name in submitted.sources]
    paths = [project.segmentation_path(source) for source in sources if source is not None]
    drawn = {f"reading {number}": read_segmentation(path) for number, path in enumerate(paths, 1) if path is not None}
    if not drawn:
        return []
    grid = joint_grid({name: one.grid for name, one in drawn.items()})
    placed: list[Segmentation] = [placed_on(one, grid) for one in drawn.values()]
    segments = {segment.id: segment for one in placed for segment in one.segments}
    maps = []
    for name, segment in segments.items():
        total = np.zeros(grid.shape, np.float32)
        for one in placed:
            if any(other.id == name for other in one.segments):
                total += one.mask(name).voxels
        maps.append(ProbabilityMap(segment, Volume(total / max(len(submitted.sources), 1), grid)))
    return maps


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A hidden folder beside `folder`, which takes its name when all went well, and is removed otherwise."""
    temporary = folder.absolute().parent / f".{folder.absolute().name}.{secrets.token_hex(4)}"
    make_folder(temporary)
    try:
        yield temporary
        if any(temporary.iterdir()):
            if folder.is_dir():
                folder.rmdir()  # Windows does not rename onto a folder, not even an empty one
            temporary.rename(folder)
    except OSError as error:
        raise _cannot(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _cannot(folder: Path, error: OSError) -> DestinationError:
    reason = error.strerror or type(error).__name__
    return DestinationError(f"{folder}: cannot be written ({reason}); free space or choose a folder you may write to.")


def _listing(project: Project, exported: Exported) -> str:
    document = {
        "format": "AnnotationQA export 1",
        "software": f"AnnotationQA {software_version()}",
        "project": project.id,
        "files": [
            {"path": f.path, "sha256": f.sha256, "format": f.format, "case": f.case, "reading": f.reading}
            for f in exported.files
        ],
        "left out": list(exported.left_out),
        "nothing to write": list(exported.nothing),
        "problems": list(exported.problems),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
