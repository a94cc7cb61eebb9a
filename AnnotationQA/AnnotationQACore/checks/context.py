"""What all checks of a reading look at, and words for their messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.checks.derived_measurements import ImageSource
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity, Spot
from AnnotationQACore.checks.segment_regions import SegmentRegions
from AnnotationQACore.geometry import Vector
from AnnotationQACore.project.answers import CASE_WIDE, Answer, Point, Subject
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.protocol.model import DrawnItem, Item, Protocol
from AnnotationQACore.segmentation import Mask
from AnnotationQACore.wording import Wording

__all__ = ["CheckContext", "base_subject", "inner_position", "problem_of"]


@dataclass(frozen=True, slots=True, eq=False)
class CheckContext:
    """A reading and all that it is compared with.

    Attributes
    ----------
    protocol : Protocol
    reading : Reading
        As it would be submitted.
    regions : SegmentRegions or None
    images : mapping of role to ImageSource
    """

    protocol: Protocol
    reading: Reading
    regions: SegmentRegions | None
    images: Mapping[str, ImageSource]

    def role(self, item: DrawnItem) -> str:
        """Role of the series on which an item is drawn."""
        return item.series or self.protocol.imaging.reference_series

    def image(self, item: DrawnItem) -> ImageSource | None:
        """Series on which an item is drawn."""
        return self.images.get(self.role(item))

    def title(self, item: Item, subject: Subject) -> str:
        """What messages call an item."""
        return item.title if subject.instance is None else f"{item.title} {subject.instance}"

    def base_subject(self, item: Item) -> Subject:
        """See `base_subject`."""
        flat = [role for role, image in self.images.items() if not image.has_patient_geometry]
        return base_subject(self.protocol, item, flat)

    def segment_ids(self, item: str) -> Iterator[str]:
        """Segments of an item that have voxels."""
        if self.regions is not None:
            yield from (s for s in self.regions.of_item(item) if self.regions.region(s) is not None)

    def answers_to(self, item: str) -> tuple[Answer, ...]:
        """Answers to an item."""
        return self.reading.answers_to(item)

    def spot(self, point: Point, role: str) -> Spot:
        """Place of a point on a series."""
        if len(point) == 2:
            return Spot(None, role, (point[0], point[1]))
        return Spot((point[0], point[1], point[2]), role)


def base_subject(protocol: Protocol, item: Item, flat_series: list[str] | tuple[str, ...] = ()) -> Subject:
    """What a drawn item is about, apart from its instance.

    An item that is drawn on an image without patient geometry names the series, for its points are pixels; one that is
    drawn on a named frame names it too.
    """
    if not isinstance(item, DrawnItem):
        return CASE_WIDE
    series = item.series or protocol.imaging.reference_series
    return Subject(series=series) if series in flat_series or item.frame else CASE_WIDE


def problem_of(
    item: Item, kind: CheckKind, severity: str, wording: Wording, subject: Subject, spot: Spot | None = None
) -> ReadingProblem:
    """A problem of an item."""
    return ReadingProblem(item.id, kind, Severity(severity), wording, spot, subject)


def inner_position(mask: Mask) -> Vector:
    """LPS position of a voxel of a structure, near the middle of its largest slice; the mask must not be empty."""
    index = int(np.argmax(np.count_nonzero(mask.voxels, axis=(1, 2))))
    rows, columns = np.nonzero(mask.voxels[index])
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    x, y, z = mask.grid.to_world((index, rows[nearest], columns[nearest])).tolist()
    return (x, y, z)
