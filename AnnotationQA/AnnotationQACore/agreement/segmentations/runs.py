"""Runs of voxels on which every reader is constant: one scan of the label arrays from which all counts follow.

Confusions, votes, decision patterns and boxes of any number of readers and labels depend only on which values occur
together and how often. Along the memory order of an image these values change rarely, so that a scan for the changes
turns hundreds of millions of voxels into about a million runs, and everything else works on the runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.segmentation import LabelArray

__all__ = ["Box", "JointRuns", "grouped", "joint_runs", "ranked"]

Box = tuple[slice, slice, slice]

_PART = 1 << 25
"""Bytes of all arrays read at a time to find where there are labels; what is not in memory order is copied for it."""

_BLOCK = 1 << 19
"""Voxels compared at a time: they and the comparison stay in the processor's cache."""

_PIECE = 1 << 12
"""Voxels that are looked at together for any label at all; much of an image is background to all readers."""

_SMALL = 1 << 14
"""Voxels that are compared sooner than they are searched for labels."""

_TABLE = 1 << 22
"""Largest table of counts that is cheaper than sorting."""

_COMBINATIONS = 1 << 18
"""Combinations of values that are counted in one table; it stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class JointRuns:
    """Runs in C order of the voxels ``(k, j, i)``; a run may continue over the end of a row or slice.

    Attributes
    ----------
    shape : tuple of 3 int
        Shape of the label arrays.
    starts : int64 array, shape (run,)
        Flat index of the first voxel of each run, ascending; the first is 0.
    lengths : int64 array, shape (run,)
        Voxels of each run; they sum to the voxels of the array.
    values : tuple of integer arrays, each of shape (run,)
        For each label array its value on each run.
    """

    shape: tuple[int, int, int]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    values: tuple[LabelArray, ...]

    def labels(self, source: int) -> NDArray[np.int64]:
        """Values greater than zero that occur in label array `source`, ascending."""
        distinct, _ = ranked(self.values[source])
        return distinct[distinct > 0]

    def patterns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Combinations of values that occur together.

        Returns
        -------
        patterns : int64 array, shape (pattern, source)
            Each combination once, in lexicographic order.
        counts : int64 array, shape (pattern,)
            Voxels on which it occurs.
        of_run : int64 array, shape (run,)
            Row in `patterns` of each run.
        """
        sizes = [int(values.max()) + 1 for values in self.values]
        if math.prod(sizes) <= _COMBINATIONS:
            return self._patterns_in_a_table(sizes)
        distinct, of_run = ranked(self.values[0])
        columns = [distinct]
        for values in self.values[1:]:
            distinct, rank = ranked(values)
            found, of_run = ranked(of_run * len(distinct) + rank)
            before, last = np.divmod(found, len(distinct))
            columns = [*(column.take(before) for column in columns), distinct.take(last)]
        patterns = np.array(columns).T
        return patterns, self.count(of_run, len(patterns)), of_run

    def _patterns_in_a_table(
        self, sizes: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Patterns of few values, each below its size, by counting every combination that could be."""
        codes = self.values[0].astype(np.int64)
        for values, size in zip(self.values[1:], sizes[1:], strict=True):
            codes = codes * size + values.astype(np.int64, copy=False)
        counts = self.count(codes, 0)
        found = counts.nonzero()[0]
        place = (counts > 0).cumsum() - 1
        return np.array(np.unravel_index(found, sizes)).T, counts.take(found), place.take(codes)

    def count(self, categories: NDArray[np.integer], n: int) -> NDArray[np.int64]:
        """Voxels of each category 0 to n - 1 (or to the last that occurs), given the category of each run."""
        # Sums of whole numbers below 2**53 are exact in float64.
        return np.bincount(categories, weights=self.lengths, minlength=n).astype(np.int64)

    def paint(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Image of shape `shape` that has on each run the given value; `values` has shape (run,)."""
        return np.repeat(values, self.lengths).reshape(self.shape)

    def extents(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Box of each of the given runs: shape (3 axes, 2, run) with first and last voxel along each axis."""
        _, rows, columns = self.shape
        extents = np.empty((3, 2, len(runs)), dtype=np.int64)
        k, j, i = extents
        voxels = np.empty((2, len(runs)), dtype=np.int64)
        voxels[0] = voxels[1] = self.starts.take(runs)
        voxels[1] += self.lengths.take(runs) - 1
        row = voxels // columns
        np.floor_divide(row, rows, out=k)
        np.subtract(row, k * rows, out=j)
        np.subtract(voxels, row * columns, out=i)
        several_rows, several_slices = row[0] != row[1], k[0] != k[1]
        i[0, several_rows], i[1, several_rows] = 0, columns - 1
        j[0, several_slices], j[1, several_slices] = 0, rows - 1
        return extents


def joint_runs(arrays: Sequence[NDArray[np.generic]], names: Sequence[str] | None = None) -> JointRuns:
    """Scan label arrays of one shape for the runs on which all of them are constant.

    Parameters
    ----------
    arrays : sequence of arrays, each of shape (k, j, i)
        Whole numbers from zero, of any integer, boolean or floating type and any memory layout; not changed.
    names : sequence of str, optional
        What to call each array in an error.

    Raises
    ------
    InputError
        Shapes differ or are not three-dimensional, or an array holds something else than whole numbers from zero.
    """
    names = [f"label array {n}" for n in range(1, len(arrays) + 1)] if names is None else names
    shape = _common_shape(arrays, names)
    sources = [array.view(np.uint8) if array.dtype.kind == "b" else array for array in arrays]
    planes = max(1, _PART // (shape[1] * shape[2] * sum(source.itemsize for source in sources)))
    starts: list[NDArray[np.int64]] = []
    values: list[list[LabelArray]] = [[] for _ in sources]
    previous: list[np.generic] | None = None
    for k in range(0, shape[0], planes):
        parts = [np.ascontiguousarray(source[k : k + planes]).reshape(-1) for source in sources]
        first = _changes(parts, previous)
        previous = [part[-1] for part in parts]
        if not len(first):
            continue
        starts.append(first + k * shape[1] * shape[2])
        for part, kept, name in zip(parts, values, names, strict=True):
            kept.append(_whole_numbers(part[first], name))
    all_starts = np.concatenate(starts)
    lengths = np.empty_like(all_starts)
    np.subtract(all_starts[1:], all_starts[:-1], out=lengths[:-1])
    lengths[-1] = math.prod(shape) - all_starts[-1]
    return JointRuns(shape, all_starts, lengths, tuple(np.concatenate(kept) for kept in values))


def ranked(values: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct values, ascending, and for each value its place among them; values are zero or more."""
    if not len(values):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    largest = int(values.max())
    if largest >= _TABLE:
        distinct, rank = np.unique(values, return_inverse=True)
        return distinct.astype(np.int64), rank.reshape(-1).astype(np.int64)
    present = np.zeros(largest + 1, dtype=np.bool_)
    present[values] = True
    found = present.nonzero()[0]
    place = np.empty(largest + 1, dtype=np.int64)
    place[found] = np.arange(len(found))
    return found, place.take(values)


def grouped(categories: NDArray[np.int64], n: int) -> list[NDArray[np.int64]]:
    """For each category 0 to n - 1 the places at which it stands, ascending."""
    order = _smallest(categories, n).argsort(kind="stable")
    ends = np.bincount(categories, minlength=n).cumsum().tolist()
    return [order[start:end] for start, end in pairwise([0, *ends])]


def _changes(parts: Sequence[NDArray[np.generic]], previous: Sequence[np.generic] | None) -> NDArray[np.int64]:
    """Positions in a part at which any array differs from the voxel before; `previous` is the one before the part."""
    begins = previous is None or any(part[0] != value for part, value in zip(parts, previous, strict=True))
    found = [np.zeros(1 if begins else 0, dtype=np.int64)]
    found += [_changes_within(parts, stretches) for stretches in _blocks(_with_labels(parts))]
    return np.concatenate(found)


def _changes_within(parts: Sequence[NDArray[np.generic]], stretches: Sequence[slice]) -> NDArray[np.int64]:
    """Positions within stretches at which any array differs from the voxel before."""
    first = _joined(parts[0], stretches)
    changed = first[1:] != first[:-1]
    for part in parts[1:]:
        also = _joined(part, stretches)
        changed |= also[1:] != also[:-1]
    found: NDArray[np.int64] = changed.nonzero()[0] + 1
    if len(stretches) == 1:
        found += stretches[0].start
    else:
        starts, stops = (np.array(limits) for limits in zip(*((s.start, s.stop) for s in stretches), strict=True))
        ends = (stops - starts).cumsum()
        found += (stops - ends)[ends.searchsorted(found, side="right")]
    return found


def _joined(part: NDArray[np.generic], stretches: Sequence[slice]) -> NDArray[np.generic]:
    """Stretches one after the other: where two meet, both are background or both are the same voxel."""
    if len(stretches) == 1:
        return part[stretches[0]]
    return np.concatenate([part[stretch] for stretch in stretches])


def _blocks(stretches: Iterable[slice]) -> Iterator[list[slice]]:
    """Short stretches together and long ones cut, so that what is compared at a time is about a block."""
    block: list[slice] = []
    held = 0
    for stretch in stretches:
        for start in range(stretch.start, stretch.stop - 1, _BLOCK):
            stop = min(start + _BLOCK + 1, stretch.stop)
            if block and held + stop - start > _BLOCK:
                yield block
                block, held = [], 0
            block.append(slice(start, stop))
            held += stop - start
    if block:
        yield block


def _with_labels(parts: Sequence[NDArray[np.generic]]) -> list[slice]:
    """Stretches of a part outside of which all arrays are zero, with one voxel before and one after.

    The voxel after is where background begins again.
    """
    size = len(parts[0])
    if size <= _SMALL:
        return [slice(0, size)]
    whole = size // _PIECE
    labeled = np.zeros(whole + 3, dtype=np.bool_)
    labeled[whole + 1] = whole * _PIECE < size
    for part in parts:
        # as 64-bit words, whatever the type: zeros are zeros, and this costs no more than reading them
        words = part[: whole * _PIECE].view(np.uint64)
        labeled[1:-2] |= np.bitwise_or.reduce(words.reshape(whole, _PIECE * part.itemsize // 8), axis=1) != 0
    edges = (labeled[1:] != labeled[:-1]).nonzero()[0] * _PIECE
    return [
        slice(max(start - 1, 0), min(stop + 1, size))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def _whole_numbers(values: NDArray[np.generic], name: str) -> LabelArray:
    """Values as integers from zero; every value of an array is at the start of some run, so that none escapes."""
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64)
        if not np.all(np.isfinite(numbers)):
            raise InputError(f"{name}: the label map contains NaN or infinite values; export it as whole numbers.")
        if np.any(numbers != np.rint(numbers)):
            raise InputError(
                f"{name}: the label map contains fractions, as after interpolation or in a probability map; "
                "export it as whole numbers, or threshold it."
            )
        if np.any(np.abs(numbers) > 2**31):
            raise InputError(f"{name}: the label map contains numbers beyond 2147483648; export it as labels.")
        values = numbers.astype(np.int64)
    labels: LabelArray = values  # type: ignore[assignment]  # the kind of the array was checked before the scan
    if labels.dtype.kind == "i" and len(labels) and int(labels.min()) < 0:
        raise InputError(f"{name}: the label map contains negative values; labels are whole numbers from zero.")
    return labels


def _common_shape(arrays: Sequence[NDArray[np.generic]], names: Sequence[str]) -> tuple[int, int, int]:
    if not arrays:
        raise InputError("agreement: no label map was given; give two readers or more.")
    for array, name in zip(arrays, names, strict=True):
        if array.ndim != 3 or array.size == 0:
            raise InputError(f"{name}: the label map has shape {array.shape}; it must have three axes (k, j, i).")
        if array.shape != arrays[0].shape:
            raise InputError(
                f"{names[0]} and {name} have shapes {arrays[0].shape} and {array.shape}; "
                "label them on the same image, or resample one onto the grid of the other."
            )
        if array.dtype.kind not in "buif":
            raise InputError(f"{name}: the label map has type {array.dtype}; export it as whole numbers.")
    k, j, i = arrays[0].shape
    return (k, j, i)


def _smallest(values: NDArray[np.int64], limit: int) -> NDArray[np.integer]:
    """The same numbers in the smallest type, which numpy sorts by radix."""
    if limit <= 1 << 8:
        return values.astype(np.uint8)
    return values.astype(np.uint16) if limit <= 1 << 16 else values
