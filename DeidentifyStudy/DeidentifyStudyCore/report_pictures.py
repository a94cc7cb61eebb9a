"""Pictures of a report, in a folder beside it, each named by its SHA-256, so that the signed report vouches for it."""

import hashlib
from pathlib import Path

from DeidentifyStudyCore.atomic import replacing
from DeidentifyStudyCore.errors import DestinationError

__all__ = ["PICTURES", "save_picture"]

PICTURES = "pictures"
"""Name of the folder."""


def save_picture(folder: Path, content: bytes) -> str:
    """Save a PNG, and return its SHA-256; the folder is made when it is not there.

    Raises
    ------
    DestinationError
        The folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise DestinationError(f"{folder}: cannot be made ({reason}); choose another --report.") from error
    digest = hashlib.sha256(content).hexdigest()
    with replacing(folder / f"{digest}.png", flush=False) as temporary:
        Path(temporary).write_bytes(content)
    return digest
