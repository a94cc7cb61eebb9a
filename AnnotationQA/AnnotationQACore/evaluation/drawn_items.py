"""Agreement of the readers of a case on boxes, polygons and landmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from AnnotationQACore.agreement.drawn.landmarks import LandmarkReadings, agree_on_landmarks
from AnnotationQACore.agreement.drawn.oriented_boxes import oriented_box_iou
from AnnotationQACore.agreement.drawn.polygons import compare_polygons, polygon_area
from AnnotationQACore.agreement.instances.instances_matching import detection_scores
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import ItemAgreement, PairFigures, ValueRow
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    LandmarksValue,
    NotApplicable,
    PolygonValue,
    Presence,
    PresenceValue,
)
from AnnotationQACore.protocol.items import Box, Landmarks, Polygon

T = TypeVar("T")

__all__ = ["box_agreement", "landmark_agreement", "polygon_agreement"]

DETECTION_IOU = 0.5


def box_agreement(item: Box, case: CaseReadings) -> ItemAgreement | None:
    """Compare boxes; those of two readers are matched so that the sum of their IoU is greatest."""
    drawn = _drawn(item.id, case, BoxValue)
    if not drawn:
        return None
    from scipy.optimize import linear_sum_assignment  # slow to load, and most protocols have no boxes

    pairs = []
    for a, b in combinations(drawn, 2):
        iou = np.array([[_box_iou(x, y) for y in drawn[b]] for x in drawn[a]]).reshape(len(drawn[a]), len(drawn[b]))
        rows, columns = linear_sum_assignment(iou, maximize=True)
        matched = iou[rows, columns]
        found = int((matched > DETECTION_IOU).sum())
        scores = detection_scores(found, len(drawn[a]) - found, len(drawn[b]) - found)
        either = bool(drawn[a] or drawn[b])
        worst = max(len(drawn[a]), len(drawn[b]))
        figures = {
            "box_iou": float(matched.sum()) / worst if either else math.nan,
            "detection_f1": scores.f1,
        }
        pairs.append(PairFigures(a, b, _state(bool(drawn[a]), bool(drawn[b])), figures))
    counts = ValueRow("number of boxes", {name: float(len(boxes)) for name, boxes in drawn.items()})
    return ItemAgreement(item.id, tuple(drawn), tuple(pairs), values=(counts,))


def polygon_agreement(item: Polygon, case: CaseReadings) -> ItemAgreement | None:
    """Compare outlines that lie in one plane; the values are their areas in mm² (pixels on an uncalibrated image)."""
    drawn = _drawn(item.id, case, PolygonValue)
    if not drawn:
        return None
    pairs = []
    for a, b in combinations(drawn, 2):
        figures: dict[str, float] = {}
        if len(drawn[a]) == len(drawn[b]) == 1:
            compared = compare_polygons(drawn[a][0].points, drawn[b][0].points)
            smaller, larger = sorted((compared.area_a_mm2, compared.area_b_mm2))
            figures = {
                "assd": compared.mean_distance_mm,
                "hausdorff_mm": compared.hausdorff_mm,
                "volume_similarity": 2 * smaller / (smaller + larger) if larger else math.nan,
            }
        pairs.append(PairFigures(a, b, _state(bool(drawn[a]), bool(drawn[b])), figures))
    areas = ValueRow("", {name: math.fsum(polygon_area(one.points) for one in found) for name, found in drawn.items()})
    return ItemAgreement(item.id, tuple(drawn), tuple(pairs), values=(areas,))


def landmark_agreement(item: Landmarks, case: CaseReadings) -> ItemAgreement | None:
    """Compare landmarks by the distance of each from where the other reader placed it."""
    drawn = _drawn(item.id, case, LandmarksValue)
    points = {
        name: {landmark.name: landmark.position for value in found for landmark in value.landmarks}
        for name, found in drawn.items()
    }
    points = {name: own for name, own in points.items() if own}
    if len(points) < 2:
        return ItemAgreement(item.id, tuple(points)) if points else None
    spatial = {name: {key: _three(position) for key, position in own.items()} for name, own in points.items()}
    compared = agree_on_landmarks(LandmarkReadings.from_points(spatial))
    pairs = tuple(
        PairFigures(
            pair.a,
            pair.b,
            _state(True, True),
            {"landmark_distance": pair.mean_mm, "max_distance_mm": pair.max_mm, "disputed": float(len(pair.disputed))},
        )
        for pair in compared.pairs
    )
    return ItemAgreement(item.id, tuple(points), pairs)


def _drawn(item_id: str, case: CaseReadings, kind: type[T]) -> dict[str, list[T]]:
    """What each reader drew; nothing of one who answered "absent"; readers who could not tell are left out."""
    found: dict[str, list[T]] = {}
    for name, reading in case.readings.items():
        answers = reading.answers_to(item_id)
        if answers and not any(_is_open(answer) for answer in answers):
            found[name] = [answer.value for answer in answers if isinstance(answer.value, kind)]
    return found


def _is_open(answer: Answer) -> bool:
    value = answer.value
    return isinstance(value, NotApplicable) or (
        isinstance(value, PresenceValue) and value.presence is Presence.NOT_ASSESSABLE
    )


def _box_iou(a: BoxValue, b: BoxValue) -> float:
    axes = np.eye(len(a.center))
    return oriented_box_iou(a.center, a.size, a.directions or axes, b.center, b.size, b.directions or axes)


def _three(position: Sequence[float] | None) -> tuple[float, float, float] | None:
    return None if position is None else (position[0], position[1], position[2] if len(position) > 2 else 0.0)


def _state(a: bool, b: bool) -> str:
    return {(True, True): "both present", (False, False): "both absent", (True, False): "only a"}.get((a, b), "only b")
