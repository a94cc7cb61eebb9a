"""What a run has to write: where each object goes, and which of them a worker takes together."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping

from DeidentifyStudyCore.cleaning.task import Task
from DeidentifyStudyCore.cleaning.writing import Job
from DeidentifyStudyCore.faces.state import FaceState
from DeidentifyStudyCore.indexing.folder_index import Index
from DeidentifyStudyCore.indexing.index import FileFacts
from DeidentifyStudyCore.rules.model import Subject

__all__ = ["chunks_of", "tasks_of"]

_SHARES = 16  # of what is left: where workers share a run, chunks get smaller, so that they finish together
_SMALLEST_CHUNK, _LARGEST_CHUNK = 8, 128
_CHUNK_BYTES = 256 << 20
_NO_FACE = FaceState()
_WITHOUT_STUDY = "OBJECTS"
"""Folder of objects that belong to no study."""


def tasks_of(
    job: Job, index: Index, subjects: dict[str, Subject], key: bytes, faces: Mapping[int, FaceState]
) -> tuple[list[Task], dict[int, str]]:
    """Tasks in the order of the listing, and the journal's key of each."""
    media = any(facts.is_dicomdir for facts in index.files)
    folders: dict[tuple[str, str, str], str] = {}
    taken: set[str] = set()
    tasks, keys = [], {}
    for number, facts in enumerate(index.files):
        if facts.is_dicomdir or facts.reason == "duplicate-copy":
            continue
        output = ""
        if not facts.reason:
            place = (facts.patient, facts.study, facts.series)
            if place not in folders:
                folders[place] = _folder(job, facts, subjects[facts.patient].pseudonym, media)
            output = _output_name(job, facts, folders[place], media, taken)
        tasks.append(Task(number, facts, output, faces.get(number, _NO_FACE)))
        described = f"{facts.path}\0{facts.size}\0{facts.modified}\0{facts.reason}".encode("utf-8", "surrogateescape")
        keys[number] = hmac.digest(key, described, hashlib.sha256).hex()[:32]
    return tasks, keys


def _folder(job: Job, facts: FileFacts, pseudonym: str, media: bool) -> str:
    if not facts.study:
        return _WITHOUT_STUDY
    name = job.pseudonyms.name
    patient = name("patient", facts.patient, "P") if media else pseudonym
    return f"{patient}/{name('study', facts.study, 'ST')}/{name('series', facts.series, 'SE')}"


def _output_name(job: Job, facts: FileFacts, folder: str, media: bool, taken: set[str]) -> str:
    attempt = 0
    while True:
        name = job.pseudonyms.name(f"instance{attempt}", facts.instance, "IM")
        output = f"{folder}/{name}{'' if media else '.dcm'}"
        if output not in taken:
            taken.add(output)
            return output
        attempt += 1


def chunks_of(tasks: list[Task], *, shared: bool) -> Iterator[list[Task]]:
    """Chunks of one patient each, in the order of patients and series, so that workers remember what they decided.

    Parameters
    ----------
    shared : bool
        Whether several workers take them.
    """
    chunk: list[Task] = []
    size, most = 0, _LARGEST_CHUNK
    ordered = sorted(tasks, key=lambda task: (task.facts.patient, task.facts.study, task.facts.series, task.facts.path))
    for number, task in enumerate(ordered):
        full = len(chunk) >= most or size + task.facts.size > _CHUNK_BYTES
        if chunk and (full or chunk[0].facts.patient != task.facts.patient):
            yield chunk
            chunk, size = [], 0
        if shared and not chunk:
            share = (len(ordered) - number) // _SHARES
            most = min(max(share, _SMALLEST_CHUNK), _LARGEST_CHUNK)
        chunk.append(task)
        size += task.facts.size
    if chunk:
        yield chunk
