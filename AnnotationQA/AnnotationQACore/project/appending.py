"""Appending to a ledger file, so that a crash at any byte leaves the events before it whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from AnnotationQACore.errors import DestinationError

__all__ = ["append_bytes"]


def append_bytes(path: Path, content: bytes, size: int) -> None:
    """Append complete lines behind byte `size` of a file and flush them to disk.

    What stands behind `size` is the rest of an interrupted append and is cut off. When writing fails, the file is cut
    back to `size`.

    Raises
    ------
    DestinationError
        The file cannot be written; it is as it was before.
    """
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _write(descriptor, content, size)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        finally:
            os.close(descriptor)
        if is_new:
            _flush_folder(path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DestinationError(
            f"{path}: nothing was recorded ({reason}); free space or ask for the right to write."
        ) from error


def _write(descriptor: int, content: bytes, size: int) -> None:
    if os.fstat(descriptor).st_size > size:
        os.ftruncate(descriptor, size)
    os.lseek(descriptor, size, os.SEEK_SET)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders; NTFS journals the new name itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
