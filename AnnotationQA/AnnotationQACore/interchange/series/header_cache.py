"""Headers read before, kept in the user's own cache folder.

A record is found by a keyed hash of its path, its size and its time of modification; paths, names, IDs and dates of
patients are not in it. The file is readable by its owner only, and losing it costs nothing but time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from AnnotationQACore import atomic
from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.interchange.series.header_reader import Job
from AnnotationQACore.interchange.series.headers import FileHeader, FrameHeader, UnreadableFile
from AnnotationQACore.interchange.series.lean_reader import PixelLocation
from AnnotationQACore.interchange.series.ultrasound import UltrasoundRegion

__all__ = ["HeaderCache", "user_cache_folder"]

_VERSION: Final = 1
_FILE_FIELDS: Final = tuple(field.name for field in dataclasses.fields(FileHeader))[3:]
_FRAME_FIELDS: Final = tuple(field.name for field in dataclasses.fields(FrameHeader))
_REGION_FIELDS: Final = tuple(field.name for field in dataclasses.fields(UltrasoundRegion))
_TAIL: Final = ("regions", "pixels", "problem", "frames")
"""Last fields of a record, and of a `FileHeader`."""
_LAYOUT: Final = hashlib.sha256(repr((_VERSION, _FILE_FIELDS, _FRAME_FIELDS, _REGION_FIELDS)).encode()).hexdigest()[:16]


def user_cache_folder() -> Path:
    """Folder for caches of this user, by the custom of the system.

    Raises
    ------
    InputError
        The user has no home folder, as in some containers.
    """
    habit = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Caches")}
    variable, below_home = habit.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    try:
        base = Path(os.environ.get(variable) or Path.home() / below_home)
    except RuntimeError:
        raise InputError(
            f"this user has no home folder for caches; set {variable or 'HOME'}, or keep none (--no-cache)."
        ) from None
    return base / "annotation-qa" / "headers"


class HeaderCache:
    """Headers of the files of one folder.

    Parameters
    ----------
    path : Path
        File of the cache; it need not be there, and one that cannot be read counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._names: dict[Job, str] = {}
        self._changed = False
        self.key = secrets.token_bytes(16)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_bytes())
            if content["layout"] == _LAYOUT:
                self.key = bytes.fromhex(content["key"])
                self._records, self._digests = dict(content["records"]), dict(content["digests"])

    @classmethod
    def of_folder(cls, folder: Path) -> HeaderCache:
        """Cache of a data folder in the user's cache folder."""
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
        return cls(user_cache_folder() / f"{name}.json")

    def look_up(self, jobs: Sequence[Job]) -> tuple[list[FileHeader | UnreadableFile], list[Job]]:
        """Headers that are known, and the files that must be read."""
        known: list[FileHeader | UnreadableFile] = []
        pending: list[Job] = []
        for job in jobs:
            record = self._records.get(self._name(job))
            result = _restored(job, record) if record is not None else None
            if result is None:
                pending.append(job)
            else:
                known.append(result)
        return known, pending

    def update(self, jobs: Sequence[Job], fresh: Sequence[FileHeader | UnreadableFile]) -> None:
        """Add headers just read, and forget files that are gone."""
        names = {job[0]: self._name(job) for job in jobs}
        present = set(names.values())
        before = len(self._records)
        self._records = {name: record for name, record in self._records.items() if name in present}
        self._digests = {name: digest for name, digest in self._digests.items() if name.split(":")[0] in present}
        self._changed = self._changed or bool(fresh) or len(self._records) != before
        for result in fresh:
            if isinstance(result, UnreadableFile) and result.may_change:
                continue
            self._records[names[str(result.path)]] = _record(result)

    def digest(self, file: FileHeader, kind: str) -> str | None:
        """Digest of a file's pixels that was computed before."""
        return self._digests.get(f"{self._name(_job(file))}:{kind}")

    def remember_digest(self, file: FileHeader, kind: str, digest: str) -> None:
        """Keep a digest of a file's pixels."""
        self._digests[f"{self._name(_job(file))}:{kind}"] = digest
        self._changed = True

    def save(self) -> None:
        """Write the cache where something changed; a folder that cannot be written leaves it unsaved."""
        if not self._changed:
            return
        content = {"layout": _LAYOUT, "key": self.key.hex(), "records": self._records, "digests": self._digests}
        with contextlib.suppress(OSError, AnnotationQAError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with atomic.replacing(self._path) as temporary:
                temporary.chmod(0o600)
                temporary.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
            self._changed = False

    def _name(self, job: Job) -> str:
        name = self._names.get(job)
        if name is None:
            path, size, modified = job
            text = f"{size} {modified} {path}".encode("utf-8", "surrogatepass")
            name = self._names[job] = hashlib.blake2b(text, key=self.key, digest_size=16).hexdigest()
        return name


def _job(file: FileHeader) -> Job:
    return (str(file.path), file.size, file.modified_ns)


def _record(result: FileHeader | UnreadableFile) -> list[Any]:
    if isinstance(result, UnreadableFile):
        return [result.reason, result.is_dicom]
    pixels = result.pixels
    return [
        *(getattr(result, name) for name in _FILE_FIELDS if name not in _TAIL),
        [[getattr(region, name) for name in _REGION_FIELDS] for region in result.regions],
        None if pixels is None else [pixels.tag, pixels.offset, pixels.length],
        result.problem,
        [[getattr(frame, name) for name in _FRAME_FIELDS] for frame in result.frames],
    ]


def _restored(job: Job, record: Any) -> FileHeader | UnreadableFile | None:
    path, size, modified = job
    try:
        if len(record) == 2:
            return UnreadableFile(Path(path), str(record[0]), bool(record[1]))
        *values, regions, pixels, problem, frames = (tuple(v) if type(v) is list else v for v in record)
        location = None if pixels is None else PixelLocation(*pixels)
        arguments: list[Any] = [*values, tuple(map(_restored_region, regions)), location, problem]
        arguments.append(tuple(map(_restored_frame, frames)))
        return FileHeader(Path(path), size, modified, *arguments)
    except (TypeError, ValueError, KeyError):
        return None


def _restored_region(values: Sequence[Any]) -> UltrasoundRegion:
    arguments: list[Any] = [tuple(value) if type(value) is list else value for value in values]
    return UltrasoundRegion(*arguments)


def _restored_frame(values: Sequence[Any]) -> FrameHeader:
    arguments: list[Any] = [tuple(value) if type(value) is list else value for value in values]
    return FrameHeader(*arguments)
