"""Segmentations of the Core and segmentation nodes of MRML."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.seg_nrrd import parse_terminology, terminology_text
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.grids import grid_from_matrix, matrix_from_grid
from AnnotationQALib.logic.volumes import image_data, voxels_of

__all__ = [
    "LabelmapCopy",
    "SegmentationCopier",
    "SegmentationCopy",
    "add_segment",
    "add_segmentation",
    "fill_segmentation",
    "segmentation_from_node",
    "set_reference_grid",
]

BINARY_LABELMAP = "Binary labelmap"


def add_segmentation(
    scene: slicer.vtkMRMLScene, segmentation: Segmentation, name: str
) -> slicer.vtkMRMLSegmentationNode:
    """Add a segmentation node with the segments, IDs, colours, codes and layers of `segmentation`."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    fill_segmentation(node, segmentation)
    return node


def fill_segmentation(node: slicer.vtkMRMLSegmentationNode, segmentation: Segmentation) -> None:
    """Put the segments of `segmentation` into a node in place of those that it has."""
    target = node.GetSegmentation()
    target.RemoveAllSegments()
    target.SetSourceRepresentationName(BINARY_LABELMAP)
    set_reference_grid(node, segmentation.grid)
    matrix = matrix_from_grid(segmentation.grid)
    labelmaps = []
    for voxels in segmentation.layers:
        labelmap = slicer.vtkOrientedImageData()
        labelmap.ShallowCopy(image_data(voxels))
        labelmap.SetGeometryFromImageToWorldMatrix(matrix)
        labelmaps.append(labelmap)
    for described in segmentation.segments:
        _add(target, described, labelmaps[described.layer])


def add_segment(node: slicer.vtkMRMLSegmentationNode, described: Segment) -> None:
    """Add a segment without voxels; MRML puts it into the shared layer under a value of its own if need be."""
    segment = slicer.vtkSegment()
    segment.SetName(described.name)
    segment.SetTerminology(terminology_text(described))
    target = node.GetSegmentation()
    target.AddSegment(segment, described.id)
    segment.SetColor(described.color)


def _add(target: slicer.vtkSegmentation, described: Segment, labelmap: slicer.vtkOrientedImageData) -> None:
    segment = slicer.vtkSegment()
    segment.SetName(described.name)
    segment.SetLabelValue(described.value)
    segment.SetTerminology(terminology_text(described))
    segment.AddRepresentation(BINARY_LABELMAP, labelmap)
    target.AddSegment(segment, described.id)
    segment.SetColor(described.color)  # only now: on adding, MRML replaces its default grey


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
    return SegmentationCopier().copy(node).on(grid)


@dataclass(frozen=True, slots=True, eq=False)
class LabelmapCopy:
    """Voxels of one layer, shape (k, j, i), and the lattice on which they lie, any part of the image's."""

    voxels: NDArray[np.integer]
    lattice: Grid


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationCopy:
    """Plain data of a segmentation node at one moment, which another thread may read.

    Attributes
    ----------
    name : str
        What messages call it.
    layers : tuple of LabelmapCopy or None
        None for a layer without voxels.
    segments : tuple of Segment
        In the order of the node.
    """

    name: str
    layers: tuple[LabelmapCopy | None, ...]
    segments: tuple[Segment, ...]

    def on(self, grid: Grid) -> Segmentation:
        """The segments on a grid; raises `InputError` when they were painted on another lattice or outside of it."""
        kinds = [layer.voxels.dtype for layer in self.layers if layer is not None]
        values = np.min_scalar_type(max((segment.value for segment in self.segments), default=1))
        dtype = np.result_type(values, *kinds) if kinds else values
        whole = [layer.voxels for layer in self.layers if layer is not None and not grid.differences(layer.lattice)]
        if len(whole) == len(self.layers) == 1:
            return Segmentation(whole[0][np.newaxis], grid, self.segments)
        layers = np.zeros((max(len(self.layers), 1), *grid.shape), dtype=dtype)
        for number, layer in enumerate(self.layers):
            if layer is not None:
                _place(layer, grid, layers[number], self.name)
        return Segmentation(layers, grid, self.segments)


class SegmentationCopier:
    """Copies segmentation nodes, each layer only when it has changed since the last copy.

    Painting changes voxels in place, so that another thread may read a copy only; the copy of a layer of 512x512x300
    voxels takes some milliseconds (``Testing/Benchmarks/labeling.py``).
    """

    def __init__(self) -> None:
        self._copies: dict[int, tuple[slicer.vtkOrientedImageData, int, LabelmapCopy | None]] = {}

    def copy(self, node: slicer.vtkMRMLSegmentationNode) -> SegmentationCopy:
        """Copy a node."""
        source = node.GetSegmentation()
        layers: list[LabelmapCopy | None] = []
        segments: dict[str, Segment] = {}
        kept = {}
        for layer in range(source.GetNumberOfLayers(BINARY_LABELMAP)):
            labelmap = source.GetLayerDataObject(layer, BINARY_LABELMAP)
            changed = _modified_time(labelmap)
            known = self._copies.get(id(labelmap))
            copied = known[2] if known and known[:2] == (labelmap, changed) else _copied(labelmap)
            kept[id(labelmap)] = (labelmap, changed, copied)
            layers.append(copied)
            for segment_id in source.GetSegmentIDsForLayer(layer, BINARY_LABELMAP):
                segments[segment_id] = _described(source.GetSegment(segment_id), segment_id, layer)
        self._copies = kept
        ordered: list[Segment] = []
        for index in range(source.GetNumberOfSegments()):
            segment_id = source.GetNthSegmentID(index)
            if segment_id not in segments:  # nothing was ever painted, so that it is in no layer
                layers.append(None)
                segments[segment_id] = _described(source.GetSegment(segment_id), segment_id, len(layers) - 1)
            ordered.append(segments[segment_id])
        return SegmentationCopy(node.GetName() or "", *_without_void(layers, ordered))


def _without_void(
    layers: list[LabelmapCopy | None], segments: list[Segment]
) -> tuple[tuple[LabelmapCopy | None, ...], tuple[Segment, ...]]:
    """Let segments without any voxels share the first layer, under values that are free there."""
    if not any(layer is None for layer in layers):
        return tuple(layers), tuple(segments)
    filled = [number for number, layer in enumerate(layers) if layer is not None]
    places = {old: new for new, old in enumerate(filled)}
    used = {segment.value for segment in segments if places.get(segment.layer) == 0}
    result = []
    for segment in segments:
        if segment.layer in places:
            result.append(replace(segment, layer=places[segment.layer]))
            continue
        value = segment.value
        while value in used:
            value += 1
        used.add(value)
        result.append(replace(segment, layer=0, value=value))
    return tuple(layers[number] for number in filled) or (None,), tuple(result)


def _described(segment: slicer.vtkSegment, segment_id: str, layer: int) -> Segment:
    codes = parse_terminology(segment.GetTerminology() or "")
    return Segment(segment_id, segment.GetName(), segment.GetLabelValue(), layer, tuple(segment.GetColor()), **codes)


def _modified_time(labelmap: slicer.vtkOrientedImageData) -> int:
    scalars = labelmap.GetPointData().GetScalars()
    return max(labelmap.GetMTime(), scalars.GetMTime() if scalars else 0)


def _copied(labelmap: slicer.vtkOrientedImageData) -> LabelmapCopy | None:
    extent = labelmap.GetExtent()
    if any(extent[axis + 1] < extent[axis] for axis in (0, 2, 4)) or labelmap.GetPointData().GetScalars() is None:
        return None  # an empty segment has no voxels at all
    voxels = voxels_of(labelmap).copy()
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    first = matrix.MultiplyPoint((extent[0], extent[2], extent[4], 1.0))
    for row in range(3):
        matrix.SetElement(row, 3, first[row])
    return LabelmapCopy(voxels, grid_from_matrix(voxels.shape, matrix))


def _place(layer: LabelmapCopy, grid: Grid, target: NDArray[np.integer], name: str) -> None:
    """Copy the voxels of a labelmap, which covers any part of the lattice, into an array of the whole grid."""
    voxels, lattice = layer.voxels, layer.lattice
    part = _occupied(voxels)
    if part is None:
        return
    start = np.rint(grid.to_index(lattice.origin)).astype(int)
    low = start + [axis.start for axis in part]
    high = start + [axis.stop for axis in part]
    if np.any(low < 0) or np.any(high > grid.shape):
        raise InputError(
            worded("segmentation '{name}': it reaches outside the image; crop it to the image.", name=name)
        )
    region = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    if grid.cropped(region).differences(lattice.cropped(part)):
        raise InputError(
            worded("segmentation '{name}': it was made on another image geometry; resample it to the image.", name=name)
        )
    target[region] = voxels[part]


def _occupied(voxels: NDArray[np.integer]) -> tuple[slice, slice, slice] | None:
    """Box around the voxels that are not zero; None when there are none."""
    slices = np.flatnonzero(voxels.any(axis=(1, 2)))
    if not len(slices):
        return None
    along_k = slice(int(slices[0]), int(slices[-1]) + 1)
    plane = voxels[along_k].any(axis=0)
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    return along_k, slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
