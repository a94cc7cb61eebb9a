"""TFRecord files of tf.train.Example messages, written without TensorFlow.

Format: https://www.tensorflow.org/tutorials/load_data/tfrecord; CRC32C of RFC 3720, masked as TensorFlow does.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.answer_words import case_answers
from AnnotationQACore.release.exporters.arrays import arrays_of, dataset_document, geometry_json
from AnnotationQACore.release.exporters.checks import array_format_problems, common_channels
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, prepare_case

__all__ = ["TfRecordExporter", "crc32c", "example", "record"]

Feature = bytes | Iterable[int]

_INDEX = "dataset.json"


class TfRecordExporter:
    """Writes ``SPLIT/CASE.tfrecord`` with one example each, and ``dataset.json``."""

    name = "tfrecord"

    def describe(self) -> str:
        """What it writes."""
        return (
            "TFRecord, one file with one tf.train.Example a case: arrays as little-endian bytes with shape and type, "
            "and the answers about the case; and dataset.json."
        )

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
            features: dict[str, Feature] = {
                "case": case.id.encode(),
                "patient": case.patient.encode(),
                "split": dataset.split_of(case).encode(),
            }
            arrays = arrays_of(prepared)
            for name, array in arrays.items():
                features |= _array_features(name, array)
            for reading in case.readings:
                for item, value in case_answers(reading):
                    features[f"answer/{reading.name}/{item}"] = value.encode()
            path = folder / dataset.split_of(case) / f"{case.id}.tfrecord"
            make_folder(path.parent)
            atomic.write_bytes(path, record(example(features)))
            name = path.relative_to(folder).as_posix()
            return Written((name,), geometry_json(prepared) | {"file": name, "features": sorted(features)})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        notes = {case: one.notes for case, one in written.items()}
        document = dataset_document(dataset, options, table, channels, notes)
        atomic.write_text(folder / _INDEX, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return finish(folder, folder / _INDEX, written=written)


def record(message: bytes) -> bytes:
    """One record: length, its checksum, the message, its checksum."""
    length = struct.pack("<Q", len(message))
    return b"".join((length, _masked(length), message, _masked(message)))


def example(features: Mapping[str, Feature]) -> bytes:
    """A tf.train.Example message: each feature is a list of one byte string, or of integers; keys are sorted."""
    entries = []
    for name in sorted(features):
        value = features[name]
        if isinstance(value, bytes):
            content = _field(1, _field(1, value))
        else:
            packed = b"".join(_varint(number & 0xFFFFFFFFFFFFFFFF) for number in value)
            content = _field(3, _field(1, packed))
        entries.append(_field(1, _field(1, name.encode()) + _field(2, content)))
    return _field(1, b"".join(entries))


def crc32c(content: bytes) -> int:
    """Castagnoli checksum (RFC 3720, B.4).

    Long contents are cut into lanes whose checksums are computed side by side, and then joined: the checksum is linear
    over GF(2).
    """
    lanes = min(4096, len(content) // 1024)
    if lanes < 2:
        return _continued(0, content)
    width = len(content) // lanes
    table = np.frombuffer(content, np.uint8, lanes * width).reshape(lanes, width)
    state = np.zeros(lanes, np.uint32)
    state[0] = 0xFFFFFFFF
    for column in range(width):
        state = _TABLE[(state ^ table[:, column]) & 0xFF] ^ (state >> np.uint32(8))
    shift = _zero_bytes(width)
    joined = int(state[0])
    for lane in state[1:].tolist():
        joined = _apply(shift, joined) ^ lane
    return _continued(joined ^ 0xFFFFFFFF, content[lanes * width :])


def _continued(checksum: int, content: bytes) -> int:
    state = checksum ^ 0xFFFFFFFF
    for byte in content:
        state = _LIST[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _make_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(0x82F63B78), table >> np.uint32(1))
    return table.astype(np.uint32)


_TABLE = _make_table()
_LIST: list[int] = _TABLE.tolist()


def _zero_bytes(count: int) -> list[int]:
    """What `count` zero bytes do to each of the 32 bits of the state: columns of a matrix over GF(2)."""
    result = [1 << bit for bit in range(32)]
    power = [_LIST[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(32)]
    while count:
        if count & 1:
            result = [_apply(power, column) for column in result]
        power = [_apply(power, column) for column in power]
        count >>= 1
    return result


def _apply(matrix: list[int], state: int) -> int:
    result = 0
    for column in matrix:
        if state & 1:
            result ^= column
        state >>= 1
        if not state:
            break
    return result


def _masked(content: bytes) -> bytes:
    checksum = crc32c(content)
    rotated = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _array_features(name: str, array: NDArray[Any]) -> dict[str, Feature]:
    return {name: array.tobytes(), f"{name}/shape": array.shape, f"{name}/dtype": array.dtype.name.encode()}
