"""Lengths and angles of markups: `annotation-qa measure --landmarks`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from AnnotationQACore.agreement.drawn.polygons import path_length
from AnnotationQACore.cli.output import rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.markups import Markup, MarkupKind, PointStatus, read_markups
from AnnotationQACore.measure.angles import CORONAL, angle_at, angle_between, cobb_angle

__all__ = ["measure"]

PLANES: dict[str, Vector | None] = {
    "coronal": CORONAL,
    "sagittal": (1.0, 0.0, 0.0),
    "axial": (0.0, 0.0, 1.0),
    "space": None,
}
"""Normal of each plane in LPS."""


def measure(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Measure what is drawn and what is asked for; returns the JSON document and the text to show."""
    rows: list[dict[str, Any]] = []
    points: dict[str, Vector | None] = {}
    for path in arguments.landmarks:
        for markup in read_markups(path):
            rows += _drawn(markup, path)
            if markup.kind is MarkupKind.FIDUCIAL:
                _add(points, markup, path)
    for a, b in arguments.distance or ():
        rows.append(_row("distance", [a, b], path_length(_places(points, [a, b])), "mm"))
    for names in arguments.angle or ():
        first, vertex, second = _places(points, names)
        rows.append(_row("angle", names, angle_at(first, vertex, second), "deg"))
    for names in arguments.between or ():
        a, b, c, d = _places(points, names)
        rows.append(_row("angle between lines", names, angle_between((a, b), (c, d)), "deg"))
    for names in arguments.cobb or ():
        a, b, c, d = _places(points, names)
        angle = cobb_angle((a, b), (c, d), PLANES[arguments.plane])
        rows.append(_row(f"Cobb angle, {arguments.plane}", names, angle, "deg"))
    if not rows:
        raise InputError("measure: nothing is asked of these landmarks; give --distance, --angle, --between or --cobb.")
    shown = [["measurement", "of", "value", ""]]
    shown += [[row["kind"], ", ".join(row["of"]), f"{row['value']:.2f}", row["unit"]] for row in rows]
    visible = {name: point for name, point in points.items() if point is not None}
    return {"landmarks_lps_mm": visible, "measurements": rows}, rows_as_text(shown)


def _drawn(markup: Markup, path: Path) -> list[dict[str, Any]]:
    """What a line, an angle or a curve measures by itself."""
    places = [point.position for point in markup.points if point.position is not None]
    name = [markup.name or path.name]
    match markup.kind:
        case MarkupKind.LINE if len(places) == 2:
            return [_row("length", name, path_length(places), "mm")]
        case MarkupKind.ANGLE if len(places) == 3:
            return [_row("angle", name, angle_at(*places), "deg")]
        case MarkupKind.FIDUCIAL | MarkupKind.CURVE | MarkupKind.CLOSED_CURVE | MarkupKind.PLANE | MarkupKind.ROI:
            return []  # the length of a curve is that of its spline, which the file does not hold
        case _:
            raise InputError(f"{path}: the {markup.kind.value} '{markup.name}' is not finished; place all its points.")


def _add(points: dict[str, Vector | None], markup: Markup, path: Path) -> None:
    for point in markup.points:
        if point.status is PointStatus.UNDEFINED:
            continue
        if point.label in points:
            raise InputError(f"{path}: a point '{point.label}' was there before; name each point differently.")
        points[point.label] = point.position


def _places(points: Mapping[str, Vector | None], names: Sequence[str]) -> list[Vector]:
    places = []
    for name in names:
        if name not in points:
            raise InputError(f"measure: no landmark '{name}'; there are {', '.join(points) or 'none'}.")
        place = points[name]
        if place is None:
            raise InputError(f"measure: landmark '{name}' was marked as not visible and has no position.")
        places.append(place)
    return places


def _row(kind: str, of: Sequence[str], value: float, unit: str) -> dict[str, Any]:
    if not np.isfinite(value):
        raise InputError(f"measure: the {kind} of {', '.join(of)} is not defined; place the points apart.")
    return {"kind": kind, "of": list(of), "value": value, "unit": unit}
