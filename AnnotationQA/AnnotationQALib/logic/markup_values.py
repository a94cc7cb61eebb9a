"""Answers of a reading and markups nodes of MRML.

Answers are in LPS mm, or in pixels on an image without patient geometry; nodes are in RAS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import slicer
import vtk

from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.measure.angles import angle_at
from AnnotationQACore.project.answers import (
    BoxValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    Point,
    PolygonValue,
)
from AnnotationQACore.protocol.model import Box, Landmarks, Measurement, Polygon
from AnnotationQALib.logic.image_plane import ImagePlane

__all__ = [
    "align_box",
    "box_value",
    "fill_box",
    "fill_landmarks",
    "fill_points",
    "landmarks_value",
    "measurement_value",
    "node_class",
    "points_of",
    "polygon_value",
    "prepare_landmarks",
]


def node_class(item: Box | Polygon | Landmarks | Measurement) -> str:
    """MRML class with which an item is drawn."""
    match item:
        case Box():
            return "vtkMRMLMarkupsROINode"
        case Polygon():
            return "vtkMRMLMarkupsClosedCurveNode" if item.closed else "vtkMRMLMarkupsCurveNode"
        case Landmarks():
            return "vtkMRMLMarkupsFiducialNode"
        case Measurement(quantity="angle"):
            return "vtkMRMLMarkupsAngleNode"
        case Measurement():
            return "vtkMRMLMarkupsLineNode"


def points_of(node: slicer.vtkMRMLMarkupsNode) -> tuple[Vector, ...]:
    """Defined control points in LPS mm."""
    defined = slicer.vtkMRMLMarkupsNode.PositionDefined
    count = range(node.GetNumberOfControlPoints())
    return tuple(_position(node, n) for n in count if node.GetNthControlPointPositionStatus(n) == defined)


def fill_points(node: slicer.vtkMRMLMarkupsNode, points: Sequence[Point], plane: ImagePlane | None) -> None:
    """Put control points into a node in place of those that it has."""
    node.RemoveAllControlPoints()
    for point in points:
        x, y, z = plane.to_scene(point) if plane and len(point) == 2 else point
        node.AddControlPointWorld(vtk.vtkVector3d(-x, -y, z))


def box_value(node: slicer.vtkMRMLMarkupsROINode, plane: ImagePlane | None) -> BoxValue | None:
    """Box of a node; None before it is placed. On an image without patient geometry it is a rectangle in pixels."""
    if not _is_placed(node):
        return None
    matrix = node.GetObjectToWorldMatrix()
    center = node.GetCenterWorld()
    lps = (-center[0], -center[1], center[2])
    size = _size(node)
    columns = np.array([[matrix.GetElement(row, axis) for row in range(3)] for axis in range(3)])
    columns *= (-1.0, -1.0, 1.0)
    columns /= np.linalg.norm(columns, axis=1, keepdims=True)
    if plane is None:
        return BoxValue(lps, size, tuple(tuple(row) for row in columns.tolist()))
    extent = np.abs(columns.T) @ np.array(size)  # the rectangle around it, for pixels know no other directions
    width, height = float(extent[0]) / plane.spacing[1], float(extent[1]) / plane.spacing[0]
    return BoxValue(plane.to_pixels(lps), (width, height))


def fill_box(node: slicer.vtkMRMLMarkupsROINode, value: BoxValue, plane: ImagePlane | None, grid: Grid) -> None:
    """Give a node the place, size and directions of a box."""
    if plane is not None and len(value.center) == 2:
        center = plane.to_scene(value.center)
        size = (value.size[0] * plane.spacing[1], value.size[1] * plane.spacing[0], grid.spacing[0])
        directions: Sequence[Point] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    else:
        center = (value.center[0], value.center[1], value.center[2])
        size = (value.size[0], value.size[1], value.size[2])
        directions = value.directions or ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    node.SetRadiusXYZ([edge / 2 for edge in size])
    matrix = vtk.vtkMatrix4x4()
    for axis, direction in enumerate(directions):
        for row, sign in enumerate((-1.0, -1.0, 1.0)):
            matrix.SetElement(row, axis, sign * direction[row])
    for row, sign in enumerate((-1.0, -1.0, 1.0)):
        matrix.SetElement(row, 3, sign * center[row])
    node.SetAndObserveObjectToNodeMatrix(matrix)
    node.SetSize(size)
    node.SetCenter((-center[0], -center[1], center[2]))


def polygon_value(node: slicer.vtkMRMLMarkupsCurveNode, plane: ImagePlane | None) -> PolygonValue | None:
    """Outline of a node; None while it has less than three points."""
    points = points_of(node)
    if len(points) < 3:
        return None
    return PolygonValue(tuple(plane.to_pixels(p) for p in points) if plane else points)


def prepare_landmarks(node: slicer.vtkMRMLMarkupsFiducialNode, item: Landmarks) -> None:
    """Give a node the protocol's points in order, none of them placed yet."""
    node.SetFixedNumberOfControlPoints(False)
    node.RemoveAllControlPoints()
    for point in item.points:
        index = node.AddControlPoint(vtk.vtkVector3d(0.0, 0.0, 0.0), point.title)
        node.SetNthControlPointDescription(index, point.id)
        node.UnsetNthControlPointPosition(index)
    node.SetFixedNumberOfControlPoints(True)
    node.SetControlPointPlacementStartIndex(0)


def landmarks_value(
    node: slicer.vtkMRMLMarkupsFiducialNode, item: Landmarks, plane: ImagePlane | None
) -> LandmarksValue | None:
    """Points of a node by the IDs of the protocol; None when none was looked for yet."""
    marks = []
    for index, point in enumerate(item.points[: node.GetNumberOfControlPoints()]):
        status = node.GetNthControlPointPositionStatus(index)
        if status == slicer.vtkMRMLMarkupsNode.PositionDefined:
            position = _position(node, index)
            marks.append(Landmark(point.id, plane.to_pixels(position) if plane else position))
        elif status == slicer.vtkMRMLMarkupsNode.PositionMissing:
            marks.append(Landmark(point.id, None))
    return LandmarksValue(tuple(marks)) if marks else None


def fill_landmarks(
    node: slicer.vtkMRMLMarkupsFiducialNode, item: Landmarks, value: LandmarksValue, plane: ImagePlane | None
) -> None:
    """Place the points of an answer in a node."""
    prepare_landmarks(node, item)
    places = {mark.name: mark.position for mark in value.landmarks}
    for index, point in enumerate(item.points):
        if point.id not in places:
            continue
        position = places[point.id]
        if position is None:
            node.SetNthControlPointPositionMissing(index)
        else:
            x, y, z = plane.to_scene(position) if plane and len(position) == 2 else position
            node.SetNthControlPointPositionWorld(index, -x, -y, z)


def measurement_value(
    nodes: Sequence[slicer.vtkMRMLMarkupsNode], item: Measurement, plane: ImagePlane | None, calibrated: bool = True
) -> MeasurementValue | None:
    """Value of a drawn measurement; None while points are missing.

    Parameters
    ----------
    nodes : sequence of markups nodes
        One line or angle; for bidimensional diameters the lines of the long and of the short axis.
    item : Measurement
    plane : ImagePlane or None
    calibrated : bool
        Whether pixels of an image without patient geometry have a size in mm; otherwise lengths are in pixels.
    """
    drawn = [points_of(node) for node in nodes]
    if item.quantity == "angle":
        if len(drawn[0]) < 3:
            return None
        value, unit, points = angle_at(*drawn[0][:3]), "deg", drawn[0][:3]
        return MeasurementValue(value, unit, _as_stored(points, plane))
    lines = [points[:2] for points in drawn if len(points) >= 2]
    wanted = 2 if item.quantity == "bidimensional" else 1
    if len(lines) < wanted:
        return None
    lengths = [math.dist(*line) for line in lines]
    unit = "mm" if plane is None or calibrated else "{pixel}"
    if wanted == 1:
        return MeasurementValue(lengths[0], unit, _as_stored(lines[0], plane))
    order = sorted(range(2), key=lambda number: -lengths[number])
    ends = tuple(point for number in order for point in lines[number])
    return MeasurementValue(lengths[order[0]], unit, _as_stored(ends, plane), lengths[order[1]])


def _position(node: slicer.vtkMRMLMarkupsNode, index: int) -> Vector:
    x, y, z = node.GetNthControlPointPositionWorld(index)
    return (-x, -y, z)


def _size(node: slicer.vtkMRMLMarkupsROINode) -> Vector:
    size = [0.0, 0.0, 0.0]
    node.GetSizeWorld(size)
    return (size[0], size[1], size[2])


def _is_placed(node: slicer.vtkMRMLMarkupsROINode) -> bool:
    return node.GetNumberOfDefinedControlPoints() > 0 and max(_size(node)) > 0


def _as_stored(points: Sequence[Vector], plane: ImagePlane | None) -> tuple[Point, ...]:
    return tuple(plane.to_pixels(point) for point in points) if plane else tuple(points)


def align_box(node: slicer.vtkMRMLMarkupsROINode, grid: Grid) -> None:
    """Turn a box that is not placed yet along the axes of the image."""
    matrix = vtk.vtkMatrix4x4()
    for axis, direction in enumerate(reversed(grid.directions)):
        for row, sign in enumerate((-1.0, -1.0, 1.0)):
            matrix.SetElement(row, axis, sign * direction[row])
    node.SetAndObserveObjectToNodeMatrix(matrix)
