"""Voxels with their geometry: images, and segments that may overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.terminology import Code

__all__ = ["BoolArray", "LabelArray", "Mask", "Segment", "Segmentation", "Volume"]

BoolArray = NDArray[np.bool_]
LabelArray = NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Image voxels, shape (k, j, i), and the grid on which they lie."""

    voxels: NDArray[np.generic]
    grid: Grid

    def __post_init__(self) -> None:
        _require_shape(self.voxels.shape, self.grid)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """One structure: boolean voxels, shape (k, j, i), and the grid on which they lie."""

    voxels: BoolArray
    grid: Grid

    def __post_init__(self) -> None:
        _require_shape(self.voxels.shape, self.grid)


@dataclass(frozen=True, slots=True)
class Segment:
    """What one segment of a segmentation is, and where its voxels are stored.

    Attributes
    ----------
    id : str
        Stable identifier, equal to the protocol's item or label ID (``item`` or ``item#2`` for an instance).
    name : str
        For people.
    value : int
        Value of its voxels in its layer; greater than zero.
    layer : int
        Index of its layer.
    color : tuple of 3 float
        Display colour, RGB in [0, 1].
    category, type, type_modifier, region, region_modifier : Code or None
        What it is, as in DICOM SEG (PS3.3 C.8.20.4).
    """

    id: str
    name: str
    value: int
    layer: int = 0
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    category: Code | None = None
    type: Code | None = None
    type_modifier: Code | None = None
    region: Code | None = None
    region_modifier: Code | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """Segments on one grid; segments in different layers may overlap.

    Attributes
    ----------
    layers : integer array, shape (layer, k, j, i)
    grid : Grid
    segments : tuple of Segment
        IDs are unique, and so are values within a layer. A segment may have no voxels.
    """

    layers: LabelArray
    grid: Grid
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        _require_shape(self.layers.shape[1:], self.grid)
        ids = [segment.id for segment in self.segments]
        places = [(segment.layer, segment.value) for segment in self.segments]
        if len(set(ids)) < len(ids) or len(set(places)) < len(places):
            raise InputError("segmentation: two segments share an ID or a label value; give each its own.")
        if any(layer >= len(self.layers) or value < 1 for layer, value in places):
            raise InputError("segmentation: a segment names a layer or label value that cannot be; check the file.")

    def mask(self, segment_id: str) -> Mask:
        """Voxels of one segment; raises `InputError` when there is no such segment."""
        for segment in self.segments:
            if segment.id == segment_id:
                return Mask(self.layers[segment.layer] == segment.value, self.grid)
        raise InputError(f"segmentation: no segment '{segment_id}'; it has {[s.id for s in self.segments]}.")


def _require_shape(shape: tuple[int, ...], grid: Grid) -> None:
    if shape != grid.shape:
        raise InputError(f"image: voxels of shape {shape} do not fit a grid of shape {grid.shape}; check the file.")
