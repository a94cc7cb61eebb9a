"""Voxels put into segments by software: outlines, and what is restored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.interchange.contours import fill
from AnnotationQACore.segmentation import Mask
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.grids import matrix_from_grid
from AnnotationQALib.logic.markup_values import points_of
from AnnotationQALib.logic.volumes import image_data

__all__ = ["add_polygon", "set_voxels", "snap_to_slice"]


def snap_to_slice(node: slicer.vtkMRMLMarkupsNode, grid: Grid) -> int:
    """Move all defined points onto the slice of the image nearest to their middle; returns its index along k."""
    points = grid.to_index(points_of(node))
    index = int(np.clip(np.rint(points[:, 0].mean()), 0, grid.shape[0] - 1))
    points[:, 0] = index
    defined = slicer.vtkMRMLMarkupsNode.PositionDefined
    numbers = [n for n in range(node.GetNumberOfControlPoints()) if node.GetNthControlPointPositionStatus(n) == defined]
    for number, (x, y, z) in zip(numbers, grid.to_world(points).tolist(), strict=True):
        node.SetNthControlPointPositionWorld(number, -x, -y, z)
    return index


def add_polygon(
    node: slicer.vtkMRMLSegmentationNode, segment: str, points: Sequence[Vector], slice_index: int, grid: Grid
) -> None:
    """Add the voxels of one slice whose centres are inside an outline, its points in LPS mm, to a segment."""
    if len(points) < 3:
        raise InputError(worded("outline: {number} points enclose nothing; place at least 3.", number=len(points)))
    inside = fill(grid.to_index(np.array(points))[:, 1:], grid.shape[1:])
    if not inside.any():
        raise InputError(worded("outline: encloses no voxel centre; draw it larger, or paint the segment."))
    region = (slice(slice_index, slice_index + 1), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    _put(
        node,
        segment,
        Mask(inside[np.newaxis], grid.cropped(region)),
        slicer.vtkSlicerSegmentationsModuleLogic.MODE_MERGE_MAX,
    )


def set_voxels(node: slicer.vtkMRMLSegmentationNode, segment: str, mask: Mask) -> None:
    """Give a segment these voxels in place of its own."""
    _put(node, segment, mask, slicer.vtkSlicerSegmentationsModuleLogic.MODE_REPLACE)


def _put(node: slicer.vtkMRMLSegmentationNode, segment: str, mask: Mask, mode: int) -> None:
    labelmap = slicer.vtkOrientedImageData()
    labelmap.ShallowCopy(image_data(mask.voxels.astype(np.uint8)))
    labelmap.SetGeometryFromImageToWorldMatrix(matrix_from_grid(mask.grid))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.SetBinaryLabelmapToSegment(labelmap, node, segment, mode):
        raise InputError(
            worded("segment '{segment}': its voxels cannot be set; check the segmentation's geometry.", segment=segment)
        )
