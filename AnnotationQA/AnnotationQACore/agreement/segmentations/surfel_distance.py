"""Surface distances of one structure as several readers drew it, by the surfel definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.distance_distribution import DistanceDistribution, Pair, SurfaceDistances
from AnnotationQACore.agreement.segmentations.marching_cubes import surfel_areas
from AnnotationQACore.agreement.segmentations.neighbours import Shells, far_distances, near_shells, nearest_shell
from AnnotationQACore.agreement.segmentations.surfels import INSIDE, Majority, Structure, Surfels, Window, find_surfels
from AnnotationQACore.agreement.segmentations.windows import Extent, separate_boxes, slabs

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


@dataclass(frozen=True, slots=True, eq=False)
class _Far:
    """Corners of one surface, as indices (k, j, i) of shape (3, corner), that lie far from another surface."""

    corners: NDArray[np.int64]
    areas: NDArray[np.float64]
    signs: NDArray[np.float64]


@dataclass(slots=True)
class _Tally:
    """What is known so far about the distances from one surface to another."""

    area_of_shell: NDArray[np.float64]
    signed_sum: float = 0.0
    far: list[_Far] = field(default_factory=list)


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
        corner_areas = [
            geometry.areas.take(codes.take(corners))
            for codes, corners in zip(surfels.codes, surfels.corners, strict=True)
        ]
        for mask, corners in enumerate(surfels.corners):
            areas[mask] += corner_areas[mask].sum()
            found[mask].append((window, corners))
        _measure(window, surfels, corner_areas, geometry, tallies)
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
    surfels: Surfels,
    areas: Sequence[NDArray[np.float64]],
    geometry: SurfelGeometry,
    tallies: Mapping[Pair, _Tally],
) -> None:
    """Add the distances from surface to surface in one window; of all pairs together, which saves most of the time."""
    apart = []
    for (a, b), tally in tallies.items():
        shared = surfels.surface[b].take(surfels.corners[a])
        tally.area_of_shell[0] += (areas[a] * shared).sum()
        apart.append(np.flatnonzero(~shared))
    corners = [surfels.corners[a].take(chosen) for (a, _), chosen in zip(tallies, apart, strict=True)]
    corner_areas = np.concatenate([areas[a].take(chosen) for (a, _), chosen in zip(tallies, apart, strict=True)])
    if not len(corner_areas):
        return
    size = surfels.codes.shape[1]
    targets = np.concatenate([found + b * size for (_, b), found in zip(tallies, corners, strict=True)])
    n_surface = sum(len(surfels.corners[b]) for _, b in tallies)
    shells = nearest_shell(targets, surfels.surface.reshape(-1), n_surface, geometry.shells, window.steps)
    inside = surfels.codes.reshape(-1).take(targets) == INSIDE

    n_shells = len(geometry.shells.distances)
    counts = [len(chosen) for chosen in apart]
    bins = np.repeat(2 * np.arange(len(counts)), counts) + inside
    bins *= n_shells + 1
    bins += shells
    summed = np.bincount(bins, weights=corner_areas, minlength=2 * len(counts) * (n_shells + 1))
    by_side = summed.reshape(len(counts), 2, n_shells + 1)[:, :, :n_shells]
    far = shells == n_shells
    stops = np.cumsum(counts).tolist()
    for tally, found, stop, (outside_areas, inside_areas) in zip(
        tallies.values(), corners, stops, by_side, strict=True
    ):
        tally.area_of_shell += outside_areas + inside_areas
        tally.signed_sum += float((outside_areas - inside_areas) @ geometry.shells.distances)
        own = slice(stop - len(found), stop)
        chosen = np.flatnonzero(far[own])
        if len(chosen):
            signs = np.where(inside[own][chosen], -1.0, 1.0)
            tally.far.append(_Far(window.indices(found[chosen]), corner_areas[own][chosen], signs))


def _distribution(
    tally: _Tally, targets: list[tuple[Window, NDArray[np.int64]]], geometry: SurfelGeometry
) -> DistanceDistribution:
    """Distances from one surface to another, once all windows are done."""
    if not tally.far:
        return DistanceDistribution.of(geometry.shells.distances, tally.area_of_shell, tally.signed_sum)
    surface = np.concatenate([window.indices(corners) for window, corners in targets], axis=1)
    far = far_distances(np.concatenate([part.corners for part in tally.far], axis=1), surface, geometry.mm_from_index)
    areas, signs = (np.concatenate(parts) for parts in zip(*((p.areas, p.signs) for p in tally.far), strict=True))
    return DistanceDistribution.of(
        np.concatenate([geometry.shells.distances, far]),
        np.concatenate([tally.area_of_shell, areas]),
        tally.signed_sum + float(np.dot(far * signs, areas)),
    )
