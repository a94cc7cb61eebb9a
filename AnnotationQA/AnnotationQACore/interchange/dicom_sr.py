"""Measurement reports (DICOM SR, PS3.16 TID 1500) as plain data, and their reader.

Read are reports of this software, highdicom and dcmqi, with groups that refer to segments, to regions in space
(SCOORD3D) or on images (SCOORD), to images, or to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.coded import code_from_items, same_concept
from AnnotationQACore.interchange.dicom_files import read_object, understanding
from AnnotationQACore.protocol.terminology import Code

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = [
    "CodedEvaluation",
    "CodedMeasurement",
    "GraphicType",
    "ImageReference",
    "ImageShape",
    "MeasurementGroup",
    "MeasurementReport",
    "SegmentReference",
    "SpatialShape",
    "read_measurement_report",
]

REPORT = Code("DCM", "126000", "Imaging Measurement Report")
_GROUP = Code("DCM", "125007", "Measurement Group")
_TRACKING_ID = Code("DCM", "112039", "Tracking Identifier")
_TRACKING_UID = Code("DCM", "112040", "Tracking Unique Identifier")
_FINDING = Code("DCM", "121071", "Finding")
_CATEGORIES = (Code("SCT", "276214006", "Finding category"), Code("UMLS", "C0034375", "Qualitative evaluations"))
_SITE = Code("SCT", "363698007", "Finding Site")
_LATERALITY = Code("SCT", "272741003", "Laterality")
_DERIVATION = Code("DCM", "121401", "Derivation")
_OBSERVER = Code("DCM", "121008", "Person Observer Name")
_REFERENCED_SEGMENT = Code("DCM", "121191", "Referenced Segment")
_REFERENCED_FRAME = Code("DCM", "121214", "Referenced Segmentation Frame")
_SOURCES = (Code("SCT", "260753009", "Source"), Code("DCM", "121112", "Source of Measurement"))
_SOURCE_SERIES = Code("DCM", "121232", "Source series for segmentation")
_DEPTH_LIMIT = 50


class GraphicType(StrEnum):
    """Shape of points; POLYGON (planar, closed) is spatial only (PS3.3 C.18.6, C.18.9)."""

    POINT = "POINT"
    MULTIPOINT = "MULTIPOINT"
    POLYLINE = "POLYLINE"
    POLYGON = "POLYGON"
    CIRCLE = "CIRCLE"
    ELLIPSE = "ELLIPSE"
    ELLIPSOID = "ELLIPSOID"


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """A segment of a DICOM segmentation, and the series that was segmented."""

    segmentation_uid: str
    segment_number: int
    source_series_uid: str = ""


@dataclass(frozen=True, slots=True)
class SpatialShape:
    """Points in the patient, LPS mm; stored with single precision."""

    type: GraphicType
    points: tuple[Vector, ...]
    frame_of_reference_uid: str


@dataclass(frozen=True, slots=True)
class ImageShape:
    """Points on an image, (column, row) in pixels; (0, 0) is the top left corner of the top left pixel.

    `frame` is the number from 1 in a multi-frame image, else None.
    """

    type: GraphicType
    points: tuple[tuple[float, float], ...]
    image_uid: str
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image as a whole, or with `frame`, a number from 1, one of its frames."""

    image_uid: str
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class CodedMeasurement:
    """A measured quantity; `unit` is a UCUM code."""

    concept: Code
    value: float
    unit: Code
    derivation: Code | None = None


@dataclass(frozen=True, slots=True)
class CodedEvaluation:
    """A finding that is no number; `value` is text in reports of some vendors."""

    concept: Code
    value: Code | str


@dataclass(frozen=True, slots=True)
class MeasurementGroup:
    """What is said of one finding.

    Attributes
    ----------
    tracking_id, tracking_uid : str
        Of the finding across objects; the tracking ID is the ID of the segment or item.
    place : SegmentReference, SpatialShape, ImageShape, ImageReference or None
        None when the group is about the case as a whole.
    finding, category, site, laterality : Code or None
    measurements : tuple of CodedMeasurement
    evaluations : tuple of CodedEvaluation
    """

    tracking_id: str
    tracking_uid: str
    place: SegmentReference | SpatialShape | ImageShape | ImageReference | None = None
    finding: Code | None = None
    category: Code | None = None
    site: Code | None = None
    laterality: Code | None = None
    measurements: tuple[CodedMeasurement, ...] = ()
    evaluations: tuple[CodedEvaluation, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasurementReport:
    """A measurement report; `observer` is the first person who is named as one."""

    groups: tuple[MeasurementGroup, ...]
    observer: str
    instance_uid: str
    study_uid: str


def read_measurement_report(path: Path) -> MeasurementReport:
    """Read a TID 1500 report.

    Raises
    ------
    InputError
        The file is missing, truncated, no DICOM, no measurement report, or lacks what a content item must have.
    """
    dataset = read_object(path)
    with understanding(path, "measurement report"):
        title = code_from_items(dataset.get("ConceptNameCodeSequence"))
        groups = [item for item in _descendants(dataset) if _is(item, _GROUP) and item.ValueType == "CONTAINER"]
        if title is None or "ContentSequence" not in dataset or not (same_concept(title, REPORT) or groups):
            raise InputError(f"{path}: is not a measurement report (TID 1500); check the file.")
        if not groups:
            raise InputError(f"{path}: holds no group of measurements; it is empty or truncated.")
        observers = [str(item.get("PersonName") or "") for item in _children(dataset) if _is(item, _OBSERVER)]
        return MeasurementReport(
            tuple(_group(item) for item in groups),
            observers[0].rstrip("^") if observers else "",
            str(dataset.SOPInstanceUID),
            str(dataset.StudyInstanceUID),
        )


def _group(container: Dataset) -> MeasurementGroup:
    texts: dict[str, str] = {}
    codes: dict[str, Code] = {}
    measurements: list[CodedMeasurement] = []
    evaluations: list[CodedEvaluation] = []
    series = ""
    place: SegmentReference | SpatialShape | ImageShape | ImageReference | None = None
    for item in _children(container):
        concept = code_from_items(item.get("ConceptNameCodeSequence"))
        kind = str(item.ValueType)
        if concept is None:
            continue
        if kind in ("TEXT", "UIDREF"):
            if same_concept(concept, _TRACKING_ID):
                texts["id"] = str(item.TextValue)
            elif same_concept(concept, _TRACKING_UID):
                texts["uid"] = str(item.UID)
            elif same_concept(concept, _SOURCE_SERIES):
                series = str(item.UID)
            elif kind == "TEXT":
                evaluations.append(CodedEvaluation(concept, str(item.TextValue)))
        elif kind == "CODE":
            _add_code(item, concept, codes, evaluations)
        elif kind == "NUM" and item.get("MeasuredValueSequence"):
            measurements.append(_measurement(item, concept))
        elif place is None or isinstance(place, ImageReference):  # a shape says more than the image it lies on
            place = _place(item, concept) or place
    if isinstance(place, SegmentReference) and not place.source_series_uid:
        place = SegmentReference(place.segmentation_uid, place.segment_number, series)
    return MeasurementGroup(
        texts.get("id", ""),
        texts.get("uid", ""),
        place,
        codes.get("finding"),
        codes.get("category"),
        codes.get("site"),
        codes.get("laterality"),
        tuple(measurements),
        tuple(evaluations),
    )


def _add_code(item: Dataset, concept: Code, codes: dict[str, Code], evaluations: list[CodedEvaluation]) -> None:
    value = code_from_items(item.get("ConceptCodeSequence"))
    if value is None:
        return
    if same_concept(concept, _FINDING):
        codes["finding"] = value
    elif any(same_concept(concept, category) for category in _CATEGORIES):
        codes["category"] = value
    elif same_concept(concept, _SITE):
        codes["site"] = value
        for child in _children(item):
            side = code_from_items(child.get("ConceptCodeSequence"))
            if _is(child, _LATERALITY) and side is not None:
                codes["laterality"] = side
    else:
        evaluations.append(CodedEvaluation(concept, value))


def _measurement(item: Dataset, concept: Code) -> CodedMeasurement:
    measured = item.MeasuredValueSequence[0]
    unit = code_from_items(measured.MeasurementUnitsCodeSequence)
    if unit is None:
        raise ValueError("MeasurementUnitsCodeSequence")
    derivations = [code_from_items(child.ConceptCodeSequence) for child in _children(item) if _is(child, _DERIVATION)]
    # 16 characters of text do not hold every number, so some software gives it in binary too
    value = float(measured.get("FloatingPointValue", measured.NumericValue))
    return CodedMeasurement(concept, value, unit, derivations[0] if derivations else None)


def _place(item: Dataset, concept: Code) -> SegmentReference | SpatialShape | ImageShape | ImageReference | None:
    kind = str(item.ValueType)
    if kind == "IMAGE" and any(same_concept(concept, known) for known in (_REFERENCED_SEGMENT, _REFERENCED_FRAME)):
        reference = item.ReferencedSOPSequence[0]
        number = np.atleast_1d(reference.ReferencedSegmentNumber)[0]
        return SegmentReference(str(reference.ReferencedSOPInstanceUID), int(number))
    if kind == "IMAGE" and any(same_concept(concept, known) for known in _SOURCES):
        reference = item.ReferencedSOPSequence[0]
        return ImageReference(str(reference.ReferencedSOPInstanceUID), _frame(reference))
    if kind == "SCOORD3D":
        points = np.reshape(item.GraphicData, (-1, 3)).astype(float)
        spatial = tuple((float(x), float(y), float(z)) for x, y, z in points)
        return SpatialShape(GraphicType(item.GraphicType), spatial, str(item.ReferencedFrameOfReferenceUID))
    if kind == "SCOORD":
        images = [child for child in _children(item) if child.ValueType == "IMAGE"]
        if not images:
            return None
        reference = images[0].ReferencedSOPSequence[0]
        planar = tuple((float(x), float(y)) for x, y in np.reshape(item.GraphicData, (-1, 2)))
        return ImageShape(
            GraphicType(item.GraphicType),
            planar,
            str(reference.ReferencedSOPInstanceUID),
            _frame(reference),
        )
    return None


def _frame(reference: Dataset) -> int | None:
    frame = reference.get("ReferencedFrameNumber")
    return None if frame is None else int(np.atleast_1d(frame)[0])


def _children(item: Dataset) -> list[Dataset]:
    return list(item.get("ContentSequence") or [])


def _descendants(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    if depth > _DEPTH_LIMIT:
        raise ValueError("content nested too deeply")
    for child in _children(item):
        yield child
        yield from _descendants(child, depth + 1)


def _is(item: Dataset, concept: Code) -> bool:
    found = code_from_items(item.get("ConceptNameCodeSequence"))
    return found is not None and same_concept(found, concept)
