"""Layouts of headers: the files of a series mostly have the same elements in the same places.

A layout remembers where the elements of a data set lie together with every byte that says so: the headers of its
elements, and the whole of those whose length is undefined. A file of the same size whose bytes there are the same has
the same elements in the same places, which one call of ``struct`` finds out.
"""

import struct
from collections import OrderedDict
from dataclasses import dataclass

from DeidentifyStudyCore.tokenizer import Buffer, Encoding, Span, scan_dataset

__all__ = ["Scanned", "scanned"]

_MOST_LAYOUTS = 256
_MOST_OF_A_SIZE = 4
_MOST_ELEMENTS = 1000
_LARGEST_COMPARED = 1 << 16


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scanned data set; shared by all files of a layout, and so never changed.

    Attributes
    ----------
    spans : list of Span
        From `scan_dataset`.
    end : int
        Where slack begins.
    first : dict of int to Span
        The first element with each tag.
    """

    spans: list[Span]
    end: int
    first: dict[int, Span]


@dataclass(frozen=True, slots=True)
class _Layout:
    form: struct.Struct
    found: tuple[bytes, ...]
    scanned: Scanned


_Key = tuple[Encoding, int, int]
_known: OrderedDict[_Key, list[_Layout]] = OrderedDict()


def scanned(buffer: Buffer, start: int, stop: int, encoding: Encoding) -> Scanned:
    """Scan ``buffer[start:stop]``, or recognize it by its layout; raises what `scan_dataset` raises."""
    key = (encoding, start, stop)
    layouts = _known.get(key, ())
    for layout in layouts:
        if layout.form.unpack_from(buffer, start) == layout.found:
            return layout.scanned
    spans, end = scan_dataset(buffer, start, stop, encoding)
    result = Scanned(spans, end, {span[0]: span for span in reversed(spans)})
    if end == stop and len(spans) <= _MOST_ELEMENTS and spans and spans[-1][5] == stop:
        _remember(key, buffer, start, result)
    return result


def _remember(key: _Key, buffer: Buffer, start: int, result: Scanned) -> None:
    compared = [(span[2], span[3] if span[4] == span[5] else span[5], span[5]) for span in result.spans]
    if sum(stop - begin for begin, stop, _ in compared) > _LARGEST_COMPARED:
        return
    form = struct.Struct("=" + "".join(f"{stop - begin}s{end - stop}x" for begin, stop, end in compared))
    layouts = _known.setdefault(key, [])
    layouts.insert(0, _Layout(form, form.unpack_from(buffer, start), result))
    del layouts[_MOST_OF_A_SIZE:]
    _known.move_to_end(key)
    while len(_known) > _MOST_LAYOUTS:
        _known.popitem(last=False)
