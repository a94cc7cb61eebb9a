"""Studies of the DICOM database as one folder: the command line works on folders."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from DeidentifyStudyCore.errors import InputError

__all__ = ["stage"]


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
