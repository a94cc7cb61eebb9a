"""Where the drawing tools may paint, by the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import slicer

from AnnotationQACore.checks.segment_checks import may_overlap
from AnnotationQACore.protocol.model import Protocol, Segmentation

__all__ = ["MaskingRules", "Overwrite", "apply_masking", "masking_rules"]


class Overwrite(StrEnum):
    """What happens to voxels of other segments that are painted over."""

    ALL_SEGMENTS = "all segments"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MaskingRules:
    """Masking of the Segment Editor while one segment is drawn.

    Attributes
    ----------
    overwrite : Overwrite
        `NONE` leaves the voxels of others, so that segments may overlap.
    inside : str
        ID of the segment inside which alone painting is allowed; empty for everywhere.
    intensity : tuple of 2 float or None
        Image values that may be painted.
    """

    overwrite: Overwrite
    inside: str = ""
    intensity: tuple[float, float] | None = None


def masking_rules(protocol: Protocol, item: Segmentation, segment_ids: tuple[str, ...]) -> MaskingRules:
    """Rules for drawing an item, given the segments there are.

    Where it may overlap with one segment and not with another, nothing is overwritten, so that no voxel of the one is
    lost; the check before submitting tells overlaps that are not allowed.
    """
    others = [
        other
        for other in protocol.segmentations
        if other.id != item.id and not other.composed and any(_belongs(segment, other.id) for segment in segment_ids)
    ]
    overlap = [may_overlap(item, other) for other in others]
    overwrite = Overwrite.NONE if any(overlap) else Overwrite.ALL_SEGMENTS
    inside = item.limits.inside
    within = inside.item if inside is not None and inside.margin_mm == 0 and inside.item in segment_ids else ""
    limit = item.editable_intensity
    intensity = None
    if limit is not None:
        low = float("-inf") if limit.min is None else limit.min
        high = float("inf") if limit.max is None else limit.max
        intensity = (low, high)
    return MaskingRules(overwrite, within, intensity)


def apply_masking(
    editor: slicer.vtkMRMLSegmentEditorNode, rules: MaskingRules, value_range: tuple[float, float]
) -> None:
    """Set the rules on a Segment Editor node; `value_range` closes an intensity range that is open at one end."""
    node = slicer.vtkMRMLSegmentEditorNode
    mode = {Overwrite.ALL_SEGMENTS: node.OverwriteAllSegments, Overwrite.NONE: node.OverwriteNone}
    editor.SetOverwriteMode(mode[rules.overwrite])
    segmentation = slicer.vtkMRMLSegmentationNode
    if rules.inside:
        editor.SetMaskMode(segmentation.EditAllowedInsideSingleSegment)
        editor.SetMaskSegmentID(rules.inside)
    else:
        editor.SetMaskMode(segmentation.EditAllowedEverywhere)
    editor.SetSourceVolumeIntensityMask(rules.intensity is not None)
    if rules.intensity is not None:
        low, high = rules.intensity
        editor.SetSourceVolumeIntensityMaskRange(max(low, value_range[0]), min(high, value_range[1]))


def _belongs(segment_id: str, item: str) -> bool:
    return segment_id.partition("#")[0] == item
