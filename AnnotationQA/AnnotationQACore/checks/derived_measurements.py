"""Measurements that software derives from what a reader has drawn, as the protocol defines them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.checks.quick_shapes import quick_plane_diameters
from AnnotationQACore.checks.segment_regions import SegmentRegions
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid, require_same_grid
from AnnotationQACore.measure.angles import angle_at, cobb_angle
from AnnotationQACore.measure.diameters import longest_diameter
from AnnotationQACore.measure.heart import ejection_of_volumes
from AnnotationQACore.measure.intensity import IntensityStatistics, intensity_statistics
from AnnotationQACore.measure.size import largest_slice_area, voxel_volume
from AnnotationQACore.project.answers import (
    CASE_WIDE,
    Answer,
    LandmarksValue,
    MeasurementValue,
    Point,
    PolygonValue,
    Subject,
    segment_id,
)
from AnnotationQACore.protocol.model import DrawnItem, Measurement, Protocol
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Mask, Segmentation, Volume

__all__ = [
    "ImageSource",
    "cropped_like",
    "derived_answers",
    "in_mm",
    "polygon_area",
    "role_of",
    "slice_axis_of",
    "statistic_of",
]

_NORMALS = {"axial": 2, "coronal": 1, "sagittal": 0}
"""LPS axis across each plane."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageSource:
    """A series as checks and measurements need it.

    Attributes
    ----------
    role, modality : str
    volumes : sequence of Volume
        One for each time point; empty for colour images.
    grid : Grid
        Of each volume; of an image without patient geometry the one by which it is shown.
    has_patient_geometry : bool
    pixel_spacing : tuple of 2 float or None
        Between rows and between columns in mm; None where pixels have no size.
    suv_factor : float or None
        By which voxels become SUV.
    """

    role: str
    modality: str
    volumes: Sequence[Volume]
    grid: Grid
    has_patient_geometry: bool = True
    pixel_spacing: tuple[float, float] | None = None
    suv_factor: float | None = None


def derived_answers(
    protocol: Protocol,
    answers: Sequence[Answer],
    segmentation: Segmentation | None,
    images: Mapping[str, ImageSource],
    regions: SegmentRegions | None = None,
) -> tuple[Answer, ...]:
    """Answers to all derived measurements for which everything is there.

    Definitions are those of `measure.segments.DEFINITIONS`. Several instances are measured all together, unless the
    measurement is asked for each instance. What cannot be measured, such as an ejection fraction whose end-systole is
    the larger one, has no answer; `plausibility.check_reading` says so.
    """
    if not any(isinstance(item, Measurement) and item.derived for item in protocol.items):
        return ()
    if segmentation is not None and regions is None:
        regions = SegmentRegions(segmentation)
    deriving = _Deriving(protocol, answers, regions, images)
    found: list[Answer] = []
    waiting = [item for item in protocol.items if isinstance(item, Measurement) and item.derived]
    for item in sorted(waiting, key=lambda item: item.quantity == "sum"):  # sums add other derived measurements
        found += deriving.answers_to(item, found)
    return tuple(found)


def role_of(protocol: Protocol, item: DrawnItem) -> str:
    """Role of the series on which an item is drawn."""
    return item.series or protocol.imaging.reference_series


def slice_axis_of(grid: Grid, plane: str) -> int:
    """Array axis across the slices of a plane: that of the acquisition, or the one nearest to the anatomical normal."""
    if plane not in _NORMALS:
        return 0
    return int(np.argmax(np.abs(np.array(grid.directions)[:, _NORMALS[plane]])))


def polygon_area(points: Sequence[Point]) -> float:
    """Area inside a closed planar outline, in the square of its unit (vector form of the shoelace formula)."""
    corners = np.array([(*point, 0.0)[:3] for point in points], dtype=np.float64)
    corners = corners - corners.mean(axis=0)
    return float(np.linalg.norm(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0))) / 2.0


def in_mm(points: Sequence[Point], image: ImageSource | None) -> list[Point] | None:
    """Points in mm; None for pixels without known size."""
    if all(len(point) == 3 for point in points):
        return list(points)
    if image is None or image.pixel_spacing is None:
        return None
    row, column = image.pixel_spacing
    return [(point[0] * column, point[1] * row, 0.0) for point in points]


def statistic_of(statistics: IntensityStatistics, name: str) -> float:
    """One of the statistics that a protocol names, such as ``mean`` or ``p95``."""
    if name.startswith("p"):
        return statistics.percentiles[float(name[1:])]
    names = {"min": "minimum", "max": "maximum"}
    return float(getattr(statistics, names.get(name, name)))


class _Deriving:
    def __init__(
        self,
        protocol: Protocol,
        answers: Sequence[Answer],
        regions: SegmentRegions | None,
        images: Mapping[str, ImageSource],
    ) -> None:
        self.protocol = protocol
        self.answers = answers
        self.regions = regions
        self.images = images

    def answers_to(self, item: Measurement, derived: Sequence[Answer]) -> Iterator[Answer]:
        for subject, instance in self._subjects(item):
            try:
                value = self._value(item, instance, derived)
            except InputError:
                continue
            if value is not None and math.isfinite(value.value):
                yield Answer(item.id, value, subject)

    def _subjects(self, item: Measurement) -> Iterator[tuple[Subject, int | None]]:
        if item.scope.level != "instance" or item.scope.of is None:
            yield CASE_WIDE, None
            return
        numbers = {a.subject.instance for a in self.answers if a.item == item.scope.of and a.subject.instance}
        if self.regions is not None:
            numbers |= {number for number in self.regions.instances(item.scope.of) if number}
        for number in sorted(numbers):
            yield Subject(instance=number), number

    def _value(self, item: Measurement, instance: int | None, derived: Sequence[Answer]) -> MeasurementValue | None:
        if item.quantity == "sum":
            return self._sum(item, derived)
        if item.quantity in ("stroke_volume", "ejection_fraction"):
            return self._ejection(item)
        source = self.protocol.item(item.derived_from[0])
        if isinstance(source, SegmentationItem):
            mask = self._mask(source, instance)
            return None if mask is None else self._of_mask(item, source, mask)
        value = self._drawn(source.id, instance)
        image = self.images.get(role_of(self.protocol, source)) if isinstance(source, DrawnItem) else None
        if isinstance(value, LandmarksValue):
            return _of_landmarks(item, value, image)
        return _of_polygon(item, value, image) if isinstance(value, PolygonValue) else None

    def _mask(self, source: SegmentationItem, instance: int | None) -> Mask | None:
        if self.regions is None:
            return None
        wanted = {segment_id(source.id, instance)} if instance is not None and source.instances else None
        return self.regions.union(wanted or self.regions.of_item(source.id))

    def _of_mask(self, item: Measurement, source: SegmentationItem, mask: Mask) -> MeasurementValue | None:
        match item.quantity:
            case "volume":
                return MeasurementValue(voxel_volume(mask) / 1000.0, item.unit)
            case "mass":
                return MeasurementValue(voxel_volume(mask) / 1000.0 * item.density_g_per_ml, item.unit)
            case "area":
                area = largest_slice_area(mask, slice_axis_of(mask.grid, item.plane))
                return None if area is None else MeasurementValue(area.area_mm2, item.unit)
            case "intensity":
                return self._intensity(item, source, mask)
        if item.plane == "any" and item.quantity == "length":
            longest = longest_diameter(mask)
            return None if longest is None else MeasurementValue(longest.length_mm, item.unit, longest.ends)
        axes = (0, 1, 2) if item.plane == "any" else (slice_axis_of(mask.grid, item.plane),)
        measured = [diameters for axis in axes if (diameters := quick_plane_diameters(mask, axis)) is not None]
        if not measured:
            return None
        best = max(measured, key=lambda diameters: diameters.longest.length_mm)
        if item.quantity == "length":
            return MeasurementValue(best.longest.length_mm, item.unit, best.longest.ends)
        ends = (*best.longest.ends, *best.perpendicular.ends)
        return MeasurementValue(best.longest.length_mm, item.unit, ends, best.perpendicular.length_mm)

    def _intensity(self, item: Measurement, source: SegmentationItem, mask: Mask) -> MeasurementValue | None:
        image = self.images.get(role_of(self.protocol, source))
        if image is None or not image.volumes:
            return None
        factor = 1.0
        if item.intensity_unit == "SUV":
            if image.suv_factor is None:
                return None
            factor = image.suv_factor
        frame = next((a.subject.frame for a in self.answers if a.item == source.id and a.subject.frame), 1)
        volume = image.volumes[min(frame, len(image.volumes)) - 1]
        part = cropped_like(volume, mask)
        statistics = intensity_statistics(part, mask, factor=factor)
        return MeasurementValue(statistic_of(statistics, item.intensity_statistic), item.unit)

    def _ejection(self, item: Measurement) -> MeasurementValue | None:
        volumes = []
        for name in item.derived_from:
            source = self.protocol.item(name)
            mask = self._mask(source, None) if isinstance(source, SegmentationItem) else None
            if mask is None:
                return None
            volumes.append(voxel_volume(mask) / 1000.0)
        result = ejection_of_volumes(volumes[0], volumes[1])
        is_fraction = item.quantity == "ejection_fraction"
        return MeasurementValue(result.fraction * 100.0 if is_fraction else result.stroke_ml, item.unit)

    def _sum(self, item: Measurement, derived: Iterable[Answer]) -> MeasurementValue | None:
        parts = [
            answer.value
            for answer in (*self.answers, *derived)
            if answer.item == item.derived_from[0] and isinstance(answer.value, MeasurementValue)
        ]
        if not parts or len({part.unit for part in parts}) > 1:
            return None
        return MeasurementValue(math.fsum(part.value for part in parts), parts[0].unit)

    def _drawn(self, item: str, instance: int | None) -> object:
        fitting = [a.value for a in self.answers if a.item == item and a.subject.instance in (instance, None)]
        return fitting[0] if fitting else None


def _of_landmarks(item: Measurement, value: LandmarksValue, image: ImageSource | None) -> MeasurementValue | None:
    places = {mark.name: mark.position for mark in value.landmarks}
    named = [places.get(name) for name in item.points]
    stored = [point for point in named if point is not None]
    points = in_mm(stored, image)
    if len(stored) < len(named) or not stored:
        return None
    if points is None:
        points = [(point[0], point[1], 0.0) for point in stored]
        if item.quantity == "length":
            return MeasurementValue(math.dist(points[0], points[1]), "{pixel}", tuple(stored))
    if item.quantity == "length":
        return MeasurementValue(math.dist(points[0], points[1]), item.unit, tuple(stored))
    if len(points) == 3:
        return MeasurementValue(angle_at(points[0], points[1], points[2]), item.unit, tuple(stored))
    lines = (points[0], points[1]), (points[2], points[3])
    return MeasurementValue(cobb_angle(*lines, plane_normal=None), item.unit, tuple(stored))


def _of_polygon(item: Measurement, value: PolygonValue, image: ImageSource | None) -> MeasurementValue | None:
    points = in_mm(value.points, image)
    if points is None:
        return None
    if item.quantity == "area":
        return MeasurementValue(polygon_area(points), item.unit)
    corners = np.array(points)
    distances = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    first, second = (int(n) for n in np.unravel_index(int(distances.argmax()), distances.shape))
    length, ends = float(distances[first, second]), (value.points[first], value.points[second])
    if item.quantity == "length":
        return MeasurementValue(length, item.unit, ends)
    along = (corners[second] - corners[first]) / length
    offset = corners - corners[first]
    across = offset - np.outer(offset @ along, along)
    side = across[int(np.linalg.norm(across, axis=1).argmax())]
    normal = side / np.linalg.norm(side) if side.any() else np.zeros(3)
    heights = offset @ normal
    return MeasurementValue(length, item.unit, ends, float(heights.max() - heights.min()))


def cropped_like(volume: Volume, mask: Mask) -> Volume:
    """The part of a volume under a cropped mask."""
    start = np.rint(volume.grid.to_index(mask.grid.origin)).astype(int)
    region = tuple(slice(int(a), int(a) + size) for a, size in zip(start, mask.grid.shape, strict=True))
    part = (region[0], region[1], region[2])
    if any(axis.start < 0 for axis in part) or any(
        axis.stop > size for axis, size in zip(part, volume.grid.shape, strict=True)
    ):
        require_same_grid(volume.grid, mask.grid, ("the image", "the segmentation"))
    grid = volume.grid.cropped(part)
    require_same_grid(grid, mask.grid, ("the image", "the segmentation"))
    return Volume(volume.voxels[part], mask.grid)
