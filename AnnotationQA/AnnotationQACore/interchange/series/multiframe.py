"""The frames of multi-frame files: enhanced and legacy converted CT/MR/PET, dose grids, NM, cine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.series.headers import FrameHeader, Orientation, timestamp

__all__ = ["cine_frames", "dose_frames", "functional_frames", "functional_units", "nuclear_frames"]

_FRAME_TYPES: Final = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")
_COMPONENTS: Final = {"MAGNITUDE": "magnitude", "PHASE": "phase", "REAL": "real", "IMAGINARY": "imaginary"}


def functional_frames(dataset: Any, base: FrameHeader) -> tuple[FrameHeader, ...]:
    """Frames of an enhanced image: per-frame functional groups first, then shared ones, then the top level."""
    shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or ()), None)
    items = dataset.PerFrameFunctionalGroupsSequence
    return tuple(_functional_frame(_Groups(item, shared), number, base) for number, item in enumerate(items, 1))


def functional_units(dataset: Any) -> str:
    """Units of an enhanced image: those of its Real World Value Mapping, else its Rescale Type."""
    shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or ()), None)
    own = next(iter(dataset.get("PerFrameFunctionalGroupsSequence") or ()), None)
    groups = _Groups(own, shared)
    mapping = groups.item("RealWorldValueMappingSequence")
    unit = next(iter((mapping or {}).get("MeasurementUnitsCodeSequence") or ()), None)
    if unit is not None and unit.get("CodeValue"):
        return str(unit.CodeValue)
    return str(groups.get("PixelValueTransformationSequence", "RescaleType") or "")


def dose_frames(dataset: Any, base: FrameHeader) -> tuple[FrameHeader, ...]:
    """Planes of an RT Dose, at the offsets of Grid Frame Offset Vector (PS3.3 C.8.8.3.2)."""
    offsets = [float(offset) for offset in dataset.get("GridFrameOffsetVector") or ()]
    slope = dataset.get("DoseGridScaling")
    scaled = replace(base, slope=float(slope) if slope is not None else 1.0)
    if scaled.position is None or scaled.orientation is None or not offsets:
        return tuple(replace(scaled, number=number) for number in range(1, int(dataset.get("NumberOfFrames") or 1) + 1))
    if offsets[0] != 0:  # absolute z instead of distances: allowed for transverse planes
        offsets = [offset - offsets[0] for offset in offsets]
    return tuple(_shifted(scaled, offset, number) for number, offset in enumerate(offsets, 1))


def nuclear_frames(dataset: Any, base: FrameHeader, count: int) -> tuple[FrameHeader, ...]:
    """Frames of an NM image; those of a reconstructed tomogram lie Spacing Between Slices apart (PS3.3 C.8.4.15)."""
    detector = next(iter(dataset.get("DetectorInformationSequence") or ()), None)
    position = base.position or _vector(detector, "ImagePositionPatient")
    orientation = base.orientation or _orientation(detector)
    tomogram = "RECON TOMO" in (dataset.get("ImageType") or ())
    placed = replace(base, position=position, orientation=orientation)
    if not tomogram or position is None or orientation is None or not base.slice_spacing:
        bare = replace(base, position=None)
        return tuple(replace(bare, number=number) for number in range(1, count + 1))
    return tuple(_shifted(placed, base.slice_spacing * index, index + 1) for index in range(count))


def cine_frames(base: FrameHeader, count: int, increments_ms: tuple[float, ...]) -> tuple[FrameHeader, ...]:
    """Frames of a cine loop, whose times are the sums of Frame Time or Frame Time Vector (ms)."""
    if count == 1:
        return (base,)
    if len(increments_ms) == 1:
        increments_ms = (0.0, *increments_ms * (count - 1))
    known = len(increments_ms) == count
    times = np.cumsum(increments_ms) / 1000 if known else ()
    return tuple(
        replace(base, number=index + 1, temporal_position=float(index + 1), time=float(times[index]) if known else None)
        for index in range(count)
    )


class _Groups:
    """Attributes of one frame, looked up in its functional groups."""

    def __init__(self, own: Any, shared: Any) -> None:
        self._groups = [group for group in (own, shared) if group is not None]

    def get(self, sequence: str, keyword: str) -> Any:
        for item in self._items(sequence):
            value = item.get(keyword)
            if value is not None and value != "":
                return value
        return None

    def first(self, sequences: tuple[str, ...], keyword: str) -> Any:
        return next((value for name in sequences if (value := self.get(name, keyword)) is not None), None)

    def item(self, sequence: str) -> Any:
        return next(self._items(sequence), None)

    def _items(self, sequence: str) -> Iterator[Any]:
        for group in self._groups:
            yield from list(group.get(sequence) or ())[:1]


def _functional_frame(groups: _Groups, number: int, base: FrameHeader) -> FrameHeader:
    spacing = groups.get("PixelMeasuresSequence", "PixelSpacing")
    slope = groups.get("PixelValueTransformationSequence", "RescaleSlope")
    intercept = groups.get("PixelValueTransformationSequence", "RescaleIntercept")
    moment = groups.get("FrameContentSequence", "FrameAcquisitionDateTime") or groups.get(
        "FrameContentSequence", "FrameReferenceDateTime"
    )
    diffusion = groups.item("MRDiffusionSequence")
    gradient_item = next(iter((diffusion or {}).get("DiffusionGradientDirectionSequence") or ()), None)
    component = groups.get("MRImageFrameTypeSequence", "ComplexImageComponent")
    frame_type = groups.first(_FRAME_TYPES, "FrameType")
    position_groups = ("PlanePositionSequence", "PlanePositionVolumeSequence")
    orientation_groups = ("PlaneOrientationSequence", "PlaneOrientationVolumeSequence")
    position = groups.first(position_groups, "ImagePositionPatient")
    orientation = groups.first(orientation_groups, "ImageOrientationPatient")
    source = groups.get("ConversionSourceAttributesSequence", "ReferencedSOPInstanceUID")
    return FrameHeader(
        number=number,
        position=_floats3(position),
        orientation=_floats6(orientation),
        pixel_spacing=(float(spacing[0]), float(spacing[1])) if spacing is not None else base.pixel_spacing,
        thickness=_optional(groups.get("PixelMeasuresSequence", "SliceThickness"), base.thickness),
        slice_spacing=_optional(groups.get("PixelMeasuresSequence", "SpacingBetweenSlices"), base.slice_spacing),
        slope=base.slope if slope is None else float(slope),
        intercept=base.intercept if intercept is None else float(intercept),
        time=timestamp(str(moment)) if moment else base.time,
        temporal_position=_optional(
            groups.get("FrameContentSequence", "TemporalPositionIndex"), base.temporal_position
        ),
        echo_time=_optional(groups.get("MREchoSequence", "EffectiveEchoTime"), base.echo_time),
        b_value=_optional(diffusion.get("DiffusionBValue") if diffusion is not None else None, base.b_value),
        gradient=_vector(gradient_item, "DiffusionGradientOrientation"),
        trigger_time=_optional(
            groups.first(
                ("CardiacSynchronizationSequence", "CardiacTriggerSequence"), "NominalCardiacTriggerDelayTime"
            ),
            base.trigger_time,
        ),
        cardiac_phase=_optional(
            groups.get("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"), base.cardiac_phase
        ),
        acquisition=_optional(groups.get("FrameContentSequence", "FrameAcquisitionNumber"), base.acquisition),
        component=_COMPONENTS.get(str(component), base.component),
        image_type=" ".join(map(str, frame_type[2:])) if frame_type is not None else base.image_type,
        source_uid=str(source) if source else "",
    )


def _shifted(frame: FrameHeader, distance: float, number: int) -> FrameHeader:
    if frame.position is None or frame.orientation is None:
        return replace(frame, number=number)
    normal = np.cross(frame.orientation[:3], frame.orientation[3:])
    moved = np.array(frame.position) + distance * normal
    return replace(frame, number=number, position=(float(moved[0]), float(moved[1]), float(moved[2])))


def _optional(value: Any, default: float | None) -> float | None:
    return default if value is None or value == "" else float(value)


def _floats3(values: Any) -> Vector | None:
    return (float(values[0]), float(values[1]), float(values[2])) if values is not None and len(values) == 3 else None


def _floats6(values: Any) -> Orientation | None:
    if values is None or len(values) != 6:
        return None
    a, b, c, d, e, f = (float(value) for value in values)
    return (a, b, c, d, e, f)


def _vector(item: Any, keyword: str) -> Vector | None:
    return _floats3(item.get(keyword)) if item is not None else None


def _orientation(item: Any) -> Orientation | None:
    return _floats6(item.get("ImageOrientationPatient")) if item is not None else None
