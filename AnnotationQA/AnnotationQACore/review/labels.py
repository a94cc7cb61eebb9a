"""The readers' segmentations side by side: the same structures in the same layers with the same values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.runs import joint_runs
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.common_grid import on_one_grid
from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import BoolArray, LabelArray, Segment, Segmentation

__all__ = ["Match", "ReviewLabels", "review_labels"]

Match = Literal["id", "name"]
"""What segments of different readers have in common."""


@dataclass(frozen=True, slots=True, eq=False)
class ReviewLabels:
    """Segmentations of all readers on one grid, in layers in which no reader's structures overlap.

    Attributes
    ----------
    grid : Grid
    segments : tuple of Segment
        Every structure that any reader lists; `layer` and `value` are those in `layers`.
    layers : mapping of reader to integer array, shape (layer, k, j, i)
    missing : mapping of reader to tuple of segment IDs
        Structures that a reader does not list although another does; compared as empty.
    messages : tuple of str
        What was done so that they can be compared, and what a reviewer must know: one line each.
    """

    grid: Grid
    segments: tuple[Segment, ...]
    layers: Mapping[str, LabelArray]
    missing: Mapping[str, tuple[str, ...]]
    messages: tuple[str, ...] = ()

    @property
    def readers(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(self.layers)

    def segment(self, segment_id: str) -> Segment:
        """One structure; raises `InputError` when no reader lists it."""
        for segment in self.segments:
            if segment.id == segment_id:
                return segment
        raise InputError(
            f"review: no reader has a structure '{segment_id}'; there are {[s.id for s in self.segments]}."
        )

    def mask(self, reader: str, segment_id: str) -> BoolArray:
        """Voxels of one structure of one reader, shape (k, j, i)."""
        segment = self.segment(segment_id)
        mask: BoolArray = self.of(reader)[segment.layer] == segment.value
        return mask

    def of(self, reader: str) -> LabelArray:
        """Layers of one reader, shape (layer, k, j, i); raises `InputError` when there is no such reader."""
        if reader not in self.layers:
            raise InputError(f"review: no reading by '{reader}'; there are {', '.join(self.readers)}.")
        return self.layers[reader]

    def segmentation(self, reader: str) -> Segmentation:
        """What one reader drew, with all structures listed."""
        return Segmentation(self.of(reader), self.grid, self.segments)


def review_labels(
    segmentations: Mapping[str, Segmentation], grid: Grid | None = None, match: Match | None = None
) -> ReviewLabels:
    """Bring the readers' segmentations together.

    Parameters
    ----------
    segmentations : mapping of reader to Segmentation
        One or more; a reader who drew nothing is given with no segments.
    grid : Grid, optional
        The reference grid, see `common_grid.on_one_grid`.
    match : {"id", "name"}, optional
        Without it by ID, unless no two readers share one: then by name, and that is said.

    Raises
    ------
    InputError
        There is no reading, or two segments of a reader match the same.
    """
    if not segmentations:
        raise InputError("review: no reading was given; choose one segmentation or more.")
    common = on_one_grid(segmentations, grid)
    messages = list(common.messages)
    if match is None:
        match = "id" if _shares(common.segmentations, "id") or not _shares(common.segmentations, "name") else "name"
        if match == "name":
            messages.append("the readers' segments have no ID in common; they are matched by name.")
    found = {reader: _by_key(reader, one, match) for reader, one in common.segmentations.items()}
    keys = list(dict.fromkeys(key for own in found.values() for key in own))
    missing = {reader: tuple(key for key in keys if key not in own) for reader, own in found.items()}
    messages += _told(found, missing)
    if len(segmentations) == 1:
        messages.append(f"{next(iter(segmentations))}: is the only reading; there is nothing to compare it with.")
    described = [next(own[key] for own in found.values() if key in own) for key in keys]
    unchanged = _as_they_are(common.segmentations, found, keys)
    if unchanged is not None:
        segments = tuple(replace(segment, layer=0) for segment in described)
        layers: Mapping[str, LabelArray] = unchanged
    else:
        segments, layers = _relayered(common.segmentations, found, keys, described)
    if match == "name":
        segments, missing = _with_ids(segments, keys, missing)
    return ReviewLabels(common.grid, segments, layers, missing, tuple(messages))


def _shares(segmentations: Mapping[str, Segmentation], attribute: str) -> bool:
    """Whether two readers have something in common, or there are no two to compare."""
    sets = [{getattr(segment, attribute) for segment in one.segments} for one in segmentations.values() if one.segments]
    return len(sets) < 2 or any(a & b for number, a in enumerate(sets) for b in sets[:number])


def _by_key(reader: str, one: Segmentation, match: Match) -> dict[str, Segment]:
    found: dict[str, Segment] = {}
    for segment in one.segments:
        key = str(getattr(segment, match))
        if key in found:
            raise InputError(f"{reader}: two segments have the {match} '{key}'; give each its own.")
        found[key] = segment
    return found


def _told(found: Mapping[str, Mapping[str, Segment]], missing: Mapping[str, Sequence[str]]) -> list[str]:
    told = []
    for reader, lacking in missing.items():
        if not found[reader]:
            told.append(f"{reader}: drew nothing; every structure of the others counts as missed.")
        elif lacking:
            told.append(f"{reader}: does not list {', '.join(lacking)}; compared as empty.")
    return told


def _as_they_are(
    segmentations: Mapping[str, Segmentation], found: Mapping[str, Mapping[str, Segment]], keys: Sequence[str]
) -> dict[str, LabelArray] | None:
    """The readers' own arrays, where all have one layer, the same values, and no voxels that are of no segment."""
    values: dict[str, int] = {}
    for own in found.values():
        for key, segment in own.items():
            if values.setdefault(key, segment.value) != segment.value:
                return None
    if len(set(values.values())) < len(keys) or any(len(one.layers) != 1 for one in segmentations.values()):
        return None
    for reader, one in segmentations.items():
        listed = {segment.value for segment in found[reader].values()}
        highest = int(one.layers.max())
        if highest > 255 or int(one.layers.min()) < 0:
            return None
        occurring = set(np.flatnonzero(_occurs(one.layers[0], highest)).tolist()) - {0}
        if not occurring <= listed:
            return None
    return {reader: one.layers for reader, one in segmentations.items()}


def _occurs(layer: LabelArray, highest: int) -> BoolArray:
    """For each value up to `highest` whether it occurs; only voxels that differ from the one before are looked up."""
    occurs = np.zeros(highest + 1, dtype=bool)
    for plane in layer:
        occurs[plane[:, 0]] = True
        occurs[plane[:, 1:][plane[:, 1:] != plane[:, :-1]]] = True
    return occurs


def _relayered(
    segmentations: Mapping[str, Segmentation],
    found: Mapping[str, Mapping[str, Segment]],
    keys: Sequence[str],
    described: Sequence[Segment],
) -> tuple[tuple[Segment, ...], dict[str, LabelArray]]:
    """Number the structures 1, 2, ... and put them in as few layers as keep every reader's overlaps."""
    layer_of = _layers_without_overlap(segmentations, found, keys)
    dtype = np.uint8 if len(keys) < 256 else np.uint16
    count = max(layer_of, default=0) + 1
    layers: dict[str, LabelArray] = {}
    for reader, one in segmentations.items():
        target: LabelArray = np.zeros((count, *one.grid.shape), dtype=dtype)
        for source, voxels in enumerate(one.layers):
            own = [(number, found[reader][key]) for number, key in enumerate(keys) if key in found[reader]]
            for layer in range(count):
                values = {s.value: number + 1 for number, s in own if (s.layer, layer_of[number]) == (source, layer)}
                if values:
                    np.maximum(target[layer], _mapped(voxels, values, dtype), out=target[layer])
        layers[reader] = target
    segments = tuple(
        replace(segment, layer=layer, value=number)
        for number, (segment, layer) in enumerate(zip(described, layer_of, strict=True), start=1)
    )
    return segments, layers


def _mapped(voxels: LabelArray, values: Mapping[int, int], dtype: type[np.unsignedinteger]) -> LabelArray:
    table: NDArray[np.integer] = np.zeros(max(int(voxels.max()), *values) + 1, dtype=dtype)
    for old, new in values.items():
        table[old] = new
    mapped: LabelArray = table[voxels]
    return mapped


def _layers_without_overlap(
    segmentations: Mapping[str, Segmentation], found: Mapping[str, Mapping[str, Segment]], keys: Sequence[str]
) -> list[int]:
    """For each structure the first layer in which it meets no other one of the same reader."""
    together = np.zeros((len(keys), len(keys)), dtype=bool)
    for reader, one in segmentations.items():
        if len(one.layers) < 2:
            continue
        patterns, _, _ = joint_runs(list(one.layers), [reader] * len(one.layers)).patterns()
        place = {(segment.layer, segment.value): keys.index(key) for key, segment in found[reader].items()}
        for pattern in patterns:
            at = [place[entry] for entry in enumerate(pattern.tolist()) if entry in place]
            together[np.ix_(at, at)] = True
    chosen: list[int] = []
    for number in range(len(keys)):
        taken = {chosen[other] for other in range(number) if together[number, other]}
        chosen.append(next(layer for layer in range(len(keys) + 1) if layer not in taken))
    return chosen


def _with_ids(
    segments: tuple[Segment, ...], keys: Sequence[str], missing: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[Segment, ...], dict[str, tuple[str, ...]]]:
    """Structures matched by name need IDs of their own: several readers may have given one ID to different ones."""
    ids = [segment.id for segment in segments]
    if len(set(ids)) < len(ids):
        segments = tuple(replace(segment, id=segment.name) for segment in segments)
    by_key = {key: segment.id for key, segment in zip(keys, segments, strict=True)}
    return segments, {reader: tuple(by_key[key] for key in lacking) for reader, lacking in missing.items()}
