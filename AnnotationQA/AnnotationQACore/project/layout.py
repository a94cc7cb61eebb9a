"""Where things are in a project folder.

::

    project.json                                   identifier, name, key of the founder
    protocols/<hash>.json                          every protocol that was in force
    ledger/<member>.<key fingerprint>.jsonl        what this person did from this device, one signed event a line
    readings/<case>/<reader>/round-1.revision-1.<start of hash>.json, .seg.nrrd
                                                   submitted readings, never changed; the hash keeps two writers apart
    drafts/<case>/<reader>/round-1.json, ...       unfinished work, replaced at every save; not evidence
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.project.readings import FileReference

__all__ = [
    "DRAFTS",
    "LEDGER",
    "PROJECT_FILE",
    "PROTOCOLS",
    "READINGS",
    "SEGMENTATION",
    "draft_file",
    "ledger_file_name",
    "make_folder",
    "protocol_path",
    "reading_path",
    "reference_to",
    "sha256_of",
    "writer_of",
]

PROJECT_FILE = "project.json"
LEDGER = "ledger"
PROTOCOLS = "protocols"
READINGS = "readings"
DRAFTS = "drafts"
SEGMENTATION = ".seg.nrrd"


def ledger_file_name(member: str, key: str) -> str:
    """Name of the file of one writer."""
    return f"{member}.{key}.jsonl"


def writer_of(name: str) -> tuple[str, str] | None:
    """Member and key fingerprint of a ledger file's name; None when it is not one."""
    stem, dot, suffix = name.rpartition(".")
    member, dot2, key = stem.rpartition(".")
    is_key = len(key) == 32 and all(c in "0123456789abcdef" for c in key)
    return (member, key) if suffix == "jsonl" and dot and dot2 and member and is_key else None


def folder_name(identifier: str) -> str:
    """Identifier as a folder name; Windows allows no ``:``."""
    return identifier.replace(":", "@")


def protocol_path(protocol: str) -> str:
    """Path of a protocol in the project, by its hash."""
    return f"{PROTOCOLS}/{protocol}.json"


def reading_path(case: str, reader: str, round_number: int, revision: int, sha256: str, suffix: str = ".json") -> str:
    """Path of a submitted reading, or with suffix `SEGMENTATION` of its voxels, by the file's SHA-256."""
    folder = f"{READINGS}/{folder_name(case)}/{folder_name(reader)}"
    return f"{folder}/round-{round_number}.revision-{revision}.{sha256[:8]}{suffix}"


def draft_file(case: str, reader: str, round_number: int) -> str:
    """Path of a draft in the project."""
    return f"{DRAFTS}/{folder_name(case)}/{folder_name(reader)}/round-{round_number}.json"


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and its parents; raises `DestinationError`."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DestinationError(f"{folder}: cannot be made ({reason}); choose a folder you may write to.") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in lower-case hexadecimal; raises `InputError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); restore it or check the path.") from error


def reference_to(project: Path, path: str) -> FileReference:
    """Path and hash of a file of the project."""
    return FileReference(path, sha256_of(project / path))
