"""Encapsulated surfaces, STL and OBJ: their coordinates stay, and whatever else a file of them can hold goes.

What is written has the size of what was read, rounded up to an even one: text is filled up with empty lines.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.dicom.byte_range import ByteRange
from DeidentifyStudyCore.dicom.pixeldata import Generated
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.rules.hidden_text import holds_text

__all__ = ["LARGEST_SURFACE", "SURFACES", "is_cleaned_text", "surface_cleaned"]

LARGEST_SURFACE = 256 << 20
"""Bytes of the largest surface that is cleaned: text is read line by line, which takes minutes above."""
_LARGEST_SEARCHED = 1 << 20  # as of all other values in binary
_HEADER, _COUNT, _FACET = 80, 84, 50
_CHUNK = 1 << 14
_OVERLAP = 4  # facets, so that a word that two chunks share is found
_FACETS = np.dtype([("normal", "<u4", 3), ("vertices", "<f4", 9), ("attribute", "<u2")])
_NOT_A_NUMBER = 0x7FC00000
"""What programs write into the normal of a facet without area; other patterns of NaN have room for letters."""
_SIGN = 0x80000000
_LONG = 1e4
_LONGEST_LINE = 1 << 16
_WRITTEN = 1 << 17
"""Bytes of text that are handed over together."""
_NUMBER = re.compile(rb"[+-]?(?:[0-9]{1,24}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})(?:[eE][+-]?[0-9]{1,3})?")
_NO_NORMAL = frozenset({b"nan", b"-nan", b"+nan"})
_CORNER = re.compile(rb"(-?[0-9]{1,10})(?:/(-?[0-9]{1,10})?(?:/(-?[0-9]{1,10}))?)?")
_PADDING = b" \0\t\r\n"
_NAMES = frozenset({b"o", b"g", b"s", b"usemtl", b"mtllib"})
"""Lines of an OBJ that name things, or say how to shade them; they are dropped."""
_NUMBERS_OF = {b"v": (3, 4, 6, 7), b"vt": (1, 2, 3), b"vn": (3,)}


def surface_cleaned(mime: bytes, value: bytes | ByteRange, echo: Echo) -> bytes | Generated:
    """Return an STL (binary or ASCII) or OBJ without header, names, comments and attributes.

    Parameters
    ----------
    mime : bytes
        Of `SURFACES`.
    value : bytes or ByteRange
        The document, padded or not.

    Returns
    -------
    bytes or Generated
        As `value` is: whole, or made anew each time it is written. Of its size, rounded up to an even one. Binary
        coordinates and normals are the same bit for bit, those in ASCII are spelled the same.

    Raises
    ------
    Quarantined
        It is larger than `LARGEST_SURFACE`, does not follow the grammar to its last byte, or its numbers repeat
        something of the patient's or hide text.
    """
    if len(value) > LARGEST_SURFACE:
        raise _refused()
    clean = SURFACES[mime]
    if isinstance(value, bytes):
        return b"".join(clean(ByteRange(value, 0, len(value)), echo))
    for _ in clean(value, echo):
        pass
    return Generated(len(value) + len(value) % 2, lambda: clean(value, None))


def is_cleaned_text(value: bytes, echo: Echo) -> bool:
    """Whether a document is a surface in ASCII that holds nothing but numbers, none of them the patient's.

    Digits of coordinates repeat short numbers of any patient by chance, so that a search of bytes says nothing.
    """
    clean = _stl_in_ascii if value[:5] == b"solid" else _obj
    try:
        return b"".join(clean(ByteRange(value, 0, len(value)), echo)) == value
    except Quarantined:
        return False


def _refused() -> Quarantined:
    return Quarantined("encapsulated-document")


def _stl(value: ByteRange, echo: Echo | None) -> Iterator[bytes]:
    """Clean an STL; programs that begin the header of a binary one with "solid" are known.

    As in all that follows, `echo` is None for what was checked already, and comes in parts.
    """
    count = int.from_bytes(value.read(_HEADER, _COUNT), "little")
    if len(value) >= _COUNT and 0 <= len(value) - (_COUNT + _FACET * count) <= 1:
        return _stl_in_binary(value, count, echo)
    return _stl_in_ascii(value, echo)


def _stl_in_binary(value: ByteRange, count: int, echo: Echo | None) -> Iterator[bytes]:
    end = _COUNT + _FACET * count
    if echo is not None and len(value) <= _LARGEST_SEARCHED:
        facets = np.frombuffer(value.read(_COUNT, end), _FACETS)
        if holds_text(_numbers_of(facets).tobytes(), "OF"):
            raise _refused()
    yield bytes(_HEADER) + value.read(_HEADER, _COUNT)
    before = np.empty(0, _FACETS)
    for start in range(0, count, _CHUNK):
        read = value.read(_COUNT + _FACET * start, min(_COUNT + _FACET * (start + _CHUNK), end))
        facets = np.frombuffer(read, _FACETS)
        if echo is not None:
            _check_facets(np.concatenate((before, facets)), echo)
            before = facets[-_OVERLAP:]
        cleaned = facets.copy()
        cleaned["attribute"] = 0
        yield cleaned.tobytes()
    yield bytes(len(value) + len(value) % 2 - end)


def _numbers_of(facets: NDArray[Any]) -> NDArray[np.float32]:
    """Normals and vertices beside each other, shape (n, 12)."""
    return np.concatenate((facets["normal"].view("<f4"), facets["vertices"]), axis=1)


def _check_facets(facets: NDArray[Any], echo: Echo) -> None:
    numbers = _numbers_of(facets)
    no_normal = (facets["normal"] & ~np.uint32(_SIGN)) == _NOT_A_NUMBER
    finite = np.isfinite(numbers)
    finite[:, :3] |= no_normal
    if not finite.all() or echo.is_in_bytes(numbers.tobytes()):
        raise _refused()
    with np.errstate(invalid="ignore"):
        long = numbers[np.abs(numbers) >= _LONG]
    if long.size and echo.is_in_numbers("FL", long.astype("<f4").tobytes(), big=False):
        raise _refused()


def _filled(lines: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Bring text to its size; each line is as long as it was at most, but for the end of the last one."""
    left = size + size % 2
    waiting: list[bytes] = []
    length = 0
    for line in lines:
        if length > _WRITTEN:
            yield b"".join(waiting)
            left -= length
            waiting, length = [], 0
        waiting.append(line)
        length += len(line)
    yield b"".join(waiting)[:left]
    left -= length
    while left > 0:
        yield b"\n" * min(left, _WRITTEN)
        left -= _WRITTEN


def _words(line: bytes) -> list[bytes]:
    if len(line) > _LONGEST_LINE:
        raise _refused()
    return line.split()


def _check_numbers(words: list[bytes], echo: Echo, *, none: frozenset[bytes] = frozenset()) -> None:
    for word in words:
        if word.lower() in none:
            continue
        if not _NUMBER.fullmatch(word):
            raise _refused()
        number = float(word)
        if not math.isfinite(number):
            raise _refused()
        if abs(number) >= _LONG and number.is_integer() and echo.is_number(word.decode("ascii")):
            raise _refused()


_STL_LINES: dict[str, dict[tuple[bytes, ...], str]] = {
    "start": {(b"solid",): "solid"},
    "solid": {(b"facet", b"normal"): "facet", (b"endsolid",): "start"},
    "facet": {(b"outer", b"loop"): "corner 1"},
    "corner 1": {(b"vertex",): "corner 2"},
    "corner 2": {(b"vertex",): "corner 3"},
    "corner 3": {(b"vertex",): "loop"},
    "loop": {(b"endloop",): "facet done"},
    "facet done": {(b"endfacet",): "solid"},
}
"""What may follow: the words that a line begins with, and where it leads."""
_NAMED = frozenset({(b"solid",), (b"endsolid",)})
_OF_TWO_WORDS = frozenset({b"facet", b"outer"})


def _stl_in_ascii(value: ByteRange, echo: Echo | None) -> Iterator[bytes]:
    return _filled(_lines_of_stl(value, echo), len(value))


def _lines_of_stl(value: ByteRange, echo: Echo | None) -> Iterator[bytes]:
    state, solids = "start", 0
    for line in value.lines(_PADDING):
        words = _words(line)
        if not words:
            continue
        if echo is None:
            yield _known_line(words)
            continue
        keyword, state = _stl_step(state, words)
        rest = words[len(keyword) :]
        if keyword in _NAMED:
            solids += 1
            rest = []
        elif len(rest) != (3 if keyword in {(b"facet", b"normal"), (b"vertex",)} else 0):
            raise _refused()
        _check_numbers(rest, echo, none=_NO_NORMAL if keyword[0] == b"facet" else frozenset())
        yield b" ".join((*keyword, *rest)) + b"\n"
    if echo is not None and (state != "start" or not solids):
        raise _refused()


def _known_line(words: list[bytes]) -> bytes:
    """Line of an STL that follows the grammar, as `_lines_of_stl` leaves it."""
    first = words[0].lower()
    if (first,) in _NAMED:
        return first + b"\n"
    if first in _OF_TWO_WORDS:
        return b" ".join((first, words[1].lower(), *words[2:])) + b"\n"
    return b" ".join((first, *words[1:])) + b"\n"


def _stl_step(state: str, words: list[bytes]) -> tuple[tuple[bytes, ...], str]:
    for keyword, following in _STL_LINES[state].items():
        if tuple(word.lower() for word in words[: len(keyword)]) == keyword:
            return keyword, following
    raise _refused()


def _obj(value: ByteRange, echo: Echo | None) -> Iterator[bytes]:
    return _filled(_lines_of_obj(value, echo), len(value))


def _lines_of_obj(value: ByteRange, echo: Echo | None) -> Iterator[bytes]:
    counts = {b"v": 0, b"vt": 0, b"vn": 0}
    most = [0, 0, 0]
    for line in value.lines(_PADDING):
        keyword, *rest = _words(line.partition(b"#")[0]) or [b""]
        if not keyword or keyword in _NAMES:
            continue
        if echo is not None:
            if keyword in _NUMBERS_OF and len(rest) in _NUMBERS_OF[keyword]:
                _check_numbers(rest, echo)
                counts[keyword] += 1
            elif keyword == b"f" and len(rest) >= 3:
                for corner in rest:
                    _check_corner(corner, list(counts.values()), most)
            else:
                raise _refused()
        yield b" ".join((keyword, *rest)) + b"\n"
    if echo is not None and (
        not counts[b"v"] or any(index > count for index, count in zip(most, counts.values(), strict=True))
    ):
        raise _refused()


def _check_corner(corner: bytes, counts: list[int], most: list[int]) -> None:
    """Check indices of a vertex, its texture and its normal: they count from 1, or back from the last."""
    found = _CORNER.fullmatch(corner)
    if found is None:
        raise _refused()
    for kind, digits in enumerate(found.groups()):
        if digits is None:
            continue
        index = int(digits)
        if index == 0 or -index > counts[kind]:
            raise _refused()
        most[kind] = max(most[kind], index)


SURFACES: dict[bytes, Callable[[ByteRange, Echo | None], Iterator[bytes]]] = {b"model/stl": _stl, b"model/obj": _obj}
"""What cleans an encapsulated surface, by its MIME type (PS3.3, A.85)."""
