"""The face of one frame of reference: what was found in its best series, what is to be altered, and the gates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from DeidentifyStudyCore.canonical import canonical_bytes
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.faces.anatomy import braincase, find_eyes, head_of_ct, head_of_mr
from DeidentifyStudyCore.faces.gates import (
    Gate,
    brain_gates,
    eyes_gate,
    face_in_view,
    field_of_view_gate,
    nose_gate,
    registration_gates,
    surface_gate,
)
from DeidentifyStudyCore.faces.head_model import EYES
from DeidentifyStudyCore.faces.region import (
    BRAIN_MARGIN,
    HeadFrame,
    frame_from_eyes,
    frame_from_points,
    region_of,
)
from DeidentifyStudyCore.faces.render import picture, render_pair
from DeidentifyStudyCore.faces.stack import ImageFile, read_planes, stack_of
from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume, working_volume, world_of

__all__ = ["EXAMINATION", "VERDICTS", "Finding", "examine_series", "examine_volume"]

EXAMINATION = "faces/1"
"""Changes when the same voxels would give another mask."""
_LEAST_HEAD = 300_000.0
_WIDEST_HEAD = 260.0
_LEAST_BRAIN_SEEN = 0.6

VERDICTS = {
    "altered": "a facial surface was found and can be altered; a person must confirm it",
    "no-face": "the images hold no face: nothing to do",
    "review": "a gate failed: a person must look at it",
}
"""What an examination ends with."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a volume.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    reason : str
        One line for people; it holds nothing of the patient.
    digest : str
        SHA-256 of the mask, the gates and the voxels: the name of what a person confirms.
    mask : array of bool or None
        On the working lattice whose affine is `affine`; voxels to fill.
    alters : bool
        Whether a mask goes with it; where none does, a person may say that the images show no face.
    head : array of bool or None
        The head before, on the same lattice.
    picture, altered : Image or None
        The surface before above the surface after, for the person who confirms; and after alone, for reports.
    """

    verdict: str
    reason: str
    gates: tuple[Gate, ...] = ()
    digest: str = ""
    mask: BoolVoxels | None = None
    affine: Floats | None = None
    alters: bool = False
    head: BoolVoxels | None = field(default=None, compare=False)
    picture: Image.Image | None = field(default=None, compare=False)
    altered: Image.Image | None = field(default=None, compare=False)

    @property
    def may_be_confirmed(self) -> bool:
        """Whether a person's word suffices: there is something to look at, and no hard gate failed."""
        return bool(self.digest) and all(gate.passed or not gate.hard for gate in self.gates)

    def as_json(self) -> dict[str, Any]:
        """Return verdict, reason, digest and gates."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "digest": self.digest,
            "alters": self.alters,
            "gates": [gate.as_json() for gate in self.gates],
        }


def examine_series(files: Sequence[ImageFile], *, ears: bool = False) -> Finding:
    """Examine a CT or MR series.

    Raises
    ------
    Quarantined
        ``irregular-series`` or ``undecodable-pixels``.
    """
    frames, affine = stack_of(files)
    return examine_volume(read_planes(frames, affine), files[0].modality, ears=ears)


def examine_volume(volume: Volume, modality: str, *, ears: bool = False) -> Finding:
    """Find the face in a volume of modality ``CT`` or ``MR``; deterministic, the voxels being the seed."""
    source = hashlib.sha256(np.ascontiguousarray(volume.voxels).tobytes()).hexdigest()
    try:
        work = working_volume(volume)
    except ValueError:
        raise Quarantined("irregular-series") from None
    head = head_of_ct(work) if modality == "CT" else head_of_mr(work)
    if int(head.sum()) * STEP**3 < _LEAST_HEAD:
        return Finding("review", "no head was found: too little in the images stands out from air")
    located = _located_ct(work, head) if modality == "CT" else _located_mr(work, head)
    if isinstance(located, Finding):
        return located
    frame, brain = located.frame, located.brain
    seed = int(source[:16], 16)
    region = region_of(work, frame, brain, BRAIN_MARGIN[modality], seed, ears=ears)
    gates = [
        *located.gates,
        field_of_view_gate(work, frame),
        nose_gate(work, frame, head),
        *brain_gates(region, brain),
        surface_gate(work, frame, head, region),
    ]
    failed = [gate for gate in gates if not gate.passed]
    if located.brain_seen > _LEAST_BRAIN_SEEN and not face_in_view(work, frame):
        return Finding("no-face", "no part of the face lies in the field of view", tuple(gates))
    reason = "; ".join(dict.fromkeys(gate.reason for gate in failed)) or VERDICTS["altered"]
    stated = [EXAMINATION, source, hashlib.sha256(np.packbits(region.mask).tobytes()).hexdigest(), ears]
    digest = hashlib.sha256(canonical_bytes(stated)).hexdigest()
    before, after = render_pair(work, frame, head, region.mask)
    verdict = "review" if failed else "altered"
    return Finding(
        verdict,
        reason,
        tuple(gates),
        digest,
        region.mask,
        work.affine,
        True,
        head,
        picture(before, after),
        Image.fromarray(after),
    )


@dataclass(frozen=True, slots=True)
class _Located:
    """Where the head lies; `brain_seen` is the share of its brain in the field of view, 0 where nothing tells."""

    frame: HeadFrame
    brain: BoolVoxels
    gates: tuple[Gate, ...]
    brain_seen: float = 0.0


def _located_ct(work: Volume, head: BoolVoxels) -> _Located | Finding:
    brain = braincase(work, head)
    eyes = find_eyes(work, head, brain)
    if eyes is None:
        width = float(np.ptp(np.flatnonzero(head.any(axis=(0, 1))))) * STEP
        if not brain.any() and width > _WIDEST_HEAD:
            return Finding("no-face", "the body in the images is wider than a head, and has no braincase")
        return Finding("review", "no pair of eyes was found: no head, a part of one, or none like others")
    middle = world_of(work.affine, np.argwhere(brain).mean(axis=0))
    return _Located(frame_from_eyes(eyes, middle), brain, (eyes_gate(eyes.likeness),))


def _located_mr(work: Volume, head: BoolVoxels) -> _Located | Finding:
    from DeidentifyStudyCore.faces.registration import register_template  # MR only: loads SimpleITK

    found = register_template(work, head)
    right, left, middle = (world_of(found.affine, point) for point in (*EYES, np.zeros(3)))
    gates = tuple(registration_gates(found))
    if not all(gate.passed for gate in gates):
        return Finding("review", next(gate.reason for gate in gates if not gate.passed), gates)
    frame = frame_from_points(right, left, middle)
    scale = float(np.clip(np.cbrt(np.prod(found.scales)), 0.8, 1.2))
    return _Located(HeadFrame(frame.origin, frame.axes, scale), found.brain, gates, found.seen)
