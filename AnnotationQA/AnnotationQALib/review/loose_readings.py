"""Segmentation nodes of the scene as readings, without a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import slicer
import vtk

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.placement import joint_grid
from AnnotationQACore.review.labels import ReviewLabels, review_labels
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.grids import grid_from_matrix
from AnnotationQALib.logic.segmentations import SegmentationCopier, SegmentationCopy

__all__ = ["LooseReadings", "volume_grid"]


class LooseReadings:
    """Segmentation nodes without a project as readings: each node is a reader, called by the node's name.

    Made on the main thread, where the voxels are copied; `labels` may run on any other.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode or None
    segmentations : sequence of vtkMRMLSegmentationNode

    Attributes
    ----------
    nodes : mapping of reader to vtkMRMLSegmentationNode
    """

    def __init__(
        self,
        volume: slicer.vtkMRMLScalarVolumeNode | None,
        segmentations: Sequence[slicer.vtkMRMLSegmentationNode],
    ) -> None:
        self.nodes: dict[str, slicer.vtkMRMLSegmentationNode] = {}
        for node in segmentations:
            self.nodes[_distinct(node.GetName() or "reading", self.nodes)] = node
        self._grid = volume_grid(volume) if volume is not None else None
        self._copies = {name: SegmentationCopier().copy(node) for name, node in self.nodes.items()}

    def labels(self) -> ReviewLabels:
        """Bring the segmentations together; raises `InputError` when there is none."""
        return review_labels({name: self._painted(copy) for name, copy in self._copies.items()}, self._grid)

    def _painted(self, copy: SegmentationCopy) -> Segmentation:
        """Segments on the grid on which they were painted."""
        lattices = {f"layer {n}": layer.lattice for n, layer in enumerate(copy.layers) if layer is not None}
        return copy.on(joint_grid(lattices) if lattices else self._grid or Grid((1, 1, 1)))


def volume_grid(volume: slicer.vtkMRMLScalarVolumeNode) -> Grid:
    """Grid of a volume node; raises `InputError` when it has no voxels."""
    image = volume.GetImageData()
    if image is None:
        raise InputError(worded("volume '{name}': has no voxels; load it again.", name=volume.GetName()))
    columns, rows, slices = image.GetDimensions()
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return grid_from_matrix((slices, rows, columns), matrix)


def _distinct(name: str, taken: Mapping[str, object]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    return found
