"""The checks of a whole reading before it is submitted."""

from __future__ import annotations

from collections.abc import Mapping

from AnnotationQACore.checks.answer_checks import answer_problems, required_problems
from AnnotationQACore.checks.context import CheckContext
from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQACore.checks.drawing_checks import drawing_problems
from AnnotationQACore.checks.laterality import laterality_problems
from AnnotationQACore.checks.problems import ReadingProblem, Severity
from AnnotationQACore.checks.segment_checks import segment_problems
from AnnotationQACore.checks.segment_regions import SegmentRegions
from AnnotationQACore.checks.series_checks import series_problems
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segmentation

__all__ = ["check_reading"]


def check_reading(
    protocol: Protocol,
    reading: Reading,
    segmentation: Segmentation | None,
    images: Mapping[str, ImageSource],
    regions: SegmentRegions | None = None,
) -> tuple[ReadingProblem, ...]:
    """Everything that is wrong with a reading: errors first, each in the order of the protocol's items.

    Parameters
    ----------
    protocol : Protocol
    reading : Reading
        As it would be submitted, with derived measurements.
    segmentation : Segmentation or None
        Its voxels, on the grid of the series on which they were drawn.
    images : mapping of role to ImageSource
        The series of the case.
    regions : SegmentRegions, optional
        Of the segmentation, where they are known.
    """
    if segmentation is not None and regions is None:
        regions = SegmentRegions(segmentation)
    context = CheckContext(protocol, reading, regions, images)
    problems = [
        *series_problems(context),
        *required_problems(context),
        *answer_problems(context),
        *segment_problems(context),
        *drawing_problems(context),
        *laterality_problems(context),
    ]
    order = {item: place for place, item in enumerate(protocol.item_ids)}
    problems.sort(key=lambda p: (p.severity != Severity.ERROR, order.get(p.item, -1), p.subject.instance or 0))
    return tuple(dict.fromkeys(problems))
