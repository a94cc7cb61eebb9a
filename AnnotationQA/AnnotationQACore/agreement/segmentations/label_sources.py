"""Label maps and segmentations of readers, seen as the structures that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import Segmentation

__all__ = ["LabelSource", "Place", "Reading", "as_sources", "structures_of"]

Reading = NDArray[np.generic] | Segmentation
"""A label map, shape (k, j, i), or a segmentation whose segments may overlap."""

Place = tuple[int, int]
"""Number of a label array among all, and the label value there."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelSource:
    """Label arrays of one reader.

    Attributes
    ----------
    name : str
    arrays : tuple of arrays, each of shape (k, j, i)
        One per layer; what overlaps lies in different layers.
    grid : Grid
    segments : dict or None
        For each structure key its layer and value. None for a label map: every value is the key of a structure.
    names : dict
        For each key a name for people, where there is one.
    """

    name: str
    arrays: tuple[NDArray[np.generic], ...]
    grid: Grid
    segments: dict[str, tuple[int, int]] | None
    names: dict[str, str]


def as_sources(readings: Mapping[str, Reading], grid: Grid | None) -> list[LabelSource]:
    """Bring readings to one form.

    Structures are matched by segment ID when all readings are segmentations, else by label value.

    Raises
    ------
    InputError
        A label map has no grid, or its shape does not fit it; or segments in different layers share a value and are to
        be compared with a label map.
    """
    by_id = all(isinstance(reading, Segmentation) for reading in readings.values())
    return [
        _of_segmentation(name, reading, by_id)
        if isinstance(reading, Segmentation)
        else _of_label_map(name, np.asanyarray(reading), grid)
        for name, reading in readings.items()
    ]


def structures_of(
    sources: Sequence[LabelSource], patterns: NDArray[np.int64], wanted: Iterable[int | str] | None
) -> dict[str, dict[str, Place]]:
    """For each structure the places at which the readers hold it; a reader who is missing there did not read it.

    Parameters
    ----------
    sources : sequence of LabelSource
    patterns : int64 array, shape (pattern, array)
        Values that occur together in the arrays of all sources, in order.
    wanted : iterable of int or str, optional
        Structures, in this order; without it all that are found, ascending by value or in the order of the segments.
    """
    firsts = list(accumulate((len(source.arrays) for source in sources), initial=0))
    keys = _found(sources, patterns, firsts) if wanted is None else list(dict.fromkeys(map(str, wanted)))
    return {
        key: {
            source.name: place
            for source, first in zip(sources, firsts, strict=False)
            if (place := _place(source, first, key)) is not None
        }
        for key in keys
    }


def _found(sources: Sequence[LabelSource], patterns: NDArray[np.int64], firsts: Sequence[int]) -> list[str]:
    values: set[int] = set()
    keys: dict[str, None] = {}
    for source, first in zip(sources, firsts, strict=False):
        if source.segments is None:
            values.update(patterns[:, first].tolist())
        else:
            keys.update(dict.fromkeys(source.segments))
    values.discard(0)
    if values:
        values.update(int(key) for key in keys)
        return [str(value) for value in sorted(values)]
    return list(keys)


def _place(source: LabelSource, first: int, key: str) -> Place | None:
    if source.segments is None:
        if not key.isdecimal() or int(key) == 0:
            raise InputError(f"labels: '{key}' is not a label value of {source.name}; give whole numbers from one.")
        return (first, int(key))
    if key not in source.segments:
        return None
    layer, value = source.segments[key]
    return (first + layer, value)


def _of_label_map(name: str, array: NDArray[np.generic], grid: Grid | None) -> LabelSource:
    if grid is None:
        raise InputError(f"{name}: a label map without its grid cannot be measured in mm; give its grid.")
    if array.shape != grid.shape:
        raise InputError(f"{name}: the label map of shape {array.shape} does not fit the grid of shape {grid.shape}.")
    voxels = array.view(np.uint8) if array.dtype.kind == "b" else array
    return LabelSource(name, (voxels,), grid, None, {})


def _of_segmentation(name: str, segmentation: Segmentation, by_id: bool) -> LabelSource:
    places = {}
    names = {}
    for segment in segmentation.segments:
        key = segment.id if by_id else str(segment.value)
        if key in places:
            raise InputError(
                f"{name}: two segments have the label value {key}, and a label map cannot be compared with both; "
                "compare segmentations only, or give each segment its own value."
            )
        places[key] = (segment.layer, segment.value)
        names[key] = segment.name
    return LabelSource(name, tuple(segmentation.layers), segmentation.grid, places, names)
