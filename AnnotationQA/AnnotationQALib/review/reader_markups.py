"""Boxes, outlines, landmarks and measured points of the readers, each in the views of its reader only."""

from __future__ import annotations

from collections.abc import Mapping

import slicer

from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    LandmarksValue,
    MeasurementValue,
    Point,
    PolygonValue,
)
from AnnotationQACore.protocol.items import Box, DrawnItem, Landmarks, Measurement, Polygon
from AnnotationQACore.protocol.model import Item, Protocol
from AnnotationQALib.logic.image_plane import ImagePlane
from AnnotationQALib.logic.markup_values import fill_box, fill_landmarks, fill_points, node_class
from AnnotationQALib.review.review_views import ReviewViews

__all__ = ["ReaderMarkups"]


class ReaderMarkups:
    """Read-only markups of one case in review.

    Parameters
    ----------
    scene : vtkMRMLScene
    protocol : Protocol
    readings : CaseReadings
    names : mapping of reader to str
        What the reviewer sees; nodes are called by it.
    grid : Grid
        On which the images are shown.
    plane : ImagePlane or None
        Of images without patient geometry; without it answers in pixels are not shown.

    Attributes
    ----------
    nodes : mapping of reader to tuple of vtkMRMLMarkupsNode
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        protocol: Protocol,
        readings: CaseReadings,
        names: Mapping[str, str],
        grid: Grid,
        plane: ImagePlane | None = None,
    ) -> None:
        self._scene = scene
        self._grid = grid
        self._plane = plane
        self.nodes: dict[str, tuple[slicer.vtkMRMLMarkupsNode, ...]] = {}
        for reader, reading in readings.readings.items():
            title = names.get(reader, reader)
            made = [self._made(answer, protocol.item(answer.item), title) for answer in reading.answers]
            self.nodes[reader] = tuple(node for nodes in made for node in nodes)

    def show(self, views: ReviewViews) -> None:
        """Show each reader's markups in the views of that reader; those of readers without views are hidden."""
        for reader, nodes in self.nodes.items():
            is_shown = bool(views.slice_nodes(reader))
            for node in nodes:
                node.SetDisplayVisibility(is_shown)
                if is_shown:
                    views.show_only(reader, node)

    def close(self) -> None:
        """Take everything out of the scene."""
        for nodes in self.nodes.values():
            for node in nodes:
                for number in reversed(range(node.GetNumberOfDisplayNodes())):
                    self._scene.RemoveNode(node.GetNthDisplayNode(number))
                if self._scene.IsNodePresent(node):
                    self._scene.RemoveNode(node)
        self.nodes = {}

    def _made(self, answer: Answer, item: Item, title: str) -> list[slicer.vtkMRMLMarkupsNode]:
        value = answer.value
        number = f" {answer.subject.instance}" if answer.subject.instance else ""
        name = f"{title}: {item.title}{number}"
        match item, value:
            case Box(), BoxValue() if self._can_show([value.center]):
                node = self._node(item, name)
                fill_box(node, value, self._plane, self._grid)
            case Polygon(), PolygonValue() if self._can_show(value.points):
                node = self._node(item, name)
                fill_points(node, value.points, self._plane)
            case Landmarks(), LandmarksValue() if self._can_show(
                [mark.position for mark in value.landmarks if mark.position is not None]
            ):
                node = self._node(item, name)
                fill_landmarks(node, item, value, self._plane)
            case Measurement(), MeasurementValue() if value.points and self._can_show(value.points):
                return self._measured(item, value, name)
            case _:
                return []
        node.SetLocked(True)
        return [node]

    def _measured(self, item: Measurement, value: MeasurementValue, name: str) -> list[slicer.vtkMRMLMarkupsNode]:
        """An angle, or a line for each two points: the short axis of two diameters is a line of its own."""
        length = 3 if item.quantity == "angle" else 2
        nodes = []
        for start in range(0, len(value.points) - length + 1, length):
            node = self._node(item, name)
            fill_points(node, value.points[start : start + length], self._plane)
            node.SetLocked(True)
            nodes.append(node)
        return nodes

    def _can_show(self, points: list[Point] | tuple[Point, ...]) -> bool:
        """Whether there are points, and their place in the scene is known."""
        return bool(points) and all(len(point) == 3 or self._plane is not None for point in points)

    def _node(self, item: Box | Polygon | Landmarks | Measurement, name: str) -> slicer.vtkMRMLMarkupsNode:
        node = self._scene.AddNewNodeByClass(node_class(item), name)
        node.SetHideFromEditors(True)
        node.SetSelectable(False)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if isinstance(item, DrawnItem):
            color = [part / 255 for part in bytes.fromhex(item.color[1:])]
            display.SetSelectedColor(color)
            display.SetColor(color)
        if isinstance(item, Box):
            display.SetFillVisibility(False)
            display.SetHandlesInteractive(False)
        return node
