"""Writes the segmentation of a reading as an object that other software reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import Algorithm, AlgorithmType, SegmentOrigin
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import SubmittedReading

__all__ = ["WrittenObject", "write_reading"]


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """A file that was written, and what it could not hold."""

    case: str
    path: Path
    losses: tuple[str, ...]


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
    name = f"{submitted.case}_{submitted.reader.replace(':', '-')}"
    if sources is None:
        path = folder / f"{name}.seg.nrrd"
        return WrittenObject(submitted.case, path, write_segmentation(path, segmentation))
    info = ObjectInfo(
        description=f"{submitted.reader}, revision {submitted.revision}",
        creator=submitted.reader,
        key=f"{project.id} {submitted.sha256}",
    )
    method = submitted.reader.partition(":")[2]
    algorithm = Algorithm(AlgorithmType.SEMIAUTOMATIC, f"consensus by {method}") if submitted.sources else Algorithm()
    origins = {segment.id: SegmentOrigin(algorithm) for segment in segmentation.segments}
    path = folder / f"{name}.dcm"
    return WrittenObject(submitted.case, path, write_dicom_seg(path, segmentation, sources, info, origins=origins))
