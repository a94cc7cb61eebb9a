"""Volume, surface and area of a structure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.marching_cubes import CORNERS, EDGES, N_CODES, surfel_areas, triangles
from AnnotationQACore.errors import InputError
from AnnotationQACore.segmentation import BoolArray, Mask

__all__ = ["SliceArea", "SurfaceSize", "cropped", "largest_slice_area", "surface_size", "voxel_volume"]


@dataclass(frozen=True, slots=True)
class SurfaceSize:
    """Volume in mm³ inside the marching-cubes surface of a mask, and area of that surface in mm²."""

    volume_mm3: float
    area_mm2: float


@dataclass(frozen=True, slots=True)
class SliceArea:
    """Area of a structure on one slice: index of the slice along the slice axis, and mm²."""

    slice_index: int
    area_mm2: float


def voxel_volume(mask: Mask) -> float:
    """Volume in mm³: number of voxels times the volume of one, which on a sheared grid is not the spacings' product."""
    return int(np.count_nonzero(mask.voxels)) * mask.grid.voxel_volume


def surface_size(mask: Mask) -> SurfaceSize:
    """Volume inside, and area of, the marching-cubes surface half-way between inside and outside voxel centres.

    Smaller than the voxel volume, the more so the more surface there is: corners are cut off. What lies outside the
    image counts as outside. (Lorensen and Cline 1987; ``MeshVolume`` and ``SurfaceArea`` of the IBSI and pyradiomics.)
    """
    voxels = cropped(mask).voxels
    if not voxels.any():
        return SurfaceSize(0.0, 0.0)
    padded = np.pad(voxels, 1).view(np.uint8)
    codes = np.zeros([size - 1 for size in padded.shape], dtype=np.uint8)
    for bit, corner in enumerate(CORNERS):
        part = padded[tuple(slice(start, start + size) for start, size in zip(corner, codes.shape, strict=True))]
        codes |= part << np.uint8(bit)
    counts = np.bincount(codes.reshape(-1), minlength=N_CODES)
    volume = float(counts @ _inside_fractions()) * mask.grid.voxel_volume
    return SurfaceSize(volume, float(counts @ surfel_areas(mask.grid.affine[:3, :3])))


def largest_slice_area(mask: Mask, slice_axis: int = 0) -> SliceArea | None:
    """Slice with the largest area, the first of several; None for an empty mask."""
    require_axis(slice_axis)
    others = tuple(axis for axis in range(3) if axis != slice_axis)
    counts = np.count_nonzero(mask.voxels, axis=others)
    index = int(np.argmax(counts))
    if not counts[index]:
        return None
    columns = mask.grid.affine[:3, :3]
    pixel = float(np.linalg.norm(np.cross(columns[:, others[0]], columns[:, others[1]])))
    return SliceArea(index, int(counts[index]) * pixel)


def cropped(mask: Mask) -> Mask:
    """The part of a mask within the box around its voxels; a single voxel of an empty mask."""
    region = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        occupied = np.flatnonzero(mask.voxels.any(axis=others))
        region.append(slice(int(occupied[0]), int(occupied[-1]) + 1) if len(occupied) else slice(0, 1))
    box = (region[0], region[1], region[2])
    return Mask(mask.voxels[box], mask.grid.cropped(box))


def require_axis(slice_axis: int) -> None:
    """Raise `InputError` unless the axis is one of an image."""
    if slice_axis not in (0, 1, 2):
        raise InputError(f"measure: no slice axis {slice_axis}; choose 0 (k), 1 (j) or 2 (i).")


@cache
def _inside_fractions() -> NDArray[np.float64]:
    """Fraction of a cube that is inside the surface, for each code.

    As for `surfel_areas`, a code with more than four corners inside has the surface of its complement.
    """
    fractions = np.array([_inside_fraction(code) for code in range(N_CODES)])
    is_small = np.array([code.bit_count() <= len(CORNERS) // 2 for code in range(N_CODES)])
    return np.where(is_small, fractions, 1.0 - fractions[::-1])


def _inside_fraction(code: int) -> float:
    """Fraction inside by the divergence theorem: a third of the flux of the position through the surface."""
    corners = np.array(CORNERS, dtype=np.float64)
    inside = np.array([bool(code >> bit & 1) for bit in range(len(CORNERS))])
    flux = sum(_face_area(inside[corners[:, axis] == 1]) for axis in range(3))
    for triangle in triangles(code):
        ends = [EDGES[edge] if inside[EDGES[edge][0]] else EDGES[edge][::-1] for edge in triangle]
        outward = np.sum([corners[outer] - corners[inner] for inner, outer in ends], axis=0)
        a, b, c = (corners[inner] / 2 + corners[outer] / 2 for inner, outer in ends)
        normal = np.cross(b - a, c - a) / 2
        flux += abs(float(normal @ a)) * np.sign(normal @ outward) * np.sign(normal @ a)
    return float(flux / 3)


def _face_area(inside: BoolArray) -> float:
    """Inside area of a face of a unit cube; inside corners cut off by a diagonal stay apart, as in `triangles`."""
    number = int(inside.sum())
    is_diagonal = number == 2 and inside[0] == inside[3]
    return 0.25 if is_diagonal else (0.0, 0.125, 0.5, 0.875, 1.0)[number]
