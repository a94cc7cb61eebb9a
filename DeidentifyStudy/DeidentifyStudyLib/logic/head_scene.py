"""The head under review as surfaces in a MRML scene: never saved with it, and gone when the review ends."""

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from scipy import ndimage
from vtk.util import numpy_support

from DeidentifyStudyCore.faces.store import StoredFace

__all__ = ["HeadScene", "surface_of"]

_AFTER, _BEFORE = "Head under review, altered", "Head under review, before"  # say nothing of whose it is
_SKIN, _SKIN_BEFORE = (0.87, 0.72, 0.62), (0.62, 0.70, 0.80)
_APART = 1.15
_SMOOTHED = 0.8


class HeadScene:
    """Shows the altered head, and beside it, to the viewer's right, the head as it was.

    Parameters
    ----------
    scene : vtkMRMLScene
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._models: dict[str, Any] = {}

    def show(self, head: StoredFace, *, original: bool) -> None:
        """Show a head, with or without the one before the alteration."""
        self.clear()
        self._add(_AFTER, surface_of(head.head & ~head.mask, head.affine, 0.0), _SKIN)
        if original:
            width = head.head.shape[2] * float(np.linalg.norm(head.affine[:3, 2]))
            self._add(_BEFORE, surface_of(head.head, head.affine, _APART * width), _SKIN_BEFORE)

    def clear(self) -> None:
        """Remove everything from the scene."""
        for model in self._models.values():
            display = model.GetDisplayNode()
            self._scene.RemoveNode(model)
            if display is not None:
                self._scene.RemoveNode(display)
        self._models = {}

    @property
    def models(self) -> tuple[Any, ...]:
        """Model nodes that are shown."""
        return tuple(self._models.values())

    def _add(self, name: str, surface: Any, colour: tuple[float, float, float]) -> None:
        model = self._scene.CreateNodeByClass("vtkMRMLModelNode")
        model.UnRegister(None)
        model.SetName(name)
        self._keep_out(model)
        model = self._scene.AddNode(model)
        model.SetAndObservePolyData(surface)
        model.CreateDefaultDisplayNodes()
        display = model.GetDisplayNode()
        self._keep_out(display)
        display.SetColor(*colour)
        display.SetVisibility2D(False)
        display.SetScalarVisibility(False)
        self._models[name] = model

    @staticmethod
    def _keep_out(node: Any) -> None:
        """Keep a node out of saved scenes, of lists of nodes and of the undo history."""
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        node.SetUndoEnabled(False)


def surface_of(body: NDArray[np.bool_], affine: NDArray[np.float64], moved: float) -> Any:
    """Surface of a body in RAS mm, moved by `moved` mm to the left.

    Parameters
    ----------
    body : array of bool
        Of shape (k, j, i); `affine` maps (k, j, i, 1) to LPS mm.
    """
    padded = np.pad(ndimage.gaussian_filter(body.astype(np.float32), _SMOOTHED), 1)  # closed where the images end
    image = vtk.vtkImageData()
    image.SetDimensions(padded.shape[2], padded.shape[1], padded.shape[0])
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(padded.ravel(), deep=True))
    to_ras = vtk.vtkMatrix4x4()
    signs = np.diag([-1.0, -1.0, 1.0, 1.0])
    order = np.eye(4)[[2, 1, 0, 3]]
    shift = np.eye(4)
    shift[:3, 3] = -1.0
    matrix = signs @ affine @ order @ shift
    matrix[0, 3] -= moved
    to_ras.DeepCopy([float(value) for value in matrix.ravel()])
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    transform = vtk.vtkTransform()
    transform.SetMatrix(to_ras)
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetTransform(transform)
    placed.SetInputConnection(edges.GetOutputPort())
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(placed.GetOutputPort())
    normals.AutoOrientNormalsOn()
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()
