"""PNG pictures of slices and frames in the protocol's window, and of what was drawn on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporters.arrays import dataset_document, file_name
from AnnotationQACore.release.exporters.checks import common_channels, label_problems
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish, whole_folder
from AnnotationQACore.release.exporters.pictures import CasePictures, case_pictures, labeled_numbers, picture_problems
from AnnotationQACore.release.exporters.png_bytes import png_bytes
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import LabelTable, label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, PreparedReading

__all__ = ["PngExporter"]

_INDEX = "dataset.json"


class PngExporter:
    """Writes ``SPLIT/CASE/images/ROLE_0001.png``, ``.../labels/READING/ROLE_0001.png`` and ``dataset.json``."""

    name = "png"

    def describe(self) -> str:
        """What it writes."""
        return (
            "PNG, a picture a slice or frame in the protocol's window with 8 or 16 bits, label pictures whose grey "
            "values are the label values, and dataset.json."
        )

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        layered = options.labels.overlaps == "layers"
        own = [] if layered else [*label_problems(dataset, options, layered=False)]
        return list(dict.fromkeys((*picture_problems(dataset, options), *own)))

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`."""
        table = label_table(dataset.protocol, options.labels)
        form = Form(layered=options.labels.overlaps == "layers", instances=True)

        def write(case: ReleaseCase) -> Written:
            made = case_pictures(case, dataset.protocol, options, table, form)
            place = folder / dataset.split_of(case) / case.id
            make_folder(place.parent)
            with whole_folder(place) as temporary:
                notes = {"pictures": list(_write_case(temporary, made, options, table)), "window": _windows(made)}
            files = tuple(sorted(p.relative_to(folder).as_posix() for p in place.rglob("*.png")))
            return Written(files, notes | {"folder": place.relative_to(folder).as_posix()})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        notes = {case: one.notes for case, one in written.items()}
        document = dataset_document(dataset, options, table, common_channels(dataset, options)[0], notes)
        atomic.write_text(folder / _INDEX, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return finish(folder, folder / _INDEX, written=written)


def _write_case(
    folder: Path, made: CasePictures, options: ExportOptions, table: LabelTable
) -> Iterator[dict[str, Any]]:
    """Write the pictures of a case, and describe each."""
    wanted = set(labeled_numbers(made.readings)) if options.pictures.only_labeled else None
    first = next(iter(made.pictures))
    for role, pictures in made.pictures.items():
        for picture in pictures:
            if wanted is not None and picture.number not in wanted:
                continue
            name = f"{file_name(role)}_{picture.number + 1:04d}.png"
            entry: dict[str, Any] = {"series": role, "number": picture.number, "image": f"images/{name}"}
            if picture.image_uid:
                entry["image_uid"] = picture.image_uid
            if picture.position_lps is not None:
                entry["position_lps"] = list(picture.position_lps)
            _write_png(folder / entry["image"], picture.pixels)
            on_its_grid = role == first or made.grid is not None
            for one in made.readings if on_its_grid else ():
                for place, pixels in _drawn(one, picture.number, options.pictures.bits, table):
                    path = f"{place}/{name}"
                    entry.setdefault("drawn", {})[place] = path
                    _write_png(folder / path, pixels)
            yield entry


def _drawn(one: PreparedReading, number: int, bits: int, table: LabelTable) -> Iterator[tuple[str, NDArray[Any]]]:
    """Folder and pixels of everything a reading has on a slice."""
    name = file_name(one.reading.name)
    if one.layers is not None and len(one.layers) == 1:
        yield f"labels/{name}", _whole(one.layers[0][number])
    elif one.layers is not None:
        for label, layer in zip(table.labels, one.layers, strict=True):
            yield f"labels/{name}/{label.id}", _whole(layer[number])
    for item, voxels in one.instances.items():
        yield f"instances/{name}/{item}", _whole(voxels[number])
    for label_id, fraction in one.probabilities.items():
        scaled = np.rint(fraction[number].astype(np.float64) * (2**bits - 1))
        yield f"probability/{name}/{label_id}", scaled.astype(np.uint8 if bits == 8 else np.uint16)


def _whole(labels: NDArray[Any]) -> NDArray[Any]:
    """Label values in 8 bits, or in 16 where their type asks for it."""
    return labels.astype(np.uint8 if labels.dtype.itemsize == 1 else np.uint16, copy=False)


def _windows(made: CasePictures) -> dict[str, list[float]]:
    return {role: list(limits) for role, limits in made.window.items()}


def _write_png(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(pixels))
