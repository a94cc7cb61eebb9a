"""A prepared case as named arrays, and the description of a dataset of such arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.release.exporting import Dataset, ReadingKind, ReleaseCase
from AnnotationQACore.release.label_table import LabelTable
from AnnotationQACore.release.lattice import oriented
from AnnotationQACore.release.options import ExportOptions, options_to_json
from AnnotationQACore.release.preparation import PreparedCase

__all__ = ["arrays_of", "dataset_document", "file_name", "geometry_json", "label_documents"]


def arrays_of(prepared: PreparedCase) -> dict[str, NDArray[Any]]:
    """Arrays of a case by name.

    ``image`` (channel, k, j, i); ``affine_lps``, 4x4, from (k, j, i, 1) to LPS mm; for each reading ``label_NAME``
    (k, j, i), or with layers (label, k, j, i), or ``probability_NAME`` (label, k, j, i); and ``instances_NAME_ITEM``
    (k, j, i) for each item with instances.
    """
    kinds = [voxels.dtype for voxels in prepared.images.values()]
    image = np.stack([voxels.astype(np.result_type(*kinds)) for voxels in prepared.images.values()])
    arrays: dict[str, NDArray[Any]] = {"image": image, "affine_lps": prepared.grid.affine}
    for one in prepared.readings:
        name = file_name(one.reading.name)
        if one.layers is not None:
            arrays[f"label_{name}"] = one.layers if len(one.layers) > 1 else one.layers[0]
        if one.reading.kind is ReadingKind.PROBABILITY:
            arrays[f"probability_{name}"] = np.stack(list(one.probabilities.values()))
        arrays |= {f"instances_{name}_{item}": voxels for item, voxels in one.instances.items()}
    return {name: np.ascontiguousarray(_little(array)) for name, array in arrays.items()}


def geometry_json(prepared: PreparedCase) -> dict[str, Any]:
    """Where the voxels of a case lie, for index files."""
    grid = prepared.grid
    return {
        "shape": list(grid.shape),
        "spacing_mm": list(grid.spacing),
        "orientation": oriented(grid),
        "affine_lps": grid.affine.tolist(),
    }


def label_documents(table: LabelTable) -> list[dict[str, Any]]:
    """Labels with their values, colours, codes and the items of which they are made."""
    return [
        {
            "id": label.id,
            "title": label.item.title,
            "value": label.value,
            "color": label.item.color,
            "made_of": list(label.members),
        }
        | _codes(label.item.codes.type, "type")
        | _codes(label.item.codes.category, "category")
        for label in table.labels
    ]


def dataset_document(
    dataset: Dataset,
    options: ExportOptions,
    table: LabelTable,
    channels: Sequence[str],
    cases: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What an index file says of a dataset of arrays."""
    return {
        "name": dataset.name,
        "version": dataset.version,
        "description": dataset.description,
        "licence": dataset.licence,
        "protocol": {
            "id": dataset.protocol.id,
            "version": dataset.protocol.version,
            "hash": dataset.protocol.hash,
        },
        "options": options_to_json(options),
        "axes": ["k", "j", "i"],
        "channels": list(channels),
        "background": 0,
        "labels": label_documents(table),
        "cases": [_case(dataset, case) | dict(cases[case.id]) for case in dataset.cases],
    }


def file_name(name: str) -> str:
    """A reader's name as a part of a file or key: letters, digits, ``.``, ``_`` and ``-`` only."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def _case(dataset: Dataset, case: ReleaseCase) -> dict[str, Any]:
    return {"case": case.id, "patient": case.patient, "split": dataset.split_of(case)}


def _codes(code: Code | None, name: str) -> dict[str, Any]:
    if code is None:
        return {}
    return {name: {"scheme": code.scheme, "value": code.value, "meaning": code.meaning}}


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
