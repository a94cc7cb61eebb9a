"""Layouts of files: those of a series mostly have the same elements in the same places.

A layout remembers where the elements of a data set lie together with every byte of the file that says so: the headers
of its elements and of the file meta information, the transfer syntax, and the whole of elements whose length is
undefined. A file of the same size whose bytes there are the same has the same elements in the same places, which a mask
over the header finds out.
"""

import operator
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.dicom.tokenizer import Buffer, Encoding, Span, scan_dataset

__all__ = ["LONGEST_ELEMENT", "Scanned", "recognized", "remember", "scanned"]

_MOST_LAYOUTS = 256
_MOST_OF_A_SIZE = 4
_MOST_ELEMENTS = 1000
_LARGEST_COMPARED = 1 << 16
_LONGEST_GAP = 1 << 8
_COMPARED_OR_NOT = np.array([255, 0], np.uint8)
LONGEST_ELEMENT = 1 << 16
"""Bytes of the elements that are read, compared and remembered as a whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """A scanned file; shared by all files of a layout, and so never changed. Compared by identity.

    Attributes
    ----------
    start : int
        Where the data set begins.
    transfer_syntax : str
        UID as the file meta information has it, or as the data set shows where that is missing.
    spans : list of Span
        From `scan_dataset`.
    end : int
        Where slack begins.
    first : dict of int to Span
        The first element with each tag.
    groups : frozenset of int
        Numbers of the groups that there are.
    elements : struct.Struct or None
        Reads the bytes of all elements at once, empty for the long ones; None until the layout is met again.
    sequences, long : tuple of int
        Numbers of the spans that are or may hold sequences, and of those longer than `LONGEST_ELEMENT`.
    """

    start: int
    encoding: Encoding
    transfer_syntax: str
    spans: list[Span]
    end: int
    first: dict[int, Span]
    groups: frozenset[int]
    elements: struct.Struct | None = None
    sequences: tuple[int, ...] = ()
    long: tuple[int, ...] = ()
    _readers: dict[tuple[int, ...], Callable[[Buffer], tuple[bytes, ...]]] = field(default_factory=dict, init=False)

    def values(self, buffer: Buffer, tags: tuple[int, ...]) -> tuple[bytes, ...]:
        """Values of the first elements with these tags, two at least, as they are; empty where they are absent."""
        reader = self._readers.get(tags)
        if reader is None:
            spans = [self.first.get(tag) for tag in tags]
            places = [slice(0) if span is None else slice(span[3], span[4]) for span in spans]
            reader = self._readers[tags] = operator.itemgetter(*places)
        return reader(buffer)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a file: `mask` is 255 where bytes are compared and 0 elsewhere, `expected` what is there then."""

    start: int
    mask: NDArray[np.uint8]
    expected: bytes

    def fits(self, buffer: Buffer) -> bool:
        found = np.frombuffer(buffer, np.uint8, len(self.mask), self.start)
        return (found & self.mask).tobytes() == self.expected


@dataclass(slots=True)
class _Layout:
    parts: tuple[_Part, ...]
    scanned: Scanned


_OPENED = frozenset({b"SQ", b"UN"})
_known: OrderedDict[int, list[_Layout]] = OrderedDict()
"""By the size of the file."""


def scanned(buffer: Buffer, start: int, encoding: Encoding, transfer_syntax: str) -> Scanned:
    """Scan the data set that begins at `start`; raises what `scan_dataset` raises."""
    spans, end = scan_dataset(buffer, start, len(buffer), encoding)
    first = {span[0]: span for span in reversed(spans)}
    groups = frozenset(tag >> 16 for tag in first)
    return Scanned(start, encoding, transfer_syntax, spans, end, first, groups)


def recognized(buffer: Buffer) -> Scanned | None:
    """Find the layout of a file; None where it was not met before."""
    layouts = _known.get(len(buffer), [])
    for number, layout in enumerate(layouts):
        if all(part.fits(buffer) for part in layout.parts):
            if layout.scanned.elements is None:
                layout.scanned = _met_again(layout.scanned)
            if number:
                layouts.insert(0, layouts.pop(number))
            return layout.scanned
    return None


def _met_again(found: Scanned) -> Scanned:
    lengths = [span[5] - span[2] for span in found.spans]
    form = struct.Struct("=" + "".join(f"{n}s" if n <= LONGEST_ELEMENT else f"0s{n}x" for n in lengths))
    sequences = tuple(number for number, span in enumerate(found.spans) if span[1] in _OPENED)
    long = tuple(number for number, length in enumerate(lengths) if length > LONGEST_ELEMENT)
    return replace(found, elements=form, sequences=sequences, long=long)


def remember(buffer: Buffer, found: Scanned, before: list[tuple[int, int]]) -> None:
    """Remember the layout of a file, if it has no slack and is no larger than most are.

    Parameters
    ----------
    before : list of (int, int)
        Ranges before the data set that say where it begins, and how it is encoded.
    """
    size, spans = len(buffer), found.spans
    if not spans or len(spans) > _MOST_ELEMENTS or not found.end == spans[-1][5] == size:
        return
    headers = [(span[2], span[3] if span[4] == span[5] else span[5]) for span in spans]
    compared = np.fromiter(chain.from_iterable([*before, *headers]), np.int64).reshape(-1, 2)
    if np.diff(compared).sum() > _LARGEST_COMPARED:
        return
    parts = tuple(_parts(buffer, compared))
    if sum(len(part.expected) for part in parts) > _LARGEST_COMPARED:
        return
    layouts = _known.setdefault(size, [])
    layouts.insert(0, _Layout(parts, found))
    del layouts[_MOST_OF_A_SIZE:]
    _known.move_to_end(size)
    while len(_known) > _MOST_LAYOUTS:
        _known.popitem(last=False)


def _parts(buffer: Buffer, compared: NDArray[np.int64]) -> Iterator[_Part]:
    """Stretches that are compared as one: where more lies between two than is worth masking, a new one begins.

    `compared` has the begin and the end of each range, in order, of shape (ranges, 2).
    """
    gaps = compared[1:, 0] - compared[:-1, 1]
    for stretch in np.split(compared, np.flatnonzero(gaps > _LONGEST_GAP) + 1):
        lengths = np.diff(stretch.ravel())
        mask = np.repeat(np.resize(_COMPARED_OR_NOT, len(lengths)), lengths)
        start = int(stretch[0, 0])
        found = np.frombuffer(buffer, np.uint8, len(mask), start)
        yield _Part(start, mask, (found & mask).tobytes())
