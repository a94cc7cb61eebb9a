"""Finding the elements of a file that has the same ones as another, without scanning it.

What says which elements there are is compared: the headers of all elements, those of the file meta information
included, and the transfer syntax. Elements that have another length in other files, such as UIDs, numbers and
compressed pixels, divide a file into stretches: their length is read, and what follows is expected as much further on.
"""

import operator
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.dicom.elements import Cuts, PassedElements
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_LITTLE,
    LONG_VRS,
    PIXEL_DATA,
    Buffer,
    Encoding,
    Span,
    end_of_undefined,
)
from DeidentifyStudyCore.errors import MalformedFile

__all__ = ["LONGEST_ELEMENT", "LONGEST_REMEMBERED", "PREAMBLE", "TRANSFER_SYNTAX", "Course", "Passage", "is_long"]

LONGEST_ELEMENT = 1 << 16
"""Bytes of the elements that are read and compared as a whole; the pixels never are."""
LONGEST_REMEMBERED = 1 << 10
"""Bytes of the elements that are remembered by the thousand."""
PREAMBLE = 128
TRANSFER_SYNTAX = 0x00020010


class _Stretch(NamedTuple):
    """From the end of one varying element to the value of the next.

    Attributes
    ----------
    size : int
        Bytes.
    header : int
        Bytes of the header of the varying element, the last ones of the stretch.
    width : int
        Bytes of its length, the last ones of its header; 0 where the length is undefined.
    length_at : callable
        Reads the length there; where it is undefined, counts the bytes up to the end of the element.
    least : int or None
        Bytes that its value must have where it is long (`is_long`), so that it is in all files of the layout.
    """

    size: int
    header: int
    width: int
    length_at: Callable[[Buffer, int], tuple[int]]
    least: int | None

    @classmethod
    def before(cls, span: Span, begin: int, encoding: Encoding) -> "_Stretch":
        tag, vr, start, value, stop, end = span
        header = value - start
        least = None if not is_long(span) else 0 if tag == PIXEL_DATA else LONGEST_ELEMENT - header + 1
        if stop != end:
            return cls(value - begin, header, 0, _Undefined(tag, vr, encoding).length_at, least)
        form = "H" if not encoding.implicit and vr not in LONG_VRS else "I"
        length = struct.Struct((">" if encoding.big else "<") + form)
        return cls(value - begin, header, length.size, length.unpack_from, least)


@dataclass(frozen=True, slots=True)
class _Undefined:
    """An element without a length."""

    tag: int
    vr: bytes
    encoding: Encoding

    def length_at(self, buffer: Buffer, value: int) -> tuple[int]:
        """Bytes from its value on, the delimiter included; more than there are where it cannot be parsed."""
        try:
            return (end_of_undefined(buffer, value, len(buffer), self.tag, self.vr, self.encoding, 0)[1] - value,)
        except MalformedFile:
            return (len(buffer) + 1,)


class Passage(NamedTuple):
    """What a course found in a file.

    Attributes
    ----------
    begins : list of int
        Where each stretch begins, and the rest behind the last.
    elements : PassedElements
        Of the data set.
    """

    begins: list[int]
    elements: PassedElements


@dataclass(frozen=True, slots=True)
class Course:
    """The way through the files of a layout, learned from one of them.

    Attributes
    ----------
    encoding : Encoding
        Of the data set.
    stretches : list of _Stretch
        In order.
    rest : int
        Bytes that follow the last varying element.
    varying : list of int
        Numbers of the elements that they end with; negative in the file meta information.
    mask : array of uint8
        255 where the bytes of the stretches and of the rest, joined, are compared; 0 elsewhere.
    expected : bytes
        What is there then.
    cuts : Cuts
        Where the elements of the data set lie in these bytes.
    begins : list of int
        Where the stretches and the rest begin in the file that was learned from, as in `Passage`.
    spans : list of Span
        The data set's in that file.
    stretch_of : list of int
        Number of the stretch, or of the rest, in which each of them begins.
    """

    encoding: Encoding
    stretches: list[_Stretch]
    rest: int
    varying: list[int]
    mask: NDArray[np.uint8]
    expected: bytes
    cuts: Cuts
    begins: list[int]
    spans: list[Span]
    stretch_of: list[int]
    steps: list[tuple[int, int, Callable[[Buffer, int], tuple[int]]]] = field(init=False)
    sizes: list[int] = field(init=False)
    headers: list[int] = field(init=False)
    long: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        for name, value in (
            ("steps", [(s.size, s.size - s.width, s.length_at) for s in self.stretches]),
            ("sizes", [s.size for s in self.stretches]),
            ("headers", [s.header for s in self.stretches]),
            ("long", [(turn, s.least) for turn, s in enumerate(self.stretches) if s.least is not None]),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, buffer: Buffer, meta: list[Span], spans: list[Span], encoding: Encoding, varying: set[int]) -> "Course":
        """Learn from a file with a preamble.

        Parameters
        ----------
        meta, spans : list of Span
            Elements of its file meta information and of its data set.
        varying : set of int
            Numbers of the elements that vary, counted from the first of the file meta information.
        """
        stretches: list[_Stretch] = []
        numbers: list[int] = []
        begins, stretch_of = [PREAMBLE], []
        masks, at = [b"\xff" * len(b"DICM")], len(b"DICM")
        places: list[slice] = []
        for number, span in enumerate([*meta, *spans], -len(meta)):
            _, _, start, _, _, end = span
            if number >= 0:
                stretch_of.append(len(stretches))
            if number + len(meta) in varying:
                last = _Stretch.before(span, begins[-1], encoding if number >= 0 else EXPLICIT_LITTLE)
                stretches.append(last)
                numbers.append(number)
                begins.append(end)
                masks += [b"\xff" * (last.header - last.width), bytes(last.width)]
                at += last.header
                place = slice(at, at)
            else:
                compared = _compared(span)
                masks += [b"\xff" * compared, bytes(end - start - compared)]
                place = slice(at, at + end - start)
                at = place.stop
            if number >= 0:
                places.append(place)
        mask = np.frombuffer(b"".join(masks), np.uint8)
        passed = [buffer[begin : begin + s.size] for begin, s in zip(begins, stretches, strict=False)]
        joined = b"".join([*passed, buffer[begins[-1] :]])
        expected = (np.frombuffer(joined, np.uint8) & mask).tobytes()
        cuts, rest = Cuts.of(places, numbers, at), len(buffer) - begins[-1]
        return cls(encoding, stretches, rest, numbers, mask, expected, cuts, begins, spans, stretch_of)

    @property
    def header(self) -> int:
        """Bytes before the value of the last varying element, in the file that was learned from."""
        return self.begins[-2] + self.stretches[-1].size if self.stretches else self.begins[-1]

    def follow(self, buffer: Buffer, size: int, ending: bytes = b"") -> Passage | None:
        """Go through a file; None where it has other elements.

        Parameters
        ----------
        buffer : bytes or mmap
            The file, or its beginning, which will do where the last varying element is long.
        size : int
            Bytes of the file.
        ending : bytes
            Its last bytes, where `buffer` has only its beginning.
        """
        begins = [at := PREAMBLE]
        try:
            for size_of_stretch, offset, length_at in self.steps:
                at += size_of_stretch + length_at(buffer, at + offset)[0]
                begins.append(at)
        except struct.error:  # a length lies behind the end
            return None
        if at + self.rest != size:
            return None
        values = [*map(operator.add, begins, self.sizes)]
        starts, ends = [*map(operator.sub, values, self.headers)], begins[1:]
        for turn, least in self.long:
            if ends[turn] - values[turn] < least:
                return None
            ends[turn] = 0  # which leaves it out
        if max(map(operator.sub, ends, starts), default=0) > LONGEST_ELEMENT:
            return None
        read = [*map(buffer.__getitem__, map(slice, starts, ends))]
        passed = [*map(buffer.__getitem__, map(slice, begins, values))]
        if size == len(buffer):
            passed.append(buffer[at:])
        elif ends[-1:] == [0]:
            passed.append(ending[len(ending) - self.rest :])
        else:
            return None  # the beginning does not reach far enough
        joined = b"".join(passed)
        if len(joined) != len(self.mask) or (np.frombuffer(joined, np.uint8) & self.mask).tobytes() != self.expected:
            return None
        return Passage(begins, PassedElements(self.cuts, joined, read))

    def span(self, number: int, begins: list[int]) -> Span:
        """Where an element lies in a file; `begins` is what `follow` found there."""
        tag, vr, start, value, stop, end = self.spans[number]
        stretch = self.stretch_of[number]
        shift = begins[stretch] - self.begins[stretch]
        if stretch == len(self.varying) or self.varying[stretch] != number:
            return tag, vr, start + shift, value + shift, stop + shift, end + shift
        return tag, vr, start + shift, value + shift, begins[stretch + 1] - (end - stop), begins[stretch + 1]


def is_long(span: Span) -> bool:
    """Whether an element is never read as a whole: it is longer than `LONGEST_ELEMENT`, or the pixels."""
    return span[5] - span[2] > LONGEST_ELEMENT or span[0] == PIXEL_DATA


def _compared(span: Span) -> int:
    """Bytes that are compared of an element that does not vary: its header, or all of it where there is no length, and
    where it says how others are read."""
    tag, _, start, value, stop, end = span
    return end - start if stop != end or tag == TRANSFER_SYNTAX else value - start
