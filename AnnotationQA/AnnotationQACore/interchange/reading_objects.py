"""What the objects of a reading say of their origin."""

from __future__ import annotations

from AnnotationQACore.interchange.derived import ObjectInfo, software_version
from AnnotationQACore.interchange.dicom_seg import Algorithm, AlgorithmType, SegmentOrigin
from AnnotationQACore.project.fields import parse_time
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.segmentation import Segmentation

__all__ = ["file_stem", "object_info", "segment_origins"]

_MODEL = "model:"
_CONSENSUS = "consensus:"


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
