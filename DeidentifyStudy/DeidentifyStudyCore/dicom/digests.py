"""SHA-256 of a file in two parts: everything before the value of the pixel data, and everything from there on.

Two digests say more than one: that of the pixels is the same before and after where nobody touched them, and it need
be computed once only.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from DeidentifyStudyCore.dicom.source import Source, opened
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA
from DeidentifyStudyCore.errors import MalformedFile, Quarantined

__all__ = ["Digests", "digests_of", "digests_of_file", "header_digest", "pixels_start", "sha256_of"]

_CHUNK = 1 << 16


class Digests(NamedTuple):
    """Lower-case hexadecimal; `pixels` is empty where there are none, and for files that are deflated, irregular or no
    DICOM."""

    header: str
    pixels: str


def pixels_start(source: Source) -> int | None:
    """Where the value of the pixel data begins in the file; None when it has none, or cannot be read as it is."""
    if source.is_remade:
        return None
    span = source.first(PIXEL_DATA)
    return None if span is None else span[3]


def digests_of(source: Source, path: str | os.PathLike[str], header: str = "") -> Digests:
    """Digest an open file; `header` is its digest where it is known already."""
    start = pixels_start(source)
    header = header or header_digest(source, path)
    if start is None:
        return Digests(header, "")
    digest = hashlib.sha256()
    for at in range(start, source.size, _CHUNK):
        digest.update(source.read(at, min(at + _CHUNK, source.size)))
    return Digests(header, digest.hexdigest())


def header_digest(source: Source, path: str | os.PathLike[str]) -> str:
    """Digest what comes before the pixels; the whole file where there are none."""
    start = pixels_start(source)
    if start is not None:
        return hashlib.sha256(source.read(0, start)).hexdigest()
    return sha256_of(path)


def digests_of_file(path: str | os.PathLike[str]) -> Digests:
    """Digest a file that may be anything; both parts are empty when it cannot be read.

    Pipes and devices are not opened: reading them may never end.
    """
    try:
        if not Path(path).is_file():
            return Digests("", "")
        with opened(path, whole=True) as source:
            return digests_of(source, path)
    except (MalformedFile, Quarantined):
        return Digests(sha256_of(path), "")
    except OSError:
        return Digests("", "")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Digest all of a file; empty when it cannot be read."""
    try:
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
