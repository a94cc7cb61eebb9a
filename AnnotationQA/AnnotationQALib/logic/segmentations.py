"""Segmentations of the Core and segmentation nodes of MRML."""

import numpy as np
import slicer
import vtk

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.seg_nrrd import parse_terminology, terminology_text
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQALib.logic.grids import grid_from_matrix, matrix_from_grid
from AnnotationQALib.logic.volumes import image_data, voxels_of

__all__ = ["add_segmentation", "segmentation_from_node"]

BINARY_LABELMAP = "Binary labelmap"


def add_segmentation(
    scene: slicer.vtkMRMLScene, segmentation: Segmentation, name: str
) -> slicer.vtkMRMLSegmentationNode:
    """Add a segmentation node with the segments, IDs, colours, codes and layers of `segmentation`."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    target = node.GetSegmentation()
    target.SetSourceRepresentationName(BINARY_LABELMAP)
    set_reference_grid(node, segmentation.grid)
    matrix = matrix_from_grid(segmentation.grid)
    for layer, voxels in enumerate(segmentation.layers):
        labelmap = slicer.vtkOrientedImageData()
        labelmap.ShallowCopy(image_data(voxels))
        labelmap.SetGeometryFromImageToWorldMatrix(matrix)
        for described in segmentation.segments:
            if described.layer == layer:
                segment = slicer.vtkSegment()
                segment.SetName(described.name)
                segment.SetLabelValue(described.value)
                segment.SetTerminology(terminology_text(described))
                segment.AddRepresentation(BINARY_LABELMAP, labelmap)
                target.AddSegment(segment, described.id)
                segment.SetColor(described.color)  # only now: on adding, MRML replaces its default grey
    return node


def set_reference_grid(node: slicer.vtkMRMLSegmentationNode, grid: Grid) -> None:
    """Set the geometry in which new segments of the node are painted."""
    extent = [bound for size in reversed(grid.shape) for bound in (0, size - 1)]
    converter = slicer.vtkSegmentationConverter
    geometry = converter.SerializeImageGeometry(matrix_from_grid(grid), extent)
    node.GetSegmentation().SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), geometry)


def segmentation_from_node(node: slicer.vtkMRMLSegmentationNode, grid: Grid) -> Segmentation:
    """Segments of a node as they lie on `grid`; overlapping segments stay in layers of their own.

    Raises
    ------
    InputError
        A segment was painted on another lattice than `grid`, or outside of it.
    """
    source = node.GetSegmentation()
    count = source.GetNumberOfLayers(BINARY_LABELMAP)
    layers = np.zeros((max(count, 1), *grid.shape), dtype=np.int16)
    segments = []
    for layer in range(count):
        _place(source.GetLayerDataObject(layer, BINARY_LABELMAP), grid, layers[layer], node.GetName())
        for segment_id in source.GetSegmentIDsForLayer(layer, BINARY_LABELMAP):
            segment = source.GetSegment(segment_id)
            codes = parse_terminology(segment.GetTerminology())
            segments.append(
                Segment(
                    segment_id, segment.GetName(), segment.GetLabelValue(), layer, tuple(segment.GetColor()), **codes
                )
            )
    order = {source.GetNthSegmentID(index): index for index in range(source.GetNumberOfSegments())}
    segments.sort(key=lambda segment: order[segment.id])
    return Segmentation(layers, grid, tuple(segments))


def _place(labelmap: slicer.vtkOrientedImageData, grid: Grid, target: np.ndarray, name: str) -> None:
    """Copy the voxels of a labelmap, which covers any part of the lattice, into an array of the whole grid."""
    extent = labelmap.GetExtent()
    if extent[1] < extent[0]:  # an empty segment has no voxels at all
        return
    voxels = voxels_of(labelmap)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    first = matrix.MultiplyPoint((extent[0], extent[2], extent[4], 1.0))
    for row in range(3):
        matrix.SetElement(row, 3, first[row])
    lattice = grid_from_matrix(voxels.shape, matrix)
    start = np.rint(grid.to_index(lattice.origin)).astype(int)
    filled = np.argwhere(voxels)
    if not len(filled):
        return
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    if np.any(start + low < 0) or np.any(start + high > grid.shape):
        raise InputError(f"segmentation '{name}': it reaches outside the image; crop it to the image.")
    region = tuple(slice(int(a), int(b)) for a, b in zip(start + low, start + high, strict=True))
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    if grid.cropped(region).differences(lattice.cropped(part)):
        raise InputError(f"segmentation '{name}': it was made on another image geometry; resample it to the image.")
    target[region] = voxels[part]
