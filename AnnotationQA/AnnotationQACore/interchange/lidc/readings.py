"""Turns a scan of LIDC-IDRI into readings under the lung nodule protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.labels import distinct_color
from AnnotationQACore.interchange.lidc.database import RATINGS, Outline, Scan
from AnnotationQACore.interchange.lidc.nodules import group_by_nodule, group_by_reader
from AnnotationQACore.interchange.lidc.outlines import draw_outline, outline_box, scan_grid
from AnnotationQACore.project.readings import (
    Answer,
    Presence,
    RatingValue,
    SegmentationValue,
    Subject,
    segment_id,
)
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation

__all__ = ["ITEM", "ScanReading", "reader_id", "scan_readings"]

ITEM = "nodule"
"""ID of the segmentation item in the lung nodule protocol."""

MARGIN = 4
"""Voxels kept around all nodules of a scan in its segmentations."""


@dataclass(frozen=True, slots=True, eq=False)
class ScanReading:
    """What one radiologist said about one scan.

    Attributes
    ----------
    reader : str
        ID of the reader, `reader_id`.
    segmentation : Segmentation or None
        One segment for each nodule, on the box around the nodules of all readers; None when this reader marked none.
    answers : tuple of Answer
        Whether there is a nodule, and the nine ratings of each.
    """

    reader: str
    segmentation: Segmentation | None
    answers: tuple[Answer, ...]


def reader_id(index: int) -> str:
    """ID of one of the four exchangeable readers; the index counts from 0."""
    return f"lidc-{index + 1}"


def scan_readings(scan: Scan) -> Iterator[ScanReading]:
    """Yield the readings of the four radiologists.

    A nodule has the same instance number in all readings of a scan. A radiologist without outlines found no nodule of
    3 mm or more: all four read every scan.
    """
    nodules = group_by_nodule(scan)
    boxes = [outline_box(scan, outline) for outline in scan.outlines]
    grid = scan_grid(scan)
    low = np.maximum(np.min([box[0] for box in boxes], axis=0) - MARGIN, 0)
    high = np.minimum(np.max([box[1] for box in boxes], axis=0) + MARGIN + 1, grid.shape)
    region = tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
    part = grid.cropped((region[0], region[1], region[2]))
    for index, outlines in enumerate(group_by_reader(nodules)):
        yield ScanReading(
            reader=reader_id(index),
            segmentation=_segmentation(scan, outlines, part, low) if outlines else None,
            answers=tuple(_answers(outlines)),
        )


def _segmentation(scan: Scan, outlines: Mapping[int, Outline], grid: Grid, low: np.ndarray) -> Segmentation:
    layers: list[LabelArray] = []
    segments = []
    for number, outline in outlines.items():
        box = outline_box(scan, outline)
        voxels = draw_outline(scan, outline, box)
        region = tuple(slice(int(a), int(b) + 1) for a, b in zip(*(box - low), strict=True))
        layer = next((n for n, labels in enumerate(layers) if not labels[region][voxels].any()), len(layers))
        if layer == len(layers):
            layers.append(np.zeros(grid.shape, dtype=np.uint8))
        layers[layer][region][voxels] = number + 1
        segments.append(
            Segment(segment_id(ITEM, number + 1), f"Nodule {number + 1}", number + 1, layer, distinct_color(number))
        )
    return Segmentation(np.stack(layers), grid, tuple(segments))


def _answers(outlines: Mapping[int, Outline]) -> Iterator[Answer]:
    if not outlines:
        yield Answer(ITEM, SegmentationValue(Presence.ABSENT))
    for number, outline in outlines.items():
        subject = Subject(instance=number + 1)
        yield Answer(ITEM, SegmentationValue(Presence.PRESENT), subject)
        for column in RATINGS:
            yield Answer(_item_of(column), RatingValue(outline.ratings[column]), subject)


def _item_of(column: str) -> str:
    return "internal_structure" if column == "internalStructure" else column
