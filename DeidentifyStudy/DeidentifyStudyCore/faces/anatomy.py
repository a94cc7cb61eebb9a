"""What images of a head show: its surface, and in CT, without an atlas, skull, braincase and eyes.

All functions work on the lattice of `volume.working_volume`: axes (k, j, i) along S, P, L, `STEP` mm apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume, world_of

__all__ = ["Eyes", "ball", "braincase", "find_eyes", "head_of_ct", "head_of_mr"]

_AIR_HU = -300.0
_BONE_HU = 180.0
_TABLE_RADIUS = 4.0
"""Structures thinner than twice this are no head: table tops, head holders, pillows' covers."""
_LEAST_BRAINCASE = 150_000.0
_GLOBE = 12.0
_LEAST_SCORE, _MOST_PEAKS = 0.35, 40
_PUPILS = (48.0, 80.0)
"""Distance of the pupils in mm; adults have 54 to 74 (Dodgson 2004), children less."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """Centres of the globes in LPS mm, and how like globes they are, in [0, 1]."""

    right: Floats
    left: Floats
    likeness: float


def ball(radius: float) -> BoolVoxels:
    """Structuring element: a ball of `radius` mm."""
    reach = int(radius // STEP)
    k, j, i = np.ogrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1]
    inside: BoolVoxels = (k * k + j * j + i * i) * STEP * STEP <= radius * radius
    return inside


def head_of_ct(volume: Volume) -> BoolVoxels:
    """Head with all its cavities: the largest body that is not air, without table and head holder."""
    tissue = np.nan_to_num(volume.voxels, nan=-1024.0) > _AIR_HU
    return _filled(_largest_opened(tissue))


def head_of_mr(volume: Volume) -> BoolVoxels:
    """Head with all its cavities: the largest body that stands out from the noise of the air around it."""
    values = np.nan_to_num(volume.voxels, nan=0.0)
    measured = values[volume.measured]
    if not len(measured) or float(np.ptp(measured)) == 0:
        return np.zeros(values.shape, np.bool_)
    smooth = ndimage.gaussian_filter(values, 1.0)
    threshold = _otsu(np.log1p(np.maximum(smooth[volume.measured], 0)))
    return _filled(_largest_opened(np.log1p(np.maximum(smooth, 0)) > threshold))


def braincase(volume: Volume, head: BoolVoxels) -> BoolVoxels:
    """Inside of the skull in CT; empty where there is none.

    Soft tissue that has bone on most sides, cut off from the rest where foramina are narrow.
    """
    values = np.nan_to_num(volume.voxels, nan=-1024.0)
    bone = head & (values > _BONE_HU)
    soft = head & (values > -30) & (values < 120)
    wall = ndimage.binary_dilation(bone, ball(2 * STEP))
    core = ndimage.binary_erosion(soft & ~wall, ball(STEP), border_value=1)
    core &= _enclosed(bone)
    labels, count = ndimage.label(core)
    if not count:
        return np.zeros(head.shape, np.bool_)
    sizes = np.bincount(labels.ravel())[1:]
    if sizes.max() * STEP**3 < _LEAST_BRAINCASE:
        return np.zeros(head.shape, np.bool_)
    inside = labels == int(sizes.argmax()) + 1
    result: BoolVoxels = ndimage.binary_dilation(inside, np.ones((3, 3, 3), np.bool_), iterations=5, mask=head & ~bone)
    return result


def find_eyes(volume: Volume, head: BoolVoxels, brain: BoolVoxels) -> Eyes | None:
    """Globes in CT: a pair of balls of water's density, with air before, fat behind and bone around them.

    Returns None when there is no such pair.
    """
    values = np.nan_to_num(volume.voxels, nan=-1024.0).astype(np.float32)
    if not brain.any():
        return None
    score = _globe_scores(values, head, brain, volume.measured)
    places = _peaks(score)
    centre = world_of(volume.affine, np.argwhere(brain).mean(axis=0))
    best: tuple[float, Floats, Floats] | None = None
    for one, two in combinations(places, 2):
        points = sorted((world_of(volume.affine, place.astype(np.float64)) for place in (one, two)), key=lambda p: p[0])
        weight = _pair_weight(points[0], points[1], centre)
        total = weight * float(score[tuple(one)] + score[tuple(two)]) / 2
        if total > 0 and (best is None or total > best[0]):
            best = (total, points[0], points[1])
    return None if best is None else Eyes(best[1], best[2], best[0])


def _peaks(score: NDArray[np.float32]) -> list[NDArray[np.int_]]:
    """Highest places of the score, none within a globe of a higher one."""
    rest = score.copy()
    reach = int(_GLOBE / STEP)
    places: list[NDArray[np.int_]] = []
    while len(places) < _MOST_PEAKS:
        place = np.array(np.unravel_index(int(rest.argmax()), rest.shape))
        if rest[tuple(place)] < _LEAST_SCORE:
            break
        near = np.argwhere(rest >= 0.97 * rest[tuple(place)])
        near = near[np.abs(near - place).max(axis=1) <= reach]
        places.append(np.round(near.mean(axis=0)).astype(np.int_))  # the middle of a plateau
        low, high = np.maximum(place - reach, 0), place + reach + 1
        rest[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = 0
    return places


def _pair_weight(right: Floats, left: Floats, centre: Floats) -> float:
    """How like a pair of eyes two points lie, as seen from the middle of the brain."""
    across = left - right
    distance = float(np.linalg.norm(across))
    middle = (left + right) / 2 - centre
    if not _PUPILS[0] <= distance <= _PUPILS[1] or float(np.linalg.norm(middle)) < 45:
        return 0.0
    sideways = abs(float(across @ middle)) / distance / float(np.linalg.norm(middle))
    level = abs(float(across[0])) / distance
    return max(0.0, 1.0 - 2 * sideways) if level > 0.7 else 0.0


def _globe_scores(
    values: NDArray[np.float32], head: BoolVoxels, brain: BoolVoxels, measured: BoolVoxels
) -> NDArray[np.float32]:
    water = (values > -25) & (values < 75)
    fat = (values > -160) & (values < -35)
    bone = values > _BONE_HU
    inner = ball(_GLOBE - 4)
    radii = _radii(34.0)
    around = (radii > _GLOBE + 0.5) & (radii <= _GLOBE + 7)
    wide = (radii > _GLOBE + 4) & (radii <= 28)
    outside = ~head & measured
    in_front = np.zeros(radii.shape, np.bool_)
    middle = radii.shape[0] // 2
    in_front[middle - 2 : middle + 3, : middle - int(16 / STEP), middle - 2 : middle + 3] = True
    in_front &= radii <= 34
    filled = _share(water, inner)
    ring = _share(fat | outside, around) * (1 - _share(water, around))
    walls = np.minimum(_share(bone, wide) / 0.12, 1)
    air = np.minimum(_share(outside, in_front) / 0.3, 1)
    score = np.clip((filled - 0.7) / 0.3, 0, 1) * np.minimum(ring / 0.5, 1) * walls * air
    score[brain | ~head] = 0
    return np.asarray(score, np.float32)


def _radii(reach: float) -> Floats:
    steps = int(reach // STEP)
    k, j, i = np.ogrid[-steps : steps + 1, -steps : steps + 1, -steps : steps + 1]
    return np.asarray(np.sqrt(k * k + j * j + i * i) * STEP, np.float64)


def _share(what: BoolVoxels, kernel: BoolVoxels) -> NDArray[np.float32]:
    """Share of the kernel's voxels, centred on each voxel, that have the property."""
    weights = kernel[::-1, ::-1, ::-1].astype(np.float32) / kernel.sum()
    return np.asarray(signal.fftconvolve(what.astype(np.float32), weights, mode="same"), np.float32)


def _enclosed(bone: BoolVoxels) -> BoolVoxels:
    """Voxels with bone above, on both sides, in front and behind, in at least four of these directions."""
    count = np.zeros(bone.shape, np.int8)
    for axis, backwards in ((0, True), (1, False), (1, True), (2, False), (2, True)):
        turned = np.flip(bone, axis) if backwards else bone
        seen = np.maximum.accumulate(turned, axis=axis)
        count += np.flip(seen, axis) if backwards else seen
    result: BoolVoxels = count >= 4
    return result


def _largest_opened(tissue: BoolVoxels) -> BoolVoxels:
    core = ndimage.binary_erosion(tissue, ball(_TABLE_RADIUS), border_value=1)
    labels, count = ndimage.label(core)
    if not count:
        return np.zeros(tissue.shape, np.bool_)
    largest = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    result: BoolVoxels = ndimage.binary_dilation(
        largest, ball(STEP), iterations=int(_TABLE_RADIUS / STEP) + 1, mask=tissue
    )
    return result


def _filled(body: BoolVoxels) -> BoolVoxels:
    """Fill cavities, also those open to a face of the field of view, slice by slice in every direction."""
    result: BoolVoxels = ndimage.binary_closing(body, ball(2 * STEP)) | body
    for axis in range(3):
        turned = np.moveaxis(result, axis, 0)
        for number, plane in enumerate(turned):
            turned[number] = ndimage.binary_fill_holes(plane)
    return result


def _otsu(values: NDArray[np.float32]) -> float:
    """Threshold that separates two classes best (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * np.square(sums / below - (sums[-1] - sums) / above)
    return float(middles[int(np.nanargmax(between))])
