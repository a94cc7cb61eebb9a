"""Reads the readings of a case and puts their segmentations on one grid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case_files import CaseFiles, ReadingFiles
from AnnotationQACore.geometry import Grid, require_same_grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.segmentation import Segmentation

__all__ = ["CaseReadings", "common_lattice", "load_case", "on_grid"]


@dataclass(frozen=True, slots=True, eq=False)
class CaseReadings:
    """Readings of a case by reader, and the segmentations of those that have one, all on one grid."""

    case: str
    readings: Mapping[str, Reading]
    segmentations: Mapping[str, Segmentation]


def load_case(files: CaseFiles) -> CaseReadings:
    """Read a case.

    Raises
    ------
    InputError
        A file is missing, was changed since it was submitted, or cannot be read.
    GridMismatch
        Two readers segmented images with different lattices.
    """
    readings = {entry.reader: _reading(entry) for entry in files.readings}
    segmentations = {}
    for entry in files.readings:
        if entry.segmentation is not None:
            _require_hash(entry.segmentation, entry.segmentation_sha256)
            segmentations[entry.reader] = read_segmentation(entry.segmentation)
    if segmentations:
        grid = common_lattice({name: segmentation.grid for name, segmentation in segmentations.items()})
        segmentations = {name: on_grid(segmentation, grid) for name, segmentation in segmentations.items()}
    return CaseReadings(files.case, readings, segmentations)


def common_lattice(grids: Mapping[str, Grid]) -> Grid:
    """Smallest grid that holds all grids, which must be parts of one lattice: a segmentation may be saved cropped.

    Raises
    ------
    GridMismatch
        Two of them are not; the message names them.
    """
    first_name, first = next(iter(grids.items()))
    corners = []
    for name, grid in grids.items():
        start = np.rint(first.to_index(grid.origin)).astype(int)
        shifted = Grid(grid.shape, first.spacing, _position(first, start), first.directions)
        require_same_grid(shifted, grid, (f"the segmentation of {first_name}", f"that of {name}"))
        corners.append((start, start + grid.shape))
    low = np.min([start for start, _ in corners], axis=0)
    high = np.max([stop for _, stop in corners], axis=0)
    size = high - low
    return Grid((int(size[0]), int(size[1]), int(size[2])), first.spacing, _position(first, low), first.directions)


def on_grid(segmentation: Segmentation, grid: Grid) -> Segmentation:
    """The same segmentation on a larger grid of the same lattice; what is outside of its own grid is background."""
    if segmentation.grid.shape == grid.shape:
        return segmentation
    start = np.rint(grid.to_index(segmentation.grid.origin)).astype(int)
    region = tuple(slice(int(a), int(a) + size) for a, size in zip(start, segmentation.grid.shape, strict=True))
    layers = np.zeros((len(segmentation.layers), *grid.shape), dtype=segmentation.layers.dtype)
    layers[(slice(None), *region)] = segmentation.layers
    return Segmentation(layers, grid, segmentation.segments)


def _position(grid: Grid, index: np.ndarray) -> tuple[float, float, float]:
    x, y, z = grid.to_world(index)
    return (float(x), float(y), float(z))


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
