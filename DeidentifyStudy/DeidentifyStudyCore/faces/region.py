"""The region in front of and below the eyes, in a frame that the eyes and the brain give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from DeidentifyStudyCore.faces.anatomy import Eyes, ball
from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume, world_points

__all__ = ["BRAIN_MARGIN", "HeadFrame", "Region", "core_surface", "frame_from_eyes", "frame_from_points", "region_of"]

BRAIN_MARGIN = {"CT": 5.0, "MR": 6.0}
"""Voxels nearer than this to the brain, in mm, are never altered; a template's brain is less exact than a skull."""

_PUPIL_DISTANCE = 64.0
_EYES_BELOW_BRAIN = np.deg2rad(22.0)
"""Angle by which the eyes lie below the middle of the brain, seen from there, with the head held upright."""
_TOP, _BOTTOM, _SIDE = 24.0, -112.0, 84.0
_CORE_TOP, _CORE_BOTTOM, _CORE_SIDE = 8.0, -82.0, 36.0
_RELIEF, _GRAIN = 5.0, 9.0


@dataclass(frozen=True, slots=True)
class HeadFrame:
    """Coordinates of a head: (u, v, w) mm to its left, back and top, from the middle between its eyes.

    Attributes
    ----------
    origin : array
        LPS mm.
    axes : array
        3x3; rows are the LPS unit vectors of u, v and w.
    scale : float
        Size of the head against that of a mean adult.
    """

    origin: Floats
    axes: Floats
    scale: float

    def coordinates(self, points: Floats) -> Floats:
        """(u, v, w) in mm of a mean adult's head, for LPS points of shape (..., 3)."""
        moved: Floats = (points - self.origin) @ self.axes.T / self.scale
        return moved

    def points(self, coordinates: Floats) -> Floats:
        """LPS points of (u, v, w), shape (..., 3)."""
        moved: Floats = coordinates * self.scale @ self.axes + self.origin
        return moved


@dataclass(frozen=True, slots=True)
class Region:
    """What is to be altered, on the working lattice.

    Attributes
    ----------
    mask : array of bool
        Voxels to fill, air in front of the face included; none lies within the margin around the brain.
    proposed_in_brain : int
        Voxels of the brain that the region had before the brain was taken out of it: the frame's own mistake.
    """

    mask: BoolVoxels
    proposed_in_brain: int


def frame_from_eyes(eyes: Eyes, brain_middle: Floats) -> HeadFrame:
    """Frame from both eyes and the middle of the brain, all in LPS mm."""
    across = eyes.left - eyes.right
    frame = frame_from_points(eyes.right, eyes.left, brain_middle)
    return HeadFrame(frame.origin, frame.axes, float(np.clip(np.linalg.norm(across) / _PUPIL_DISTANCE, 0.8, 1.2)))


def frame_from_points(right: Floats, left: Floats, brain_middle: Floats) -> HeadFrame:
    """Frame of unit scale from both eyes and the middle of the brain."""
    origin = (left + right) / 2
    u = (left - right) / np.linalg.norm(left - right)
    to_brain = brain_middle - origin
    to_brain = to_brain - (to_brain @ u) * u
    back = to_brain / np.linalg.norm(to_brain)
    up = np.cross(u, back)
    # the line to the brain rises: turn it down about u until it is level
    cosine, sine = np.cos(_EYES_BELOW_BRAIN), np.sin(_EYES_BELOW_BRAIN)
    v = cosine * back - sine * up
    w = np.cross(u, v)
    return HeadFrame(origin, np.array([u, v, w]), 1.0)


def region_of(
    volume: Volume, frame: HeadFrame, brain: BoolVoxels, margin: float, seed: int, *, ears: bool = False
) -> Region:
    """Everything before a new surface that has nothing of the face: a general curve plus a random relief.

    Parameters
    ----------
    brain : array of bool
        Brain on the working lattice.
    margin : float
        Distance from the brain in mm within which nothing is altered.
    seed : int
        Of the relief; whoever knows the original only can know it.
    ears : bool
        Take the ears too.
    """
    uvw = _frame_coordinates(volume, frame)
    u, v, w = uvw[..., 0], uvw[..., 1], uvw[..., 2]
    limit = _limit(u, w) + _relief(u, w, seed)
    mask = (v < limit) & (w < _TOP) & (w > _BOTTOM) & (np.abs(u) < _SIDE)
    if ears:
        mask |= (np.abs(u) > 69) & (v > 40) & (v < 125) & (w > -50) & (w < 35)
    inside = int((mask & brain).sum())
    near = ndimage.distance_transform_edt(~brain) * STEP <= margin if brain.any() else brain
    return Region(mask & ~near & volume.measured, inside)


def core_surface(volume: Volume, frame: HeadFrame, head: BoolVoxels) -> BoolVoxels:
    """Voxels of the facial surface from the eyes to the chin: head that faces the air in front."""
    uvw = _frame_coordinates(volume, frame)
    core = (uvw[..., 2] < _CORE_TOP) & (uvw[..., 2] > _CORE_BOTTOM) & (np.abs(uvw[..., 0]) < _CORE_SIDE)
    core &= uvw[..., 1] < 15
    surface: BoolVoxels = head & ~ndimage.binary_erosion(head, ball(STEP), border_value=1)
    return surface & core & volume.measured


def _frame_coordinates(volume: Volume, frame: HeadFrame) -> Floats:
    return frame.coordinates(world_points(volume))


def _limit(u: Floats, w: Floats) -> Floats:
    """Where the new surface lies: level with the eyes, deeper below them and to the sides, shallow at the brow."""
    sides = 30.0 * np.square(u / 60.0)
    below = np.interp(w, (-110.0, -60.0, -20.0, 8.0, _TOP), (16.0, 10.0, 3.0, 0.0, -13.0))
    return np.asarray(below + sides)


def _relief(u: Floats, w: Floats, seed: int) -> Floats:
    """Smooth random depths of some millimetres."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((128, 128)), _GRAIN / 2)
    field *= _RELIEF / 2 / field.std()
    field = np.clip(field, -_RELIEF, _RELIEF)
    rows, columns = (w - _BOTTOM) / 1.5, (u + _SIDE) / 1.5
    return np.asarray(ndimage.map_coordinates(field, [rows, columns], order=1, mode="nearest"))
