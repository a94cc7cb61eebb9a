"""Places to write to, tried before the work begins."""

import tempfile
from pathlib import Path

from DeidentifyStudyCore.errors import DestinationError

__all__ = ["require_file_place", "require_folder_place"]


def require_folder_place(folder: Path) -> None:
    """Refuse a folder that could not be made or written.

    Raises
    ------
    DestinationError
        It is a file, below a file, the folder one stands in, or cannot be written.
    """
    if folder.name in ("", "..") or folder.resolve() == Path.cwd():
        raise DestinationError(f"{folder}: is a folder that is in use; name a new one, such as {folder / 'new'}.")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise DestinationError(f"{folder}: is not a folder, or lies below a file; choose another folder.")
    _require_writable(there)


def require_file_place(path: Path) -> None:
    """Refuse a file that could not be written, as `require_folder_place` does with a folder."""
    if path.exists() and not path.is_file():
        raise DestinationError(f"{path}: is a folder or a device; name a file.")
    if not path.parent.is_dir():
        raise DestinationError(f"{path}: its folder is not there; create it first.")
    _require_writable(path.parent)


def _require_writable(folder: Path) -> None:
    """Try it: rights alone do not tell of read-only disks and network shares."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DestinationError(f"{folder}: cannot be written into ({reason}); choose another folder.") from error
