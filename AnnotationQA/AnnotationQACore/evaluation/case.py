"""Agreement of the readers of one case, item by item."""

from __future__ import annotations

import math
from dataclasses import replace

from AnnotationQACore.evaluation.answers import answer_agreement
from AnnotationQACore.evaluation.case_files import CaseFiles
from AnnotationQACore.evaluation.drawn_items import box_agreement, landmark_agreement, polygon_agreement
from AnnotationQACore.evaluation.loading import CaseReadings, load_case
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, SharedInstance
from AnnotationQACore.evaluation.segmentation_items import segmentation_agreement
from AnnotationQACore.protocol.items import (
    Box,
    Classification,
    Item,
    Landmarks,
    Measurement,
    Polygon,
    Rating,
    Segmentation,
)
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.statistics import STATISTICS

__all__ = ["case_agreement", "readings_agreement"]


def case_agreement(files: CaseFiles, protocol: Protocol, *, resample: bool = False) -> CaseAgreement:
    """Read the readings of a case and compare them.

    Parameters
    ----------
    files : CaseFiles
    protocol : Protocol
    resample : bool
        Whether segmentations of different lattices are resampled, as `messages` of the result then say.

    Raises
    ------
    InputError
        A file is missing, was changed since it was submitted, or cannot be read.
    GridMismatch
        Two readers segmented images with different lattices, and `resample` is false.
    """
    case = load_case(files, resample=resample)
    return readings_agreement(case, files.patient, protocol, case.messages)


def readings_agreement(
    case: CaseReadings, patient: str, protocol: Protocol, messages: tuple[str, ...] = ()
) -> CaseAgreement:
    """Compare readings that are loaded and lie on one grid; `messages` say how they came to lie there."""
    shared: dict[str, tuple[SharedInstance, ...]] = {}
    items = []
    drawn_first = sorted(protocol.items, key=lambda item: not isinstance(item, Segmentation))
    for item in drawn_first:
        compared = _compare(item, case, shared)
        if compared is not None:
            shared[item.id] = compared.instances
            items.append(_judge(item, compared))
    order = {item_id: place for place, item_id in enumerate(protocol.item_ids)}
    items.sort(key=lambda compared: order[compared.item])
    return CaseAgreement(case.case, patient, tuple(case.readings), tuple(items), messages)


def _compare(item: Item, case: CaseReadings, shared: dict[str, tuple[SharedInstance, ...]]) -> ItemAgreement | None:
    match item:
        case Segmentation():
            return segmentation_agreement(item, case)
        case Box():
            return box_agreement(item, case)
        case Polygon():
            return polygon_agreement(item, case)
        case Landmarks():
            return landmark_agreement(item, case)
        case Classification() | Rating() | Measurement():
            return answer_agreement(item, case, shared)
        case _:
            return None  # free text is read by people


def _judge(item: Item, compared: ItemAgreement) -> ItemAgreement:
    """Add what the protocol says of it."""
    if item.agreement is None or len(compared.readers) < 2:
        return compared
    facts = STATISTICS[item.agreement.statistic]
    if facts.of_one_case:
        figures = [
            pair.figures.get(item.agreement.statistic, math.nan)
            for pair in compared.pairs
            if pair.state != "both absent"
        ]
        if not figures:
            return replace(compared, agreed=bool(compared.pairs) or None)
        if any(math.isnan(figure) for figure in figures):
            return compared
        least = min(figures) if facts.better == "larger" else max(figures)
        reaches = least >= item.agreement.threshold if facts.better == "larger" else least <= item.agreement.threshold
        return replace(compared, judged=least, agreed=reaches)
    return replace(compared, agreed=_within(item.agreement.case_tolerance, compared, item.scope.level == "instance"))


def _within(tolerance: float | None, compared: ItemAgreement, per_instance: bool) -> bool | None:
    """Whether all answers are alike enough; a lesion that a reader did not draw is judged where it is drawn."""
    if tolerance is None:
        return None
    rows = [row for row in compared.values if len(row.values) > 1 or not per_instance]
    complete = per_instance or all(len(row.values) == len(compared.readers) for row in rows)
    if tolerance == 0:
        return complete and all(len(set(row.values.values())) == 1 for row in rows)
    return complete and all(row.spread <= tolerance for row in rows)
