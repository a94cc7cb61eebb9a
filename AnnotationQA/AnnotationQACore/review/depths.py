"""How far apart readers' surfaces are where the readers differ, region by region and as an image.

The depth of a voxel in dispute is its distance in mm to the nearest voxel of the structure as drawn by the reader who
does not have it there; of several such readers, the furthest counts. On the outline of one reader it is the distance
to the surface of the other. Where a reader has nothing of the structure in the whole image there is no distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AnnotationQACore.geometry import Grid
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.review.disagreements import Disagreements
from AnnotationQACore.review.run_components import RowRuns
from AnnotationQACore.segmentation import BoolArray

__all__ = ["StructureDepths", "depth_image", "region_distances", "structure_depths"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class StructureDepths:
    """Depths of the voxels in dispute of one structure.

    Attributes
    ----------
    segment : str
    regions : int64 array, shape (run,)
        Region of each run.
    runs : RowRuns
        Runs in which the structure is in dispute.
    depths : float array, shape (voxel,)
        mm, in the order of ``runs.voxels()``; infinite where a reader who differs has nothing of the structure.
    thickness : float array, shape (voxel,)
        mm to the nearest voxel that no reader gave to the structure.
    """

    segment: str
    regions: NDArray[np.int64]
    runs: RowRuns
    depths: FloatArray
    thickness: FloatArray


def structure_depths(
    disagreements: Disagreements, segment_id: str, *, thickness: bool = False, progress: Progress = silent
) -> StructureDepths:
    """Measure one structure; `thickness` is all NaN unless asked for. Exact on every grid."""
    labels, grid = disagreements.labels, disagreements.labels.grid
    place = [segment.id for segment in labels.segments].index(labels.segment(segment_id).id)
    has = disagreements.has[:, :, place]
    pattern = disagreements.pattern_of_run[disagreements.runs.source]
    in_dispute: BoolArray = np.any(has, axis=1) & ~np.all(has, axis=1)
    chosen = np.flatnonzero(in_dispute[pattern])
    runs = disagreements.runs.subset(chosen)
    flat = runs.voxels()
    depths = np.zeros(len(flat))
    thick = np.full(len(flat), np.nan)
    if len(flat):
        pattern_of_voxel = np.repeat(pattern[chosen], runs.length)
        box, lattice = _union_box(disagreements, has)
        index = np.stack(np.unravel_index(flat, grid.shape), axis=1) - [part.start for part in box]
        for number, reader in enumerate(labels.readers):
            progress(number, len(labels.readers), segment_id)
            lacks = ~has[:, number][pattern_of_voxel]
            segment = labels.segments[place]
            mask = labels.of(reader)[segment.layer][box] == segment.value
            found = _distances(mask, lattice, index[lacks])
            depths[lacks] = np.maximum(depths[lacks], found)
        if thickness:
            segment = labels.segments[place]
            union = np.zeros(lattice.shape, dtype=bool)
            for reader in labels.readers:
                union |= labels.of(reader)[segment.layer][box] == segment.value
            outside = np.pad(~union, 1, constant_values=True)
            wider = Grid((outside.shape[0], outside.shape[1], outside.shape[2]), lattice.spacing, (0.0, 0.0, 0.0),
                         lattice.directions)  # fmt: skip
            thick = _distances(outside, wider, index + 1)
    progress(len(labels.readers), len(labels.readers), segment_id)
    return StructureDepths(segment_id, disagreements.region_of_run[chosen], runs, depths, thick)


def region_distances(
    disagreements: Disagreements, progress: Progress = silent
) -> Iterator[tuple[str, NDArray[np.int64], FloatArray]]:
    """Largest depth of the regions, structure by structure, so that a list can be filled in while it is shown.

    Yields
    ------
    segment : str
    regions : int64 array
        Numbers of the regions in which the structure is in dispute.
    distances : float array
        mm; infinite where a reader who differs has nothing of the structure in the image. Where several structures are
        in dispute in a region, the larger of their distances is the region's.
    """
    segments = disagreements.labels.segments
    for done, segment in enumerate(segments):
        progress(done, len(segments), segment.id)
        measured = structure_depths(disagreements, segment.id)
        if not len(measured.runs):
            continue
        first = np.cumsum(measured.runs.length) - measured.runs.length
        of_run = np.maximum.reduceat(measured.depths, first)
        regions, place = np.unique(measured.regions, return_inverse=True)
        largest = np.zeros(len(regions))
        np.maximum.at(largest, place.reshape(-1), of_run)
        yield segment.id, regions, largest
    progress(len(segments), len(segments))


def depth_image(disagreements: Disagreements, progress: Progress = silent) -> NDArray[np.float32]:
    """Image of the depths in mm, shape (k, j, i); 0 where readers agree.

    Where a reader who differs has nothing of the structure, the distance to the outside of the structure counts, so
    that the image is finite.
    """
    grid = disagreements.labels.grid
    image = np.zeros(int(np.prod(grid.shape)), dtype=np.float32)
    segments = disagreements.labels.segments
    for done, segment in enumerate(segments):
        progress(done, len(segments), segment.id)
        measured = structure_depths(disagreements, segment.id, thickness=True)
        flat = measured.runs.voxels()
        finite = np.where(np.isinf(measured.depths), measured.thickness, measured.depths)
        image[flat] = np.maximum(image[flat], finite.astype(np.float32))
    progress(len(segments), len(segments))
    return image.reshape(grid.shape)


def _union_box(disagreements: Disagreements, has: BoolArray) -> tuple[tuple[slice, slice, slice], Grid]:
    """Smallest box that holds the structure of all readers, and its grid."""
    drawn: BoolArray = np.any(has, axis=1)
    runs = np.flatnonzero(drawn[disagreements.pattern_of_run])
    extents = disagreements.joint.extents(runs)
    low, high = extents[:, 0].min(axis=1), extents[:, 1].max(axis=1) + 1
    box = (
        slice(int(low[0]), int(high[0])),
        slice(int(low[1]), int(high[1])),
        slice(int(low[2]), int(high[2])),
    )
    return box, disagreements.labels.grid.cropped(box)


def _distances(mask: BoolArray, grid: Grid, index: NDArray[np.int64]) -> FloatArray:
    """Distance in mm from each voxel index to the nearest voxel of the mask; infinite when it is empty."""
    if not len(index):
        return np.zeros(0)
    if not mask.any():
        return np.full(len(index), np.inf)
    if grid.is_sheared:
        from scipy.spatial import cKDTree  # slow to load, and tilted gantries are rare

        tree = cKDTree(grid.to_world(np.argwhere(mask)))
        found: FloatArray = tree.query(grid.to_world(index))[0]
        return found
    distances: NDArray[np.float64] = ndimage.distance_transform_edt(~mask, sampling=grid.spacing)
    at: FloatArray = distances[tuple(index.T)]
    return at
