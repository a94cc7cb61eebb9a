"""Volumes of the Core and volume nodes of MRML."""

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import get_vtk_array_type, numpy_to_vtk, vtk_to_numpy

from AnnotationQACore.segmentation import Volume
from AnnotationQALib.logic.grids import grid_from_matrix, matrix_from_grid

__all__ = ["add_volume", "image_data", "volume_from_node", "voxels_of"]


def add_volume(scene: slicer.vtkMRMLScene, volume: Volume, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    """Add a scalar volume node with the voxels and geometry of `volume`, and its display node."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(matrix_from_grid(volume.grid))
    node.SetAndObserveImageData(image_data(volume.voxels))
    node.CreateDefaultDisplayNodes()
    return node


def volume_from_node(node: slicer.vtkMRMLVolumeNode) -> Volume:
    """Voxels, shape (k, j, i), and geometry of a scalar volume node, without a copy of the voxels."""
    voxels = voxels_of(node.GetImageData())
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return Volume(voxels, grid_from_matrix(voxels.shape, matrix))


def image_data(voxels: np.ndarray) -> vtk.vtkImageData:
    """VTK image with a copy of the voxels, shape (k, j, i), or (k, j, i, 3) for colour."""
    voxels = np.ascontiguousarray(voxels)
    image = vtk.vtkImageData()
    image.SetDimensions(voxels.shape[2::-1])
    values = voxels.reshape(-1) if voxels.ndim == 3 else voxels.reshape(-1, voxels.shape[3])
    scalars = numpy_to_vtk(values, deep=True, array_type=get_vtk_array_type(voxels.dtype))
    image.GetPointData().SetScalars(scalars)
    return image


def voxels_of(image: vtk.vtkImageData) -> np.ndarray:
    """View of the voxels of a VTK image, shape (k, j, i)."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
