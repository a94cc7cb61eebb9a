"""NumPy, OME-Zarr and TFRecord datasets, read back by NumPy, zarr-python and the package tfrecord."""

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.geometry import Grid
from AnnotationQACore.release.exporters.numpy_arrays import NumpyExporter, npz_bytes
from AnnotationQACore.release.exporters.ome_zarr import OmeZarrExporter, write_array
from AnnotationQACore.release.exporters.tfrecord import TfRecordExporter, crc32c, example, record
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.options import ExportOptions, Labels, Resampling

GRID = Grid((6, 24, 20), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
LESION = (slice(2, 4), slice(6, 10), slice(5, 9))
SECOND = (slice(3, 4), slice(14, 17), slice(10, 13))
ORGAN = (slice(1, 5), slice(4, 20), slice(3, 16))
LAYERS = ExportOptions(labels=Labels(overlaps="layers"))
MakeDataset = Callable[..., Dataset]
bounded = settings(max_examples=40, deadline=None, derandomize=True)


def drawn() -> np.ndarray:
    """Layers of the reference standard of case-1."""
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[(0, *ORGAN)] = 5
    layers[(1, *LESION)] = layers[(1, *SECOND)] = 9
    return layers


def written(exporter: Any, dataset: Dataset, folder: Path, options: ExportOptions) -> dict[str, Any]:
    assert exporter.check(dataset, options) == []
    files = exporter.write(dataset, folder, options)
    on_disk = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert list(files) == on_disk
    document: dict[str, Any] = json.loads((folder / "dataset.json").read_text())
    assert [case["split"] for case in document["cases"]] == ["train", "validation", "test"]
    assert [label["value"] for label in document["labels"]] == [5, 9]
    return document


class TestNumpy:
    def test_npz_holds_all_arrays(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        document = written(NumpyExporter(packed=True), dataset_of("reference", "probability"), tmp_path, LAYERS)
        with np.load(tmp_path / document["cases"][0]["files"][0], allow_pickle=False) as arrays:
            assert arrays["image"].shape == (1, *GRID.shape)
            assert arrays["image"].dtype == np.int16
            np.testing.assert_allclose(arrays["affine_lps"], GRID.affine, atol=1e-6)
            np.testing.assert_array_equal(arrays["label_reference"], drawn())
            assert arrays["probability_probability"][1][SECOND].tolist() == np.full((1, 3, 3), 0.5).tolist()
            assert arrays["instances_reference_lesion"][SECOND].tolist() == np.full((1, 3, 3), 2).tolist()
        assert document["cases"][0]["orientation"] == "LPS"
        assert document["options"] == {"labels": {"overlaps": "layers"}}

    def test_npy_can_be_mapped_into_memory(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        written(NumpyExporter(packed=False), dataset_of(), tmp_path, LAYERS)
        mapped = np.load(tmp_path / "train" / "case-1" / "label_reference.npy", mmap_mode="r")
        np.testing.assert_array_equal(mapped, drawn())

    def test_the_archive_does_not_depend_on_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        arrays = {"a": np.arange(100)}
        first = npz_bytes(arrays)
        monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
        assert npz_bytes(arrays) == first


class TestOmeZarr:
    def test_zarr_python_reads_what_was_drawn(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        zarr = pytest.importorskip("zarr", reason="needs zarr-python (extra: test)")
        written(OmeZarrExporter(), dataset_of("reference", "probability"), tmp_path, LAYERS)
        group = zarr.open_group(tmp_path / "train" / "case-1.ome.zarr", mode="r")
        ome = group.attrs["ome"]
        assert ome["version"] == "0.5"
        scale = ome["multiscales"][0]
        assert [axis["name"] for axis in scale["axes"]] == ["c", "z", "y", "x"]
        assert scale["axes"][1] == {"name": "z", "type": "space", "unit": "millimeter"}
        first = scale["datasets"][0]["coordinateTransformations"]
        assert [one["type"] for one in first] == ["scale", "translation"]
        np.testing.assert_allclose(first[0]["scale"], [1, 2.5, 0.8, 0.7], atol=1e-6)
        np.testing.assert_allclose(group.attrs["annotation-qa"]["affine_lps"], GRID.affine, atol=1e-6)
        assert group["0"].shape == (1, *GRID.shape)
        assert group["0"].metadata.dimension_names == ("c", "z", "y", "x")
        labels = group["labels"]
        assert labels.attrs["ome"]["labels"] == ["reference-instances-lesion", "reference-lesion", "reference-organ"]
        np.testing.assert_array_equal(labels["reference-lesion"]["0"][:], drawn()[1])
        described = labels["reference-lesion"].attrs["ome"]["image-label"]
        assert described["source"] == {"image": "../../"}
        assert described["properties"] == [{"label-value": 9, "id": "lesion", "name": "Lesion"}]
        assert described["colors"] == [{"label-value": 9, "rgba": [255, 200, 0, 255]}]
        np.testing.assert_array_equal(labels["reference-instances-lesion"]["0"][:][SECOND], 2)
        share = group["probability-probability"]
        assert share["0"].shape == (2, *GRID.shape)
        assert share["0"][1][SECOND].max() == 0.5

    def test_the_pyramid_keeps_places(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        zarr = pytest.importorskip("zarr", reason="needs zarr-python (extra: test)")
        options = ExportOptions(labels=Labels(items=("lesion",)), resampling=Resampling(size=(6, 131, 130)))
        dataset = dataset_of()
        OmeZarrExporter().write(dataset, tmp_path, options)
        group = zarr.open_group(tmp_path / "train" / "case-1.ome.zarr", mode="r")
        levels = group.attrs["ome"]["multiscales"][0]["datasets"]
        assert [group[level["path"]].shape[1:] for level in levels] == [(6, 131, 130), (6, 66, 65), (6, 33, 33)]
        fine, coarse = (level["coordinateTransformations"] for level in levels[:2])
        assert coarse[0]["scale"][2] == pytest.approx(2 * fine[0]["scale"][2])
        assert coarse[1]["translation"][2] == pytest.approx(fine[0]["scale"][2] / 2)  # the mean of two voxels
        image, half = group["0"][0], group["1"][0]
        blocks = image[:, :130].astype(float).reshape(6, 65, 2, 65, 2).mean(axis=(2, 4))
        np.testing.assert_allclose(half[:, :65], blocks, atol=0.51)
        label = group["labels"]["reference"]
        own = label.attrs["ome"]["multiscales"][0]["datasets"][1]["coordinateTransformations"]
        assert own[1]["translation"] == [0, 0, 0]
        np.testing.assert_array_equal(label["1"][:], label["0"][:, ::2, ::2])

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
    def test_any_array_comes_back(self, tmp_path: Path, dtype: str) -> None:
        zarr = pytest.importorskip("zarr", reason="needs zarr-python (extra: test)")
        voxels = (np.random.default_rng(1).random((2, 33, 257, 20)) * 200).astype(dtype)
        voxels[0, :32] = 0  # whole chunks of nothing
        write_array(tmp_path / "array", voxels, ("c", "z", "y", "x"))
        np.testing.assert_array_equal(zarr.open_array(tmp_path / "array", mode="r")[:], voxels)
        assert len(list((tmp_path / "array" / "c").rglob("*"))) < 18


class TestTfRecord:
    @pytest.mark.parametrize(
        ("content", "checksum"),
        [
            (b"", 0),
            (b"123456789", 0xE3069283),
            (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
            (b"\xff" * 32, 0x62A8AB43),
            (bytes(range(32)), 0x46DD794E),
            (bytes(range(31, -1, -1)), 0x113FDB5C),
        ],
    )
    def test_crc32c_is_that_of_the_standard(self, content: bytes, checksum: int) -> None:
        assert crc32c(content) == checksum

    @bounded
    @given(st.integers(0, 20000), st.integers(0, 2**32 - 1))
    def test_lanes_give_the_same_checksum(self, length: int, seed: int) -> None:
        judge = pytest.importorskip("crc32c", reason="needs the package crc32c (extra: test)")
        content = np.random.default_rng(seed).bytes(length)
        assert crc32c(content) == judge.crc32c(content)

    def test_the_package_tfrecord_reads_every_feature(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        loader = pytest.importorskip("tfrecord.reader", reason="needs the package tfrecord (extra: test)")
        document = written(TfRecordExporter(), dataset_of("reference", "probability"), tmp_path, LAYERS)
        names = document["cases"][0]["features"]
        kinds = {name: "int" if name.endswith("/shape") else "byte" for name in names}
        (found,) = loader.tfrecord_loader(str(tmp_path / "train" / "case-1.tfrecord"), None, kinds)
        assert bytes(found["case"]) == b"case-1"
        assert bytes(found["answer/reference/effusion"]) == b"present"
        assert bytes(found["answer/reference/signs"]) == b"a + b"

        def array(name: str) -> np.ndarray:
            dtype = np.dtype(bytes(found[f"{name}/dtype"]).decode()).newbyteorder("<")
            return np.frombuffer(bytes(found[name]), dtype).reshape(found[f"{name}/shape"])

        np.testing.assert_array_equal(array("label_reference"), drawn())
        np.testing.assert_allclose(array("affine_lps"), GRID.affine, atol=1e-6)
        assert array("image").shape == (1, *GRID.shape)
        assert array("probability_probability")[1][SECOND].max() == 0.5

    def test_a_record_is_framed_as_documented(self) -> None:
        message = example({"a": b"x", "n": [1, 300]})
        framed = record(message)
        assert struct.unpack("<Q", framed[:8])[0] == len(message)
        masked = crc32c(framed[:8])
        masked = (((masked >> 15) | (masked << 17)) + 0xA282EAD8) & 0xFFFFFFFF
        assert struct.unpack("<I", framed[8:12])[0] == masked
        assert framed[12:-4] == message
