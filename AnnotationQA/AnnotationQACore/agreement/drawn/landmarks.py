"""Landmarks placed by several readers: errors in mm, missing against visible, swapped names, systematic shifts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.ratings.categories import require_readers
from AnnotationQACore.agreement.statistics.distributions import f_tail, t_quantile
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Vector

__all__ = [
    "LandmarkAgreement",
    "LandmarkPair",
    "LandmarkReadings",
    "LandmarkSwap",
    "PerLandmark",
    "PerReader",
    "Placement",
    "agree_on_landmarks",
]

WITHIN_MM = (2.0, 2.5, 3.0, 4.0)
"""Distances of the success detection rates that are usual for landmarks."""


class Placement(IntEnum):
    """What a reader did with a landmark; "not visible" is an answer, "not read" is none."""

    NOT_READ = 0
    NOT_VISIBLE = 1
    PLACED = 2


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkReadings:
    """Landmarks of one case by several readers.

    Attributes
    ----------
    positions : array, shape (reader, landmark, 3)
        LPS mm; NaN where not placed.
    placement : int array, shape (reader, landmark)
        Values of `Placement`.
    readers, landmarks : tuple of str
    """

    positions: FloatArray
    placement: NDArray[np.int8]
    readers: tuple[str, ...]
    landmarks: tuple[str, ...]

    @classmethod
    def from_points(cls, readings: Mapping[str, Mapping[str, Vector | None]], names: Sequence[str] = ()) -> Self:
        """Build from the points of each reader by name; None is "not visible", an absent name "not read".

        Parameters
        ----------
        readings : mapping of reader to mapping of landmark to position in LPS mm or None
        names : sequence of str
            Landmarks in the protocol's order; others found follow.

        Raises
        ------
        InputError
            No landmark, or a coordinate that is not finite.
        """
        readers = tuple(readings)
        landmarks = tuple(dict.fromkeys([*names, *(name for points in readings.values() for name in points)]))
        if not landmarks:
            raise InputError("landmarks: no reader has a point; check the files.")
        positions = np.full((len(readers), len(landmarks), 3), np.nan)
        placement = np.full((len(readers), len(landmarks)), Placement.NOT_READ, dtype=np.int8)
        for row, points in enumerate(readings.values()):
            for name, point in points.items():
                column = landmarks.index(name)
                placement[row, column] = Placement.NOT_VISIBLE if point is None else Placement.PLACED
                if point is not None:
                    positions[row, column] = point
        if not np.all(np.isfinite(positions[placement == Placement.PLACED])):
            raise InputError("landmarks: a coordinate is not finite; place the point again.")
        return cls(positions, placement, readers, landmarks)


@dataclass(frozen=True, slots=True)
class PerReader(Result):
    """Errors of one reader.

    Attributes
    ----------
    mean_mm, sd_mm, max_mm : float
        Distance to the centre: the reference, or the mean of all readers who placed the point.
    leave_one_out_mean_mm : float
        Distance to the mean of the other readers; without a reference the fairer figure, as a reader pulls the mean of
        all to himself.
    within_mm : dict
        Share of points at most so far from the centre.
    shift : Vector
        Mean of (point - centre), LPS mm: a systematic shift.
    shift_low, shift_high : Vector
        Interval by Student's t along each axis.
    shift_p : float
        Hotelling's T² test that there is no shift; NaN below four points.
    n, not_visible, not_read : int
        Points that count, and landmarks answered "not visible" and not answered.
    """

    reader: str
    mean_mm: float
    sd_mm: float
    max_mm: float
    leave_one_out_mean_mm: float
    within_mm: dict[str, float]
    shift: Vector
    shift_low: Vector
    shift_high: Vector
    shift_p: float
    n: int
    not_visible: int
    not_read: int


@dataclass(frozen=True, slots=True)
class PerLandmark(Result):
    """One landmark: its centre, and the readers' distances (mm) to it, NaN where not placed."""

    name: str
    centre: Vector
    mean_mm: float
    max_mm: float
    errors_mm: tuple[float, ...]
    placed: int
    not_visible: int
    not_read: int


@dataclass(frozen=True, slots=True)
class LandmarkPair(Result):
    """Two readers.

    Attributes
    ----------
    mean_mm, max_mm : float
        Distance of their points, over the landmarks that both placed.
    n : int
    both_visible, only_a_visible, only_b_visible, both_not_visible : int
        Confusion of "placed" and "not visible" over the landmarks that both answered.
    disputed : tuple of str
        Landmarks that only one of them sees.
    """

    a: str
    b: str
    mean_mm: float
    max_mm: float
    n: int
    both_visible: int
    only_a_visible: int
    only_b_visible: int
    both_not_visible: int
    disputed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LandmarkSwap(Result):
    """Names that a reader seems to have mixed up.

    Attributes
    ----------
    reader : str
    kind : str
        ``swap``: names exchanged in a ring; ``shift``: a row of names that is off by one, as of miscounted vertebrae.
    placed, fits : tuple of str
        The points placed under these names fit those names, in the same order.
    saved_mm : float
        By how much the sum of distances to the other readers falls when the names are put right.
    """

    reader: str
    kind: str
    placed: tuple[str, ...]
    fits: tuple[str, ...]
    saved_mm: float


@dataclass(frozen=True, slots=True)
class LandmarkAgreement(Result):
    """Everything about the landmarks of one case.

    Attributes
    ----------
    centre : str
        ``reference``, or ``mean of readers``.
    mean_error_mm : float
        Mean over all points of the distance to the centre.
    mean_pairwise_mm : float
        Mean over landmarks and pairs of readers of the distance.
    """

    readers: tuple[str, ...]
    landmarks: tuple[str, ...]
    centre: str
    mean_error_mm: float
    mean_pairwise_mm: float
    per_reader: tuple[PerReader, ...]
    per_landmark: tuple[PerLandmark, ...]
    pairs: tuple[LandmarkPair, ...]
    swaps: tuple[LandmarkSwap, ...]


def agree_on_landmarks(
    readings: LandmarkReadings, reference: Mapping[str, Vector] | None = None, *, level: float = 0.95
) -> LandmarkAgreement:
    """Compare the landmarks of several readers.

    Parameters
    ----------
    readings : LandmarkReadings
    reference : mapping of landmark to position in LPS mm, optional
        Without it errors are to the mean of the readers; a landmark that one reader alone placed then has no error.
    level : float
        Coverage of the intervals of the shifts.

    Raises
    ------
    InputError
        One reader, and no reference.
    """
    if reference is None:
        require_readers(readings.readers, (1, len(readings.readers)))
    points = readings.positions
    others = _leave_one_out(points)
    if reference is None:
        placed = (readings.placement == Placement.PLACED).sum(axis=0)
        centre = np.where((placed >= 2)[:, None], _mean_of_placed(points), np.nan)
    else:
        centre = np.array([reference.get(name, (math.nan,) * 3) for name in readings.landmarks], dtype=np.float64)
    errors = np.linalg.norm(points - centre, axis=2)
    alone = np.linalg.norm(points - others, axis=2)
    pairs = tuple(_pair(readings, i, j) for i, j in combinations(range(len(readings.readers)), 2))
    distances = np.array(
        [np.linalg.norm(points[i] - points[j], axis=1) for i, j in combinations(range(len(points)), 2)],
        dtype=np.float64,
    )
    return LandmarkAgreement(
        readers=readings.readers,
        landmarks=readings.landmarks,
        centre="mean of readers" if reference is None else "reference",
        mean_error_mm=_mean(errors),
        mean_pairwise_mm=_mean(distances),
        per_reader=tuple(
            _per_reader(readings, row, errors[row], alone[row], points[row] - centre, level)
            for row in range(len(readings.readers))
        ),
        per_landmark=tuple(
            _per_landmark(readings, column, centre[column], errors[:, column])
            for column in range(len(readings.landmarks))
        ),
        pairs=pairs,
        swaps=tuple(swap for row in range(len(points)) for swap in _swaps(readings, row)),
    )


def _mean_of_placed(points: FloatArray) -> FloatArray:
    placed = ~np.isnan(points)
    count = placed.sum(axis=0)
    total = np.where(placed, points, 0.0).sum(axis=0)
    mean: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _leave_one_out(points: FloatArray) -> FloatArray:
    placed = ~np.isnan(points)
    filled = np.where(placed, points, 0.0)
    count = placed.sum(axis=0) - placed
    total = filled.sum(axis=0) - filled
    mean: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _per_reader(
    readings: LandmarkReadings, row: int, errors: FloatArray, alone: FloatArray, offsets: FloatArray, level: float
) -> PerReader:
    known = errors[~np.isnan(errors)]
    offsets = offsets[~np.isnan(offsets).any(axis=1)]
    n = len(known)
    shift = offsets.mean(axis=0) if n else np.full(3, np.nan)
    spread = offsets.std(axis=0, ddof=1) if n > 1 else np.full(3, np.nan)
    reach = t_quantile((1.0 + level) / 2.0, n - 1) * spread / math.sqrt(n) if n > 1 else spread
    placement = readings.placement[row]
    return PerReader(
        reader=readings.readers[row],
        mean_mm=_mean(known),
        sd_mm=float(known.std(ddof=1)) if n > 1 else math.nan,
        max_mm=float(known.max()) if n else math.nan,
        leave_one_out_mean_mm=_mean(alone),
        within_mm={f"{limit:g}": float((known <= limit).mean()) if n else math.nan for limit in WITHIN_MM},
        shift=_vector(shift),
        shift_low=_vector(shift - reach),
        shift_high=_vector(shift + reach),
        shift_p=_hotelling_p(offsets),
        n=n,
        not_visible=int((placement == Placement.NOT_VISIBLE).sum()),
        not_read=int((placement == Placement.NOT_READ).sum()),
    )


def _hotelling_p(offsets: FloatArray) -> float:
    n, axes = len(offsets), 3
    if n <= axes:
        return math.nan
    mean = offsets.mean(axis=0)
    covariance = np.cov(offsets, rowvar=False)
    if np.linalg.cond(covariance) > 1e12:
        return math.nan
    t2 = n * float(mean @ np.linalg.solve(covariance, mean))
    return f_tail(t2 * (n - axes) / (axes * (n - 1)), axes, n - axes)


def _per_landmark(readings: LandmarkReadings, column: int, centre: FloatArray, errors: FloatArray) -> PerLandmark:
    known = errors[~np.isnan(errors)]
    placement = readings.placement[:, column]
    return PerLandmark(
        name=readings.landmarks[column],
        centre=_vector(centre),
        mean_mm=_mean(known),
        max_mm=float(known.max()) if len(known) else math.nan,
        errors_mm=tuple(errors.tolist()),
        placed=int((placement == Placement.PLACED).sum()),
        not_visible=int((placement == Placement.NOT_VISIBLE).sum()),
        not_read=int((placement == Placement.NOT_READ).sum()),
    )


def _pair(readings: LandmarkReadings, i: int, j: int) -> LandmarkPair:
    distance = np.linalg.norm(readings.positions[i] - readings.positions[j], axis=1)
    known = distance[~np.isnan(distance)]
    first, second = readings.placement[i], readings.placement[j]
    only_a = (first == Placement.PLACED) & (second == Placement.NOT_VISIBLE)
    only_b = (first == Placement.NOT_VISIBLE) & (second == Placement.PLACED)
    return LandmarkPair(
        a=readings.readers[i],
        b=readings.readers[j],
        mean_mm=_mean(known),
        max_mm=float(known.max()) if len(known) else math.nan,
        n=len(known),
        both_visible=len(known),
        only_a_visible=int(only_a.sum()),
        only_b_visible=int(only_b.sum()),
        both_not_visible=int(((first == Placement.NOT_VISIBLE) & (second == Placement.NOT_VISIBLE)).sum()),
        disputed=tuple(readings.landmarks[column] for column in np.flatnonzero(only_a | only_b)),
    )


def _swaps(readings: LandmarkReadings, row: int) -> list[LandmarkSwap]:
    """Points that lie at least twice as near to where the others put another name, linked to rings and chains.

    Where the others put a name is their median, which one reader's swap does not move. With two readers both are named:
    who is right cannot be told.
    """
    rest = np.delete(readings.positions, row, axis=0)
    own = readings.positions[row]
    named = np.flatnonzero(~np.isnan(rest[..., 0]).all(axis=0))
    if len(named) < 2:
        return []
    from scipy.spatial.distance import cdist  # slow to load

    distance = cdist(own[named], np.nanmedian(rest[:, named], axis=0))
    nearest = distance.argmin(axis=1)
    fits = {
        place: int(nearest[place])
        for place in range(len(named))
        if 2.0 * distance[place, nearest[place]] < distance[place, place]
    }
    swaps = []
    for chain in _chains(fits):
        if len(chain) < 2:
            continue
        swaps.append(
            LandmarkSwap(
                reader=readings.readers[row],
                kind="swap" if fits[chain[-1]] == chain[0] else "shift",
                placed=tuple(readings.landmarks[named[place]] for place in chain),
                fits=tuple(readings.landmarks[named[fits[place]]] for place in chain),
                saved_mm=float(sum(distance[place, place] - distance[place, fits[place]] for place in chain)),
            )
        )
    return swaps


def _chains(links: dict[int, int]) -> list[list[int]]:
    """Walk the links from each beginning, then the rings that are left."""
    targets = set(links.values())
    heads = [place for place in sorted(links) if place not in targets]
    left = set(links)
    chains = []
    for head in [*heads, *sorted(links)]:
        chain = []
        place = head
        while place in left:
            left.remove(place)
            chain.append(place)
            place = links[place]
        if chain:
            chains.append(chain)
    return chains


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def _vector(values: FloatArray) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))
