"""Distances from one surface to another, weighted by area, and the figures that follow from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.segmentation_agreement import (
    Definition,
    DirectedDistances,
    SurfaceAgreement,
)

__all__ = ["NSD_TOLERANCE", "DistanceDistribution", "Pair", "SurfaceDistances", "one_empty", "surface_agreement"]

Pair = tuple[int, int]
"""Numbers of two masks."""

NSD_TOLERANCE = 1e-6
"""In mm: what a distance may exceed the tolerance of NSD, since both are rounded."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class DistanceDistribution:
    """Distances from the surface of one mask to that of another.

    Attributes
    ----------
    distances : float64 array, shape (n,)
        In mm, ascending; n is one or more.
    areas : float64 array, shape (n,)
        In mm², of the surface at that distance; zero or more, and not all zero.
    reached : float64 array, shape (n,)
        Area in mm² up to that distance.
    signed_sum : float
        Sum of area times distance, negative where the surface lies inside the other mask.
    """

    distances: NDArray[np.float64]
    areas: NDArray[np.float64]
    reached: NDArray[np.float64]
    signed_sum: float

    @classmethod
    def of(cls, distances: NDArray[np.float64], areas: NDArray[np.float64], signed_sum: float) -> DistanceDistribution:
        """Sort distances."""
        order = np.argsort(distances, kind="stable")
        return cls.ascending(distances.take(order), areas.take(order), signed_sum)

    @classmethod
    def ascending(
        cls, distances: NDArray[np.float64], areas: NDArray[np.float64], signed_sum: float
    ) -> DistanceDistribution:
        """Of distances that are sorted."""
        return cls(distances, areas, areas.cumsum(), signed_sum)

    @property
    def area(self) -> float:
        """Area of the whole surface in mm²."""
        return float(self.reached[-1])

    @property
    def sum(self) -> float:
        """Sum of area times distance."""
        return float(np.dot(self.areas, self.distances))

    @property
    def maximum(self) -> float:
        """Largest distance in mm that has any area."""
        return float(self.distances[self.areas.nonzero()[0][-1]])

    def percentile(self, percent: float) -> float:
        """Smallest distance in mm within which so much per cent of the area lies."""
        wanted = percent / 100 * self.area * (1 - _ROUNDING)
        return float(self.distances[self.reached.searchsorted(wanted)])

    def areas_within(self, limits: NDArray[np.float64]) -> list[float]:
        """Areas in mm² that are not further than each of some limits in mm."""
        stops = self.distances.searchsorted(limits, side="right").tolist()
        return [float(self.reached[stop - 1]) if stop else 0.0 for stop in stops]

    def directed(self) -> DirectedDistances:
        """Mean, 95th percentile and maximum."""
        return DirectedDistances(self.sum / self.area, self.percentile(95), self.maximum, self.area)


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """Surface area in mm² of each mask, and for each ordered pair that was asked for its distances.

    A pair of which one mask is empty has no distances.
    """

    areas: tuple[float, ...]
    distances: dict[Pair, DistanceDistribution]


def surface_agreement(
    a_to_b: DistanceDistribution, b_to_a: DistanceDistribution, tolerances_mm: Sequence[float], definition: Definition
) -> SurfaceAgreement:
    """Figures of two masks that both have a surface."""
    a, b = a_to_b.directed(), b_to_a.directed()
    area = a.area_mm2 + b.area_mm2
    limits = np.array(tolerances_mm, dtype=np.float64) + NSD_TOLERANCE
    within = zip(tolerances_mm, a_to_b.areas_within(limits), b_to_a.areas_within(limits), strict=True)
    return SurfaceAgreement(
        hd=max(a.maximum, b.maximum),
        hd95=max(a.percentile95, b.percentile95),
        assd=(a.mean * a.area_mm2 + b.mean * b.area_mm2) / area,
        masd=(a.mean + b.mean) / 2,
        nsd={tau: (within_a + within_b) / area for tau, within_a, within_b in within},
        boundary_shift_mm=(a_to_b.signed_sum / a.area_mm2 - b_to_a.signed_sum / b.area_mm2) / 2,
        a_to_b=a,
        b_to_a=b,
        definition=definition,
    )


def one_empty(
    area_a: float | None, area_b: float | None, tolerances_mm: Sequence[float], definition: Definition
) -> SurfaceAgreement:
    """Figures when one mask is empty (its area is None): everything is infinitely far from it."""
    return SurfaceAgreement(
        hd=math.inf,
        hd95=math.inf,
        assd=math.inf,
        masd=math.inf,
        nsd=dict.fromkeys(tolerances_mm, 0.0),
        boundary_shift_mm=None,
        a_to_b=None if area_a is None else DirectedDistances(math.inf, math.inf, math.inf, area_a),
        b_to_a=None if area_b is None else DirectedDistances(math.inf, math.inf, math.inf, area_b),
        definition=definition,
    )
