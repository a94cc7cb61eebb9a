"""Reads the readings of a case and puts their segmentations on one grid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case_files import CaseFiles, ReadingFiles
from AnnotationQACore.evaluation.common_grid import on_one_grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.segmentation import Segmentation

__all__ = ["CaseReadings", "load_case"]


@dataclass(frozen=True, slots=True, eq=False)
class CaseReadings:
    """Readings of a case by reader, and the segmentations of those that have one, all on one grid.

    `messages` name what was resampled to lie there.
    """

    case: str
    readings: Mapping[str, Reading]
    segmentations: Mapping[str, Segmentation]
    messages: tuple[str, ...] = ()


def load_case(files: CaseFiles, *, resample: bool = False) -> CaseReadings:
    """Read a case.

    Parameters
    ----------
    files : CaseFiles
    resample : bool
        Whether segmentations of different lattices may be resampled, to the finest, by the nearest neighbour.

    Raises
    ------
    InputError
        A file is missing, was changed since it was submitted, or cannot be read.
    GridMismatch
        Two readers segmented images with different lattices, and `resample` is false.
    """
    readings = {entry.reader: _reading(entry) for entry in files.readings}
    segmentations = {}
    for entry in files.readings:
        if entry.segmentation is not None:
            _require_hash(entry.segmentation, entry.segmentation_sha256)
            segmentations[entry.reader] = read_segmentation(entry.segmentation)
    if resample and segmentations:
        placed = on_one_grid(segmentations)
        return CaseReadings(files.case, readings, placed.segmentations, placed.messages)
    if segmentations:
        titles = {name: f"the segmentation of {name}" for name in segmentations}
        grid = joint_grid({titles[name]: one.grid for name, one in segmentations.items()})
        segmentations = {name: placed_on(one, grid, (titles[name], "the image")) for name, one in segmentations.items()}
    return CaseReadings(files.case, readings, segmentations)


def _reading(entry: ReadingFiles) -> Reading:
    content = _require_hash(entry.reading, entry.reading_sha256)
    return Reading.from_json(json.loads(content), entry.id)


def _require_hash(path: Path, expected: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); restore it from a backup.") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise InputError(f"{path}: was changed after it was submitted; restore it from a backup.")
    return content
