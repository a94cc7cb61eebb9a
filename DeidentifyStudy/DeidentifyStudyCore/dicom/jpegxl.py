"""JPEG XL images without metadata: the code stream alone, of which the headers are read and nothing is decoded.

Boxes of a file (Exif, XML, what a JPEG held besides its image) have no place in DICOM, and go. A code stream is taken
when all that its headers can hold is known to be numbers: one frame without a name, without a preview, extra channels,
an ICC profile or extensions. Sources: ISO/IEC 18181-1 annexes D to F, 18181-2 annex A.
"""

import contextlib
import math
from collections.abc import Sequence
from typing import NamedTuple

from DeidentifyStudyCore.errors import Quarantined

__all__ = ["code_stream_of", "end_of_code_stream"]

_SIGNATURE = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_LAST_PART = 1 << 31
_GREY, _XYB = 1, 2
_CUSTOM = 2
_F16 = 16
_USES_LF_FRAME = 32
_MOST_SECTIONS, _LONGEST_ORDER = 1 << 16, 256
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}

_Choice = tuple[int, int]
"""Least value, and how many bits are added to it."""
_SIZE: Sequence[_Choice] = ((1, 9), (1, 13), (1, 18), (1, 30))
_ENUM: Sequence[_Choice] = ((0, 0), (1, 0), (2, 4), (18, 6))
_XY: Sequence[_Choice] = ((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
_POWERS: Sequence[_Choice] = ((1, 0), (2, 0), (4, 0), (8, 0))
_SECTION: Sequence[_Choice] = ((0, 10), (1024, 14), (17408, 22), (4211712, 30))
_NAME: Sequence[_Choice] = ((0, 0), (0, 4), (16, 5), (48, 10))


def code_stream_of(data: bytes) -> list[tuple[int, int]]:
    """Ranges of an image that make up its code stream: all of it, or the boxes of a file that hold it.

    Raises
    ------
    Quarantined
        It is no JPEG XL, or its boxes cannot be parsed.
    """
    if data[:2] == _SIGNATURE:
        return [(0, len(data))]
    if data[: len(_CONTAINER)] != _CONTAINER:
        raise Quarantined("compressed-metadata")
    found: list[tuple[int, int]] = []
    at, last = len(_CONTAINER), False
    while at + 8 <= len(data) and not last:
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        header = 8
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + size if size else len(data)
        if end > len(data) or end < at + header:
            break
        if kind == b"jxlc":
            return [(at + header, end)]
        if kind == b"jxlp":
            number = int.from_bytes(data[at + header : at + header + 4], "big")
            if number & ~_LAST_PART != len(found) or end < at + header + 4:
                break
            found.append((at + header + 4, end))
            last = bool(number & _LAST_PART)
        at = end
    if not last:
        raise Quarantined("compressed-metadata")
    return found


def end_of_code_stream(data: bytes) -> int:
    """Where a code stream ends, which has nothing but numbers in its headers.

    Raises
    ------
    Quarantined
        It has more than that, or breaks off.
    """
    bits = _Bits(data, 16)
    if data[:2] != _SIGNATURE:
        raise Quarantined("compressed-metadata")
    rows, columns = _size(bits)
    is_xyb = _image_metadata(bits)
    _transform_data(bits, is_xyb=is_xyb)
    bits.align()
    frame = _frame_header(bits, is_xyb=is_xyb)
    rows, columns = (math.ceil(side / frame.upsampling) for side in (rows, columns))
    groups, coarse = (
        math.ceil(rows / side) * math.ceil(columns / side) for side in (frame.group_side, frame.group_side * 8)
    )
    count = 1 if groups == frame.passes == 1 else 2 + coarse + groups * frame.passes
    if count > _MOST_SECTIONS:
        raise Quarantined("compressed-metadata")
    if bits.flag():
        return _end_of_ordered(data, bits.position // 8 + 1, count)
    bits.align()
    end = _end_of_sections(data, bits.position // 8, count)
    if end > len(data):
        raise Quarantined("truncated-pixel-data")
    return end


def _end_of_sections(data: bytes, table: int, count: int) -> int:
    """Where the last of some sections ends, by the table of their sizes; anywhere behind the data where it is."""
    bits = _Bits(data, 8 * table)
    total = 0
    for _ in range(count):
        total += bits.choice(_SECTION)
        if total > len(data):
            break
    bits.align()
    return bits.position // 8 + total


def _end_of_ordered(data: bytes, begin: int, count: int) -> int:
    """Where sections end whose order is written before the table, coded by entropy, as that of large images is.

    The order is not decoded: the table is where it fills the image to its last byte, or but for one of padding.
    """
    for table in range(begin, min(begin + _LONGEST_ORDER + 2 * count, len(data))):
        with contextlib.suppress(Quarantined):
            end = _end_of_sections(data, table, count)
            if end == len(data) or (end == len(data) - 1 and data[end] == 0):
                return end
    raise Quarantined("compressed-metadata")


class _Frame(NamedTuple):
    upsampling: int
    group_side: int
    passes: int


class _Bits:
    """Reads fields, the lowest bits of each byte first."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position

    def number(self, width: int) -> int:
        """A number of so many bits."""
        first, shift = divmod(self.position, 8)
        self.position += width
        if self.position > 8 * len(self._data):
            raise Quarantined("compressed-metadata")
        value = int.from_bytes(self._data[first : (self.position + 7) // 8], "little")
        return value >> shift & (1 << width) - 1

    def flag(self) -> bool:
        """One bit."""
        return self.number(1) == 1

    def choice(self, choices: Sequence[_Choice]) -> int:
        """A number whose first two bits say how it is written (U32)."""
        least, width = choices[self.number(2)]
        return least + self.number(width)

    def require_zero(self, width: int) -> None:
        """Refuse what is not all zero."""
        if self.number(width):
            raise Quarantined("compressed-metadata")

    def align(self) -> None:
        """Go to the next byte; the bits before it are zero."""
        self.require_zero(-self.position % 8)


def _size(bits: _Bits) -> tuple[int, int]:
    """Rows and columns."""
    small = bits.flag()
    rows = 8 * (1 + bits.number(5)) if small else bits.choice(_SIZE)
    ratio = bits.number(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return rows, rows * across // down
    return rows, 8 * (1 + bits.number(5)) if small else bits.choice(_SIZE)


def _image_metadata(bits: _Bits) -> bool:
    """Read what an image says of itself, and return whether its colours are XYB."""
    if bits.flag():
        return True
    further = bits.flag()
    if further:
        bits.number(3)  # orientation
        if bits.flag():
            _size(bits)
        bits.require_zero(2)  # preview, animation
    floating = bits.flag()
    bits.choice(((32, 0), (16, 0), (24, 0), (1, 6)) if floating else ((8, 0), (10, 0), (12, 0), (1, 6)))
    if floating:
        bits.number(4)
    bits.number(1)  # 16 bits suffice
    bits.require_zero(2)  # extra channels: they may hold anything
    is_xyb = bits.flag()
    _colour_encoding(bits)
    if further and not bits.flag():
        bits.number(2 * _F16 + 1 + _F16)  # how bright white is
    bits.require_zero(2)  # extensions
    return is_xyb


def _colour_encoding(bits: _Bits) -> None:
    if bits.flag():
        return
    bits.require_zero(1)  # an ICC profile
    space = bits.choice(_ENUM)
    if space == _XYB:
        bits.choice(_ENUM)
        return
    if bits.choice(_ENUM) == _CUSTOM:
        _coordinates(bits, 1)
    if space != _GREY and bits.choice(_ENUM) == _CUSTOM:
        _coordinates(bits, 3)
    if bits.flag():
        bits.number(24)
    else:
        bits.choice(_ENUM)
    bits.choice(_ENUM)


def _coordinates(bits: _Bits, count: int) -> None:
    for _ in range(2 * count):
        bits.choice(_XY)


def _transform_data(bits: _Bits, *, is_xyb: bool) -> None:
    if bits.flag():
        return
    if is_xyb and not bits.flag():
        bits.number(16 * _F16)
    weights = bits.number(3)
    bits.number(sum(_F16 * count for bit, count in enumerate((15, 55, 210)) if weights >> bit & 1))


def _frame_header(bits: _Bits, *, is_xyb: bool) -> _Frame:
    """Read the header of the only frame."""
    if bits.flag():
        return _Frame(1, 256, 1)
    bits.require_zero(2)  # an image of its own, no part of others
    modular = bits.flag()
    if _flags(bits) & _USES_LF_FRAME:
        raise Quarantined("compressed-metadata")
    if not is_xyb and bits.flag():
        bits.number(3 * 2)  # how colour is subsampled
    upsampling = bits.choice(_POWERS)
    side = 128 << bits.number(2) if modular else 256
    if is_xyb and not modular:
        bits.number(2 * 3)
    passes = _passes(bits)
    bits.require_zero(1)  # a size and a place of its own
    bits.require_zero(2)  # blended with others
    if not bits.flag():
        raise Quarantined("compressed-metadata")  # further frames
    if bits.choice(_NAME):
        raise Quarantined("compressed-metadata")
    _restoration(bits, modular=modular)
    bits.require_zero(2)  # extensions
    return _Frame(upsampling, side, passes)


def _flags(bits: _Bits) -> int:
    """A number of up to 64 bits (U64); longer ones than nine are none of these."""
    kind = bits.number(2)
    if kind == 3:
        raise Quarantined("compressed-metadata")
    least, width = ((0, 0), (1, 4), (17, 8))[kind]
    return least + bits.number(width)


def _passes(bits: _Bits) -> int:
    passes = bits.choice(((1, 0), (2, 0), (3, 0), (4, 3)))
    if passes > 1:
        steps = bits.choice(((0, 0), (1, 0), (2, 0), (3, 1)))
        bits.number(2 * (passes - 1))
        for _ in range(steps):
            bits.choice(_POWERS)
        for _ in range(steps):
            bits.choice(((0, 0), (1, 0), (2, 0), (0, 3)))
    return passes


def _restoration(bits: _Bits, *, modular: bool) -> None:
    """Read how edges are smoothed."""
    if bits.flag():
        return
    if bits.flag() and bits.flag():
        bits.number(6 * _F16)
    if bits.number(2):
        if not modular and bits.flag():
            bits.number(8 * _F16)
        if bits.flag():
            bits.number(5 * _F16)
        if bits.flag():
            bits.number((3 if modular else 4) * _F16)
        if modular:
            bits.number(_F16)
    bits.require_zero(2)  # extensions
