"""What of an export is done, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from AnnotationQACore.canonical import canonical_bytes, canonical_hash
from AnnotationQACore.errors import DestinationError
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.options import ExportOptions, options_to_json

__all__ = ["JOURNAL", "Written", "case_by_case", "finish", "whole_folder"]

JOURNAL = ".export-journal.jsonl"
_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written of one case.

    Attributes
    ----------
    files : tuple of str
        Relative to the folder of the export, with forward slashes.
    notes : mapping
        JSON-like; what the files about the whole dataset need of it.
    """

    files: tuple[str, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)


def case_by_case(
    exporter: str,
    dataset: Dataset,
    folder: Path,
    options: ExportOptions,
    progress: Progress,
    write: Callable[[ReleaseCase], Written],
) -> dict[str, Written]:
    """Write every case that an interrupted export has not yet written; call `finish` when all else is written.

    Raises
    ------
    DestinationError
        The folder holds an interrupted export of something else, or cannot be written to.
    """
    journal = folder / JOURNAL
    done = _begun(journal, {"exporter": exporter, "key": _key(exporter, dataset, options)}, folder)
    for place, case in enumerate(dataset.cases):
        progress(place, len(dataset.cases), case.id)
        if case.id in done:
            continue
        written = write(case)
        entry = {"case": case.id, "files": list(written.files), "notes": dict(written.notes)}
        _append(journal, entry)
        done[case.id] = _recorded(json.loads(canonical_bytes(entry)))  # as a resumed export reads it
    progress(len(dataset.cases), len(dataset.cases))
    return {case.id: done[case.id] for case in dataset.cases}


def finish(folder: Path, *files: Path, written: Mapping[str, Written]) -> tuple[str, ...]:
    """Forget the journal, and return all files that were written, sorted."""
    with contextlib.suppress(FileNotFoundError):
        (folder / JOURNAL).unlink()
    own = {path.relative_to(folder).as_posix() for path in files}
    return tuple(sorted(own.union(*(one.files for one in written.values()))))


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder, and put it in the place of `folder` when the block succeeds.

    For the many small files of one case, which appear together or not at all.
    """
    temporary = folder.with_name(f"{_TEMPORARY}{secrets.token_hex(6)}-{folder.name}")
    make_folder(temporary)
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                _flush(path)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _begun(journal: Path, head: Mapping[str, Any], folder: Path) -> dict[str, Written]:
    """Cases that are done; starts the journal where there is none."""
    if not journal.exists():
        _append(journal, head)
        return {}
    lines = [line for line in journal.read_bytes().split(b"\n") if line]
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            break  # the line on which the interruption fell
    if not entries:
        journal.unlink()
        _append(journal, head)
        return {}
    if entries[0] != dict(head):
        raise DestinationError(
            f"{folder}: holds an interrupted export of other cases or options; choose an empty folder, or delete it."
        )
    for leftover in list(folder.rglob(f"{_TEMPORARY}*")):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    journal.write_bytes(b"".join(canonical_bytes(entry) + b"\n" for entry in entries))
    found = {entry["case"]: _recorded(entry) for entry in entries[1:]}
    return {case: one for case, one in found.items() if all((folder / name).is_file() for name in one.files)}


def _recorded(entry: Mapping[str, Any]) -> Written:
    return Written(tuple(entry["files"]), entry["notes"])


def _append(journal: Path, entry: Mapping[str, Any]) -> None:
    try:
        with journal.open("ab") as file:
            file.write(canonical_bytes(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _cannot_write(journal, error) from error


def _key(exporter: str, dataset: Dataset, options: ExportOptions) -> str:
    """Hash of all that decides what is written."""
    return canonical_hash(
        {
            "exporter": exporter,
            "name": dataset.name,
            "version": dataset.version,
            "description": dataset.description,
            "licence": dataset.licence,
            "protocol": dataset.protocol.hash,
            "options": options_to_json(options),
            "cases": [_case_key(case, dataset.split_of(case)) for case in dataset.cases],
        }
    )


def _case_key(case: ReleaseCase, split: str) -> list[Any]:
    images = [
        [image.role, image.uid, [[path.name, path.stat().st_size] for path in image.files]] for image in case.images
    ]
    readings = [[reading.name, reading.sha256, len(reading.sources)] for reading in case.readings]
    return [case.id, case.patient, case.time_point, case.site, case.scanner, split, images, readings]


def _cannot_write(path: Path, error: OSError) -> DestinationError:
    reason = error.strerror or type(error).__name__
    return DestinationError(f"{path}: cannot be written ({reason}); free space or choose another folder.")


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
