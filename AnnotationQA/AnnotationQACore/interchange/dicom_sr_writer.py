"""Writer of measurement reports (DICOM SR, PS3.16 TID 1500), by highdicom.

Groups of different kinds go to documents of their own, because readers such as 3D Slicer ignore the measurements of
segments in a mixed document, and TID 1500 checkers reject it: segments; points and shapes in space; shapes on images.
What is said of the case or of an image as a whole has a document of its own too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from highdicom import sr
from highdicom.sr.coding import CodedConcept
from pydicom import dcmread
from pydicom.dataset import Dataset

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coded import code_item
from AnnotationQACore.interchange.derived import MANUFACTURER, ObjectInfo, equipment, quiet_highdicom, write_dicom
from AnnotationQACore.interchange.dicom_sr import (
    CodedMeasurement,
    GraphicType,
    ImageReference,
    ImageShape,
    MeasurementGroup,
    SegmentReference,
    SpatialShape,
)
from AnnotationQACore.interchange.sources import SourceImages, read_sources
from AnnotationQACore.protocol.terminology import Code

__all__ = ["write_measurement_report", "write_measurement_reports"]

_PERSON = CodedConcept("121006", "DCM", "Person")
_DEVICE = CodedConcept("121007", "DCM", "Device")
_ENGLISH = CodedConcept("en", "RFC5646", "English")
_PROCEDURE = CodedConcept("363679005", "SCT", "Imaging procedure")
_NAMES: dict[str, tuple[type, ...]] = {
    "segments": (SegmentReference,),
    "points": (SpatialShape,),
    "images": (ImageShape,),
    "case": (ImageReference, type(None)),
}


def write_measurement_reports(
    folder: Path,
    stem: str,
    groups: Sequence[MeasurementGroup],
    sources: Sequence[Path | Dataset] | Sequence[SourceImages] | SourceImages,
    info: ObjectInfo,
    segmentation: Path | None = None,
) -> tuple[Path, ...]:
    """Write ``<stem>-segments.dcm``, ``-points.dcm`` (in space), ``-images.dcm`` (on images) and ``-case.dcm``.

    Only those are written that have groups. Parameters and errors are those of `write_measurement_report`.
    """
    paths = []
    for name, kinds in _NAMES.items():
        chosen = [group for group in groups if isinstance(group.place, kinds)]
        if chosen:
            path = folder / f"{stem}-{name}.dcm"
            write_measurement_report(path, chosen, sources, info, segmentation)
            paths.append(path)
    return tuple(paths)


def write_measurement_report(
    path: Path,
    groups: Sequence[MeasurementGroup],
    sources: Sequence[Path | Dataset] | Sequence[SourceImages] | SourceImages,
    info: ObjectInfo,
    segmentation: Path | None = None,
) -> None:
    """Write one report, whole or not at all.

    Parameters
    ----------
    path : Path
    groups : sequence of MeasurementGroup
        All of one kind; evaluations are codes.
    sources : sequence of Path or Dataset, SourceImages, or sequence of SourceImages
        The images that were measured: of one series, or of several, that of the report's study first.
    info : ObjectInfo
    segmentation : Path, optional
        The DICOM segmentation to which groups refer; a BINARY one, as readers of today take.

    Raises
    ------
    InputError
        There are no groups or of several kinds, an evaluation is text, or a group refers to an image or a segmentation
        that is not given.
    DestinationError
        The folder cannot be written to.
    """
    kinds = {name for name, types in _NAMES.items() for group in groups if isinstance(group.place, types)}
    if len(kinds) != 1:
        raise InputError(f"{path.name}: a report holds groups of one kind ({', '.join(_NAMES)}); split them.")
    evidence = _headers(sources)
    if kinds == {"segments"}:
        evidence.append(_segmentation_header(path, groups, segmentation))
    with quiet_highdicom("report"):
        content = sr.MeasurementReport(
            observation_context=_observers(info),
            procedure_reported=_PROCEDURE,
            imaging_measurements=[_group(group, evidence, path, info) for group in groups],
            language_of_content_item_and_descendants=sr.LanguageOfContentItemAndDescendants(_ENGLISH),
        )
        document_class = sr.Comprehensive3DSR if kinds == {"points"} else sr.ComprehensiveSR
        document = document_class(
            evidence=evidence,
            content=content[0],
            series_instance_uid=info.uid(f"series {path.stem}"),
            series_number=info.series_number,
            sop_instance_uid=info.uid(f"instance {path.stem}"),
            instance_number=1,
            is_complete=True,
            is_final=True,
            series_description=info.description,
            content_date=info.when.date(),
            content_time=info.when.time(),
            **equipment(),
        )
    write_dicom(path, document)


def _headers(sources: Sequence[Path | Dataset] | Sequence[SourceImages] | SourceImages) -> list[Dataset]:
    if isinstance(sources, SourceImages):
        return list(sources.headers)
    read = [source for source in sources if isinstance(source, SourceImages)]
    unread = [source for source in sources if not isinstance(source, SourceImages)]
    if unread or not read:
        read.append(read_sources(unread))
    return [header for one in read for header in one.headers]


def _segmentation_header(path: Path, groups: Sequence[MeasurementGroup], segmentation: Path | None) -> Dataset:
    if segmentation is None:
        raise InputError(f"{path.name}: its groups refer to segments; name the DICOM segmentation that holds them.")
    try:
        header = dcmread(segmentation, stop_before_pixels=True)
        uid = str(header.SOPInstanceUID)
        numbers = {int(item.SegmentNumber) for item in header.SegmentSequence}
    except (OSError, AttributeError, ValueError) as error:
        raise InputError(f"{segmentation}: is no readable DICOM segmentation; check the file.") from error
    if header.get("SegmentationType") != "BINARY":
        raise InputError(
            f"{segmentation}: is no BINARY segmentation; readers find the segments of a report in one only."
        )
    for group in groups:
        place = group.place
        if isinstance(place, SegmentReference) and (
            place.segmentation_uid != uid or place.segment_number not in numbers
        ):
            raise InputError(
                f"{path.name}: '{group.tracking_id}' refers to a segment that {segmentation} does not hold."
            )
    return header


def _observers(info: ObjectInfo) -> sr.ObservationContext:
    person = None
    if info.creator:
        person = sr.ObserverContext(_PERSON, sr.PersonObserverIdentifyingAttributes(f"{info.creator}^"))
    device = sr.ObserverContext(
        _DEVICE,
        sr.DeviceObserverIdentifyingAttributes(
            uid=info.uid("device"), name=MANUFACTURER, manufacturer_name=MANUFACTURER, model_name=MANUFACTURER
        ),
    )
    return sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def _group(group: MeasurementGroup, evidence: Sequence[Dataset], path: Path, info: ObjectInfo) -> Any:
    common: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=group.tracking_uid or info.uid(f"tracking {group.tracking_id}"), identifier=group.tracking_id
        ),
        "finding_type": code_item(group.finding) if group.finding else None,
        "finding_category": code_item(group.category) if group.category else None,
        "finding_sites": _sites(group),
        "measurements": [_measurement(measurement) for measurement in group.measurements],
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(code_item(evaluation.concept), code_item(_code(evaluation.value, group, path)))
            for evaluation in group.evaluations
        ],
    }
    place = group.place
    by_uid = {str(header.SOPInstanceUID): header for header in evidence}
    if isinstance(place, SegmentReference):
        segmentation = by_uid[place.segmentation_uid]
        series = place.source_series_uid or str(evidence[0].SeriesInstanceUID)
        reference = sr.ReferencedSegment(
            segmentation.SOPClassUID,
            place.segmentation_uid,
            place.segment_number,
            source_series=sr.SourceSeriesForSegmentation(series),
        )
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=reference, **common)
    if isinstance(place, SpatialShape):
        region: Any = sr.ImageRegion3D(place.type.value, np.array(place.points), place.frame_of_reference_uid)
    elif isinstance(place, ImageShape):
        header = _image_header(place.image_uid, group, by_uid, path)
        image = sr.SourceImageForRegion(header.SOPClassUID, place.image_uid, [place.frame] if place.frame else None)
        region = sr.ImageRegion(place.type.value, np.array(place.points), image)
    else:
        return sr.MeasurementsAndQualitativeEvaluations(source_images=_source_images(group, by_uid, path), **common)
    if place.type is GraphicType.MULTIPOINT:
        raise InputError(f"{path.name}: '{group.tracking_id}' has several points; give each a group of its own.")
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)


def _source_images(
    group: MeasurementGroup, by_uid: dict[str, Dataset], path: Path
) -> list[sr.SourceImageForMeasurementGroup] | None:
    place = group.place
    if not isinstance(place, ImageReference):
        return None
    frames = [place.frame] if place.frame else None
    sop_class = _image_header(place.image_uid, group, by_uid, path).SOPClassUID
    return [sr.SourceImageForMeasurementGroup(sop_class, place.image_uid, frames)]


def _image_header(uid: str, group: MeasurementGroup, by_uid: dict[str, Dataset], path: Path) -> Dataset:
    if uid not in by_uid:
        raise InputError(f"{path.name}: '{group.tracking_id}' lies on an image that is not given; name its file.")
    return by_uid[uid]


def _code(value: Code | str, group: MeasurementGroup, path: Path) -> Code:
    if isinstance(value, str):
        raise InputError(f"{path.name}: '{group.tracking_id}' has text as an evaluation; TID 1500 takes codes only.")
    return value


def _sites(group: MeasurementGroup) -> list[sr.FindingSite] | None:
    if group.site is None:
        return None
    laterality = code_item(group.laterality) if group.laterality else None
    return [sr.FindingSite(code_item(group.site), laterality)]


def _measurement(measurement: CodedMeasurement) -> sr.Measurement:
    return sr.Measurement(
        name=code_item(measurement.concept),
        value=measurement.value,
        unit=code_item(measurement.unit),
        derivation=code_item(measurement.derivation) if measurement.derivation else None,
    )
