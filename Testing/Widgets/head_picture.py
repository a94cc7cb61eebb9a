"""The 3D view of a review of faces as Slicer's own MRML libraries draw it, offscreen, in a process of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["head_picture"]

WIDTH, HEIGHT = 900, 560


def head_picture(queue: Path, digest: str) -> NDArray[np.uint8]:
    """Draw the head of a queue's folder of pictures, with the one before beside it.

    Returns
    -------
    array of uint8
        Of shape (560, 900, 3), top row first.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "target.npy"
        environment = os.environ | {"VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
        command = [sys.executable, __file__, str(queue), digest, str(target)]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=120)
        return np.asarray(np.load(target))


def _draw(queue: Path, digest: str, target: Path) -> None:
    import slicer
    import vtk
    from vtk.util import numpy_support

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "DeidentifyStudy"))
    from DeidentifyStudyCore.faces.store import FaceStore
    from DeidentifyStudyLib.logic.head_scene import HeadScene

    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    view = scene.AddNewNodeByClass("vtkMRMLViewNode", "View1")
    view.SetLayoutName("1")
    view.SetBoxVisible(False)
    view.SetAxisLabelsVisible(False)
    HeadScene(scene).show(FaceStore(queue).load(digest), original=True)

    renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(WIDTH, HEIGHT)
    window.AddRenderer(renderer)
    interactor = vtk.vtkGenericRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    for name in ("vtkMRMLCameraDisplayableManager", "vtkMRMLViewDisplayableManager", "vtkMRMLModelDisplayableManager"):
        manager = getattr(slicer, name)()
        manager.SetMRMLApplicationLogic(application)
        group.AddDisplayableManager(manager)
    group.SetMRMLDisplayableNode(view)
    window.Render()
    camera = renderer.GetActiveCamera()
    bounds = renderer.ComputeVisiblePropBounds()
    centre = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    camera.SetFocalPoint(*centre)
    camera.SetPosition(centre[0], centre[1] + 500, centre[2])  # from the front, as the panel does
    camera.SetViewUp(0, 0, 1)
    renderer.ResetCamera()
    camera.Dolly(1.5)
    renderer.ResetCameraClippingRange()
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
    _draw(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
