"""Ejection fraction from segmentations of the ventricle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from AnnotationQACore.errors import InputError
from AnnotationQACore.measure.size import voxel_volume
from AnnotationQACore.segmentation import Mask

__all__ = ["Ejection", "ejection", "ejection_of_volumes"]


@dataclass(frozen=True, slots=True)
class Ejection:
    """Volumes in ml, and the ejection fraction, stroke volume over end-diastolic volume, as a fraction."""

    end_diastolic_ml: float
    end_systolic_ml: float
    stroke_ml: float
    fraction: float


def ejection(end_diastole: Mask, end_systole: Mask) -> Ejection:
    """Ejection fraction from the blood pool at end-diastole and end-systole, by voxel volumes; grids may differ."""
    return ejection_of_volumes(voxel_volume(end_diastole) / 1000.0, voxel_volume(end_systole) / 1000.0)


def ejection_of_volumes(end_diastolic_ml: float, end_systolic_ml: float) -> Ejection:
    """Ejection fraction from two volumes in ml; `InputError` unless 0 <= end-systolic <= end-diastolic > 0."""
    if not (math.isfinite(end_diastolic_ml) and math.isfinite(end_systolic_ml)):
        raise InputError("ejection fraction: a volume is not finite; check the segmentations.")
    if end_diastolic_ml <= 0 or not 0 <= end_systolic_ml <= end_diastolic_ml:
        raise InputError(
            f"ejection fraction: end-diastole has {end_diastolic_ml:.1f} ml and end-systole {end_systolic_ml:.1f} ml; "
            "check which is which."
        )
    stroke = end_diastolic_ml - end_systolic_ml
    return Ejection(end_diastolic_ml, end_systolic_ml, stroke, stroke / end_diastolic_ml)
