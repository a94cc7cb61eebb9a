"""Segments as masks of the boxes around them, so that work costs as much as a structure, not as the image."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.ndimage import find_objects

from AnnotationQACore.segmentation import LabelArray, Mask, Segmentation

__all__ = ["Region", "SegmentRegions"]

Region = tuple[slice, slice, slice]

MOST_RUNS = 0.1
"""Runs per voxel above which looking at every voxel is the shorter way, and takes less memory."""


class SegmentRegions:
    """The boxes of all segments of a segmentation, found in one pass over each layer.

    Attributes
    ----------
    segmentation : Segmentation
    """

    def __init__(self, segmentation: Segmentation) -> None:
        self.segmentation = segmentation
        self._regions: dict[str, Region] = {}
        self._masks: dict[str, Mask] = {}
        for layer, voxels in enumerate(segmentation.layers):
            segments = {s.value: s.id for s in segmentation.segments if s.layer == layer}
            for value, region in _boxes(voxels).items():
                if value in segments:
                    self._regions[segments[value]] = region

    def region(self, segment: str) -> Region | None:
        """Box around a segment in the whole image; None when it has no voxels."""
        return self._regions.get(segment)

    def mask(self, segment: str) -> Mask | None:
        """Voxels of a segment in its box; None when it has none."""
        if segment in self._masks:
            return self._masks[segment]
        region = self._regions.get(segment)
        if region is None:
            return None
        described = next(s for s in self.segmentation.segments if s.id == segment)
        voxels = self.segmentation.layers[described.layer][region] == described.value
        mask = Mask(voxels, self.segmentation.grid.cropped(region))
        self._masks[segment] = mask
        return mask

    def voxels(self) -> dict[str, int]:
        """Number of voxels of each segment."""
        masks = {segment.id: self.mask(segment.id) for segment in self.segmentation.segments}
        return {name: 0 if mask is None else int(np.count_nonzero(mask.voxels)) for name, mask in masks.items()}

    def union(self, segments: Iterable[str]) -> Mask | None:
        """Voxels of several segments in the box around all; None when they have none."""
        present = [segment for segment in segments if segment in self._regions]
        if not present:
            return None
        if len(present) == 1:
            return self.mask(present[0])
        boxes = [self._regions[segment] for segment in present]
        low = [min(box[axis].start for box in boxes) for axis in range(3)]
        high = [max(box[axis].stop for box in boxes) for axis in range(3)]
        voxels = np.zeros([b - a for a, b in zip(low, high, strict=True)], dtype=bool)
        for segment, box in zip(present, boxes, strict=True):
            part = tuple(slice(box[axis].start - low[axis], box[axis].stop - low[axis]) for axis in range(3))
            mask = self.mask(segment)
            if mask is not None:
                voxels[part] |= mask.voxels
        around = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        return Mask(voxels, self.segmentation.grid.cropped(around))

    def of_item(self, item: str) -> tuple[str, ...]:
        """IDs of the segments of an item: its own, or those of its instances."""
        return tuple(s.id for s in self.segmentation.segments if s.id.partition("#")[0] == item)

    def instances(self, item: str) -> tuple[int, ...]:
        """Numbers of the instances of an item that have a segment."""
        numbers = [segment.partition("#")[2] for segment in self.of_item(item)]
        return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def _boxes(voxels: LabelArray) -> dict[int, Region]:
    """Box of every value in a layer, by the runs of equal values along its lines.

    Structures are made of few long runs, which are found much faster than every voxel is looked at; a layer that is
    not, such as noise, goes the other way.
    """
    occupied = np.flatnonzero(voxels.any(axis=(1, 2)))
    if not len(occupied):
        return {}
    start, stop = int(occupied[0]), int(occupied[-1]) + 1
    part = np.ascontiguousarray(voxels[start:stop])
    _, rows, width = part.shape
    flat = part.reshape(-1)
    is_last = flat[1:] != flat[:-1]
    is_last[width - 1 :: width] = True
    if np.count_nonzero(is_last) > MOST_RUNS * flat.size:
        return _boxes_by_voxels(part, start)
    last = np.flatnonzero(is_last)
    first = np.concatenate(([0], last + 1))
    last = np.append(last, flat.size - 1)
    values = flat[first]
    order = np.argsort(values, kind="stable")[np.count_nonzero(values == 0) :]
    if not len(order):
        return {}
    values, first, last = values[order], first[order], last[order]
    groups = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    line, left = np.divmod(first, width)
    slices, row = np.divmod(line, rows)
    spans = [
        (np.minimum.reduceat(low, groups), np.maximum.reduceat(high, groups) + 1)
        for low, high in ((slices + start, slices + start), (row, row), (left, last % width))
    ]
    return {
        int(value): (
            slice(int(spans[0][0][n]), int(spans[0][1][n])),
            slice(int(spans[1][0][n]), int(spans[1][1][n])),
            slice(int(spans[2][0][n]), int(spans[2][1][n])),
        )
        for n, value in enumerate(values[groups])
    }


def _boxes_by_voxels(part: LabelArray, start: int) -> dict[int, Region]:
    """The same, looking at every voxel; `part` begins at slice `start`."""
    boxes = {}
    for value, region in enumerate(find_objects(part), start=1):
        if region is not None:
            boxes[value] = (slice(region[0].start + start, region[0].stop + start), region[1], region[2])
    return boxes
