"""DICOM Segmentation objects (PS3.3 A.51, A.90) as plain data, and their reader.

Binary, fractional and label map segmentations are read, of one or several segments that may overlap, with frames left
out where a segment is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.coded import code_from_items, color_from_cielab
from AnnotationQACore.interchange.dicom_files import read_object, understanding
from AnnotationQACore.interchange.labels import distinct_color, smallest_unsigned
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation, Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = [
    "Algorithm",
    "AlgorithmType",
    "ProbabilityMap",
    "SegmentOrigin",
    "SegmentationObject",
    "SegmentationType",
    "read_dicom_seg",
]

_SEG = "1.2.840.10008.5.1.4.1.1.66.4"
_LABELMAP_SEG = "1.2.840.10008.5.1.4.1.1.66.7"
_HALF = 0.5
_MOST_SLICES = 20_000

FrameArray = NDArray[np.uint8] | NDArray[np.uint16]


class SegmentationType(StrEnum):
    """How voxels are stored (PS3.3 C.8.20.2.3)."""

    BINARY = "BINARY"
    FRACTIONAL = "FRACTIONAL"
    LABELMAP = "LABELMAP"


class AlgorithmType(StrEnum):
    """How a segment was made (PS3.3 C.8.20.2)."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What made a segment; a name is due unless it was made by hand.

    Attributes
    ----------
    type : AlgorithmType
    name, version : str
    family : Code or None
        Of PS3.16 CID 7162 or the like.
    parameters : str
    """

    type: AlgorithmType = AlgorithmType.MANUAL
    name: str = ""
    version: str = ""
    family: Code | None = None
    parameters: str = ""

    def __post_init__(self) -> None:
        if self.type is not AlgorithmType.MANUAL and not self.name:
            raise InputError(f"segment made by an algorithm ({self.type}): the algorithm has no name; give one.")


@dataclass(frozen=True, slots=True)
class SegmentOrigin:
    """Where a segment comes from, which voxels do not tell.

    Attributes
    ----------
    algorithm : Algorithm
    tracking_uid : str
        Identifies the finding across objects; empty when unknown. (The tracking ID is the segment's ID.)
    """

    algorithm: Algorithm = field(default_factory=Algorithm)
    tracking_uid: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationObject:
    """Contents of a DICOM segmentation.

    Attributes
    ----------
    segmentation : Segmentation
        On the grid that the stored frames span, which may be a part of that of the images. Of a fractional object,
        voxels of at least one half.
    type : SegmentationType
    origins : mapping of str to SegmentOrigin
        For each segment, by its ID.
    fractions : array of float32, shape (segment, k, j, i), or None
        Of a fractional object: probability or occupancy in [0, 1].
    series_uid, instance_uid : str
        Of this object.
    frame_of_reference_uid : str
        Empty where there is none.
    source_series_uid : str
        Series of the images that were segmented; empty where it is not told.
    source_uids : tuple of str
        SOP Instance UIDs of the images that the frames refer to, in order of appearance.
    creator, description : str
    """

    segmentation: Segmentation
    type: SegmentationType
    origins: Mapping[str, SegmentOrigin]
    fractions: NDArray[np.float32] | None
    series_uid: str
    instance_uid: str
    frame_of_reference_uid: str
    source_series_uid: str
    source_uids: tuple[str, ...]
    creator: str
    description: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Slice of the grid and segment number of each frame; number 0 in a label map, whose frames hold all segments."""

    k: int
    segment: int


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilityMap:
    """Probability or occupancy of one segment: float voxels in [0, 1], on a grid that may be cropped around it."""

    segment: Segment
    volume: Volume


def read_dicom_seg(path: Path) -> SegmentationObject:
    """Read a DICOM segmentation.

    Frames that lie in sheared order, as on a gantry-tilted series, make a sheared grid.

    Raises
    ------
    InputError
        The file is missing, truncated, no DICOM segmentation, its frames do not lie on a regular grid, or its pixels
        are compressed by a codec that is not installed.
    """
    dataset = read_object(path, (_SEG, _LABELMAP_SEG), "DICOM segmentation")
    if "PixelData" not in dataset:
        raise InputError(f"{path}: has no pixels; the file is truncated, copy it again.")
    with understanding(path, "DICOM segmentation"):
        return _read(dataset, path)


def _read(dataset: Dataset, path: Path) -> SegmentationObject:
    kind = SegmentationType(dataset.SegmentationType)
    grid, places = _geometry(dataset, path)
    described = [item for item in dataset.SegmentSequence if int(item.SegmentNumber) > 0]
    if not described:
        raise InputError(f"{path}: describes no segment; it is damaged.")
    numbers = [int(item.SegmentNumber) for item in described]
    unknown = {place.segment for place in places} - {0, *numbers}
    if unknown:
        raise InputError(f"{path}: has frames of segment {min(unknown)}, which it does not describe; it is damaged.")
    ids = _ids(described)
    frames = _frames(dataset, path, len(places))
    fractions = None
    if kind is SegmentationType.LABELMAP:
        layers, layer_of = _label_layers(frames, places, grid, max(numbers)), dict.fromkeys(numbers, 0)
    else:
        if kind is SegmentationType.FRACTIONAL:
            fractions = _fractions(frames, places, grid, numbers, float(dataset.MaximumFractionalValue))
            frames = _halves(fractions, places, numbers)
        layers, layer_of = _layers(frames, places, grid, numbers)
    segments = tuple(
        _segment(item, ident, layer_of[int(item.SegmentNumber)]) for item, ident in zip(described, ids, strict=True)
    )
    return SegmentationObject(
        segmentation=Segmentation(layers, grid, segments),
        type=kind,
        origins={ident: _origin(item) for item, ident in zip(described, ids, strict=True)},
        fractions=fractions,
        series_uid=str(dataset.SeriesInstanceUID),
        instance_uid=str(dataset.SOPInstanceUID),
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID") or ""),
        source_series_uid=_source_series(dataset),
        source_uids=_source_uids(dataset),
        creator=str(dataset.get("ContentCreatorName") or ""),
        description=str(dataset.get("SeriesDescription") or ""),
    )


def _geometry(dataset: Dataset, path: Path) -> tuple[Grid, list[_Place]]:
    """Grid that the frames span, and where on it each lies."""
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    per_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    count = int(dataset.get("NumberOfFrames", len(per_frame)))
    if len(per_frame) != count:
        raise InputError(f"{path}: describes {len(per_frame)} of its {count} frames; it is damaged.")
    segments = [_segment_number(groups, shared) for groups in per_frame]
    shape = (int(dataset.Rows), int(dataset.Columns))
    positions = [_group(groups, shared, "PlanePositionSequence") for groups in per_frame]
    measures = _group(per_frame[0], shared, "PixelMeasuresSequence")
    if any(item is None for item in positions):
        if len(set(segments)) < len(segments):
            raise InputError(f"{path}: several frames of a segment have no position; they cannot be put in order.")
        spacing = _spacing(measures) if measures is not None else (1.0, 1.0)
        return Grid((1, *shape), (1.0, *spacing)), [_Place(0, number) for number in segments]
    orientations = {tuple(_orientation(groups, shared)) for groups in per_frame}
    points = np.array([[float(x) for x in item.ImagePositionPatient] for item in positions if item is not None])
    if len(np.unique(np.round(list(orientations), 4), axis=0)) > 1 or measures is None:
        raise InputError(f"{path}: its frames are not parallel or have no pixel spacing; it cannot be one volume.")
    orientation = np.array(next(iter(orientations)))
    step, ks = _slices(points, orientation, measures, path)
    affine = np.eye(4)
    row_spacing, column_spacing = _spacing(measures)
    affine[:3, 0] = step
    affine[:3, 1] = orientation[3:] / np.linalg.norm(orientation[3:]) * row_spacing
    affine[:3, 2] = orientation[:3] / np.linalg.norm(orientation[:3]) * column_spacing
    affine[:3, 3] = points[int(np.argmin(ks))]
    grid = Grid.from_affine((int(ks.max()) + 1, *shape), affine)
    return grid, [_Place(int(k), number) for k, number in zip(ks, segments, strict=True)]


def _slices(
    points: NDArray[np.float64], orientation: NDArray[np.float64], measures: Dataset, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Vector from slice to slice in mm, and the slice of each frame, ascending along the normal."""
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    offsets = points @ normal
    distinct = np.unique(np.round(offsets - offsets.min(), 3))
    told = float(measures.get("SpacingBetweenSlices") or 0.0)
    gaps = np.diff(distinct)
    gaps = gaps[gaps > 5e-3]
    if not gaps.size:
        thickness = float(measures.get("SliceThickness") or 0.0)
        return normal * (abs(told) or thickness or 1.0), np.zeros(len(points), int)
    smallest = float(gaps.min())
    # Slices without voxels are left out, so the gaps are multiples of the spacing; a spacing that is told wins.
    distance = abs(told) if told and abs(smallest / abs(told) - round(smallest / abs(told))) < 0.02 else smallest
    ks = np.rint((offsets - offsets.min()) / distance).astype(int)
    lowest, highest = int(np.argmin(ks)), int(np.argmax(ks))
    step: NDArray[np.float64] = (points[highest] - points[lowest]) / ks[highest]
    if ks[highest] > _MOST_SLICES:
        raise InputError(f"{path}: its frames are {ks[highest]} slices apart; a position is garbled, it is damaged.")
    deviation = np.linalg.norm(points - points[lowest] - ks[:, np.newaxis] * step, axis=1)
    if deviation.max() > 0.05 * distance:
        raise InputError(f"{path}: its frames are not evenly spaced; it cannot be one regular volume.")
    return step, ks


def _segment_number(groups: Dataset, shared: Dataset) -> int:
    item = _group(groups, shared, "SegmentIdentificationSequence")
    return 0 if item is None else int(item.ReferencedSegmentNumber)


def _group(groups: Dataset, shared: Dataset, keyword: str) -> Dataset | None:
    items = groups.get(keyword) or shared.get(keyword)
    return items[0] if items else None


def _orientation(groups: Dataset, shared: Dataset) -> list[float]:
    item = _group(groups, shared, "PlaneOrientationSequence")
    if item is None:
        raise ValueError("PlaneOrientationSequence")
    return [float(x) for x in item.ImageOrientationPatient]


def _spacing(measures: Dataset) -> tuple[float, float]:
    rows, columns = (float(x) for x in measures.PixelSpacing)
    return rows, columns


def _frames(dataset: Dataset, path: Path, count: int) -> Iterator[FrameArray]:
    """Stored frames, shape (rows, columns), one after the other."""
    rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        from pydicom.pixels import iter_pixels  # pydicom is loaded with the first DICOM file

        try:
            yield from iter_pixels(dataset, raw=True)
        except (RuntimeError, NotImplementedError) as error:
            name = dataset.file_meta.TransferSyntaxUID.name
            raise InputError(f"{path}: its frames are compressed as {name}, which cannot be decoded here.") from error
        return
    size = rows * columns
    data = memoryview(dataset.PixelData)
    if len(data) * 8 < count * size * bits:
        raise InputError(f"{path}: ends before its last frame; the file is truncated, copy it again.")
    for number in range(count):
        start = number * size * bits
        if bits > 1:
            part = np.frombuffer(data, "<u2" if bits == 16 else np.uint8, size, start // 8)
        else:
            packed = np.frombuffer(data[start // 8 : -(-(start + size) // 8)], np.uint8)
            part = np.unpackbits(packed, bitorder="little")[start % 8 : start % 8 + size]
        yield part.reshape(rows, columns)


def _label_layers(frames: Iterator[FrameArray], places: Sequence[_Place], grid: Grid, maximum: int) -> LabelArray:
    layers = np.zeros((1, *grid.shape), smallest_unsigned(maximum))
    for place, frame in zip(places, frames, strict=True):
        layers[0, place.k] = frame
    return layers


def _layers(
    frames: Iterator[FrameArray], places: Sequence[_Place], grid: Grid, numbers: Sequence[int]
) -> tuple[LabelArray, dict[int, int]]:
    """Label layers, as few as hold every segment whole, and the layer of each segment."""
    dtype = smallest_unsigned(max(numbers))
    layers: list[LabelArray] = [np.zeros(grid.shape, dtype)]
    layer_of = dict.fromkeys(numbers, 0)
    for number, slices in _by_segment(frames, places):
        free = [index for index, layer in enumerate(layers) if not any(layer[k][mask].any() for k, mask in slices)]
        if not free:
            free = [len(layers)]
            layers.append(np.zeros(grid.shape, dtype))
        index, layer = free[0], layers[free[0]]
        layer_of[number] = index
        for k, mask in slices:
            layer[k][mask] = number
    return np.stack(layers) if len(layers) > 1 else layers[0][np.newaxis], layer_of


def _by_segment(
    frames: Iterator[FrameArray], places: Sequence[_Place]
) -> Iterator[tuple[int, list[tuple[int, NDArray[np.bool_]]]]]:
    """Frames of one segment after the other; nearly all writers store them in this order, so few are kept waiting."""
    remaining = {number: sum(place.segment == number for place in places) for number in {p.segment for p in places}}
    waiting: dict[int, list[tuple[int, NDArray[np.bool_]]]] = {}
    for place, frame in zip(places, frames, strict=True):
        waiting.setdefault(place.segment, []).append((place.k, frame.astype(bool)))
        remaining[place.segment] -= 1
        if not remaining[place.segment]:
            yield place.segment, waiting.pop(place.segment)


def _fractions(
    frames: Iterator[FrameArray], places: Sequence[_Place], grid: Grid, numbers: Sequence[int], maximum: float
) -> NDArray[np.float32]:
    fractions = np.zeros((len(numbers), *grid.shape), np.float32)
    for place, frame in zip(places, frames, strict=True):
        fractions[numbers.index(place.segment), place.k] = frame / np.float32(maximum)
    return fractions


def _halves(
    fractions: NDArray[np.float32], places: Sequence[_Place], numbers: Sequence[int]
) -> Iterator[NDArray[np.uint8]]:
    for place in places:
        yield (fractions[numbers.index(place.segment), place.k] >= _HALF).astype(np.uint8)


def _ids(described: Sequence[Dataset]) -> list[str]:
    """Tracking IDs where every segment has one of its own, else numbers."""
    tracking = [str(item.get("TrackingID") or "") for item in described]
    if all(tracking) and len(set(tracking)) == len(tracking):
        return tracking
    return [f"segment-{int(item.SegmentNumber)}" for item in described]


def _segment(item: Dataset, ident: str, layer: int) -> Segment:
    kind = (item.get("SegmentedPropertyTypeCodeSequence") or [{}])[0]
    region = (item.get("AnatomicRegionSequence") or [{}])[0]
    number = int(item.SegmentNumber)
    lab = item.get("RecommendedDisplayCIELabValue")
    return Segment(
        id=ident,
        name=str(item.get("SegmentLabel") or ident),
        value=number,
        layer=layer,
        color=color_from_cielab(lab) if lab else distinct_color(number - 1),
        category=code_from_items(item.get("SegmentedPropertyCategoryCodeSequence")),
        type=code_from_items(item.get("SegmentedPropertyTypeCodeSequence")),
        type_modifier=code_from_items(kind.get("SegmentedPropertyTypeModifierCodeSequence")),
        region=code_from_items(item.get("AnatomicRegionSequence")),
        region_modifier=code_from_items(region.get("AnatomicRegionModifierSequence")),
    )


def _origin(item: Dataset) -> SegmentOrigin:
    kind = AlgorithmType(item.get("SegmentAlgorithmType") or AlgorithmType.MANUAL)
    identified = (item.get("SegmentationAlgorithmIdentificationSequence") or [{}])[0]
    name = str(identified.get("AlgorithmName") or item.get("SegmentAlgorithmName") or "")
    return SegmentOrigin(
        Algorithm(
            kind,
            name or ("" if kind is AlgorithmType.MANUAL else "unknown"),
            str(identified.get("AlgorithmVersion") or ""),
            code_from_items(identified.get("AlgorithmFamilyCodeSequence")),
            str(identified.get("AlgorithmParameters") or ""),
        ),
        str(item.get("TrackingUID") or ""),
    )


def _source_series(dataset: Dataset) -> str:
    items = dataset.get("ReferencedSeriesSequence") or []
    return str(items[0].get("SeriesInstanceUID") or "") if items else ""


def _source_uids(dataset: Dataset) -> tuple[str, ...]:
    uids = {
        str(source.ReferencedSOPInstanceUID): None
        for groups in dataset.PerFrameFunctionalGroupsSequence
        for derivation in groups.get("DerivationImageSequence") or []
        for source in derivation.get("SourceImageSequence") or []
    }
    return tuple(uids)
