"""Tables, read back by the csv module and pyarrow."""

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.release.exporters.tables import TablesExporter
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.options import ExportOptions

MakeDataset = Callable[..., Dataset]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(dataset_of: MakeDataset, tmp_path: Path) -> Path:
    files = TablesExporter().write(dataset_of("reference", "readers"), tmp_path, ExportOptions())
    assert files == tuple(
        f"{name}.csv" for name in ("answers", "cases", "landmarks", "measurements", "ratings", "shapes")
    )
    return tmp_path


def test_every_answer_has_a_row(folder: Path) -> None:
    found = rows(folder / "answers.csv")
    reference = {(row["item"], row["instance"]): row["value"] for row in found
                 if (row["case"], row["reading"]) == ("case-1", "reference")}  # fmt: skip
    assert reference == {
        ("organ", ""): "present", ("lesion", "1"): "present", ("lesion", "2"): "present", ("malignancy", "1"): "1",
        ("malignancy", "2"): "2", ("effusion", ""): "present", ("signs", ""): "a + b", ("quality", ""): "2",
        ("region", ""): "drawn", ("outline", ""): "drawn", ("points", ""): "drawn", ("diameter", ""): "12.5",
        ("comment", ""): "'=1+1, \"quoted\"",
    }  # fmt: skip
    assert {row["reading"] for row in found} == {"reference", "reader1", "reader2"}
    assert {row["split"] for row in found if row["case"] == "case-3"} == {"test"}


def test_measurements_landmarks_and_shapes_have_their_numbers(folder: Path) -> None:
    measured = [
        row for row in rows(folder / "measurements.csv") if (row["case"], row["reading"]) == ("case-1", "reader2")
    ]
    assert [(row["value"], row["unit"], len(json.loads(row["points"]))) for row in measured] == [("13.5", "mm", 2)]
    marks = [row for row in rows(folder / "landmarks.csv") if (row["case"], row["reading"]) == ("case-1", "reference")]
    assert [(row["landmark"], row["visible"]) for row in marks] == [("p1", "true"), ("p2", "false")]
    np.testing.assert_allclose([float(marks[0][axis]) for axis in "xyz"], (-10 + 5 * 0.7, 5 + 6 * 0.8, 100 + 3 * 2.5))
    assert [row["kind"] for row in rows(folder / "shapes.csv")][:2] == ["box", "polygon"]


def test_ages_of_few_people_are_not_told(dataset_of: MakeDataset, tmp_path: Path) -> None:
    dataset = dataset_of()
    ages = (40.5, 97.0, None)
    cases = tuple(replace(case, age_years=age) for case, age in zip(dataset.cases, ages, strict=True))
    TablesExporter().write(replace(dataset, cases=cases), tmp_path, ExportOptions())
    assert [row["age_years"] for row in rows(tmp_path / "cases.csv")] == ["40.5", "89.0", ""]


def test_parquet_holds_the_same_with_types(dataset_of: MakeDataset, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra: test)")
    TablesExporter().write(dataset_of(), tmp_path, ExportOptions(parquet=True))
    for name in ("answers", "cases", "landmarks", "measurements", "ratings", "shapes"):
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        plain = rows(tmp_path / f"{name}.csv")
        assert table.num_rows == len(plain)
        assert table.column_names == list(plain[0])
    levels = parquet.read_table(tmp_path / "ratings.parquet").to_pylist()
    assert levels[0]["level"] == 1
    assert levels[0]["assessable"] is True
    text = parquet.read_table(tmp_path / "answers.parquet").to_pylist()
    assert '=1+1, "quoted"' in {row["value"] for row in text}  # no spreadsheet reads it, so nothing is put before it


def test_parquet_without_pyarrow_is_a_missing_extra(
    dataset_of: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    problems = TablesExporter().check(dataset_of(), ExportOptions(parquet=True))
    assert problems == [
        "tables as Parquet need the package pyarrow; install it (pip install pyarrow), or leave parquet out."
    ]
    with pytest.raises(MissingExtra):
        TablesExporter().write(dataset_of(), tmp_path, ExportOptions(parquet=True))
    assert list(tmp_path.iterdir()) == []
