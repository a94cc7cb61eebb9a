"""Comments of a reviewer as points and arrows that are placed in the image."""

from __future__ import annotations

from collections.abc import Sequence

import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.review.sending_back import Pin
from AnnotationQACore.wording import worded

__all__ = ["ReviewPins"]


class ReviewPins:
    """Pins of one case while it is reviewed: a fiducial for a place, a line for an arrow.

    Parameters
    ----------
    scene : vtkMRMLScene
    """

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene
        self._pins: list[tuple[Pin, slicer.vtkMRMLMarkupsNode | None]] = []

    def __len__(self) -> int:
        return len(self._pins)

    def add(self, pin: Pin) -> None:
        """Add a comment; it is shown where it is pinned."""
        self._pins.append((pin, self._show(pin)))

    def remove(self, number: int) -> None:
        """Take a comment away; raises `InputError` when there is none of this number."""
        if not 0 <= number < len(self._pins):
            raise InputError(
                worded(
                    "comments: there is no comment {number}; there are {known}.", number=number, known=len(self._pins)
                )
            )
        _, node = self._pins.pop(number)
        self._drop(node)

    def clear(self) -> None:
        """Take all comments away, as after the case was sent back."""
        for _, node in self._pins:
            self._drop(node)
        self._pins = []

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The comments, with positions as they are in the scene now: a reviewer may have moved a point."""
        return tuple(pin if node is None else _moved(pin, node) for pin, node in self._pins)

    def _show(self, pin: Pin) -> slicer.vtkMRMLMarkupsNode | None:
        if pin.position is None or len(pin.position) != 3:
            return None
        name = "vtkMRMLMarkupsFiducialNode" if pin.towards is None else "vtkMRMLMarkupsLineNode"
        node = self.scene.AddNewNodeByClass(name, pin.text)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        for point in (pin.position, pin.towards):
            if point is not None:
                node.AddControlPoint((-point[0], -point[1], point[2]), pin.text)
        return node

    def _drop(self, node: slicer.vtkMRMLMarkupsNode | None) -> None:
        if node is None or not self.scene.IsNodePresent(node):
            return
        for number in reversed(range(node.GetNumberOfDisplayNodes())):
            self.scene.RemoveNode(node.GetNthDisplayNode(number))
        self.scene.RemoveNode(node)


def _moved(pin: Pin, node: slicer.vtkMRMLMarkupsNode) -> Pin:
    places: list[tuple[float, ...]] = []
    for number in range(node.GetNumberOfControlPoints()):
        x, y, z = node.GetNthControlPointPositionWorld(number)
        places.append((-x, -y, z))
    return _placed(pin, places)


def _placed(pin: Pin, places: Sequence[tuple[float, ...]]) -> Pin:
    position = places[0] if places else pin.position
    towards = places[1] if len(places) > 1 else pin.towards
    return Pin(pin.text, pin.item, position, towards, pin.reader, pin.subject)
