"""Writers of DICOM Segmentation objects, by highdicom.

Binary segmentations are written one label array a pass, which is several times faster in highdicom than one array for
each segment; segments that overlap take one pass for each layer, whose frames are then joined in one object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
from highdicom.content import AlgorithmIdentificationSequence, PixelMeasuresSequence
from highdicom.seg import SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.coded import UNCODED, code_item, color_to_cielab, long_string
from AnnotationQACore.interchange.derived import ObjectInfo, equipment, person_name, quiet_highdicom, write_dicom
from AnnotationQACore.interchange.dicom_seg import AlgorithmType, ProbabilityMap, SegmentationType, SegmentOrigin
from AnnotationQACore.interchange.labels import label_map, overlapping_segments, smallest_unsigned
from AnnotationQACore.interchange.placement import Region, bounding_region, placed_on, rectified
from AnnotationQACore.interchange.sources import SourceImages, read_sources
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation

__all__ = ["write_dicom_seg", "write_fractional_segs"]

_MANUAL_PROCESSING = Code("DCM", "123109", "Manual Processing")
_AUTOMATIC_FAMILY = Code("DCM", "123110", "Artificial Intelligence")
_MAXIMUM_FRACTION = 255
_NOTHING: Mapping[str, SegmentOrigin] = {}


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Voxels to write: frames along the first axis, where they lie, and the images they are derived from."""

    voxels: NDArray[Any]
    grid: Grid | None
    headers: tuple[Dataset, ...]
    aligned: bool = False
    """Whether the frames are those of `headers`, one by one."""


def write_dicom_seg(
    path: Path,
    segmentation: Segmentation,
    sources: Sequence[Path | Dataset] | SourceImages,
    info: ObjectInfo,
    kind: SegmentationType = SegmentationType.BINARY,
    origins: Mapping[str, SegmentOrigin] = _NOTHING,
) -> tuple[str, ...]:
    """Write a segmentation of the images `sources`, whole or not at all.

    A segmentation of a gantry-tilted series is written on a rectified grid (`placement.rectified`), because readers
    take frames for a straight stack.

    Parameters
    ----------
    path : Path
    segmentation : Segmentation
        In the frame of reference of the images; best on their grid.
    sources : sequence of Path or Dataset
        All images of the series that was labeled, in any order.
    info : ObjectInfo
    kind : SegmentationType
        BINARY, which every reader takes, or LABELMAP.
    origins : mapping of str to SegmentOrigin, optional
        For segments by ID; a segment that is not named counts as drawn by hand.

    Returns
    -------
    tuple of str
        One line for each thing that the object cannot hold as it was, such as a tilt or a missing code.

    Raises
    ------
    InputError
        There is nothing to write, the segments overlap and `kind` is LABELMAP, or the images cannot be used.
    DestinationError
        The folder cannot be written to.
    """
    if not segmentation.segments:
        raise InputError(f"{path.name}: the segmentation has no segments; nothing is written.")
    if kind is SegmentationType.FRACTIONAL:
        raise InputError(f"{path.name}: a fractional object is made of probabilities; use write_fractional_segs.")
    images = sources if isinstance(sources, SourceImages) else read_sources(sources)
    notes = list(_code_notes(segmentation.segments))
    if overlapping_segments(segmentation):
        if kind is SegmentationType.LABELMAP:
            label_map(segmentation, path.name)  # raises, and names the segments
        numbered = _numbered(segmentation)
    else:
        labels = _numbered_labels(segmentation)
        numbered = Segmentation(labels[np.newaxis], segmentation.grid, _renumbered(segmentation.segments, 0))
    part, more_notes = _part(numbered, images)
    notes += more_notes
    layers = [layer for layer in part.voxels if layer.any()] or [part.voxels[0]]
    passes = [
        _segmentation(images, replace(part, voxels=layer), segmentation.segments, info, kind, origins)
        for layer in layers
    ]
    write_dicom(path, _joined(passes))
    return tuple(notes)


def write_fractional_segs(
    path: Path,
    maps: Sequence[ProbabilityMap],
    sources: Sequence[Path | Dataset] | SourceImages,
    info: ObjectInfo,
    origins: Mapping[str, SegmentOrigin] = _NOTHING,
    occupancy: bool = False,
    memory_limit: int = 512 * 1024 * 1024,
) -> tuple[Path, ...]:
    """Write probabilities, in steps of 1/255, on the smallest grid that holds all that are above zero.

    Where one object would need more than `memory_limit` bytes, each segment gets an object of its own, and its number
    is put into the name: ``consensus.dcm`` becomes ``consensus-1.dcm``.

    Parameters
    ----------
    path : Path
    maps : sequence of ProbabilityMap
        On parts of one lattice.
    sources, info, origins
        As for `write_dicom_seg`.
    occupancy : bool
        Whether the values are occupancies instead of probabilities.
    memory_limit : int
        Bytes.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    InputError
        There is nothing to write, a value is outside [0, 1], the grid is sheared, the maps do not lie on one lattice,
        or the images cannot be used.
    DestinationError
        The folder cannot be written to.
    """
    if not maps:
        raise InputError(f"{path.name}: there are no probability maps; nothing is written.")
    images = sources if isinstance(sources, SourceImages) else read_sources(sources)
    for one in maps:
        values = one.volume.voxels
        if values.dtype.kind != "f" or not (np.min(values) >= 0 and np.max(values) <= 1):
            raise InputError(f"{path.name}: segment '{one.segment.id}' has values outside [0, 1]; give probabilities.")
        if one.volume.grid.is_sheared:
            raise InputError(f"{path.name}: the grid is sheared (gantry tilt), which fractional objects cannot hold.")
    grid, regions = _union(maps)
    size = int(np.prod(grid.shape)) * len(maps) * 5  # float32 in, one byte out
    if size <= memory_limit or len(maps) == 1:
        groups = [(path, list(range(len(maps))), info)]
    else:
        groups = [
            (path.with_name(f"{path.stem}-{n + 1}{path.suffix}"), [n], _numbered_info(info, n + 1))
            for n in range(len(maps))
        ]
    for target, members, own_info in groups:
        chosen = [maps[n] for n in members]
        own_grid, own_regions = (grid, regions) if len(members) == len(maps) else _union(chosen)
        stack = np.zeros((*own_grid.shape, len(chosen)), np.float32)
        for n, (one, (start, part)) in enumerate(zip(chosen, own_regions, strict=True)):
            if part is None:
                continue
            k, j, i = (slice(a, a + s.stop - s.start) for a, s in zip(start, part, strict=True))
            stack[k, j, i, n] = one.volume.voxels[part]
        write_dicom(
            target,
            _segmentation(
                images,
                _Part(stack, own_grid, images.headers),
                [one.segment for one in chosen],
                own_info,
                SegmentationType.FRACTIONAL,
                origins,
                fractional_type="OCCUPANCY" if occupancy else "PROBABILITY",
            ),
        )
    return tuple(target for target, _, _ in groups)


def _numbered_info(info: ObjectInfo, number: int) -> ObjectInfo:
    return replace(info, key=f"{info.key}/{number}" if info.key else "")


def _union(maps: Sequence[ProbabilityMap]) -> tuple[Grid, list[tuple[tuple[int, int, int], Region | None]]]:
    """Grid around all values above zero; for each map where in it which part of its voxels begins."""
    lattice = maps[0].volume.grid
    bounds = []
    for one in maps:
        grid = one.volume.grid
        start = np.rint(lattice.to_index(grid.origin)).astype(int)
        expected = Grid(grid.shape, lattice.spacing, tuple(lattice.to_world(start).tolist()), lattice.directions)
        if grid.differences(expected, 1e-2):
            raise GridMismatch(f"segment '{one.segment.id}' lies on another grid than the first; resample it.")
        region = bounding_region(one.volume.voxels)
        bounds.append((start, region))
    found = [
        (start + [s.start for s in region], start + [s.stop for s in region])
        for start, region in bounds
        if region is not None
    ]
    low = np.min([a for a, _ in found], axis=0) if found else np.zeros(3, int)
    high = np.max([b for _, b in found], axis=0) if found else np.ones(3, int)
    shape = tuple(int(size) for size in high - low)
    grid = Grid(
        (shape[0], shape[1], shape[2]), lattice.spacing, tuple(lattice.to_world(low).tolist()), lattice.directions
    )
    places = []
    for start, region in bounds:
        first = (
            (0, 0, 0)
            if region is None
            else tuple(int(a + s.start - b) for a, s, b in zip(start, region, low, strict=True))
        )
        places.append(((first[0], first[1], first[2]), region))
    return grid, places


def _numbered_labels(segmentation: Segmentation) -> LabelArray:
    """One label array, shape (k, j, i), whose values are the positions of the segments in their list, from 1."""
    result = np.zeros(segmentation.grid.shape, smallest_unsigned(len(segmentation.segments)))
    for layer, labels in enumerate(segmentation.layers):
        table = _number_table(segmentation, layer, result.dtype)
        if len(segmentation.layers) == 1:
            result = table[labels]
            break
        np.maximum(result, table[labels], out=result)
    return result


def _numbered(segmentation: Segmentation) -> Segmentation:
    """The same layers, the values being the positions of the segments in their list, from 1."""
    dtype = smallest_unsigned(len(segmentation.segments))
    layers = np.zeros(segmentation.layers.shape, dtype)
    for layer, labels in enumerate(segmentation.layers):
        layers[layer] = _number_table(segmentation, layer, dtype)[labels]
    return Segmentation(layers, segmentation.grid, _renumbered(segmentation.segments, None))


def _number_table(segmentation: Segmentation, layer: int, dtype: Any) -> LabelArray:
    table = np.zeros(int(segmentation.layers[layer].max(initial=0)) + 1, dtype)
    for number, segment in enumerate(segmentation.segments, start=1):
        if segment.layer == layer and segment.value < len(table):
            table[segment.value] = number
    return table


def _renumbered(segments: Sequence[Segment], layer: int | None) -> tuple[Segment, ...]:
    return tuple(
        replace(segment, value=number, layer=segment.layer if layer is None else layer)
        for number, segment in enumerate(segments, start=1)
    )


def _part(segmentation: Segmentation, images: SourceImages) -> tuple[_Part, list[str]]:
    """Layers to write, shape (layer, frame, row, column), and what had to be changed."""
    notes: list[str] = []
    if not images.frames:
        rows, columns = int(images.first.Rows), int(images.first.Columns)
        if len(images.headers) > 1 or segmentation.grid.shape != (1, rows, columns):
            raise GridMismatch(
                "segmentation and image: images without patient geometry take a segmentation of one slice of the same "
                "size; give the one image that was labeled."
            )
        return _Part(segmentation.layers, None, images.headers), notes
    if segmentation.grid.is_sheared:
        notes.append(
            "the series is gantry-tilted: written on a rectified grid, every slice in its plane and moved within it by "
            "less than one voxel."
        )
        segmentation = rectified(segmentation)
    elif images.grid is not None:
        try:
            segmentation = placed_on(segmentation, images.grid)
        except GridMismatch:
            notes.append(
                "the segmentation does not lie on the grid of the images: its frames have a grid of their own."
            )
    region = bounding_region(segmentation.layers)
    slices = slice(0, 1) if region is None else region[0]
    rows, columns = segmentation.grid.shape[1:]
    grid = segmentation.grid.cropped((slices, slice(0, rows), slice(0, columns)))
    layers = segmentation.layers[:, slices]
    on_images = images.grid is not None and not segmentation.grid.differences(images.grid)
    if on_images and len(images.headers) == len(images.frames):
        headers = tuple(frame.header for frame in images.frames[slices])
        return _Part(layers, grid, headers, aligned=True), notes
    return _Part(layers, grid, images.headers), notes


def _segmentation(
    images: SourceImages,
    part: _Part,
    segments: Sequence[Segment],
    info: ObjectInfo,
    kind: SegmentationType,
    origins: Mapping[str, SegmentOrigin],
    fractional_type: str = "PROBABILITY",
) -> Dataset:
    geometry: dict[str, Any] = {}
    voxels: Any = part.voxels
    headers = part.headers
    if part.grid is None:
        headers = (_without_frame_of_reference(images.first),)
    else:
        frame_of_reference = images.first.get("FrameOfReferenceUID")
        if not frame_of_reference:
            raise InputError("source images: they have no FrameOfReferenceUID; correct the files.")
        if part.aligned:
            geometry["pixel_measures"] = _measures(part.grid, images.first)
        else:
            voxels = highdicom.Volume(
                voxels,
                part.grid.affine,
                coordinate_system="PATIENT",
                frame_of_reference_uid=frame_of_reference,
                **({"channels": {"SegmentNumber": list(range(1, len(segments) + 1))}} if voxels.ndim == 4 else {}),
            )
    with quiet_highdicom("segmentation"):
        result = highdicom.seg.Segmentation(
            source_images=headers,
            pixel_array=voxels,
            segmentation_type=kind.value,
            segment_descriptions=[
                _description(number, segment, origins.get(segment.id, SegmentOrigin()), info)
                for number, segment in enumerate(segments, start=1)
            ],
            series_instance_uid=info.uid("series"),
            series_number=info.series_number,
            sop_instance_uid=info.uid("instance"),
            instance_number=1,
            **equipment(),
            fractional_type=fractional_type,
            max_fractional_value=_MAXIMUM_FRACTION,
            content_description=long_string(info.description),
            content_creator_name=person_name(info.creator) or None,
            content_label=info.label,
            series_description=long_string(info.description),
            content_date=info.when.date(),
            content_time=info.when.time(),
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **geometry,
        )
    if part.grid is None:
        result.PatientOrientation = images.first.get("PatientOrientation") or ""
    else:  # highdicom makes the spacing 1 mm when there is one frame only
        measures = result.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.SpacingBetweenSlices = format_number_as_ds(part.grid.spacing[0])
    return result


def _measures(grid: Grid, header: Dataset) -> PixelMeasuresSequence:
    thickness = float(header.get("SliceThickness") or 0.0)
    return PixelMeasuresSequence(
        pixel_spacing=grid.spacing[1:],
        slice_thickness=thickness if thickness > 0 else grid.spacing[0],
        spacing_between_slices=grid.spacing[0],
    )


def _without_frame_of_reference(header: Dataset) -> Dataset:
    """Header of an image without patient geometry, in which some devices give a frame of reference all the same."""
    result = Dataset()
    result.update(header)
    result.pop("FrameOfReferenceUID", None)
    return result


def _description(number: int, segment: Segment, origin: SegmentOrigin, info: ObjectInfo) -> SegmentDescription:
    algorithm = origin.algorithm
    identification = None
    if algorithm.name:
        by_hand = algorithm.type is AlgorithmType.MANUAL
        family = algorithm.family or (_MANUAL_PROCESSING if by_hand else _AUTOMATIC_FAMILY)
        identification = AlgorithmIdentificationSequence(
            name=long_string(algorithm.name),
            family=code_item(family),
            version=long_string(algorithm.version) or "unknown",
        )
        if algorithm.parameters:
            identification[0].AlgorithmParameters = algorithm.parameters
    item = SegmentDescription(
        segment_number=number,
        segment_label=long_string(segment.name) or long_string(segment.id),
        segmented_property_category=code_item(segment.category or UNCODED),
        segmented_property_type=code_item(segment.type or UNCODED),
        algorithm_type=algorithm.type.value,
        algorithm_identification=identification,
        tracking_uid=origin.tracking_uid or info.uid(f"tracking {segment.id}"),
        tracking_id=segment.id,
        anatomic_regions=[code_item(segment.region)] if segment.region else None,
        display_color=color_to_cielab(segment.color),
    )
    if segment.type_modifier:
        kind = item.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [code_item(segment.type_modifier)]
    if segment.region and segment.region_modifier:
        item.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [code_item(segment.region_modifier)]
    return item


def _code_notes(segments: Sequence[Segment]) -> list[str]:
    notes = [
        f"segment '{segment.id}' has no code for what it is: written as {UNCODED}."
        for segment in segments
        if segment.type is None or segment.category is None
    ]
    return notes + [
        f"segment '{segment.id}': its name is written as '{written}', as DICOM allows."
        for segment in segments
        if (written := long_string(segment.name) or long_string(segment.id)) != segment.name
    ]


def _joined(passes: Sequence[Dataset]) -> Dataset:
    """One object of several that describe the same segments and hold frames of different ones."""
    first = passes[0]
    if len(passes) == 1:
        return first
    frames = [groups for one in passes for groups in one.PerFrameFunctionalGroupsSequence]
    first.PixelData = _joined_bits(passes)
    first.NumberOfFrames = len(frames)
    first.SegmentsOverlap = "YES"
    first.PerFrameFunctionalGroupsSequence = frames
    if frames[0].get("PlanePositionSequence"):
        orientation = [
            float(x) for x in first.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0][0x00200037]
        ]
        normal = np.cross(orientation[:3], orientation[3:])
        positions = [groups.PlanePositionSequence[0].ImagePositionPatient for groups in frames]
        offsets = np.round(np.array([[float(x) for x in position] for position in positions]) @ normal, 4)
        _, ranks = np.unique(offsets, return_inverse=True)
        for groups, rank in zip(frames, ranks, strict=True):
            content = groups.FrameContentSequence[0]
            content.DimensionIndexValues = [content.DimensionIndexValues[0], int(rank) + 1]
    return first


def _joined_bits(passes: Sequence[Dataset]) -> bytes:
    size = int(passes[0].Rows) * int(passes[0].Columns)
    used = [int(one.NumberOfFrames) * size for one in passes]
    if size % 8 == 0:
        data = b"".join(one.PixelData[: count // 8] for one, count in zip(passes, used, strict=True))
    else:
        bits = [
            np.unpackbits(np.frombuffer(one.PixelData, np.uint8), bitorder="little")[:count]
            for one, count in zip(passes, used, strict=True)
        ]
        data = np.packbits(np.concatenate(bits), bitorder="little").tobytes()
    return data + b"\0" * (len(data) % 2)
