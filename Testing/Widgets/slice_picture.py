"""A slice view drawn by Slicer's own MRML libraries, offscreen: image and markups, without a widget around them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

__all__ = ["slice_picture"]

_KEPT: list[Any] = []
"""Never destroyed: outside of an application these objects do not survive each other's end."""


def slice_picture(fill: Callable[[Any], Any], width: int = 800, height: int = 600) -> NDArray[np.uint8]:
    """Draw the axial view of a scene.

    Parameters
    ----------
    fill : callable
        Puts nodes into the scene and returns the volume for the background.

    Returns
    -------
    array of uint8
        Of shape (height, width, 3), top row first.
    """
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    colours = slicer.vtkMRMLColorLogic()
    colours.SetMRMLScene(scene)
    markups = slicer.vtkSlicerMarkupsLogic()
    markups.SetMRMLApplicationLogic(application)
    markups.SetMRMLScene(scene)
    application.SetModuleLogic("Markups", markups)
    slices = vtk.vtkCollection()
    application.SetSliceLogics(slices)
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(application)
    logic.SetMRMLScene(scene)
    node = logic.AddSliceNode("Red")
    slices.AddItem(logic)
    volume = fill(scene)
    node.SetOrientationToAxial()
    logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
    node.SetDimensions(width, height, 1)
    logic.FitSliceToBackground()

    renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(width, height)
    window.AddRenderer(renderer)
    interactor = vtk.vtkGenericRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    mapper = vtk.vtkImageMapper()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    mapper.SetInputConnection(logic.GetImageDataConnection())
    image = vtk.vtkActor2D()
    image.SetMapper(mapper)
    renderer.AddViewProp(image)  # before the markups, or they are drawn below it
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    manager = slicer.vtkMRMLMarkupsDisplayableManager()
    manager.SetMRMLApplicationLogic(application)
    group.AddDisplayableManager(manager)
    group.SetMRMLDisplayableNode(node)
    window.Render()
    window.Render()

    grabbed = vtk.vtkWindowToImageFilter()
    grabbed.SetInput(window)
    grabbed.Update()
    output = grabbed.GetOutput()
    columns, rows, _ = output.GetDimensions()
    pixels = numpy_support.vtk_to_numpy(output.GetPointData().GetScalars()).reshape(rows, columns, 3)
    picture = pixels[::-1].copy()
    _KEPT.append((scene, application, colours, markups, slices, logic, window, interactor, group, manager, volume))
    return picture
