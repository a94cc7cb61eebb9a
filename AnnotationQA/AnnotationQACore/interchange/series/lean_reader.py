"""A reader of DICOM headers that does one thing fast: fetch a few top-level elements and find the pixel data.

It knows explicit and implicit VR little endian with a preamble. Whatever else it meets is `Unusual`: pydicom reads it.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from AnnotationQACore.interchange.series.elements import PIXEL_DATA, VRS, Value, decode_value

__all__ = ["PixelLocation", "Truncated", "Unusual", "read_elements"]

_CHUNKS: Final = (1 << 14, 1 << 17, 1 << 21, 1 << 25)
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_SHORT_VRS: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
_IMPLICIT: Final = "1.2.840.10008.1.2"
_DEFLATED_OR_BIG_ENDIAN: Final = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"})
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_SEQUENCE_END_BYTES: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"

_explicit_head = struct.Struct("<HH2sH").unpack_from
_implicit_head = struct.Struct("<HHI").unpack_from
_long_length = struct.Struct("<I").unpack_from


class Unusual(Exception):
    """The file is not of the plain kind that this reader knows."""


class Truncated(Exception):
    """The file ends inside its header or its pixel data."""


class _NeedMore(Exception):
    """The header goes on behind the bytes read so far."""


@dataclass(frozen=True, slots=True)
class PixelLocation:
    """Where the pixel data lies in its file.

    Attributes
    ----------
    tag : int
        Pixel Data, Float Pixel Data or Double Float Pixel Data.
    offset : int
        First byte of the value.
    length : int
        Bytes of the value; -1 when it is encapsulated (compressed).
    """

    tag: int
    offset: int
    length: int


def read_elements(path: Path, size: int) -> tuple[dict[int, Value], PixelLocation | None]:
    """Read the wanted elements of one file, and where its pixel data lies.

    Parameters
    ----------
    path : Path
    size : int
        Bytes of the file.

    Raises
    ------
    Unusual
        pydicom must read it.
    Truncated
        The file ends too early.
    OSError
        It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        buffer = b""
        for chunk in (*_CHUNKS, size):
            buffer += file.read(chunk - len(buffer))
            try:
                elements, location = _parse(buffer, size)
            except (_NeedMore, struct.error):
                if len(buffer) >= size:
                    raise Truncated("its header") from None
                continue
            if location is not None:
                _require_whole(file, location, size)
            return elements, location
    raise Unusual("header larger than the file")


def _parse(buffer: bytes, size: int) -> tuple[dict[int, Value], PixelLocation | None]:
    if buffer[128:132] != b"DICM":
        raise Unusual("no preamble")
    raw: dict[int, bytes] = {}
    position, _ = _walk(buffer, 132, size, raw, explicit=True, last_group=2)
    syntax = raw.get(0x00020010, b"").rstrip(b" \0").decode("latin-1")
    if not syntax or syntax in _DEFLATED_OR_BIG_ENDIAN:
        raise Unusual("transfer syntax")
    _, location = _walk(buffer, position, size, raw, explicit=syntax != _IMPLICIT, last_group=0xFFFF)
    try:
        return {tag: decode_value(VRS[tag], value) for tag, value in raw.items()}, location
    except ValueError as error:
        raise Unusual("character set") from error


def _walk(
    buffer: bytes, position: int, size: int, raw: dict[int, bytes], *, explicit: bool, last_group: int
) -> tuple[int, PixelLocation | None]:
    """Collect wanted elements from `position` to the pixel data, the end of the file or a group after `last_group`."""
    end = len(buffer)
    while position < size:
        if position + 12 > end and end < size:
            raise _NeedMore
        if size - position < 8:
            raise Truncated("its header")
        if buffer[position] | buffer[position + 1] << 8 > last_group:
            break
        tag, start, length = _head(buffer, position, explicit=explicit)
        if tag in PIXEL_DATA:
            return position, PixelLocation(tag, start, -1 if length == _UNDEFINED else length)
        if tag in VRS:
            raw[tag] = b"" if length == _UNDEFINED else buffer[start : start + length]
        if length == _UNDEFINED:
            position = _skip_items(buffer, start, size, explicit=explicit)
            continue
        position = start + length
        if position > size:
            raise Truncated("its header")
        if position > end:
            raise _NeedMore
    return position, None


def _head(buffer: bytes, position: int, *, explicit: bool) -> tuple[int, int, int]:
    """Tag, start of the value, and its length."""
    if not explicit:
        group, element, length = _implicit_head(buffer, position)
        return group << 16 | element, position + 8, length
    group, element, vr, length = _explicit_head(buffer, position)
    if vr in _SHORT_VRS:
        return group << 16 | element, position + 8, length
    if vr in _LONG_VRS:
        (long_length,) = _long_length(buffer, position + 8)
        if vr == b"UN" and long_length == _UNDEFINED:
            raise Unusual("unknown sequence")
        return group << 16 | element, position + 12, long_length
    raise Unusual("value representation")


def _skip_items(buffer: bytes, position: int, size: int, *, explicit: bool) -> int:
    """Position behind a sequence of undefined length whose first item starts at `position`."""
    while True:
        if position + 8 > len(buffer):
            raise Truncated("its header") if len(buffer) >= size else _NeedMore
        group, element, length = _implicit_head(buffer, position)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise Unusual("sequence")
        position = _skip_item(buffer, position, size, explicit=explicit) if length == _UNDEFINED else position + length


def _skip_item(buffer: bytes, position: int, size: int, *, explicit: bool) -> int:
    """Position behind an item of undefined length whose first element starts at `position`."""
    while True:
        if position + 12 > len(buffer) and len(buffer) < size:
            raise _NeedMore
        group, element, length = _implicit_head(buffer, position)
        if group << 16 | element == _ITEM_END:
            return position + 8
        _, start, length = _head(buffer, position, explicit=explicit)
        position = _skip_items(buffer, start, size, explicit=explicit) if length == _UNDEFINED else start + length


def _require_whole(file: IO[bytes], location: PixelLocation, size: int) -> None:
    if location.length >= 0:
        if location.offset + location.length > size:
            raise Truncated("its pixel data")
        return
    file.seek(max(size - 8, location.offset))
    if file.read(8) == _SEQUENCE_END_BYTES:
        return
    position = location.offset
    while True:  # elements may follow the pixel data, so its fragments are counted out
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            raise Truncated("its pixel data")
        group, element, length = _implicit_head(head)
        if group << 16 | element == _SEQUENCE_END:
            return
        if group << 16 | element != _ITEM:
            raise Truncated("its pixel data")
        position += 8 + length
