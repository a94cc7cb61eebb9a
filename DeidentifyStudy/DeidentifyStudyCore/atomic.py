"""Files that are there whole or not at all."""

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from DeidentifyStudyCore.errors import DestinationError

__all__ = ["flush_files", "remove_leftovers", "replacing", "write_bytes", "write_text"]

_TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{12}-")


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, flush: bool = True) -> Iterator[str]:
    """Yield the path of a temporary file to write beside `path`, and rename it to `path` when the block succeeds.

    The file and its folder are flushed to disk, so that a crash at any moment leaves the old file or the new one.
    The temporary name keeps the suffixes of `path`, because writers choose the format by them. With ``flush=False``
    the caller flushes many files at once with `flush_files`, before it records them as done.

    Raises
    ------
    DestinationError
        The folder is missing, read-only or full.
    """
    path = os.fspath(path)
    name = os.path.basename(path)  # noqa: PTH119  # as text: a Path takes longer to join than a file to be found
    temporary = f"{path.removesuffix(name)}.tmp-{secrets.token_hex(6)}-{name}"
    try:
        yield temporary  # not made yet: ext4 writes a file that was emptied to disk when it is closed
        if flush:
            _flush(Path(temporary))
        os.replace(temporary, path)  # noqa: PTH105
        if flush:
            _flush_folder(Path(path).parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from error
        raise


def remove_leftovers(*folders: Path) -> None:
    """Remove the temporary files of a run that was killed; what cannot be removed stays."""
    for folder in folders:
        for path in folder.rglob(".tmp-*"):
            if _TEMPORARY.match(path.name):
                with contextlib.suppress(OSError):
                    path.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; raises `DestinationError`."""
    with replacing(path) as temporary:
        Path(temporary).write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8 with Unix line ends to `path`, whole or not at all; raises `DestinationError`."""
    write_bytes(path, content.encode())


def flush_files(paths: Iterable[Path]) -> None:
    """Flush files and their folders to disk; raises `DestinationError`.

    Linux flushes everything at once and waits for it (sync(2)): the kernel's own threads write, and for many files that
    costs one commit of the journal instead of one for each.
    """
    if sys.platform == "linux":
        os.sync()
        return
    folders: set[Path] = set()
    for path in paths:
        try:
            _flush(path)
            folders.add(path.parent)
        except OSError as error:
            raise _cannot_write(path, error) from error
    for folder in folders:
        _flush_folder(folder)


def _cannot_write(path: str | os.PathLike[str], error: OSError) -> DestinationError:
    reason = error.strerror or type(error).__name__
    return DestinationError(f"{path}: cannot be written ({reason}); free space or choose a folder you may write to.")


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders; NTFS journals the rename itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
