"""What workers take together: every task once, one patient at a time, and little at the end."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.cleaning.task import Task
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.indexing.index import FileFacts
from DeidentifyStudyCore.runs.tasks import chunks_of


def _tasks(patients: list[int], size: int = 500_000) -> list[Task]:
    facts = [FileFacts(f"{number:05}", size, 0, str(patient)) for number, patient in enumerate(patients)]
    return [Task(number, each, f"{number}.dcm") for number, each in enumerate(facts)]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2), max_size=300), st.booleans())
def test_every_task_is_in_one_chunk_of_its_patient(patients, shared):
    chunks = list(chunks_of(_tasks(patients), shared=shared))
    assert sorted(task.number for chunk in chunks for task in chunk) == list(range(len(patients)))
    assert all(len({task.facts.patient for task in chunk}) == 1 for chunk in chunks)


@pytest.mark.parametrize("files", [100, 3000])
def test_chunks_that_are_shared_get_smaller_so_that_workers_finish_together(files):
    sizes = [len(chunk) for chunk in chunks_of(_tasks([0] * files), shared=True)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == min(128, max(8, files // 16))
    assert sizes[-2:] == [8, files - sum(sizes[:-1])]
    assert len(sizes) < files / 8 + 1
    assert [len(chunk) for chunk in chunks_of(_tasks([0] * 300), shared=False)] == [128, 128, 44]


def test_large_files_are_few_to_a_chunk():
    assert [len(chunk) for chunk in chunks_of(_tasks([0] * 5, 100 << 20), shared=False)] == [2, 2, 1]


def test_what_a_worker_found_travels_without_the_vocabulary():
    builder = EchoBuilder(frozenset({"general", *(f"term{number}" for number in range(5000))}))
    builder.add_identifier("General Hospital Quobblewick 00874432")
    travelled = pickle.loads(pickle.dumps(builder))
    assert len(pickle.dumps(builder)) < 1000
    merged = EchoBuilder()
    merged.merge(travelled)
    assert {"quobblewick", "00874432"} <= merged.words == builder.words
    assert "general" not in merged.words
