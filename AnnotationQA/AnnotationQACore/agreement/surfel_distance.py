"""Surface distances of one structure as several readers drew it, by the surfel definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.distance_distribution import DistanceDistribution, Pair, SurfaceDistances
from AnnotationQACore.agreement.marching_cubes import surfel_areas
from AnnotationQACore.agreement.neighbours import Shells, far_distances, near_shells, nearest_shell
from AnnotationQACore.agreement.surfels import INSIDE, Majority, Structure, Surfels, Window, find_surfels
from AnnotationQACore.agreement.windows import Extent, separate_boxes, slabs

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
    def of(cls, mm_from_index: NDArray[np.float64]) -> SurfelGeometry:
        """Prepare for voxels of that size and shape."""
        return _geometry(tuple(mm_from_index.reshape(-1).tolist()))

    @property
    def gap(self) -> tuple[int, int, int]:
        """Empty layers after which two boxes are too far apart to be searched together."""
        k, j, i = self.shells.reach
        return (k + 2, j + 2, i + 2)


@lru_cache(maxsize=16)
def _geometry(steps: tuple[float, ...]) -> SurfelGeometry:
    """Prepared once for all images of a voxel size: it takes longer than to compare a small lesion."""
    mm_from_index = np.array(steps).reshape(3, 3)
    return SurfelGeometry(mm_from_index, surfel_areas(mm_from_index), near_shells(mm_from_index))


@dataclass(slots=True)
class _Tally:
    """What is known so far about the distances from one surface to another."""

    area_of_shell: NDArray[np.float64]
    signed_sum: float = 0.0
    far_corners: list[NDArray[np.int64]] = field(default_factory=list)
    far_areas: list[NDArray[np.float64]] = field(default_factory=list)
    far_signs: list[NDArray[np.float64]] = field(default_factory=list)


def surfel_distances(
    structures: Sequence[Structure],
    majorities: Sequence[Majority],
    pairs: Sequence[Pair],
    runs: NDArray[np.int64],
    geometry: SurfelGeometry,
) -> SurfaceDistances:
    """Distances between the surfaces of masks.

    Parameters
    ----------
    structures, majorities
        The masks, numbered in this order.
    pairs : sequence of (int, int)
        Masks between which distances are wanted, in both directions.
    runs : int64 array, shape (3, 2, run)
        Extents that hold all voxels of all structures.
    geometry : SurfelGeometry
    """
    n_masks = len(structures) + len(majorities)
    areas = np.zeros(n_masks)
    directed = [ordered for a, b in pairs for ordered in ((a, b), (b, a))]
    tallies = {pair: _Tally(np.zeros(len(geometry.shells.distances))) for pair in directed}
    found: list[list[tuple[Window, NDArray[np.int64]]]] = [[] for _ in range(n_masks)]
    for window in _windows(runs, geometry) if runs.size else ():
        surfels = find_surfels(window, structures, majorities)
        offsets = geometry.shells.flat(window.steps)
        corner_areas = [geometry.areas[each.codes[each.corners]] for each in surfels]
        for mask, each in enumerate(surfels):
            areas[mask] += corner_areas[mask].sum()
            found[mask].append((window, each.corners))
        for (a, b), tally in tallies.items():
            _measure(window, surfels[a], surfels[b], corner_areas[a], offsets, geometry, tally)
    distances = {
        (a, b): _distribution(tally, found[b], geometry)
        for (a, b), tally in tallies.items()
        if areas[a] > 0 and areas[b] > 0
    }
    return SurfaceDistances(tuple(areas.tolist()), distances)


def _windows(runs: NDArray[np.int64], geometry: SurfelGeometry) -> Iterator[Window]:
    """Windows that hold every corner of the structures once in their core."""
    reach = geometry.shells.reach
    for box in separate_boxes(runs, geometry.gap):
        (first, stop), rows, columns = box
        for start, end in slabs(box):
            held: Extent = ((max(first, start - reach[0] - 1), min(stop, end + reach[0])), rows, columns)
            # The last corners of a box lie after its last slice.
            yield Window(held, reach, (start, end + 1 if end == stop else end))


def _measure(
    window: Window,
    a: Surfels,
    b: Surfels,
    areas: NDArray[np.float64],
    offsets: list[list[int]],
    geometry: SurfelGeometry,
    tally: _Tally,
) -> None:
    """Add the distances from the surface of a to that of b in one window."""
    apart = ~b.surface[a.corners]
    corners, corner_areas = a.corners[apart], areas[apart]
    tally.area_of_shell[0] += areas[~apart].sum()
    if not len(corners):
        return
    shells = nearest_shell(corners, b.surface, len(b.corners), offsets, geometry.shells.n_near)
    signs = np.where(b.codes[corners] == INSIDE, -1.0, 1.0)
    n_shells = len(offsets)
    tally.area_of_shell += np.bincount(shells, weights=corner_areas, minlength=n_shells + 1)[:n_shells]
    signed = np.bincount(shells, weights=corner_areas * signs, minlength=n_shells + 1)[:n_shells]
    tally.signed_sum += float(signed @ geometry.shells.distances)
    far = shells == n_shells
    if np.any(far):
        tally.far_corners.append(window.indices(corners[far]))
        tally.far_areas.append(corner_areas[far])
        tally.far_signs.append(signs[far])


def _distribution(
    tally: _Tally, targets: list[tuple[Window, NDArray[np.int64]]], geometry: SurfelGeometry
) -> DistanceDistribution:
    """Distances from one surface to another, once all windows are done."""
    if not tally.far_corners:
        return DistanceDistribution.of(geometry.shells.distances, tally.area_of_shell, tally.signed_sum)
    surface = np.concatenate([window.indices(corners) for window, corners in targets], axis=1)
    far = far_distances(np.concatenate(tally.far_corners, axis=1), surface, geometry.mm_from_index)
    areas = np.concatenate(tally.far_areas)
    return DistanceDistribution.of(
        np.concatenate([geometry.shells.distances, far]),
        np.concatenate([tally.area_of_shell, areas]),
        tally.signed_sum + float(np.dot(far * np.concatenate(tally.far_signs), areas)),
    )
