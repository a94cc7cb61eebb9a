"""Whether the series of a case are those that the protocol asks for."""

from __future__ import annotations

from collections.abc import Iterator

from AnnotationQACore.checks.context import CheckContext
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity

__all__ = ["series_problems"]


def series_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Series of another modality than their role allows, too thick slices, and required series that are missing."""
    for role in context.protocol.imaging.series:
        image = context.images.get(role.id)
        if image is None:
            if role.required:
                message = f"{role.title}: the case has no such series; flag it as a wrong series."
                yield ReadingProblem("", CheckKind.SERIES, Severity.ERROR, message)
            continue
        if image.modality and image.modality not in role.modalities:
            wanted = " or ".join(role.modalities)
            message = (
                f"{role.title}: the series is {image.modality}, not {wanted}; flag the case as a wrong series, "
                "or ask the lead which series it should be."
            )
            yield ReadingProblem("", CheckKind.SERIES, Severity.WARNING, message)
        limit = role.max_slice_thickness_mm
        distance = image.grid.spacing[0]
        if limit is not None and image.has_patient_geometry and image.grid.shape[0] > 1 and distance > limit * 1.001:
            message = (
                f"{role.title}: its slices are {distance:g} mm apart, more than {limit:g} mm; is it the right one?"
            )
            yield ReadingProblem("", CheckKind.SERIES, Severity.WARNING, message)
