"""Longest diameters: in the plane with the perpendicular one, as for RECIST 1.1, and in space.

An end point lies half-way between the centre of an outermost voxel and that of its neighbour outside, so that a single
voxel measures its spacing. Between outer corners diameters would be longer by 0.4 of a voxel, which is further from the
truth, and between centres of outermost voxels shorter by 0.9 (``Testing/Benchmarks/diameters.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as label_components
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.measure.size import cropped, require_axis
from AnnotationQACore.segmentation import BoolArray, Mask

__all__ = ["Diameter", "PlaneDiameters", "longest_diameter", "plane_diameters"]

FloatArray = NDArray[np.float64]

EQUAL_MM = 1e-9


@dataclass(frozen=True, slots=True)
class Diameter:
    """A length in mm between two points in LPS mm."""

    length_mm: float
    ends: tuple[Vector, Vector]


@dataclass(frozen=True, slots=True)
class PlaneDiameters:
    """Longest diameter on any slice and the longest perpendicular to it on the same slice.

    Attributes
    ----------
    slice_index : int
        Along the slice axis.
    longest, perpendicular : Diameter
    tied_slices : tuple of int
        Other slices with a diameter as long; the first is measured.
    """

    slice_index: int
    longest: Diameter
    perpendicular: Diameter
    tied_slices: tuple[int, ...]


def plane_diameters(mask: Mask, slice_axis: int = 0) -> PlaneDiameters | None:
    """Longest diameter in the plane of the slices and its longest perpendicular (Eisenhauer et al. 2009, RECIST 1.1).

    Each connected part of a slice (8-neighbourhood) is a lesion of its own; both diameters are of the convex hull of
    one such part. The perpendicular is at exactly 90 degrees, in mm, also on anisotropic and sheared grids. Of equally
    long diameters the one on the slice of the lowest index is taken, on it that whose end has the lowest indices.

    Parameters
    ----------
    mask : Mask
    slice_axis : int
        Array axis across the slices: 0 for images stored slice by slice.

    Returns
    -------
    PlaneDiameters or None
        None for an empty mask.
    """
    require_axis(slice_axis)
    part = cropped(mask)
    start = int(np.rint(mask.grid.to_index(part.grid.origin)[slice_axis]))
    best: tuple[float, int, FloatArray, tuple[int, int]] | None = None
    tied: list[int] = []
    for index in range(part.grid.shape[slice_axis]):
        plane = np.take(part.voxels, index, axis=slice_axis)
        components, number = label_components(plane, structure=np.ones((3, 3)))
        for component in range(1, number + 1):
            hull = _plane_hull(components == component, index, slice_axis, part.grid)
            length, ends = _farthest(part.grid.to_world(hull))
            if best is None or length > best[0] + EQUAL_MM:
                best, tied = (length, index, hull, ends), []
            elif length >= best[0] - EQUAL_MM and index not in (best[1], *tied):
                tied.append(index)
    if best is None:
        return None
    length, index, hull, (first, second) = best
    world = part.grid.to_world(hull)
    longest = _diameter(world[first], world[second])
    return PlaneDiameters(start + index, longest, _perpendicular(world, first, second), tuple(start + k for k in tied))


def longest_diameter(mask: Mask) -> Diameter | None:
    """Longest distance in mm between any two points of the surface, over all parts; None for an empty mask."""
    part = cropped(mask)
    if not part.voxels.any():
        return None
    points = np.concatenate([_outermost(part.voxels, axis) for axis in range(3)])
    world = part.grid.to_world(points)
    hull = world[np.sort(ConvexHull(world).vertices)]
    _, (first, second) = _farthest(hull)
    return _diameter(hull[first], hull[second])


def _outermost(voxels: BoolArray, axis: int) -> FloatArray:
    """Ends of the structure along one axis: first and last voxel of every line, moved outwards by half a voxel."""
    lines = np.moveaxis(voxels, axis, -1)
    occupied = np.argwhere(lines.any(axis=-1))
    chosen = lines[tuple(occupied.T)]
    first = np.argmax(chosen, axis=1) - 0.5
    last = chosen.shape[1] - np.argmax(chosen[:, ::-1], axis=1) - 0.5
    ends = [np.insert(occupied.astype(np.float64), axis, end, axis=1) for end in (first, last)]
    return np.concatenate(ends)


def _plane_hull(component: BoolArray, index: int, slice_axis: int, grid: Grid) -> FloatArray:
    """Corners of the convex hull in image indices (k, j, i), in the order of their indices."""
    plane = np.concatenate([_outermost(component, axis) for axis in range(2)])
    points = np.insert(plane, slice_axis, float(index), axis=1)
    columns = np.delete(grid.affine[:3, :3], slice_axis, axis=1)
    basis, _ = np.linalg.qr(columns)
    hull = points[ConvexHull(grid.to_world(points) @ basis).vertices]
    ordered: FloatArray = hull[np.lexsort(hull.T[::-1])]
    return ordered


def _farthest(world: FloatArray) -> tuple[float, tuple[int, int]]:
    """Longest distance between two of the points, and the first pair that has it."""
    distances = squareform(pdist(world))
    longest = float(distances.max())
    first, second = np.argwhere(distances >= longest - EQUAL_MM)[0]
    return longest, (int(first), int(second))


def _perpendicular(world: FloatArray, first: int, second: int) -> Diameter:
    """Longest chord of the convex hull at right angles to the diameter between two of its corners.

    The length of such chords is a concave function along the diameter and linear between corners, so that the longest
    one goes through a corner.
    """
    along = world[second] - world[first]
    along /= np.linalg.norm(along)
    offset = world - world[first]
    across = offset - np.outer(offset @ along, along)
    farthest = int(np.argmax(np.linalg.norm(across, axis=1)))
    normal = across[farthest] / np.linalg.norm(across[farthest])
    t, s = offset @ along, offset @ normal
    order = ConvexHull(np.column_stack([t, s])).vertices
    t, s = t[order], s[order]
    t_next, s_next = np.roll(t, -1), np.roll(s, -1)
    best, ends = -1.0, (0.0, 0.0, 0.0)
    for place in np.unique(t):
        crossing = (np.minimum(t, t_next) <= place + EQUAL_MM) & (np.maximum(t, t_next) >= place - EQUAL_MM)
        run = t_next[crossing] - t[crossing]
        share = np.divide(place - t[crossing], run, out=np.zeros_like(run), where=np.abs(run) > EQUAL_MM)
        heights = s[crossing] + np.clip(share, 0.0, 1.0) * (s_next[crossing] - s[crossing])
        heights = np.concatenate([heights, s[np.abs(t - place) <= EQUAL_MM]])
        if heights.max() - heights.min() > best + EQUAL_MM:
            best, ends = (
                float(heights.max() - heights.min()),
                (float(place), float(heights.min()), float(heights.max())),
            )
    place, low, high = ends
    origin = world[first] + place * along
    return _diameter(origin + low * normal, origin + high * normal)


def _diameter(first: FloatArray, second: FloatArray) -> Diameter:
    ends = (first.tolist(), second.tolist())
    return Diameter(
        float(np.linalg.norm(second - first)),
        ((ends[0][0], ends[0][1], ends[0][2]), (ends[1][0], ends[1][1], ends[1][2])),
    )
