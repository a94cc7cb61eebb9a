"""Instances of one reader, such as lesions, as runs of voxels: found by connectivity or given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.runs import joint_runs, ranked
from AnnotationQACore.agreement.statistics.results import FloatArray
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid

__all__ = [
    "CONNECTIVITY",
    "Connectivity",
    "Instances",
    "connected_instances",
    "given_instances",
    "overlapping_intervals",
]

Connectivity = Literal[6, 18, 26]

CONNECTIVITY: Connectivity = 26
"""Default: voxels that share a face, an edge or a corner belong to one instance."""

_NEIGHBOUR_ROWS: dict[int, tuple[tuple[int, int, int], ...]] = {
    6: ((0, 1, 0), (1, 0, 0)),
    18: ((0, 1, 1), (1, 0, 1), (1, -1, 0), (1, 1, 0)),
    26: ((0, 1, 1), (1, -1, 1), (1, 0, 1), (1, 1, 1)),
}
"""For each connectivity the later rows that touch a row, as steps (k, j), and how far in i they reach beyond it."""

Runs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """Instances that do not overlap.

    Attributes
    ----------
    grid : Grid
    starts, stops : int64 array, shape (run,)
        Flat C-order indices of the first voxel of each run and of the one after its last; ascending, each within a row.
    owner : int64 array, shape (run,)
        Instance of each run, 0 to count - 1.
    labels : tuple of int
        Label value of each instance: the given one, or 1, 2, 3... in the order of the first voxels.
    """

    grid: Grid
    starts: Runs
    stops: Runs
    owner: Runs
    labels: tuple[int, ...]
    voxels: Runs = field(init=False)

    def __post_init__(self) -> None:
        voxels = np.bincount(self.owner, weights=self.stops - self.starts, minlength=len(self.labels)).astype(np.int64)
        object.__setattr__(self, "voxels", voxels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def volumes(self) -> FloatArray:
        """Volume of each instance in mm³."""
        volumes: FloatArray = self.voxels.astype(np.float64) * self.grid.voxel_volume
        return volumes

    @property
    def centres(self) -> FloatArray:
        """Centre of mass of each instance, LPS mm, shape (instance, 3)."""
        _, rows, columns = self.grid.shape
        lengths = (self.stops - self.starts).astype(np.float64)
        row, i = np.divmod(self.starts, columns)
        k, j = np.divmod(row, rows)
        middles = (k, j, i + (lengths - 1.0) / 2.0)
        sums = [np.bincount(self.owner, weights=middle * lengths, minlength=len(self)) for middle in middles]
        return self.grid.to_world(np.column_stack(sums) / np.maximum(self.voxels, 1)[:, None])

    def larger_than(self, volume: float) -> Instances:
        """Without the instances of up to `volume` mm³, such as specks."""
        kept = np.flatnonzero(self.volumes > volume)
        place = np.full(len(self), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        runs = place[self.owner] >= 0
        labels = tuple(self.labels[index] for index in kept)
        return Instances(self.grid, self.starts[runs], self.stops[runs], place[self.owner[runs]], labels)

    def to_array(self) -> NDArray[np.int32]:
        """Label image, shape (k, j, i)."""
        image = np.zeros(self.grid.shape, dtype=np.int32)
        flat = image.reshape(-1)
        lengths = self.stops - self.starts
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        flat[np.repeat(self.starts, lengths) + inside] = np.repeat(np.array(self.labels, np.int32)[self.owner], lengths)
        return image


def given_instances(labels: NDArray[np.generic], grid: Grid) -> Instances:
    """Take each label value greater than zero as one instance, connected or not.

    Parameters
    ----------
    labels : integer array, shape (k, j, i)
    grid : Grid

    Raises
    ------
    InputError
        The shape does not fit the grid, or the array holds something else than whole numbers from zero.
    """
    starts, stops, values = _row_runs(labels, grid)
    distinct, owner = ranked(values)
    return Instances(grid, starts, stops, owner, tuple(int(value) for value in distinct))


def connected_instances(
    labels: NDArray[np.generic], grid: Grid, *, connectivity: Connectivity = CONNECTIVITY
) -> Instances:
    """Split label values into connected components; each is an instance.

    Parameters
    ----------
    labels : integer or boolean array, shape (k, j, i)
        Voxels of different values are never connected.
    grid : Grid
    connectivity : 6, 18 or 26
        Whether voxels are neighbours that share a face; or an edge; or a corner (default).

    Raises
    ------
    InputError
        As for `given_instances`, or the connectivity is another.
    """
    if connectivity not in _NEIGHBOUR_ROWS:
        raise InputError(f"instances: the connectivity {connectivity} cannot be; choose 6, 18 or 26.")
    from scipy import sparse  # slow to load, and given instances do without

    starts, stops, values = _row_runs(labels, grid)
    first, second = _touching_runs(starts, stops, grid, connectivity)
    same = values[first] == values[second]
    links = sparse.coo_array((np.ones(same.sum(), np.int8), (first[same], second[same])), shape=(len(starts),) * 2)
    count, component = sparse.csgraph.connected_components(links, directed=False)
    _, first_run = np.unique(component, return_index=True)
    order = np.empty(count, dtype=np.int64)
    order[np.argsort(first_run)] = np.arange(count)
    return Instances(grid, starts, stops, order[component], tuple(range(1, count + 1)))


def _row_runs(labels: NDArray[np.generic], grid: Grid) -> tuple[Runs, Runs, Runs]:
    """Start, stop and value of the runs of labels greater than zero, cut where rows end."""
    if labels.shape != grid.shape:
        raise InputError(f"instances: labels of shape {labels.shape} do not fit a grid of shape {grid.shape}.")
    runs = joint_runs([labels])
    labelled = np.flatnonzero(runs.values[0])
    starts, lengths = runs.starts[labelled], runs.lengths[labelled]
    values = runs.values[0][labelled].astype(np.int64)
    columns = grid.shape[2]
    first_row = starts // columns
    rows = (starts + lengths - 1) // columns - first_row + 1
    if rows.size and rows.max() > 1:
        step = np.arange(rows.sum()) - np.repeat(np.cumsum(rows) - rows, rows)
        row = np.repeat(first_row, rows) + step
        stops = np.minimum(np.repeat(starts + lengths, rows), (row + 1) * columns)
        return np.maximum(np.repeat(starts, rows), row * columns), stops, np.repeat(values, rows)
    return starts, starts + lengths, values


def _touching_runs(starts: Runs, stops: Runs, grid: Grid, connectivity: int) -> tuple[Runs, Runs]:
    """Pairs of runs that are neighbours, each pair once."""
    _, rows, columns = grid.shape
    # An empty margin around each row and slice keeps the end of one from touching the start of the next.
    width, height = columns + 2, rows + 2
    row, i = np.divmod(starts, columns)
    k, j = np.divmod(row, rows)
    begin = (k * height + j) * width + i
    end = begin + (stops - starts)
    pairs = [
        overlapping_intervals(
            begin + (dk * height + dj) * width - reach, end + (dk * height + dj) * width + reach, begin, end
        )
        for dk, dj, reach in _NEIGHBOUR_ROWS[connectivity]
    ]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def overlapping_intervals(starts_a: Runs, stops_a: Runs, starts_b: Runs, stops_b: Runs) -> tuple[Runs, Runs]:
    """Indices of all pairs of half-open intervals that overlap; those of `b` are ascending and disjoint."""
    low = np.searchsorted(stops_b, starts_a, side="right")
    high = np.searchsorted(starts_b, stops_a, side="left")
    count = high - low
    first = np.repeat(np.arange(len(starts_a)), count)
    second = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    return first, second
