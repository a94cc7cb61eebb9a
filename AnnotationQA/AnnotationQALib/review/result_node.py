"""The node that shows what is decided so far, or a consensus."""

from __future__ import annotations

import slicer

from AnnotationQACore.segmentation import Segmentation
from AnnotationQALib.logic.segmentations import BINARY_LABELMAP, fill_segmentation
from AnnotationQALib.logic.volumes import voxels_of

__all__ = ["RESULT_NAME", "add_result_node", "fill_result_node"]

RESULT_NAME = "AnnotationQA.ReviewResult"
"""Attribute of the node that holds what is decided so far."""


def add_result_node(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLSegmentationNode:
    """An empty segmentation node, which is not saved with the scene."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Review result")
    node.SetAttribute(RESULT_NAME, "true")
    node.CreateDefaultDisplayNodes()
    node.SetSaveWithScene(False)
    return node


def fill_result_node(node: slicer.vtkMRMLSegmentationNode, result: Segmentation) -> None:
    """Put voxels into the node: in place where it has the same layers, which is much faster."""
    if not _refilled(node.GetSegmentation(), result):
        fill_segmentation(node, result)


def _refilled(target: slicer.vtkSegmentation, result: Segmentation) -> bool:
    """Overwrite the voxels of a segmentation that has just these layers; False, and unchanged, when it has others."""
    labelmaps = []
    for number in range(len(result.layers)):
        ids = {segment.id: segment.value for segment in result.segments if segment.layer == number}
        there = target.GetSegmentIDsForLayer(number, BINARY_LABELMAP)
        labelmap = target.GetLayerDataObject(number, BINARY_LABELMAP) if set(there) == set(ids) else None
        if labelmap is None or labelmap.GetDimensions()[::-1] != result.grid.shape:
            return False
        voxels = voxels_of(labelmap)
        if voxels.dtype != result.layers.dtype:
            return False
        if any(target.GetSegment(name).GetLabelValue() != value for name, value in ids.items()):
            return False
        labelmaps.append((labelmap, voxels))
    if target.GetNumberOfLayers(BINARY_LABELMAP) != len(result.layers):
        return False
    for (labelmap, voxels), layer in zip(labelmaps, result.layers, strict=True):
        voxels[...] = layer
        labelmap.GetPointData().GetScalars().Modified()
        labelmap.Modified()
    if target.GetNumberOfSegments():
        target.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)
    return True
