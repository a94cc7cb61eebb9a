"""Label arrays: which values they hold, which segments overlap, and how layers become one array."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation

__all__ = [
    "default_segment",
    "distinct_color",
    "label_map",
    "label_values",
    "overlapping_segments",
    "smallest_unsigned",
    "to_labels",
    "with_unnamed_labels",
]

MAX_LABELS = 1000
"""More values than this are taken for an image that is no label map."""


def smallest_unsigned(maximum: int) -> np.dtype[Any]:
    """Smallest unsigned integer type that holds `maximum`."""
    return np.min_scalar_type(max(0, int(maximum)))


def to_labels(voxels: NDArray[Any], path: Path) -> LabelArray:
    """Convert stored voxels to the smallest unsigned integer type.

    Raises
    ------
    InputError
        A voxel is negative, fractional or not finite: the file is an image or a probability map.
    """
    if voxels.dtype.kind == "b":
        return voxels.astype(np.uint8)
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        raise InputError(f"{path}: holds NaN or infinite values where label values are due; store whole numbers.")
    if voxels.dtype.kind == "f" and not (voxels == np.rint(voxels)).all():
        raise InputError(f"{path}: holds fractions where label values are due; is it an image or a probability map?")
    if voxels.dtype.kind not in "iuf" or (voxels.size and voxels.min() < 0):
        raise InputError(f"{path}: holds negative values where label values are due; is it an image?")
    return voxels.astype(smallest_unsigned(int(voxels.max(initial=0))), copy=False)


def label_values(labels: LabelArray) -> list[int]:
    """Values above zero that occur, in ascending order."""
    if labels.dtype.itemsize <= 2 and labels.dtype.kind == "u":
        counts = np.bincount(labels.reshape(-1), minlength=1)
        return [int(value) for value in np.flatnonzero(counts) if value > 0]
    return [int(value) for value in np.unique(labels) if value > 0]


def default_segment(value: int, layer: int = 0) -> Segment:
    """Segment for a label of which only the value is known."""
    return Segment(
        id=f"label-{value}", name=f"Label {value}", value=value, layer=layer, color=distinct_color(value - 1)
    )


def distinct_color(index: int) -> tuple[float, float, float]:
    """Colour number `index`, RGB in [0, 1]; neighbours in number differ in hue by the golden angle."""
    return colorsys.hsv_to_rgb(index * 0.61803398875 % 1.0, 0.6 + 0.2 * (index % 3 == 1), 0.9 - 0.2 * (index % 3 == 2))


def with_unnamed_labels(layers: LabelArray, segments: Sequence[Segment], path: Path) -> tuple[Segment, ...]:
    """Segments, followed by one for each label value in `layers` that none of them names, so that none is lost.

    Raises
    ------
    InputError
        There are more values than a label map has.
    """
    named = {(segment.layer, segment.value) for segment in segments}
    ids = {segment.id for segment in segments}
    result = list(segments)
    for layer, labels in enumerate(layers):
        values = [value for value in label_values(labels) if (layer, value) not in named]
        if len(values) > MAX_LABELS:
            raise InputError(f"{path}: holds {len(values)} different values; is it an image instead of a label map?")
        for value in values:
            segment = default_segment(value, layer)
            if segment.id in ids:
                segment = Segment(f"label-{value}-layer-{layer}", segment.name, value, layer, segment.color)
            ids.add(segment.id)
            result.append(segment)
    return tuple(result)


def overlapping_segments(segmentation: Segmentation) -> list[tuple[str, str]]:
    """Pairs of IDs of segments that share at least one voxel."""
    pairs = []
    by_place = {(segment.layer, segment.value): segment.id for segment in segmentation.segments}
    for first, second in combinations(range(len(segmentation.layers)), 2):
        one, other = segmentation.layers[first], segmentation.layers[second]
        both = (one != 0) & (other != 0)
        if not both.any():
            continue
        met = np.unique(np.stack([one[both], other[both]]), axis=1).T
        found = ((by_place.get((first, int(a))), by_place.get((second, int(b)))) for a, b in met)
        pairs += [(a, b) for a, b in found if a is not None and b is not None]
    return pairs


def label_map(segmentation: Segmentation, purpose: str) -> tuple[LabelArray, tuple[Segment, ...]]:
    """Flatten the layers to one array, shape (k, j, i), and the segments with the values that they have in it.

    Values are kept where they are unique in the whole segmentation; else the segments are numbered from 1 in order.

    Parameters
    ----------
    segmentation : Segmentation
    purpose : str
        What the array is for (a file name), named in the error.

    Raises
    ------
    InputError
        Two segments share voxels: one array cannot hold both.
    """
    overlaps = overlapping_segments(segmentation)
    if overlaps:
        first, second = overlaps[0]
        more = f" and {len(overlaps) - 1} more pairs" if len(overlaps) > 1 else ""
        raise InputError(
            f"{purpose}: segments '{first}' and '{second}'{more} overlap, which a label map cannot hold; "
            "write .seg.nrrd or DICOM SEG."
        )
    segments = segmentation.segments
    values = [segment.value for segment in segments]
    if len(set(values)) < len(values):
        values = list(range(1, len(segments) + 1))
    result = np.zeros(segmentation.grid.shape, smallest_unsigned(max(values, default=0)))
    for layer, labels in enumerate(segmentation.layers):
        present = [(s.value, value) for s, value in zip(segments, values, strict=True) if s.layer == layer]
        table = np.zeros(int(labels.max(initial=0)) + 1, result.dtype)
        for old, new in present:
            if old < len(table):
                table[old] = new
        np.maximum(result, table[labels], out=result)
    return result, tuple(
        replace(segment, value=value, layer=0) for segment, value in zip(segments, values, strict=True)
    )
