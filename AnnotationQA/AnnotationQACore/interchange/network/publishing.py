"""Send DICOM objects to a server: checked before, in batches, none twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import InputError, NetworkError
from AnnotationQACore.interchange.network.instance_file import InstanceFile, NotDicom, file_hash, read_instance_file
from AnnotationQACore.interchange.network.patience import Patience, Transient
from AnnotationQACore.interchange.network.server import Server
from AnnotationQACore.interchange.network.web_failures import AccessDenied, TooLarge
from AnnotationQACore.progress import Progress, silent

__all__ = ["BatchSize", "Failure", "Gathered", "Published", "gather", "publish"]


@dataclass(frozen=True, slots=True)
class BatchSize:
    """Bounds of what is sent in one request; a single larger object is sent alone.

    Attributes
    ----------
    objects : int
    bytes : int
    """

    objects: int = 100
    bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was not sent or not taken, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What there is to publish.

    Attributes
    ----------
    objects : tuple of InstanceFile
        Sorted by study, series and SOP Instance UID, each once.
    failures : tuple of Failure
        Files that ought to be DICOM and cannot be sent.
    skipped : tuple of Path
        Other files that lay in the folders.
    """

    objects: tuple[InstanceFile, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the objects.

    Attributes
    ----------
    sent, present : tuple of InstanceFile
        Those that the server took now, and those that it had.
    failures : tuple of Failure
    """

    sent: tuple[InstanceFile, ...]
    present: tuple[InstanceFile, ...]
    failures: tuple[Failure, ...]


def gather(paths: Iterable[Path], progress: Progress = silent) -> Gathered:
    """Find and check the DICOM objects in files and folders (with all subfolders).

    Two files with the same SOP Instance UID are one object when their bytes are the same, and none otherwise: no one
    could say which one a server would keep.

    Raises
    ------
    InputError
        A path does not exist.
    """
    named, found = _listed(paths)
    objects: dict[str, list[InstanceFile]] = defaultdict(list)
    failures, skipped = [], []
    for done, path in enumerate(found):
        progress(done, len(found), path.name)
        try:
            one = read_instance_file(path)
            objects[one.sop_uid].append(one)
        except NotDicom as error:
            if path in named:
                failures.append(Failure(path, _reason(error, path)))
            else:
                skipped.append(path)
        except InputError as error:
            failures.append(Failure(path, _reason(error, path)))
    progress(len(found), len(found))
    unique = []
    for same in objects.values():
        if _all_equal(same):
            unique.append(same[0])
        else:
            reason = "shares its SOP Instance UID with a file of other content; publish one of them"
            failures += [Failure(one.path, reason) for one in same]
    unique.sort(key=lambda one: (one.study_uid, one.series_uid, one.sop_uid))
    return Gathered(tuple(unique), tuple(failures), tuple(skipped))


def publish(
    server: Server,
    objects: Sequence[InstanceFile],
    patience: Patience | None = None,
    batch: BatchSize | None = None,
    progress: Progress = silent,
) -> Published:
    """Send objects that the server does not have yet.

    The server is asked before, and again after each broken connection, so that nothing is sent that has arrived.

    Parameters
    ----------
    server : Server
    objects : sequence of InstanceFile
        As `gather` gives them.
    patience : Patience, optional
        Attempts without a single object taken after which the rest is given up.
    batch : BatchSize, optional
    progress : Progress
        Steps are objects.

    Raises
    ------
    AccessDenied
        The server does not let us in, and has taken nothing.
    Cancelled
        By the user; what was sent stays on the server.
    """
    work = _Work(server, patience or Patience(), batch or BatchSize(), progress, len(objects))
    by_series: dict[tuple[str, str], list[InstanceFile]] = defaultdict(list)
    for one in objects:
        by_series[one.study_uid, one.series_uid].append(one)
    for same in by_series.values():
        work.send_series(same)
    progress(len(objects), len(objects))
    return Published(tuple(work.sent), tuple(work.present), tuple(work.failures))


class _Work:
    """Sending, series by series."""

    def __init__(self, server: Server, patience: Patience, batch: BatchSize, progress: Progress, total: int) -> None:
        self.sent: list[InstanceFile] = []
        self.present: list[InstanceFile] = []
        self.failures: list[Failure] = []
        self._server = server
        self._patience = patience
        self._batch = batch
        self._progress = progress
        self._total = total
        self._lost = ""

    def send_series(self, objects: Sequence[InstanceFile]) -> None:
        if self._lost:
            self._fail(objects, self._lost)
            return
        try:
            there = self._patience.run(lambda: self._find(objects))
        except NetworkError as error:
            self._give_up(objects, error)
            return
        self.present += [one for one in objects if one.sop_uid in there]
        self._send([one for one in objects if one.sop_uid not in there])

    def _send(self, waiting: list[InstanceFile]) -> None:
        """Send batches; they get smaller where the server takes no large ones, or the connection breaks."""
        size, failures = self._batch, 0
        while waiting:
            self._tell(waiting[0])
            now = next(_batches(waiting, size))
            try:
                refused = {one.sop_uid: one.reason for one in self._server.store(now)}
            except TooLarge as error:
                if len(now) == 1:
                    self._fail(now, str(error))
                    waiting = waiting[1:]
                size = BatchSize(max(len(now) // 2, 1), size.bytes)
                continue
            except Transient as error:
                try:
                    arrived, waiting = self._after_break(waiting)
                    failures = 1 if arrived else failures + 1
                    self._patience.pause(failures, error)
                except NetworkError as final:
                    self._give_up(waiting, final)
                    return
                size = BatchSize(max(len(now) // 2, 1), size.bytes)
                continue
            except NetworkError as error:
                if isinstance(error, AccessDenied):
                    self._give_up(waiting, error)
                    return
                self._fail(now, str(error))
                waiting = waiting[len(now) :]
                continue
            failures = 0
            self.sent += [one for one in now if one.sop_uid not in refused]
            self.failures += [Failure(one.path, refused[one.sop_uid]) for one in now if one.sop_uid in refused]
            waiting = waiting[len(now) :]

    def _after_break(self, waiting: list[InstanceFile]) -> tuple[bool, list[InstanceFile]]:
        """Whether anything had arrived before the connection broke, and what is still to be sent."""
        try:
            there = self._find(waiting)
        except Transient:
            return False, waiting
        arrived = [one for one in waiting if one.sop_uid in there]
        self.sent += arrived
        return bool(arrived), [one for one in waiting if one.sop_uid not in there]

    def _find(self, objects: Sequence[InstanceFile]) -> dict[str, str]:
        return self._server.find_instances(objects[0].study_uid, objects[0].series_uid)

    def _give_up(self, objects: Sequence[InstanceFile], error: NetworkError) -> None:
        if isinstance(error, AccessDenied) and not (self.sent or self.present):
            raise error
        if isinstance(error, (AccessDenied, Transient)):
            self._lost = str(error)
        self._fail(objects, str(error))

    def _fail(self, objects: Iterable[InstanceFile], reason: str) -> None:
        self.failures += [Failure(one.path, reason) for one in objects]

    def _tell(self, present: InstanceFile) -> None:
        done = len(self.sent) + len(self.present) + len(self.failures)
        self._progress(done, self._total, present.path.name)


def _batches(objects: Sequence[InstanceFile], size: BatchSize) -> Iterator[list[InstanceFile]]:
    batch: list[InstanceFile] = []
    held = 0
    for one in objects:
        if batch and (len(batch) >= size.objects or held + one.size > size.bytes):
            yield batch
            batch, held = [], 0
        batch.append(one)
        held += one.size
    if batch:
        yield batch


def _listed(paths: Iterable[Path]) -> tuple[set[Path], list[Path]]:
    """Files that are named themselves, and all files in a stable order, each once."""
    named: set[Path] = set()
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_file():
            named.add(path)
            found[path] = None
        elif path.is_dir():
            found |= dict.fromkeys(sorted(file for file in path.rglob("*") if file.is_file()))
        else:
            raise InputError(f"{path}: is not there; check the path.")
    return named, list(found)


def _all_equal(same: Sequence[InstanceFile]) -> bool:
    if len(same) == 1:
        return True
    try:
        return len({(one.size, file_hash(one.path)) for one in same}) == 1
    except OSError:
        return False


def _reason(error: InputError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
