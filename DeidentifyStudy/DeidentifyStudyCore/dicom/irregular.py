"""Data sets that are not written as their transfer syntax says, written anew in Explicit VR Little Endian.

Some writers leave the VR of an element blank, go over to implicit VR within a sequence, or write implicit VR where the
transfer syntax is one of compressed pixels. Readers guess what is meant, and what is handed on must not depend on it.
"""

from collections.abc import Callable
from typing import NamedTuple

from DeidentifyStudyCore.dicom.dictionary import dictionary_vr, may_be_signed
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    LONG_VRS,
    MAX_DEPTH,
    PIXEL_DATA,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Buffer,
    end_of_undefined,
)
from DeidentifyStudyCore.errors import MalformedFile

__all__ = ["write_regular"]

_PIXEL_REPRESENTATION = 0x00280103
_LONGEST_SHORT = 0xFFFF
_CHUNK = 1 << 20
_VRS = SHORT_VRS | LONG_VRS


class _Header(NamedTuple):
    """Header of an element; `vr` is the dictionary's where the file has none."""

    tag: int
    vr: bytes
    value: int
    length: int
    explicit: bool


def write_regular(buffer: Buffer, start: int, stop: int, write: Callable[[bytes], object], *, implicit: bool) -> None:
    """Write the elements of ``buffer[start:stop]``, which are little endian, with headers as they should be.

    Values stay as they are. Sequences get undefined lengths.

    Parameters
    ----------
    implicit : bool
        Whether all of the data set is in implicit VR; else elements are, where it shows.

    Raises
    ------
    MalformedFile
        It breaks off, or an element can be read in none or in several ways.
    """
    end = _Regular(buffer, write, implicit).elements(start, stop, 0)
    if end != stop:
        raise MalformedFile("invalid-structure", end)


class _Regular:
    def __init__(self, buffer: Buffer, write: Callable[[bytes], object], implicit: bool) -> None:
        self._buffer = buffer
        self._write = write
        self._implicit = implicit
        self._signed = False

    def elements(self, position: int, stop: int, depth: int) -> int:
        """Write the elements up to `stop` or an item delimiter, and return where they ended."""
        if depth > MAX_DEPTH:
            raise MalformedFile("too-deep", position)
        while position < stop:
            tag = self._tag(position, stop)
            if tag == ITEM_END:
                return position
            if tag >> 16 == 0xFFFE:
                raise MalformedFile("invalid-structure", position)
            position = self._element(self._header(position, stop, tag), stop, depth)
        return position

    def _element(self, header: _Header, stop: int, depth: int) -> int:
        tag, vr, value, length, explicit = header
        if tag == _PIXEL_REPRESENTATION and not depth:
            self._signed = self._buffer[value : value + 2] == b"\1\0"
        if not explicit and self._signed and may_be_signed(tag):
            vr = b"SS"
        if vr == b"SQ":
            return self._sequence(tag, value, stop if length == UNDEFINED else value + length, length, depth)
        if length == UNDEFINED:
            vr = b"OB" if tag == PIXEL_DATA and not explicit else vr
            end = end_of_undefined(self._buffer, value, stop, tag, vr, EXPLICIT_LITTLE, depth)[1]
        else:
            end = value + length
            if vr in SHORT_VRS and length > _LONGEST_SHORT:
                vr = b"UN"  # PS3.5, 6.2.2
        self._write(EXPLICIT_LITTLE.header(tag, vr, length))
        for at in range(value, end, _CHUNK):
            self._write(bytes(self._buffer[at : min(at + _CHUNK, end)]))
        return end

    def _sequence(self, tag: int, position: int, stop: int, length: int, depth: int) -> int:
        self._write(EXPLICIT_LITTLE.header(tag, b"SQ", UNDEFINED))
        while position < stop or length == UNDEFINED:
            found = self._tag(position, stop)
            size = self._number(position + 4, 4)
            position += 8
            if found == SEQUENCE_END and length == UNDEFINED:
                break
            if found != ITEM:
                raise MalformedFile("invalid-structure", position - 8)
            end = stop if size == UNDEFINED else position + size
            if end > stop:
                raise MalformedFile("truncated", position - 8)
            self._write(EXPLICIT_LITTLE.header(ITEM, b"", UNDEFINED))
            position = self.elements(position, end, depth + 1)
            if size == UNDEFINED:
                if position >= stop:
                    raise MalformedFile("truncated", position)
                position += 8
            elif position != end:
                raise MalformedFile("invalid-structure", position)
            self._write(EXPLICIT_LITTLE.header(ITEM_END, b"", 0))
        self._write(EXPLICIT_LITTLE.header(SEQUENCE_END, b"", 0))
        return position

    def _header(self, position: int, stop: int, tag: int) -> _Header:
        vr = self._buffer[position + 4 : position + 6]
        if self._implicit or vr == b"\xff\xff":
            return self._checked(self._read(position, tag, 8, 4), stop)
        if vr in LONG_VRS:
            return self._checked(_Header(tag, vr, position + 12, self._number(position + 8, 4), explicit=True), stop)
        if vr in SHORT_VRS:
            return self._checked(_Header(tag, vr, position + 8, self._number(position + 6, 2), explicit=True), stop)
        if vr.isalpha():
            raise MalformedFile("invalid-vr", position)  # a VR of the future: nobody knows how long its length is
        # implicit; blank with a short length; blank with a long one
        ways = [self._read(position, tag, 8, 4), self._read(position, tag, 8, 2)]
        if self._number(position + 6, 2) == 0:
            ways.append(self._read(position, tag, 12, 4))
        fitting = {(way.value, way.length): way for way in ways if self._fits(way, stop)}
        if len(fitting) != 1:
            raise MalformedFile("invalid-vr", position)
        return fitting.popitem()[1]

    def _read(self, position: int, tag: int, header: int, width: int) -> _Header:
        length = self._number(position + header - width, width)
        vr = dictionary_vr(tag)
        if length == UNDEFINED and tag != PIXEL_DATA:
            vr = b"SQ"
        return _Header(tag, vr, position + header, length, explicit=False)

    def _checked(self, header: _Header, stop: int) -> _Header:
        if header.length != UNDEFINED and header.value + header.length > stop:
            reason = "truncated-pixel-data" if header.tag == PIXEL_DATA else "truncated"
            raise MalformedFile(reason, header.value)
        return header

    def _fits(self, header: _Header, stop: int) -> bool:
        """Whether an element can be what a header says, by what follows it."""
        if header.length == UNDEFINED:
            return self._begins_item(header.value, stop)
        end = header.value + header.length
        if end == stop:
            return True
        if end + 8 > stop or (header.vr == b"SQ" and header.length and not self._begins_item(header.value, stop)):
            return False
        tag = self._tag(end, stop)
        if tag == ITEM_END:
            return self._number(end + 4, 4) == 0
        vr = self._buffer[end + 4 : end + 6]
        known = vr in _VRS or (not vr.isalpha() and dictionary_vr(tag) != b"UN")
        return header.tag < tag and tag >> 16 != 0xFFFE and known

    def _begins_item(self, position: int, stop: int) -> bool:
        return position + 8 <= stop and self._tag(position, stop) in {ITEM, SEQUENCE_END}

    def _tag(self, position: int, stop: int) -> int:
        if position + 8 > stop:
            raise MalformedFile("truncated", position)
        return self._number(position, 2) << 16 | self._number(position + 2, 2)

    def _number(self, position: int, width: int) -> int:
        return int.from_bytes(self._buffer[position : position + width], "little")
