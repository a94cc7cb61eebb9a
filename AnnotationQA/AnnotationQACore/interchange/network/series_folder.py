"""A folder of fetched objects of one series, with a manifest by which the next run knows what is complete."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError, InputError, NetworkError
from AnnotationQACore.interchange.network.instance_file import InstanceFile, file_hash, read_instance_file, safe_name
from AnnotationQACore.interchange.network.patience import Transient

__all__ = ["MANIFEST", "BrokenObject", "FetchedInstance", "SeriesFolder"]

MANIFEST: Final = "manifest.json"
_ARRIVING: Final = "arriving.dcm"
_FORMAT: Final = "annotationqa-fetch/1"


class BrokenObject(Transient):
    """An object arrived and cannot be parsed, or not to its end."""


@dataclass(frozen=True, slots=True)
class FetchedInstance:
    """Entry of the manifest.

    Attributes
    ----------
    file : str
        Name of the file in the folder.
    size : int
        Bytes.
    sha256 : str
        Of the whole file.
    transfer_syntax : str
        UID.
    """

    file: str
    size: int
    sha256: str
    transfer_syntax: str


class SeriesFolder:
    """Folder of one series: one file an object, whole or absent, and the manifest.

    Parameters
    ----------
    root : Path
        Folder of all series; it is made when it is not there.
    series_uid : str

    Raises
    ------
    DestinationError
        The folder cannot be made.
    """

    def __init__(self, root: Path, series_uid: str) -> None:
        self.path = root / safe_name(series_uid)
        self.series_uid = series_uid
        self.instances: dict[str, FetchedInstance] = {}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DestinationError(f"{self.path}: cannot be made ({reason}); choose another folder.") from error
        self._saved: dict[str, FetchedInstance] = {}

    def look(self, wanted: Collection[str]) -> None:
        """Find what is complete: files that are as the manifest says, and files that a crash kept out of it.

        Parameters
        ----------
        wanted : collection of str
            SOP Instance UIDs to look for.
        """
        for rest in (*self.path.glob(f".tmp-*{_ARRIVING}"), self.path / _ARRIVING):  # of a run that was killed
            with contextlib.suppress(OSError):
                rest.unlink(missing_ok=True)
        listed = self._read_manifest()
        self._saved = dict(listed)
        for uid in {*wanted, *listed}:
            name = f"{safe_name(uid)}.dcm"
            found = _as_listed(self.path / name, listed[uid]) if uid in listed else self._adopted(name, uid)
            if found is not None:
                self.instances[uid] = found

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those of the SOP Instance UIDs that are not here."""
        return [uid for uid in wanted if uid not in self.instances]

    def keep(self, chunks: Iterable[bytes], wanted: Collection[str], server: str) -> None:
        """Write one object that arrives in pieces; it counts when it is whole, and what was asked for.

        Parameters
        ----------
        chunks : iterable of bytes
        wanted : collection of str
            SOP Instance UIDs that may come; what is here already is not written again.
        server : str
            Name for messages.

        Raises
        ------
        BrokenObject
            The object is not whole.
        NetworkError
            It is another one than was asked for.
        DestinationError
            The disk is full, or may not be written to.
        """
        arriving = self.path / _ARRIVING
        digest = hashlib.sha256()
        received: InstanceFile | None = None
        with atomic.replacing(arriving) as temporary:
            with temporary.open("wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
            received = _whole(temporary, server)
        try:
            self._file(received, arriving, digest.hexdigest(), wanted, server)
        finally:
            with contextlib.suppress(OSError):
                arriving.unlink(missing_ok=True)

    def save(self, study_uid: str) -> None:
        """Write the manifest if anything has changed, or drop a folder that stayed empty; raises `DestinationError`."""
        if self.instances == self._saved:
            with contextlib.suppress(OSError):  # it holds something
                self.path.rmdir()
            return
        content = {
            "format": _FORMAT,
            "study": study_uid,
            "series": self.series_uid,
            "instances": {uid: asdict(self.instances[uid]) for uid in sorted(self.instances)},
        }
        atomic.write_text(self.path / MANIFEST, json.dumps(content, indent=1) + "\n")
        self._saved = dict(self.instances)

    def _file(self, received: InstanceFile, arriving: Path, sha256: str, wanted: Collection[str], server: str) -> None:
        uid = received.sop_uid
        if uid not in wanted or received.series_uid != self.series_uid:
            raise NetworkError(f"{server}: sends an object that was not asked for; tell its administrator.")
        if uid in self.instances:
            return
        name = f"{safe_name(uid)}.dcm"
        try:
            arriving.replace(self.path / name)
        except OSError as error:
            raise DestinationError(f"{self.path / name}: cannot be written ({error.strerror}).") from error
        self.instances[uid] = FetchedInstance(name, received.size, sha256, received.transfer_syntax)

    def _read_manifest(self) -> dict[str, FetchedInstance]:
        """Entries, none where the manifest is absent or damaged: the files themselves are looked at then."""
        try:
            content = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
            if content["format"] != _FORMAT or content["series"] != self.series_uid:
                return {}
            return {str(uid): FetchedInstance(**entry) for uid, entry in content["instances"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _adopted(self, name: str, uid: str) -> FetchedInstance | None:
        path = self.path / name
        try:
            found = read_instance_file(path)
            if (found.sop_uid, found.series_uid) != (uid, self.series_uid):
                return None
            return FetchedInstance(name, found.size, file_hash(path), found.transfer_syntax)
        except (InputError, OSError):
            return None


def _as_listed(path: Path, entry: FetchedInstance) -> FetchedInstance | None:
    try:
        same = path.name == entry.file and path.stat().st_size == entry.size and file_hash(path) == entry.sha256
    except OSError:
        return None
    return entry if same else None


def _whole(path: Path, server: str) -> InstanceFile:
    try:
        return read_instance_file(path)
    except InputError:
        raise BrokenObject(f"{server}: sent an object that is cut or no DICOM; run the same command again.") from None
