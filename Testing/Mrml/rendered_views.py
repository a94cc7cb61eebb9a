"""Slice and 3D views rendered offscreen, as the application's layout manager sets them up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

__all__ = ["RenderedSlice", "RenderedThreeD", "save_side_by_side"]

SLICE_MANAGERS = (
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
)
THREED_MANAGERS = ("vtkMRMLCameraDisplayableManager", "vtkMRMLSegmentationsDisplayableManager3D")


class _Rendered:
    def __init__(self, size: tuple[int, int]) -> None:
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.group: Any = None

    def manage(self, application_logic: Any, node: Any, names: tuple[str, ...]) -> None:
        """Add displayable managers; the renderer must have its other actors before."""
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.SetRenderer(self.renderer)
        for name in names:
            manager = getattr(slicer, name)()
            manager.SetMRMLApplicationLogic(application_logic)
            self.group.AddDisplayableManager(manager)
        self.group.SetMRMLDisplayableNode(node)

    def image(self) -> np.ndarray:
        """RGB of what is shown, shape (row, column, 3), the top row first."""
        self.before_render()
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        output = grab.GetOutput()
        columns, rows, _ = output.GetDimensions()
        return vtk_to_numpy(output.GetPointData().GetScalars()).reshape(rows, columns, 3)[::-1].copy()

    def before_render(self) -> None:
        """What a view does before it draws."""

    def close(self) -> None:
        """Take the managers off the scene, then free the window."""
        if self.group is not None:
            self.group.SetMRMLDisplayableNode(None)
            self.group.SetRenderer(None)
        self.window.Finalize()


class RenderedSlice(_Rendered):
    """A slice view with its own slice logic."""

    def __init__(self, application_logic: Any, node: Any, size: tuple[int, int] = (300, 300)) -> None:
        super().__init__(size)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(application_logic)
        self.logic.SetMRMLScene(application_logic.GetMRMLScene())
        self.logic.SetSliceNode(node)
        logics = application_logic.GetSliceLogics()
        if logics is not None:
            logics.AddItem(self.logic)
        node.SetDimensions(*size, 1)
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        self.mapper = mapper
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(actor)
        self.manage(application_logic, node, SLICE_MANAGERS)

    def before_render(self) -> None:
        """Take up the pipeline of the slice logic, which is another one with another volume."""
        self.mapper.SetInputConnection(self.logic.GetImageDataConnection())


class RenderedThreeD(_Rendered):
    """A 3D view."""

    def __init__(self, application_logic: Any, node: Any, size: tuple[int, int] = (300, 300)) -> None:
        super().__init__(size)
        self.manage(application_logic, node, THREED_MANAGERS)
        self.renderer.ResetCamera()


def save_side_by_side(images: list[np.ndarray], path: Path) -> None:
    """Write images of one height beside each other as PNG."""
    whole = np.ascontiguousarray(np.concatenate(images, axis=1)[::-1])
    image = vtk.vtkImageData()
    image.SetDimensions(whole.shape[1], whole.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(whole.reshape(-1, 3), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
