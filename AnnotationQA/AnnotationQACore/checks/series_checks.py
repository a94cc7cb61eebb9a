"""Whether the series of a case are those that the protocol asks for."""

from __future__ import annotations

from collections.abc import Iterator

from AnnotationQACore.checks.context import CheckContext
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity
from AnnotationQACore.wording import worded

__all__ = ["series_problems"]


def series_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Series of another modality than their role allows, too thick slices, and required series that are missing."""
    for role in context.protocol.imaging.series:
        image = context.images.get(role.id)
        if image is None:
            if role.required:
                wording = worded("{role}: the case has no such series; flag it as a wrong series.", role=role.title)
                yield ReadingProblem("", CheckKind.SERIES, Severity.ERROR, wording)
            continue
        if image.modality and image.modality not in role.modalities:
            wording = worded(
                "{role}: the series is {found}, not {wanted}; flag the case as a wrong series, or ask the lead which "
                "series it should be.",
                role=role.title,
                found=image.modality,
                wanted="/".join(role.modalities),
            )
            yield ReadingProblem("", CheckKind.SERIES, Severity.WARNING, wording)
        limit = role.max_slice_thickness_mm
        distance = image.grid.spacing[0]
        if limit is not None and image.has_patient_geometry and image.grid.shape[0] > 1 and distance > limit * 1.001:
            wording = worded(
                "{role}: its slices are {distance:g} mm apart, more than {limit:g} mm; is it the right one?",
                role=role.title,
                distance=distance,
                limit=limit,
            )
            yield ReadingProblem("", CheckKind.SERIES, Severity.WARNING, wording)
