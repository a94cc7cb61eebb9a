"""Instances of several readers: which of them are one lesion, and who found it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from AnnotationQACore.agreement.instances.instances import Instances
from AnnotationQACore.agreement.instances.instances_matching import overlap_voxels
from AnnotationQACore.agreement.ratings.categories import require_readers
from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import require_same_grid

__all__ = ["InstanceCluster", "InstanceClusters", "cluster_instances"]


@dataclass(frozen=True, slots=True)
class InstanceCluster(Result):
    """One lesion.

    Attributes
    ----------
    members : tuple of int or None
        For each reader the label of the instance, None where the reader has none.
    found_by : int
        Readers who have it.
    mean_iou : float
        Over all pairs of members; NaN for a single one.
    volumes_mm3 : tuple of float
        For each reader, NaN where there is none.
    """

    members: tuple[int | None, ...]
    found_by: int
    mean_iou: float
    volumes_mm3: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class InstanceClusters(Result):
    """All lesions of several readers.

    Attributes
    ----------
    readers : tuple of str
    rule : str
    clusters : tuple of InstanceCluster
        Most often found first.
    found_by : tuple of int
        How many lesions were found by exactly 1, 2, ... readers.
    """

    readers: tuple[str, ...]
    rule: str
    clusters: tuple[InstanceCluster, ...]
    found_by: tuple[int, ...]


def cluster_instances(
    instances: Sequence[Instances], readers: Sequence[str], *, iou_above: float = 0.5
) -> InstanceClusters:
    """Join instances of several readers, the most alike pairs first; a lesion has at most one instance of each reader.

    Parameters
    ----------
    instances : sequence of Instances
        One for each reader, on the same grid.
    readers : sequence of str
    iou_above : float
        Two instances may be joined when their IoU is greater.

    Raises
    ------
    GridMismatch
        The grids differ.
    InputError
        Fewer than two readers, a name twice, or a threshold that cannot be.
    """
    require_readers(readers, (1, len(instances)))
    if not 0.0 <= iou_above < 1.0:
        raise InputError(f"instances: the IoU threshold {iou_above} is not in [0, 1); 0.5 is usual.")
    for name, other in zip(readers[1:], instances[1:], strict=True):
        require_same_grid(instances[0].grid, other.grid, (readers[0], name))
    iou = _pairwise_iou(instances)
    cluster_of = {(reader, index): (reader, index) for reader, own in enumerate(instances) for index in range(len(own))}
    members = {node: {node[0]: node[1]} for node in cluster_of}
    for (left, right), value in sorted(iou.items(), key=lambda item: (-item[1], item[0])):
        first, second = cluster_of[left], cluster_of[right]
        if value <= iou_above or members[first].keys() & members[second].keys():
            continue
        for reader, index in members.pop(second).items():
            members[first][reader] = index
            cluster_of[reader, index] = first
    clusters = sorted(
        (_cluster(found, instances, iou) for _, found in sorted(members.items())), key=lambda c: -c.found_by
    )
    counts = np.bincount([cluster.found_by for cluster in clusters], minlength=len(readers) + 1)[1:]
    rule = f"IoU > {iou_above:g}, most alike pairs first, one instance of each reader"
    return InstanceClusters(tuple(readers), rule, tuple(clusters), tuple(int(count) for count in counts))


Node = tuple[int, int]


def _pairwise_iou(instances: Sequence[Instances]) -> dict[tuple[Node, Node], float]:
    values = {}
    for (r, a), (s, b) in combinations(enumerate(instances), 2):
        first, second, shared = overlap_voxels(a, b)
        iou = shared / (a.voxels[first] + b.voxels[second] - shared)
        for i, j, value in zip(first.tolist(), second.tolist(), iou.tolist(), strict=True):
            values[(r, i), (s, j)] = value
    return values


def _cluster(
    found: dict[int, int], instances: Sequence[Instances], iou: dict[tuple[Node, Node], float]
) -> InstanceCluster:
    pairs = [iou.get((left, right), 0.0) for left, right in combinations(sorted(found.items()), 2)]
    return InstanceCluster(
        members=tuple(own.labels[found[r]] if r in found else None for r, own in enumerate(instances)),
        found_by=len(found),
        mean_iou=float(np.mean(pairs)) if pairs else math.nan,
        volumes_mm3=tuple(float(own.volumes[found[r]]) if r in found else math.nan for r, own in enumerate(instances)),
    )
