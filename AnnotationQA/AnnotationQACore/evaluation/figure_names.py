"""What the figures of two readers are called: at length in a report, in short in a table on a screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from AnnotationQACore.protocol.statistics import STATISTICS

__all__ = ["FIGURES", "FigureName", "figure_name"]


@dataclass(frozen=True, slots=True)
class FigureName:
    """Names of a figure, with its unit if it has one.

    Attributes
    ----------
    title : str
        As reports have it.
    short : str
        For the column of a table.
    """

    title: str
    short: str


_SHORT = {
    "dice": "Dice",
    "jaccard": "Jaccard",
    "volume_similarity": "Volume similarity",
    "nsd": "Surface Dice",
    "hd95": "HD95 (mm)",
    "assd": "ASSD (mm)",
    "detection_f1": "F1 of detection",
    "panoptic_quality": "Panoptic quality",
    "box_iou": "Box IoU",
    "landmark_distance": "Landmark distance (mm)",
    "percent_agreement": "Agreement",
    "weighted_kappa_linear": "Linear kappa",
    "weighted_kappa_quadratic": "Quadratic kappa",
    "icc_1_1": "ICC(1,1)",
    "icc_2_1": "ICC(2,1)",
    "icc_3_1": "ICC(3,1)",
    "lin_ccc": "Lin's CCC",
    "limits_of_agreement": "Limits of agreement (±)",
}

FIGURES: Mapping[str, FigureName] = {
    **{name: FigureName(facts.title, _SHORT.get(name, facts.title)) for name, facts in STATISTICS.items()},
    "hausdorff_mm": FigureName("Hausdorff distance, mm", "Hausdorff (mm)"),
    "volume_difference_mm3": FigureName("Volume difference, mm³", "Volume difference (mm³)"),
    "boundary_shift_mm": FigureName("Boundary shift, mm", "Boundary shift (mm)"),
    "max_distance_mm": FigureName("Largest distance, mm", "Largest distance (mm)"),
    "disputed": FigureName("Points only one placed", "Disputed points"),
    "identical": FigureName("Share of equal answers", "Equal answers"),
}
"""By the name under which a figure is computed: the statistics of protocols, and what is found on the way."""


def figure_name(name: str) -> FigureName:
    """Names of a figure; one that nobody has named is called as it is."""
    return FIGURES.get(name) or FigureName(name, name)
