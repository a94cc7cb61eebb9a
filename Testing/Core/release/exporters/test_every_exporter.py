"""What all formats promise: the same bytes for the same data, a run that goes on, and bad input with its name."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from AnnotationQACore.errors import Cancelled, DestinationError
from AnnotationQACore.release.choices import FORMATS
from AnnotationQACore.release.exporters.journal import JOURNAL
from AnnotationQACore.release.exporters.registry import EXPORTERS
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.options import ExportOptions, Labels

OPTIONS = ExportOptions(labels=Labels(items=("lesion",)), parquet=True)
MakeDataset = Callable[..., Dataset]
every = pytest.mark.parametrize("name", sorted(EXPORTERS))


@pytest.fixture(autouse=True)
def _needs_pyarrow() -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow (extra: test)")


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Stop:
    """Progress that cancels at the second case."""

    def __call__(self, done: int, total: int, message: str = "") -> None:
        if done == 1:
            raise Cancelled("stopped")


def test_the_registry_names_every_format() -> None:
    assert tuple(EXPORTERS) == FORMATS
    assert all(name == exporter.name and exporter.describe().endswith(".") for name, exporter in EXPORTERS.items())


@every
def test_an_interrupted_export_goes_on_and_gives_the_same_bytes(
    dataset_of: MakeDataset, tmp_path: Path, name: str
) -> None:
    exporter, dataset = EXPORTERS[name], dataset_of()
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    whole.mkdir()
    resumed.mkdir()
    files = exporter.write(dataset, whole, OPTIONS)
    expected = hashes(whole)
    assert list(files) == sorted(expected)
    with pytest.raises(Cancelled):
        exporter.write(dataset, resumed, OPTIONS, Stop())
    assert (resumed / JOURNAL).is_file()
    done = {path: path.stat().st_mtime_ns for path in resumed.rglob("*") if path.is_file() and path.name != JOURNAL}
    with (resumed / JOURNAL).open("ab") as journal:
        journal.write(b'{"case": "case-2", "fi')  # the crash fell into a line
    (resumed / ".tmp-abc-left-over").write_bytes(b"half")
    assert exporter.write(dataset, resumed, OPTIONS) == files
    assert hashes(resumed) == expected
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())  # not written again


@every
def test_an_export_of_something_else_is_not_continued(dataset_of: MakeDataset, tmp_path: Path, name: str) -> None:
    exporter, dataset = EXPORTERS[name], dataset_of()
    with pytest.raises(Cancelled):
        exporter.write(dataset, tmp_path, OPTIONS, Stop())
    before = hashes(tmp_path)
    with pytest.raises(DestinationError, match="holds an interrupted export of other cases or options"):
        exporter.write(replace(dataset, version="2.0.0"), tmp_path, OPTIONS)
    assert hashes(tmp_path) == before


@every
def test_a_file_that_vanished_is_written_again(dataset_of: MakeDataset, tmp_path: Path, name: str) -> None:
    exporter, dataset = EXPORTERS[name], dataset_of()
    with pytest.raises(Cancelled):
        exporter.write(dataset, tmp_path, OPTIONS, Stop())
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file() and path.name != JOURNAL)
    if not written:
        assert name == "tables"  # whose rows are kept in the journal until all are known
        return
    written[0].unlink()
    exporter.write(dataset, tmp_path, OPTIONS)
    assert written[0].is_file()


@every
def test_cases_that_cannot_be_released_are_named(dataset_of: MakeDataset, name: str) -> None:
    dataset = dataset_of()
    first, second, third = dataset.cases
    bad = replace(dataset, cases=(replace(first, patient=""), replace(second, readings=()), third, third))
    problems = EXPORTERS[name].check(bad, OPTIONS)
    assert any(line.startswith("case case-1: has no patient identifier; give a pseudonym") for line in problems)
    assert any(line.startswith("case case-2: has no reading; accept or adjudicate it") for line in problems)
    assert any(line.startswith("case case-3: is there twice") for line in problems)
    assert EXPORTERS[name].check(replace(dataset, cases=()), OPTIONS)[0].startswith("the dataset has no cases")
    assert all("\n" not in line for line in problems)


@every
def test_an_unknown_series_is_named(dataset_of: MakeDataset, name: str) -> None:
    problems = EXPORTERS[name].check(dataset_of(), replace(OPTIONS, series=("pet",)))
    assert name == "tables" or problems[0].startswith("export options: series[0]: 'pet' is no series of the protocol")
