"""Grids of the Core (LPS, array order) and matrices of MRML (RAS, index order)."""

import numpy as np
import vtk
from numpy.typing import NDArray

from AnnotationQACore.geometry import Grid

__all__ = ["grid_from_matrix", "matrix_from_array", "matrix_from_grid"]


def matrix_from_grid(grid: Grid) -> vtk.vtkMatrix4x4:
    """IJK to RAS matrix of a grid."""
    return matrix_from_array(grid.ras_affine)


def matrix_from_array(array: NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """VTK matrix with the elements of a 4x4 array."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(array.ravel().tolist())
    return matrix


def grid_from_matrix(shape: tuple[int, int, int], matrix: vtk.vtkMatrix4x4) -> Grid:
    """Grid of an image of this array shape ``(k, j, i)`` with this IJK to RAS matrix."""
    elements = [matrix.GetElement(row, column) for row in range(4) for column in range(4)]
    return Grid.from_ras_affine(shape, np.array(elements).reshape(4, 4))
