"""OME-Zarr 0.5 (https://ngff.openmicroscopy.org/0.5/), as plain files of Zarr 3 without sharding.

Its coordinates know scale and translation only: the patient's directions stand in the attributes as ``affine_lps``.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporters.arrays import arrays_of, dataset_document, file_name, geometry_json
from AnnotationQACore.release.exporters.checks import array_format_problems, common_channels
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish, whole_folder
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import Label, LabelTable, label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, PreparedCase, PreparedReading, prepare_case

__all__ = ["OmeZarrExporter", "write_array"]

_VERSION = "0.5"
_CHUNK = (32, 256, 256)
_SMALLEST = 64
"""Levels are halved until rows and columns are not more than this."""
_INDEX = "dataset.json"
Levels = list[tuple[NDArray[Any], tuple[float, ...], tuple[float, ...]]]
"""Voxels, spacing, and position of voxel 0 along (z, y, x), both in mm."""


class OmeZarrExporter:
    """Writes ``SPLIT/CASE.ome.zarr`` with labels, and ``dataset.json``."""

    name = "zarr"

    def describe(self) -> str:
        """What it writes."""
        return "OME-Zarr 0.5, one image a case with its pyramid, label images and instances; and dataset.json."

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        return array_format_problems(dataset, options)

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`."""
        table = label_table(dataset.protocol, options.labels)
        channels, _ = common_channels(dataset, options)
        own = replace(options, series=channels)
        form = Form(layered=options.labels.overlaps == "layers", instances=True)

        def write(case: ReleaseCase) -> Written:
            prepared = prepare_case(case, dataset.protocol, own, table, form)
            place = folder / dataset.split_of(case) / f"{case.id}.ome.zarr"
            make_folder(place.parent)
            with whole_folder(place) as temporary:
                _write_case(temporary, prepared, table)
            files = tuple(sorted(p.relative_to(folder).as_posix() for p in place.rglob("*") if p.is_file()))
            name = place.relative_to(folder).as_posix()
            return Written(files, geometry_json(prepared) | {"file": name})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        notes = {case: one.notes for case, one in written.items()}
        document = dataset_document(dataset, options, table, channels, notes)
        atomic.write_text(folder / _INDEX, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return finish(folder, folder / _INDEX, written=written)


def write_array(folder: Path, voxels: NDArray[Any], axes: Sequence[str]) -> None:
    """One Zarr 3 array in gzipped chunks; chunks of zeros are left out, as the format allows."""
    chunk = (*([1] * (voxels.ndim - 3)), *(min(a, b) for a, b in zip(_CHUNK, voxels.shape[-3:], strict=True)))
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(voxels.shape),
        "data_type": voxels.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if voxels.dtype.kind == "f" else 0,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "gzip", "configuration": {"level": 5}},
        ],
        "attributes": {},
        "dimension_names": list(axes),
    }
    folder.mkdir(parents=True)
    _write_json(folder / "zarr.json", document)
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    counts = [-(-size // part) for size, part in zip(voxels.shape, chunk, strict=True)]
    for index in itertools.product(*map(range, counts)):
        region = tuple(slice(i * part, (i + 1) * part) for i, part in zip(index, chunk, strict=True))
        piece = little[region]
        if not piece.any():
            continue
        whole = np.zeros(chunk, little.dtype)
        whole[tuple(slice(0, size) for size in piece.shape)] = piece
        path = folder.joinpath("c", *map(str, index))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(whole.tobytes(), compresslevel=5, mtime=0))


def _write_case(folder: Path, prepared: PreparedCase, table: LabelTable) -> None:
    image = arrays_of(prepared)["image"]
    levels = _pyramid(image, prepared.grid.spacing, averaged=True)
    channels = [
        {
            "label": role,
            "color": "FFFFFF",
            "active": place == 0,
            "window": {key: float(value) for key, value in _window(voxels).items()},
        }
        for place, (role, voxels) in enumerate(prepared.images.items())
    ]
    labels: dict[str, tuple[NDArray[Any], Mapping[str, Any]]] = {}
    for one in prepared.readings:
        labels |= _label_images(one, table)
    attributes = {
        "ome": {
            "version": _VERSION,
            "multiscales": [_multiscale(prepared.case.id, levels, ("c", "z", "y", "x"))],
            "omero": {"channels": channels},
        },
        "annotation-qa": {"affine_lps": prepared.grid.affine.tolist(), "affine_axes": ["z", "y", "x"]},
    }
    _write_group(folder, attributes)
    _write_levels(folder, levels, ("c", "z", "y", "x"))
    for one in prepared.readings:
        if one.probabilities:
            _write_probabilities(folder / f"probability-{file_name(one.reading.name)}", one, prepared)
    if labels:
        place = folder / "labels"
        place.mkdir()
        _write_group(place, {"ome": {"version": _VERSION, "labels": sorted(labels)}})
        for name, (voxels, description) in labels.items():
            axes = ("z", "y", "x")
            own = _pyramid(voxels, prepared.grid.spacing, averaged=voxels.dtype.kind == "f")
            (place / name).mkdir()
            ome = {"version": _VERSION, "multiscales": [_multiscale(name, own, axes)]} | dict(description)
            _write_group(place / name, {"ome": ome})
            _write_levels(place / name, own, axes)


def _label_images(one: PreparedReading, table: LabelTable) -> dict[str, tuple[NDArray[Any], Mapping[str, Any]]]:
    """Label images of a reading by name: all labels, or one for each layer; instances; probabilities."""
    name = file_name(one.reading.name)
    found: dict[str, tuple[NDArray[Any], Mapping[str, Any]]] = {}
    if one.layers is not None and len(one.layers) == 1:
        found[name] = one.layers[0], _image_label(table.labels)
    elif one.layers is not None:
        for label, layer in zip(table.labels, one.layers, strict=True):
            found[f"{name}-{label.id}"] = layer, _image_label([label])
    for item, voxels in one.instances.items():
        numbers = [int(number) for number in np.unique(voxels) if number]
        properties = [{"label-value": number, "name": f"{item}#{number}"} for number in numbers]
        found[f"{name}-instances-{item}"] = voxels, {"image-label": {"properties": properties, "source": _SOURCE}}
    return found


def _write_probabilities(folder: Path, one: PreparedReading, prepared: PreparedCase) -> None:
    """An image beside the others, a channel for each label: OME-Zarr labels are whole numbers."""
    levels = _pyramid(np.stack(list(one.probabilities.values())), prepared.grid.spacing, averaged=True)
    window = {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0}
    channels = [{"label": name, "color": "FFFFFF", "active": True, "window": window} for name in one.probabilities]
    axes = ("c", "z", "y", "x")
    ome = {
        "version": _VERSION,
        "multiscales": [_multiscale(folder.name, levels, axes)],
        "omero": {"channels": channels},
    }
    folder.mkdir()
    _write_group(folder, {"ome": ome})
    _write_levels(folder, levels, axes)


_SOURCE = {"image": "../../"}


def _image_label(labels: Sequence[Label]) -> dict[str, Any]:
    colors = [
        {"label-value": label.value, "rgba": [*(round(255 * part) for part in label.item.rgb), 255]} for label in labels
    ]
    properties = [{"label-value": label.value, "id": label.id, "name": label.item.title} for label in labels]
    return {"image-label": {"colors": colors, "properties": properties, "source": _SOURCE}}


def _multiscale(name: str, levels: Levels, axes: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name,
        "axes": [
            {"name": axis, "type": "channel"} if axis == "c" else {"name": axis, "type": "space", "unit": "millimeter"}
            for axis in axes
        ],
        "datasets": [
            {
                "path": str(number),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [*([1.0] * (len(axes) - 3)), *spacing]},
                    {
                        "type": "translation",
                        "translation": [*([0.0] * (len(axes) - 3)), *start],
                    },
                ],
            }
            for number, (_, spacing, start) in enumerate(levels)
        ],
    }


def _pyramid(voxels: NDArray[Any], spacing: Sequence[float], *, averaged: bool) -> Levels:
    """Levels of half the rows and columns (and slices, once they are as close), until they are small."""
    levels: Levels = [(voxels, tuple(spacing), (0.0, 0.0, 0.0))]
    while max(voxels.shape[-2:]) > _SMALLEST:
        _, spacing, start = levels[-1]
        halved = [spacing[0] <= 1.5 * min(spacing[1:]), True, True]
        factors = tuple(2 if half and size > 1 else 1 for half, size in zip(halved, voxels.shape[-3:], strict=True))
        voxels = _halved(voxels, factors) if averaged else _every(voxels, factors)
        if averaged:  # the mean of two voxels lies between them
            start = tuple(at + mm * (factor - 1) / 2 for at, mm, factor in zip(start, spacing, factors, strict=True))
        levels.append((voxels, tuple(mm * factor for mm, factor in zip(spacing, factors, strict=True)), start))
    return levels


def _every(voxels: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    lead = [slice(None)] * (voxels.ndim - 3)
    return voxels[(*lead, *(slice(None, None, factor) for factor in factors))]


def _halved(voxels: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    """Means of blocks; a last row without partner stands for itself."""
    lead = voxels.ndim - 3
    result: NDArray[Any] = voxels.astype(np.float32)
    for axis, factor in enumerate(factors, start=lead):
        if factor == 2:
            if result.shape[axis] % 2:
                result = np.concatenate([result, result.take([-1], axis)], axis)
            low = result.take(range(0, result.shape[axis], 2), axis)
            result = (low + result.take(range(1, result.shape[axis], 2), axis)) * np.float32(0.5)
    rounded: NDArray[Any] = (np.rint(result) if voxels.dtype.kind != "f" else result).astype(voxels.dtype)
    return rounded


def _window(voxels: NDArray[Any]) -> dict[str, float]:
    low, high = np.percentile(voxels, (1, 99))
    return {"min": voxels.min(), "max": voxels.max(), "start": low, "end": high}


def _write_levels(folder: Path, levels: Levels, axes: Sequence[str]) -> None:
    for number, (voxels, _, _) in enumerate(levels):
        write_array(folder / str(number), voxels, axes)


def _write_group(folder: Path, attributes: Mapping[str, Any]) -> None:
    _write_json(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
