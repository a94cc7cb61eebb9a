"""Calibrated regions of ultrasound images (PS3.3 C.8.5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["UltrasoundRegion", "ultrasound_regions"]

_CENTIMETRES: Final = 3
_SPATIAL_FORMATS: Final = {0: "none", 1: "2D", 2: "M-mode", 3: "spectral", 4: "waveform", 5: "graphics"}
_DATA_TYPES: Final = {
    0: "none",
    1: "tissue",
    2: "color flow",
    3: "PW Doppler",
    4: "CW Doppler",
    5: "Doppler mean trace",
    6: "Doppler mode trace",
    7: "Doppler max trace",
    8: "volume trace",
    10: "ECG",
    11: "pulse",
    12: "phonocardiogram",
    13: "gray bar",
    14: "color bar",
    15: "integrated backscatter",
    16: "area trace",
    17: "d(area)/dt",
    18: "other physiological",
}


@dataclass(frozen=True, slots=True)
class UltrasoundRegion:
    """A part of the image with a calibration of its own.

    Attributes
    ----------
    left, top, right, bottom : int
        Pixels, inclusive, from 0; cut to the image.
    spatial_format, data_type : str
        E.g. ``2D`` and ``tissue``.
    spacing : (row, column) or None
        mm between rows and between columns; None where the axes are no lengths.
    """

    left: int
    top: int
    right: int
    bottom: int
    spatial_format: str
    data_type: str
    spacing: tuple[float, float] | None


def ultrasound_regions(dataset: Any, rows: int, columns: int) -> tuple[UltrasoundRegion, ...]:
    """Read the Sequence of Ultrasound Regions; incomplete items, and those outside the image, are left out.

    Parameters
    ----------
    dataset : pydicom.Dataset
    rows, columns : int
        Matrix of the image, to which regions are cut.
    """
    regions = []
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        corners = [item.get(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if any(corner is None for corner in corners):
            continue
        left, top, right, bottom = (int(corner) for corner in corners)
        if left > min(right, columns - 1) or top > min(bottom, rows - 1):
            continue
        regions.append(
            UltrasoundRegion(
                left=left,
                top=top,
                right=min(right, columns - 1),
                bottom=min(bottom, rows - 1),
                spatial_format=_SPATIAL_FORMATS.get(item.get("RegionSpatialFormat", 0), "other"),
                data_type=_DATA_TYPES.get(item.get("RegionDataType", 0), "other"),
                spacing=_spacing(item),
            )
        )
    return tuple(regions)


def _spacing(item: Any) -> tuple[float, float] | None:
    units = (item.get("PhysicalUnitsXDirection"), item.get("PhysicalUnitsYDirection"))
    deltas = (item.get("PhysicalDeltaX"), item.get("PhysicalDeltaY"))
    if units != (_CENTIMETRES, _CENTIMETRES) or any(delta is None for delta in deltas):
        return None
    across, down = (abs(float(delta)) * 10 for delta in deltas)
    return (down, across) if across > 0 and down > 0 else None
