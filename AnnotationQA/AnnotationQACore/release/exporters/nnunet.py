"""Raw datasets of nnU-Net v2 (https://github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.nifti import write_nifti
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporters.checks import (
    array_problems,
    case_problems,
    common_channels,
    label_problems,
    probability_problems,
    series_problems,
    sheared_problems,
)
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import LabelTable, label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, prepare_case
from AnnotationQACore.segmentation import Volume

__all__ = ["NnunetExporter", "folds_of"]

_ENDING = ".nii.gz"


class NnunetExporter:
    """Writes ``DatasetNNN_NAME`` with ``imagesTr``, ``labelsTr``, ``imagesTs``, ``labelsTs`` and ``dataset.json``."""

    name = "nnunet"

    def describe(self) -> str:
        """What it writes."""
        return (
            "nnU-Net v2 raw dataset: a NIfTI file a channel, one label image a case with labels 1, 2, 3..., "
            "dataset.json, and splits_final.json for validation cases or folds."
        )

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        return [
            *case_problems(dataset),
            *_reading_problems(dataset),
            *probability_problems(dataset, "nnU-Net"),
            *_layer_problems(options),
            *series_problems(dataset, options),
            *array_problems(dataset, options),
            *sheared_problems(dataset, options, "SimpleITK, by which nnU-Net reads, refuses"),
            *common_channels(dataset, options)[1],
            *label_problems(dataset, options, layered=False, consecutive=True, has_layers=False),
        ]

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`. Every case has one reading."""
        for problem in (
            *_reading_problems(dataset),
            *probability_problems(dataset, "nnU-Net"),
            *_layer_problems(options),
        ):
            raise InputError(problem)
        table = label_table(dataset.protocol, options.labels, consecutive=True)
        channels, _ = common_channels(dataset, options)
        own = replace(options, series=channels)
        root = folder / f"Dataset{options.nnunet_dataset:03d}_{re.sub(r'[^A-Za-z0-9]', '', dataset.name)}"
        for part in ("imagesTr", "labelsTr"):
            make_folder(root / part)

        def write(case: ReleaseCase) -> Written:
            prepared = prepare_case(case, dataset.protocol, own, table, Form())
            part = "Ts" if dataset.split_of(case) == "test" else "Tr"
            make_folder(root / f"images{part}")
            make_folder(root / f"labels{part}")
            paths = []
            for number, voxels in enumerate(prepared.images.values()):
                paths.append(root / f"images{part}" / f"{case.id}_{number:04d}{_ENDING}")
                write_nifti(paths[-1], Volume(voxels, prepared.grid))
            layers = prepared.readings[0].layers
            assert layers is not None  # noqa: S101 - probability maps are refused above
            paths.append(root / f"labels{part}" / f"{case.id}{_ENDING}")
            write_nifti(paths[-1], Volume(np.ascontiguousarray(layers[0]), prepared.grid))
            return Written(tuple(path.relative_to(folder).as_posix() for path in paths))

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        files = [root / "dataset.json"]
        _write_json(files[0], _document(dataset, table, channels))
        if folds := folds_of(dataset):
            files.append(root / "splits_final.json")
            _write_json(files[-1], folds)
        return finish(folder, *files, written=written)


def folds_of(dataset: Dataset) -> list[dict[str, list[str]]]:
    """Training and validation cases of each fold, as nnU-Net reads them; empty when there is neither.

    It belongs into the folder of the preprocessed dataset before training.
    """
    training = {case.id: dataset.split_of(case) for case in dataset.cases if dataset.split_of(case) != "test"}
    folds = sorted({split for split in training.values() if split not in ("train", "validation")}, key=_number)
    if not folds and "validation" in training.values():
        folds = ["validation"]
    return [
        {
            "train": [case for case, split in training.items() if split != fold],
            "val": [case for case, split in training.items() if split == fold],
        }
        for fold in folds
    ]


def _number(fold: str) -> tuple[int, str]:
    digits = re.sub(r"\D", "", fold)
    return int(digits or 0), fold


def _document(dataset: Dataset, table: LabelTable, channels: tuple[str, ...]) -> dict[str, Any]:
    training = sum(dataset.split_of(case) != "test" for case in dataset.cases)
    modalities = {
        role: {case_image.facts.modality for case in dataset.cases if (case_image := case.image(role)) is not None}
        for role in channels
    }
    return {
        "channel_names": {
            str(number): "CT" if modalities[role] == {"CT"} else role for number, role in enumerate(channels)
        },
        "labels": {"background": 0} | {label.id: label.value for label in table.labels},
        "numTraining": training,
        "file_ending": _ENDING,
        "name": dataset.name,
        "description": dataset.description,
        "release": dataset.version,
        "licence": dataset.licence,
        "reference": f"protocol {dataset.protocol.id} {dataset.protocol.version}, SHA-256 {dataset.protocol.hash}",
    }


def _reading_problems(dataset: Dataset) -> Iterator[str]:
    for case in dataset.cases:
        if len(case.readings) > 1:
            names = ", ".join(reading.name for reading in case.readings)
            yield f"case {case.id}: has {len(case.readings)} readings ({names}), and nnU-Net takes one; release one."


def _layer_problems(options: ExportOptions) -> Iterator[str]:
    if options.labels.overlaps == "layers":
        yield (
            "nnU-Net holds one label image a case and no layers; merge labels (labels.merge_into), or choose those "
            "that do not overlap (labels.items)."
        )


def _write_json(path: Path, document: Any) -> None:
    atomic.write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
