"""Surface distances of one structure as several readers drew it, by the sub-voxel definition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.distance_distribution import DistanceDistribution, Pair, SurfaceDistances
from AnnotationQACore.agreement.segmentations.subvoxel_surface import LARGEST_LOSS, SmoothSurface, smooth_surface
from AnnotationQACore.agreement.segmentations.surfels import Majority, Structure
from AnnotationQACore.agreement.segmentations.triangle_distance import distances_to_triangles
from AnnotationQACore.agreement.segmentations.windows import Extent
from AnnotationQACore.segmentation import BoolArray

__all__ = ["subvoxel_distances"]


def subvoxel_distances(
    structures: Sequence[Structure],
    majorities: Sequence[Majority],
    pairs: Sequence[Pair],
    box: Extent,
    mm_from_index: NDArray[np.float64],
) -> SurfaceDistances | None:
    """Distances between the smooth surfaces of masks, from the centre of each triangle to the other surface.

    Parameters
    ----------
    structures, majorities
        The masks, numbered in this order.
    pairs : sequence of (int, int)
        Masks between which distances are wanted, in both directions.
    box : Extent
        Holds all voxels of all structures.
    mm_from_index : array, shape (3, 3)
        Columns are the steps in mm along the axes (k, j, i).

    Returns
    -------
    SurfaceDistances or None
        None when smoothing would lose more than 1 % of a mask: it is too thin for this definition.
    """
    masks = _masks(structures, majorities, box)
    first = np.array([start for start, _ in box], dtype=np.int64)
    surfaces: list[SmoothSurface | None] = []
    for mask in masks:
        surface = smooth_surface(mask, first, mm_from_index) if np.any(mask) else None
        if surface is not None and (surface.lost > LARGEST_LOSS or not len(surface.areas)):
            return None
        surfaces.append(surface)
    index_from_mm: NDArray[np.float64] = np.linalg.inv(mm_from_index).astype(np.float64)
    distances = {}
    for pair in {ordered for a, b in pairs for ordered in ((a, b), (b, a))}:
        a, b = (surfaces[mask] for mask in pair)
        if a is not None and b is not None:
            distances[pair] = _distribution(a, b, index_from_mm)
    areas = tuple(float(surface.areas.sum()) if surface else 0.0 for surface in surfaces)
    return SurfaceDistances(areas, distances)


def _masks(structures: Sequence[Structure], majorities: Sequence[Majority], box: Extent) -> list[BoolArray]:
    part = tuple(slice(*limits) for limits in box)
    masks: list[BoolArray] = [np.equal(structure.array[part], structure.value) for structure in structures]
    for majority in majorities:
        votes = np.sum([masks[place] for place in majority.of], axis=0)
        masks.append(2 * votes > len(majority.of))
    return masks


def _distribution(a: SmoothSurface, b: SmoothSurface, index_from_mm: NDArray[np.float64]) -> DistanceDistribution:
    """Distances from the surface of a to that of b."""
    centroids = a.centroids
    distances = distances_to_triangles(centroids, b.vertices)
    signs = np.where(b.contains(centroids @ index_from_mm.T), -1.0, 1.0)
    return DistanceDistribution.of(distances, a.areas, float(np.sum(signs * distances * a.areas)))
