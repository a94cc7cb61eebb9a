"""Overlap and matching of boxes in millimetres.

A box is its lower and upper corner in one frame, axis by axis, in 2D or 3D. Extents are differences of coordinates:
there is no "+1". Detection data sets of the PASCAL VOC age count pixels including both ends; that convention, which
makes every box one pixel larger, is an explicit option for comparing with published figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from AnnotationQACore.agreement.instances.instances_matching import DetectionScores, detection_scores
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.errors import InputError

__all__ = ["BoxAgreement", "BoxMatch", "as_boxes", "box_iou", "boxes_from_sizes", "match_boxes"]


@dataclass(frozen=True, slots=True)
class BoxMatch(Result):
    """One box as two readers see it, as indices into their boxes; errors are `b` minus `a`."""

    a: int
    b: int
    iou: float
    centre_distance_mm: float
    size_error_mm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class BoxAgreement(Result):
    """Boxes of two readers, `a` being the reference.

    Attributes
    ----------
    rule : str
        How boxes were matched.
    matches : tuple of BoxMatch
    missed, extra : tuple of int
        Boxes of `a` without a partner, and of `b`.
    detection : DetectionScores
    mean_iou : float
        Of the matches; NaN without one.
    """

    rule: str
    matches: tuple[BoxMatch, ...]
    missed: tuple[int, ...]
    extra: tuple[int, ...]
    detection: DetectionScores
    mean_iou: float


def as_boxes(corners: ArrayLike) -> FloatArray:
    """Check boxes, shape (box, 2, axis): lower and upper corner in mm.

    Raises
    ------
    InputError
        The shape is another, a number is not finite, or an upper corner lies below the lower one.
    """
    boxes = np.asarray(corners, dtype=np.float64)
    if boxes.size == 0:
        return boxes.reshape(0, 2, boxes.shape[-1] if boxes.ndim == 3 else 3)
    if boxes.ndim != 3 or boxes.shape[1] != 2 or boxes.shape[2] not in (2, 3):
        raise InputError(f"boxes: shape {boxes.shape} is not (box, lower and upper corner, 2 or 3 axes).")
    if not np.all(np.isfinite(boxes)) or np.any(boxes[:, 1] < boxes[:, 0]):
        raise InputError("boxes: a corner is not finite, or an upper corner lies below the lower one; correct the box.")
    return boxes


def boxes_from_sizes(lower: ArrayLike, size: ArrayLike) -> FloatArray:
    """Boxes, shape (box, 2, axis), from lower corners and edge lengths, each of shape (box, axis)."""
    corner = np.asarray(lower, dtype=np.float64)
    return as_boxes(np.stack([corner, corner + np.asarray(size, dtype=np.float64)], axis=1))


def box_iou(a: ArrayLike, b: ArrayLike, *, inclusive_pixels: bool = False) -> FloatArray:
    """Intersection over union of all pairs of boxes, over the axes along which either has an extent.

    So boxes drawn on one slice are compared in its plane, when they lie on the same one; two identical points overlap
    fully.

    Parameters
    ----------
    a, b : array, shape (box, 2, axis)
        Lower and upper corners in mm.
    inclusive_pixels : bool
        Corners are pixel indices and both ends count, so that each extent is one pixel more than the difference.

    Returns
    -------
    array, shape (box of a, box of b)
    """
    first, second = as_boxes(a), as_boxes(b)
    if len(first) and len(second) and first.shape[2] != second.shape[2]:
        raise InputError("boxes: a 2D and a 3D box cannot be compared; give both in the same number of axes.")
    if not len(first) or not len(second):
        return np.empty((len(first), len(second)))
    more = 1.0 if inclusive_pixels else 0.0
    lower = np.maximum(first[:, None, 0], second[None, :, 0])
    upper = np.minimum(first[:, None, 1], second[None, :, 1])
    extent_a = (first[:, 1] - first[:, 0] + more)[:, None]
    extent_b = (second[:, 1] - second[:, 0] + more)[None, :]
    is_flat = (extent_a == 0.0) & (extent_b == 0.0)
    shared = np.where(is_flat, upper == lower, np.maximum(upper - lower + more, 0.0)).prod(axis=2)
    size_a, size_b = (np.where(is_flat, 1.0, extent).prod(axis=2) for extent in (extent_a, extent_b))
    union = size_a + size_b - shared
    iou: FloatArray = np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)
    return iou


def match_boxes(a: ArrayLike, b: ArrayLike, *, iou_above: float = 0.5) -> BoxAgreement:
    """Match boxes whose IoU is greater than a threshold, by the assignment with the greatest sum of IoU.

    Unlike masks of instances, boxes of one reader may overlap, so that even IoU > 0.5 can leave a choice.
    """
    from scipy import optimize  # slow to load

    if not 0.0 <= iou_above < 1.0:
        raise InputError(f"boxes: the IoU threshold {iou_above} is not in [0, 1); 0.5 is usual.")
    first, second = as_boxes(a), as_boxes(b)
    iou = box_iou(first, second)
    gain = np.where(iou > iou_above, iou, 0.0)
    rows, columns = optimize.linear_sum_assignment(gain, maximize=True)
    kept = gain[rows, columns] > 0.0
    matches = tuple(
        BoxMatch(
            a=i,
            b=j,
            iou=float(iou[i, j]),
            centre_distance_mm=float(np.linalg.norm(first[i].mean(axis=0) - second[j].mean(axis=0))),
            size_error_mm=tuple(((second[j, 1] - second[j, 0]) - (first[i, 1] - first[i, 0])).tolist()),
        )
        for i, j in zip(rows[kept].tolist(), columns[kept].tolist(), strict=True)
    )
    missed = tuple(sorted(set(range(len(first))) - {match.a for match in matches}))
    extra = tuple(sorted(set(range(len(second))) - {match.b for match in matches}))
    mean = float(np.mean([match.iou for match in matches])) if matches else float("nan")
    detection = detection_scores(len(matches), len(missed), len(extra))
    return BoxAgreement(f"IoU > {iou_above:g}, optimal assignment", matches, missed, extra, detection, mean)
