"""Agreement of all cases of a project: in parallel, resumable, and not stopped by one bad file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.canonical import canonical_hash
from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.evaluation.case import case_agreement
from AnnotationQACore.evaluation.case_files import CaseFiles
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.protocol.model import Protocol

__all__ = ["FailedCase", "StudyAgreement", "study_agreement"]

FORMAT = "AnnotationQA case agreement 3"
"""Part of the key of kept results: raise it when figures are computed in another way."""


@dataclass(frozen=True, slots=True)
class FailedCase(Result):
    """A case that could not be compared, and why."""

    case: str
    problem: str


@dataclass(frozen=True, slots=True)
class StudyAgreement(Result):
    """All cases that could be compared, in the order asked, and those that could not."""

    protocol: str
    cases: tuple[CaseAgreement, ...]
    failed: tuple[FailedCase, ...] = ()


def study_agreement(
    cases: Sequence[CaseFiles],
    protocol: Protocol,
    *,
    executor: Executor | None = None,
    keep_in: Path | None = None,
    resample: bool = False,
    progress: Progress = silent,
) -> StudyAgreement:
    """Compare the readings of every case.

    Parameters
    ----------
    cases : sequence of CaseFiles
    protocol : Protocol
    executor : Executor, optional
        Where the cases are compared; in this process without it.
    keep_in : Path, optional
        Folder in which the result of each case is kept as soon as it is there. A later call, also after a crash, takes
        from it what is still valid: the same readings under the same protocol, whose files are there as they were.
    resample : bool
        Whether segmentations of different lattices are resampled; without it their case fails.
    progress : Progress
        Called after each case; may raise `Cancelled`.

    Raises
    ------
    DestinationError
        A result cannot be kept.
    """
    protocol_hash = protocol.hash
    keys = {files.case: _key(files, protocol_hash, resample) for files in cases}
    states = {files.case: _file_states(files) for files in cases} if keep_in is not None else {}
    results: dict[str, CaseAgreement | FailedCase] = {}
    for files in cases:
        if keep_in is not None:
            kept = _load(keep_in, files, keys[files.case], states[files.case])
            if kept is not None:
                results[files.case] = kept
    progress(len(results), len(cases), "")
    todo = [files for files in cases if files.case not in results]
    for result in _run(todo, protocol, executor, resample):
        results[result.case] = result
        if keep_in is not None and isinstance(result, CaseAgreement):
            _keep(keep_in, result, keys[result.case], states[result.case])
        progress(len(results), len(cases), result.case)
    ordered = [results[files.case] for files in cases]
    return StudyAgreement(
        protocol_hash,
        tuple(result for result in ordered if isinstance(result, CaseAgreement)),
        tuple(result for result in ordered if isinstance(result, FailedCase)),
    )


def _run(
    cases: Sequence[CaseFiles], protocol: Protocol, executor: Executor | None, resample: bool
) -> Iterator[CaseAgreement | FailedCase]:
    if executor is None:
        yield from (_compare(files, protocol, resample) for files in cases)
        return
    futures: list[Future[CaseAgreement | FailedCase]] = [
        executor.submit(_compare, files, protocol, resample) for files in cases
    ]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _compare(files: CaseFiles, protocol: Protocol, resample: bool) -> CaseAgreement | FailedCase:
    try:
        return case_agreement(files, protocol, resample=resample)
    except AnnotationQAError as error:
        return FailedCase(files.case, str(error))


def _key(files: CaseFiles, protocol: str, resample: bool) -> str:
    readings = [[entry.reader, entry.reading_sha256, entry.segmentation_sha256] for entry in files.readings]
    return canonical_hash([FORMAT, protocol, files.patient, readings, resample])


def _file_states(files: CaseFiles) -> list[list[int] | None]:
    """Size and time of change of every file, None for one that is lost: what is cheap to ask of thousands of files."""
    paths = [path for entry in files.readings for path in (entry.reading, entry.segmentation) if path is not None]
    return [_file_state(path) for path in paths]


def _file_state(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _path(folder: Path, case: str) -> Path:
    return folder / f"{canonical_hash(case)[:32]}.json"


def _keep(folder: Path, result: CaseAgreement, key: str, states: list[list[int] | None]) -> None:
    document = {"key": key, "files": states, "result": result.to_json()}
    atomic.write_text(_path(folder, result.case), json.dumps(document, allow_nan=False))


def _load(folder: Path, files: CaseFiles, key: str, states: list[list[int] | None]) -> CaseAgreement | None:
    try:
        document = json.loads(_path(folder, files.case).read_bytes())
        is_valid = document["key"] == key and document["files"] == states
        return CaseAgreement.from_json(document["result"]) if is_valid else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a kept result is only a saving: whatever is wrong with it, the case is compared again
