"""The image under review and its boxes in a MRML scene: never saved with it, and gone when the review ends."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

__all__ = ["ReviewScene"]

_NUMBER = "DeidentifyStudy.Box"
_USUAL, _CHOSEN = (0.95, 0.45, 0.25), (1.0, 0.95, 0.2)
_IMAGE_NAME = "Image under review"  # says nothing of whose it is


class ReviewScene:
    """Shows one frame and its boxes as rectangles that a person can drag.

    The frame lies in the axial plane RAS z = 0, one pixel a millimetre: column is -R, row is -A, so that an axial view
    shows it upright. The center of the pixel (0, 0) is the origin.

    Parameters
    ----------
    changed : callable
        Called with the number of a box that a person has dragged, or None when one was drawn.
    """

    def __init__(self, scene: Any, changed: Callable[[int | None], None]) -> None:
        self._scene = scene
        self._changed = changed
        self._volume: Any = None
        self._boxes: list[Any] = []
        self._observed: list[tuple[Any, int]] = []

    @property
    def volume(self) -> Any:
        """Volume node of the frame; None when nothing is shown."""
        return self._volume

    def show(self, pixels: NDArray[np.uint8], boxes: list[tuple[int, list[int]]]) -> None:
        """Show a frame of shape (rows, columns) or (rows, columns, 3), and boxes with their numbers."""
        self._show_image(pixels)
        self.show_boxes(boxes)

    def show_boxes(self, boxes: list[tuple[int, list[int]]]) -> None:
        """Show these boxes and no others."""
        self._clear_boxes()
        for number, (_frame, row, column, height, width) in boxes:
            box = self._new_box(number)
            box.SetCenter(-(column + (width - 1) / 2), -(row + (height - 1) / 2), 0.0)
            box.SetSize(float(width), float(height), 1.0)
            self._observe(box)

    def mark(self, numbers: Collection[int]) -> None:
        """Draw these boxes in the colour of what is chosen, and the others as always."""
        for box in self._boxes:
            colour = _CHOSEN if _number_of(box) in numbers else _USUAL
            display = box.GetDisplayNode()
            display.SetColor(*colour)
            display.SetSelectedColor(*colour)

    def begin_drawing(self) -> Any:
        """An empty box for the person to place; the caller makes it the active node of the views."""
        box = self._new_box(None)
        self._observe(box)
        return box

    def rows(self) -> list[tuple[int | None, int, int, int, int]]:
        """Number, row, column, height and width of every box; the number is None for one just drawn."""
        found = []
        for box in self._boxes:
            size = box.GetSize()
            placed = box.GetNumberOfDefinedControlPoints() >= box.GetRequiredNumberOfControlPoints()
            if not placed or size[0] < 0.5 or size[1] < 0.5:  # begun, and not yet drawn
                continue
            center = box.GetCenter()
            width, height = max(round(size[0]), 1), max(round(size[1]), 1)
            column = round(-center[0] - (width - 1) / 2)
            row = round(-center[1] - (height - 1) / 2)
            found.append((_number_of(box), row, column, height, width))
        return found

    def clear(self) -> None:
        """Remove everything from the scene."""
        self._clear_boxes()
        if self._volume is not None:
            display = self._volume.GetDisplayNode()
            self._scene.RemoveNode(self._volume)
            if display is not None:
                self._scene.RemoveNode(display)
        self._volume = None

    def _show_image(self, pixels: NDArray[np.uint8]) -> None:
        colour = pixels.ndim == 3
        kind = "vtkMRMLVectorVolumeNode" if colour else "vtkMRMLScalarVolumeNode"
        if self._volume is not None and self._volume.GetClassName() != kind:
            self.clear()
        if self._volume is None:
            self._volume = self._transient(kind, _IMAGE_NAME)
            self._volume.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
            self._volume.CreateDefaultDisplayNodes()
            self._keep_out(self._volume.GetDisplayNode())
        rows, columns = pixels.shape[:2]
        image = vtk.vtkImageData()
        image.SetDimensions(columns, rows, 1)
        values = np.ascontiguousarray(pixels).reshape(rows * columns, -1)
        scalars = numpy_support.numpy_to_vtk(values if colour else values[:, 0], deep=True)
        image.GetPointData().SetScalars(scalars)
        self._volume.SetAndObserveImageData(image)
        display = self._volume.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(255, 127.5)

    def _new_box(self, number: int | None) -> Any:
        box = self._transient("vtkMRMLMarkupsROINode", "Box" if number is None else f"Box {number + 1}")
        if number is not None:
            box.SetAttribute(_NUMBER, str(number))
        box.CreateDefaultDisplayNodes()
        display = box.GetDisplayNode()
        self._keep_out(display)
        display.SetColor(*_USUAL)
        display.SetSelectedColor(*_USUAL)
        display.SetPropertiesLabelVisibility(False)
        display.SetHandlesInteractive(True)
        display.SetScaleHandleVisibility(True)
        display.SetTranslationHandleVisibility(True)
        display.SetRotationHandleVisibility(False)
        display.SetFillOpacity(0.15)
        self._boxes.append(box)
        return box

    def _transient(self, kind: str, name: str) -> Any:
        node = self._scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        node.SetName(name)
        self._keep_out(node)
        return self._scene.AddNode(node)

    @staticmethod
    def _keep_out(node: Any) -> None:
        """Keep a node out of saved scenes, of lists of nodes and of the undo history."""
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        node.SetUndoEnabled(False)

    def _observe(self, box: Any) -> None:
        for event in (
            slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent,
            slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent,
        ):
            self._observed.append((box, box.AddObserver(event, lambda *_: self._changed(_number_of(box)))))

    def _clear_boxes(self) -> None:
        for box, tag in self._observed:
            box.RemoveObserver(tag)
        self._observed = []
        for box in self._boxes:
            display = box.GetDisplayNode()
            self._scene.RemoveNode(box)
            if display is not None:
                self._scene.RemoveNode(display)
        self._boxes = []


def _number_of(box: Any) -> int | None:
    number = box.GetAttribute(_NUMBER)
    return int(number) if number else None
