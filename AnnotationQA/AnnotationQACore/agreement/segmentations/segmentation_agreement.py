"""What a comparison of segmentations found, and how it is written as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from AnnotationQACore.agreement.segmentations.confusion import Confusion
from AnnotationQACore.agreement.segmentations.empty_masks import Presence

__all__ = [
    "Definition",
    "DirectedDistances",
    "Json",
    "LabelAgreement",
    "PairAgreement",
    "PairKappa",
    "SegmentationAgreement",
    "Summary",
    "SurfaceAgreement",
]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Definition(StrEnum):
    """What the surface of a mask is."""

    SURFEL = "surfel"
    SUBVOXEL = "subvoxel"

    @property
    def description(self) -> str:
        """One sentence for reports and exports."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Definition.SURFEL: (
        "Surface elements at the corners between voxels, weighted by the marching-cubes area of their 2x2x2 "
        "neighbourhood (Nikolov et al. 2018); the image border counts as surface; HD95 is the larger of the two "
        "directed area-weighted 95th percentiles; NSD counts distances up to the tolerance + 1e-6 mm."
    ),
    Definition.SUBVOXEL: (
        "Marching-cubes triangles at 0.5 of the mask smoothed by a Gaussian of sigma max(0.7 voxel, 0.6 x coarsest "
        "spacing), weighted by area; the image border counts as surface; HD95 is the larger of the two directed "
        "area-weighted 95th percentiles; NSD counts distances up to the tolerance + 1e-6 mm; structures too thin "
        "for it are measured by the surfel definition, and named."
    ),
}


@dataclass(frozen=True, slots=True)
class DirectedDistances:
    """Distances from the surface of one mask to that of another, in mm, weighted by area.

    Attributes
    ----------
    mean, percentile95, maximum : float
    area_mm2 : float
        Area of the surface from which they are measured.
    """

    mean: float
    percentile95: float
    maximum: float
    area_mm2: float

    def to_json(self) -> dict[str, Json]:
        """Infinite figures are ``"inf"``."""
        return {
            "mean": _number(self.mean),
            "percentile95": _number(self.percentile95),
            "maximum": _number(self.maximum),
            "area_mm2": self.area_mm2,
        }


@dataclass(frozen=True, slots=True)
class SurfaceAgreement:
    """Surface distances of masks a and b, which are not both empty.

    Attributes
    ----------
    hd, hd95 : float
        Larger of the two directed maxima and of the two directed 95th percentiles, in mm.
    assd : float
        Mean over both surfaces together, in mm.
    masd : float
        Mean of the two directed means, in mm.
    nsd : dict
        For each tolerance in mm the part of both surfaces within it, in [0, 1].
    boundary_shift_mm : float or None
        How far on average the surface of a lies outside that of b (negative: inside), in mm; exchanging a and b
        changes the sign. None when one mask is empty.
    a_to_b, b_to_a : DirectedDistances or None
        None from an empty mask: it has no surface.
    definition : Definition
        That was used, which can be the surfel one although the sub-voxel one was asked for.
    """

    hd: float
    hd95: float
    assd: float
    masd: float
    nsd: dict[float, float]
    boundary_shift_mm: float | None
    a_to_b: DirectedDistances | None
    b_to_a: DirectedDistances | None
    definition: Definition

    def to_json(self) -> dict[str, Json]:
        """Undefined figures are None, infinite ones ``"inf"``."""
        return {
            "hd": _number(self.hd),
            "hd95": _number(self.hd95),
            "assd": _number(self.assd),
            "masd": _number(self.masd),
            "nsd": {str(float(tau)): value for tau, value in self.nsd.items()},
            "boundary_shift_mm": self.boundary_shift_mm,
            "a_to_b": self.a_to_b.to_json() if self.a_to_b else None,
            "b_to_a": self.b_to_a.to_json() if self.b_to_a else None,
            "surface_definition": self.definition.value,
        }


_NO_SURFACE: dict[str, Json] = {
    "hd": None,
    "hd95": None,
    "assd": None,
    "masd": None,
    "nsd": {},
    "boundary_shift_mm": None,
    "a_to_b": None,
    "b_to_a": None,
    "surface_definition": None,
}


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two readers of one structure; b is the reference where one is needed.

    Overlap is None where it is undefined; `surface` is None when both masks are empty or no distances were asked for.
    """

    a: str
    b: str
    state: Presence
    confusion: Confusion
    dice: float | None
    jaccard: float | None
    volume_similarity: float | None
    sensitivity: float | None
    precision: float | None
    kappa: float | None
    volume_a_mm3: float
    volume_b_mm3: float
    surface: SurfaceAgreement | None

    @property
    def volume_difference_mm3(self) -> float:
        """Volume of a minus volume of b."""
        return self.volume_a_mm3 - self.volume_b_mm3

    def to_json(self) -> dict[str, Json]:
        """Undefined figures are None, infinite ones ``"inf"``."""
        return {
            "a": self.a,
            "b": self.b,
            "state": self.state.value,
            "dice": self.dice,
            "jaccard": self.jaccard,
            "volume_similarity": self.volume_similarity,
            "sensitivity": self.sensitivity,
            "precision": self.precision,
            "kappa": self.kappa,
            "volume_a_mm3": self.volume_a_mm3,
            "volume_b_mm3": self.volume_b_mm3,
            "volume_difference_mm3": self.volume_difference_mm3,
            **(_NO_SURFACE if self.surface is None else self.surface.to_json()),
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over pairs in which at least one reader found the structure.

    Attributes
    ----------
    n_pairs, n_both_absent : int
        All pairs; those among them in which neither reader found the structure, which no mean contains.
    dice, hd95, assd : float or None
        Means; infinite as soon as one pair is, since no pair is dropped. None without a pair.
    nsd : dict
        Mean for each tolerance in mm.
    """

    n_pairs: int
    n_both_absent: int
    dice: float | None
    hd95: float | None
    assd: float | None
    nsd: dict[float, float]

    @classmethod
    def of(cls, pairs: Sequence[PairAgreement]) -> Summary:
        """Summarize some pairs."""
        scored = [pair for pair in pairs if pair.state is not Presence.BOTH_ABSENT]
        surfaces = [pair.surface for pair in scored if pair.surface is not None]
        tolerances = surfaces[0].nsd if surfaces else ()
        return cls(
            n_pairs=len(pairs),
            n_both_absent=len(pairs) - len(scored),
            dice=_mean([pair.dice for pair in scored if pair.dice is not None]),
            hd95=_mean([surface.hd95 for surface in surfaces]),
            assd=_mean([surface.assd for surface in surfaces]),
            nsd={tau: math.fsum(surface.nsd[tau] for surface in surfaces) / len(surfaces) for tau in tolerances},
        )

    def to_json(self) -> dict[str, Json]:
        """Undefined figures are None, infinite ones ``"inf"``."""
        return {
            "n_pairs": self.n_pairs,
            "n_both_absent": self.n_both_absent,
            "dice": self.dice,
            "hd95": _number(self.hd95),
            "assd": _number(self.assd),
            "nsd": {str(float(tau)): value for tau, value in self.nsd.items()},
        }


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """One structure.

    Attributes
    ----------
    label : str
        Label value, or ID of the segment.
    name : str
        For people.
    pairs : tuple of PairAgreement
        Every two readers who read it, in the order of the readers.
    against_reference : tuple of PairAgreement
        Every reader (a) and the reference (b); empty without one.
    against_consensus : tuple of PairAgreement
        Every reader (a) and the strict majority of the others (b); empty unless asked for.
    fleiss_kappa : float or None
        Voxelwise, of all who read it, over the whole grid.
    not_read : tuple of str
        Readers who did not read this structure; they are in no pair.
    too_thin : bool
        Whether the sub-voxel definition was asked for and could not be used.
    """

    label: str
    name: str
    pairs: tuple[PairAgreement, ...]
    against_reference: tuple[PairAgreement, ...]
    against_consensus: tuple[PairAgreement, ...]
    fleiss_kappa: float | None
    not_read: tuple[str, ...]
    too_thin: bool = False

    @property
    def summary(self) -> Summary:
        """Means over `pairs`."""
        return Summary.of(self.pairs)

    def to_json(self) -> dict[str, Json]:
        """Lists of pairs and what they have in common."""
        return {
            "name": self.name,
            "pairs": [pair.to_json() for pair in self.pairs],
            "against_reference": [pair.to_json() for pair in self.against_reference],
            "against_consensus": [pair.to_json() for pair in self.against_consensus],
            "summary": self.summary.to_json(),
            "fleiss_kappa": self.fleiss_kappa,
            "not_read": list(self.not_read),
        }


@dataclass(frozen=True, slots=True)
class PairKappa:
    """Voxelwise Cohen kappa of two readers over all labels and background at once; None when undefined."""

    a: str
    b: str
    kappa: float | None


@dataclass(frozen=True, slots=True)
class SegmentationAgreement:
    """Agreement of several readers on the segmentation of one image.

    Attributes
    ----------
    definition : Definition
        That was asked for.
    readers : tuple of str
    reference : str or None
    labels : dict
        For each label value (as text) or segment ID its agreement.
    kappas : tuple of PairKappa
        Empty when segments overlap: a voxel has then no single category.
    fleiss_kappa : float or None
        Voxelwise, of all readers and labels; None when segments overlap.
    left_out_mm3 : dict
        For each reader the labelled volume outside the field of view that all have in common.
    messages : tuple of str
        What was done to make the segmentations comparable, and which structures fell back to the surfel definition.
    """

    definition: Definition
    readers: tuple[str, ...]
    reference: str | None
    labels: dict[str, LabelAgreement]
    kappas: tuple[PairKappa, ...]
    fleiss_kappa: float | None
    left_out_mm3: dict[str, float] = field(default_factory=dict)
    messages: tuple[str, ...] = ()

    def worst(self, n: int = 10) -> list[tuple[str, PairAgreement]]:
        """Labels and pairs that agree least by Dice, then by Hausdorff distance; pairs without voxels are left out."""
        scored = [
            (label.label, pair)
            for label in self.labels.values()
            for pair in label.pairs
            if pair.state is not Presence.BOTH_ABSENT
        ]
        return sorted(scored, key=_badness)[:n]

    def to_json(self) -> dict[str, Json]:
        """JSON document of ``annotation-qa agreement``."""
        return {
            "definition": self.definition.value,
            "definition_text": self.definition.description,
            "readers": list(self.readers),
            "reference": self.reference,
            "labels": {key: label.to_json() for key, label in self.labels.items()},
            "kappas": [{"a": pair.a, "b": pair.b, "kappa": pair.kappa} for pair in self.kappas],
            "fleiss_kappa": self.fleiss_kappa,
            "left_out_mm3": dict(self.left_out_mm3),
            "messages": list(self.messages),
        }


def _badness(entry: tuple[str, PairAgreement]) -> tuple[float, float]:
    pair = entry[1]
    return (pair.dice or 0.0, -pair.surface.hd if pair.surface else 0.0)


def _mean(values: Sequence[float]) -> float | None:
    if not values:
        return None
    return math.inf if math.inf in values else math.fsum(values) / len(values)


def _number(value: float | None) -> float | str | None:
    return "inf" if value is not None and math.isinf(value) else value
