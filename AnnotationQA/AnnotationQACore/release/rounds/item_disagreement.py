"""How far readings of a case differ on an item, from 0 (alike) to 1, so that cases can be ranked.

It is no statistic to be reported: those of `evaluation` are. Drawn items differ by one minus their overlap, ratings by
the distance of the levels, measurements by their relative difference, other answers by whether they are unlike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

from AnnotationQACore.evaluation.case import case_agreement
from AnnotationQACore.evaluation.case_files import CaseFiles, ReadingFiles
from AnnotationQACore.evaluation.records import ItemAgreement, PairFigures
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.protocol.items import Item, Landmarks, Measurement, Rating
from AnnotationQACore.protocol.model import Protocol

__all__ = ["compare_readings", "item_disagreement", "mean_disagreement"]

_DEFAULT_TOLERANCE_MM = 5.0
_OVERLAPS = ("dice", "box_iou", "volume_similarity")


def compare_readings(
    project: Project, case: str, readings: Sequence[SubmittedReading], protocol: Protocol
) -> Mapping[str, ItemAgreement]:
    """Compare some readings of a case, whoever made them, by item; raises `InputError` when one cannot be read."""
    files = tuple(_files(project, one) for one in readings)
    compared = case_agreement(CaseFiles(case, project.state.cases[case].patient, files), protocol)
    return {one.item: one for one in compared.items}


def item_disagreement(item: Item, compared: ItemAgreement) -> float:
    """Mean over the pairs of readers; NaN when fewer than two answered."""
    if len(compared.readers) < 2:
        return math.nan
    found = [_of_pair(item, pair) for pair in compared.pairs]
    if not found:
        found = [value for row in compared.values for value in _of_values(item, list(row.values.values()))]
    known = [value for value in found if not math.isnan(value)]
    return fmean(known) if known else math.nan


def mean_disagreement(protocol: Protocol, compared: Mapping[str, ItemAgreement]) -> float:
    """Mean over the items that two or more answered; NaN when there is none."""
    values = [item_disagreement(protocol.item(name), one) for name, one in compared.items()]
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan


def _of_pair(item: Item, pair: PairFigures) -> float:
    if pair.state == "both absent":
        return 0.0
    if pair.state.startswith("only"):
        return 1.0
    if isinstance(item, Landmarks):
        distance = pair.figures.get("landmark_distance", math.nan)
        tolerance = (item.agreement.tolerance_mm if item.agreement else None) or _DEFAULT_TOLERANCE_MM
        return distance / (distance + tolerance) if math.isfinite(distance) else math.nan
    overlap = next((pair.figures[name] for name in _OVERLAPS if name in pair.figures), math.nan)
    return 1.0 - overlap


def _of_values(item: Item, values: Sequence[float | str | None]) -> Iterable[float]:
    for a, b in combinations(values, 2):
        if a == b:
            yield 0.0
        elif isinstance(a, str) or isinstance(b, str) or a is None or b is None:
            yield 1.0
        elif isinstance(item, Rating) and item.scale == "ordinal":
            levels = [level.value for level in item.levels]
            yield abs(a - b) / (max(levels) - min(levels))
        elif isinstance(item, Measurement):
            yield abs(a - b) / (abs(a) + abs(b))
        else:
            yield 1.0


def _files(project: Project, submitted: SubmittedReading) -> ReadingFiles:
    reading, *voxels = submitted.files
    return ReadingFiles(
        id=submitted.id,
        reader=submitted.reader,
        reading=project.folder / reading.path,
        reading_sha256=reading.sha256,
        segmentation=project.folder / voxels[0].path if voxels else None,
        segmentation_sha256=voxels[0].sha256 if voxels else "",
    )
