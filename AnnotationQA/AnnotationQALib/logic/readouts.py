"""Live read-outs: what is measured of a drawing, as the panel shows it beside the item."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from AnnotationQACore.checks.derived_measurements import ImageSource, cropped_like, in_mm, polygon_area, role_of
from AnnotationQACore.checks.quick_shapes import quick_plane_diameters
from AnnotationQACore.checks.segment_regions import SegmentRegions
from AnnotationQACore.errors import InputError
from AnnotationQACore.measure.intensity import intensity_statistics
from AnnotationQACore.measure.size import voxel_volume
from AnnotationQACore.project.answers import (
    Answer,
    BoxValue,
    MeasurementValue,
    PolygonValue,
    Presence,
    SegmentationValue,
)
from AnnotationQACore.protocol.model import DrawnItem, Protocol
from AnnotationQACore.segmentation import Mask
from AnnotationQALib.logic.form import ItemKey, form_key
from AnnotationQALib.logic.reading_snapshot import SnapshotContents

__all__ = ["Quantity", "Readout", "compute_readouts"]

DIAMETER_VOXELS = 20_000_000
"""Boxes with more voxels than this get no diameters while they are drawn: their figure would come too late."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured number; `unit` is for people."""

    name: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Readout:
    """What is measured of one drawing."""

    key: ItemKey
    quantities: tuple[Quantity, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.quantities))


def compute_readouts(
    protocol: Protocol, contents: SnapshotContents, images: Mapping[str, ImageSource]
) -> dict[ItemKey, Readout]:
    """Read-outs of all that is drawn; runs on any thread."""
    regions = contents.regions
    readouts = {}
    for answer in contents.reading.answers:
        item = protocol.item(answer.item)
        if isinstance(item, DrawnItem):
            image = images.get(role_of(protocol, item))
            quantities = _quantities(answer, image, regions)
            if quantities:
                key = form_key(protocol, answer.item, answer.subject)
                readouts[key] = Readout(key, tuple(quantities))
    return readouts


def _quantities(answer: Answer, image: ImageSource | None, regions: SegmentRegions | None) -> list[Quantity]:
    match answer.value:
        case SegmentationValue(presence=Presence.PRESENT) if regions is not None:
            mask = regions.mask(answer.segment_id)
            return [] if mask is None else list(_of_mask(mask, image, answer.subject.frame or 1))
        case MeasurementValue(value=value, unit=unit, short_axis=short):
            first = Quantity("long axis" if short is not None else "", value, _unit(unit))
            return [first] if short is None else [first, Quantity("short axis", short, _unit(unit))]
        case PolygonValue(points=points):
            inside = in_mm(points, image)
            return [] if inside is None else [Quantity("area", polygon_area(inside), "mm²")]
        case BoxValue(size=size):
            return list(_of_box(size, image))
    return []


def _of_mask(mask: Mask, image: ImageSource | None, frame: int) -> list[Quantity]:
    found = [Quantity("volume", voxel_volume(mask) / 1000.0, "ml")]
    if mask.voxels.size <= DIAMETER_VOXELS:
        diameters = quick_plane_diameters(mask)
        if diameters is not None:
            found.append(Quantity("longest diameter", diameters.longest.length_mm, "mm"))
            found.append(Quantity("perpendicular", diameters.perpendicular.length_mm, "mm"))
    if image is None or not image.volumes:
        return found
    volume = image.volumes[min(frame, len(image.volumes)) - 1]
    try:
        statistics = intensity_statistics(cropped_like(volume, mask), mask, factor=image.suv_factor or 1.0)
    except InputError:  # drawn on another grid; the checks tell
        return found
    unit = {"CT": "HU", "PT": "SUV" if image.suv_factor else ""}.get(image.modality, "")
    named = [("mean", statistics.mean), ("SD", statistics.sd), ("median", statistics.median)]
    named += [(f"P{percentage:g}", value) for percentage, value in statistics.percentiles.items()]
    return found + [Quantity(name, value, unit) for name, value in named if math.isfinite(value)]


def _of_box(size: Sequence[float], image: ImageSource | None) -> list[Quantity]:
    if len(size) == 3:
        return [Quantity("volume", math.prod(size) / 1000.0, "ml")]
    if image is None or image.pixel_spacing is None:
        return [Quantity("area", math.prod(size), "pixels")]
    row, column = image.pixel_spacing
    return [Quantity("area", size[0] * column * size[1] * row, "mm²")]


def _unit(ucum: str) -> str:
    return {"deg": "°", "mm2": "mm²", "{pixel}": "pixels", "1": ""}.get(ucum, ucum)
