"""Everything that is measured of the segments of a segmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label as label_components

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import require_same_grid
from AnnotationQACore.measure.diameters import Diameter, PlaneDiameters, longest_diameter, plane_diameters
from AnnotationQACore.measure.intensity import PERCENTILES, IntensityStatistics, intensity_statistics
from AnnotationQACore.measure.size import (
    SliceArea,
    SurfaceSize,
    cropped,
    largest_slice_area,
    surface_size,
    voxel_volume,
)
from AnnotationQACore.segmentation import Mask, Segment, Segmentation, Volume

__all__ = ["DEFINITIONS", "SegmentMeasurements", "measure_segments"]

DEFINITIONS = {
    "volume_mm3": "number of voxels times the volume of a voxel",
    "surface_volume_mm3": "volume inside the marching-cubes surface half-way between inside and outside voxel centres",
    "surface_area_mm2": "area of that surface",
    "parts": "connected parts, voxels touching at a face, edge or corner",
    "largest_area": "largest number of voxels on a slice times the area of a pixel",
    "in_plane": "longest diameter of a connected part on a slice, and the longest perpendicular to it on that slice "
    "(RECIST 1.1), of the convex hull of points half-way between outermost voxel centres and their outer neighbours",
    "longest_3d": "longest distance in space between such points, over all parts",
    "intensity": "over all voxels; the standard deviation divides by n, percentiles are linear",
    "intensity_core": "the same without voxels that have a voxel centre outside the segment within the shell",
}


@dataclass(frozen=True, slots=True)
class SegmentMeasurements:
    """Measurements of one segment; lengths in mm, points in LPS mm. None where an empty segment has nothing to measure.

    `intensity_core` leaves the partial-volume shell out; it is None when none was asked for.
    """

    segment: Segment
    voxels: int
    volume_mm3: float
    surface: SurfaceSize
    parts: int
    largest_area: SliceArea | None
    in_plane: PlaneDiameters | None
    longest_3d: Diameter | None
    intensity: IntensityStatistics
    intensity_core: IntensityStatistics | None


def measure_segments(
    image: Volume,
    segmentation: Segmentation,
    *,
    only: Sequence[str] | None = None,
    slice_axis: int = 0,
    shell_mm: float = 0.0,
    factor: float = 1.0,
    percentiles: Sequence[float] = PERCENTILES,
) -> Iterator[SegmentMeasurements]:
    """Measure each segment, one after the other.

    Parameters
    ----------
    image : Volume
    segmentation : Segmentation
        On the grid of the image.
    only : sequence of str, optional
        IDs of the segments wanted; all by default.
    slice_axis : int
        See `plane_diameters`.
    shell_mm, factor, percentiles
        See `intensity_statistics`.

    Raises
    ------
    InputError
        No such segment, a negative label, or a parameter out of range.
    GridMismatch
        Image and segmentation do not lie on the same grid.
    """
    require_same_grid(image.grid, segmentation.grid, ("the image", "the segmentation"))
    ids = [segment.id for segment in segmentation.segments]
    unknown = [wanted for wanted in only or () if wanted not in ids]
    if unknown:
        raise InputError(f"measure: no segment '{unknown[0]}'; there are {', '.join(ids) or 'none'}.")
    for segment in segmentation.segments:
        if only is None or segment.id in only:
            mask = segmentation.mask(segment.id)
            whole = intensity_statistics(image, mask, factor=factor, percentiles=percentiles)
            core = None
            if shell_mm != 0:
                core = intensity_statistics(image, mask, shell_mm=shell_mm, factor=factor, percentiles=percentiles)
            yield _measured(segment, mask, slice_axis, whole, core)


def _measured(
    segment: Segment, mask: Mask, slice_axis: int, whole: IntensityStatistics, core: IntensityStatistics | None
) -> SegmentMeasurements:
    part = cropped(mask)
    _, parts = label_components(part.voxels, structure=np.ones((3, 3, 3)))
    return SegmentMeasurements(
        segment,
        int(np.count_nonzero(part.voxels)),
        voxel_volume(part),
        surface_size(part),
        int(parts),
        largest_slice_area(mask, slice_axis),
        plane_diameters(mask, slice_axis),
        longest_diameter(part),
        whole,
        core,
    )
