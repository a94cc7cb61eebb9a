"""Consensus of landmarks: a vote on visibility, and the geometric median of the positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AnnotationQACore.errors import InputError

__all__ = ["LandmarkConsensus", "PointConsensus", "geometric_median", "landmark_consensus"]

Position = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PointConsensus:
    """One landmark.

    Attributes
    ----------
    name : str
    position : tuple of 3 float, or None
        LPS mm; None when it is not visible by vote.
    visible, not_visible, not_read : tuple of str
        Readers.
    distances : mapping of reader to float
        Distance in mm of each reader's point from the consensus.
    uncertainty : float
        Mean of these distances; NaN when there are none.
    """

    name: str
    position: Position | None
    visible: tuple[str, ...]
    not_visible: tuple[str, ...]
    not_read: tuple[str, ...]
    distances: Mapping[str, float]
    uncertainty: float


@dataclass(frozen=True, slots=True)
class LandmarkConsensus:
    """All landmarks; `performance` is each reader's mean distance in mm from the consensus, NaN without points."""

    method: str
    parameters: Mapping[str, object]
    points: tuple[PointConsensus, ...]
    performance: Mapping[str, float]
    warnings: tuple[str, ...] = ()


def geometric_median(points: ArrayLike, tolerance: float = 1e-9, max_iterations: int = 10000) -> NDArray[np.float64]:
    """Point with the smallest sum of distances to the given ones.

    Weiszfeld's iterations with the step of Vardi and Zhang (2000, PNAS 97:1423), which leave a given point that is
    not the median and stay at one that is. Two points have a whole segment of medians: its middle is returned, and so
    it is for any even number of points on one line.

    Parameters
    ----------
    points : array, shape (n, dimensions), n >= 1
        All finite.
    tolerance : float
        The iterations end when a step is shorter than this times the extent of the points.
    max_iterations : int
    """
    given = np.array(points, dtype=np.float64)
    if given.ndim != 2 or not len(given) or not np.isfinite(given).all():
        raise InputError("geometric median: give at least one point, with finite coordinates.")
    centre = given.mean(axis=0)
    extent = float(np.abs(given - centre).max())
    if extent == 0.0:
        return np.array(given[0])
    _, sizes, axes = np.linalg.svd(given - centre)
    if np.all(sizes[1:] <= 1e-12 * sizes[0]):
        # on a line the median of the coordinates is exact, and where it is not unique the middle is taken
        collinear: NDArray[np.float64] = centre + np.median((given - centre) @ axes[0]) * axes[0]
        return collinear
    for vertex in given:
        if _is_median(vertex, given, extent):
            return np.array(vertex)
    estimate = centre
    for _ in range(max_iterations):
        step = _weiszfeld(estimate, given, extent) - estimate
        estimate = estimate + step
        if np.linalg.norm(step) <= tolerance * extent:
            break
    return np.asarray(estimate, dtype=np.float64)


def _pull(
    place: NDArray[np.float64], given: NDArray[np.float64], extent: float
) -> tuple[NDArray[np.float64], float, int]:
    """Sum of unit vectors to the points elsewhere, sum of their inverse distances, and how many points are here."""
    towards = given - place
    distance = np.linalg.norm(towards, axis=1)
    away = distance > 1e-12 * extent
    inverse = 1.0 / distance[away]
    return (towards[away] * inverse[:, None]).sum(axis=0), float(inverse.sum()), int(np.sum(~away))


def _is_median(vertex: NDArray[np.float64], given: NDArray[np.float64], extent: float) -> bool:
    pull, _, here = _pull(vertex, given, extent)
    return float(np.linalg.norm(pull)) <= here * (1 + 1e-12)


def _weiszfeld(place: NDArray[np.float64], given: NDArray[np.float64], extent: float) -> NDArray[np.float64]:
    pull, inverse, here = _pull(place, given, extent)
    strength = float(np.linalg.norm(pull))
    held = max(0.0, 1.0 - here / strength) if here and strength > 0 else 1.0
    moved: NDArray[np.float64] = place + held * pull / inverse
    return moved


def landmark_consensus(
    readings: Mapping[str, Mapping[str, Position | None]], ties: str = "visible"
) -> LandmarkConsensus:
    """Combine the landmarks of several readers.

    Parameters
    ----------
    readings : mapping of reader to mapping of landmark to position
        Positions in LPS mm, None where the reader marked the landmark as not visible; a landmark that is not in a
        reader's mapping was not read by that reader.
    ties : {"visible", "not visible"}
        What a landmark is that as many readers saw as did not.

    Returns
    -------
    LandmarkConsensus
        A landmark is visible when more than half of the readers who read it saw it; its position is the geometric
        median of their points, which a single far-off point hardly moves.
    """
    if len(readings) < 2:
        raise InputError(f"consensus: {len(readings)} reading; a consensus needs at least two.")
    if ties not in ("visible", "not visible"):
        raise InputError(f"consensus: no ties policy {ties!r}; choose visible or not visible.")
    names = list(dict.fromkeys(name for reading in readings.values() for name in reading))
    if not names:
        raise InputError("consensus: no reader has a landmark; check the files.")
    points = tuple(_point(name, readings, ties) for name in names)
    performance = {}
    for reader in readings:
        distances = [point.distances[reader] for point in points if reader in point.distances]
        performance[reader] = float(np.mean(distances)) if distances else float("nan")
    tied = [point.name for point in points if point.visible and len(point.visible) == len(point.not_visible)]
    pairs = [point.name for point in points if point.position is not None and len(point.visible) == 2]
    warnings = []
    if tied:
        warnings.append(f"as many readers saw as did not see: {', '.join(tied)}; taken as {ties}.")
    if pairs:
        warnings.append(f"seen by two readers, so that the middle between them is taken: {', '.join(pairs)}.")
    return LandmarkConsensus("geometric median", {"ties": ties}, points, performance, tuple(warnings))


def _point(name: str, readings: Mapping[str, Mapping[str, Position | None]], ties: str) -> PointConsensus:
    seen = {reader: reading[name] for reader, reading in readings.items() if reading.get(name) is not None}
    unseen = tuple(reader for reader, reading in readings.items() if name in reading and reading[name] is None)
    unread = tuple(reader for reader, reading in readings.items() if name not in reading)
    positions = np.array(list(seen.values()), dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(positions).all():
        raise InputError(f"landmark {name!r}: a coordinate is not finite; place the point again.")
    is_visible = len(seen) > len(unseen) or (len(seen) == len(unseen) and ties == "visible")
    if not is_visible:
        return PointConsensus(name, None, tuple(seen), unseen, unread, {}, float("nan"))
    median = geometric_median(positions)
    distances = np.linalg.norm(positions - median, axis=1)
    return PointConsensus(
        name,
        (float(median[0]), float(median[1]), float(median[2])),
        tuple(seen),
        unseen,
        unread,
        dict(zip(seen, distances.tolist(), strict=True)),
        float(distances.mean()),
    )
