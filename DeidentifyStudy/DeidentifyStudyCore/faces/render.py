"""Pictures for the person who confirms: the surface before and after, shaded, from the front and both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from DeidentifyStudyCore.faces.region import HeadFrame
from DeidentifyStudyCore.faces.volume import BoolVoxels, Floats, Volume

__all__ = ["picture", "render_pair", "shaded"]

_STEP = 1.5
_ENLARGED = 2
_ACROSS, _UP, _DEPTH = (-100.0, 100.0), (-120.0, 130.0), (-75.0, 165.0)
_LIGHT = np.array([-0.35, -0.45, 0.82])
_BACKGROUND, _BEHIND, _GAP = 18, 240.0, 12


def render_pair(
    volume: Volume, frame: HeadFrame, head: BoolVoxels, mask: BoolVoxels
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Front, left and right view, side by side: before, and after `mask` was filled with air."""
    rows = []
    for surface in (head, head & ~mask):
        smooth = ndimage.gaussian_filter(surface.astype(np.float32), 0.7)
        upright = _upright(smooth, volume, frame)
        front, left, right = (shaded(upright, view) for view in ("front", "left", "right"))
        gap = np.full((front.shape[0], _GAP), _BACKGROUND, np.uint8)
        rows.append(np.hstack([front, gap, left, gap, right]))
    return rows[0], rows[1]


def _upright(surface: NDArray[np.float32], volume: Volume, frame: HeadFrame) -> NDArray[np.float32]:
    """Resample to the head's own frame: axes down, back and left, `_STEP` mm apart."""
    start = np.array([_ACROSS[0], _DEPTH[0], _UP[1]])
    steps = np.array([[0, 0, -_STEP], [0, _STEP, 0], [_STEP, 0, 0]])
    origin, *ends = frame.points(np.vstack([start, start + steps]))
    to_voxels = np.linalg.inv(volume.affine)
    matrix = to_voxels[:3, :3] @ (np.array(ends) - origin).T
    offset = to_voxels[:3, :3] @ origin + to_voxels[:3, 3]
    shape = tuple(len(np.arange(low, high, _STEP)) for low, high in (_UP, _DEPTH, _ACROSS))
    result: NDArray[np.float32] = ndimage.affine_transform(surface, matrix, offset, shape, np.float32, order=1)
    return result


def shaded(body: NDArray[np.float32], view: str) -> NDArray[np.uint8]:
    """Shade a body, where it is 0.5 or more, as seen from ``front``, ``left`` or ``right``.

    Parameters
    ----------
    body : array of float32
        Axes down, back and left, `_STEP` mm apart.

    Returns
    -------
    array of uint8
        Grey values of shape (rows, columns).
    """
    rays = {"front": body.transpose(0, 2, 1), "left": body[:, :, ::-1], "right": body[:, ::-1, :]}[view]
    first = _first_crossing(rays) * _STEP
    grey = _shade(first)
    return np.asarray(np.kron(grey, np.ones((_ENLARGED, _ENLARGED), np.uint8)), np.uint8)


def _first_crossing(rays: NDArray[np.float32]) -> Floats:
    """Place along the last axis where a ray first reaches 0.5, between samples; NaN where it never does."""
    inside = rays >= 0.5
    at = inside.argmax(axis=2)
    here = np.take_along_axis(rays, at[..., None], axis=2)[..., 0].astype(np.float64)
    before = np.take_along_axis(rays, np.maximum(at - 1, 0)[..., None], axis=2)[..., 0].astype(np.float64)
    rise = np.where(at > 0, here - before, 1.0)
    crossing: Floats = np.where(inside.any(axis=2), at - np.where(at > 0, (here - 0.5) / rise, 0.0), np.nan)
    return crossing


def _shade(first: Floats) -> NDArray[np.uint8]:
    hit = np.isfinite(first)
    filled = np.where(hit, first, _BEHIND)
    smooth = ndimage.gaussian_filter(filled, 0.8)
    rows, columns = np.gradient(smooth)
    normal = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.clip(normal @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    return np.where(hit, 40 + 205 * light, _BACKGROUND).astype(np.uint8)


def picture(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Image.Image:
    """Before above, after below."""
    gap = np.full((8, before.shape[1]), 255, np.uint8)
    return Image.fromarray(np.vstack([before, gap, after]))
