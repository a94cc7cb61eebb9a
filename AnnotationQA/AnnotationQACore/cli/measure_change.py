"""A later time point against a baseline, and diastole against systole: `annotation-qa measure --baseline`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from AnnotationQACore.cli.inputs import open_segmentation
from AnnotationQACore.cli.output import figure, rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.measure.change import SegmentChange, TargetChange, segment_changes, target_change
from AnnotationQACore.measure.heart import Ejection, ejection
from AnnotationQACore.measure.segments import SegmentMeasurements
from AnnotationQACore.segmentation import Segmentation

__all__ = ["changes", "ejections"]


def changes(
    before: Sequence[SegmentMeasurements], after: Sequence[SegmentMeasurements], arguments: argparse.Namespace
) -> tuple[dict[str, Any], str]:
    """Part of the JSON document, and of the text to show."""
    rows = segment_changes(before, after, arguments.days)
    targets = target_change(rows, nadir_mm=arguments.nadir, new_lesion=arguments.new_lesion)
    document = {
        "days": arguments.days,
        "segments": {row.id: _row(row) for row in rows},
        "targets": asdict(targets) | {
            "response": targets.response.value,
            "volume_response": targets.volume_response.value,
        },
    }  # fmt: skip
    return document, f"{_table(rows)}\n{_response(targets)}"


def ejections(diastole: Segmentation, systole: Path, only: Sequence[str] | None) -> tuple[dict[str, Any], str]:
    """Ejection fraction of every segment that both time points have."""
    contracted = open_segmentation(systole)
    there = {segment.id for segment in contracted.segments}
    wanted = [one for one in diastole.segments if one.id in there and (only is None or one.id in only)]
    if not wanted:
        raise InputError(f"{systole.name}: has no segment of end-diastole; give the segments the same IDs.")
    found = {segment.id: ejection(diastole.mask(segment.id), contracted.mask(segment.id)) for segment in wanted}
    names = {segment.id: segment.name for segment in wanted}
    return {key: asdict(one) for key, one in found.items()}, "\n".join(
        f"{names[key]} ({key}): {_ejected(one)}" for key, one in found.items()
    )


def _ejected(one: Ejection) -> str:
    volumes = f"end-diastole {one.end_diastolic_ml:.1f} ml, end-systole {one.end_systolic_ml:.1f} ml"
    return f"ejection fraction {100 * one.fraction:.1f} %, {volumes}, stroke {one.stroke_ml:.1f} ml"


def _row(row: SegmentChange) -> dict[str, Any]:
    growth = None if row.nodule_growth is None else row.nodule_growth.value
    return {key: value for key, value in asdict(row).items() if key != "id"} | {"nodule_growth": growth}


def _table(rows: Sequence[SegmentChange]) -> str:
    header = ["segment", "mm³ before", "mm³ after", "change %", "longest before", "after", "change %", "doubling days"]
    table = [header]
    for row in rows:
        numbers = (row.volume_before_mm3, row.volume_after_mm3, row.volume_percent)
        lengths = (row.longest_before_mm, row.longest_after_mm, row.longest_percent)
        cells = [*(figure(number, 1) for number in (*numbers, *lengths)), figure(row.doubling_days, 0)]
        table.append([f"{row.name} ({row.id})", *cells])
    notes = [f"{row.name} ({row.id}): {row.state} since the baseline" for row in rows if row.state != "present"]
    notes += [f"{row.name} ({row.id}): as a nodule {row.nodule_growth.value}" for row in rows if row.nodule_growth]
    return "\n".join([rows_as_text(table), *notes])


def _response(targets: TargetChange) -> str:
    sums = f"{targets.baseline_mm:.1f} mm at baseline, {targets.nadir_mm:.1f} mm nadir, {targets.current_mm:.1f} mm now"
    new = "; with a new lesion" if targets.new_lesion else ""
    return (
        f"sum of longest diameters: {sums}: RECIST 1.1 {targets.response.value}{new}\n"
        f"sum of volumes: {targets.baseline_mm3:.1f} to {targets.current_mm3:.1f} mm³: {targets.volume_response.value}"
    )
