"""Consensus of boxes: those of different readers around the same thing are clustered, then their corners' median."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.drawn.boxes import box_iou
from AnnotationQACore.errors import InputError

__all__ = ["Box", "BoxCluster", "BoxConsensus", "box_consensus"]

Corner = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned box between two corners in mm, with what is in it; a box on one slice has no extent across it."""

    lower: Corner
    upper: Corner
    label: str = ""

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in (*self.lower, *self.upper))
        if not finite or any(low > high for low, high in zip(self.lower, self.upper, strict=True)):
            raise InputError(
                f"box: corners {self.lower} and {self.upper} are no lower and upper corner; draw it again."
            )


@dataclass(frozen=True, slots=True)
class BoxCluster:
    """Boxes of different readers taken to be of one thing.

    Attributes
    ----------
    box : Box
        Median of the corners.
    members : mapping of reader to Box
    support : float
        Share of the readers who drew it.
    accepted : bool
        Whether enough readers drew it.
    iou : mapping of reader to float
        Overlap of each member with `box`.
    uncertainty : float
        One minus the mean of these.
    """

    box: Box
    members: Mapping[str, Box]
    support: float
    accepted: bool
    iou: Mapping[str, float]
    uncertainty: float


@dataclass(frozen=True, slots=True)
class BoxConsensus:
    """All clusters, the accepted ones first; `performance` is each reader's (sensitivity, precision) against those."""

    method: str
    parameters: Mapping[str, object]
    clusters: tuple[BoxCluster, ...]
    performance: Mapping[str, tuple[float, float]]
    warnings: tuple[str, ...] = ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Boxes of the accepted clusters."""
        return tuple(cluster.box for cluster in self.clusters if cluster.accepted)


def box_consensus(
    readings: Mapping[str, Sequence[Box]], iou: float = 0.5, minimum_readers: int | None = None
) -> BoxConsensus:
    """Cluster the readers' boxes and take the median corners of each cluster.

    Parameters
    ----------
    readings : mapping of reader to boxes
        A reader without boxes read and found none.
    iou : float
        Boxes of the same label are joined while the mean overlap between two clusters is at least this; the most
        overlapping first, never two boxes of one reader.
    minimum_readers : int, optional
        Readers who must have drawn it; by default more than half of all.

    Returns
    -------
    BoxConsensus
    """
    if len(readings) < 2:
        raise InputError(f"consensus: {len(readings)} reading; a consensus needs at least two.")
    needed = len(readings) // 2 + 1 if minimum_readers is None else minimum_readers
    if not 0 < iou <= 1 or not 1 <= needed <= len(readings):
        raise InputError("consensus: the overlap must lie in (0, 1], and minimum_readers between 1 and their number.")
    drawn = [(reader, box) for reader, boxes in readings.items() for box in boxes]
    clusters = [
        _summarized([drawn[index] for index in members], len(readings), needed) for members in _clusters(drawn, iou)
    ]
    clusters.sort(key=lambda cluster: (not cluster.accepted, -cluster.support, cluster.box.lower, cluster.box.upper))
    accepted = [cluster for cluster in clusters if cluster.accepted]
    performance = {}
    for reader, boxes in readings.items():
        found = sum(reader in cluster.members for cluster in accepted)
        performance[reader] = (
            found / len(accepted) if accepted else float("nan"),
            found / len(boxes) if boxes else float("nan"),
        )
    parameters = {"iou": iou, "minimum_readers": needed, "linkage": "mean"}
    return BoxConsensus("clustered median", parameters, tuple(clusters), performance)


def _clusters(drawn: Sequence[tuple[str, Box]], threshold: float) -> list[list[int]]:
    """Agglomerate by mean overlap; ties go to the boxes given first."""
    overlap = np.array([[_linkable(a, b) for b in drawn] for a in drawn], dtype=np.float64)
    clusters = [[index] for index in range(len(drawn))]
    while len(clusters) > 1:
        best, pair = threshold - 1e-12, None
        for first in range(len(clusters)):
            for second in range(first + 1, len(clusters)):
                linkage = _mean_overlap(overlap, clusters[first], clusters[second])
                if linkage > best + (1e-12 if pair else 0.0):
                    best, pair = linkage, (first, second)
        if pair is None:
            break
        clusters[pair[0]] += clusters.pop(pair[1])
    return clusters


def _linkable(first: tuple[str, Box], second: tuple[str, Box]) -> float:
    if first[0] == second[0] or first[1].label != second[1].label:
        return -math.inf
    return _overlap(first[1], second[1])


def _overlap(first: Box, second: Box) -> float:
    return float(box_iou([(first.lower, first.upper)], [(second.lower, second.upper)])[0, 0])


def _mean_overlap(overlap: NDArray[np.float64], first: list[int], second: list[int]) -> float:
    return float(overlap[np.ix_(first, second)].mean())


def _summarized(members: Sequence[tuple[str, Box]], readers: int, needed: int) -> BoxCluster:
    lower = np.median([box.lower for _, box in members], axis=0)
    upper = np.median([box.upper for _, box in members], axis=0)
    box = Box(_corner(lower), _corner(upper), members[0][1].label)
    iou = {reader: _overlap(box, member) for reader, member in members}
    uncertainty = 1.0 - sum(iou.values()) / len(iou)
    return BoxCluster(box, dict(members), len(members) / readers, len(members) >= needed, iou, uncertainty)


def _corner(values: NDArray[np.float64]) -> Corner:
    return (float(values[0]), float(values[1]), float(values[2]))
