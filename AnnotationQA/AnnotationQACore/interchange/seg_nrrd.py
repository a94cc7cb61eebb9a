"""3D Slicer's `.seg.nrrd`: label layers with a name, a colour and codes for every segment.

The layout is that of Slicer 5.12 (vtkMRMLSegmentationStorageNode); files of Slicer since 4.8 are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.labels import distinct_color, smallest_unsigned, to_labels, with_unnamed_labels
from AnnotationQACore.interchange.nrrd import Nrrd, grid_fields, nrrd_grid, read_nrrd, write_nrrd
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import BoolArray, Segment, Segmentation

__all__ = [
    "has_segments",
    "parse_terminology",
    "read_seg_nrrd",
    "terminology_text",
    "to_segmentation",
    "write_seg_nrrd",
]

_CATEGORY_CONTEXT = "Segmentation category and type - DICOM master list"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"
_EMPTY_EXTENT = "0 -1 0 -1 0 -1"


def read_seg_nrrd(path: Path) -> Segmentation:
    """Read a `.seg.nrrd` or plain NRRD label file.

    The grid is that of the voxels in the file, which Slicer may have cropped; where the file tells the geometry of
    the image that was segmented, the segmentation is put back on that.

    Raises
    ------
    InputError
        The file is no readable NRRD, or its segments contradict its voxels.
    """
    return to_segmentation(read_nrrd(path), path)


def has_segments(nrrd: Nrrd) -> bool:
    """Whether the header describes segments, as Slicer's does."""
    return any(re.fullmatch(r"Segment\d+_ID", key) for key in nrrd.keys)


def to_segmentation(nrrd: Nrrd, path: Path) -> Segmentation:
    """Interpret a NRRD file as label layers; raises `InputError`."""
    grid, list_axis = nrrd_grid(nrrd, path)
    if list_axis is not None and not has_segments(nrrd):
        raise InputError(
            f"{path}: has {nrrd.voxels.shape[list_axis]} values a voxel and describes no segments; is it a colour or "
            "vector image?"
        )
    voxels = nrrd.voxels[np.newaxis] if list_axis is None else np.moveaxis(nrrd.voxels, list_axis, 0)
    layers = np.ascontiguousarray(to_labels(voxels, path))
    segments = [_segment(number, nrrd.keys, len(layers), path) for number in _segment_numbers(nrrd.keys)]
    named = with_unnamed_labels(layers, segments, path)
    try:
        segmentation = Segmentation(layers, grid, named)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    reference = _reference_grid(nrrd.keys.get("Segmentation_ConversionParameters", ""))
    return segmentation if reference is None else _placed(segmentation, reference)


def write_seg_nrrd(path: Path, segmentation: Segmentation) -> None:
    """Write what Slicer 5.12 writes: every layer, and ID, name, colour, value and codes of every segment.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    """
    layers = segmentation.layers
    stored = layers.astype(smallest_unsigned(int(layers.max(initial=0))), copy=False)
    if stored.dtype.itemsize == 8:
        raise InputError(f"{path.name}: a label value above 4294967295 is more than Slicer reads; renumber the labels.")
    several = len(stored) > 1
    keys: dict[str, str] = {}
    for number, segment in enumerate(segmentation.segments):
        keys |= _segment_keys(number, segment, stored[segment.layer] == segment.value)
    keys |= {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_ConversionParameters": f"Reference image geometry|{_geometry_text(segmentation.grid)}|&",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    voxels = np.moveaxis(stored, 0, -1) if several else stored[0]
    write_nrrd(path, Nrrd(voxels, grid_fields(segmentation.grid, layers=several), keys))


def terminology_text(segment: Segment) -> str:
    """Codes of a segment in Slicer's serialized form."""
    kinds = (segment.category, segment.type, segment.type_modifier)
    regions = (segment.region, segment.region_modifier)
    parts = [_CATEGORY_CONTEXT, *map(_code_text, kinds), _REGION_CONTEXT, *map(_code_text, regions)]
    return "~".join(parts)


def parse_terminology(text: str) -> dict[str, Code | None]:
    """Codes, by name of the attribute of `Segment`, from Slicer's serialized form."""
    parts = [*text.split("~"), *[""] * 7][:7]
    names = ("category", "type", "type_modifier", "region", "region_modifier")
    return {name: _code(parts[place]) for name, place in zip(names, (1, 2, 3, 5, 6), strict=True)}


def _segment_numbers(keys: Mapping[str, str]) -> list[int]:
    found = (re.fullmatch(r"Segment(\d+)_ID", key) for key in keys)
    return sorted(int(match[1]) for match in found if match)


def _segment(number: int, keys: Mapping[str, str], layer_count: int, path: Path) -> Segment:
    def get(name: str, default: str = "") -> str:
        return keys.get(f"Segment{number}_{name}", default)

    # Before Slicer 4.11 every segment had a component of its own, and its voxels the value 1.
    own_layer = str(number) if layer_count > 1 else "0"
    try:
        value, layer = int(get("LabelValue", "1")), int(get("Layer", own_layer))
        red, green, blue = (float(part) for part in get("Color").split()) if get("Color") else distinct_color(number)
    except ValueError as error:
        raise InputError(f"{path}: segment {number} has a garbled value, layer or colour; save it again.") from error
    tags = dict(tag.split(":", 1) for tag in get("Tags").split("|") if ":" in tag)
    return Segment(
        id=get("ID"),
        name=get("Name") or get("ID"),
        value=value,
        layer=layer,
        color=(red, green, blue),
        **parse_terminology(tags.get("TerminologyEntry", "")),
    )


def _segment_keys(number: int, segment: Segment, voxels: BoolArray) -> dict[str, str]:
    values = {
        "ID": segment.id,
        "Name": segment.name,
        "NameAutoGenerated": "0",
        "Color": " ".join(repr(float(part)) for part in segment.color),
        "ColorAutoGenerated": "0",
        "LabelValue": str(segment.value),
        "Layer": str(segment.layer),
        "Extent": _extent(voxels),
        "Tags": f"TerminologyEntry:{terminology_text(segment)}|",
    }
    return {f"Segment{number}_{name}": value for name, value in values.items()}


def _extent(voxels: BoolArray) -> str:
    """Bounding box as ``i_min i_max j_min j_max k_min k_max``."""
    bounds = []
    for axis in (2, 1, 0):
        others = tuple(other for other in range(3) if other != axis)
        occupied = np.flatnonzero(voxels.any(axis=others))
        if not occupied.size:
            return _EMPTY_EXTENT
        bounds.append(f"{occupied[0]} {occupied[-1]}")
    return " ".join(bounds)


def _geometry_text(grid: Grid) -> str:
    """RAS matrix and extent of an image, as vtkSegmentationConverter serializes them."""
    depth, rows, columns = grid.shape
    extent = (0, columns - 1, 0, rows - 1, 0, depth - 1)
    numbers = [*map(repr, map(float, grid.ras_affine.ravel())), *map(str, extent)]
    return "".join(f"{number};" for number in numbers)


def _reference_grid(parameters: str) -> Grid | None:
    for parameter in parameters.split("&"):
        name, _, rest = parameter.partition("|")
        if name != "Reference image geometry":
            continue
        try:
            numbers = [float(part) for part in rest.split("|")[0].split(";") if part]
            matrix, extent = np.reshape(numbers[:16], (4, 4)), [int(number) for number in numbers[16:]]
            i_min, i_max, j_min, j_max, k_min, k_max = extent
            first = matrix @ (i_min, j_min, k_min, 1.0)
            matrix[:, 3] = first
            return Grid.from_ras_affine((k_max - k_min + 1, j_max - j_min + 1, i_max - i_min + 1), matrix)
        except (ValueError, InputError):
            return None
    return None


def _placed(segmentation: Segmentation, reference: Grid) -> Segmentation:
    """Segmentation on the reference grid, if its own is a part of that; else as it is."""
    start = np.rint(reference.to_index(segmentation.grid.origin)).astype(int)
    stop = start + segmentation.grid.shape
    if (start < 0).any() or (stop > reference.shape).any():
        return segmentation
    region = (slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2]))
    if reference.cropped(region).differences(segmentation.grid):
        return segmentation
    layers = np.zeros((len(segmentation.layers), *reference.shape), segmentation.layers.dtype)
    layers[(slice(None), *region)] = segmentation.layers
    return Segmentation(layers, reference, segmentation.segments)


def _code(text: str) -> Code | None:
    scheme, value, meaning = [*text.split("^"), "", "", ""][:3]
    return Code(scheme, value, meaning) if scheme and value else None


def _code_text(code: Code | None) -> str:
    if code is None:
        return "^^"
    # Slicer has no escape for its separators; the meaning is for people only, scheme and value never hold them.
    meaning = re.sub(r"[~^|]", " ", code.meaning)
    return f"{code.scheme}^{code.value}^{meaning}"
