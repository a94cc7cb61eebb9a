"""Surfaces of structures for 3D views, computed beside the main thread, one structure after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import slicer
import vtk

from AnnotationQACore.interchange.placement import bounding_region
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.grids import matrix_from_grid
from AnnotationQALib.logic.segmentations import BINARY_LABELMAP, LabelmapCopy, SegmentationCopier, SegmentationCopy
from AnnotationQALib.logic.volumes import image_data
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.review_views import Bounds, united

__all__ = ["CLOSED_SURFACE", "GROUP", "Surfaces", "bounds_of", "closed_surface"]

CLOSED_SURFACE = "Closed surface"
"""Slicer's name of the representation that 3D views show."""

GROUP = "surfaces"
"""Of these steps in their `Background`."""

_ITERATIONS, _PASS_BAND = 40, 0.01
"""Slicer's default smoothing (factor 0.5)."""


def closed_surface(layer: LabelmapCopy, value: int) -> vtk.vtkPolyData:
    """Surface around the voxels of a value, smoothed as Slicer does by default, in the coordinates of MRML (RAS, mm).

    Looks at the box of the structure only. VTK lets go of Python's lock meanwhile, so that it may run on any thread.
    """
    inside = layer.voxels == value
    region = bounding_region(inside[np.newaxis])
    if region is None:
        return vtk.vtkPolyData()
    image = image_data(np.pad(inside[region], 1).astype(np.uint8))
    image.SetOrigin([axis.start - 1.0 for axis in reversed(region)])
    outline = vtk.vtkDiscreteFlyingEdges3D()
    outline.SetInputData(image)
    outline.SetValue(0, 1)
    outline.ComputeGradientsOff()
    outline.ComputeNormalsOff()
    outline.ComputeScalarsOff()
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(outline.GetOutputPort())
    smooth.SetNumberOfIterations(_ITERATIONS)
    smooth.SetPassBand(_PASS_BAND)
    smooth.BoundarySmoothingOff()
    smooth.FeatureEdgeSmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.NormalizeCoordinatesOn()
    transform = vtk.vtkTransform()
    transform.SetMatrix(matrix_from_grid(layer.lattice))
    place = vtk.vtkTransformPolyDataFilter()
    place.SetInputConnection(smooth.GetOutputPort())
    place.SetTransform(transform)
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(place.GetOutputPort())
    normals.ConsistencyOn()
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()


def bounds_of(node: slicer.vtkMRMLSegmentationNode) -> Bounds | None:
    """Box around all that was drawn, also where there are no surfaces yet; None when nothing was."""
    segmentation = node.GetSegmentation()
    count = segmentation.GetNumberOfLayers(BINARY_LABELMAP)
    if not count:
        bounds = [1.0, -1.0] * 3
        node.GetRASBounds(bounds)
        return tuple(bounds) if bounds[0] <= bounds[1] else None
    found = (_drawn_box(segmentation.GetLayerDataObject(number, BINARY_LABELMAP)) for number in range(count))
    boxes = [box for box in found if box is not None]
    return united(boxes) if boxes else None


def _drawn_box(layer: slicer.vtkOrientedImageData) -> Bounds | None:
    extent = [0, -1] * 3
    if not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(layer, extent):
        return None
    box = slicer.vtkOrientedImageData()
    box.SetOrigin(layer.GetOrigin())
    box.SetSpacing(layer.GetSpacing())
    box.CopyDirections(layer)
    box.SetExtent(extent)
    return box.GetBounds()


class Surfaces:
    """Gives the segmentation nodes that 3D views show their surfaces; a view fills in structure by structure.

    A node whose voxels have changed keeps the surfaces it had until the new ones are there. Slicer itself would compute
    all of them on the main thread as soon as a node has one; so every structure has one, empty at first.

    Parameters
    ----------
    background : Background, optional
        Without one, surfaces are there when `want` returns.
    """

    def __init__(self, background: Background | None = None) -> None:
        self._background = background
        self._nodes: dict[str, slicer.vtkMRMLSegmentationNode] = {}
        self._made: dict[str, dict[str, vtk.vtkPolyData]] = {}
        self._copies: dict[str, SegmentationCopy] = {}
        self._waiting: list[tuple[str, str]] = []
        self._first: frozenset[str] = frozenset()
        self._is_working = False

    def want(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        """Give a node surfaces, and new ones when its voxels have changed: MRML drops the former ones then."""
        segmentation, key = node.GetSegmentation(), node.GetID()
        if not segmentation.GetNumberOfSegments() or segmentation.ContainsRepresentation(CLOSED_SURFACE):
            return
        self._nodes[key] = node
        ids = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
        former = self._made.get(key, {})
        self._made[key] = {one: former.get(one) or vtk.vtkPolyData() for one in ids}
        _show(segmentation, self._made[key])
        self._copies.pop(key, None)
        self._waiting = [one for one in self._waiting if one[0] != key] + [(key, one) for one in ids]
        self._go_on()

    def prefer(self, segments: Collection[str]) -> None:
        """Compute these structures before the others: the reviewer looks at them."""
        self._first = frozenset(segments)

    def stop(self) -> None:
        """Compute nothing any more; what is there stays."""
        self._waiting.clear()
        self._copies.clear()
        self._is_working = False
        if self._background is not None:
            self._background.forget(GROUP)

    def remove(self) -> None:
        """Stop, and take the surfaces off the nodes again."""
        self.stop()
        for node in self._nodes.values():
            node.GetSegmentation().RemoveRepresentation(CLOSED_SURFACE)
        self._nodes.clear()
        self._made.clear()

    def _go_on(self) -> None:
        """Begin one structure, so that other work of the reviewer waits for one at most."""
        if self._is_working or not self._waiting:
            return
        self._waiting.sort(key=lambda one: one[1] not in self._first)
        key, segment_id = self._waiting.pop(0)
        if key not in self._copies:
            self._copies[key] = SegmentationCopier().copy(self._nodes[key])
        copy = self._copies[key]
        segment = next(one for one in copy.segments if one.id == segment_id)
        layer = copy.layers[segment.layer]
        if not any(one[0] == key for one in self._waiting):
            del self._copies[key]
        self._is_working = True

        def take(surface: vtk.vtkPolyData) -> None:
            self._is_working = False
            if (key, segment_id) not in self._waiting:  # else its voxels have changed meanwhile
                self._made[key][segment_id] = surface
                _show(self._nodes[key].GetSegmentation(), {segment_id: surface})
            self._go_on()

        if self._background is None:
            take(_surface(layer, segment.value))
        else:
            self._background.run(GROUP, worded("Surfaces"), lambda: _surface(layer, segment.value), take)


def _surface(layer: LabelmapCopy | None, value: int) -> vtk.vtkPolyData:
    return vtk.vtkPolyData() if layer is None else closed_surface(layer, value)


def _show(segmentation: slicer.vtkSegmentation, surfaces: Mapping[str, vtk.vtkPolyData]) -> None:
    """Put surfaces into segments: into the first one last, because views show none before that has one."""
    first = segmentation.GetNthSegmentID(0)
    for segment_id in sorted(surfaces, key=lambda one: one == first):
        segmentation.GetSegment(segment_id).AddRepresentation(CLOSED_SURFACE, surfaces[segment_id])
    segmentation.InvokeEvent(slicer.vtkSegmentation.ContainedRepresentationNamesModified)
