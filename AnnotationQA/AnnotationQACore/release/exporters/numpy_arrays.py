"""NumPy arrays: one .npz a case, or one .npy an array, which can be mapped into memory."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporters.arrays import arrays_of, dataset_document, geometry_json
from AnnotationQACore.release.exporters.checks import array_format_problems, common_channels
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish, whole_folder
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, prepare_case

__all__ = ["NumpyExporter", "npz_bytes"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
_INDEX = "dataset.json"


@dataclass(frozen=True, slots=True)
class NumpyExporter:
    """Writes ``SPLIT/CASE.npz``, or ``SPLIT/CASE/ARRAY.npy``, and ``dataset.json``."""

    packed: bool

    @property
    def name(self) -> str:
        """``npz`` or ``npy``."""
        return "npz" if self.packed else "npy"

    def describe(self) -> str:
        """What it writes."""
        form = "one compressed .npz a case" if self.packed else "one .npy an array, which can be mapped into memory"
        return f"NumPy arrays of images, labels, instances and probabilities: {form}, and dataset.json."

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
            arrays = arrays_of(prepared)
            place = folder / dataset.split_of(case)
            make_folder(place)
            files = self._write_arrays(place / case.id, arrays)
            names = tuple(path.relative_to(folder).as_posix() for path in files)
            return Written(names, geometry_json(prepared) | {"files": list(names), "arrays": sorted(arrays)})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        notes = {case: one.notes for case, one in written.items()}
        document = dataset_document(dataset, options, table, channels, notes)
        atomic.write_text(folder / _INDEX, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return finish(folder, folder / _INDEX, written=written)

    def _write_arrays(self, stem: Path, arrays: Mapping[str, NDArray[Any]]) -> list[Path]:
        if self.packed:
            path = stem.with_name(f"{stem.name}.npz")
            atomic.write_bytes(path, npz_bytes(arrays))
            return [path]
        with whole_folder(stem) as temporary:
            for name, array in arrays.items():
                (temporary / f"{name}.npy").write_bytes(_npy_bytes(array))
        return [stem / f"{name}.npy" for name in arrays]


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A compressed .npz archive that does not depend on when it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _npy_bytes(array), compresslevel=4)
    return buffer.getvalue()


def _npy_bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
