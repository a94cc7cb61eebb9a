"""PET or SPECT laid over another image: in hot colours, half transparent."""

from __future__ import annotations

import slicer

from AnnotationQALib.logic.case_images import CaseImages, apply_display_range

__all__ = ["HOT_COLORS", "OPACITY", "color_fused", "end_fusion", "lay_over"]

HOT_COLORS = "vtkMRMLPETProceduralColorNodePET-Heat"
"""ID of the node that Slicer's colour logic makes under this singleton tag, black over red and yellow to white."""

OPACITY = 0.5
FUNCTIONAL = ("PT", "NM")
"""Modalities that are read in colour over anatomy."""


def color_fused(images: CaseImages, role: str) -> None:
    """Show a series in hot colours, if it is of a functional modality; others stay grey."""
    node = images.node(role)
    display = node.GetDisplayNode()
    has_colors = node.GetScene().GetNodeByID(HOT_COLORS) is not None
    if (
        has_colors
        and images.modality(role) in FUNCTIONAL
        and isinstance(display, slicer.vtkMRMLScalarVolumeDisplayNode)
    ):
        display.SetAndObserveColorNodeID(HOT_COLORS)


def end_fusion(images: CaseImages, role: str) -> None:
    """Show a series that was fused in grey levels of its own again."""
    display = images.node(role).GetDisplayNode()
    levels = images.display_range(role, None)
    if display.GetColorNodeID() == HOT_COLORS and levels is not None:
        apply_display_range(display, levels)


def lay_over(composite: slicer.vtkMRMLSliceCompositeNode, volume: slicer.vtkMRMLVolumeNode | None) -> None:
    """Lay a volume over the background; an opacity that the reader has set stays while the volume does."""
    wanted = volume.GetID() if volume is not None else None
    if composite.GetForegroundVolumeID() != wanted:
        composite.SetForegroundVolumeID(wanted)
        composite.SetForegroundOpacity(OPACITY if volume is not None else 0.0)
