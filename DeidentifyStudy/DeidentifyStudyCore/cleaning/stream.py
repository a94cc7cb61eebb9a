"""Writing a rewritten object: headers as bytes, long ranges handed from file to file by the kernel."""

import errno
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from DeidentifyStudyCore.cleaning.engine import Rewritten
from DeidentifyStudyCore.dicom.codestream import Piece
from DeidentifyStudyCore.dicom.pixeldata import Generated, Masked
from DeidentifyStudyCore.dicom.source import DEFLATED, SHORT_RANGE, Source

__all__ = ["BULK_RANGE", "copied_ranges", "write_object"]

BULK_RANGE = 1 << 16
_CHUNK = 1 << 20
_OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def write_object(source: Source, rewritten: Rewritten, path: str | os.PathLike[str]) -> None:
    """Write preamble, file meta information and data set to `path`; raises `OSError` where that fails."""
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123  # a Path takes longer to make
        if source.transfer_syntax == DEFLATED:
            _write(file, rewritten.meta)
            _write_deflated(source, rewritten.pieces, file)
        else:
            _write_pieces(source, [rewritten.meta, *rewritten.pieces], file)


def copied_ranges(pieces: list[Piece | Masked | Generated], begin: int) -> list[tuple[int, int, int]]:
    """Long ranges that must be equal in both files: start in the source, start in the output, length."""
    result = []
    position = begin
    for piece in pieces:
        if isinstance(piece, bytes):
            position += len(piece)
        elif isinstance(piece, tuple):
            start, stop = piece
            if stop - start >= BULK_RANGE:
                result.append((start, position, stop - start))
            position += stop - start
        else:
            position += piece.size
    return result


def _write_pieces(source: Source, pieces: list[Piece | Masked | Generated], file: BinaryIO) -> None:
    small: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            small.append(piece)
        elif isinstance(piece, tuple) and piece[1] - piece[0] < BULK_RANGE:
            small.append(bytes(source.view(*piece)))
        else:
            _write(file, b"".join(small))
            small = []
            if isinstance(piece, tuple):
                _copy(source, piece[0], piece[1], file)
            else:
                for chunk in _chunks(source, piece):
                    _write(file, chunk)
    _write(file, b"".join(small))


def _write(file: BinaryIO, content: bytes | memoryview) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _copy(source: Source, start: int, stop: int, file: BinaryIO) -> None:
    """Copy a range in the kernel where it can, else through memory in chunks.

    Short ranges are written from the map, whose pages are the kernel's own: they have been looked at by then, and that
    takes two thirds of the time.
    """
    if stop - start <= SHORT_RANGE:
        with source.view(start, stop) as content:
            _write(file, content)
        return
    if hasattr(os, "copy_file_range"):
        try:
            while start < stop:
                done = os.copy_file_range(source.file.fileno(), file.fileno(), stop - start, start)
                if done == 0:
                    break
                start += done
        except OSError as error:
            if error.errno in _OUT_OF_SPACE:
                raise
    while start < stop:
        _write(file, source.buffer[start : min(start + _CHUNK, stop)])
        start = min(start + _CHUNK, stop)


def _masked(source: Source, piece: Masked) -> Iterator[bytes]:
    """Cells with some bits cleared, in chunks."""
    kind = np.dtype(f"{'>' if piece.big else '<'}u{piece.width}")
    for start in range(piece.start, piece.stop, _CHUNK):
        raw = bytes(source.buffer[start : min(start + _CHUNK, piece.stop)])
        whole = len(raw) // piece.width * piece.width
        cells = np.frombuffer(raw[:whole], kind) & kind.type(piece.mask)
        yield cells.astype(kind).tobytes() + raw[whole:]


def _write_deflated(source: Source, pieces: list[Piece | Masked | Generated], file: BinaryIO) -> None:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = 0
    for piece in pieces:
        for chunk in _chunks(source, piece):
            compressed = deflater.compress(chunk)
            size += len(compressed)
            _write(file, compressed)
    rest = deflater.flush()
    _write(file, rest + b"\0" * ((size + len(rest)) % 2))


def _chunks(source: Source, piece: Piece | Masked | Generated) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        yield piece
    elif isinstance(piece, Generated):
        yield from piece.chunks()
    elif isinstance(piece, Masked):
        yield from _masked(source, piece)
    else:
        for at in range(piece[0], piece[1], _CHUNK):
            yield bytes(source.buffer[at : min(at + _CHUNK, piece[1])])
