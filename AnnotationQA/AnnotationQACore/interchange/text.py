"""Text files of unknown encoding, as people and spreadsheets save them."""

from __future__ import annotations

import codecs
from pathlib import Path

from AnnotationQACore.errors import InputError

__all__ = ["decode_text", "read_text"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """Text of a file in UTF-8, UTF-16 with a byte order mark, or else Windows-1252, as spreadsheets write it.

    Raises
    ------
    InputError
        The file cannot be read, or is binary.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error
    return decode_text(content, path)


def decode_text(content: bytes, path: Path) -> str:
    """Text of the bytes of a file; raises `InputError` when they are no text."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    for candidate in (encoding, "cp1252"):
        try:
            text = content.decode(candidate)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{path}: is not a text file; save it as text in UTF-8.")
