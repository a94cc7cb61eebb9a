"""Which statistic can judge agreement on which kind of item, and which values it can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from AnnotationQACore.protocol.design import Statistic
from AnnotationQACore.protocol.items import Classification, Item, Measurement, Rating

__all__ = ["STATISTICS", "StatisticFacts", "fitting_statistics"]


@dataclass(frozen=True, slots=True)
class StatisticFacts:
    """What is to know of a statistic.

    Attributes
    ----------
    title : str
        For people.
    of_one_case : bool
        Whether one case suffices to compute it.
    better : str
        Whether larger or smaller values mean better agreement.
    range : tuple of 2 float
        Values that a threshold can have.
    """

    title: str
    of_one_case: bool
    better: Literal["larger", "smaller"] = "larger"
    range: tuple[float, float] = (0.0, 1.0)


_DISTANCE = (0.0, 1000.0)
_COEFFICIENT = (-1.0, 1.0)

STATISTICS: dict[Statistic, StatisticFacts] = {
    "dice": StatisticFacts("Dice coefficient", True),
    "jaccard": StatisticFacts("Jaccard index", True),
    "volume_similarity": StatisticFacts("Volume similarity", True),
    "nsd": StatisticFacts("Normalized surface Dice", True),
    "hd95": StatisticFacts("95 % Hausdorff distance, mm", True, "smaller", _DISTANCE),
    "assd": StatisticFacts("Average symmetric surface distance, mm", True, "smaller", _DISTANCE),
    "detection_f1": StatisticFacts("F1 of detection", True),
    "panoptic_quality": StatisticFacts("Panoptic quality", True),
    "box_iou": StatisticFacts("Intersection over union of boxes", True),
    "landmark_distance": StatisticFacts("Mean distance between landmarks, mm", True, "smaller", _DISTANCE),
    "percent_agreement": StatisticFacts("Proportion of agreement", False),
    "cohen_kappa": StatisticFacts("Cohen's kappa", False, range=_COEFFICIENT),
    "fleiss_kappa": StatisticFacts("Fleiss' kappa", False, range=_COEFFICIENT),
    "weighted_kappa_linear": StatisticFacts("Linearly weighted kappa", False, range=_COEFFICIENT),
    "weighted_kappa_quadratic": StatisticFacts("Quadratically weighted kappa", False, range=_COEFFICIENT),
    "krippendorff_alpha": StatisticFacts("Krippendorff's alpha", False, range=_COEFFICIENT),
    "gwet_ac1": StatisticFacts("Gwet's AC1", False, range=_COEFFICIENT),
    "gwet_ac2": StatisticFacts("Gwet's AC2", False, range=_COEFFICIENT),
    "icc_1_1": StatisticFacts("Intraclass correlation ICC(1,1)", False, range=_COEFFICIENT),
    "icc_2_1": StatisticFacts("Intraclass correlation ICC(2,1)", False, range=_COEFFICIENT),
    "icc_3_1": StatisticFacts("Intraclass correlation ICC(3,1)", False, range=_COEFFICIENT),
    "lin_ccc": StatisticFacts("Lin's concordance correlation", False, range=_COEFFICIENT),
    "limits_of_agreement": StatisticFacts("Half-width of the 95 % limits of agreement", False, "smaller", (0.0, 1e9)),
}
"""Every statistic that a protocol can name."""

_OVERLAP: tuple[Statistic, ...] = ("dice", "jaccard", "volume_similarity", "nsd", "hd95", "assd")
_DETECTION: tuple[Statistic, ...] = ("detection_f1", "panoptic_quality")
_NOMINAL: tuple[Statistic, ...] = (
    "percent_agreement",
    "cohen_kappa",
    "fleiss_kappa",
    "krippendorff_alpha",
    "gwet_ac1",
)
_ICC: tuple[Statistic, ...] = ("icc_1_1", "icc_2_1", "icc_3_1")
_ORDINAL: tuple[Statistic, ...] = (
    "weighted_kappa_linear",
    "weighted_kappa_quadratic",
    "krippendorff_alpha",
    "gwet_ac2",
    "percent_agreement",
    *_ICC,
)


def fitting_statistics(item: Item) -> tuple[Statistic, ...]:
    """Statistics that can judge agreement on an item; none for text."""
    match item:
        case Classification():
            return _NOMINAL
        case Rating():
            return _ORDINAL if item.scale == "ordinal" else _NOMINAL
        case Measurement():
            return (*_ICC, "lin_ccc", "limits_of_agreement")
    drawn: dict[str, tuple[Statistic, ...]] = {
        "segmentation": _OVERLAP,
        "polygon": _OVERLAP,
        "box": ("box_iou",),
        "landmarks": ("landmark_distance",),
    }
    fitting = drawn.get(item.kind, ())
    return (*fitting, *_DETECTION) if getattr(item, "instances", False) and fitting else fitting
