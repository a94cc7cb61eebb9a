"""Statistics of the image within a structure: Hounsfield units, SUV, or whatever its values are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid, require_same_grid
from AnnotationQACore.segmentation import BoolArray, Mask, Volume

__all__ = ["PERCENTILES", "IntensityStatistics", "eroded", "intensity_statistics"]

PERCENTILES = (5.0, 10.0, 25.0, 75.0, 90.0, 95.0)


@dataclass(frozen=True, slots=True)
class IntensityStatistics:
    """Statistics over voxels; NaN throughout when there are none.

    Attributes
    ----------
    voxels : int
        Voxels that the statistics are of.
    not_finite : int
        Voxels left out because their value is NaN or infinite.
    mean, sd, median, minimum, maximum : float
        `sd` is that of these voxels (divided by n).
    percentiles : mapping of percentage to float
        Linear between the ordered values.
    """

    voxels: int
    not_finite: int
    mean: float
    sd: float
    median: float
    minimum: float
    maximum: float
    percentiles: Mapping[float, float]


def intensity_statistics(
    image: Volume,
    mask: Mask,
    *,
    shell_mm: float = 0.0,
    factor: float = 1.0,
    percentiles: Sequence[float] = PERCENTILES,
) -> IntensityStatistics:
    """Statistics of the image values within a mask.

    Parameters
    ----------
    image : Volume
    mask : Mask
        On the grid of the image.
    shell_mm : float
        Leaves out the voxels with any voxel centre outside the mask within this distance: a shell that the partial
        volume effect blurs.
    factor : float
        Multiplies the values, e.g. the SUV factor computed from the dose and the patient's weight.
    percentiles : sequence of float
        Between 0 and 100.

    Raises
    ------
    InputError
        A parameter is out of range, or the image has more than one value per voxel.
    GridMismatch
        Image and mask do not lie on the same grid.
    """
    require_same_grid(image.grid, mask.grid, ("image", "mask"))
    if not math.isfinite(factor) or factor <= 0:
        raise InputError(f"measure: a factor of {factor} cannot be; give the SUV factor, greater than zero.")
    if any(not 0 <= percentile <= 100 for percentile in percentiles):
        raise InputError("measure: percentiles lie between 0 and 100; correct them.")
    if image.voxels.dtype.kind not in "biuf":
        raise InputError(f"measure: image values of type {image.voxels.dtype} have no order; give a scalar image.")
    inside = eroded(mask.voxels, mask.grid, shell_mm)
    values = image.voxels[inside].astype(np.float64)
    finite = values[np.isfinite(values)] * factor
    missing = len(values) - len(finite)
    nan = float("nan")
    if not len(finite):
        return IntensityStatistics(0, missing, nan, nan, nan, nan, nan, dict.fromkeys(map(float, percentiles), nan))
    at = np.percentile(finite, list(percentiles)).tolist()
    return IntensityStatistics(
        len(finite),
        missing,
        float(finite.mean()),
        float(finite.std()),
        float(np.median(finite)),
        float(finite.min()),
        float(finite.max()),
        dict(zip(map(float, percentiles), at, strict=True)),
    )


def eroded(voxels: BoolArray, grid: Grid, shell_mm: float) -> BoolArray:
    """Voxels without any voxel centre outside the mask within `shell_mm`; the image border is no border of the mask."""
    if not math.isfinite(shell_mm) or shell_mm < 0:
        raise InputError(f"measure: a shell of {shell_mm} mm cannot be; give zero or more.")
    if shell_mm == 0 or not voxels.any() or voxels.all():
        return voxels
    from scipy.ndimage import binary_erosion, distance_transform_edt  # slow to load, and few ask for a shell

    if grid.is_sheared:
        # the distance transform knows orthogonal axes only
        return np.asarray(binary_erosion(voxels, structure=_ball(grid, shell_mm), border_value=1), dtype=bool)
    region = tuple(_grown(voxels, axis) for axis in range(3))
    kept = np.zeros_like(voxels)
    part = voxels[region]
    kept[region] = part & (
        distance_transform_edt(part, sampling=grid.spacing) > shell_mm + 1e-9 if not part.all() else part
    )
    return kept


def _grown(voxels: BoolArray, axis: int) -> slice:
    """Range of the voxels along an axis with one more on each side, where the image has one."""
    others = tuple(other for other in range(3) if other != axis)
    occupied = np.flatnonzero(voxels.any(axis=others))
    return slice(max(0, int(occupied[0]) - 1), min(voxels.shape[axis], int(occupied[-1]) + 2))


def _ball(grid: Grid, radius: float) -> BoolArray:
    matrix = grid.affine[:3, :3]
    reach = np.floor(radius * np.linalg.norm(np.linalg.inv(matrix), axis=1) + 1e-9).astype(int)
    offsets = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1)
    ball: BoolArray = np.linalg.norm(offsets @ matrix.T, axis=-1) <= radius + 1e-9
    return ball
