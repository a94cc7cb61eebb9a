"""Linked views of a review: each shows one source only, all show the same place."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import slicer

from AnnotationQALib.review.borrowed_nodes import displays_of
from AnnotationQALib.review.layouts import OVERLAID, VIEW_GROUP, Pane, ReviewLayout

__all__ = ["Bounds", "ReviewViews", "Style", "united"]

Style = Literal["outlines", "fills", "both"]

Bounds = tuple[float, float, float, float, float, float]
"""Lowest and highest R, A and S, mm, as MRML gives them."""

OVERLAY_OPACITY = 0.4


class ReviewViews:
    """View nodes of a layout. They are made here, and taken up by the layout manager, which finds them by their tag.

    Parameters
    ----------
    scene : vtkMRMLScene
    layout : ReviewLayout
    """

    def __init__(self, scene: slicer.vtkMRMLScene, layout: ReviewLayout) -> None:
        self.scene = scene
        self.layout = layout
        self._nodes = {pane.tag: self._view_node(pane) for pane in layout.panes}
        for pane in self._slices():
            composite = self._composite_node(pane)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)

    def node(self, pane: Pane) -> slicer.vtkMRMLAbstractViewNode:
        """View node of a pane."""
        return self._nodes[pane.tag]

    def slice_nodes(self, source: str | None = None) -> tuple[slicer.vtkMRMLSliceNode, ...]:
        """Slice nodes of one source, or of all."""
        return tuple(self._nodes[pane.tag] for pane in self._slices() if source in (None, pane.source))

    def composite_nodes(self) -> tuple[slicer.vtkMRMLSliceCompositeNode, ...]:
        """Composite nodes of all slice views."""
        return tuple(self._composite_node(pane) for pane in self._slices())

    def view_ids(self, source: str) -> tuple[str, ...]:
        """IDs of the views that show a source."""
        return tuple(self._nodes[pane.tag].GetID() for pane in self.layout.panes if pane.source in (source, OVERLAID))

    def show_volume(self, volume: slicer.vtkMRMLVolumeNode | None) -> None:
        """Show one volume in the background of all slice views; its window is shared because its display is."""
        for composite in self.composite_nodes():
            composite.SetBackgroundVolumeID(volume.GetID() if volume is not None else None)

    def show_volumes(self, volumes: Mapping[str, slicer.vtkMRMLVolumeNode]) -> None:
        """Show a volume of its own for each source, such as the time points of one patient; others keep theirs."""
        for pane in self._slices():
            if pane.source in volumes:
                composite = self._composite_node(pane)
                composite.SetBackgroundVolumeID(volumes[pane.source].GetID())

    def show_overlay(self, volume: slicer.vtkMRMLVolumeNode | None, opacity: float = 0.6) -> None:
        """Lay a volume, such as a heat map, over the background of all slice views; None takes it away."""
        for composite in self.composite_nodes():
            composite.SetForegroundVolumeID(volume.GetID() if volume is not None else None)
            composite.SetForegroundOpacity(opacity if volume is not None else 0.0)

    def show_only(self, source: str, node: slicer.vtkMRMLDisplayableNode) -> None:
        """Show a node in the views of its source and in no other view of the scene."""
        for display in displays_of(node):
            display.SetViewNodeIDs(list(self.view_ids(source)))
            has_overlay = any(pane.source == OVERLAID for pane in self.layout.panes)
            if has_overlay and display.IsA("vtkMRMLSegmentationDisplayNode"):
                display.SetOpacity3D(OVERLAY_OPACITY)

    def set_style(self, nodes: Iterable[slicer.vtkMRMLSegmentationNode], style: Style) -> None:
        """Draw segmentations as outlines, fills, or both."""
        for node in nodes:
            for display in displays_of(node):
                display.SetVisibility2DFill(style in ("fills", "both"))
                display.SetVisibility2DOutline(style in ("outlines", "both"))

    def center(self, position_lps: Sequence[float]) -> None:
        """Centre all slice views on a place, LPS mm, and put the crosshair there."""
        x, y, z = position_lps
        for node in self.slice_nodes():
            node.JumpSliceByCentering(-x, -y, z)
        crosshair = self._crosshair()
        if crosshair is not None:
            crosshair.SetCrosshairRAS((-x, -y, z))

    def fit(self, position_lps: Sequence[float], width_mm: float) -> None:
        """Show in all slice views a square field of view of this width around a place."""
        for node in self.slice_nodes():
            dimensions = node.GetDimensions()
            rows, columns = max(dimensions[1], 1), max(dimensions[0], 1)
            scale = width_mm / min(rows, columns)
            node.SetFieldOfView(scale * columns, scale * rows, max(node.GetFieldOfView()[2], 1e-3))
        self.center(position_lps)

    def frame(self, bounds: Mapping[str, Bounds]) -> None:
        """Show in each 3D view all of what its source has, from the front: Slicer's new cameras look at the origin."""
        for pane in self.layout.panes:
            boxes = (
                list(bounds.values()) if pane.source == OVERLAID else [bounds[s] for s in bounds if s == pane.source]
            )
            if pane.is_slice or not boxes:
                continue
            box = united(boxes)
            low, high = box[::2], box[1::2]
            middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
            for camera in self._cameras(pane):
                distance = math.dist(low, high) / 2 / math.sin(math.radians(camera.GetViewAngle()) / 2)
                camera.SetFocalPoint(middle)
                camera.SetPosition(middle[0], middle[1] + distance, middle[2])
                camera.SetViewUp(0.0, 0.0, 1.0)
                camera.ResetClippingRange()

    def set_crosshair(self, visible: bool) -> None:
        """Show the crosshair, which all views share, or hide it."""
        crosshair = self._crosshair()
        if crosshair is not None:
            crosshair.SetCrosshairMode(crosshair.ShowBasic if visible else crosshair.NoCrosshair)

    def remove(self) -> None:
        """Take the views out of the scene; the layout manager lets go of them."""
        self.remove_except(frozenset())

    def remove_except(self, kept: Collection[str]) -> None:
        """Take the views out of the scene but those with the tags `kept`, which another layout shows."""
        for pane in self.layout.panes:
            if pane.tag in kept:
                continue
            nodes = [self._nodes[pane.tag]]
            nodes += [self._composite_node(pane)] if pane.is_slice else self._cameras(pane)
            for node in nodes:
                if self.scene.IsNodePresent(node):
                    self.scene.RemoveNode(node)

    def _cameras(self, pane: Pane) -> list[slicer.vtkMRMLCameraNode]:
        """Cameras that Slicer made for a 3D view; it would leave them behind, and knows no more whose they were."""
        count = self.scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")
        cameras = [self.scene.GetNthNodeByClass(number, "vtkMRMLCameraNode") for number in range(count)]
        return [camera for camera in cameras if camera.GetLayoutName() == pane.tag]

    def _slices(self) -> tuple[Pane, ...]:
        return tuple(pane for pane in self.layout.panes if pane.is_slice)

    def _view_node(self, pane: Pane) -> slicer.vtkMRMLAbstractViewNode:
        name = "vtkMRMLSliceNode" if pane.is_slice else "vtkMRMLViewNode"
        node = self.scene.GetSingletonNode(pane.tag, name)
        if node is None:
            node = self._make(name, pane.tag)
        node.SetLayoutLabel(pane.label)
        node.SetLayoutColor(*(part / 255 for part in bytes.fromhex(pane.color[1:])))
        node.SetViewGroup(VIEW_GROUP)
        if pane.is_slice:
            node.SetOrientation(pane.orientation)
        return node

    def _composite_node(self, pane: Pane) -> slicer.vtkMRMLSliceCompositeNode:
        node = self.scene.GetSingletonNode(pane.tag, "vtkMRMLSliceCompositeNode")
        return node if node is not None else self._make("vtkMRMLSliceCompositeNode", pane.tag)

    def _make(self, class_name: str, tag: str) -> slicer.vtkMRMLNode:
        """Add a node with the scene's defaults, such as the orientations by name."""
        node = self.scene.CreateNodeByClass(class_name)
        node.UnRegister(None)
        node.SetSingletonTag(tag)
        node.SetName(tag)
        node.SetLayoutName(tag)
        return self.scene.AddNode(node)

    def _crosshair(self) -> slicer.vtkMRMLCrosshairNode | None:
        return self.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")


def united(boxes: Sequence[Bounds]) -> Bounds:
    """The box around boxes."""
    low = (min(box[side] for box in boxes) for side in (0, 2, 4))
    high = (max(box[side] for box in boxes) for side in (1, 3, 5))
    (r, a, s), (right, anterior, superior) = low, high
    return (r, right, a, anterior, s, superior)
