"""An example to try the comparison on: a drawn abdomen, and what three readers make of it. No patient, no download."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import slicer
from numpy.typing import NDArray

from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.segmentations import add_segmentation
from AnnotationQALib.logic.volumes import add_volume

__all__ = ["EXAMPLE_READERS", "add_example", "example_readings", "example_volume"]

GRID = Grid((60, 160, 200), (3.0, 1.8, 1.8), (-179.1, -143.1, -90.0))
EXAMPLE_READERS = ("Reader Anna", "Reader Ben", "Reader Cleo")

_ANATOMY = Code("SCT", "123037004", "Anatomical Structure")
_LEFT, _RIGHT = Code("SCT", "7771000", "Left"), Code("SCT", "24028007", "Right")
_KIDNEY = Code("SCT", "64033007", "Kidney")
_SEGMENTS = (
    Segment("liver", "Liver", 1, 0, (0.87, 0.45, 0.32), _ANATOMY, Code("SCT", "10200004", "Liver")),
    Segment("kidney_left", "Left kidney", 2, 0, (0.26, 0.62, 0.85), _ANATOMY, _KIDNEY, _LEFT),
    Segment("kidney_right", "Right kidney", 3, 0, (0.20, 0.75, 0.55), _ANATOMY, _KIDNEY, _RIGHT),
    Segment("spleen", "Spleen", 4, 0, (0.70, 0.45, 0.80), _ANATOMY, Code("SCT", "78961009", "Spleen")),
    Segment("lesion", "Lesion", 5, 0, (0.96, 0.82, 0.25), _ANATOMY, Code("SCT", "4147007", "Mass")),
)


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    """Centre and radii in voxels, (k, j, i); the left of the patient is at high i."""

    center: tuple[float, float, float]
    radii: tuple[float, float, float]

    def mask(self, grow: float = 0.0) -> NDArray[np.bool_]:
        """Voxels inside, with all radii longer by `grow` voxels."""
        axes = np.ogrid[tuple(slice(size) for size in GRID.shape)]
        parts = [
            ((axis - at) / (radius + grow)) ** 2
            for axis, at, radius in zip(axes, self.center, self.radii, strict=True)
        ]  # fmt: skip
        return np.asarray(sum(parts) <= 1.0)


_BODY = _Ellipsoid((30, 80, 100), (60, 66, 90))
_LIVER = _Ellipsoid((36, 66, 62), (18, 34, 40))
_SPLEEN = _Ellipsoid((40, 84, 152), (11, 18, 13))
_LEFT_KIDNEY = _Ellipsoid((24, 104, 138), (14, 12, 11))
_RIGHT_KIDNEY = _Ellipsoid((22, 106, 62), (13, 12, 11))
_LESION = _Ellipsoid((38, 62, 48), (4.5, 7, 7))
_SECOND_LESION = _Ellipsoid((30, 58, 128), (3.0, 5, 5))
_SPINE = _Ellipsoid((30, 122, 100), (80, 13, 14))


def example_volume(seed: int = 0) -> Volume:
    """Something like a CT of the abdomen in HU, shape (k, j, i)."""
    voxels = np.full(GRID.shape, -1000.0)
    voxels[_BODY.mask()] = -95.0
    voxels[_BODY.mask(-6)] = 35.0
    for part, value in (
        (_LIVER, 105.0), (_SPLEEN, 120.0), (_LEFT_KIDNEY, 165.0), (_RIGHT_KIDNEY, 165.0), (_LESION, 55.0),
        (_SECOND_LESION, 70.0), (_SPINE, 320.0),
    ):  # fmt: skip
        voxels[part.mask()] = value
    voxels += np.random.default_rng(seed).normal(0.0, 9.0, GRID.shape)
    return Volume(voxels.astype(np.int16), GRID)


def example_readings() -> dict[str, Segmentation]:
    """Three readers who differ in every way there is: outlines, ends, a lesion missed, one more, and the sides."""
    anna = _drawn(0.0, (_LESION,), swapped=False)
    ben = _drawn(1.6, (_LESION, _SECOND_LESION), swapped=False)
    ben[47:] = 0
    cleo = _drawn(-0.8, (), swapped=True)
    layers = dict(zip(EXAMPLE_READERS, (anna, ben, cleo), strict=True))
    return {name: Segmentation(layer[np.newaxis], GRID, _SEGMENTS) for name, layer in layers.items()}


def add_example(scene: slicer.vtkMRMLScene) -> tuple[slicer.vtkMRMLScalarVolumeNode, tuple[slicer.vtkMRMLNode, ...]]:
    """Add the images and a segmentation for each reader to a scene."""
    volume = add_volume(scene, example_volume(), "Abdomen (drawn example)")
    display = volume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(-110.0, 240.0)
    nodes = []
    for name, reading in example_readings().items():
        named = tuple(replace(segment) for segment in reading.segments)
        node = add_segmentation(scene, Segmentation(reading.layers, GRID, named), name)
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        nodes.append(node)
    return volume, tuple(nodes)


def _drawn(grow: float, lesions: tuple[_Ellipsoid, ...], swapped: bool) -> NDArray[np.uint8]:
    layer = np.zeros(GRID.shape, np.uint8)
    left, right = (3, 2) if swapped else (2, 3)
    for part, value in ((_LIVER, 1), (_SPLEEN, 4), (_LEFT_KIDNEY, left), (_RIGHT_KIDNEY, right)):
        layer[part.mask(grow)] = value
    for lesion in lesions:
        layer[lesion.mask(0.5 * grow)] = 5
    return layer
