"""Which instances of two readers are the same, and what follows: detection, panoptic quality, size errors.

Panoptic quality: Kirillov et al. 2019, CVPR. An IoU above one half can hold for one partner only, so that the match is
unique without any choice; below that, or by distance, the best assignment of all is taken (Hungarian method).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.instances.instances import Instances, overlapping_intervals
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import require_same_grid

__all__ = [
    "DetectionScores",
    "InstanceAgreement",
    "InstanceMatch",
    "UnmatchedInstance",
    "assign_by_distance",
    "detection_scores",
    "match_instances",
    "overlap_voxels",
]

Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DetectionScores(Result):
    """Counts and rates of detection, with `a` as the reference.

    Precision is undefined (NaN) when `b` marks nothing, recall when `a` does, F1 when both do.
    """

    true_positives: int
    false_negatives: int
    false_positives: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class InstanceMatch(Result):
    """One instance as two readers see it; errors are `b` minus `a`, relative ones to `a`."""

    a: int
    b: int
    iou: float
    dice: float
    volume_a_mm3: float
    volume_b_mm3: float
    size_error_mm3: float
    size_error_relative: float
    centre_distance_mm: float


@dataclass(frozen=True, slots=True)
class UnmatchedInstance(Result):
    """An instance that only one reader has."""

    label: int
    volume_mm3: float
    centre: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class InstanceAgreement(Result):
    """Instances of two readers, `a` being the reference.

    Attributes
    ----------
    rule : str
        How instances were matched.
    state : str
        ``both present``, ``both absent``, ``only a`` or ``only b``.
    matches : tuple of InstanceMatch
    missed, extra : tuple of UnmatchedInstance
        Of `a` without a partner in `b`, and of `b` without one in `a`.
    detection : DetectionScores
    segmentation_quality, recognition_quality, panoptic_quality : float
        Mean IoU of the matches, F1, and their product. Without a match the product is 0, and undefined (NaN) when
        both are absent.
    mean_dice : float
        Of the matches.
    """

    rule: str
    state: str
    matches: tuple[InstanceMatch, ...]
    missed: tuple[UnmatchedInstance, ...]
    extra: tuple[UnmatchedInstance, ...]
    detection: DetectionScores
    segmentation_quality: float
    recognition_quality: float
    panoptic_quality: float
    mean_dice: float


def match_instances(
    a: Instances,
    b: Instances,
    *,
    iou_above: float = 0.5,
    within_mm: float | None = None,
    by_label: bool = False,
) -> InstanceAgreement:
    """Match the instances of two readers.

    Parameters
    ----------
    a, b : Instances
        On the same grid; `a` is the reference.
    iou_above : float
        Instances match when their IoU is greater, in [0, 1). Below 0.5 the assignment with the greatest sum of IoU
        is taken.
    within_mm : float, optional
        Match by the distance of the centres of mass instead, up to and including this: as many matches as can be,
        and of those the shortest.
    by_label : bool
        Instances of the same label are the same, as of vertebrae that were numbered, however they overlap.

    Raises
    ------
    GridMismatch
        The grids differ.
    InputError
        A threshold cannot be.
    """
    require_same_grid(a.grid, b.grid, ("the first reader", "the second reader"))
    if not 0.0 <= iou_above < 1.0:
        raise InputError(f"instances: the IoU threshold {iou_above} is not in [0, 1); 0.5 is usual.")
    first, second, shared = overlap_voxels(a, b)
    iou = shared / (a.voxels[first] + b.voxels[second] - shared)
    if by_label:
        rule = "same label"
        common = sorted(set(a.labels) & set(b.labels))
        pairs = np.array([(a.labels.index(label), b.labels.index(label)) for label in common], np.int64).reshape(-1, 2)
    elif within_mm is not None:
        rule = f"centre distance <= {within_mm:g} mm, optimal assignment"
        pairs = assign_by_distance(a.centres, b.centres, within_mm)
    elif iou_above >= 0.5:
        rule = f"IoU > {iou_above:g}, unique"
        pairs = np.column_stack([first, second])[iou > iou_above]
    else:
        rule = f"IoU > {iou_above:g}, optimal assignment"
        pairs = _assign_by_iou(first, second, iou, iou_above, (len(a), len(b)))
    shared_of = {(int(i), int(j)): float(n) for i, j, n in zip(first, second, shared, strict=True)}
    return _agreement(a, b, pairs, shared_of, rule)


def overlap_voxels(a: Instances, b: Instances) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Pairs of instances that share voxels, as indices into `a` and into `b`, and how many voxels each pair shares."""
    i, j = overlapping_intervals(a.starts, a.stops, b.starts, b.stops)
    lengths = np.minimum(a.stops[i], b.stops[j]) - np.maximum(a.starts[i], b.starts[j])
    keys, pair = np.unique(a.owner[i] * max(len(b), 1) + b.owner[j], return_inverse=True)
    first, second = np.divmod(keys, max(len(b), 1))
    return first, second, np.bincount(pair.reshape(-1), weights=lengths, minlength=len(keys)).astype(np.float64)


def assign_by_distance(a: FloatArray, b: FloatArray, within_mm: float) -> Pairs:
    """Pair points not farther apart than `within_mm`: as many pairs as can be, and of those the shortest in sum.

    Parameters
    ----------
    a, b : array, shape (point, 3)
        Positions in mm.
    within_mm : float

    Returns
    -------
    int array, shape (pair, 2)
        Indices into `a` and `b`.
    """
    if not within_mm >= 0.0:
        raise InputError(f"instances: the distance {within_mm} mm cannot be; give a length from zero.")
    if not len(a) or not len(b):
        return np.empty((0, 2), dtype=np.int64)
    from scipy import optimize, spatial  # slow to load, and masks with IoU > 0.5 leave no choice

    distance = spatial.distance.cdist(a, b)
    near = distance <= within_mm
    unmatched = 1.0 + 2.0 * within_mm * min(len(a), len(b))
    rows, columns = optimize.linear_sum_assignment(np.where(near, distance, unmatched))
    kept = near[rows, columns]
    return np.column_stack([rows[kept], columns[kept]])


def detection_scores(true_positives: int, false_negatives: int, false_positives: int) -> DetectionScores:
    """Precision, recall and F1 from counts."""
    marked, present = true_positives + false_positives, true_positives + false_negatives
    return DetectionScores(
        true_positives,
        false_negatives,
        false_positives,
        precision=true_positives / marked if marked else math.nan,
        recall=true_positives / present if present else math.nan,
        f1=2.0 * true_positives / (marked + present) if marked + present else math.nan,
    )


def _assign_by_iou(first: Pairs, second: Pairs, iou: FloatArray, above: float, size: tuple[int, int]) -> Pairs:
    from scipy import optimize  # see `assign_by_distance`

    gain = np.zeros(size)
    gain[first, second] = np.where(iou > above, iou, 0.0)
    rows, columns = optimize.linear_sum_assignment(gain, maximize=True)
    kept = gain[rows, columns] > 0.0
    return np.column_stack([rows[kept], columns[kept]])


def _agreement(
    a: Instances, b: Instances, pairs: Pairs, shared: dict[tuple[int, int], float], rule: str
) -> InstanceAgreement:
    centres_a, centres_b = a.centres, b.centres
    volumes_a, volumes_b = a.volumes, b.volumes
    matches = []
    for i, j in pairs.tolist():
        common = shared.get((i, j), 0.0)
        both = float(a.voxels[i] + b.voxels[j])
        error = float(volumes_b[j] - volumes_a[i])
        matches.append(
            InstanceMatch(
                a=a.labels[i],
                b=b.labels[j],
                iou=common / (both - common),
                dice=2.0 * common / both,
                volume_a_mm3=float(volumes_a[i]),
                volume_b_mm3=float(volumes_b[j]),
                size_error_mm3=error,
                size_error_relative=error / float(volumes_a[i]),
                centre_distance_mm=float(np.linalg.norm(centres_a[i] - centres_b[j])),
            )
        )
    found_a, found_b = set(pairs[:, 0].tolist()), set(pairs[:, 1].tolist())
    missed = _unmatched(a, centres_a, found_a)
    extra = _unmatched(b, centres_b, found_b)
    detection = detection_scores(len(matches), len(missed), len(extra))
    quality = float(np.mean([match.iou for match in matches])) if matches else math.nan
    return InstanceAgreement(
        rule=rule,
        state=_state(len(a), len(b)),
        matches=tuple(matches),
        missed=missed,
        extra=extra,
        detection=detection,
        segmentation_quality=quality,
        recognition_quality=detection.f1,
        panoptic_quality=quality * detection.f1 if matches else detection.f1,
        mean_dice=float(np.mean([match.dice for match in matches])) if matches else math.nan,
    )


def _unmatched(instances: Instances, centres: FloatArray, found: set[int]) -> tuple[UnmatchedInstance, ...]:
    volumes = instances.volumes
    return tuple(
        UnmatchedInstance(
            instances.labels[index],
            float(volumes[index]),
            (float(centres[index, 0]), float(centres[index, 1]), float(centres[index, 2])),
        )
        for index in range(len(instances))
        if index not in found
    )


def _state(count_a: int, count_b: int) -> str:
    if count_a and count_b:
        return "both present"
    if not count_a and not count_b:
        return "both absent"
    return "only a" if count_a else "only b"
