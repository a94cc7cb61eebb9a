"""The checks of a whole reading before it is submitted."""

from __future__ import annotations

from collections.abc import Mapping

from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQACore.checks.problems import ReadingProblem
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segmentation

__all__ = ["check_reading"]


def check_reading(
    protocol: Protocol,
    reading: Reading,
    segmentation: Segmentation | None,
    images: Mapping[str, ImageSource],
) -> tuple[ReadingProblem, ...]:
    """Everything that is wrong with a reading, in the order of the protocol's items."""
    return ()
