"""Borrows the 3D view for the review of faces, and gives it back as it was."""

import slicer

__all__ = ["ThreeDDisplay"]

_ANTERIOR = 3  # vtkMRMLCameraNode.Anterior


class ThreeDDisplay:
    """The 3D view, alone."""

    def __init__(self) -> None:
        self._layout: int | None = None

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
        view = manager.threeDWidget(0).threeDView()
        view.rotateToViewAxis(_ANTERIOR)
        view.resetFocalPoint()
        view.resetCamera()

    def give_back(self) -> None:
        """Show what was shown before."""
        if self.is_borrowed:
            slicer.app.layoutManager().setLayout(self._layout)
            self._layout = None
