"""Markups of 3D Slicer: points, lines, angles, curves and regions of interest, in `.mrk.json` and `.fcsv` files.

The JSON layout is that of markups schema 1.0.3 and 1.0.4 (Slicer 5). Positions are turned to LPS mm on reading.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.text import read_text

__all__ = ["Markup", "MarkupKind", "MarkupPoint", "PointStatus", "Region", "read_markups", "write_markups"]

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_FCSV_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
_FCSV_SYSTEMS = {"0": "RAS", "1": "LPS", "RAS": "RAS", "LPS": "LPS"}


class MarkupKind(StrEnum):
    """What is drawn; the values are those of the file format."""

    FIDUCIAL = "Fiducial"
    LINE = "Line"
    ANGLE = "Angle"
    CURVE = "Curve"
    CLOSED_CURVE = "ClosedCurve"
    PLANE = "Plane"
    ROI = "ROI"


class PointStatus(StrEnum):
    """Whether a point was placed; `MISSING` says that it was looked for and is not there."""

    DEFINED = "defined"
    MISSING = "missing"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class MarkupPoint:
    """A control point.

    Attributes
    ----------
    label : str
    position : Vector or None
        LPS mm; given exactly when `status` is `DEFINED`.
    status : PointStatus
    description : str
    """

    label: str
    position: Vector | None
    status: PointStatus = PointStatus.DEFINED
    description: str = ""

    def __post_init__(self) -> None:
        if (self.position is None) == (self.status is PointStatus.DEFINED):
            raise InputError(f"markup point '{self.label}': a position is due exactly when the point is defined.")


@dataclass(frozen=True, slots=True)
class Region:
    """A box.

    Attributes
    ----------
    center : Vector
        LPS mm.
    size : Vector
        Full edge lengths in mm along the box's own axes.
    directions : tuple of 3 Vector
        LPS unit vectors of the box's own axes.
    """

    center: Vector
    size: Vector
    directions: tuple[Vector, Vector, Vector] = _IDENTITY


@dataclass(frozen=True, slots=True)
class Markup:
    """One list of control points.

    Attributes
    ----------
    kind : MarkupKind
    name : str
        Name of the node; empty where the file has none.
    points : tuple of MarkupPoint
        Empty for a markup of kind `ROI`: its region says all.
    region : Region or None
        Box of a markup of kind `ROI`.
    """

    kind: MarkupKind
    name: str
    points: tuple[MarkupPoint, ...]
    region: Region | None = None

    def __post_init__(self) -> None:
        is_region = self.kind is MarkupKind.ROI
        if is_region == (self.region is None) or (is_region and self.points):
            raise InputError(f"markup '{self.name}': a region instead of points is due exactly when its kind is ROI.")


def read_markups(path: Path) -> tuple[Markup, ...]:
    """Read a `.mrk.json` or `.fcsv` file.

    Raises
    ------
    InputError
        The file is missing, no markups file, holds a value of the wrong kind, or uses units other than mm or a
        coordinate system other than LPS and RAS.
    """
    text = read_text(path)
    if path.name.lower().endswith(".fcsv"):
        return (_parse_fcsv(text, path),)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno} is not JSON ({error.msg}); save the markups again.") from error
    except RecursionError as error:
        raise InputError(f"{path}: is nested too deeply to be a markups file; check the file.") from error
    if not isinstance(document, dict) or not isinstance(document.get("markups"), list):
        raise InputError(f"{path}: holds no list 'markups'; is it a Slicer markups file?")
    return tuple(
        _Fields(value, f"{path}: markups[{number}]").markup() for number, value in enumerate(document["markups"])
    )


def write_markups(path: Path, markups: Sequence[Markup]) -> None:
    """Write a `.mrk.json` file that Slicer 5 reads, whole or not at all; raises `DestinationError`."""
    document = {"@schema": _SCHEMA, "markups": [_markup_json(markup) for markup in markups]}
    atomic.write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


class _Fields:
    """A JSON object with its place in the file, for messages."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{place}: must be an object; save the markups again.")
        self.value: dict[str, Any] = value
        self.place = place

    def markup(self) -> Markup:
        kind = self._kind()
        signs = self._signs()
        if kind is MarkupKind.ROI:
            return Markup(kind, self._text("name"), (), self.region(signs))
        points = self.value.get("controlPoints", [])
        if not isinstance(points, list):
            raise self._error("controlPoints", "must be a list")
        return Markup(
            kind,
            self._text("name"),
            tuple(_Fields(p, f"{self.place}.controlPoints[{i}]").point(signs) for i, p in enumerate(points)),
        )

    def point(self, signs: Vector) -> MarkupPoint:
        status_text = self._text("positionStatus") or "defined"
        # "preview" is a point under the mouse cursor that was never placed
        status = PointStatus(status_text) if status_text in set(PointStatus) else PointStatus.UNDEFINED
        position = _flipped(self._numbers("position", 3), signs) if status is PointStatus.DEFINED else None
        return MarkupPoint(self._text("label"), position, status, self._text("description"))

    def region(self, signs: Vector) -> Region:
        axes = self._numbers("orientation", 9) if "orientation" in self.value else sum(_IDENTITY, ())
        size = self._numbers("size", 3)
        columns = [_flipped(axes[column::3], signs) for column in range(3)]
        return Region(
            _flipped(self._numbers("center", 3), signs),
            (size[0], size[1], size[2]),
            (columns[0], columns[1], columns[2]),
        )

    def _kind(self) -> MarkupKind:
        name = self._text("type")
        try:
            return MarkupKind(name)
        except ValueError:
            raise self._error("type", f"'{name}' is none of {', '.join(MarkupKind)}") from None

    def _signs(self) -> Vector:
        units = self.value.get("coordinateUnits", "mm")
        unit = units[0] if isinstance(units, list) and units else units
        if unit != "mm":
            raise self._error("coordinateUnits", f"'{unit}' is not mm")
        # Slicer takes a file without the field for LPS since markups schema 1.0.
        return _signs(self._text("coordinateSystem") or "LPS", f"{self.place}.coordinateSystem")

    def _text(self, name: str) -> str:
        value = self.value.get(name, "")
        if not isinstance(value, str):
            raise self._error(name, "must be text")
        return value

    def _numbers(self, name: str, count: int) -> tuple[float, ...]:
        value = self.value.get(name)
        if not isinstance(value, list) or len(value) != count or not all(_is_number(number) for number in value):
            raise self._error(name, f"must be {count} finite numbers")
        return tuple(float(number) for number in value)

    def _error(self, name: str, what: str) -> InputError:
        return InputError(f"{self.place}.{name}: {what}; save the markups again.")


def _parse_fcsv(text: str, path: Path) -> Markup:
    header: dict[str, str] = {}
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            name, _, value = line[1:].partition("=")
            header[name.strip().lower()] = value.strip()
        elif line.strip():
            rows.append((number, line))
    if "markups fiducial file version" not in header:
        raise InputError(f"{path}: does not start as a Slicer fiducial file does; check the file.")
    system = header.get("coordinatesystem", "0")
    if system not in _FCSV_SYSTEMS:
        raise InputError(f"{path}: coordinate system '{system}' is neither RAS nor LPS; save the points again.")
    signs = _signs(_FCSV_SYSTEMS[system], str(path))
    columns = header.get("columns", _FCSV_COLUMNS).split(",")
    points = tuple(_fcsv_point(line, columns, signs, f"{path}: line {number}") for number, line in rows)
    return Markup(MarkupKind.FIDUCIAL, "", points)


def _fcsv_point(line: str, columns: list[str], signs: Vector, place: str) -> MarkupPoint:
    row = dict(zip(columns, next(csv.reader([line])), strict=False))
    try:
        position = tuple(float(row[axis]) for axis in "xyz")
    except (KeyError, ValueError):
        position = (math.nan,)
    if not all(map(math.isfinite, position)):
        raise InputError(f"{place}: has no three coordinates; save the points again.")
    return MarkupPoint(row.get("label", "").strip(), _flipped(position, signs), description=row.get("desc", "").strip())


def _signs(system: str, place: str) -> Vector:
    if system not in ("LPS", "RAS"):
        raise InputError(f"{place}: '{system}' is neither LPS nor RAS; save the markups again.")
    return (1.0, 1.0, 1.0) if system == "LPS" else (-1.0, -1.0, 1.0)


def _flipped(position: Sequence[float], signs: Vector) -> Vector:
    # "+ 0.0" turns -0.0 into 0.0
    x, y, z = (sign * number + 0.0 for sign, number in zip(signs, position, strict=True))
    return (x, y, z)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _markup_json(markup: Markup) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": markup.kind.value,
        "name": markup.name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": [_point_json(number, point) for number, point in enumerate(markup.points, start=1)],
    }
    if markup.region is not None:
        x, y, z = markup.region.directions
        center = MarkupPoint("", markup.region.center)
        result |= {
            "controlPoints": [_point_json(1, center)],  # without it Slicer makes the size zero
            "roiType": "Box",
            "center": list(markup.region.center),
            "orientation": [number for row in zip(x, y, z, strict=True) for number in row],
            "size": list(markup.region.size),
        }
    return result


def _point_json(number: int, point: MarkupPoint) -> dict[str, Any]:
    return {
        "id": str(number),
        "label": point.label,
        "description": point.description,
        "position": "" if point.position is None else list(point.position),
        "positionStatus": point.status.value,
    }
