"""Find and read the headers of a folder's files."""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.grouping import SeriesHeader, group_series
from AnnotationQACore.interchange.series.header_cache import HeaderCache
from AnnotationQACore.interchange.series.header_reader import Job, read_headers
from AnnotationQACore.interchange.series.headers import FileHeader, UnreadableFile
from AnnotationQACore.interchange.series.parallel import mapped
from AnnotationQACore.progress import Progress, silent

__all__ = ["WITHOUT_PROCESSES", "FolderScan", "files_by_series", "list_files", "scan_files", "scan_folder"]

_CHUNK: Final = 100

WITHOUT_PROCESSES: Final = (
    "the processes that read headers ended without a word, so the rest was read by one; scripts that use processes "
    'start below if __name__ == "__main__":, or pass no executor.'
)


@dataclass(frozen=True, slots=True)
class FolderScan:
    """What a folder holds.

    Attributes
    ----------
    series : tuple of SeriesHeader
    unreadable : tuple of UnreadableFile
        Files that are no DICOM, or broken beyond their header.
    files : int
        Number of files looked at.
    notes : tuple of str
        What happened on the way and does not change the result.
    """

    series: tuple[SeriesHeader, ...]
    unreadable: tuple[UnreadableFile, ...]
    files: int
    notes: tuple[str, ...] = ()


def scan_folder(
    folder: Path, progress: Progress = silent, executor: Executor | None = None, cache: HeaderCache | None = None
) -> FolderScan:
    """Read the headers of all files under a folder, and group them to series.

    Parameters
    ----------
    folder : Path
    progress : Progress
    executor : Executor, optional
        Reads headers in parallel; without one they are read here.
    cache : HeaderCache, optional
        Headers read before; it is brought up to date (and left for the caller to save).

    Raises
    ------
    InputError
        The folder is not there, or cannot be listed.
    """
    return scan_files(list_files(folder), progress, executor, cache)


def scan_files(
    jobs: Iterable[Job], progress: Progress = silent, executor: Executor | None = None, cache: HeaderCache | None = None
) -> FolderScan:
    """Read the headers of the given files, and group them to series; see `scan_folder`."""
    jobs = list(jobs)
    known, pending = cache.look_up(jobs) if cache is not None else ([], jobs)
    key = cache.key if cache is not None else secrets.token_bytes(16)
    chunks = [pending[start : start + _CHUNK] for start in range(0, len(pending), _CHUNK)]
    results: list[FileHeader | UnreadableFile] = list(known)
    notes: list[str] = []
    batches = mapped(
        None if len(chunks) == 1 else executor,
        functools.partial(read_headers, key=key),
        chunks,
        lambda: notes.append(WITHOUT_PROCESSES),
    )
    progress(len(results), len(jobs))
    fresh: list[FileHeader | UnreadableFile] = []
    for batch in batches:
        fresh += batch
        progress(len(results) + len(fresh), len(jobs))
    if cache is not None:
        cache.update(jobs, fresh)
    results += fresh
    series = group_series(result for result in results if isinstance(result, FileHeader))
    unreadable = sorted((r for r in results if isinstance(r, UnreadableFile)), key=lambda file: file.path)
    return FolderScan(tuple(series), tuple(unreadable), len(jobs), tuple(notes))


def list_files(folder: Path) -> list[Job]:
    """Path, bytes and time of modification of all files under a folder, in the order of their paths; no hidden ones.

    Raises
    ------
    InputError
        The folder is not there, or cannot be listed.
    """
    if folder.is_file():
        raise InputError(f"{folder}: is a file; name the folder that holds it.")
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; check the path.")
    here = f"{os.curdir}{os.sep}"  # what scandir writes before names in the folder one stands in, and Path does not
    return [(path.removeprefix(here), size, modified) for path, size, modified in _walk(str(folder))]


def files_by_series(folder: Path, progress: Progress = silent) -> dict[str, list[Path]]:
    """Files of every DICOM series below a folder, by Series Instance UID; raises `InputError` without the folder."""
    found: dict[str, list[Path]] = {}
    for series in scan_folder(folder, progress=progress).series:
        own = found.setdefault(series.first.series_uid, [])
        own += [file.path for file in series.files if not file.problem]
    return found


def _walk(folder: str) -> Iterator[Job]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check your rights.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.is_file():
            status = entry.stat()
            yield (entry.path, status.st_size, status.st_mtime_ns)
