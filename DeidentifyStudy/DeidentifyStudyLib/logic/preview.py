"""What would happen to one file, for a table: nothing is written."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from slicer.i18n import tr as _

from DeidentifyStudyCore.cleaning.explain import Explanation, explain_file
from DeidentifyStudyCore.errors import DeidentifyError, MalformedFile, Quarantined
from DeidentifyStudyCore.identity.keyfile import ephemeral_secret
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.quarantine import REASONS

__all__ = ["Preview", "first_object", "preview_of"]

_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """Rows of the table, or why there are none."""

    rows: tuple[Explanation, ...] = ()
    problem: str = ""

    def counts(self) -> dict[str, int]:
        """How often each action occurs."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.action] = found.get(row.action, 0) + 1
        return found


def preview_of(path: Path, profile: Profile) -> Preview:
    """Explain one file with a key of its own: identifiers look as they will, but will be others in the run."""
    if not path.is_file():
        return Preview(problem=_("There is no such file: choose a DICOM file of the source."))
    try:
        return Preview(tuple(explain_file(path, profile, ephemeral_secret(), profile.patient_id.format(n=1))))
    except (Quarantined, MalformedFile) as error:
        return Preview(problem=_("This file would not be written: {reason}.").format(reason=REASONS[error.reason]))
    except DeidentifyError as error:
        return Preview(problem=str(error))
    except Exception:  # a traceback would bring values of the file into Slicer's log
        return Preview(problem=_("The program failed on this file: please report its kind, and what made it."))


def first_object(folder: Path) -> Path | None:
    """First file of a folder that looks like DICOM; None when none of the first few does.

    The folder is not listed to its end, which takes long on a network.
    """
    paths = (Path(place) / name for place, names in _walk(folder) for name in names)
    files = (path for path in paths if path.is_file() and not path.is_symlink())
    return next((path for path in islice(files, _LOOKED_AT) if _looks_like_dicom(path)), None)


def _walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield place, sorted(names)


def _looks_like_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM" and path.name != "DICOMDIR"
    except OSError:
        return False
