"""Borrows the 3D view for the review of faces, and gives it back as it was."""

from typing import Any

import slicer

__all__ = ["ThreeDDisplay"]

_FROM_THE_FRONT = 3  # of the axes -R, R, -A, A, -S, S


class ThreeDDisplay:
    """The 3D view, alone."""

    def __init__(self) -> None:
        self._layout: int | None = None
        self._camera: _Camera | None = None

    @property
    def is_borrowed(self) -> bool:
        """Whether the view shows the review."""
        return self._layout is not None

    def show(self) -> None:
        """Show the 3D view alone, from the front; what was shown before is remembered."""
        manager = slicer.app.layoutManager()
        if not self.is_borrowed:
            self._layout = manager.layout
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUp3DView)
            self._camera = _Camera(manager.threeDWidget(0).threeDView().cameraNode())
        view = manager.threeDWidget(0).threeDView()
        view.forceRender()  # only now a new model is in the view, and what the camera is set by
        view.resetFocalPoint()  # turns the camera
        view.rotateToViewAxis(_FROM_THE_FRONT)
        view.resetCamera(False, True, True)  # not the rotation: it would go by where the scanner has its origin

    def give_back(self) -> None:
        """Show what was shown before."""
        if self.is_borrowed:
            if self._camera is not None:
                self._camera.set_back()
            slicer.app.layoutManager().setLayout(self._layout)
            self._layout = self._camera = None


class _Camera:
    """Where a camera stood."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._place = (node.GetPosition(), node.GetFocalPoint(), node.GetViewUp()) if node is not None else None

    def set_back(self) -> None:
        """Put it back there."""
        if self._place is not None and self._node.GetScene() is not None:
            position, focal_point, view_up = self._place
            self._node.SetPosition(position)
            self._node.SetFocalPoint(focal_point)
            self._node.SetViewUp(view_up)
            self._node.ResetClippingRange()
