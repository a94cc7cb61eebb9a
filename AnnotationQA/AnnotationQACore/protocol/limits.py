"""What is plausible: the checks that a reading is put through before it is submitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from AnnotationQACore.protocol.conditions import Condition
from AnnotationQACore.protocol.constraints import Interval, Slug

__all__ = ["Inside", "LandmarkLimits", "Limit", "MeasurementLimits", "RegionLimits", "Severity"]

Severity = Literal["warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Plausible values, both ends included.

    Attributes
    ----------
    min : float or None
        Smallest plausible value.
    max : float or None
        Largest plausible value.
    severity : str
        With `warning` a reader may submit all the same by giving a reason, with `error` not.
    """

    min: float | None = None
    max: float | None = None
    severity: Severity = "warning"

    def allows(self, value: float) -> bool:
        """Whether a value lies within the limit."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A structure within which a drawing must lie.

    Attributes
    ----------
    item : str
        ID of the enclosing segmentation.
    margin_mm : float
        Distance in mm by which a drawing may reach beyond it.
    severity : str
        With `warning` a reader may submit all the same by giving a reason, with `error` not.
    """

    item: Slug
    margin_mm: Annotated[float, Interval(0)] = 0.0
    severity: Severity = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionLimits:
    """What is plausible of a segmentation, box or polygon.

    Attributes
    ----------
    count : Limit or None
        Number of instances in a case.
    volume_ml : Limit or None
        Volume of each instance, or of the structure, in ml.
    area_mm2 : Limit or None
        Area of each box or polygon, in mm².
    longest_diameter_mm : Limit or None
        Longest diameter of each instance in one plane, in mm.
    mean_intensity : Limit or None
        Mean of the voxels inside: HU in CT, SUV in PET.
    inside : Inside or None
        Structure within which it must lie.
    max_components : int or None
        Largest number of unconnected pieces of each instance (26-neighbourhood); more are stray islands.
    skipped_slices : bool
        Whether slices without voxels are plausible between slices with voxels.
    empty_when : Condition or None
        When this holds, nothing may be drawn: the answer "absent" excludes voxels.
    """

    count: Limit | None = None
    volume_ml: Limit | None = None
    area_mm2: Limit | None = None
    longest_diameter_mm: Limit | None = None
    mean_intensity: Limit | None = None
    inside: Inside | None = None
    max_components: Annotated[int, Interval(1)] | None = None
    skipped_slices: bool = False
    empty_when: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LandmarkLimits:
    """What is plausible of landmarks.

    Attributes
    ----------
    neighbour_distance_mm : Limit or None
        Distance in mm between visible points that follow each other.
    direction : str or None
        Anatomical direction in which the points follow each other; a point against it is out of order.
    inside : Inside or None
        Structure within which each point must lie.
    """

    neighbour_distance_mm: Limit | None = None
    direction: Literal["to_left", "to_right", "to_anterior", "to_posterior", "to_superior", "to_inferior"] | None = None
    inside: Inside | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementLimits:
    """What is plausible of a measurement.

    Attributes
    ----------
    value : Limit or None
        The measured value, in the unit of the quantity; of bidimensional diameters the long one.
    short_axis : Limit or None
        The shorter of bidimensional diameters, in mm.
    count : Limit or None
        Number of measurements in a case, when there may be several.
    inside : Inside or None
        Structure within which both ends must lie.
    """

    value: Limit | None = None
    short_axis: Limit | None = None
    count: Limit | None = None
    inside: Inside | None = None
