"""Several files at a time, step by step."""

import os

import pytest

from DeidentifyStudyCore.cleaning import writing
from DeidentifyStudyCore.cleaning.in_step import groups_of, in_step
from DeidentifyStudyCore.cleaning.task import Task
from DeidentifyStudyCore.errors import DestinationError
from DeidentifyStudyCore.indexing.index import FileFacts


def _tasks(*sizes):
    return [Task(number, FileFacts(f"{number}", size, 0), "") for number, size in enumerate(sizes)]


def _sizes(groups):
    return [[task.facts.size for task in group] for group in groups]


def test_a_group_has_few_files_and_no_more_than_fit_into_memory():
    assert _sizes(groups_of([])) == []
    assert [len(group) for group in groups_of(_tasks(*[500] * 70))] == [32, 32, 6]
    large = 9 << 20
    assert _sizes(groups_of(_tasks(large, large, 1, 1, 100 << 20, 1))) == [[large], [large, 1, 1], [100 << 20], [1]]


def test_steps_are_taken_together_and_works_may_have_different_numbers_of_them():
    done = []

    def work(name, steps):
        for step in range(steps):
            done.append((name, step))
            if step < steps - 1:
                yield

    in_step([work("a", 3), work("b", 1), work("c", 2)])
    assert done == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1), ("a", 2)]


def test_an_error_of_one_closes_all():
    closed = []

    def work(name, fails):
        try:
            yield
            if fails:
                raise DestinationError("full")
            yield
        finally:
            closed.append(name)

    with pytest.raises(DestinationError):
        in_step([work("a", False), work("b", True), work("c", False)])
    assert sorted(closed) == ["a", "b", "c"]


def test_one_bad_file_among_others_that_are_written_with_it_stops_none(deidentify, encode, make_dataset):
    good = {f"{number}": encode(make_dataset(SOPInstanceUID=f"1.2.{number}")) for number in range(9)}
    files = {**good, "3": good["3"][:-100], "5": b"no DICOM at all"}
    outcome, destination = deidentify(files)
    reasons = [result.reason for result in outcome.files]
    assert [reasons[3], reasons[5]] == ["truncated", "not-dicom"]
    assert len([*destination.rglob("*.dcm")]) == 7


def test_a_destination_that_fails_leaves_nothing_half_written(deidentify, encode, make_dataset, monkeypatch):
    replace, left = os.replace, []

    def full(source, target):
        left.append(source)
        if len(left) == 4:
            raise OSError(28, "No space left on device")
        replace(source, target)

    files = {f"{number}": encode(make_dataset(SOPInstanceUID=f"1.2.{number}")) for number in range(9)}
    places = []
    write_chunk = writing._Writer.chunk

    def chunk(self, tasks):
        places.append(self._job.destination)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full)
            return write_chunk(self, tasks)

    monkeypatch.setattr(writing._Writer, "chunk", chunk)
    with pytest.raises(DestinationError, match="No space left"):
        deidentify(files)
    names = [path.name for path in places[0].rglob("*") if path.is_file()]
    assert len(names) == 3
    assert not any(name.startswith(".tmp-") for name in names)
