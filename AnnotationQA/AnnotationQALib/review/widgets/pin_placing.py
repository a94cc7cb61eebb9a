"""Places a pin or an arrow with the mouse, by the node and the mode that Slicer's own Markups use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer

from AnnotationQALib.widgets.guard import guarded
from AnnotationQALib.widgets.placing import Placing

__all__ = ["PinPlacing"]

Points = Sequence[tuple[float, float, float]]


class PinPlacing:
    """A node that takes clicks until it has its points; then it is taken away again.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    """

    def __init__(self, scene: Any, application_logic: Any) -> None:
        self._scene = scene
        self._placing = Placing(application_logic)
        self._node: Any = None
        self._observer = 0

    def start(self, text: str, points: int, done: Callable[[Points], None]) -> None:
        """Let the next clicks place a point (1), or begin and end of an arrow (2); `done` gets LPS mm."""
        self.stop()
        name = "vtkMRMLMarkupsFiducialNode" if points == 1 else "vtkMRMLMarkupsLineNode"
        self._node = self._scene.AddNewNodeByClass(name, text)
        self._node.SetSaveWithScene(False)
        self._node.CreateDefaultDisplayNodes()
        self._observer = self._node.AddObserver(
            slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent, guarded(lambda *_: self._defined(points, done))
        )
        self._placing.start(self._node, persistent=False)

    def stop(self) -> None:
        """Place nothing any more."""
        if self._node is None:
            return
        node, self._node = self._node, None
        node.RemoveObserver(self._observer)
        self._placing.stop()
        if self._scene.IsNodePresent(node):
            for number in reversed(range(node.GetNumberOfDisplayNodes())):
                self._scene.RemoveNode(node.GetNthDisplayNode(number))
            self._scene.RemoveNode(node)

    def _defined(self, points: int, done: Callable[[Points], None]) -> None:
        """The node is still at work in its own event, so that it is taken away only afterwards."""
        node = self._node
        if node is not None and node.GetNumberOfDefinedControlPoints() >= points:
            qt.QTimer.singleShot(0, guarded(lambda: self._take(node, points, done)))

    def _take(self, node: Any, points: int, done: Callable[[Points], None]) -> None:
        if node is not self._node:
            return
        places = [node.GetNthControlPointPositionWorld(number) for number in range(points)]
        self.stop()
        done([(-x, -y, z) for x, y, z in places])
