"""Connected components of voxels that are given as runs along rows; far fewer than voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["RowRuns"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RowRuns:
    """Runs that each lie in one row, ordered by row and start; no two share a voxel.

    Attributes
    ----------
    shape : tuple of 3 int
        Of the image, (k, j, i).
    row : int64 array, shape (run,)
        ``k * shape[1] + j``.
    begin, end : int64 array, shape (run,)
        First voxel along i, and the one after the last.
    source : int64 array, shape (run,)
        Which of the given runs each is a part of.
    """

    shape: tuple[int, int, int]
    row: IntArray
    begin: IntArray
    end: IntArray
    source: IntArray

    @classmethod
    def split(cls, shape: tuple[int, int, int], starts: IntArray, lengths: IntArray, chosen: IntArray) -> RowRuns:
        """Cut runs of the flattened image at the ends of rows; `chosen` are ascending indices of runs."""
        columns = shape[2]
        first, last = starts[chosen], starts[chosen] + lengths[chosen] - 1
        first_row, rows = first // columns, last // columns - first // columns + 1
        part = np.repeat(np.arange(len(chosen)), rows)
        row = first_row[part] + np.arange(len(part)) - np.repeat(np.cumsum(rows) - rows, rows)
        begin = np.maximum(first[part] - row * columns, 0)
        end = np.minimum(last[part] + 1 - row * columns, columns)
        return cls(shape, row, begin, end, chosen[part])

    def __len__(self) -> int:
        return len(self.row)

    @property
    def length(self) -> IntArray:
        """Voxels of each run."""
        return self.end - self.begin

    @property
    def k(self) -> IntArray:
        """Slice of each run."""
        return self.row // self.shape[1]

    @property
    def j(self) -> IntArray:
        """Row within the slice of each run."""
        return self.row % self.shape[1]

    @property
    def start(self) -> IntArray:
        """Flat index of the first voxel of each run."""
        return self.row * self.shape[2] + self.begin

    def subset(self, wanted: NDArray[np.bool_] | IntArray) -> RowRuns:
        """Some of the runs, in their order."""
        return RowRuns(self.shape, self.row[wanted], self.begin[wanted], self.end[wanted], self.source[wanted])

    def voxels(self) -> IntArray:
        """Flat indices of all voxels, run after run."""
        lengths = self.length
        ends = np.cumsum(lengths)
        flat: IntArray = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.start - (ends - lengths), lengths)
        return flat

    def components(self, group: IntArray | None = None) -> tuple[int, IntArray]:
        """Number of components, and for each run its component, in the order of their first run.

        Voxels are neighbours when they share a corner (26 neighbours) and their runs are of the same `group`.
        """
        if not len(self):
            return 0, np.zeros(0, dtype=np.int64)
        first, second = self._neighbours()
        if group is not None:
            alike = group[first] == group[second]
            first, second = first[alike], second[alike]
        links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(self), len(self)))
        count, component = connected_components(links, directed=False)
        _, place = np.unique(component, return_index=True)
        order = np.empty(count, dtype=np.int64)
        order[np.argsort(place)] = np.arange(count)
        return int(count), order[component]

    def _neighbours(self) -> tuple[IntArray, IntArray]:
        """Pairs of runs that touch, each once."""
        width = self.shape[2] + 2
        begins, ends = self.row * width + self.begin, self.row * width + self.end
        j = self.j
        touching = np.flatnonzero((self.row[1:] == self.row[:-1]) & (self.begin[1:] == self.end[:-1]))
        firsts, seconds = [touching], [touching + 1]
        for dk, dj in ((0, 1), (1, -1), (1, 0), (1, 1)):
            own = np.flatnonzero((j + dj >= 0) & (j + dj < self.shape[1]))
            target = (self.row[own] + dk * self.shape[1] + dj) * width
            low = np.searchsorted(ends, target + self.begin[own], side="left")
            high = np.searchsorted(begins, target + self.end[own], side="right")
            counts = np.maximum(high - low, 0)
            firsts.append(np.repeat(own, counts))
            offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            seconds.append(np.repeat(low, counts) + offsets)
        return np.concatenate(firsts), np.concatenate(seconds)
