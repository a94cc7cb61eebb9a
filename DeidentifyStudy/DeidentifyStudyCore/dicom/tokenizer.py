"""Where the elements of a DICOM data set lie, found without decoding or copying a value.

A data set becomes a flat list of *spans*, plain tuples because millions are made:

``(tag, vr, start, value, stop, end)``

`start` is the first byte of the element's header, ``buffer[value:stop]`` its value, and `end` the first byte after it
(beyond `stop` by the delimiter where the length is undefined). A sequence is one span; `items` and `fragments` open it.
Source: PS3.5, sections 7.1, 7.5 and A.1 to A.5. Malformed input raises one error, `MalformedFile`, with the offset;
the work is linear in the size times the depth of nesting, which is limited.
"""

import mmap
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.errors import MalformedFile

__all__ = [
    "EXPLICIT_BIG",
    "EXPLICIT_LITTLE",
    "IMPLICIT_LITTLE",
    "ITEM",
    "LONG_VRS",
    "MAX_DEPTH",
    "PIXEL_DATA",
    "SEQUENCE_END",
    "UNDEFINED",
    "Buffer",
    "Encoding",
    "Span",
    "end_of_undefined",
    "fragments",
    "items",
    "scan",
    "scan_dataset",
]

Buffer = bytes | mmap.mmap
Span = tuple[int, bytes, int, int, int, int]

MAX_DEPTH = 64
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
LARGEST_SLACK = 1 << 20

SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_HEADERS = {
    big: tuple(struct.Struct((">" if big else "<") + form) for form in ("HH2sH", "HH2sHI", "HHI"))
    for big in (False, True)
}
"""By byte order: explicit VR with a short and with a long length, implicit VR."""
_HEADER_SIZE = dict.fromkeys(SHORT_VRS, 8) | dict.fromkeys(LONG_VRS, 12)


class Encoding(NamedTuple):
    """How headers of elements are written: VR explicit or implicit, bytes little or big endian."""

    implicit: bool
    big: bool

    @lru_cache(maxsize=1 << 12)  # noqa: B019  # of which there are four
    def header(self, tag: int, vr: bytes, length: int) -> bytes:
        """Encode the header of an element; items and delimiters have no VR in any encoding."""
        short, long, implicit = _HEADERS[self.big]
        if self.implicit or tag >> 16 == 0xFFFE:
            return implicit.pack(tag >> 16, tag & 0xFFFF, length)
        if vr in LONG_VRS:
            return long.pack(tag >> 16, tag & 0xFFFF, vr, 0, length)
        return short.pack(tag >> 16, tag & 0xFFFF, vr, length)

    def element(self, tag: int, vr: bytes, value: bytes) -> bytes:
        """Encode an element whose value is already padded to an even length."""
        return self.header(tag, vr, len(value)) + value


EXPLICIT_LITTLE = Encoding(implicit=False, big=False)
EXPLICIT_BIG = Encoding(implicit=False, big=True)
IMPLICIT_LITTLE = Encoding(implicit=True, big=False)

_Unpack = Callable[[Buffer, int], tuple[Any, ...]]
_EXPLICIT: dict[bool, _Unpack] = {big: _HEADERS[big][0].unpack_from for big in (False, True)}
_IMPLICIT: dict[bool, _Unpack] = {big: _HEADERS[big][2].unpack_from for big in (False, True)}
_LENGTH: dict[bool, _Unpack] = {big: struct.Struct((">" if big else "<") + "I").unpack_from for big in (False, True)}


def scan(buffer: Buffer, start: int, stop: int, encoding: Encoding, depth: int = 0) -> list[Span]:
    """List the elements of ``buffer[start:stop]``, which must end exactly at `stop`.

    Raises
    ------
    MalformedFile
        An element breaks off, has a VR that does not exist, or is nested too deep.
    """
    spans: list[Span] = []
    position = _scan(buffer, start, stop, encoding, depth, spans)
    if position != stop:
        raise MalformedFile("invalid-structure", position)
    return spans


def scan_dataset(buffer: Buffer, start: int, stop: int, encoding: Encoding) -> tuple[list[Span], int]:
    """List the elements of a whole data set, and say where slack begins that follows it (`stop` when there is none).

    Slack is what cannot be an element: anything after the pixel data that does not parse, trailing zeros, and a short
    tail that begins with a tag the standard does not have. Every other fault raises `MalformedFile`.
    """
    spans: list[Span] = []
    try:
        position = _scan(buffer, start, stop, encoding, 0, spans)
        if position != stop:
            raise MalformedFile("invalid-structure", position)
    except MalformedFile:
        position = spans[-1][5] if spans else start
        if not spans or not _is_slack(buffer, position, stop, encoding, spans):
            raise
        return spans, position
    return _without_unordered_tail(spans, stop)


def _without_unordered_tail(spans: list[Span], stop: int) -> tuple[list[Span], int]:
    """Cut what parses by chance after the pixel data, but has a tag that cannot follow them."""
    tags = [span[0] for span in spans]
    if PIXEL_DATA not in tags or tags.index(PIXEL_DATA) == len(tags) - 1:
        return spans, stop
    for later in range(tags.index(PIXEL_DATA) + 1, len(spans)):
        if tags[later] <= PIXEL_DATA:
            return spans[:later], spans[later][2]
    return spans, stop


def _is_slack(buffer: Buffer, position: int, stop: int, encoding: Encoding, spans: list[Span]) -> bool:
    if stop - position > LARGEST_SLACK:
        chunks = (bytes(buffer[at : at + LARGEST_SLACK]) for at in range(position, stop, LARGEST_SLACK))
        return spans[-1][0] >= PIXEL_DATA and not any(chunk.strip(b"\0") for chunk in chunks)
    tail = bytes(buffer[position:stop])
    if not tail.strip(b"\0"):
        return True
    if len(tail) < 8:
        return spans[-1][0] >= PIXEL_DATA
    group, element, *_ = _IMPLICIT[encoding.big](tail, 0)
    tag = group << 16 | element
    if spans[-1][0] >= PIXEL_DATA:
        return bool(tag != PIXEL_DATA)
    unknown = dictionary_vr(tag) == b"UN" and not 0x0009 <= group < 0x7FE0
    invalid_vr = not encoding.implicit and tail[4:6] not in _HEADER_SIZE
    return bool(unknown or (invalid_vr and dictionary_vr(tag) == b"UN"))


def items(buffer: Buffer, span: Span, encoding: Encoding, depth: int = 0) -> list[tuple[int, int, int, int]]:
    """List the items of a sequence as ``(start, value, stop, end)``, with the meaning that spans give to these
    words."""
    result: list[tuple[int, int, int, int]] = []
    position, stop = span[3], span[4]
    while position < stop:
        tag, length = _item_header(buffer, position, stop, encoding)
        if tag != ITEM:
            raise MalformedFile("invalid-structure", position)
        value = position + 8
        if length == UNDEFINED:
            item_stop = _scan(buffer, value, stop, encoding, depth + 1, None)
            end = item_stop + 8
            if end > stop or _item_header(buffer, item_stop, stop, encoding)[0] != ITEM_END:
                raise MalformedFile("truncated", item_stop)
        else:
            item_stop = end = value + length
            if end > stop:
                raise MalformedFile("truncated", position)
        result.append((position, value, item_stop, end))
        position = end
    return result


def fragments(buffer: Buffer, span: Span, encoding: Encoding) -> list[tuple[int, int]]:
    """List the items of encapsulated pixel data as ``(value, stop)``; the first is the Basic Offset Table (PS3.5,
    A.4)."""
    result = []
    position, stop = span[3], span[4]
    while position < stop:
        tag, length = _item_header(buffer, position, stop, encoding)
        if tag != ITEM or position + 8 + length > stop:
            raise MalformedFile("invalid-structure", position)
        result.append((position + 8, position + 8 + length))
        position += 8 + length
    return result


def _item_header(buffer: Buffer, position: int, stop: int, encoding: Encoding) -> tuple[int, int]:
    if position + 8 > stop:
        raise MalformedFile("truncated", position)
    group, element, length = _IMPLICIT[encoding.big](buffer, position)
    return group << 16 | element, length


def _scan(  # noqa: C901  # one loop over millions of elements: calls would cost more than they tell
    buffer: Buffer, position: int, stop: int, encoding: Encoding, depth: int, spans: list[Span] | None
) -> int:
    """Append the spans up to `stop` or an item delimiter, and return where it ended."""
    if depth > MAX_DEPTH:
        raise MalformedFile("too-deep", position)
    if encoding.implicit:
        return _scan_implicit(buffer, position, stop, encoding, depth, spans)
    unpack, unpack_length = _EXPLICIT[encoding.big], _LENGTH[encoding.big]
    sizes = _HEADER_SIZE
    append = spans.append if spans is not None else None
    while position < stop:
        if position + 8 > stop:
            raise MalformedFile("truncated", position)
        group, element, vr, length = unpack(buffer, position)
        size = sizes.get(vr)
        tag = group << 16 | element
        if size is None:
            if tag == ITEM_END:
                return position
            raise MalformedFile("invalid-structure" if group == 0xFFFE else "invalid-vr", position)
        value = position + size
        if size == 12:
            if value > stop:
                raise MalformedFile("truncated", position)
            (length,) = unpack_length(buffer, position + 8)
            if length == UNDEFINED:
                value_stop, end = end_of_undefined(buffer, value, stop, tag, vr, encoding, depth)
                if append:
                    append((tag, vr, position, value, value_stop, end))
                position = end
                continue
        end = value + length
        if end > stop:
            raise MalformedFile("truncated-pixel-data" if tag == PIXEL_DATA else "truncated", position)
        if append:
            append((tag, vr, position, value, end, end))
        position = end
    return position


def _scan_implicit(
    buffer: Buffer, position: int, stop: int, encoding: Encoding, depth: int, spans: list[Span] | None
) -> int:
    unpack = _IMPLICIT[encoding.big]
    while position < stop:
        if position + 8 > stop:
            raise MalformedFile("truncated", position)
        group, element, length = unpack(buffer, position)
        tag = group << 16 | element
        if group == 0xFFFE:
            if tag == ITEM_END:
                return position
            raise MalformedFile("invalid-structure", position)
        value = position + 8
        vr = dictionary_vr(tag)
        if length == UNDEFINED:
            if tag != PIXEL_DATA:
                vr = b"SQ"
            value_stop, end = end_of_undefined(buffer, value, stop, tag, vr, encoding, depth)
        else:
            value_stop = end = value + length
            if end > stop:
                raise MalformedFile("truncated-pixel-data" if tag == PIXEL_DATA else "truncated", position)
        if spans is not None:
            spans.append((tag, vr, position, value, value_stop, end))
        position = end
    return position


def end_of_undefined(
    buffer: Buffer, value: int, stop: int, tag: int, vr: bytes, encoding: Encoding, depth: int
) -> tuple[int, int]:
    """Find where a value of undefined length ends, and its element: a sequence, encapsulated pixels, or UN that holds a
    sequence.

    Raises
    ------
    MalformedFile
        It cannot be parsed.
    """
    if vr not in {b"SQ", b"UN", b"OB", b"OW"} or (vr in {b"OB", b"OW"} and tag != PIXEL_DATA):
        raise MalformedFile("invalid-structure", value)
    inner = (
        IMPLICIT_LITTLE if vr == b"UN" else encoding
    )  # PS3.5, 6.2.2 note 2: the content of UN is implicit little endian
    frames = tag == PIXEL_DATA and vr != b"SQ"
    if frames:
        inner = encoding
    position = value
    while True:
        found, length = _item_header(buffer, position, stop, inner)
        if found == SEQUENCE_END:
            return position, position + 8
        if found != ITEM:
            raise MalformedFile("invalid-structure", position)
        if length != UNDEFINED:
            position += 8 + length
            if position > stop:
                raise MalformedFile("truncated-pixel-data" if frames else "truncated", position - 8 - length)
            continue
        if frames:
            raise MalformedFile("invalid-structure", position)
        item_stop = _scan(buffer, position + 8, stop, inner, depth + 1, None)
        if _item_header(buffer, item_stop, stop, inner)[0] != ITEM_END:
            raise MalformedFile("truncated", item_stop)
        position = item_stop + 8
