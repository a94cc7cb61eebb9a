"""Shape-based averaging (Rohlfing and Maurer 2007, IEEE TMI 26:153): the mean of the readers' signed distances.

Where all readers agree their label is the result, so that exact distances are needed only at voxels in dispute. They
are found by looking at neighbours in the order of their distance, and by a k-d tree where nothing is near.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.lattice import adjacent_offsets, near_offsets
from AnnotationQACore.consensus.result import LabelConsensus, compared_with, image_of, tabulated

if TYPE_CHECKING:
    from scipy.spatial import KDTree

__all__ = ["EQUAL_MM", "shape_based_average"]

EQUAL_MM = 1e-6
"""Mean signed distances that differ by no more than this are equal."""

ROUNDS = (30, 125, 500, 2000)
"""Neighbours looked at before each look at what is decided; beyond the last a k-d tree is faster."""

STRIDE = 6
"""Neighbours looked at before those found are sorted out."""

PART = 1 << 18
"""Voxels in dispute that are decided together."""

BLOCK = 16384
"""Voxels, near each other, whose neighbours stay in the processor's cache."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def shape_based_average(decisions: Decisions) -> LabelConsensus:
    """Give each voxel the label into whose readers' structures it lies deepest on average.

    The signed distance of a voxel centre to a structure is that to the nearest voxel centre on the other side, exact in
    mm, negative inside. What lies outside the image is unknown and no distance is measured to it.

    A voxel gets the label of the smallest mean signed distance among the labels that readers gave it; background when
    that is equal, else the smallest label. (The paper lets any label win; here a voxel never gets a label that no
    reader gave it.) A reader who has not marked a structure anywhere has no distance to it: the structure is in the
    consensus when more than half of the readers have it, and its shape is the mean of those readers.
    """
    labels = len(decisions.labels)
    drawn = np.stack(
        [(decisions.counts[:, None] * (decisions.patterns == label)).sum(axis=0) for label in range(labels)]
    )
    drawn[0] += int(np.prod(decisions.grid.shape)) - decisions.counts.sum()
    has_surface = (drawn > 0) & (drawn < np.prod(decisions.grid.shape))
    present = 2 * (drawn > 0).sum(axis=1) > len(decisions.readers)
    present[0] = True

    voted = (decisions.vote_counts > 0) & present
    settled = voted.sum(axis=1) <= 1
    label_of_pattern = np.argmax(voted, axis=1)
    voxels = image_of(decisions, label_of_pattern)
    table = tabulated(decisions, label_of_pattern)

    flat, pattern = decisions.voxels_with(~settled)
    if len(flat):
        lattice = _Lattice(decisions)
        parts = [slice(start, start + PART) for start in range(0, len(flat), PART)]
        winner = np.concatenate([_decided(lattice, flat[part], pattern[part], voted, has_surface) for part in parts])
        table[~settled] = 0
        np.add.at(table, (pattern, winner), 1)
        domain = voxels[decisions.region]
        domain[np.unravel_index(flat, decisions.shape)] = np.array(decisions.labels)[winner]
    parameters = {
        "distance": "between voxel centres, exact, in mm",
        "ties": "background",
        "tie_mm": EQUAL_MM,
        "voxels_in_dispute": len(flat),
        **decisions.parameters(),
    }
    support = decisions.vote_counts / len(decisions.readers)
    return LabelConsensus(
        "shape",
        parameters,
        decisions,
        voxels,
        support,
        "vote fraction",
        compared_with(decisions, table),
        _warnings(decisions, drawn, present),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Every voxel in dispute with each label it may get, sorted by voxel and label.

    `voxel` and `label` have one entry for each candidate, `first` and `count` one for each voxel.
    """

    voxel: IntArray
    label: IntArray
    first: IntArray
    count: IntArray

    @classmethod
    def of(cls, voted: NDArray[np.bool_], pattern: NDArray[np.intp]) -> _Candidates:
        per_pattern, labels = voted.sum(axis=1), np.nonzero(voted)[1]
        count = per_pattern[pattern]
        first = np.cumsum(count) - count
        start = (np.cumsum(per_pattern) - per_pattern)[pattern]
        label = labels[np.arange(count.sum()) + np.repeat(start - first, count)]
        return cls(np.repeat(np.arange(len(pattern)), count), label, first, count)

    def only_other(self, chosen: NDArray[np.integer], label: NDArray[np.intp]) -> tuple[IntArray, NDArray[np.bool_]]:
        """Of voxels with two candidates the one not chosen, where it is of the given label; and where that is so."""
        voxel = self.voxel[chosen]
        other = np.minimum(2 * self.first[voxel] + 1 - chosen, len(self.voxel) - 1)
        is_other = (self.count[voxel] == 2) & (self.label[other] == label)
        return other[is_other], is_other

    def of_voxels(self, voxels: IntArray) -> tuple[IntArray, IntArray]:
        """Candidates of the given voxels, one voxel after the other, and where in them each voxel begins."""
        count = self.count[voxels]
        begin = np.cumsum(count) - count
        return np.arange(count.sum()) + np.repeat(self.first[voxels] - begin, count), begin

    def best(self, mean: FloatArray) -> NDArray[np.intp]:
        """Label of the smallest mean distance for each voxel, the first label (background is 0) when equal."""
        smallest = np.minimum.reduceat(mean, self.first)
        at_best = np.flatnonzero(mean <= smallest[self.voxel] + EQUAL_MM)
        winner = np.zeros(len(self.first), dtype=np.intp)
        # written backwards, the smallest label stays
        winner[self.voxel[at_best[::-1]]] = self.label[at_best[::-1]]
        return winner


@dataclass(frozen=True, slots=True, eq=False)
class _Queries:
    """Candidates whose distance to the other side of one border of one reader is still looked for."""

    reader: int
    label: int
    is_inside: bool
    candidates: IntArray
    places: NDArray[np.int64]

    def where(self, kept: NDArray[np.bool_]) -> _Queries:
        chosen = np.flatnonzero(kept)
        return _Queries(self.reader, self.label, self.is_inside, self.candidates.take(chosen), self.places.take(chosen))


def _decided(
    lattice: _Lattice,
    flat: IntArray,
    pattern: NDArray[np.intp],
    voted: NDArray[np.bool_],
    has_surface: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Label of the smallest mean signed distance for each voxel in dispute.

    The search goes outwards in rounds. After each, the distances not yet found are known to be larger than its radius,
    which mostly decides the voxel already.
    """
    candidates = _Candidates.of(voted, pattern)
    readers = has_surface.sum(axis=1)[candidates.label]
    sums = _Sums.of(len(candidates.voxel))
    waiting = _queries(lattice.decisions, lattice.places(flat), pattern, candidates, has_surface)
    for queries in waiting:
        sums.expect(queries)
    undecided = np.arange(len(candidates.first))
    for steps, lengths in lattice.rounds:
        if not len(undecided):
            break
        still: list[_Queries] = []
        for _, of_reader in groupby(waiting, key=lambda queries: queries.reader):
            known = np.zeros(len(candidates.voxel), dtype=bool)
            alone = np.zeros(len(candidates.first), dtype=bool)
            for asked in of_reader:
                queries = asked
                if not asked.is_inside:
                    queries = asked.where(~known[asked.candidates])
                    # where the reader says one thing all around, no other border is near
                    is_alone = alone[candidates.voxel[queries.candidates]]
                    still.append(queries.where(is_alone))
                    queries = queries.where(~is_alone)
                nearest = lattice.nearest(queries, steps)
                arrived = nearest >= 0
                distances = lengths[nearest[arrived]]
                sums.add(queries.candidates[arrived], distances, queries.is_inside)
                waits = queries.where(~arrived)
                if queries.is_inside:
                    label = lattice.label_at(queries.reader, queries.places[arrived] + steps[nearest[arrived]])
                    others, is_other = candidates.only_other(queries.candidates[arrived], label)
                    sums.add(others, distances[is_other], False)
                    known[others] = True
                    alone[candidates.voxel[waits.candidates]] = True
                still.append(waits)
        undecided = undecided[_is_open(candidates, undecided, sums, readers, float(lengths[-1]))]
        is_undecided = np.zeros(len(candidates.voxel), dtype=bool)
        is_undecided[candidates.of_voxels(undecided)[0]] = True
        waiting = [queries.where(is_undecided[queries.candidates]) for queries in still]
        waiting = [queries for queries in waiting if len(queries.candidates)]
    for queries in waiting:
        sums.add(queries.candidates, lattice.far_distances(queries), queries.is_inside)
    # what was decided early keeps a bound in the place of the distances that were not needed
    lower, upper = sums.bounds(float(lattice.rounds[-1][1][-1]))
    total = np.where(np.isfinite(upper), upper, lower)
    mean = np.divide(total, readers, out=np.full_like(total, np.inf), where=readers > 0)
    return candidates.best(mean)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """For each candidate the sum of the signed distances found, and how many are still looked for on each side."""

    found: FloatArray
    open_inside: NDArray[np.int16]
    open_outside: NDArray[np.int16]

    @classmethod
    def of(cls, size: int) -> _Sums:
        return cls(np.zeros(size), np.zeros(size, dtype=np.int16), np.zeros(size, dtype=np.int16))

    def expect(self, queries: _Queries) -> None:
        (self.open_inside if queries.is_inside else self.open_outside)[queries.candidates] += 1

    def add(self, candidates: NDArray[np.integer], distances: FloatArray, is_inside: bool) -> None:
        """Enter distances of distinct candidates."""
        self.found[candidates] += -distances if is_inside else distances
        (self.open_inside if is_inside else self.open_outside)[candidates] -= 1

    def bounds(self, radius: float, chosen: IntArray | slice = slice(None)) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest sum that chosen candidates can have when all open distances are at least `radius`."""
        found, inside, outside = self.found[chosen], self.open_inside[chosen], self.open_outside[chosen]
        lower = np.where(inside == 0, found + radius * outside, -np.inf)
        upper = np.where(outside == 0, found - radius * inside, np.inf)
        return lower, upper


def _queries(
    decisions: Decisions,
    places: IntArray,
    pattern: NDArray[np.intp],
    candidates: _Candidates,
    has_surface: NDArray[np.bool_],
) -> list[_Queries]:
    """All distances that the means are made of, grouped by border and side."""
    queries = []
    for reader in range(len(decisions.readers)):
        own = decisions.patterns[:, reader][pattern]
        group = 2 * candidates.label + (own[candidates.voxel] == candidates.label)
        order = np.argsort(group.astype(np.uint8 if 2 * len(decisions.labels) <= 256 else np.int64), kind="stable")
        ends = np.cumsum(np.bincount(group, minlength=2 * len(decisions.labels)))
        groups = np.split(order, ends[:-1])
        # those inside first: the voxel found there often answers a query from outside too
        for number in (*range(1, len(groups), 2), *range(0, len(groups), 2)):
            chosen, label, is_inside = groups[number], number // 2, number % 2 == 1
            if len(chosen) and has_surface[label, reader]:
                at = places[candidates.voxel[chosen]]
                queries.append(_Queries(reader, label, is_inside, chosen, at))
    return queries


def _is_open(
    candidates: _Candidates, voxels: IntArray, sums: _Sums, readers: IntArray, radius: float
) -> NDArray[np.bool_]:
    """Whether more than one candidate of a voxel can still win, all open distances being at least `radius`."""
    chosen, first = candidates.of_voxels(voxels)
    count = candidates.count[voxels]
    number = readers[chosen]
    lower, upper = (bound / np.maximum(number, 1) for bound in sums.bounds(radius, chosen))
    lower[number == 0] = upper[number == 0] = np.inf
    smallest = np.repeat(np.minimum.reduceat(upper, first), count)
    is_open: NDArray[np.bool_] = np.add.reduceat(lower > smallest + EQUAL_MM, first, dtype=np.intp) < count - 1
    return is_open


class _Lattice:
    """The domain with a rim of what is around it, laid out so that neighbours are found by adding to a flat index."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self._trees: dict[tuple[int, int, bool], KDTree] = {}
        offsets, lengths = near_offsets(decisions.grid, ROUNDS[-1])
        self._adjacent = adjacent_offsets(decisions.grid)
        reach = np.maximum(np.abs(offsets).max(axis=0), np.abs(self._adjacent).max(axis=0))
        self._pad = tuple(int(extent) for extent in reach)
        shape = tuple(size + 2 * pad for size, pad in zip(decisions.shape, self._pad, strict=True))
        self._strides = np.array([shape[1] * shape[2], shape[2], 1])
        cuts = [count for count in ROUNDS[:-1] if count < len(offsets)]
        self.rounds = list(zip(np.split(offsets @ self._strides, cuts), np.split(lengths, cuts), strict=True))

        self._background, self._outside = len(decisions.patterns), len(decisions.patterns) + 1
        dtype = np.uint16 if self._outside < 65536 else np.uint32
        self._patterns = np.full(shape, self._outside, dtype=dtype)
        image = tuple(
            slice(max(0, pad - part.start), pad + size - part.start)
            for pad, part, size in zip(self._pad, decisions.region, decisions.grid.shape, strict=True)
        )
        self._patterns[image] = self._background
        domain = tuple(slice(pad, pad + size) for pad, size in zip(self._pad, decisions.shape, strict=True))
        self._patterns[domain] = decisions.spread(np.arange(len(decisions.patterns), dtype=dtype))

    def places(self, flat: IntArray) -> IntArray:
        """Flat indices into the layout from flat indices into the domain."""
        places: IntArray = (np.stack(np.unravel_index(flat, self.decisions.shape), axis=1) + self._pad) @ self._strides
        return places

    def nearest(self, queries: _Queries, steps: IntArray) -> NDArray[np.int16]:
        """Which of the neighbours, given nearest first, is the first across the border; -1 where none is."""
        across = self._across(queries)
        result = np.full(len(queries.places), -1, dtype=np.int16)
        for start in range(0, len(result), BLOCK):
            part = slice(start, start + BLOCK)
            self._look_around(across, queries.places[part], steps, result[part])
        return result

    def _look_around(
        self, across: NDArray[np.bool_], base: IntArray, steps: IntArray, result: NDArray[np.int16]
    ) -> None:
        patterns = self._patterns.reshape(-1)
        waiting = np.arange(len(base))
        for start in range(0, len(steps), STRIDE):
            if not len(waiting):
                break
            first = np.full(len(waiting), -1, dtype=np.int16)
            # from far to near: the nearest is written last, and those found need not be sorted out each time
            for number in range(min(start + STRIDE, len(steps)) - 1, start - 1, -1):
                np.putmask(first, across.take(patterns.take(base + steps[number])), number)
            result[waiting] = first
            missing = np.flatnonzero(first < 0)
            waiting, base = waiting.take(missing), base.take(missing)

    def label_at(self, reader: int, places: IntArray) -> NDArray[np.intp]:
        """Index of the label that a reader gave there."""
        labels: NDArray[np.intp] = self._said(reader)[self._patterns.reshape(-1)[places]]
        return labels

    def far_distances(self, queries: _Queries) -> FloatArray:
        """Distance in mm to the nearest voxel across the border, wherever it is."""
        matrix = self.decisions.grid.affine[:3, :3]
        border = (queries.reader, queries.label, queries.is_inside)
        if border not in self._trees:
            from scipy.spatial import KDTree  # takes longer to load than other methods to decide

            self._trees[border] = KDTree(self._border(queries) @ matrix.T)
        places = np.stack(np.unravel_index(queries.places, self._patterns.shape), axis=1)
        distances, _ = self._trees[border].query(places @ matrix.T)
        return np.asarray(distances, dtype=np.float64)

    def _across(self, queries: _Queries) -> NDArray[np.bool_]:
        """For each pattern, and for the rim, whether it lies across the border."""
        across: NDArray[np.bool_] = (self._said(queries.reader) == queries.label) != queries.is_inside
        across[self._outside] = False
        return across

    def _said(self, reader: int) -> NDArray[np.intp]:
        """Label of a reader for each pattern and the two of the rim."""
        return np.append(self.decisions.patterns[:, reader], (0, 0))

    def _border(self, queries: _Queries) -> IntArray:
        """Voxels across the border that have an adjacent one on this side; one of them is nearest to any voxel."""
        lower, upper = self._box(queries)
        grow = np.abs(self._adjacent).max(axis=0)
        lower, upper = np.maximum(lower - grow, 0), np.minimum(upper + grow, self._patterns.shape)
        box = self._across(queries)[self._patterns[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))]]
        this_side = np.pad(~box, [(extent, extent) for extent in grow], constant_values=True)
        touches = np.zeros(box.shape, dtype=bool)
        for offset in self._adjacent:
            moved = zip(grow, offset, box.shape, strict=True)
            touches |= this_side[tuple(slice(extent + d, extent + d + size) for extent, d, size in moved)]
        border: IntArray = np.argwhere(box & touches) + lower
        return border

    def _box(self, queries: _Queries) -> tuple[IntArray, IntArray]:
        """Box, in the layout, around the reader's voxels of a label; for the background that around all others."""
        decisions, label = self.decisions, queries.label
        said = decisions.patterns[:, queries.reader]
        chosen = np.flatnonzero((said == label if label else said != 0)[decisions.pattern])
        extents = decisions.runs.extents(chosen)
        return extents[:, 0].min(axis=1) + self._pad, extents[:, 1].max(axis=1) + 1 + self._pad


def _warnings(decisions: Decisions, drawn: IntArray, present: NDArray[np.bool_]) -> tuple[str, ...]:
    found = []
    image = int(np.prod(decisions.grid.shape))
    for index, label in enumerate(decisions.labels[1:], start=1):
        missing = [name for name, voxels in zip(decisions.readers, drawn[index], strict=True) if voxels == 0]
        if not present[index]:
            found.append(f"shape: label {label} is left out, because no more than half of the readers have it.")
        elif missing:
            found.append(f"shape: label {label} is the mean of the readers that have it, without {', '.join(missing)}.")
        full = [name for name, voxels in zip(decisions.readers, drawn[index], strict=True) if voxels == image]
        if full:
            found.append(f"shape: label {label} fills the image of {', '.join(full)} and has no border there.")
    return tuple(found)
