"""What the objects of a reading say of their origin, and the segmentation of a reading as an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.interchange.derived import ObjectInfo, software_version
from AnnotationQACore.interchange.dicom_seg import Algorithm, AlgorithmType, SegmentationType, SegmentOrigin
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.fields import parse_time
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.segmentation import Segmentation

__all__ = ["WrittenObject", "file_stem", "object_info", "segment_origins", "write_reading"]

_MODEL = "model:"
_CONSENSUS = "consensus:"


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """A file that was written, and what it could not hold."""

    case: str
    path: Path
    losses: tuple[str, ...]


def file_stem(submitted: SubmittedReading) -> str:
    """Start of the names of a reading's files; Windows allows no ``:``."""
    name = f"{submitted.case}_{submitted.reader.replace(':', '-')}"
    return name if submitted.round == 1 else f"{name}_round-{submitted.round}"


def object_info(project: Project, submitted: SubmittedReading, part: str = "") -> ObjectInfo:
    """Who made the objects of a reading and when, as the ledger has it.

    The same reading makes the same UIDs, whenever it is exported; `part` tells its objects of different kinds apart.
    """
    return ObjectInfo(
        description=f"{submitted.reader}, revision {submitted.revision}",
        creator=submitted.reader,
        key=f"{project.id} {submitted.sha256} {part}".strip(),
        when=parse_time(submitted.time).replace(tzinfo=None),
    )


def segment_origins(
    project: Project, submitted: SubmittedReading, reading: Reading, segmentation: Segmentation
) -> dict[str, SegmentOrigin]:
    """What made each segment, from the ledger: a person, a person who corrected a model, a model, or a consensus."""
    algorithm = _algorithm(project, submitted, reading)
    info = object_info(project, submitted)
    return {
        segment.id: SegmentOrigin(algorithm, info.uid(f"tracking {segment.id}")) for segment in segmentation.segments
    }


def write_reading(
    project: Project, submitted: SubmittedReading, images: Mapping[str, Sequence[Path]], folder: Path
) -> WrittenObject | None:
    """Write the segmentation of a reading: as DICOM SEG where its images are at hand, else as ``.seg.nrrd``.

    Parameters
    ----------
    project : Project
    submitted : SubmittedReading
    images : mapping of Series Instance UID to files
    folder : Path
        Exists.

    Returns
    -------
    WrittenObject or None
        None when the reading has no voxels.

    Raises
    ------
    InputError
        A file of the project was changed, or images cannot be read.
    DestinationError
        It cannot be written.
    """
    voxels = project.segmentation_path(submitted)
    if voxels is None:
        return None
    segmentation = read_segmentation(voxels)
    case: Case = project.state.cases[submitted.case].case
    sources = next((images[series.uid] for series in case.series if series.uid in images), None)
    if sources is None:
        path = folder / f"{file_stem(submitted)}.seg.nrrd"
        return WrittenObject(submitted.case, path, write_segmentation(path, segmentation))
    path = folder / f"{file_stem(submitted)}.dcm"
    origins = segment_origins(project, submitted, project.load_reading(submitted), segmentation)
    losses = write_dicom_seg(
        path, segmentation, sources, object_info(project, submitted), SegmentationType.BINARY, origins
    )
    return WrittenObject(submitted.case, path, losses)


def _algorithm(project: Project, submitted: SubmittedReading, reading: Reading) -> Algorithm:
    reader = submitted.reader
    if reader.startswith(_MODEL):
        return Algorithm(AlgorithmType.AUTOMATIC, reader.removeprefix(_MODEL))
    if reader.startswith(_CONSENSUS):
        count = f"of {len(submitted.sources)} readings"
        name = f"consensus by {reader.removeprefix(_CONSENSUS)}"
        return Algorithm(AlgorithmType.SEMIAUTOMATIC, name, software_version(), parameters=count)
    start = project.state.reading(reading.started_from.reading) if reading.started_from else None
    if start is not None and start.reader.startswith((_MODEL, _CONSENSUS)):
        return Algorithm(AlgorithmType.SEMIAUTOMATIC, f"{start.reader}, corrected by {reader}")
    return Algorithm()
