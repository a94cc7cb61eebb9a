"""Agreement of the readers of a case on one segmentation item."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from AnnotationQACore.agreement.instances.instances import Instances, given_instances
from AnnotationQACore.agreement.instances.instances_clusters import cluster_instances
from AnnotationQACore.agreement.instances.instances_matching import match_instances
from AnnotationQACore.agreement.segmentations.segmentation_agreement import PairAgreement
from AnnotationQACore.agreement.segmentations.segmentations import compare_segmentations
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import ItemAgreement, PairFigures, SharedInstance, ValueRow
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.readings import Presence, Reading, SegmentationValue
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import LabelArray, Segmentation

__all__ = ["comparable_readers", "item_labels", "renumbered", "segmentation_agreement", "shared_members"]

DEFAULT_TOLERANCE_MM = 1.0
SAME_LESION_IOU = 0.0
"""Instances of two readers are one lesion when they share a voxel, the most alike first; detection asks for more."""

DETECTION_IOU = 0.5


def segmentation_agreement(item: SegmentationItem, case: CaseReadings) -> ItemAgreement | None:
    """Compare what the readers drew for an item; None when nobody read it.

    A reader who answered that the structure is absent drew an empty one; readers who could not assess it or were not
    asked are left out.
    """
    readers = comparable_readers(case, item.id)
    if not readers:
        return None
    grid = next((segmentation.grid for segmentation in case.segmentations.values()), Grid((1, 1, 1)))
    labels = {name: item_labels(case.segmentations.get(name), item.id, grid) for name in readers}
    tolerance = surface_tolerance_mm(item)
    instances = {name: given_instances(array, grid) for name, array in labels.items()}
    pairs: Sequence[PairFigures] = ()
    shared: tuple[SharedInstance, ...] = ()
    if len(readers) > 1:
        masks = {name: (array > 0).view(np.uint8) for name, array in labels.items()}
        compared = compare_segmentations(masks, grid, labels=[1], tolerances_mm=[tolerance])
        pairs = [_figures(pair, tolerance) for pair in compared.labels["1"].pairs]
        if item.instances:
            pairs = [_with_detection(pair, instances) for pair in pairs]
            shared = _shared_instances(labels, instances, grid, tolerance)
    values = _instance_volumes(shared, instances) if item.instances else _volumes(instances)
    return ItemAgreement(item.id, tuple(readers), tuple(pairs), shared, values)


def surface_tolerance_mm(item: SegmentationItem) -> float:
    """Tolerance of the normalized surface Dice: the protocol's, or `DEFAULT_TOLERANCE_MM`."""
    return item.agreement.tolerance_mm if item.agreement and item.agreement.tolerance_mm else DEFAULT_TOLERANCE_MM


def item_labels(segmentation: Segmentation | None, item_id: str, grid: Grid) -> LabelArray:
    """One array of an item's segments: 1, or the number of the instance where it has several.

    Where instances of one reader overlap, the voxel counts to the one with the higher number.
    """
    labels = np.zeros(grid.shape, dtype=np.uint16)
    if segmentation is None:
        return labels
    numbered = sorted(
        (_instance_number(segment.id, item_id), segment)
        for segment in segmentation.segments
        if segment.id == item_id or segment.id.startswith(item_id + "#")
    )
    for number, segment in numbered:
        labels[segmentation.layers[segment.layer] == segment.value] = number
    return labels


def comparable_readers(case: CaseReadings, item_id: str) -> list[str]:
    """Readers who drew the item or said that it is absent."""
    return [name for name, reading in case.readings.items() if _is_comparable(reading, item_id)]


def shared_members(instances: Mapping[str, Instances]) -> tuple[dict[str, int], ...]:
    """Which instances of the readers are one lesion: for each lesion the number of the instance of each reader."""
    if len(instances) < 2:
        return tuple({name: label} for name, own in instances.items() for label in own.labels)
    clusters = cluster_instances(list(instances.values()), list(instances), iou_above=SAME_LESION_IOU).clusters
    return tuple(
        {name: label for name, label in zip(instances, cluster.members, strict=True) if label is not None}
        for cluster in clusters
    )


def renumbered(labels: Mapping[str, LabelArray], members: Sequence[Mapping[str, int]]) -> dict[str, LabelArray]:
    """The readers' label arrays with the number of the lesion, from 1, in place of their own numbers."""
    result: dict[str, LabelArray] = {}
    for name, array in labels.items():
        table = np.zeros(int(array.max()) + 1, dtype=np.uint16)
        for number, lesion in enumerate(members, start=1):
            if name in lesion:
                table[lesion[name]] = number
        result[name] = table[array]
    return result


def _shared_instances(
    labels: Mapping[str, LabelArray], instances: Mapping[str, Instances], grid: Grid, tolerance_mm: float
) -> tuple[SharedInstance, ...]:
    members = shared_members(instances)
    if not members:
        return ()
    numbers = range(1, len(members) + 1)
    lesions = renumbered(labels, members)
    compared = compare_segmentations(lesions, grid, labels=numbers, tolerances_mm=[tolerance_mm])
    return tuple(
        SharedInstance(
            number, members[number - 1], tuple(_figures(p, tolerance_mm) for p in compared.labels[str(number)].pairs)
        )
        for number in numbers
    )


def _is_comparable(reading: Reading, item_id: str) -> bool:
    answers = reading.answers_to(item_id)
    return bool(answers) and all(
        isinstance(answer.value, SegmentationValue) and answer.value.presence is not Presence.NOT_ASSESSABLE
        for answer in answers
    )


def _instance_number(segment_id: str, item_id: str) -> int:
    suffix = segment_id.removeprefix(item_id).removeprefix("#")
    return int(suffix) if suffix.isdigit() else 1


def _figures(pair: PairAgreement, tolerance_mm: float) -> PairFigures:
    surface = pair.surface
    figures = {
        "dice": pair.dice,
        "jaccard": pair.jaccard,
        "volume_similarity": pair.volume_similarity,
        "volume_difference_mm3": pair.volume_difference_mm3,
        "hd95": surface.hd95 if surface else None,
        "assd": surface.assd if surface else None,
        "nsd": surface.nsd[tolerance_mm] if surface else None,
        "boundary_shift_mm": surface.boundary_shift_mm if surface else None,
    }
    known = {name: math.nan if value is None else value for name, value in figures.items()}
    return PairFigures(pair.a, pair.b, pair.state.value, known)


def _with_detection(pair: PairFigures, instances: Mapping[str, Instances]) -> PairFigures:
    matched = match_instances(instances[pair.a], instances[pair.b], iou_above=DETECTION_IOU)
    figures = {"detection_f1": matched.detection.f1, "panoptic_quality": matched.panoptic_quality}
    return PairFigures(pair.a, pair.b, pair.state, {**pair.figures, **figures})


def _volumes(instances: Mapping[str, Instances]) -> tuple[ValueRow, ...]:
    return (ValueRow("", {name: float(own.volumes.sum()) for name, own in instances.items()}),)


def _instance_volumes(shared: Sequence[SharedInstance], instances: Mapping[str, Instances]) -> tuple[ValueRow, ...]:
    """Only of those who drew a lesion: no volume is not a volume of zero."""
    by_label = {name: dict(zip(own.labels, own.volumes, strict=True)) for name, own in instances.items()}
    return tuple(
        ValueRow(
            f"instance {lesion.number}",
            {name: float(by_label[name][label]) for name, label in lesion.members.items()},
        )
        for lesion in shared
    )
