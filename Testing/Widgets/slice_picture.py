"""The red slice view of a review as Slicer's own MRML libraries draw it, offscreen, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["review_picture"]

WIDTH, HEIGHT = 800, 600


def review_picture(pixels: NDArray[np.uint8], boxes: list[list[int]]) -> NDArray[np.uint8]:
    """Draw a frame of shape (rows, columns) with its boxes; returns shape (600, 800, 3), top row first."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.npy", Path(folder) / "target.npy"
        np.save(source, pixels)
        environment = os.environ | {"VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
        command = [sys.executable, __file__, str(source), str(target), json.dumps(boxes)]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=120)
        return np.asarray(np.load(target))


def _draw(pixels: NDArray[np.uint8], boxes: list[list[int]], target: Path) -> None:
    import slicer
    import vtk
    from vtk.util import numpy_support

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "DeidentifyStudy"))
    from DeidentifyStudyLib.logic.review_scene import ReviewScene

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
    shown = ReviewScene(scene, lambda: None)
    shown.show(pixels, list(enumerate(boxes)))
    volume = shown.volume
    node.SetOrientationToAxial()
    logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
    node.SetDimensions(WIDTH, HEIGHT, 1)
    logic.FitSliceToBackground()

    renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(WIDTH, HEIGHT)
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
    drawn = numpy_support.vtk_to_numpy(output.GetPointData().GetScalars()).reshape(rows, columns, 3)
    np.save(target, drawn[::-1])
    os._exit(0)  # outside of an application these objects do not survive each other's end


if __name__ == "__main__":
    _draw(np.load(sys.argv[1]), json.loads(sys.argv[3]), Path(sys.argv[2]))
