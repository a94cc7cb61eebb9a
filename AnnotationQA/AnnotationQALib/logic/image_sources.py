"""Series of a case as checks and measurements need them."""

from __future__ import annotations

from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.case_loading import LoadedCase

__all__ = ["image_sources"]


def image_sources(loaded: LoadedCase, images: CaseImages) -> dict[str, ImageSource]:
    """Series by role; the voxels are those that were read, not copies."""
    sources = {}
    for series in loaded.series:
        data = series.series
        count = images.frame_count(series.role)
        volumes = () if data.is_color else tuple(images.volume(series.role, n) for n in range(1, count + 1))
        sources[series.role] = ImageSource(
            series.role,
            data.modality,
            volumes,
            images.grid(series.role),
            not series.is_flat,
            data.spacing.spacing,
            data.suv.factor if data.suv is not None else None,
        )
    return sources
