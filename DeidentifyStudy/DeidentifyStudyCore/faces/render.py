"""Pictures for the person who confirms: the surface before and after, shaded, from the front and both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from DeidentifyStudyCore.faces.region import HeadFrame
from DeidentifyStudyCore.faces.volume import BoolVoxels, Floats, Volume, sampled

__all__ = ["picture", "render_pair", "shaded"]

_STEP = 1.5
_ENLARGED = 2
_ACROSS, _UP, _DEPTH = (-100.0, 100.0), (-120.0, 130.0), (-75.0, 140.0)
_LIGHT = np.array([-0.35, -0.45, 0.82])
_BACKGROUND = 18


def render_pair(
    volume: Volume, frame: HeadFrame, head: BoolVoxels, mask: BoolVoxels
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Front, left and right view, side by side: before, and after `mask` was filled with air."""
    rows = []
    for surface in (head, head & ~mask):
        smooth = ndimage.gaussian_filter(surface.astype(np.float32), 0.7)
        rows.append(np.hstack([shaded(volume, frame, smooth, view) for view in ("front", "left", "right")]))
    return rows[0], rows[1]


def shaded(volume: Volume, frame: HeadFrame, surface: NDArray[np.float32], view: str) -> NDArray[np.uint8]:
    """Shade the surface at half of its greatest value, as seen from ``front``, ``left`` or ``right``.

    Returns
    -------
    array of uint8
        Grey values of shape (rows, columns).
    """
    across = np.arange(_ACROSS[0], _ACROSS[1], _STEP)
    up = np.arange(_UP[1], _UP[0], -_STEP)
    depth = np.arange(_DEPTH[0], _DEPTH[1], _STEP)
    first = np.full((len(up), len(across)), np.nan)
    half = np.array([across[0], across[-1]])
    for at in depth:
        if view == "front":
            u, v = across, np.full(across.shape, at)
        else:  # the middle of the head is behind the eyes
            sign = 1.0 if view == "left" else -1.0
            u, v = np.full(across.shape, sign * (half[1] - (at - _DEPTH[0]))), sign * across + 30.0
        plane = np.stack(np.broadcast_arrays(u[None, :], v[None, :], up[:, None]), axis=-1)
        inside = sampled(surface, volume.affine, frame.points(plane)) >= 0.5
        first = np.where(np.isnan(first) & inside, at, first)
    grey = _shade(first)
    return np.asarray(np.kron(grey, np.ones((_ENLARGED, _ENLARGED), np.uint8)), np.uint8)


def _shade(first: Floats) -> NDArray[np.uint8]:
    hit = np.isfinite(first)
    filled = np.where(hit, first, _DEPTH[1])
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
