"""Surface distances of one structure as several readers drew it, by the surfel definition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.distance_distribution import DistanceDistribution, Pair, SurfaceDistances
from AnnotationQACore.agreement.segmentations.marching_cubes import surfel_areas
from AnnotationQACore.agreement.segmentations.neighbours import Shells, far_distances, near_shells, nearest_shell
from AnnotationQACore.agreement.segmentations.surfels import INSIDE, Majority, Structure, Surfels, Window, find_surfels
from AnnotationQACore.agreement.segmentations.windows import Extent, slabs
from AnnotationQACore.geometry import Grid, Vector

__all__ = ["SurfelGeometry", "surfel_distances"]


@dataclass(frozen=True, slots=True, eq=False)
class SurfelGeometry:
    """What depends on the voxel size only, and is the same for all structures of an image.

    Attributes
    ----------
    mm_from_index : array, shape (3, 3)
        Columns are the steps in mm along the axes (k, j, i).
    areas : float64 array, shape (256,)
        Area of each corner code in mm².
    shells : Shells
    """

    mm_from_index: NDArray[np.float64]
    areas: NDArray[np.float64]
    shells: Shells

    @classmethod
    def of(cls, grid: Grid) -> SurfelGeometry:
        """Prepare for voxels of that size and shape."""
        return _geometry(grid.spacing, grid.directions)

    @property
    def gap(self) -> tuple[int, int, int]:
        """Empty layers after which two boxes are too far apart to be searched together."""
        k, j, i = self.shells.reach
        return (k + 2, j + 2, i + 2)


@lru_cache(maxsize=16)
def _geometry(spacing: Vector, directions: tuple[Vector, Vector, Vector]) -> SurfelGeometry:
    """Prepared once for all images of a voxel size: it takes longer than to compare a small lesion."""
    voxel = Grid((1, 1, 1), spacing, directions=directions)
    # Where the axes are orthogonal, the spacing alone is free of rounded directions.
    mm_from_index = voxel.affine[:3, :3] if voxel.is_sheared else np.diag(spacing)
    return SurfelGeometry(mm_from_index, surfel_areas(mm_from_index), near_shells(mm_from_index))


@dataclass(frozen=True, slots=True, eq=False)
class _Far:
    """Corners of one surface, as indices (k, j, i) of shape (3, corner), that lie far from another surface."""

    corners: NDArray[np.int64]
    areas: NDArray[np.float64]
    signs: NDArray[np.float64]


def surfel_distances(
    structures: Sequence[Structure],
    majorities: Sequence[Majority],
    pairs: Sequence[Pair],
    boxes: Sequence[Extent],
    geometry: SurfelGeometry,
) -> SurfaceDistances:
    """Distances between the surfaces of masks.

    Parameters
    ----------
    structures, majorities
        The masks, numbered in this order.
    pairs : sequence of (int, int)
        Masks between which distances are wanted, in both directions.
    boxes : sequence of Extent
        They hold all voxels of all structures, and any two are at least the gap of the geometry apart.
    geometry : SurfelGeometry
    """
    n_masks = len(structures) + len(majorities)
    areas = [0.0] * n_masks
    directed = [ordered for a, b in pairs for ordered in ((a, b), (b, a))]
    at_shell = np.zeros((2, len(directed), len(geometry.shells.distances)))
    far: list[list[_Far]] = [[] for _ in directed]
    found: list[list[tuple[Window, NDArray[np.int64]]]] = [[] for _ in range(n_masks)]
    for window in _windows(boxes, geometry):
        surfels = find_surfels(window, structures, majorities)
        corner_areas = [
            geometry.areas.take(codes.take(corners))
            for codes, corners in zip(surfels.codes, surfels.corners, strict=True)
        ]
        for mask, corners in enumerate(surfels.corners):
            areas[mask] += float(corner_areas[mask].sum())
            found[mask].append((window, corners))
        at_shell += _measure(window, surfels, corner_areas, geometry, directed, far)
    outside, inside = at_shell
    distances = {
        (a, b): _distribution(shell_areas, shell_signs, parts, found[b], geometry)
        for (a, b), shell_areas, shell_signs, parts in zip(
            directed, outside + inside, outside - inside, far, strict=True
        )
        if areas[a] > 0 and areas[b] > 0
    }
    return SurfaceDistances(tuple(areas), distances)


def _windows(boxes: Iterable[Extent], geometry: SurfelGeometry) -> Iterator[Window]:
    """Windows that hold every corner of the structures once in their core."""
    reach = geometry.shells.reach
    for box in boxes:
        (first, stop), rows, columns = box
        for start, end in slabs(box):
            held: Extent = ((max(first, start - reach[0] - 1), min(stop, end + reach[0])), rows, columns)
            # The last corners of a box lie after its last slice.
            yield Window.of(held, reach, (start, end + 1 if end == stop else end))


def _measure(
    window: Window,
    surfels: Surfels,
    areas: Sequence[NDArray[np.float64]],
    geometry: SurfelGeometry,
    pairs: Sequence[Pair],
    far: Sequence[list[_Far]],
) -> NDArray[np.float64]:
    """Distances from surface to surface in one window; of all pairs together, which saves most of the time.

    Parameters
    ----------
    areas : sequence of float64 arrays
        In mm² of each corner of each mask.
    pairs : sequence of (int, int)
        Masks from and to whose surface distances are wanted.
    far : sequence of lists
        For each pair gets what no shell reaches.

    Returns
    -------
    float64 array, shape (2, pair, shell)
        Area in mm² at the distance of each shell, outside and inside of the other mask.
    """
    corners = [surfels.corners[a] for a, _ in pairs]
    corner_areas = np.concatenate([areas[a] for a, _ in pairs])
    size = surfels.codes.shape[1]
    targets = np.concatenate([found + b * size for (_, b), found in zip(pairs, corners, strict=True)])
    n_surface = sum(len(surfels.corners[b]) for _, b in pairs)
    shells = nearest_shell(targets, surfels.surface.reshape(-1), n_surface, geometry.shells, window.steps)
    inside = surfels.codes.reshape(-1).take(targets) == INSIDE

    counts = [len(found) for found in corners]
    shape = (2, len(pairs), len(geometry.shells.distances) + 1)
    bins = np.arange(len(pairs)).repeat(counts)
    bins += inside * len(pairs)
    bins *= shape[2]
    bins += shells
    # The stubs of numpy have only counts in mind, which are whole numbers.
    summed: NDArray[np.float64] = np.bincount(bins, corner_areas, math.prod(shape))  # type: ignore[assignment]
    unreached = shells == shape[2] - 1
    if unreached.any():
        stop = 0
        for parts, found in zip(far, corners, strict=True):
            own = slice(stop, stop := stop + len(found))
            chosen = unreached[own].nonzero()[0]
            if len(chosen):
                signs = np.where(inside[own][chosen], -1.0, 1.0)
                parts.append(_Far(window.indices(found[chosen]), corner_areas[own][chosen], signs))
    return summed.reshape(shape)[:, :, :-1]


def _distribution(
    areas: NDArray[np.float64],
    signed_areas: NDArray[np.float64],
    parts: Sequence[_Far],
    targets: Sequence[tuple[Window, NDArray[np.int64]]],
    geometry: SurfelGeometry,
) -> DistanceDistribution:
    """Distances from one surface to another, once all windows are done: area at each shell, and what lies beyond."""
    distances = geometry.shells.distances
    signed_sum = float(np.dot(signed_areas, distances))
    if not parts:
        return DistanceDistribution.ascending(distances, areas, signed_sum)
    surface = np.concatenate([window.indices(corners) for window, corners in targets], axis=1)
    far = far_distances(np.concatenate([part.corners for part in parts], axis=1), surface, geometry.mm_from_index)
    far_areas, signs = (np.concatenate(each) for each in zip(*((p.areas, p.signs) for p in parts), strict=True))
    return DistanceDistribution.of(
        np.concatenate([distances, far]),
        np.concatenate([areas, far_areas]),
        signed_sum + float(np.dot(far * signs, far_areas)),
    )
