"""Boxes, outlines, landmarks and measurements of a reading, as markups nodes in the scene."""

from __future__ import annotations

import slicer
import vtk

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.answers import (
    BoxValue,
    LandmarksValue,
    MeasurementValue,
    PolygonValue,
    Value,
)
from AnnotationQACore.protocol.model import Box, DrawnItem, Landmarks, Measurement, Polygon, Protocol
from AnnotationQACore.wording import worded
from AnnotationQALib.logic import markup_values, segment_painting
from AnnotationQALib.logic.case_images import CASE_ATTRIBUTE, CaseImages
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.image_plane import ImagePlane
from AnnotationQALib.logic.observations import Observations

__all__ = ["ITEM_ATTRIBUTE", "DrawnMarkups", "MarkupItem", "remove_node"]

ITEM_ATTRIBUTE = "AnnotationQA.Item"

MarkupItem = Box | Polygon | Landmarks | Measurement

_POINT_EVENTS = ("PointModifiedEvent", "PointPositionDefinedEvent", "PointPositionUndefinedEvent", "PointRemovedEvent")


class DrawnMarkups:
    """The markups nodes of a reading by item.

    Parameters
    ----------
    scene : vtkMRMLScene
    protocol : Protocol
    images : CaseImages
    case : str
        ID of the case, which every node carries.
    observations : Observations
        Told of every change of a node.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        protocol: Protocol,
        images: CaseImages,
        case: str,
        observations: Observations,
    ) -> None:
        self._scene = scene
        self._protocol = protocol
        self._images = images
        self._case = case
        self._observations = observations
        self._nodes: dict[ItemKey, list[slicer.vtkMRMLMarkupsNode]] = {}
        self._unchanged: dict[ItemKey, tuple[tuple[int, ...], Value]] = {}

    def __contains__(self, key: ItemKey) -> bool:
        return key in self._nodes

    def keys(self) -> tuple[ItemKey, ...]:
        """Items that have nodes."""
        return tuple(self._nodes)

    def nodes(self, key: ItemKey) -> tuple[slicer.vtkMRMLMarkupsNode, ...]:
        """Nodes of an item: two for bidimensional diameters, else one; none before they are made."""
        return tuple(self._nodes.get(key, ()))

    def make(self, key: ItemKey, item: MarkupItem) -> None:
        """Make the nodes of an item, unless they are there."""
        if key in self._nodes:
            return
        titles = [item.title if key.instance is None else f"{item.title} {key.instance}"]
        if isinstance(item, Measurement) and item.quantity == "bidimensional":
            titles.append(f"{titles[0]}, short axis")
        self._nodes[key] = [self._new_node(key, item, title) for title in titles]
        if isinstance(item, Landmarks):
            markup_values.prepare_landmarks(self._nodes[key][0], item)
        if isinstance(item, Box):
            markup_values.align_box(self._nodes[key][0], self.grid_of(item))

    def next_node(self, key: ItemKey, item: MarkupItem) -> tuple[slicer.vtkMRMLMarkupsNode, int]:
        """The node in which a point is placed next, and the index of that point; made when it is not there."""
        self.make(key, item)
        nodes = self._nodes[key]
        if isinstance(item, Landmarks):
            index = self.next_point(key, item) or 0
            nodes[0].SetControlPointPlacementStartIndex(index)
            return nodes[0], index
        unfinished = [node for node in nodes if node.GetNumberOfDefinedControlPoints() < 2]
        node = unfinished[0] if unfinished else nodes[0]
        return node, node.GetNumberOfDefinedControlPoints()

    def next_point(self, key: ItemKey, item: Landmarks) -> int | None:
        """Index of the next landmark that was not looked for yet; None when there is none."""
        if key not in self._nodes:
            return 0
        node = self._nodes[key][0]
        decided = (slicer.vtkMRMLMarkupsNode.PositionDefined, slicer.vtkMRMLMarkupsNode.PositionMissing)
        for index in range(len(item.points)):
            if node.GetNthControlPointPositionStatus(index) not in decided:
                return index
        return None

    def miss_point(self, key: ItemKey, item: Landmarks, point_id: str) -> None:
        """Say that a landmark is not visible; raises `InputError` where the protocol does not allow it."""
        found = [(index, point) for index, point in enumerate(item.points) if point.id == point_id]
        if not found:
            raise InputError(
                worded(
                    "'{item}': has no point '{point}'; choose from {points}.",
                    item=item.title,
                    point=point_id,
                    points=", ".join(p.id for p in item.points),
                )
            )
        index, point = found[0]
        if not point.may_be_invisible:
            raise InputError(
                worded(
                    "'{item}': '{point}' must be placed; the protocol does not allow 'not visible'.",
                    item=item.title,
                    point=point.title,
                )
            )
        self.make(key, item)
        self._nodes[key][0].SetNthControlPointPositionMissing(index)

    def take_point_back(self, key: ItemKey, item: Landmarks, point_id: str) -> None:
        """Let a landmark be placed anew."""
        for index, point in enumerate(item.points):
            if point.id == point_id and key in self._nodes:
                self._nodes[key][0].UnsetNthControlPointPosition(index)

    def snap_to_slice(self, key: ItemKey, item: Polygon) -> int:
        """Move the points of an outline onto the slice nearest to all of them, and return its index along k."""
        node = self._nodes[key][0] if key in self._nodes else None
        if node is None or node.GetNumberOfDefinedControlPoints() < 1:
            raise InputError(worded("'{item}': nothing is drawn yet; place its points.", item=item.title))
        return segment_painting.snap_to_slice(node, self.grid_of(item))

    def values(self) -> dict[ItemKey, Value]:
        """What is drawn completely."""
        return {key: value for key in self.keys() if (value := self._value(key)) is not None}

    def draw(self, key: ItemKey, item: MarkupItem, value: Value) -> bool:
        """Show an answer as markups; False when it has nothing to show, such as a number without points.

        As long as nobody moves a point, `values` gives back this very answer.
        """
        if isinstance(value, MeasurementValue) and not value.points:
            return False
        plane = self.plane_of(item)
        self.make(key, item)
        nodes = self._nodes[key]
        match value:
            case BoxValue():
                markup_values.fill_box(nodes[0], value, plane, self.grid_of(item))
            case PolygonValue():
                markup_values.fill_points(nodes[0], value.points, plane)
            case LandmarksValue() if isinstance(item, Landmarks):
                markup_values.fill_landmarks(nodes[0], item, value, plane)
            case MeasurementValue():
                size = 2 if len(nodes) == 2 else len(value.points)
                for number, node in enumerate(nodes):
                    markup_values.fill_points(node, value.points[number * size : (number + 1) * size], plane)
            case _:
                return False
        self._unchanged[key] = (tuple(node.GetMTime() for node in nodes), value)
        return True

    def remove(self, key: ItemKey) -> None:
        """Take the nodes of an item out of the scene."""
        for node in self._nodes.pop(key, ()):
            self._observations.forget(node)
            remove_node(self._scene, node)
        self._unchanged.pop(key, None)

    def remove_all(self) -> None:
        """Take all nodes out of the scene."""
        for key in self.keys():
            self.remove(key)

    def plane_of(self, item: DrawnItem) -> ImagePlane | None:
        """Pixels of the series on which an item is drawn; None for one with patient geometry."""
        role = item.series or self._protocol.imaging.reference_series
        return self._images.plane(role) if role in self._images.roles else None

    def grid_of(self, item: DrawnItem) -> Grid:
        """Grid of the series on which an item is drawn."""
        return self._images.grid(item.series or self._protocol.imaging.reference_series)

    def _new_node(self, key: ItemKey, item: MarkupItem, title: str) -> slicer.vtkMRMLMarkupsNode:
        node = self._scene.AddNewNodeByClass(markup_values.node_class(item), title)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if display is not None:
            display.SetSelectedColor(item.rgb)
            display.SetColor(item.rgb)
        node.SetAttribute(ITEM_ATTRIBUTE, key.item)
        node.SetAttribute(CASE_ATTRIBUTE, self._case)
        node.SaveWithSceneOff()
        self._observations.add(node, *[getattr(slicer.vtkMRMLMarkupsNode, name) for name in _POINT_EVENTS])
        if isinstance(item, Box):
            self._observations.add(node, vtk.vtkCommand.ModifiedEvent)
        return node

    def _value(self, key: ItemKey) -> Value | None:
        nodes = [node for node in self._nodes[key] if self._scene.IsNodePresent(node)]
        if len(nodes) < len(self._nodes[key]):  # the reader removed it in another module
            if not nodes:
                self.remove(key)
            return None
        known = self._unchanged.get(key)
        if known and known[0] == tuple(node.GetMTime() for node in nodes):
            return known[1]
        item = self._protocol.item(key.item)
        match item:
            case Box():
                return markup_values.box_value(nodes[0], self.plane_of(item))
            case Polygon():
                return markup_values.polygon_value(nodes[0], self.plane_of(item))
            case Landmarks():
                return markup_values.landmarks_value(nodes[0], item, self.plane_of(item))
            case Measurement():
                return markup_values.measurement_value(nodes, item, self.plane_of(item), self._is_calibrated(item))
        return None

    def _is_calibrated(self, item: DrawnItem) -> bool:
        series = self._images.loaded.of_role(item.series or self._protocol.imaging.reference_series)
        return series is not None and series.series.spacing.spacing is not None


def remove_node(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLDisplayableNode) -> None:
    """Remove a node with its display nodes."""
    if not scene.IsNodePresent(node):
        return
    displays = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for display in displays:
        if display is not None and scene.IsNodePresent(display):
            scene.RemoveNode(display)
