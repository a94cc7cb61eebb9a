"""Shape-based averaging (Rohlfing and Maurer 2007, IEEE TMI 26:153): the mean of the readers' signed distances.

Where all readers agree their label is the result, so that exact distances are needed only at voxels in dispute. They
are found by looking at neighbours in the order of their distance, and by a k-d tree where nothing is near.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.lattice import adjacent_offsets, near_offsets
from AnnotationQACore.consensus.result import LabelConsensus, compared_with, image_of, tabulated

__all__ = ["EQUAL_MM", "shape_based_average"]

EQUAL_MM = 1e-6
"""Mean signed distances that differ by no more than this are equal."""

ROUNDS = (30, 125, 500, 2000)
"""Neighbours looked at before each look at what is decided; beyond the last a k-d tree is faster."""

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
        candidates = _Candidates.of(voted, pattern)
        winner = _decided(decisions, flat, pattern, candidates, has_surface)
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
        voxel, label = np.nonzero(voted[pattern])
        count = voted.sum(axis=1)[pattern]
        return cls(voxel, label, np.cumsum(count) - count, count)

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
    candidates: NDArray[np.int32]
    places: NDArray[np.int64]

    def where(self, kept: NDArray[np.bool_]) -> _Queries:
        return _Queries(self.reader, self.label, self.is_inside, self.candidates[kept], self.places[kept])


def _decided(
    decisions: Decisions,
    flat: IntArray,
    pattern: NDArray[np.intp],
    candidates: _Candidates,
    has_surface: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Label of the smallest mean signed distance for each voxel in dispute.

    The search goes outwards in rounds. After each, the distances not yet found are known to be larger than its radius,
    which mostly decides the voxel already.
    """
    lattice = _Lattice(decisions)
    readers = has_surface.sum(axis=1)[candidates.label]
    found = np.zeros(len(candidates.voxel))
    open_inside, open_outside = (np.zeros(len(candidates.voxel), dtype=np.int16) for _ in range(2))
    waiting = _queries(decisions, lattice.places(flat), pattern, candidates, has_surface)
    for queries in waiting:
        (open_inside if queries.is_inside else open_outside)[queries.candidates] += 1
    for offsets, lengths in lattice.rounds:
        for number, queries in enumerate(waiting):
            distances = lattice.near_distances(queries, offsets, lengths)
            arrived = distances > 0
            reached = queries.candidates[arrived]
            found[reached] += -distances[arrived] if queries.is_inside else distances[arrived]
            (open_inside if queries.is_inside else open_outside)[reached] -= 1
            waiting[number] = queries.where(~arrived)
        undecided = _undecided(candidates, found, open_inside, open_outside, readers, float(lengths[-1]))
        waiting = [queries.where(undecided[candidates.voxel[queries.candidates]]) for queries in waiting]
        waiting = [queries for queries in waiting if len(queries.candidates)]
    for queries in waiting:
        distances = lattice.far_distances(queries)
        found[queries.candidates] += -distances if queries.is_inside else distances
        (open_inside if queries.is_inside else open_outside)[queries.candidates] -= 1
    # what was decided early keeps a bound in the place of the distances that were not needed
    beyond = float(lattice.rounds[-1][1][-1])
    total = found - beyond * open_inside + beyond * open_outside
    mean = np.divide(total, readers, out=np.full_like(total, np.inf), where=readers > 0)
    return candidates.best(mean)


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
        for number, chosen in enumerate(np.split(order, ends[:-1])):
            label, is_inside = number // 2, number % 2 == 1
            if len(chosen) and has_surface[label, reader]:
                at = places[candidates.voxel[chosen]]
                queries.append(_Queries(reader, label, is_inside, chosen.astype(np.int32), at))
    return queries


def _undecided(
    candidates: _Candidates,
    found: FloatArray,
    open_inside: NDArray[np.int16],
    open_outside: NDArray[np.int16],
    readers: IntArray,
    radius: float,
) -> NDArray[np.bool_]:
    """Whether more than one candidate of a voxel can still win, all open distances being at least `radius`."""
    divisor = np.maximum(readers, 1)
    lower = np.where(open_inside == 0, (found + radius * open_outside) / divisor, -np.inf)
    upper = np.where(open_outside == 0, (found - radius * open_inside) / divisor, np.inf)
    lower[readers == 0] = upper[readers == 0] = np.inf
    smallest = np.minimum.reduceat(upper, candidates.first)
    beaten = lower > smallest[candidates.voxel] + EQUAL_MM
    undecided: NDArray[np.bool_] = np.add.reduceat(beaten, candidates.first, dtype=np.intp) < candidates.count - 1
    return undecided


class _Lattice:
    """The domain with a rim of what is around it, laid out so that neighbours are found by adding to a flat index."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
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
        places: IntArray = (np.stack(np.unravel_index(flat, self._decisions.shape), axis=1) + self._pad) @ self._strides
        return places

    def near_distances(self, queries: _Queries, steps: IntArray, lengths: FloatArray) -> FloatArray:
        """Distance in mm to the nearest neighbour across the border among some; 0 where there is none."""
        across, patterns = self._across(queries), self._patterns.reshape(-1)
        result = np.zeros(len(queries.places))
        waiting, base = np.arange(len(queries.places)), queries.places
        for step, length in zip(steps, lengths, strict=True):
            hit = across[patterns[base + step]]
            if hit.any():
                result[waiting[hit]] = length
                waiting, base = waiting[~hit], base[~hit]
                if not len(waiting):
                    break
        return result

    def far_distances(self, queries: _Queries) -> FloatArray:
        """Distance in mm to the nearest voxel across the border, wherever it is."""
        matrix = self._decisions.grid.affine[:3, :3]
        places = np.stack(np.unravel_index(queries.places, self._patterns.shape), axis=1)
        distances, _ = KDTree(self._border(queries) @ matrix.T).query(places @ matrix.T)
        return np.asarray(distances, dtype=np.float64)

    def _across(self, queries: _Queries) -> NDArray[np.bool_]:
        """For each pattern, and for the rim, whether it lies across the border."""
        said = np.append(self._decisions.patterns[:, queries.reader], 0)
        across: NDArray[np.bool_] = (said == queries.label) != queries.is_inside
        return np.append(across, False)

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
        decisions, label = self._decisions, queries.label
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
