"""Connected regions of voxels in which readers differ, and what kind of disagreement each is.

Voxels in which not all readers have the same structures are grouped by the set of structures in dispute and by the kind
of the dispute; connected voxels of one group (26 neighbours) make a region. So every voxel in which readers differ is
in exactly one region. All is computed on runs of voxels on which every reader is constant, which are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AnnotationQACore.agreement.segmentations.runs import JointRuns, joint_runs
from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.labels import ReviewLabels
from AnnotationQACore.review.run_components import RowRuns
from AnnotationQACore.review.sides import opposite_sides
from AnnotationQACore.segmentation import BoolArray

__all__ = ["Disagreements", "Region", "find_disagreements"]

IntArray = NDArray[np.int64]

_KINDS = (
    Kind.BOUNDARY,
    Kind.SLICE_EXTENT,
    Kind.EXTRA_STRUCTURE,
    Kind.MISSED_STRUCTURE,
    Kind.OTHER_STRUCTURE,
    Kind.LATERALITY_SWAP,
)
"""By rising weight: where several structures are in dispute at a voxel, the weightiest names it."""

_BOUNDARY, _SLICE_EXTENT, _EXTRA, _MISSED, _OTHER, _LATERALITY = range(6)


@dataclass(frozen=True, slots=True)
class Region:
    """One connected region in which readers differ.

    Attributes
    ----------
    number : int
        In its `Disagreements`.
    kind : Kind
    structures : tuple of str
        Segment IDs in dispute.
    voxels : int
    volume_mm3 : float
    center : tuple of 3 float
        LPS mm of the voxel in the thickest place of the slice that has most of the region; it lies in the region.
    center_index : tuple of 3 int
        Its index (k, j, i).
    box : tuple of 3 slices
        Bounding box, (k, j, i).
    who_has : mapping of reader to mapping of segment ID to int
        Voxels of the region that each reader gave to each structure in dispute; structures without are left out.
    """

    number: int
    kind: Kind
    structures: tuple[str, ...]
    voxels: int
    volume_mm3: float
    center: Vector
    center_index: tuple[int, int, int]
    box: tuple[slice, slice, slice]
    who_has: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Disagreements:
    """All regions of a case. Figures are arrays, so that ten thousand regions are sorted and filtered at once.

    Attributes
    ----------
    labels : ReviewLabels
    joint : JointRuns
        Runs on which all readers are constant.
    pattern_of_run : int64 array, shape (run,)
    has : bool array, shape (pattern, reader, segment)
        Which reader has which structure.
    runs : RowRuns
        Runs in which readers differ.
    region_of_run : int64 array, shape (run,)
    kinds : int64 array, shape (region,)
        Index into `KINDS`.
    disputed : bool array, shape (region, segment)
    voxels : int64 array, shape (region,)
    """

    labels: ReviewLabels
    joint: JointRuns
    pattern_of_run: IntArray
    has: BoolArray
    runs: RowRuns
    region_of_run: IntArray
    kinds: IntArray
    disputed: BoolArray
    voxels: IntArray
    _order: IntArray
    _first: IntArray

    def __len__(self) -> int:
        return len(self.voxels)

    def __iter__(self) -> Iterator[Region]:
        return (self.region(number) for number in range(len(self)))

    @property
    def volumes_mm3(self) -> NDArray[np.float64]:
        """Volume of each region."""
        volumes: NDArray[np.float64] = self.voxels.astype(np.float64) * self.labels.grid.voxel_volume
        return volumes

    def kind(self, number: int) -> Kind:
        """Kind of one region."""
        return _KINDS[self.kinds[number]]

    def structures(self, number: int) -> tuple[str, ...]:
        """Segment IDs that are in dispute in one region."""
        return tuple(self.labels.segments[s].id for s in np.flatnonzero(self.disputed[number]))

    def runs_of(self, number: int) -> RowRuns:
        """Runs of one region."""
        return self.runs.subset(self._order[self._first[number] : self._first[number + 1]])

    def voxels_of(self, number: int) -> IntArray:
        """Flat indices (C order of the grid) of the voxels of one region."""
        return self.runs_of(number).voxels()

    def region(self, number: int) -> Region:
        """Everything about one region."""
        runs = self.runs_of(number)
        index = _thickest_place(runs, self.labels.grid)
        x, y, z = self.labels.grid.to_world(index)
        return Region(
            number,
            self.kind(number),
            self.structures(number),
            int(self.voxels[number]),
            float(self.voxels[number] * self.labels.grid.voxel_volume),
            (float(x), float(y), float(z)),
            index,
            _box(runs),
            self._who_has(number, runs),
        )

    def image(self) -> NDArray[np.int32]:
        """Image, shape (k, j, i), with the number of the region + 1 at each voxel in which readers differ, else 0."""
        image = np.zeros(int(np.prod(self.labels.grid.shape)), dtype=np.int32)
        image[self.runs.voxels()] = np.repeat(self.region_of_run + 1, self.runs.length)
        return image.reshape(self.labels.grid.shape)

    def involving(self, segment_id: str) -> IntArray:
        """Numbers of the regions in which a structure is in dispute."""
        place = [segment.id for segment in self.labels.segments].index(self.labels.segment(segment_id).id)
        return np.flatnonzero(self.disputed[:, place])

    def dissenting(self, reader: str) -> IntArray:
        """Numbers of the regions in which a reader is not of the opinion of most, at one voxel or more."""
        place = self.labels.readers.index(reader)
        dissents = ~_with_most(self.has)[:, place]
        found = np.zeros(len(self), dtype=bool)
        found[self.region_of_run[dissents[self.pattern_of_run[self.runs.source]]]] = True
        return np.flatnonzero(found)

    def _who_has(self, number: int, runs: RowRuns) -> dict[str, dict[str, int]]:
        segments = np.flatnonzero(self.disputed[number])
        patterns, place = np.unique(self.pattern_of_run[runs.source], return_inverse=True)
        counts = np.bincount(place.reshape(-1), weights=runs.length, minlength=len(patterns))
        table = np.einsum("p,prs->rs", counts, self.has[patterns][:, :, segments]).astype(np.int64)
        return {
            reader: {self.labels.segments[s].id: int(n) for s, n in zip(segments, table[row], strict=True) if n}
            for row, reader in enumerate(self.labels.readers)
        }


def find_disagreements(labels: ReviewLabels) -> Disagreements:
    """Find and classify the regions in which readers differ.

    A structure in one piece (connected voxels that any reader gave to it) of which some reader has nothing is *missed*
    when half of the readers or more have it, else *extra*; when exactly half have it, the first reader decides: what
    the first has is missed by the others, what the first has not is extra. Of a piece that all readers have, the slices
    beyond a reader's first or last one are *slice extent at the ends*, the rest *boundary*. Voxels that readers gave to
    different structures are a *laterality swap* when these are two sides of a pair, *other structure* when one of them
    is missed or extra, else boundary.
    """
    arrays = [layer for reader in labels.readers for layer in labels.of(reader)]
    names = [reader for reader in labels.readers for _ in labels.of(reader)]
    joint = joint_runs(arrays, names)
    patterns, _, pattern_of_run = joint.patterns()
    has = _memberships(labels, patterns)
    differs = np.any(has != has[:, :1], axis=(1, 2))
    disputed: BoolArray = np.any(has, axis=1) & ~np.all(has, axis=1)
    exchanged, swapped = _exchanges(labels, has)

    runs = RowRuns.split(joint.shape, joint.starts, joint.lengths, np.flatnonzero(differs[pattern_of_run]))
    pattern = pattern_of_run[runs.source]
    kind = _kinds(labels, joint, pattern_of_run, has, runs, exchanged)
    kind[swapped[pattern]] = _LATERALITY

    keys, key_of_pattern = np.unique(disputed, axis=0, return_inverse=True)
    group = key_of_pattern.reshape(-1)[pattern] * len(_KINDS) + kind
    count, region = runs.components(group)
    order = np.argsort(region, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(region, minlength=count))]).astype(np.int64)
    representative = order[first[:-1]]
    return Disagreements(
        labels,
        joint,
        pattern_of_run,
        has,
        runs,
        region,
        kind[representative],
        keys[group[representative] // len(_KINDS)],
        np.bincount(region, weights=runs.length, minlength=count).astype(np.int64),
        order,
        first,
    )


def _memberships(labels: ReviewLabels, patterns: IntArray) -> BoolArray:
    layers = len(labels.of(labels.readers[0]))
    columns = np.array(
        [[reader * layers + segment.layer for segment in labels.segments] for reader in range(len(labels.readers))],
        dtype=np.int64,
    ).reshape(len(labels.readers), len(labels.segments))
    values = np.array([segment.value for segment in labels.segments], dtype=np.int64)
    has: BoolArray = patterns[:, columns] == values
    return has


def _exchanges(labels: ReviewLabels, has: BoolArray) -> tuple[BoolArray, BoolArray]:
    """For each pattern whether readers have different structures in place of each other, and whether opposite sides."""
    opposite = opposite_sides(labels.segments)
    exchanged = np.zeros(len(has), dtype=bool)
    swapped = np.zeros(len(has), dtype=bool)
    readers = range(len(labels.readers))
    for a in readers:
        for b in readers:
            if a < b:
                only_a, only_b = has[:, a] & ~has[:, b], has[:, b] & ~has[:, a]
                exchanged |= only_a.any(axis=1) & only_b.any(axis=1)
                swapped |= np.any((only_a.astype(np.int64) @ opposite.astype(np.int64) > 0) & only_b, axis=1)
    return exchanged, swapped


def _kinds(
    labels: ReviewLabels,
    joint: JointRuns,
    pattern_of_run: IntArray,
    has: BoolArray,
    runs: RowRuns,
    exchanged: BoolArray,
) -> IntArray:
    """Kind of the disagreement in each run, without regard to sides."""
    kind = np.zeros(len(runs), dtype=np.int64)
    lacking = np.zeros(len(runs), dtype=bool)
    place_of_run = np.full(len(joint.starts), -1, dtype=np.int64)
    place_of_run[runs.source[::-1]] = np.arange(len(runs))[::-1]  # where the parts of a run begin in `runs`
    union: BoolArray = np.any(has, axis=1)
    disputed: BoolArray = union & ~np.all(has, axis=1)
    for segment in range(len(labels.segments)):
        if not disputed[:, segment].any():
            continue
        chosen = np.flatnonzero(union[:, segment][pattern_of_run])
        pieces = RowRuns.split(joint.shape, joint.starts, joint.lengths, chosen)
        own = _kind_of_structure(has[:, :, segment], pattern_of_run[pieces.source], pieces)
        in_dispute = disputed[:, segment][pattern_of_run[pieces.source]]
        # both lists cut the same runs at the same row ends
        nth = np.arange(len(pieces)) - np.searchsorted(pieces.source, pieces.source, side="left")
        at = (place_of_run[pieces.source] + nth)[in_dispute]
        kind[at] = np.maximum(kind[at], own[in_dispute])
        lacking[at] |= own[in_dispute] >= _EXTRA
    different = exchanged[pattern_of_run[runs.source]]
    kind[different] = np.where(lacking[different], _OTHER, _BOUNDARY)
    return kind


def _kind_of_structure(has: BoolArray, pattern: IntArray, pieces: RowRuns) -> IntArray:
    """Kind of each run of one structure; `has` has shape (pattern, reader)."""
    count, component = pieces.components()
    readers = has.shape[1]
    first = np.full((count, readers), np.iinfo(np.int64).max)
    last = np.full((count, readers), -1)
    for reader in range(readers):
        drawn = has[:, reader][pattern]
        np.minimum.at(first[:, reader], component[drawn], pieces.k[drawn])
        np.maximum.at(last[:, reader], component[drawn], pieces.k[drawn])
    drew = last >= 0
    number = drew.sum(axis=1)
    missed = (2 * number > readers) | ((2 * number == readers) & drew[:, 0])
    by_piece = np.where(number == readers, _BOUNDARY, np.where(missed, _MISSED, _EXTRA))
    kind: IntArray = by_piece[component]
    beyond = np.any((pieces.k[:, None] < first[component]) | (pieces.k[:, None] > last[component]), axis=1)
    kind[(kind == _BOUNDARY) & beyond] = _SLICE_EXTENT
    return kind


def _with_most(has: BoolArray) -> BoolArray:
    """Whether each reader is among the most who have the same structures, shape (pattern, reader); ties count."""
    readers = has.shape[1]
    alike = np.stack([np.all(has == has[:, reader : reader + 1], axis=2).sum(axis=1) for reader in range(readers)], 1)
    most: BoolArray = alike == alike.max(axis=1, keepdims=True)
    return most


def _box(runs: RowRuns) -> tuple[slice, slice, slice]:
    k, j = runs.k, runs.j
    return (
        slice(int(k.min()), int(k.max()) + 1),
        slice(int(j.min()), int(j.max()) + 1),
        slice(int(runs.begin.min()), int(runs.end.max())),
    )


def _thickest_place(runs: RowRuns, grid: Grid) -> tuple[int, int, int]:
    """Voxel deepest inside the region, in the slice that has most of it."""
    per_slice = np.bincount(runs.k, weights=runs.length)
    k = int(np.argmax(per_slice))
    there = runs.subset(runs.k == k)
    box = _box(there)
    low_j, low_i = box[1].start, box[2].start
    columns = box[2].stop - low_i
    plane = np.zeros((box[1].stop - low_j, columns), dtype=bool)
    flat = there.voxels() - k * grid.shape[1] * grid.shape[2]
    plane[flat // grid.shape[2] - low_j, flat % grid.shape[2] - low_i] = True
    depth = ndimage.distance_transform_edt(np.pad(plane, 1), sampling=grid.spacing[1:])[1:-1, 1:-1]
    j, i = np.unravel_index(int(np.argmax(depth)), plane.shape)
    return k, low_j + int(j), low_i + int(i)
