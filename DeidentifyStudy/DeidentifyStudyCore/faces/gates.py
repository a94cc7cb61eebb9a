"""What must be true before an altered face may be shown to a person as done: numbers, thresholds and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from DeidentifyStudyCore.faces.region import HeadFrame, Region, core_surface
from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume, sampled

if TYPE_CHECKING:
    from DeidentifyStudyCore.faces.registration import Registration

__all__ = [
    "MOVED_BY",
    "Gate",
    "brain_gates",
    "eyes_gate",
    "face_in_view",
    "field_of_view_gate",
    "nose_gate",
    "registration_gates",
    "surface_gate",
]

MOVED_BY = 5.0
"""Millimetres by which a point of the surface must have moved to count."""
_LEAST_OVERLAP = 0.88
_SCALES = (0.75, 1.3)
_LEAST_EYES = 0.6
_LEAST_NOSE = 6.0
_LEAST_FIELD = 0.97
_LEAST_MOVED = 0.9
_MOST_PROPOSED = 0.008


@dataclass(frozen=True, slots=True)
class Gate:
    """One number that was measured.

    Attributes
    ----------
    value, least, most : float
        The gate is passed when the value lies within.
    reason : str
        What it means when it does not.
    hard : bool
        A person cannot overrule it.
    """

    name: str
    value: float
    least: float
    most: float
    reason: str
    hard: bool = False

    @property
    def passed(self) -> bool:
        """Whether the value lies within; NaN never does."""
        return self.least <= self.value <= self.most

    def as_json(self) -> dict[str, Any]:
        """Return the gate as JSON; infinite bounds and values that are no number are null."""
        numbers = {name: getattr(self, name) for name in ("value", "least", "most")}
        rounded = {name: round(float(n), 4) if np.isfinite(n) else None for name, n in numbers.items()}
        return {"name": self.name, **rounded, "passed": self.passed, "hard": self.hard, "reason": self.reason}

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> Gate:
        """Read a gate as `as_json` wrote it; bounds that are null are infinite."""
        least, most, value = row["least"], row["most"], row["value"]
        return cls(
            str(row["name"]),
            float("nan") if value is None else float(value),
            float("-inf") if least is None else float(least),
            float("inf") if most is None else float(most),
            str(row["reason"]),
            bool(row["hard"]),
        )


def eyes_gate(likeness: float) -> Gate:
    """CT: how like globes the two eyes are."""
    return Gate("eyes", likeness, _LEAST_EYES, 1.0, "no pair of eyes was found for certain")


def registration_gates(found: Registration) -> list[Gate]:
    """MR: how well the template fits, and whether it had to be distorted for it."""
    low, high = float(found.scales.min()), float(found.scales.max())
    reason = "the template does not lie on the head"
    return [
        Gate("registration overlap", found.overlap, _LEAST_OVERLAP, 1.0, reason),
        Gate("registration least scale", low, _SCALES[0], _SCALES[1], "the template was shrunk beyond any head"),
        Gate("registration greatest scale", high, _SCALES[0], _SCALES[1], "the template was stretched beyond any head"),
    ]


def field_of_view_gate(volume: Volume, frame: HeadFrame) -> Gate:
    """Share of the place where the face must be that lies in the field of view."""
    u, w = np.meshgrid(np.linspace(-36, 36, 19), np.linspace(-80, 8, 23))
    points = frame.points(np.stack([u, np.full(u.shape, -8.0), w], axis=-1))
    seen = sampled(volume.measured.astype(np.float32), volume.affine, points) > 0.5
    nose = frame.points(np.array([[0.0, -30.0, -30.0]]))
    seen_nose = bool(sampled(volume.measured.astype(np.float32), volume.affine, nose)[0] > 0.5)
    value = float(seen.mean()) if seen_nose else min(float(seen.mean()), 0.9)
    return Gate("field of view", value, _LEAST_FIELD, 1.0, "only a part of the face lies in the field of view")


def face_in_view(volume: Volume, frame: HeadFrame) -> bool:
    """Whether any part of the face and its surroundings lies in the field of view."""
    grid = np.meshgrid(np.linspace(-70, 70, 15), np.linspace(-50, 15, 7), np.linspace(-110, 35, 30))
    seen = sampled(volume.measured.astype(np.float32), volume.affine, frame.points(np.stack(grid, axis=-1)))
    return bool(seen.any())


def nose_gate(volume: Volume, frame: HeadFrame, head: BoolVoxels) -> Gate:
    """How far the nose stands out from the cheeks beside it, in mm; this tells front from back, and up from down."""
    depths = np.arange(-70, 41, STEP / 2)
    nose = _front(volume, frame, head, np.linspace(-5, 5, 5), np.linspace(-46, -22, 13), depths)
    cheeks = _front(volume, frame, head, np.array([-26.0, -22.0, 22.0, 26.0]), np.linspace(-46, -22, 13), depths)
    value = float(np.median(cheeks) - np.percentile(nose, 10)) if np.isfinite(cheeks).all() else float("nan")
    reason = "no nose stands out where it should be: the axes of the images, or what was found, are wrong"
    return Gate("nose", value if np.isfinite(value) else float("nan"), _LEAST_NOSE, 60.0, reason)


def _front(volume: Volume, frame: HeadFrame, head: BoolVoxels, u: Floats, w: Floats, depths: Floats) -> Floats:
    """Depth v of the first head voxel from the front, for every u and w; infinite where there is none."""
    grid = np.stack(np.meshgrid(u, depths, w, indexing="ij"), axis=-1)
    inside = sampled(head.astype(np.float32), volume.affine, frame.points(grid)) >= 0.5
    result: Floats = np.where(inside.any(axis=1), depths[inside.argmax(axis=1)], np.inf)
    return result


def brain_gates(region: Region, brain: BoolVoxels) -> list[Gate]:
    """Whether the region kept off the brain by itself, and whether any voxel of the brain is altered."""
    share = region.proposed_in_brain / max(int(brain.sum()), 1)
    return [
        Gate("brain", float((region.mask & brain).sum()), 0, 0, "voxels of the brain would be altered", hard=True),
        Gate("brain estimate", float(brain.sum()) * STEP**3 / 1000, 150, 2500, "no brain was found to protect", True),
        Gate("region in brain", share, 0, _MOST_PROPOSED, "the region reached into the brain before it was cut back"),
    ]


def surface_gate(volume: Volume, frame: HeadFrame, head: BoolVoxels, region: Region) -> Gate:
    """Share of the facial surface, eyes to chin, that moved by more than `MOVED_BY` mm."""
    before = core_surface(volume, frame, head)
    if not before.any():
        value = 0.0
    else:
        distance = ndimage.distance_transform_edt(~(head & ~region.mask)) * STEP
        value = float((distance[before] > MOVED_BY).mean())
    return Gate("surface moved", value, _LEAST_MOVED, 1.0, "too little of the facial surface moved", hard=True)
