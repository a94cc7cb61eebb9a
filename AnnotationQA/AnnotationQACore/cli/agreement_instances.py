"""Instances in label files: `annotation-qa agreement A.nrrd B.nrrd --instances connected|given`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from AnnotationQACore.agreement.instances.instances import Instances, connected_instances, given_instances
from AnnotationQACore.agreement.instances.instances_clusters import cluster_instances
from AnnotationQACore.agreement.instances.instances_matching import InstanceAgreement, match_instances
from AnnotationQACore.agreement.segmentations.segmentations import REFERENCE
from AnnotationQACore.cli.output import figure, rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import require_same_grid
from AnnotationQACore.segmentation import LabelArray, Segmentation
from AnnotationQACore.wording import count_of

__all__ = ["compare_instances"]


def compare_instances(
    readings: Mapping[str, Segmentation], names: Sequence[str], arguments: argparse.Namespace
) -> tuple[dict[str, Any], str]:
    """Match the instances of every two readers, or of each with the reference; and those of three readers or more.

    Parameters
    ----------
    readings : mapping of name to Segmentation
        Of the readers, and the reference under its own name.
    names : sequence of str
        Of the readers alone.
    arguments : argparse.Namespace

    Returns
    -------
    dict
        Parts of the JSON document.
    str
        The text to show.
    """
    instances = _instances(readings, arguments)
    found = _instance_pairs(instances, arguments)
    document: dict[str, Any] = {"instances": [{"a": a, "b": b, **agreement.to_json()} for a, b, agreement in found]}
    text = _instance_text(found)
    if len(names) > 2 and arguments.within is None:
        lesions = cluster_instances([instances[name] for name in names], names, iou_above=arguments.iou)
        document["lesions"] = lesions.to_json()
        counts = ", ".join(f"{n} by {count_of(by, 'reader')}" for by, n in enumerate(lesions.found_by, start=1))
        text += f"\n{count_of(len(lesions.clusters), 'instance')} in all: found {counts}"
    return document, text


def _instances(readings: Mapping[str, Segmentation], arguments: argparse.Namespace) -> dict[str, Instances]:
    first, *others = readings
    for name in others:
        require_same_grid(readings[first].grid, readings[name].grid, (first, name))
    return {name: _instances_of(name, reading, arguments) for name, reading in readings.items()}


def _instance_pairs(
    instances: Mapping[str, Instances], arguments: argparse.Namespace
) -> list[tuple[str, str, InstanceAgreement]]:
    if REFERENCE in instances:
        pairs = [(REFERENCE, name) for name in instances if name != REFERENCE]
    else:
        pairs = list(combinations(instances, 2))
    return [
        (a, b, match_instances(instances[a], instances[b], iou_above=arguments.iou, within_mm=arguments.within))
        for a, b in pairs
    ]


def _instances_of(name: str, reading: Segmentation, arguments: argparse.Namespace) -> Instances:
    if len(reading.layers) > 1:
        raise InputError(f"{name}: has overlapping segments; export it as one label image to match instances.")
    labels: LabelArray = reading.layers[0]
    if arguments.labels:
        wanted = [segment.value for segment in reading.segments if segment.id in arguments.labels]
        labels = np.where(np.isin(labels, wanted), labels, 0)
    if arguments.instances == "given":
        return given_instances(labels, reading.grid)
    return connected_instances(labels, reading.grid, connectivity=arguments.connectivity)


def _instance_text(found: Sequence[tuple[str, str, InstanceAgreement]]) -> str:
    rows = [["instances", "matched", "missed", "extra", "precision", "recall", "F1", "SQ", "PQ"]]
    for a, b, result in found:
        detection = result.detection
        counts = (detection.true_positives, detection.false_negatives, detection.false_positives)
        rates = (detection.precision, detection.recall, detection.f1)
        quality = (result.segmentation_quality, result.panoptic_quality)
        rows.append([f"{a} – {b}", *map(str, counts), *map(figure, (*rates, *quality))])
    return f"{rows_as_text(rows)}\nmatched by {found[0][2].rule}; missed: of the first only, extra: of the second only"
