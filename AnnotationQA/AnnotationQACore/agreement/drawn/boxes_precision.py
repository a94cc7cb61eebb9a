"""Average precision of scored detections.

Matching is that of PASCAL VOC (Everingham et al. 2010, IJCV 88:303): detections in the order of their scores each take
the reference box they overlap most, and a second one on the same box is false. The area under the precision-recall
curve is taken over every point (VOC from 2010) or at 11 recalls (VOC 2007).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.drawn.boxes import as_boxes, box_iou
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = ["AveragePrecision", "Interpolation", "average_precision"]

Interpolation = Literal["every point", "11 points"]


@dataclass(frozen=True, slots=True)
class AveragePrecision(Result):
    """Average precision and the curve behind it.

    Attributes
    ----------
    value : float
        NaN without reference boxes.
    recall, precision : tuple of float
        After each detection, in the order of falling scores.
    true_positives, false_positives, references : int
    iou_threshold : float
        A detection is true from this IoU on (>=), as in VOC.
    interpolation : Interpolation
    convention : str
        ``mm`` or ``inclusive pixels``.
    """

    value: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    true_positives: int
    false_positives: int
    references: int
    iou_threshold: float
    interpolation: Interpolation
    convention: str


def average_precision(
    references: ArrayLike,
    reference_images: Sequence[Hashable],
    detections: ArrayLike,
    detection_images: Sequence[Hashable],
    scores: ArrayLike,
    *,
    iou_threshold: float = 0.5,
    interpolation: Interpolation = "every point",
    inclusive_pixels: bool = False,
) -> AveragePrecision:
    """Average precision of detections with scores.

    Parameters
    ----------
    references, detections : array, shape (box, 2, axis)
        Lower and upper corners in mm.
    reference_images, detection_images : sequence
        Image or case of each box; boxes are compared within one.
    scores : array, shape (detection,)
        Confidence; equal scores keep the order given.
    iou_threshold : float
        In (0, 1].
    interpolation : Interpolation
    inclusive_pixels : bool
        See `box_iou`.

    Raises
    ------
    InputError
        Lengths do not fit, a score is not a number, or an option cannot be.
    """
    reference, found = as_boxes(references), as_boxes(detections)
    confidence = np.asarray(scores, dtype=np.float64)
    if len(reference) != len(reference_images) or not len(found) == len(detection_images) == len(confidence):
        raise InputError("average precision: give one image for each box and one score for each detection.")
    if np.any(np.isnan(confidence)):
        raise InputError("average precision: a score is not a number; give every detection a score.")
    if not 0.0 < iou_threshold <= 1.0 or interpolation not in ("every point", "11 points"):
        raise InputError(
            "average precision: the IoU threshold is in (0, 1], the interpolation every point or 11 points."
        )
    order = np.argsort(-confidence, kind="stable")
    true = _true_detections(
        reference, reference_images, found, detection_images, order, iou_threshold, inclusive_pixels
    )
    hits = np.cumsum(true)
    recall = hits / max(len(reference), 1)
    precision = hits / np.arange(1, len(true) + 1)
    return AveragePrecision(
        value=_area(recall, precision, interpolation) if len(reference) else math.nan,
        recall=tuple(recall.tolist()) if len(reference) else (math.nan,) * len(true),
        precision=tuple(precision.tolist()),
        true_positives=int(true.sum()),
        false_positives=int(len(true) - true.sum()),
        references=len(reference),
        iou_threshold=iou_threshold,
        interpolation=interpolation,
        convention="inclusive pixels" if inclusive_pixels else "mm",
    )


def _true_detections(
    reference: FloatArray,
    reference_images: Sequence[Hashable],
    found: FloatArray,
    detection_images: Sequence[Hashable],
    order: np.ndarray[tuple[int], np.dtype[np.intp]],
    threshold: float,
    inclusive_pixels: bool,
) -> FloatArray:
    of_image: dict[Hashable, list[int]] = {}
    for index, image in enumerate(reference_images):
        of_image.setdefault(image, []).append(index)
    taken: set[int] = set()
    true = np.zeros(len(order))
    for rank, detection in enumerate(order.tolist()):
        candidates = of_image.get(detection_images[detection], [])
        if not candidates:
            continue
        iou = box_iou(found[[detection]], reference[candidates], inclusive_pixels=inclusive_pixels)[0]
        best = int(np.argmax(iou))
        if iou[best] >= threshold and candidates[best] not in taken:
            taken.add(candidates[best])
            true[rank] = 1.0
    return true


def _area(recall: FloatArray, precision: FloatArray, interpolation: Interpolation) -> float:
    if not len(recall):
        return 0.0
    best_from = np.maximum.accumulate(precision[::-1])[::-1]
    if interpolation == "11 points":
        first = np.searchsorted(recall, np.linspace(0.0, 1.0, 11) - 1e-12)
        return float(np.append(best_from, 0.0)[first].mean())
    return float((np.diff(recall, prepend=0.0) * best_from).sum())
