"""Pixel spacing of images without a place in the patient: what it is, and what it is not."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind
from AnnotationQACore.interchange.series.stacks import Stack

__all__ = ["PlanarSpacing", "SpacingKind", "planar_findings", "planar_spacing"]

_SAME: Final = 1e-6
_ULTRASOUND: Final = frozenset({"US", "IVUS"})


class SpacingKind(enum.StrEnum):
    """What a distance measured with the pixel spacing means.

    ``patient``: mm in the slice plane. ``calibrated``: mm at the depth of an object of known size, or corrected for
    magnification (PS3.3 10.7.1). ``detector``: mm on the detector, so larger than the anatomy. ``region``: mm within
    the calibrated regions of an ultrasound image. ``unspecified``: stated without saying what it means. ``none``: no
    mm at all.
    """

    PATIENT = "patient"
    CALIBRATED = "calibrated"
    DETECTOR = "detector"
    REGION = "region"
    UNSPECIFIED = "unspecified"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PlanarSpacing:
    """Distance between rows and between columns, mm, and its kind; None where there is none."""

    kind: SpacingKind
    spacing: tuple[float, float] | None = None


def planar_spacing(stack: Stack) -> PlanarSpacing:
    """Pixel spacing of a stack, by the rules of PS3.3 10.7.1.1 to 10.7.1.3."""
    file, frame = stack.first.file, stack.first.frame
    stated = _positive(frame.pixel_spacing)
    if stack.kind is not GeometryKind.NONE:
        return PlanarSpacing(SpacingKind.PATIENT, stated)
    detector = _positive(file.imager_spacing)
    if file.modality in _ULTRASOUND:
        scales = {region.spacing for region in file.regions if region.spatial_format == "2D" and region.spacing}
        if len(scales) == 1:
            return PlanarSpacing(SpacingKind.REGION, scales.pop())
        return PlanarSpacing(SpacingKind.UNSPECIFIED if stated else SpacingKind.NONE, stated)
    if stated and file.calibration in {"GEOMETRY", "FIDUCIAL"}:
        return PlanarSpacing(SpacingKind.CALIBRATED, stated)
    if stated and detector:
        same = max(abs(a - b) for a, b in zip(stated, detector, strict=True)) <= _SAME
        return PlanarSpacing(SpacingKind.DETECTOR if same else SpacingKind.CALIBRATED, stated)
    if detector:
        return PlanarSpacing(SpacingKind.DETECTOR, detector)
    return PlanarSpacing(SpacingKind.UNSPECIFIED if stated else SpacingKind.NONE, stated)


def planar_findings(stack: Stack) -> list[Finding]:
    """Say what distances measured on images without patient geometry mean."""
    if stack.kind is not GeometryKind.NONE:
        return []
    planar = planar_spacing(stack)
    regions = stack.first.file.regions
    if regions:
        kinds = ", ".join(f"{region.data_type} ({region.spatial_format})" for region in regions)
        known = "" if planar.kind is SpacingKind.REGION else "; they give no one pixel spacing"
        message = f"{len(regions)} calibrated {'region' if len(regions) == 1 else 'regions'}: {kinds}{known}."
        return [Finding.info(FindingCode.ULTRASOUND_REGIONS, message)]
    if planar.kind is SpacingKind.CALIBRATED:
        return [Finding.info(FindingCode.SPACING_CALIBRATED, "the pixel spacing is calibrated to the anatomy.")]
    if planar.kind is SpacingKind.DETECTOR:
        factor = stack.first.file.magnification
        known = f"; the header estimates a magnification of {factor:.3g}" if factor else ""
        message = f"the pixel spacing is that of the detector, not calibrated: lengths are magnified{known}."
        return [Finding.warning(FindingCode.SPACING_AT_DETECTOR, message)]
    if planar.kind is SpacingKind.UNSPECIFIED:
        message = "the header states a pixel spacing without saying whether it is calibrated."
        return [Finding.warning(FindingCode.SPACING_UNSPECIFIED, message)]
    return [Finding.warning(FindingCode.NO_SPACING, "no pixel spacing: lengths can be given in pixels only.")]


def _positive(spacing: tuple[float, float] | None) -> tuple[float, float] | None:
    return spacing if spacing is not None and min(spacing) > 0 else None
