"""Consensus of whole segmentations: which segments belong together, and how the result is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.decisions import Decisions, joint_decisions
from AnnotationQACore.consensus.result import LabelConsensus, ReaderPerformance
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import require_same_grid
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.segmentation import BoolArray, LabelArray, Segment, Segmentation

__all__ = ["Match", "Missing", "SegmentationConsensus", "StructureConsensus", "segmentation_consensus"]

Match = Literal["id", "name", "value"]
"""What segments of different readers have in common."""

Missing = Literal["empty", "unread"]
"""A reader without a segment: found nothing (``empty``), or did not read it (``unread``)."""

Method = Callable[[Decisions], LabelConsensus]


@dataclass(frozen=True, slots=True, eq=False)
class StructureConsensus:
    """Consensus on some structures that were decided together.

    Attributes
    ----------
    segments : mapping of label value in `result` to Segment
    result : LabelConsensus
    """

    segments: Mapping[int, Segment]
    result: LabelConsensus

    def performance(self) -> tuple[tuple[Segment, ReaderPerformance], ...]:
        """Each reader on each segment."""
        return tuple((self.segments[row.label], row) for row in self.result.performance)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationConsensus:
    """Consensus segmentation with what it came from.

    Attributes
    ----------
    segmentation : Segmentation
        On the readers' grid, with names, colours and codes of the first reader who has the segment.
    structures : tuple of StructureConsensus
        One when no reader's segments overlap and all are decided together, else one for each segment.
    warnings : tuple of str
    """

    segmentation: Segmentation
    structures: tuple[StructureConsensus, ...]
    warnings: tuple[str, ...]


def segmentation_consensus(
    readings: Mapping[str, Segmentation],
    method: Method,
    *,
    match: Match = "id",
    missing: Missing = "empty",
    only: Sequence[str] | None = None,
    margin_mm: float | None = 5.0,
    progress: Progress = silent,
) -> SegmentationConsensus:
    """Compute one segmentation from those of several readers.

    Segments that overlap for no reader are decided together and exclude each other in the result. When segments of
    any reader overlap, or a reader has not read all of them, each segment is decided on its own, and overlaps in the
    result are kept in layers.

    Parameters
    ----------
    readings : mapping of reader name to Segmentation
        At least two, on the same grid.
    method : callable
        From `Decisions` to `LabelConsensus`, e.g. `vote.majority` or ``functools.partial(simple, alpha=2.0)``.
    match : {"id", "name", "value"}
    missing : {"empty", "unread"}
    only : sequence of str, optional
        The segments wanted, by what `match` says; by default all that any reader has.
    margin_mm : float or None
        Of the domain, see `joint_decisions`.
    progress : Progress

    Raises
    ------
    InputError
        Fewer than two readings, unknown segments, two segments of a reader that match the same.
    GridMismatch
        The readings do not lie on the same grid.
    """
    if len(readings) < 2:
        raise InputError(f"consensus: {len(readings)} reading; a consensus needs at least two.")
    if match not in get_args(Match) or missing not in get_args(Missing):
        raise InputError(
            f"consensus: match by {', '.join(get_args(Match))}; missing is {' or '.join(get_args(Missing))}."
        )
    (first_name, first), *others = readings.items()
    for name, other in others:
        require_same_grid(first.grid, other.grid, (first_name, name))
    found = {name: _by_key(name, reading, match) for name, reading in readings.items()}
    wanted = _wanted(found, only)
    warnings = _unlike(found, wanted, missing)
    unread = missing == "unread" and any(key not in segments for segments in found.values() for key in wanted)
    maps = None if unread else _label_maps(readings, found, wanted)
    if maps is not None:
        structures = [_together(maps, found, wanted, method, first, margin_mm)]
        progress(1, 1, "consensus")
    else:
        structures = []
        for done, key in enumerate(wanted):
            progress(done, len(wanted), key)
            structures.append(_alone(key, readings, found, missing, method, margin_mm))
        progress(len(wanted), len(wanted), "consensus")
    told = (*warnings, *(warning for structure in structures for warning in structure.result.warnings))
    segmentation = _layered(structures, first) if maps is None else _one_layer(structures[0], first)
    return SegmentationConsensus(segmentation, tuple(structures), tuple(dict.fromkeys(told)))


def _by_key(reader: str, reading: Segmentation, match: Match) -> dict[str, Segment]:
    keys = [str(getattr(segment, match)) for segment in reading.segments]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise InputError(f"{reader}: two segments have the {match} {twice[0]!r}; match by something else.")
    return dict(zip(keys, reading.segments, strict=True))


def _wanted(found: Mapping[str, Mapping[str, Segment]], only: Sequence[str] | None) -> list[str]:
    every = list(dict.fromkeys(key for segments in found.values() for key in segments))
    if not every:
        raise InputError("consensus: no reader has a segment; check that these are segmentations.")
    unknown = [key for key in only or () if key not in every]
    if unknown:
        raise InputError(f"consensus: no reader has a segment {unknown[0]!r}; there are {', '.join(every)}.")
    return every if only is None else list(dict.fromkeys(only))


def _first(found: Mapping[str, Mapping[str, Segment]], key: str) -> Segment:
    return next(segments[key] for segments in found.values() if key in segments)


def _unlike(found: Mapping[str, Mapping[str, Segment]], wanted: Sequence[str], missing: Missing) -> tuple[str, ...]:
    told = []
    taken = "taken as empty" if missing == "empty" else "taken as not read"
    missed: dict[str, list[str]] = {}
    for key in wanted:
        without = ", ".join(name for name, segments in found.items() if key not in segments)
        if without:
            missed.setdefault(without, []).append(key)
    for without, keys in missed.items():
        listed = ", ".join(map(repr, keys[:5])) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
        these = f"segment {listed} is" if len(keys) == 1 else f"segments {listed} are"
        told.append(f"{these} not there for {without}; {taken}.")
    for key in wanted:
        names = {segments[key].name for segments in found.values() if key in segments}
        if len(names) > 1:
            told.append(f"segment {key!r} has several names ({', '.join(sorted(names))}); the first reader's is kept.")
    return tuple(told)


def _label_maps(
    readings: Mapping[str, Segmentation], found: Mapping[str, Mapping[str, Segment]], wanted: Sequence[str]
) -> dict[str, LabelArray] | None:
    """Each reader's segments as one label map with values 1, 2, ... in the order wanted; None when any overlap."""
    maps = {}
    for name, reading in readings.items():
        segments = {number: found[name][key] for number, key in enumerate(wanted, start=1) if key in found[name]}
        labels = _relabeled(reading, segments)
        if labels is None:
            return None
        maps[name] = labels
    return maps


def _relabeled(reading: Segmentation, segments: Mapping[int, Segment]) -> LabelArray | None:
    used = sorted({segment.layer for segment in segments.values()})
    labels: LabelArray | None = None
    for layer in used:
        values = {segment.value: number for number, segment in segments.items() if segment.layer == layer}
        mapped = _mapped(reading.layers[layer], values)
        if labels is None:
            labels = mapped
        elif np.any((labels > 0) & (mapped > 0)):
            return None
        else:
            labels = np.maximum(labels, mapped)
    if labels is None:
        return np.zeros(reading.grid.shape, dtype=np.uint8)
    return labels


def _mapped(layer: LabelArray, values: Mapping[int, int]) -> LabelArray:
    """The layer with its values exchanged and all others zero; the layer itself where that changes nothing."""
    lowest, highest = int(layer.min()), int(layer.max())
    if lowest < 0:
        raise InputError(f"segmentation: label {lowest} is negative; use 0 for background and positive labels.")
    present = np.arange(highest + 1) if highest < 65536 else np.unique(layer)
    wanted = np.array([values.get(int(value), 0) for value in present])
    if np.array_equal(present, wanted):
        return layer
    dtype = np.uint8 if max(values.values()) < 256 else np.uint16 if max(values.values()) < 65536 else np.uint32
    table: LabelArray = wanted.astype(dtype)
    mapped: LabelArray = table[layer] if highest < 65536 else table[np.searchsorted(present, layer)]
    return mapped


def _together(
    maps: Mapping[str, LabelArray],
    found: Mapping[str, Mapping[str, Segment]],
    wanted: Sequence[str],
    method: Method,
    first: Segmentation,
    margin_mm: float | None,
) -> StructureConsensus:
    decisions = joint_decisions(list(maps.values()), first.grid, list(maps), margin_mm)
    segments = {number: _first(found, key) for number, key in enumerate(wanted, start=1)}
    return StructureConsensus(segments, method(decisions))


def _alone(
    key: str,
    readings: Mapping[str, Segmentation],
    found: Mapping[str, Mapping[str, Segment]],
    missing: Missing,
    method: Method,
    margin_mm: float | None,
) -> StructureConsensus:
    masks: dict[str, BoolArray] = {}
    for name, reading in readings.items():
        segment = found[name].get(key)
        if segment is not None:
            masks[name] = reading.layers[segment.layer] == segment.value
        elif missing == "empty":
            masks[name] = np.zeros(reading.grid.shape, dtype=bool)
    if len(masks) < 2:
        raise InputError(f"segment {key!r}: read by one reader only; leave it out, or take missing ones as empty.")
    grid = next(iter(readings.values())).grid
    decisions = joint_decisions(list(masks.values()), grid, list(masks), margin_mm)
    return StructureConsensus({1: _first(found, key)}, method(decisions))


def _layered(structures: Sequence[StructureConsensus], first: Segmentation) -> Segmentation:
    """Put the structures into as few layers as keep their overlaps; values stay where they do not collide."""
    described = [structure.segments[1] for structure in structures]
    values = [segment.value for segment in described]
    if len(set(values)) < len(values):
        values = list(range(1, len(values) + 1))
    layers: list[LabelArray] = []
    taken: list[BoolArray] = []
    segments: list[Segment] = []
    for structure, segment, value in zip(structures, described, values, strict=True):
        mask = structure.result.voxels > 0
        layer = next((index for index, other in enumerate(taken) if not np.any(other & mask)), len(layers))
        if layer == len(layers):
            layers.append(np.zeros(first.grid.shape, dtype=_dtype_for(max(values))))
            taken.append(np.zeros(first.grid.shape, dtype=bool))
        layers[layer][mask] = value
        taken[layer] |= mask
        segments.append(replace(segment, value=value, layer=layer))
    return Segmentation(np.stack(layers), first.grid, _with_own_ids(segments))


def _one_layer(structure: StructureConsensus, first: Segmentation) -> Segmentation:
    voxels = structure.result.voxels
    segments = {number: replace(segment, layer=0) for number, segment in structure.segments.items()}
    values = [segment.value for segment in segments.values()]
    if len(set(values)) < len(values):
        segments = {number: replace(segment, value=number) for number, segment in segments.items()}
    table: NDArray[np.integer] = np.zeros(max(segments) + 1, dtype=_dtype_for(max(s.value for s in segments.values())))
    for number, segment in segments.items():
        table[number] = segment.value
    restored = voxels if np.array_equal(table, np.arange(len(table))) else table[voxels]
    return Segmentation(restored[None], first.grid, _with_own_ids(list(segments.values())))


def _with_own_ids(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Segments matched by name or value may come from readers who gave one ID to different ones."""
    ids = [segment.id for segment in segments]
    if len(set(ids)) == len(ids):
        return tuple(segments)
    return tuple(replace(segment, id=f"segment-{segment.value}") for segment in segments)


def _dtype_for(highest: int) -> type[np.unsignedinteger]:
    return np.uint8 if highest < 256 else np.uint16 if highest < 65536 else np.uint32
