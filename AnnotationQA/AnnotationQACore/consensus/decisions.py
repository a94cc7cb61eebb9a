"""What every reader decided at every voxel, as runs of equal joint decisions.

Neighbouring voxels are mostly decided alike, so that a scan is stored as runs along the fastest axis, and every method
of consensus works on the few joint decisions that occur (at most 2^readers for one structure) and their voxel counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.runs import JointRuns, joint_runs
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import LabelArray

__all__ = ["Decisions", "Region", "joint_decisions"]

ScalarT = TypeVar("ScalarT", bound=np.generic)

Region = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Joint decisions of all readers on the domain of a consensus.

    Attributes
    ----------
    readers : tuple of str
    labels : tuple of int
        Label values that occur in the domain, ascending; 0, the background, is always the first.
    grid : Grid
        Grid of the whole image.
    region : tuple of 3 slices
        The domain: the box around all that any reader labeled, grown by a margin and cut at the image border.
    runs : JointRuns
        Runs of the flattened domain on which no reader's label changes.
    pattern : integer array, shape (runs,)
        Row of `patterns` that holds in each run.
    patterns : integer array, shape (patterns, readers)
        Index into `labels` of what each reader decided.
    counts : integer array, shape (patterns,)
        Voxels of the domain with each pattern.
    """

    readers: tuple[str, ...]
    labels: tuple[int, ...]
    grid: Grid
    region: Region
    runs: JointRuns
    pattern: NDArray[np.intp]
    patterns: NDArray[np.intp]
    counts: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (k, j, i) of the domain."""
        k, j, i = (part.stop - part.start for part in self.region)
        return (k, j, i)

    @property
    def is_unanimous(self) -> NDArray[np.bool_]:
        """For each pattern, whether all readers decided alike."""
        alike: NDArray[np.bool_] = np.all(self.patterns == self.patterns[:, :1], axis=1)
        return alike

    @property
    def vote_counts(self) -> NDArray[np.int64]:
        """Readers for each label, shape (patterns, labels)."""
        return np.stack([np.sum(self.patterns == label, axis=1) for label in range(len(self.labels))], axis=1)

    def spread(self, values: NDArray[ScalarT]) -> NDArray[ScalarT]:
        """Spread one value per pattern over the domain; the result has shape (k, j, i) of the domain."""
        spread: NDArray[ScalarT] = np.repeat(values[self.pattern], self.runs.lengths).reshape(self.shape)
        return spread

    def voxels_with(self, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Flat indices into the domain, and patterns, of the voxels whose pattern is wanted, in order."""
        chosen = wanted[self.pattern]
        starts, lengths = self.runs.starts[chosen], self.runs.lengths[chosen]
        ends = np.cumsum(lengths)
        flat = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        return flat, np.repeat(self.pattern[chosen], lengths)

    def parameters(self) -> dict[str, object]:
        """What a reader of the result must know of the domain."""
        return {
            "domain_start_kji": [part.start for part in self.region],
            "domain_stop_kji": [part.stop for part in self.region],
            "domain_voxels": math.prod(self.shape),
        }


def joint_decisions(
    label_maps: Sequence[LabelArray | NDArray[np.bool_]],
    grid: Grid,
    readers: Sequence[str] | None = None,
    margin_mm: float | None = 5.0,
) -> Decisions:
    """Scan the label maps of all readers.

    Parameters
    ----------
    label_maps : sequence of integer or boolean arrays, shape (k, j, i)
        One per reader, on the same grid; 0 is background.
    grid : Grid
    readers : sequence of str, optional
        Distinct names; by default ``reader 1`` and so on.
    margin_mm : float or None
        The domain is the box around all that any reader labeled, grown by this margin; None takes the whole image.

    Raises
    ------
    InputError
        Fewer than two readers, names that repeat, arrays that are no labels or do not fit the grid.
    """
    names = tuple(readers) if readers is not None else tuple(f"reader {n + 1}" for n in range(len(label_maps)))
    _require_readers(names, len(label_maps))
    maps = [_as_labels(array, name, grid) for array, name in zip(label_maps, names, strict=True)]
    region = _domain(maps, grid, margin_mm)
    runs = joint_runs([labels[region] for labels in maps], names)
    values, counts, pattern = runs.patterns()
    labels = np.union1d(values, 0)
    patterns = np.searchsorted(labels, values)
    return Decisions(names, tuple(labels.tolist()), grid, region, runs, pattern, patterns, counts)


def _require_readers(names: tuple[str, ...], maps: int) -> None:
    if len(names) != maps:
        raise InputError(f"consensus: {maps} label maps and {len(names)} reader names; give one name for each.")
    if maps < 2:
        raise InputError(f"consensus: {maps} reading; a consensus needs at least two.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"consensus: the reader name {twice[0]!r} is given twice; give each reader a name of its own.")


def _as_labels(array: LabelArray | NDArray[np.bool_], name: str, grid: Grid) -> LabelArray:
    labels: LabelArray = array.view(np.uint8) if array.dtype == np.bool_ else np.asarray(array)
    if labels.dtype.kind not in "iu":
        raise InputError(f"{name}: its voxels are {labels.dtype}, not labels; store whole numbers.")
    if labels.shape != grid.shape:
        raise InputError(
            f"{name}: its shape {labels.shape} is not that of the image, {grid.shape}; label the same image."
        )
    if labels.dtype.kind == "i" and labels.min() < 0:
        raise InputError(f"{name}: label {labels.min()} is negative; use 0 for background and positive labels.")
    return labels


def _domain(maps: Sequence[LabelArray], grid: Grid, margin_mm: float | None) -> Region:
    if margin_mm is None:
        return (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    if not (math.isfinite(margin_mm) and margin_mm >= 0):
        raise InputError(f"consensus: a margin of {margin_mm} mm cannot be; give zero or more.")
    boxes = [box for box in map(_occupied_box, maps) if box is not None]
    lower = np.min([box[0] for box in boxes], axis=0) if boxes else np.zeros(3, dtype=int)
    upper = np.max([box[1] for box in boxes], axis=0) if boxes else np.ones(3, dtype=int)
    grow = np.ceil(margin_mm / np.array(grid.spacing) - 1e-9).astype(int)
    lower, upper = np.maximum(lower - grow, 0), np.minimum(upper + grow, grid.shape)
    return (
        slice(int(lower[0]), int(upper[0])),
        slice(int(lower[1]), int(upper[1])),
        slice(int(lower[2]), int(upper[2])),
    )


def _occupied_box(labels: LabelArray) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
    """First and last plus one index (k, j, i) of the labeled voxels; None when there are none."""
    plane = labels.max(axis=0)
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not len(rows):
        return None
    first = next(k for k in range(len(labels)) if labels[k].any())
    last = next(k for k in range(len(labels) - 1, -1, -1) if labels[k].any())
    return (first, int(rows[0]), int(columns[0])), (last + 1, int(rows[-1]) + 1, int(columns[-1]) + 1)
