"""A head made of simple bodies: the template of the MR registration, and the phantom of the tests.

Coordinates are LPS mm of the model: x to the left, y to the back, z up; the origin lies in the middle of the braincase.
Dimensions are those of an adult head as anthropometry knows it (breadth 15 cm, length 19 cm, distance of the pupils
64 mm); no image of a person went into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume

__all__ = [
    "CHIN",
    "CT_VALUES",
    "EYES",
    "LIPS",
    "NASION",
    "NOSE_TIP",
    "T1_VALUES",
    "Shape",
    "Tissue",
    "template",
    "tissues_at",
]


class Tissue(IntEnum):
    """What a point of the head belongs to."""

    AIR = 0
    SCALP = 1
    BONE = 2
    CSF = 3
    GREY = 4
    WHITE = 5
    EYE = 6
    FAT = 7
    MUSCLE = 8
    CAVITY = 9


CT_VALUES: Mapping[int, float] = {0: -1000, 1: 20, 2: 900, 3: 8, 4: 38, 5: 30, 6: 12, 7: -90, 8: 55, 9: -1000}
"""HU of the tissues."""
T1_VALUES: Mapping[int, float] = {0: 8, 1: 620, 2: 60, 3: 130, 4: 380, 5: 560, 6: 120, 7: 760, 8: 330, 9: 12}
"""Signal of the tissues in a T1-weighted image."""

EYES = (np.array([-32.0, -70.0, -28.0]), np.array([32.0, -70.0, -28.0]))
"""Centres of the globes: right, left."""
NASION = np.array([0.0, -90.0, -26.0])
NOSE_TIP = np.array([0.0, -118.0, -66.0])
LIPS = np.array([0.0, -103.0, -92.0])
CHIN = np.array([0.0, -98.0, -118.0])


@dataclass(frozen=True, slots=True)
class Shape:
    """How a head differs from the mean one.

    Attributes
    ----------
    size : (float, float, float)
        Factors along x, y and z.
    nose, jaw : float
        Millimetres by which nose and chin stand out more.
    """

    size: tuple[float, float, float] = (1.0, 1.0, 1.0)
    nose: float = 0.0
    jaw: float = 0.0


def tissues_at(points: Floats, shape: Shape = Shape()) -> NDArray[np.uint8]:  # immutable
    """Tissue at points of the model, shape (..., 3) in mm; returns an array of shape (...)."""
    x, y, z = (points[..., axis] / shape.size[axis] for axis in range(3))
    side = np.abs(x)
    label = np.zeros(x.shape, np.uint8)
    face = _face(x, y, z, shape)
    neck = (np.square(x / 56) + np.square((y - 28) / 60) < 1) & (z < -45)
    label[neck] = Tissue.SCALP
    label[(np.square(x / 50) + np.square((y - 28) / 54) < 1) & (z < -45)] = Tissue.MUSCLE
    label[face] = Tissue.SCALP
    label[_ball(side, y, z, (77, 12, -35), (6, 14, 26))] = Tissue.SCALP
    label[_ball(x, y, z, (0, -34, -66), (52, 54, 58))] = Tissue.MUSCLE
    cranium = _ball(x, y, z, (0, 0, 0), (76, 94, 88)) & (z > -62)
    label[cranium] = Tissue.SCALP
    _facial_skeleton(label, side, x, y, z)
    _braincase(label, x, y, z)
    _orbits(label, side, y, z)
    _cavities(label, side, x, y, z)
    return label


def _ball(x: Floats, y: Floats, z: Floats, centre: tuple[float, ...], radii: tuple[float, ...]) -> BoolVoxels:
    inside: BoolVoxels = (
        np.square((x - centre[0]) / radii[0])
        + np.square((y - centre[1]) / radii[1])
        + np.square((z - centre[2]) / radii[2])
        < 1
    )
    return inside


def _face(x: Floats, y: Floats, z: Floats, shape: Shape) -> BoolVoxels:
    face = _ball(x, y, z, (0, -34, -62), (61, 62, 76)) & (y < 25)
    # the nose is a wedge from nasion to tip
    along = np.clip((z + 24) / -42, 0, 1)
    front = -86 - along * (30 + shape.nose)
    half = 5 + 11 * along
    nose = (z < -24) & (z > -72) & (y > front + np.square(x) / 9) & (np.abs(x) < half) & (y < -60)
    lips = _ball(x, y, z, (0, -93, -92), (22, 10, 8))
    chin = _ball(x, y, z, (0, -78, -116), (22, 22 + shape.jaw, 14))
    return face | nose | lips | chin


def _facial_skeleton(label: NDArray[np.uint8], side: Floats, x: Floats, y: Floats, z: Floats) -> None:
    shell = _ball(x, y, z, (0, -34, -62), (52, 53, 66)) & ~_ball(x, y, z, (0, -34, -62), (44, 45, 60))
    label[shell & (y < -40) & (z > -80) & (z < -36)] = Tissue.BONE  # maxilla and cheek bones
    label[shell & (y < 0) & (z < -92)] = Tissue.BONE  # mandible
    label[_ball(side, y, z, (50, -10, -75), (4, 14, 28))] = Tissue.BONE  # its rami
    label[(np.square(x / 18) + np.square((y - 30) / 20) < 1) & (z < -55)] = Tissue.BONE  # spine
    label[_ball(side, y, z, (56, -42, -40), (8, 26, 5))] = Tissue.BONE  # zygomatic arches


def _braincase(label: NDArray[np.uint8], x: Floats, y: Floats, z: Floats) -> None:
    floor = np.where(y < -10, -12.0, -12.0 - 44 * np.clip((y + 10) / 30, 0, 1))  # fossae: front high, back low
    temporal = (38, -6, -24)  # the middle fossae
    outer = _ball(x, y, z, (0, 0, 0), (70, 88, 82)) & (z > floor - 5)
    outer |= _ball(np.abs(x), y, z, temporal, (29, 41, 27)) & _ball(x, y, z, (0, 0, 0), (70, 88, 82))
    inner = _ball(x, y, z, (0, 0, 0), (64, 82, 76)) & (z > floor)
    inner |= _ball(np.abs(x), y, z, temporal, (24, 36, 22)) & _ball(x, y, z, (0, 0, 0), (64, 82, 76))
    brain = _ball(x, y, z, (0, 0, 0), (61, 79, 73)) & (z > floor + 3)
    brain |= _ball(np.abs(x), y, z, temporal, (22, 34, 20)) & _ball(x, y, z, (0, 0, 0), (61, 79, 73))
    label[outer] = Tissue.BONE
    label[inner] = Tissue.CSF
    label[brain] = Tissue.GREY
    white = _ball(x, y, z, (0, 0, 4), (52, 69, 58)) & (z > floor + 11) & (np.abs(x) > 2)
    label[white] = Tissue.WHITE
    label[_ball(np.abs(x), y, z, (12, 0, 12), (8, 32, 13))] = Tissue.CSF
    canal = (np.square(x / 12) + np.square((y - 26) / 14) < 1) & (z < -50)
    label[canal & (z > -62)] = Tissue.CSF
    label[(np.square(x / 7) + np.square((y - 28) / 8) < 1) & (z < -48)] = Tissue.WHITE


def _orbits(label: NDArray[np.uint8], side: Floats, y: Floats, z: Floats) -> None:
    depth = np.clip((y + 86) / 50, 0, 1)  # cones from the rims to the apex
    radius = 22 - 17 * depth
    off = np.hypot(side - (32 - 18 * depth), z + 28)
    span = (y > -80) & (y < -36)
    soft = np.isin(label, (Tissue.SCALP, Tissue.MUSCLE, Tissue.BONE))
    label[span & (off < radius + 4) & (off >= radius) & soft & (y > -74)] = Tissue.BONE
    label[span & (off < radius) & soft & (y > -80)] = Tissue.FAT
    label[_ball(side, y, z, (32, -70, -28), (12, 12, 12))] = Tissue.EYE


def _cavities(label: NDArray[np.uint8], side: Floats, x: Floats, y: Floats, z: Floats) -> None:
    label[_ball(side, y, z, (6, -62, -52), (5, 34, 16))] = Tissue.CAVITY  # nasal cavity
    label[_ball(side, y, z, (28, -58, -60), (11, 15, 13))] = Tissue.CAVITY  # maxillary sinuses
    label[_ball(side, y, z, (9, -84, -8), (7, 3, 9)) & (label == Tissue.BONE)] = Tissue.CAVITY  # frontal sinus
    label[(np.square(x / 9) + np.square((y + 8) / 7) < 1) & (z < -50)] = Tissue.CAVITY  # pharynx


def template() -> tuple[Volume, BoolVoxels, BoolVoxels]:
    """T1-weighted image of the mean head on a lattice of `STEP` mm, its head mask and its brain mask."""
    x, y, z = np.arange(-96, 97, STEP), np.arange(-136, 111, STEP), np.arange(-140, 105, STEP)
    affine = np.zeros((4, 4))
    affine[[2, 1, 0, 3], [0, 1, 2, 3]] = (STEP, STEP, STEP, 1.0)
    affine[:3, 3] = (x[0], y[0], z[0])
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    labels = tissues_at(points)
    values = np.array([T1_VALUES[tissue] for tissue in range(10)], np.float32)
    head = labels != Tissue.AIR
    brain = np.isin(labels, (Tissue.CSF, Tissue.GREY, Tissue.WHITE)) & (points[..., 2] > -60)
    return Volume(values[labels], affine), head, brain
