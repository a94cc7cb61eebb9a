"""Segments on their image: `annotation-qa measure IMAGE SEG`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from AnnotationQACore.cli import measure_change
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import open_image, open_segmentation
from AnnotationQACore.interchange.placement import placed_on
from AnnotationQACore.measure.diameters import Diameter
from AnnotationQACore.measure.intensity import PERCENTILES, IntensityStatistics
from AnnotationQACore.measure.segments import DEFINITIONS, SegmentMeasurements, measure_segments
from AnnotationQACore.segmentation import Segmentation, Volume

__all__ = ["measure"]


def measure(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Measure segments, and their change; returns the JSON document and the text to show."""
    image, segmentation = _opened(arguments.image, arguments.segmentation)
    measured = _measured(image, segmentation, arguments)
    report: dict[str, Any] = {
        "parameters": {
            "slice_axis": arguments.slice_axis,
            "shell_mm": arguments.shell,
            "factor": arguments.factor,
            "unit": arguments.unit,
        },
        "definitions": DEFINITIONS,
        "grid": {
            "shape_kji": list(image.grid.shape),
            "spacing_mm": list(image.grid.spacing),
            "voxel_volume_mm3": image.grid.voxel_volume,
        },
        "segments": {row.segment.id: _plain(_row(row)) for row in measured},
    }
    parts = [_table(measured, arguments.unit)]
    if arguments.baseline:
        before = _measured(*_opened(*arguments.baseline), arguments)
        document, text = measure_change.changes(before, measured, arguments)
        report["change"] = _plain(document)
        parts.append(text)
    if arguments.end_systole:
        document, text = measure_change.ejections(segmentation, arguments.end_systole, arguments.segments)
        report["ejection"] = document
        parts.append(text)
    return report, "\n\n".join(parts)


def _opened(image_path: Path, segmentation_path: Path) -> tuple[Volume, Segmentation]:
    image = open_image(image_path)
    names = (segmentation_path.name, image_path.name)
    return image, placed_on(open_segmentation(segmentation_path), image.grid, names)


def _measured(image: Volume, segmentation: Segmentation, arguments: argparse.Namespace) -> list[SegmentMeasurements]:
    progress = ConsoleProgress("measuring")
    total = len(arguments.segments or segmentation.segments)
    measured = []
    for row in measure_segments(
        image,
        segmentation,
        only=arguments.segments,
        slice_axis=arguments.slice_axis,
        shell_mm=arguments.shell,
        factor=arguments.factor,
        percentiles=arguments.percentiles or PERCENTILES,
    ):
        measured.append(row)
        progress(len(measured), total, row.segment.name)
    return measured


def _row(row: SegmentMeasurements) -> dict[str, Any]:
    return {
        "name": row.segment.name,
        "voxels": row.voxels,
        "volume_mm3": row.volume_mm3,
        "surface_volume_mm3": row.surface.volume_mm3,
        "surface_area_mm2": row.surface.area_mm2,
        "parts": row.parts,
        "largest_area": None if row.largest_area is None else asdict(row.largest_area),
        "in_plane": None if row.in_plane is None else asdict(row.in_plane),
        "longest_3d": None if row.longest_3d is None else asdict(row.longest_3d),
        "intensity": asdict(row.intensity),
        "intensity_core": None if row.intensity_core is None else asdict(row.intensity_core),
    }


def _plain(value: object) -> Any:
    """JSON without NaN or infinity, with text for keys."""
    if isinstance(value, Mapping):
        return {f"{key:g}" if isinstance(key, float) else key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _table(measured: Sequence[SegmentMeasurements], unit: str) -> str:
    return "\n".join(line for row in measured for line in _lines(row, unit)) or "no segments to measure"


def _lines(row: SegmentMeasurements, unit: str) -> list[str]:
    lines = [f"{row.segment.name} ({row.segment.id})"]
    if not row.voxels or row.in_plane is None or row.longest_3d is None or row.largest_area is None:
        return [*lines, "  empty: nothing to measure"]
    plane = row.in_plane
    tied = f" (as long on slice {', '.join(map(str, plane.tied_slices))})" if plane.tied_slices else ""
    lines += [
        f"  volume          {row.volume_mm3:.1f} mm³ ({row.voxels} voxels, {row.parts} part{'s' * (row.parts > 1)})",
        f"  surface         {row.surface.volume_mm3:.1f} mm³ inside, {row.surface.area_mm2:.1f} mm²",
        f"  largest area    {row.largest_area.area_mm2:.1f} mm² on slice {row.largest_area.slice_index}",
        f"  longest         {_diameter(plane.longest)} on slice {plane.slice_index}{tied}",
        f"  perpendicular   {_diameter(plane.perpendicular)}",
        f"  longest in 3D   {_diameter(row.longest_3d)}",
        f"  intensity       {_statistics(row.intensity, unit)}",
    ]
    if row.intensity_core is not None:
        lines.append(f"  without shell   {_statistics(row.intensity_core, unit)}")
    return lines


def _diameter(diameter: Diameter) -> str:
    ends = " to ".join("(" + ", ".join(f"{value:.1f}" for value in end) + ")" for end in diameter.ends)
    return f"{diameter.length_mm:.1f} mm from {ends} LPS"


def _statistics(values: IntensityStatistics, unit: str) -> str:
    if not values.voxels:
        return "no voxels"
    shown = f"mean {values.mean:.4g}, SD {values.sd:.4g}, median {values.median:.4g}, {values.minimum:.4g} to "
    left_out = f"; {values.not_finite} not finite left out" if values.not_finite else ""
    return f"{shown}{values.maximum:.4g} {unit}".rstrip() + f" over {values.voxels} voxels{left_out}"
