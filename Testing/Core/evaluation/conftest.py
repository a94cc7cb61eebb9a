"""A case with three readers, made in memory and written as a project stores it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.evaluation.case_files import CaseFiles, ReadingFiles
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.readings import Answer, Presence, RatingValue, Reading, SegmentationValue, Subject
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((8, 20, 20), (2.0, 1.0, 1.0))

Nodule = tuple[tuple[slice, slice, slice], int]
"""Where a reader drew a nodule, and its malignancy."""

WriteCase = Callable[..., CaseFiles]


@pytest.fixture(scope="session")
def lung() -> Protocol:
    return load_shipped("lung_nodule_ct")


@pytest.fixture
def write_case(tmp_path: Path, lung: Protocol) -> WriteCase:
    """Write a case: reader to nodules, an empty list for "absent"; returns its files."""

    def write(case: str, readers: dict[str, Sequence[Nodule]], patient: str = "", grid: Grid = GRID) -> CaseFiles:
        entries = []
        for reader, nodules in readers.items():
            answers = []
            voxels = np.zeros((1, *grid.shape), np.uint8)
            segments = []
            for number, (region, malignancy) in enumerate(nodules, start=1):
                voxels[(0, *region)] = number
                segments.append(Segment(f"nodule#{number}", f"Nodule {number}", number))
                subject = Subject(instance=number)
                answers.append(Answer("nodule", SegmentationValue(Presence.PRESENT), subject))
                answers.append(Answer("malignancy", RatingValue(malignancy), subject))
            if not nodules:
                answers.append(Answer("nodule", SegmentationValue(Presence.ABSENT)))
            reading = tmp_path / f"{case}-{reader}.json"
            reading.write_text(json.dumps(Reading(case, reader, 1, 1, lung.hash, tuple(answers)).to_json()))
            segmentation = None
            if nodules:
                segmentation = tmp_path / f"{case}-{reader}.seg.nrrd"
                write_segmentation(segmentation, Segmentation(voxels, grid, tuple(segments)))
            entries.append(
                ReadingFiles(
                    f"{case}/{reader}", reader, reading, _sha256(reading), segmentation,
                    _sha256(segmentation) if segmentation else "",
                )
            )  # fmt: skip
        return CaseFiles(case, patient or case, tuple(entries))

    return write


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
