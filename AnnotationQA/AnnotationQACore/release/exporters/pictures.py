"""The slices and frames of a case as pictures, in the protocol's window, with what readers drew on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.series.images import ImageSeries
from AnnotationQACore.protocol.imaging import WindowPreset
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporters.checks import case_problems, label_problems, series_problems
from AnnotationQACore.release.exporting import Dataset, ReadingKind, ReleaseCase, ReleaseReading
from AnnotationQACore.release.label_table import LabelTable, instance_maps, label_layers
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import (
    Form,
    PreparedReading,
    chosen_roles,
    prepare_case,
    volume_problem,
)

__all__ = ["CasePictures", "Picture", "case_pictures", "labeled_numbers", "picture_problems"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One slice or frame of a series.

    Attributes
    ----------
    number : int
        In its series, from 0; of a volume the index k.
    pixels : array, shape (row, column) or (row, column, 3)
        uint8 or uint16.
    image_uid : str
        SOP Instance UID; empty where slices were resampled or have none.
    frame : int or None
        In a multi-frame image, from 1.
    position_lps : tuple of 3 float or None
        mm, of the centre of the first pixel.
    """

    number: int
    pixels: NDArray[Any]
    image_uid: str = ""
    frame: int | None = None
    position_lps: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CasePictures:
    """The pictures of a case.

    Attributes
    ----------
    pictures : mapping of role to tuple of Picture
    window : mapping of role to (low, high)
        Image values that are black and white; empty for colour.
    grid : Grid or None
        Of the volumes; None for images without place in the patient.
    readings : tuple of PreparedReading
        Voxels as the pictures of the first role are numbered.
    """

    pictures: Mapping[str, tuple[Picture, ...]]
    window: Mapping[str, tuple[float, float]]
    grid: Grid | None
    readings: tuple[PreparedReading, ...]


def picture_problems(dataset: Dataset, options: ExportOptions) -> list[str]:
    """What keeps the cases of a dataset from becoming pictures."""
    problems = [*case_problems(dataset), *series_problems(dataset, options)]
    presets = [window.id for window in dataset.protocol.windows]
    wanted = options.pictures.window
    if wanted is not None and wanted not in presets:
        known = ", ".join(presets) or "none"
        problems.append(f"export options: pictures.window: '{wanted}' is no preset of the protocol; it has {known}.")
    for case in dataset.cases:
        roles = chosen_roles(case, dataset.protocol, options)
        if not roles:
            problems.append(f"case {case.id}: has no images at hand; give them, or export tables.")
        for role in roles:
            problems += _flat_problems(case, role, options)
    return [*problems, *label_problems(dataset, options, layered=True)]


def case_pictures(
    case: ReleaseCase, protocol: Protocol, options: ExportOptions, table: LabelTable, form: Form
) -> CasePictures:
    """Read a case and make its pictures.

    Raises
    ------
    InputError
        An image or reading cannot be read, or a reading does not fit the image.
    """
    roles = chosen_roles(case, protocol, options)
    if not roles:
        raise InputError(f"case {case.id}: has no images at hand; give them, or export tables.")
    if any(volume_problem(case, role) for role in roles):
        return _frames(case, roles, protocol, options, table, form)
    prepared = prepare_case(case, protocol, options, table, form)
    untouched = options.resampling is None and options.crop is None and not options.orientation
    pictures, windows = {}, {}
    for role, voxels in prepared.images.items():
        image = case.image(role)
        series = image.open() if image is not None and untouched else None
        window = _window(protocol, options, role)
        low, high = _range(window, voxels)
        inverted = window is not None and window.inverted
        sources = series.sources[0] if series is not None and series.grid == prepared.grid else ()
        pictures[role] = tuple(
            Picture(
                number,
                _grey(slice_, low, high, options.pictures.bits, inverted),
                sources[number].instance_uid if number < len(sources) else "",
                sources[number].frame_number if number < len(sources) else None,
                tuple(prepared.grid.to_world((number, 0, 0)).tolist()),
            )
            for number, slice_ in enumerate(voxels)
        )
        windows[role] = (low, high)
    return CasePictures(pictures, windows, prepared.grid, prepared.readings)


def _frames(
    case: ReleaseCase, roles: tuple[str, ...], protocol: Protocol, options: ExportOptions, table: LabelTable, form: Form
) -> CasePictures:
    """Pictures of frames as they are: X-rays, photographs, cines, dynamic series."""
    pictures: dict[str, tuple[Picture, ...]] = {}
    windows: dict[str, tuple[float, float]] = {}
    for role in roles:
        if problems := _flat_problems(case, role, options):
            raise InputError(problems[0])
        image = case.image(role)
        assert image is not None  # noqa: S101 - its lack is a problem named above
        series = image.open()
        pictures[role], limits = _series_frames(series, protocol, options, role)
        if limits is not None:
            windows[role] = limits
    shape = (len(pictures[roles[0]]), *pictures[roles[0]][0].pixels.shape[:2])
    readings = tuple(_flat_reading(case, reading, shape, table, form) for reading in case.readings)
    return CasePictures(pictures, windows, None, readings)


def _flat_reading(
    case: ReleaseCase, reading: ReleaseReading, shape: tuple[int, ...], table: LabelTable, form: Form
) -> PreparedReading:
    """Voxels of a reading on frames, which are numbered as in the image."""
    if reading.kind is ReadingKind.PROBABILITY:
        raise InputError(
            f"case {case.id}: probability maps are made of volumes only; leave 'probability' out of the readings."
        )
    segmentation = reading.segmentation()
    if segmentation is None:
        return PreparedReading(reading, None)
    if segmentation.grid.shape != shape:
        raise InputError(
            f"case {case.id}: reading '{reading.name}' has another number of frames, rows or columns than its image; "
            "correct the reading, or leave the case out."
        )
    layers = label_layers(segmentation, table, layered=form.layered, case=case.id)
    instances = instance_maps(segmentation, table, case.id) if form.instances else {}
    segments = {
        segment.id: segmentation.layers[segment.layer] == segment.value
        for segment in segmentation.segments
        if form.segments and table.of_item(segment.id.partition("#")[0]) is not None
    }
    return PreparedReading(reading, layers, instances, segments=segments)


def _series_frames(
    series: ImageSeries, protocol: Protocol, options: ExportOptions, role: str
) -> tuple[tuple[Picture, ...], tuple[float, float] | None]:
    tail = 3 if series.is_color else 2
    frames = series.voxels.reshape(-1, *series.voxels.shape[-tail:])
    sources = [source for volume in series.sources for source in volume]
    window = _window(protocol, options, role)
    limits = None if series.is_color else _range(window, frames)
    inverted = series.shown_inverted != (window is not None and window.inverted)
    made = []
    for number, frame in enumerate(frames):
        source = sources[number] if number < len(sources) else None
        pixels = frame if limits is None else _grey(frame, *limits, options.pictures.bits, inverted)
        made.append(
            Picture(
                number,
                pixels,
                source.instance_uid if source is not None else "",
                source.frame_number if source is not None else None,
                source.position if source is not None else None,
            )
        )
    return tuple(made), limits


def _flat_problems(case: ReleaseCase, role: str, options: ExportOptions) -> list[str]:
    """Options that ask for a volume, of an image that is none."""
    if case.image(role) is None:
        return [volume_problem(case, role)]
    if not volume_problem(case, role):
        return []
    asked = [name for name in ("resampling", "crop", "orientation") if getattr(options, name)]
    if asked:
        return [
            f"case {case.id}: series '{role}' is no 3D volume, so that {', '.join(asked)} cannot be done; "
            "leave that out of the options, or the case out."
        ]
    return []


def _window(protocol: Protocol, options: ExportOptions, role: str) -> WindowPreset | None:
    """The preset asked for, or that of the protocol's view, for the reference series and others of its modalities."""
    roles = {one.id: one for one in protocol.imaging.series}
    reference = roles[protocol.imaging.reference_series]
    alike = role not in roles or set(roles[role].modalities) <= set(reference.modalities)
    named = options.pictures.window or (protocol.view.window if alike else None)
    return next((window for window in protocol.windows if window.id == named), None)


def _range(window: WindowPreset | None, voxels: NDArray[Any]) -> tuple[float, float]:
    if window is not None and window.center is not None and window.width is not None:
        return window.center - window.width / 2, window.center + window.width / 2
    percentiles = window.percentiles if window is not None and window.percentiles else (1.0, 99.0)
    low, high = (float(value) for value in np.percentile(voxels, percentiles))
    return low, high if high > low else low + 1.0


def _grey(voxels: NDArray[Any], low: float, high: float, bits: int, inverted: bool) -> NDArray[Any]:
    share = np.clip((voxels.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    if inverted:
        share = 1.0 - share
    grey: NDArray[Any] = np.rint(share * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    return grey


def labeled_numbers(readings: tuple[PreparedReading, ...]) -> Iterator[int]:
    """Slices on which something was drawn."""
    for one in readings:
        arrays: list[NDArray[Any]] = [*one.probabilities.values(), *one.segments.values()]
        if one.layers is not None:
            arrays.append(one.layers.max(axis=0))
        for array in arrays:
            yield from np.flatnonzero(array.reshape(len(array), -1).any(axis=1)).tolist()
