"""Bits of pixel cells that belong to no sample, in which text can hide (PS3.5, 8.1.1: they are to be disregarded).

What is there is either hidden, an old overlay say, or the values need more bits than Bits Stored admits, which happens
where a header is wrong. The two look different. Hidden bits make islands, and where an island begins the stored bits do
not notice. Bits of values change nearly everywhere, or just where the stored bits overflow. Only hidden bits are
cleared: clearing the others would destroy the image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.dicom.source import SHORT_RANGE, Source

__all__ = [
    "CLEARED",
    "KEPT",
    "CellForm",
    "cleared",
    "cleared_chunks",
    "count",
    "find_hidden",
    "holds_more",
    "is_hidden",
]

CLEARED = "unused bits cleared"
KEPT = "bits beyond Bits Stored belong to the values, and were kept"

_CHUNK = 1 << 20
_MOST_CHANGES, _MOST_OVERFLOWS = 0.3, 0.25
"""Of neighbours: that differ in hidden bits; and of these, that differ less with these bits than without them."""
_SAMPLED_CHUNKS = 32

Cells = NDArray[Any]


@dataclass(frozen=True, slots=True)
class CellForm:
    """Where samples lie in their cells; names as in PS3.3, C.7.6.3.

    Attributes
    ----------
    padding : int or None
        Cell that Pixel Padding Value fills; it may lie outside of the stored bits.
    """

    allocated: int
    stored: int
    high: int
    signed: bool
    big: bool = False
    padding: int | None = None

    @property
    def unused(self) -> int:
        """Mask of the bits that hold no part of a sample."""
        return ((1 << self.allocated) - 1) & ~(((1 << self.stored) - 1) << (self.high + 1 - self.stored))

    @property
    def kind(self) -> np.dtype[Any]:
        """Unsigned cells as they lie in the file."""
        return np.dtype(f"{'>' if self.big else '<'}u{self.allocated // 8}")

    @property
    def is_sensible(self) -> bool:
        """Whether there are unused bits, and the description of the cells contradicts itself nowhere."""
        return self.allocated in {8, 16, 32} and 1 <= self.stored < self.allocated > self.high >= self.stored - 1


def cleared(cells: Cells, form: CellForm) -> Cells:
    """Cells whose unused bits are zeros, or their sign where they carry it already; padding stays."""
    plain: Cells = cells & cells.dtype.type(~form.unused & ((1 << form.allocated) - 1))
    result = plain
    if form.signed:
        sign = (cells >> cells.dtype.type(form.high)) & cells.dtype.type(1)
        above = ((1 << form.allocated) - 1) & ~((1 << (form.high + 1)) - 1)
        extended: Cells = plain | (sign * cells.dtype.type(above))
        result = np.where(cells == plain, plain, extended)
    return result if form.padding is None else np.where(cells == form.padding, cells, result)


def holds_more(cells: Cells, form: CellForm) -> bool:
    """Whether unused bits of any cell hold more than zeros, a sign or padding; most often at the cost of a maximum."""
    if form.high == form.stored - 1:
        if int(cells.max()) < 1 << form.stored:
            return False
        if form.signed:
            values = cells.view(cells.dtype.str.replace("u", "i"))
            half = 1 << (form.stored - 1)
            if -half <= int(values.min()) and int(values.max()) < half:
                return False
    elif not int(np.bitwise_or.reduce(cells, axis=None)) & form.unused:
        return False
    return bool((cleared(cells, form) != cells).any())


def is_hidden(changes: int, overflows: int, neighbours: int) -> bool:
    """Whether unused bits hide something, from what `count` counts."""
    return changes <= _MOST_CHANGES * neighbours and overflows <= _MOST_OVERFLOWS * changes


def find_hidden(source: Source, start: int, stop: int, form: CellForm) -> bool | None:
    """Whether unused bits in a range of native pixels hide something; None where they hold nothing.

    Parameters
    ----------
    start, stop : int
        Range of the source.
    """
    if not any(holds_more(cells, form) for cells in _cells(source, start, stop, form)):
        return None
    counts = np.zeros(3, np.int64)
    sampled = 0
    for cells in _cells(source, start, stop, form):
        if sampled < _SAMPLED_CHUNKS and holds_more(cells, form):
            counts += count(cells, form)
            sampled += 1
    return is_hidden(*map(int, counts))


def count(cells: Cells, form: CellForm) -> tuple[int, int, int]:
    """Count neighbours in a row that differ in unused bits, those of them that differ less with these bits, and all."""
    flat = np.ascontiguousarray(cells).reshape(-1)
    surplus = flat ^ cleared(flat, form)
    differs = np.flatnonzero(surplus[1:] != surplus[:-1])
    above = surplus >> surplus.dtype.type(form.high)
    whole = (flat.view(flat.dtype.str.replace("u", "i")) if form.signed else flat).astype(np.int64)
    stored = flat.astype(np.int64) & ~form.unused
    if form.signed:
        sign = 1 << form.high
        stored = (stored ^ sign) - sign
    less = np.abs(whole[differs + 1] - whole[differs]) < np.abs(stored[differs + 1] - stored[differs])
    overflows = less & (above[differs + 1] != above[differs])
    return len(differs), int(np.count_nonzero(overflows)), len(flat) - 1


def cleared_chunks(source: Source, start: int, stop: int, form: CellForm) -> Iterator[bytes]:
    """Bytes of a range with its unused bits cleared."""
    for cells in _cells(source, start, stop, form):
        yield cleared(cells, form).astype(form.kind, copy=False).tobytes()


def _cells(source: Source, start: int, stop: int, form: CellForm) -> Iterator[Cells]:
    width = form.allocated // 8
    stop -= (stop - start) % width
    if stop - start <= SHORT_RANGE:
        yield np.frombuffer(source.view(start, stop), form.kind)
        return
    for at in range(start, stop, _CHUNK):
        yield np.frombuffer(source.read(at, min(at + _CHUNK, stop)), form.kind)
