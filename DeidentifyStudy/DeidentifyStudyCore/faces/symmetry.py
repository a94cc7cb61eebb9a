"""The plane about which a head is symmetric, by its image: it tells how the head is turned and inclined."""

from __future__ import annotations

import numpy as np
from scipy import optimize
from scipy.spatial.transform import Rotation

from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume, sampled, world_of

__all__ = ["turned_and_inclined"]

_STEP = 7.0
_STARTS = (-14.0, 0.0, 14.0)
_MOST = 35.0


def turned_and_inclined(volume: Volume, head: BoolVoxels) -> Floats:
    """Rotation (3x3) that takes the LPS axes to those of the head, but for its nod, which symmetry cannot tell.

    The correlation between the image and its mirror image is maximized over turn, inclination and place of the plane.
    """
    values = np.where(head, np.nan_to_num(volume.voxels, nan=0.0), 0.0)
    values = np.clip(values / max(float(np.percentile(values[head], 98)), 1e-6), 0, 1)
    filled = np.argwhere(head)
    top = int(filled[:, 0].max())
    upper = filled[filled[:, 0] > top - 150 / STEP]
    centre = world_of(volume.affine, (upper.min(axis=0) + upper.max(axis=0)) / 2)
    u, v, w = np.arange(3.5, 70, _STEP), np.arange(-90, 91, _STEP), np.arange(-75, 76, _STEP)
    half = np.stack(np.meshgrid(u, v, w, indexing="ij"), axis=-1).reshape(-1, 3)

    def unlikeness(parameters: Floats) -> float:
        turn, inclination, shift = parameters
        if max(abs(turn), abs(inclination)) > _MOST:
            return 2.0
        axes = _rotation(turn, inclination)
        sides = []
        for sign in (1.0, -1.0):
            points = (half * (sign, 1.0, 1.0) + (shift, 0.0, 0.0)) @ axes.T + centre
            sides.append(sampled(values, volume.affine, points))
        left, right = (side - side.mean() for side in sides)
        norm = float(np.linalg.norm(left) * np.linalg.norm(right))
        return 1.0 - float(left @ right) / norm if norm else 2.0

    best = min(
        (_searched(unlikeness, np.array([turn, 0.0, 0.0])) for turn in _STARTS), key=lambda result: float(result.fun)
    )
    return _rotation(float(best.x[0]), float(best.x[1]))


def _searched(function: object, start: Floats) -> optimize.OptimizeResult:
    simplex = start + np.array([[0.0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]])
    options = {"initial_simplex": simplex, "maxfev": 120, "xatol": 0.2, "fatol": 1e-4}
    return optimize.minimize(function, start, method="Nelder-Mead", options=options)


def _rotation(turn: float, inclination: float) -> Floats:
    return np.asarray(Rotation.from_euler("zy", [turn, inclination], degrees=True).as_matrix(), np.float64)
