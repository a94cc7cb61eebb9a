"""Folders around a run: studies of the DICOM database as one folder, and an earlier result that makes way."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from DeidentifyStudyCore.errors import DestinationError, InputError

__all__ = ["earlier_name", "set_aside", "stage"]


def stage(files: Iterable[str], folder: Path) -> None:
    """Link files into a folder by numbers; they are copied where links are not possible.

    The order decides the names, so that a second call with the same files makes the same folder: a run that was
    cancelled can be resumed.

    Raises
    ------
    InputError
        A file of the database is gone, or there is no space.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        for number, file in enumerate(sorted(files)):
            target = folder / f"{number:08}"
            try:
                os.link(file, target)
            except FileNotFoundError:
                raise
            except OSError:  # another disk, or a file system without links
                shutil.copy2(file, target)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(
            "a file of the chosen studies is no longer in the DICOM database; update the database."
        ) from None
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(f"the studies cannot be collected ({error.strerror}); free some space.") from None


def earlier_name(destination: Path) -> str:
    """Name that an earlier result gets, so that a new one can take its place."""
    number = 1
    while any(destination.with_name(f"{destination.name}-earlier-{number}{end}").exists() for end in ("", "-report")):
        number += 1
    return f"{destination.name}-earlier-{number}"


def set_aside(destination: Path, report: Path) -> None:
    """Rename an earlier result and its report; nothing is deleted.

    Raises
    ------
    DestinationError
        A folder cannot be renamed.
    """
    name = earlier_name(destination)
    try:
        report.rename(report.with_name(f"{name}-report"))
        if destination.exists():
            destination.rename(destination.with_name(name))
    except OSError as error:
        raise DestinationError(
            f"the earlier result cannot be renamed ({error.strerror}); choose another folder for the result."
        ) from None
