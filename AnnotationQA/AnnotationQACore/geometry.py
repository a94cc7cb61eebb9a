"""Where voxels lie in the patient: the only place that compares geometries.

Axis order is that of numpy arrays everywhere: an image of shape ``(k, j, i)`` has its slices along the first axis.
World coordinates are LPS millimetres, as in DICOM (PS3.3 C.7.6.2.1.1) and ITK.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AnnotationQACore.errors import GridMismatch, InputError

__all__ = ["TOLERANCE", "Grid", "Vector", "require_same_grid"]

Vector = tuple[float, float, float]

TOLERANCE = 1e-3
"""Grids are equal when no voxel is displaced by more than this fraction of the smallest spacing."""

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular lattice of voxel centres.

    Attributes
    ----------
    shape : tuple of 3 int
        Voxels along each array axis ``(k, j, i)``.
    spacing : tuple of 3 float
        Distance in mm between neighbours along each array axis.
    origin : tuple of 3 float
        LPS position in mm of the centre of voxel ``[0, 0, 0]``.
    directions : tuple of 3 vectors
        For each array axis the LPS unit vector along which its index grows. The three need not be orthogonal
        (gantry tilt), but must span the space.

    Raises
    ------
    InputError
        A shape or spacing is not positive, or the directions are no unit vectors or do not span the space.
    """

    shape: tuple[int, int, int]
    spacing: Vector = (1.0, 1.0, 1.0)
    origin: Vector = (0.0, 0.0, 0.0)
    directions: tuple[Vector, Vector, Vector] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))

    def __post_init__(self) -> None:
        numbers = [*self.spacing, *self.origin, *(x for direction in self.directions for x in direction)]
        if not all(math.isfinite(number) for number in numbers):
            raise InputError("image geometry: a spacing, origin or direction is not finite; correct the image header.")
        if min(self.shape) < 1:
            raise InputError(f"image geometry: the shape {self.shape} has an axis without voxels; check the file.")
        if min(self.spacing) <= 0:
            raise InputError(f"image geometry: the spacing {self.spacing} mm is not positive; correct the header.")
        unit = all(abs(math.hypot(*direction) - 1.0) <= 1e-3 for direction in self.directions)
        if not unit or _parallelepiped(self.directions) < 1e-3:
            raise InputError("image geometry: the directions are not three independent unit vectors; check the header.")

    @classmethod
    def from_affine(cls, shape: tuple[int, int, int], affine: ArrayLike) -> Grid:
        """Build a grid from the 4x4 matrix that maps array indices ``(k, j, i, 1)`` to LPS mm."""
        matrix = np.asarray(affine, dtype=np.float64)
        columns = matrix[:3, :3]
        spacing = np.linalg.norm(columns, axis=0)
        if not np.all(spacing > 0):
            raise InputError("image geometry: an axis has zero spacing; correct the image header.")
        directions = (columns / spacing).T
        return cls(
            shape=(int(shape[0]), int(shape[1]), int(shape[2])),
            spacing=_vector(spacing),
            origin=_vector(matrix[:3, 3]),
            directions=(_vector(directions[0]), _vector(directions[1]), _vector(directions[2])),
        )

    @classmethod
    def from_ras_affine(cls, shape: tuple[int, int, int], affine: ArrayLike) -> Grid:
        """Build a grid from the 4x4 matrix that maps ``(i, j, k, 1)`` to RAS mm, as in NIfTI and MRML."""
        lps_from_ijk = _RAS_FROM_LPS @ np.asarray(affine, dtype=np.float64)
        return cls.from_affine(shape, lps_from_ijk[:, [2, 1, 0, 3]])

    @property
    def affine(self) -> NDArray[np.float64]:
        """4x4 matrix that maps array indices ``(k, j, i, 1)`` to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(self.directions).T * np.array(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def ras_affine(self) -> NDArray[np.float64]:
        """4x4 matrix that maps ``(i, j, k, 1)`` to RAS mm, as in NIfTI and MRML."""
        matrix: NDArray[np.float64] = (_RAS_FROM_LPS @ self.affine)[:, [2, 1, 0, 3]]
        return matrix

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³; less than the product of the spacings on a sheared grid."""
        return math.prod(self.spacing) * _parallelepiped(self.directions)

    @property
    def is_sheared(self) -> bool:
        """Whether the axes are not orthogonal, as in a series acquired with gantry tilt."""
        directions = np.array(self.directions)
        cosines = directions @ directions.T - np.eye(3)
        return bool(np.abs(cosines).max() > 1e-3)

    def to_world(self, indices: ArrayLike) -> NDArray[np.float64]:
        """Map array indices, shape (..., 3) in order (k, j, i), to LPS mm, shape (..., 3) in order (x, y, z)."""
        affine = self.affine
        world: NDArray[np.float64] = np.asarray(indices, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3]
        return world

    def to_index(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map LPS mm, shape (..., 3), to continuous array indices, shape (..., 3) in order (k, j, i)."""
        affine = self.affine
        offset = np.asarray(points, dtype=np.float64) - affine[:3, 3]
        indices: NDArray[np.float64] = offset @ np.linalg.inv(affine[:3, :3]).T
        return indices

    def cropped(self, region: tuple[slice, slice, slice]) -> Grid:
        """Grid of ``array[region]``; the slices must have a start and a stop inside the grid, and no step."""
        start = [part.start for part in region]
        shape = tuple(part.stop - part.start for part in region)
        origin = _vector(self.to_world(start))
        return Grid((shape[0], shape[1], shape[2]), self.spacing, origin, self.directions)

    def differences(self, other: Grid, tolerance: float = TOLERANCE) -> tuple[str, ...]:
        """Name what differs from `other`: any of ``size``, ``spacing``, ``origin``, ``direction``.

        Parameters
        ----------
        other : Grid
        tolerance : float
            Displacement that is still the same, as a fraction of the smallest spacing.
        """
        allowed = tolerance * min(*self.spacing, *other.spacing)
        extent = np.maximum(np.array(self.shape) - 1, 1)
        ours, theirs = np.array(self.directions), np.array(other.directions)
        reach = extent * np.array(self.spacing)
        differing = {
            "size": self.shape != other.shape,
            "spacing": np.any(np.abs(np.subtract(self.spacing, other.spacing)) * extent > allowed),
            "origin": np.linalg.norm(np.subtract(self.origin, other.origin)) > allowed,
            "direction": np.any(np.linalg.norm(ours - theirs, axis=1) * reach > allowed),
        }
        return tuple(name for name, differs in differing.items() if differs)


def require_same_grid(first: Grid, second: Grid, names: tuple[str, str]) -> None:
    """Raise `GridMismatch` that names the two images and what differs, unless the grids are the same."""
    differing = first.differences(second)
    if differing:
        raise GridMismatch(
            f"{names[0]} and {names[1]} differ in {', '.join(differing)}; "
            "label them on the same image, or resample one onto the grid of the other."
        )


def _parallelepiped(edges: tuple[Vector, Vector, Vector]) -> float:
    """Volume that three vectors span."""
    # Nine numbers are multiplied sooner than numpy is called.
    (a, b, c), (d, e, f), (g, h, i) = edges
    return abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))


def _vector(values: NDArray[np.float64]) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))
