"""One case made ready for a format of arrays: images and labels turned, cropped, resampled, clipped and relabelled.

The order is fixed: turn (no interpolation), crop, resample, then intensities. All images and labels of a case come out
on one grid, that of the first exported series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.labels import smallest_unsigned
from AnnotationQACore.interchange.placement import bounding_region, placed_on
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporting import ReadingKind, ReleaseCase, ReleaseImage, ReleaseReading
from AnnotationQACore.release.label_table import LabelTable, instance_maps, label_layers
from AnnotationQACore.release.lattice import Turn, resample_image, resample_labels, resampled_grid
from AnnotationQACore.release.options import Crop, ExportOptions, Intensity
from AnnotationQACore.segmentation import BoolArray, LabelArray, Segmentation, Volume

__all__ = ["Form", "PreparedCase", "PreparedReading", "chosen_roles", "prepare_case", "volume_problem"]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Form:
    """What a format holds.

    Attributes
    ----------
    layered : bool
        Whether label images have a layer for each label.
    instances : bool
        Whether there are images of instances.
    segments : bool
        Whether every segment is wanted by itself.
    """

    layered: bool = False
    instances: bool = False
    segments: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PreparedReading:
    """The voxels of one reading on the grid of the prepared images.

    Attributes
    ----------
    reading : ReleaseReading
    layers : integer array, shape (layer, k, j, i), or None
        Label values; one layer, or one for each label of the table. None for a probability map.
    instances : mapping of item ID to integer array, shape (k, j, i)
        Of items with instances, each by its number in the reading; 0 elsewhere.
    probabilities : mapping of label ID to float array, shape (k, j, i)
        Of a probability map: fraction of the readers who marked a voxel.
    segments : mapping of segment ID to bool array, shape (k, j, i)
        Of the items that are released, where a format asks for them.
    """

    reading: ReleaseReading
    layers: LabelArray | None
    instances: Mapping[str, LabelArray] = field(default_factory=dict)
    probabilities: Mapping[str, FloatArray] = field(default_factory=dict)
    segments: Mapping[str, BoolArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """A case ready to be written.

    Attributes
    ----------
    case : ReleaseCase
    grid : Grid
        Of all that follows.
    images : mapping of role to array, shape (k, j, i)
        In the order of the roles; int16 or another integer type as long as nothing normalizes, else float32.
    readings : tuple of PreparedReading
    """

    case: ReleaseCase
    grid: Grid
    images: Mapping[str, NDArray[Any]]
    readings: tuple[PreparedReading, ...]


def chosen_roles(case: ReleaseCase, protocol: Protocol, options: ExportOptions) -> tuple[str, ...]:
    """Roles whose images are exported, the one whose grid counts first."""
    present = [image.role for image in case.images]
    roles = list(options.series) or present
    reference = protocol.imaging.reference_series
    if not options.series and reference in roles:
        roles.remove(reference)
        roles.insert(0, reference)
    return tuple(roles)


def volume_problem(case: ReleaseCase, role: str) -> str:
    """Why a series is no 3D volume of single values, with the remedy; empty when it is one."""
    image = case.image(role)
    where = f"case {case.id}: series '{role}'"
    if image is None:
        return f"{where} is not at hand; give its images, or choose others (series)."
    facts = image.facts
    elsewhere = "choose another series (series), or the format png, coco, dicom or tables"
    if facts.color:
        return f"{where} is in colour, which a 3D volume of single values cannot hold; {elsewhere}."
    if facts.volumes > 1:
        return f"{where} has {facts.volumes} volumes (4D), and the format holds 3D images; {elsewhere}."
    if facts.geometry == "none":
        return f"{where} has images without place in the patient (2D), and the format holds 3D images; {elsewhere}."
    if facts.geometry == "irregular":
        return f"{where} has slices at uneven distances, which are no one volume; {elsewhere}."
    return ""


def prepare_case(
    case: ReleaseCase, protocol: Protocol, options: ExportOptions, table: LabelTable, form: Form
) -> PreparedCase:
    """Read a case and prepare it.

    Parameters
    ----------
    case : ReleaseCase
    protocol : Protocol
    options : ExportOptions
    table : LabelTable
    form : Form

    Raises
    ------
    InputError
        An image or reading cannot be read, a series is no 3D volume, or labels share voxels and there are no layers.
    GridMismatch
        A reading was drawn on another lattice and there is no resampling.
    """
    roles = chosen_roles(case, protocol, options)
    if not roles:
        raise InputError(f"case {case.id}: has no images at hand; give them, or export tables.")
    volumes = {role: _volume(case, role) for role in roles}
    base = volumes[roles[0]]
    turn = Turn(base.grid, options.orientation)
    drawn = {reading.name: _drawn(case, reading, base.grid, options) for reading in case.readings}
    region = _region(options.crop, turn, base, [one for several in drawn.values() for one in several])
    cropped = turn.grid.cropped(region)
    target = resampled_grid(cropped, options.resampling) if options.resampling is not None else cropped
    images = {role: _image(volumes[role], target, options, role) for role in roles}
    readings = tuple(
        _reading(case, reading, drawn[reading.name], target, options, table, form) for reading in case.readings
    )
    return PreparedCase(case, target, images, readings)


def _volume(case: ReleaseCase, role: str) -> Volume:
    image = case.image(role)
    problem = volume_problem(case, role)
    if image is None or problem:
        raise InputError(problem)
    return _opened(case, image)


def _opened(case: ReleaseCase, image: ReleaseImage) -> Volume:
    try:
        return image.open().volume(0)
    except InputError as error:
        raise InputError(f"case {case.id}: series '{image.role}': {error}") from error


def _drawn(case: ReleaseCase, reading: ReleaseReading, grid: Grid, options: ExportOptions) -> tuple[Segmentation, ...]:
    """Segmentations of a reading, or of all that make a probability map; on the image's grid if nothing resamples."""
    if reading.kind is ReadingKind.PROBABILITY:
        found = tuple(read_segmentation(path) for path in reading.sources)
    else:
        one = reading.segmentation()
        found = () if one is None else (one,)
    if options.resampling is not None:
        return found
    try:
        return tuple(placed_on(one, grid) for one in found)
    except GridMismatch as error:
        raise GridMismatch(
            f"case {case.id}: reading '{reading.name}' lies on another grid than the exported image "
            f"({str(error).split(';')[0]}); choose the series on which it was drawn, or give a resampling."
        ) from error


def _region(crop: Crop | None, turn: Turn, base: Volume, drawn: Sequence[Segmentation]) -> tuple[slice, slice, slice]:
    """The part of the turned image that is exported."""
    whole = tuple(slice(0, size) for size in turn.grid.shape)
    if crop is None:
        return whole[0], whole[1], whole[2]
    if crop.to == "foreground":
        found = bounding_region(turn.apply(np.greater(base.voxels, crop.threshold)))
        corners = [] if found is None else [turn.grid.to_world(_corners(found))]
    else:
        regions = [(one.grid, bounding_region(one.layers)) for one in drawn]
        corners = [grid.to_world(_corners(region)) for grid, region in regions if region is not None]
    if not corners:
        return whole[0], whole[1], whole[2]
    indices = turn.grid.to_index(np.concatenate(corners))
    margin = crop.margin_mm / np.array(turn.grid.spacing)
    low = np.clip(np.floor(indices.min(axis=0) - margin + 1e-6), 0, np.array(turn.grid.shape) - 1)
    high = np.clip(np.ceil(indices.max(axis=0) + margin - 1e-6), low, np.array(turn.grid.shape) - 1)
    k, j, i = (slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
    return k, j, i


def _corners(region: tuple[slice, slice, slice]) -> NDArray[np.float64]:
    edges = [(part.start, part.stop - 1) for part in region]
    return np.array(np.meshgrid(*edges, indexing="ij"), dtype=np.float64).reshape(3, -1).T


def _onto(voxels: NDArray[Any], grid: Grid, target: Grid) -> NDArray[Any] | None:
    """The voxels of the target where it is a part of the lattice, axes turned or not; None when it is not."""
    placed = _exact_indices(grid, target)
    if placed is None:
        return None
    order, region, flips = placed
    lead = voxels.ndim - 3
    turned = voxels.transpose(*range(lead), *(axis + lead for axis in order))
    turned = np.flip(turned, tuple(axis + lead for axis in flips))
    return np.ascontiguousarray(turned[(*([slice(None)] * lead), *region)])


def _exact_indices(grid: Grid, target: Grid) -> tuple[tuple[int, ...], tuple[slice, ...], tuple[int, ...]] | None:
    mapping = np.linalg.inv(grid.affine) @ target.affine
    steps = np.rint(mapping[:3, :3])
    start = np.rint(mapping[:3, 3])
    reach = np.array(target.shape) - 1
    drift = np.abs(mapping[:3, :3] - steps) @ reach + np.abs(mapping[:3, 3] - start)
    if (drift > 1e-3).any() or (np.abs(steps).sum(axis=0) != 1).any() or (np.abs(steps).sum(axis=1) != 1).any():
        return None
    stop = start + steps @ reach
    if (np.minimum(start, stop) < 0).any() or (np.maximum(start, stop) > np.array(grid.shape) - 1).any():
        return None
    order = tuple(int(np.flatnonzero(steps[:, axis])[0]) for axis in range(3))
    flips = tuple(axis for axis, old in enumerate(order) if steps[old, axis] < 0)
    region = []
    for axis, old in enumerate(order):
        first = int(start[old]) if axis not in flips else grid.shape[old] - 1 - int(start[old])
        region.append(slice(first, first + target.shape[axis]))
    return order, tuple(region), flips


def _image(volume: Volume, target: Grid, options: ExportOptions, role: str) -> NDArray[Any]:
    voxels = _plain(volume.voxels)
    exact = _onto(voxels, volume.grid, target)
    if exact is None:
        how = options.resampling.image if options.resampling is not None else "linear"
        exact = resample_image(voxels, volume.grid, target, how)
    rule = next((one for one in options.intensity if not one.series or role in one.series), Intensity())
    return _with_intensity(exact, rule)


def _plain(voxels: NDArray[Any]) -> NDArray[Any]:
    """Voxels in a type that all formats hold: int16, uint16, int32 or float32."""
    if voxels.dtype.kind == "f":
        return voxels.astype(np.float32, copy=False)
    low, high = int(voxels.min()), int(voxels.max())
    for dtype in (np.int16, np.uint16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return voxels.astype(dtype, copy=False)
    return voxels.astype(np.float32)


def _with_intensity(voxels: NDArray[Any], rule: Intensity) -> NDArray[Any]:
    if rule.clip is not None:
        low, high = map(float, rule.clip)
        if voxels.dtype.kind != "f" and not (low.is_integer() and high.is_integer()):
            voxels = voxels.astype(np.float32)
        if voxels.dtype.kind != "f":
            limits = np.iinfo(voxels.dtype)
            low, high = max(low, limits.min), min(high, limits.max)
        voxels = np.clip(voxels, low, high).astype(voxels.dtype, copy=False)
    if rule.normalization == "none":
        return voxels
    values = voxels.astype(np.float64)
    if rule.normalization == "zscore":
        spread = float(values.std())
        normalized = (values - values.mean()) / (spread or 1.0)
    else:
        low, high = rule.clip if rule.clip is not None else (float(values.min()), float(values.max()))
        normalized = (values - low) / ((high - low) or 1.0)
    result: NDArray[Any] = normalized.astype(np.float32)
    return result


def _labels_onto(labels: LabelArray, grid: Grid, target: Grid, options: ExportOptions) -> LabelArray:
    exact = _onto(labels, grid, target)
    if exact is not None:
        return exact
    how = options.resampling.labels if options.resampling is not None else "nearest"
    return np.stack([resample_labels(layer, grid, target, how) for layer in labels])


def _reading(
    case: ReleaseCase,
    reading: ReleaseReading,
    drawn: Sequence[Segmentation],
    target: Grid,
    options: ExportOptions,
    table: LabelTable,
    form: Form,
) -> PreparedReading:
    if reading.kind is ReadingKind.PROBABILITY:
        maps = _probabilities(case, reading, drawn, target, options, table)
        return PreparedReading(reading, None, probabilities=maps)
    if not drawn:
        dtype = smallest_unsigned(max((label.value for label in table.labels), default=1))
        empty = np.zeros((len(table.labels) if form.layered else 1, *target.shape), dtype)
        return PreparedReading(reading, empty)
    segmentation = drawn[0]
    layers = label_layers(segmentation, table, layered=form.layered, case=case.id)
    numbered = instance_maps(segmentation, table, case.id) if form.instances else {}
    instances = {
        item: _labels_onto(voxels[np.newaxis], segmentation.grid, target, options)[0]
        for item, voxels in numbered.items()
    }
    placed = _labels_onto(layers, segmentation.grid, target, options)
    segments = _segments(segmentation, target, options, table) if form.segments else {}
    return PreparedReading(reading, placed, instances, segments=segments)


def _segments(
    segmentation: Segmentation, target: Grid, options: ExportOptions, table: LabelTable
) -> dict[str, BoolArray]:
    found = {}
    for segment in segmentation.segments:
        if table.of_item(segment.id.partition("#")[0]) is not None:
            mask = (segmentation.layers[segment.layer] == segment.value).astype(np.uint8)
            found[segment.id] = _labels_onto(mask[np.newaxis], segmentation.grid, target, options)[0] != 0
    return found


def _probabilities(
    case: ReleaseCase,
    reading: ReleaseReading,
    drawn: Sequence[Segmentation],
    target: Grid,
    options: ExportOptions,
    table: LabelTable,
) -> dict[str, FloatArray]:
    votes = {label.id: np.zeros(target.shape, np.float32) for label in table.labels}
    for segmentation in drawn:
        layers = label_layers(segmentation, table, layered=True, case=case.id)
        placed = _labels_onto(layers, segmentation.grid, target, options)
        for label, layer in zip(table.labels, placed, strict=True):
            votes[label.id] += layer != 0
    return {name: count / np.float32(max(reading.voters, 1)) for name, count in votes.items()}
