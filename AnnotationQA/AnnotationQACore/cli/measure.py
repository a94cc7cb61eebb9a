"""Measure segments on their image (volumes, diameters, intensities, change), or landmarks (lengths, angles)."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from AnnotationQACore.cli import measure_change, measure_landmarks
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import open_image, open_segmentation
from AnnotationQACore.cli.numbers import number
from AnnotationQACore.cli.output import require_place, show, write_json
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.derived import software_version
from AnnotationQACore.interchange.placement import placed_on
from AnnotationQACore.measure.diameters import Diameter
from AnnotationQACore.measure.intensity import PERCENTILES, IntensityStatistics
from AnnotationQACore.measure.segments import DEFINITIONS, SegmentMeasurements, measure_segments
from AnnotationQACore.segmentation import Segmentation, Volume

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `annotation-qa measure`."""
    parser.add_argument(
        "image", nargs="?", type=Path, metavar="IMAGE", help="the image: a file, or the folder of a DICOM series"
    )
    parser.add_argument(
        "segmentation",
        nargs="?",
        type=Path,
        metavar="SEG",
        help="segmentation of the image: label image, .seg.nrrd or DICOM SEG",
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="write the measurements as JSON; - for the standard output"
    )
    parser.add_argument("--segments", nargs="+", metavar="ID", help="only these segments")
    parser.add_argument(
        "--slice-axis", type=int, choices=(0, 1, 2), default=0, help="array axis across the slices (k=0)"
    )
    parser.add_argument("--shell", type=number, default=0.0, metavar="MM", help="partial-volume shell to leave out")
    parser.add_argument("--factor", type=number, default=1.0, help="multiplies the image values, e.g. the SUV factor")
    parser.add_argument("--unit", default="", help="of the values after the factor, e.g. HU or SUV; only shown")
    parser.add_argument("--percentiles", nargs="+", type=number, default=list(PERCENTILES), metavar="P")
    measure_change.add_arguments(parser)
    measure_landmarks.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write and show."""
    _require_options(arguments)
    require_place(arguments.json, *_read(arguments))
    if arguments.landmarks:
        document, text = measure_landmarks.measure(arguments)
        report = {"version": software_version(), **document}
    else:
        report, text = _segments(arguments)
    if arguments.json:
        write_json(arguments.json, report)
    show(text, arguments.json)
    return 0


def _read(arguments: argparse.Namespace) -> list[Path | None]:
    """Every file that is read."""
    several = (*(arguments.landmarks or ()), *(arguments.baseline or ()))
    return [arguments.image, arguments.segmentation, arguments.end_systole, *several]


_OF_LANDMARKS = ("landmarks", "distance", "angle", "between", "cobb", "plane")
_OF_CHANGE = ("days", "nadir", "new_lesion")


def _require_options(arguments: argparse.Namespace) -> None:
    """Refuse what is missing, and what would do nothing."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    unset = vars(parser.parse_args([]))
    given = [name for name, value in unset.items() if getattr(arguments, name) != value]
    if arguments.landmarks:
        useless, reason = [name for name in given if name not in (*_OF_LANDMARKS, "json")], "with --landmarks"
    elif arguments.segmentation is None:
        raise InputError("measure: give IMAGE and SEG, or --landmarks FILE; see annotation-qa measure --help.")
    else:
        useless, reason = [name for name in given if name in _OF_LANDMARKS], "without --landmarks"
        if arguments.baseline is None and not useless:
            useless, reason = [name for name in given if name in _OF_CHANGE], "without --baseline"
    if useless:
        option = useless[0].upper() if useless[0] in ("image", "segmentation") else "--" + useless[0].replace("_", "-")
        raise InputError(f"measure: {option} has no meaning {reason}; leave it out.")


def _segments(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    image, segmentation = _opened(arguments.image, arguments.segmentation)
    measured = _measured(image, segmentation, arguments)
    report: dict[str, Any] = {
        "version": software_version(),
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
        percentiles=arguments.percentiles,
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
