"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from AnnotationQACore.errors import DestinationError

__all__ = ["replacing", "write_bytes", "write_text"]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block succeeds.

    The file and its folder are flushed to disk, so that a crash at any moment leaves the old file or the new one.
    The temporary name keeps the suffixes of `path`, because writers choose the format by them.

    Raises
    ------
    DestinationError
        The folder is missing, read-only or full, or `path` is a folder or a device.
    """
    if path.exists() and not path.is_file():
        raise DestinationError(f"{path}: is no file that can be replaced; name another.")
    temporary = path.with_name(f".tmp-{secrets.token_hex(6)}-{path.name}")
    try:
        temporary.touch(exist_ok=False)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; raises `DestinationError`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8 with Unix line ends to `path`, whole or not at all; raises `DestinationError`."""
    write_bytes(path, content.encode())


def _cannot_write(path: Path, error: OSError) -> DestinationError:
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
