"""Voxels and where they lie, and the lattice on which all anatomy is looked for.

Arrays have shape (k, j, i); affines are 4x4 and map array indices (k, j, i, 1) to LPS mm (PS3.3, C.7.6.2.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["STEP", "BoolVoxels", "Floats", "Volume", "sampled", "working_volume", "world_of", "world_points"]

Floats = NDArray[np.float64]
BoolVoxels = NDArray[np.bool_]

STEP = 2.0
"""Spacing of the working lattice in mm."""
_MOST_VOXELS = 512**3


@dataclass(frozen=True, slots=True)
class Volume:
    """A regular stack of images.

    Attributes
    ----------
    voxels : array of float32
        Of shape (k, j, i), in the modality's units (HU for CT); NaN where nothing was measured.
    affine : array
        4x4, from (k, j, i, 1) to LPS mm; sheared for a gantry tilt.
    """

    voxels: NDArray[np.float32]
    affine: Floats

    @property
    def measured(self) -> BoolVoxels:
        """Voxels that lie in the field of view."""
        return np.isfinite(self.voxels)


def world_of(affine: Floats, indices: NDArray[np.floating[Any]]) -> Floats:
    """LPS mm of shape (..., 3) for array indices of shape (..., 3) in order (k, j, i), or back with the inverse."""
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3], np.float64)


def world_points(volume: Volume) -> Floats:
    """LPS mm of all voxel centres, shape (k, j, i, 3)."""
    indices = np.moveaxis(np.indices(volume.voxels.shape, np.float64), 0, -1)
    return world_of(volume.affine, indices)


def sampled(values: NDArray[np.generic], affine: Floats, points: Floats) -> Floats:
    """Values at LPS points of shape (..., 3), linear between voxel centres; 0 beyond the outermost ones."""
    indices = np.moveaxis(world_of(np.linalg.inv(affine).astype(np.float64), points), -1, 0)
    result: Floats = ndimage.map_coordinates(
        values, indices, output=np.float64, order=1, mode="constant", cval=0.0, prefilter=False
    )
    return result


def working_volume(volume: Volume) -> Volume:
    """Resample to `STEP` mm, axes along S, P and L, so that tilt and acquisition plane play no part any more.

    Fine images are averaged first; beyond the field of view voxels are NaN.
    """
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    blocks = np.maximum(1, np.floor(STEP / spacing + 1e-6)).astype(int)
    voxels, affine = _block_means(volume.voxels, volume.affine, blocks)
    shape = np.array(voxels.shape)
    corners = np.array(np.meshgrid(*[[-0.5, n - 0.5] for n in shape], indexing="ij")).reshape(3, -1).T
    box = world_of(affine, corners)
    low, high = box.min(axis=0), box.max(axis=0)
    size = np.maximum(1, np.ceil((high - low) / STEP)).astype(int)  # x, y, z
    if int(np.prod(size.astype(np.int64))) > _MOST_VOXELS:
        raise ValueError("the volume is too large")
    new = np.zeros((4, 4))
    new[[2, 1, 0, 3], [0, 1, 2, 3]] = (STEP, STEP, STEP, 1.0)
    new[:3, 3] = low + STEP / 2
    combined = np.linalg.inv(affine) @ new
    # half a voxel beyond the outermost centres still belongs to the image
    padded = np.pad(voxels, 1, mode="edge")
    result = ndimage.affine_transform(
        padded,
        combined[:3, :3],
        combined[:3, 3] + 1,
        (int(size[2]), int(size[1]), int(size[0])),
        np.float32,
        order=1,
        cval=np.nan,
    )
    _clear_beyond(result, combined, shape)
    return Volume(result, new)


def _clear_beyond(result: NDArray[np.float32], combined: Floats, shape: NDArray[np.int_]) -> None:
    """Set what lies more than half a voxel outside the image to NaN."""
    grid = [np.arange(n, dtype=np.float64) for n in result.shape]
    for axis in range(3):
        row = combined[axis]
        index = (
            row[0] * grid[0][:, None, None] + row[1] * grid[1][None, :, None] + row[2] * grid[2][None, None, :] + row[3]
        )
        result[(index < -0.5) | (index > shape[axis] - 0.5)] = np.nan


def _block_means(
    voxels: NDArray[np.float32], affine: Floats, blocks: NDArray[np.int_]
) -> tuple[NDArray[np.float32], Floats]:
    """Means of blocks of voxels; what fills no block at the far end is repeated into one."""
    if np.all(blocks == 1):
        return voxels, affine
    pad = [(0, int(-n % b)) for n, b in zip(voxels.shape, blocks, strict=True)]
    padded = np.pad(voxels, pad, mode="edge")
    k, j, i = (n // int(b) for n, b in zip(padded.shape, blocks, strict=True))
    means = padded.reshape(k, int(blocks[0]), j, int(blocks[1]), i, int(blocks[2])).mean(axis=(1, 3, 5))
    new = affine.copy()
    new[:3, :3] = affine[:3, :3] * blocks
    new[:3, 3] = world_of(affine, (blocks - 1) / 2)
    return means.astype(np.float32), new
