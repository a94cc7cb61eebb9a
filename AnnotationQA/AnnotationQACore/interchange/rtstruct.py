"""RT Structure Sets (DICOM PS3.3 A.19): segments as outlines in the planes of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.interchange.coded import code_from_items, code_item, long_string
from AnnotationQACore.interchange.contours import fill, keyholed, outlines
from AnnotationQACore.interchange.derived import ObjectInfo, add_equipment, person_name, write_dicom
from AnnotationQACore.interchange.dicom_files import read_object, understanding
from AnnotationQACore.interchange.dicom_seg import AlgorithmType, SegmentOrigin
from AnnotationQACore.interchange.labels import distinct_color, smallest_unsigned
from AnnotationQACore.interchange.placement import placed_on
from AnnotationQACore.interchange.sources import SourceFrame, SourceImages, read_sources
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import BoolArray, Segment, Segmentation

__all__ = ["Structure", "StructureSet", "read_rtstruct", "to_segmentation", "write_rtstruct"]

_IMAGE_KEYWORDS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                   "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")  # fmt: skip
_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
_BETWEEN_SLICES = 0.25
"""Fraction of the slice distance by which an outline may lie off its slice."""
_NOTHING: Mapping[str, SegmentOrigin] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One region of interest.

    Attributes
    ----------
    id, name : str
    number : int
    color : tuple of 3 float or None
    type : Code or None
    contours : tuple of array, shape (points, 3)
        Closed outlines, LPS mm.
    points : tuple of Vector
        Single points, LPS mm.
    """

    id: str
    name: str
    number: int
    color: tuple[float, float, float] | None
    type: Code | None
    contours: tuple[NDArray[np.float64], ...]
    points: tuple[Vector, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StructureSet:
    """Contents of an RT Structure Set; the UIDs are empty where it does not tell them."""

    label: str
    structures: tuple[Structure, ...]
    frame_of_reference_uid: str
    source_series_uid: str
    instance_uid: str


def write_rtstruct(
    path: Path,
    segmentation: Segmentation,
    sources: Sequence[Path | Dataset] | SourceImages,
    info: ObjectInfo,
    origins: Mapping[str, SegmentOrigin] = _NOTHING,
) -> tuple[str, ...]:
    """Write the outlines of all segments in the planes of the images, whole or not at all.

    Holes are joined to the outer outline by a channel without width ("keyhole"). Gantry-tilted series are no matter:
    each outline lies in the plane of its image. The transfer syntax is Implicit VR, in which outlines may be long.

    Returns
    -------
    tuple of str
        One line for each thing that the object cannot hold.

    Raises
    ------
    InputError
        There are no segments, or the images have no patient geometry or are irregular.
    GridMismatch
        The segmentation does not lie on the grid of the images.
    DestinationError
        The folder cannot be written to.
    """
    if not segmentation.segments:
        raise InputError(f"{path.name}: the segmentation has no segments; nothing is written.")
    images = sources if isinstance(sources, SourceImages) else read_sources(sources)
    if images.grid is None or not images.first.get("FrameOfReferenceUID"):
        raise InputError(f"{path.name}: outlines need images in the patient's frame of reference, evenly spaced.")
    placed = placed_on(segmentation, images.grid)
    dataset = _header(images, info)
    dataset.StructureSetROISequence = []
    dataset.ROIContourSequence = []
    dataset.RTROIObservationsSequence = []
    for number, segment in enumerate(placed.segments, start=1):
        origin = origins.get(segment.id, SegmentOrigin())
        dataset.StructureSetROISequence.append(_roi(number, segment, origin, images))
        dataset.ROIContourSequence.append(_roi_contours(number, segment, placed, images.frames))
        dataset.RTROIObservationsSequence.append(_observation(number, segment))
    write_dicom(path, dataset)
    return tuple(
        f"segment '{segment.id}': outlines hold the code of its type only, not category, modifier and region."
        for segment in placed.segments
        if segment.category or segment.type_modifier or segment.region
    )


def read_rtstruct(path: Path) -> StructureSet:
    """Read an RT Structure Set.

    Raises
    ------
    InputError
        The file is missing, truncated, no structure set, or an outline is garbled.
    """
    dataset = read_object(path, (RTStructureSetStorage,), "RT Structure Set")
    with understanding(path, "RT Structure Set"):
        return _structure_set(dataset)


def to_segmentation(structures: StructureSet, grid: Grid) -> tuple[Segmentation, tuple[str, ...]]:
    """Fill the outlines on a grid; overlapping structures go to layers of their own.

    Outlines of one structure in one slice are combined by the even-odd rule, so that an inner one is a hole, whether
    it is joined by a keyhole or not.

    Returns
    -------
    Segmentation
    tuple of str
        One line for each structure of which something lies between slices or outside the grid and is left out.
    """
    notes: list[str] = []
    layers: list[NDArray[np.uint16]] = [np.zeros(grid.shape, np.uint16)]
    segments = []
    for value, structure in enumerate(structures.structures, start=1):
        slices, left_out = _filled(structure, grid)
        if left_out:
            notes.append(
                f"structure '{structure.id}': {left_out} of {len(structure.contours)} outlines lie between slices, "
                "outside the images or across their planes, and are left out."
            )
        if structure.points:
            notes.append(f"structure '{structure.id}': has {len(structure.points)} points, which are no voxels.")
        layer = _free_layer(layers, slices)
        for k, mask in slices.items():
            layers[layer][k][mask] = value
        color = structure.color or distinct_color(value - 1)
        segments.append(Segment(structure.id, structure.name, value, layer, color, type=structure.type))
    dtype = smallest_unsigned(len(segments))
    return Segmentation(np.stack(layers).astype(dtype, copy=False), grid, tuple(segments)), tuple(notes)


def _free_layer(layers: list[NDArray[np.uint16]], slices: Mapping[int, BoolArray]) -> int:
    for index, layer in enumerate(layers):
        if not any(layer[k][mask].any() for k, mask in slices.items()):
            return index
    layers.append(np.zeros_like(layers[0]))
    return len(layers) - 1


def _filled(structure: Structure, grid: Grid) -> tuple[dict[int, BoolArray], int]:
    slices: dict[int, BoolArray] = {}
    left_out = 0
    for contour in structure.contours:
        indices = grid.to_index(contour)
        k = int(np.rint(indices[:, 0].mean()))
        if np.abs(indices[:, 0] - k).max() > _BETWEEN_SLICES or not 0 <= k < grid.shape[0] or len(contour) < 3:
            left_out += 1
            continue
        mask = fill(indices[:, 1:], grid.shape[1:])
        slices[k] = slices[k] ^ mask if k in slices else mask
    return slices, left_out


def _header(images: SourceImages, info: ObjectInfo) -> Dataset:
    first = images.first
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = info.uid("instance")
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = info.uid("instance")
    for keyword in _IMAGE_KEYWORDS:
        setattr(dataset, keyword, first.get(keyword))
    dataset.Modality = "RTSTRUCT"
    dataset.SeriesInstanceUID = info.uid("series")
    dataset.SeriesNumber = info.series_number
    dataset.SeriesDescription = long_string(info.description)
    dataset.InstanceNumber = 1
    dataset.OperatorsName = person_name(info.creator)
    add_equipment(dataset)
    dataset.StructureSetLabel = info.label[:16]
    dataset.StructureSetName = long_string(info.description)
    dataset.StructureSetDate = f"{info.when:%Y%m%d}"
    dataset.StructureSetTime = f"{info.when:%H%M%S}"
    dataset.ApprovalStatus = "UNAPPROVED"
    series = Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_reference(header) for header in images.headers]
    study = Dataset()
    study.ReferencedSOPClassUID = _DETACHED_STUDY
    study.ReferencedSOPInstanceUID = first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame_of_reference = Dataset()
    frame_of_reference.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame_of_reference.RTReferencedStudySequence = [study]
    dataset.FrameOfReferenceUID = first.FrameOfReferenceUID
    dataset.PositionReferenceIndicator = first.get("PositionReferenceIndicator") or ""
    dataset.ReferencedFrameOfReferenceSequence = [frame_of_reference]
    return dataset


def _reference(header: Dataset, frame: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame
    return item


def _roi(number: int, segment: Segment, origin: SegmentOrigin, images: SourceImages) -> Dataset:
    item = Dataset()
    item.ROINumber = number
    item.ReferencedFrameOfReferenceUID = images.first.FrameOfReferenceUID
    item.ROIName = long_string(segment.name) or long_string(segment.id)
    item.ROIDescription = segment.id
    manual = origin.algorithm.type is AlgorithmType.MANUAL
    item.ROIGenerationAlgorithm = "MANUAL" if manual else origin.algorithm.type.value
    if origin.algorithm.name:
        item.ROIGenerationDescription = long_string(origin.algorithm.name)
    return item


def _roi_contours(number: int, segment: Segment, placed: Segmentation, frames: Sequence[SourceFrame]) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = number
    item.ROIDisplayColor = [round(255 * part) for part in segment.color]
    mask = placed.mask(segment.id).voxels
    contours: list[Dataset] = []
    for k in np.flatnonzero(mask.any(axis=(1, 2))).tolist():
        for loops in outlines(mask[k]):
            points = keyholed(loops)
            indices = np.column_stack([np.full(len(points), float(k)), points])
            contour = Dataset()
            contour.ContourNumber = len(contours) + 1
            contour.ContourImageSequence = [_reference(frames[k].header, frames[k].number)]
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = _decimal_strings(placed.grid.to_world(indices))
            contours.append(contour)
    if contours:
        item.ContourSequence = contours
    return item


def _decimal_strings(points: NDArray[np.float64]) -> list[str]:
    """Coordinates in mm to a ten-thousandth, which takes less than the 16 characters of a DS."""
    return [f"{number:.4f}" for number in (points.ravel() + 0.0).tolist()]


def _observation(number: int, segment: Segment) -> Dataset:
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = number
    item.RTROIInterpretedType = ""
    item.ROIInterpreter = ""
    if segment.type is not None:
        item.RTROIIdentificationCodeSequence = [code_item(segment.type)]
    return item


def _structure_set(dataset: Dataset) -> StructureSet:
    contours = {int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or []}
    observations = {int(item.ReferencedROINumber): item for item in dataset.get("RTROIObservationsSequence") or []}
    rois = dataset.get("StructureSetROISequence") or []
    ids = [str(item.get("ROIDescription") or "") for item in rois]
    unique = all(ids) and len(set(ids)) == len(ids)
    structures = []
    for ident, roi in zip(ids, rois, strict=True):
        number = int(roi.ROINumber)
        drawn = contours.get(number, Dataset())
        items = drawn.get("ContourSequence") or []
        data = [np.reshape(np.array(item.ContourData, dtype=np.float64), (-1, 3)) for item in items]
        kinds = [str(item.ContourGeometricType) for item in items]
        color = drawn.get("ROIDisplayColor")
        observed = observations.get(number, Dataset())
        structures.append(
            Structure(
                id=ident if unique else f"roi-{number}",
                name=str(roi.get("ROIName") or f"ROI {number}"),
                number=number,
                color=(int(color[0]) / 255, int(color[1]) / 255, int(color[2]) / 255) if color else None,
                type=code_from_items(observed.get("RTROIIdentificationCodeSequence")),
                contours=tuple(d for d, kind in zip(data, kinds, strict=True) if kind.startswith("CLOSED")),
                points=tuple(
                    (float(x), float(y), float(z))
                    for d, kind in zip(data, kinds, strict=True)
                    if kind == "POINT"
                    for x, y, z in d
                ),
            )
        )
    frame = (dataset.get("ReferencedFrameOfReferenceSequence") or [Dataset()])[0]
    study = (frame.get("RTReferencedStudySequence") or [Dataset()])[0]
    series = (study.get("RTReferencedSeriesSequence") or [Dataset()])[0]
    return StructureSet(
        str(dataset.get("StructureSetLabel") or ""),
        tuple(structures),
        str(frame.get("FrameOfReferenceUID") or ""),
        str(series.get("SeriesInstanceUID") or ""),
        str(dataset.SOPInstanceUID),
    )
