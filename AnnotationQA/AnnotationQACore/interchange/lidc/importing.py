"""Brings LIDC-IDRI scans into a project: every scan a case, every radiologist a reader."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from AnnotationQACore.errors import ProjectError
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.lidc import CREDIT
from AnnotationQACore.interchange.lidc.database import Scan
from AnnotationQACore.interchange.lidc.nodules import READERS
from AnnotationQACore.interchange.lidc.readings import ITEM, ScanReading, reader_id, scan_readings
from AnnotationQACore.interchange.matching import as_in_protocol
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.cases import Case, SeriesReference
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Segmentation

__all__ = ["PROTOCOL", "Imported", "import_scans"]

PROTOCOL = "lung_nodule_ct"
"""Name of the shipped protocol whose items the readings answer."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How much was imported."""

    cases: int
    readings: int
    already_there: int


def import_scans(project: Project, scans: Sequence[Scan], progress: Progress = silent) -> Imported:
    """Add the scans that the project does not have yet, with the readings of all four radiologists.

    Scan by scan, so that an interrupted import is taken up where it stopped.

    Raises
    ------
    ProjectError
        The project's protocol does not ask for the nodules and ratings of LIDC-IDRI.
    DestinationError
        The project cannot be written.
    """
    protocol = project.protocol()
    nodule = next((item for item in protocol.segmentations if item.id == ITEM), None)
    wanted = {ITEM, *(answer.item for scan in scans[:1] for one in scan_readings(scan) for answer in one.answers)}
    missing = sorted(wanted - set(protocol.item_ids))
    if missing or nodule is None:
        missing = missing or [ITEM]
        raise ProjectError(
            f"protocol '{protocol.id}': does not ask for '{missing[0]}'; make the project with --protocol {PROTOCOL}."
        )
    _add_readers(project)
    role = protocol.imaging.series[0].id
    cases = _case_ids(scans)
    done_before = len(scans)
    for done, (case, scan) in enumerate(zip(cases, scans, strict=True)):
        progress(done, len(scans), case)
        if case in project.state.cases:
            if len(project.state.latest_readings(case)) >= READERS:
                continue
        else:
            project.add_cases([Case(case, scan.patient_id, series=(SeriesReference(role, uid=scan.series_uid),))])
        done_before -= 1
        _submit(project, case, nodule, list(scan_readings(scan)))
    progress(len(scans), len(scans))
    imported = len(scans) - done_before
    return Imported(imported, imported * READERS, done_before)


def _add_readers(project: Project) -> None:
    for index in range(READERS):
        if reader_id(index) not in project.state.members:
            project.add_member(reader_id(index), f"LIDC-IDRI radiologist {index + 1} of each scan", [Role.READER])


def _case_ids(scans: Sequence[Scan]) -> list[str]:
    """The patient's ID, numbered from the second scan on."""
    seen: Counter[str] = Counter()
    cases = []
    for scan in scans:
        seen[scan.patient_id] += 1
        number = seen[scan.patient_id]
        cases.append(scan.patient_id if number == 1 else f"{scan.patient_id}.{number}")
    return cases


def _submit(project: Project, case: str, nodule: SegmentationItem, readings: Sequence[ScanReading]) -> None:
    submitted = {reading.reader for reading in project.state.latest_readings(case)}
    with tempfile.TemporaryDirectory() as folder:
        ready = []
        for one in readings:
            if one.reader in submitted:
                continue
            path = None
            if one.segmentation is not None:
                path = Path(folder) / f"{one.reader}.seg.nrrd"
                write_segmentation(path, _described(one.segmentation, nodule))
            reading = Reading(case, one.reader, 1, 1, project.state.protocol, one.answers, comment=CREDIT)
            ready.append((reading, path))
        project.submit_readings(ready)


def _described(segmentation: Segmentation, nodule: SegmentationItem) -> Segmentation:
    """The segments with the protocol's names and codes; colours stay, so that nodules can be told apart."""
    segments = [
        replace(as_in_protocol(segment, nodule, segment.value), color=segment.color)
        for segment in segmentation.segments
    ]
    return replace(segmentation, segments=tuple(segments))
