"""Data lists of MONAI and the Medical Segmentation Decathlon: NIfTI files and ``dataset.json``.

`monai.data.load_decathlon_datalist` reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.interchange.nifti import write_nifti
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.answer_words import case_answers
from AnnotationQACore.release.exporters.arrays import file_name, label_documents
from AnnotationQACore.release.exporters.checks import array_format_problems, common_channels, sheared_problems
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import LabelTable, label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, PreparedCase, prepare_case
from AnnotationQACore.segmentation import Volume

__all__ = ["MonaiExporter"]

_SPLITS = {"train": "training", "validation": "validation", "test": "test"}
_INDEX = "dataset.json"


class MonaiExporter:
    """Writes ``imagesTr``, ``labelsTr``, ``imagesTs``, ``labelsTs`` and ``dataset.json``."""

    name = "monai"

    def describe(self) -> str:
        """What it writes."""
        return (
            "MONAI / Decathlon: NIfTI files and dataset.json with training (with folds), validation and test cases; "
            "several readings, layers, instances and probabilities have keys of their own."
        )

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        return [
            *array_format_problems(dataset, options),
            *sheared_problems(dataset, options, "ITK, by which MONAI may read, refuses"),
            *_label_name_problems(dataset),
        ]

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`."""
        table = label_table(dataset.protocol, options.labels, consecutive=not options.labels.values)
        channels, _ = common_channels(dataset, options)
        own = replace(options, series=channels)
        form = Form(layered=options.labels.overlaps == "layers", instances=True)

        def write(case: ReleaseCase) -> Written:
            prepared = prepare_case(case, dataset.protocol, own, table, form)
            entry = _write_case(prepared, folder, dataset.split_of(case), table)
            files = [name for value in entry.values() for name in (value if isinstance(value, list) else [value])]
            answers = {
                f"answer_{file_name(reading.name)}_{item}": value
                for reading in case.readings
                for item, value in case_answers(reading)
            }
            listed = {key: _dotted(value) for key, value in entry.items()}
            return Written(tuple(files), listed | answers | {"case": case.id, "patient": case.patient})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        document = _document(dataset, table, channels)
        for case in dataset.cases:
            split = dataset.split_of(case)
            entry = dict(written[case.id].notes)
            if split not in _SPLITS:
                entry["fold"] = int(re.sub(r"\D", "", split) or 0)
            document[_SPLITS.get(split, "training")].append(entry)
        document["numTraining"] = len(document["training"])
        document["numTest"] = len(document["test"])
        atomic.write_text(folder / _INDEX, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return finish(folder, folder / _INDEX, written=written)


def _write_case(prepared: PreparedCase, folder: Path, split: str, table: LabelTable) -> dict[str, Any]:
    """Files of a case by key, relative to the folder; the first reading's label is ``label``."""
    part = "Ts" if split == "test" else "Tr"
    for kind in ("images", "labels"):
        make_folder(folder / f"{kind}{part}")
    case = prepared.case.id
    images = []
    for number, voxels in enumerate(prepared.images.values()):
        images.append(f"images{part}/{case}_{number:04d}.nii.gz")
        write_nifti(folder / images[-1], Volume(voxels, prepared.grid))
    entry: dict[str, Any] = {"image": images if len(images) > 1 else images[0]}
    for place, one in enumerate(prepared.readings):
        name = file_name(one.reading.name)
        maps: dict[str, Any] = {}
        if one.layers is not None and len(one.layers) == 1:
            maps["label" if place == 0 else f"label_{name}"] = one.layers[0]
        elif one.layers is not None:
            layers = zip(table.labels, one.layers, strict=True)
            maps |= {f"label_{name}_{label.id}": layer for label, layer in layers}
        maps |= {f"instances_{name}_{item}": voxels for item, voxels in one.instances.items()}
        maps |= {f"probability_{name}_{label}": voxels for label, voxels in one.probabilities.items()}
        for key, voxels in maps.items():
            suffix = "" if key == "label" else f"_{key}"
            entry[key] = f"labels{part}/{case}{suffix}.nii.gz"
            write_nifti(folder / entry[key], Volume(voxels, prepared.grid))
    return entry


def _dotted(names: Any) -> Any:
    return [f"./{name}" for name in names] if isinstance(names, list) else f"./{names}"


def _document(dataset: Dataset, table: LabelTable, channels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "description": dataset.description,
        "reference": f"protocol {dataset.protocol.id} {dataset.protocol.version}, SHA-256 {dataset.protocol.hash}",
        "licence": dataset.licence,
        "release": dataset.version,
        "tensorImageSize": "3D",
        "modality": {str(number): _modality(dataset, role) for number, role in enumerate(channels)},
        "labels": {"0": "background"} | {str(label.value): label.id for label in table.labels},
        "label_definitions": label_documents(table),
        "numTraining": 0,
        "numTest": 0,
        "training": [],
        "validation": [],
        "test": [],
    }


def _modality(dataset: Dataset, role: str) -> str:
    found = {image.facts.modality for case in dataset.cases if (image := case.image(role)) is not None}
    return found.pop() if len(found) == 1 else role


def _label_name_problems(dataset: Dataset) -> Iterator[str]:
    for case in dataset.cases:
        names = [file_name(reading.name) for reading in case.readings]
        if len(set(names)) < len(names):
            yield f"case {case.id}: two readers have one name in file names; use coded names of readers."
