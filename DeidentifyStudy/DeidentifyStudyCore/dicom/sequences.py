"""The items of sequences, which are not parsed again where only values differ from a sequence before."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from DeidentifyStudyCore.dicom.courses import LONGEST_REMEMBERED
from DeidentifyStudyCore.dicom.tokenizer import Buffer, Encoding, Span, items, scan
from DeidentifyStudyCore.dicom.walk import CHARACTER_SET, Leaf, leaves

__all__ = ["Item", "leaves_of", "opened_items"]

_MOST_KNOWN, _MOST_ALIKE = 256, 4


class Item(NamedTuple):
    """An item; the numbers mean what they do in `Span`, `spans` are its elements."""

    start: int
    value: int
    stop: int
    end: int
    spans: list[Span]


@dataclass(frozen=True, slots=True, eq=False)
class _Structure:
    """What a short sequence is but the values in it; these have the same lengths in all sequences of a structure.

    Attributes
    ----------
    unpack : callable
        Reads the bytes that are no values.
    expected : tuple of bytes
        What they are.
    items : list of Item
        They lie in the same places.
    leaves : dict of tuple to list of Leaf
        By the codecs of the data set, as they are asked for.
    """

    unpack: Callable[[bytes], tuple[Any, ...]]
    expected: tuple[bytes, ...]
    items: list[Item]
    leaves: dict[tuple[str, ...], list[Leaf]] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, element: bytes, span: Span, encoding: Encoding) -> "_Structure | None":
        """Learn from a sequence; None where a value may be a sequence as well, by what it holds."""
        form, at = "=", 0
        for leaf in leaves(element, [span], encoding, ()):
            if leaf.vr == "UN":
                return None
            if leaf.tag != CHARACTER_SET:  # that says how others are read
                form += f"{leaf.start - at}s{leaf.stop - leaf.start}x"
                at = leaf.stop
        reader = struct.Struct(form + f"{len(element) - at}s")
        return cls(reader.unpack, reader.unpack(element), _parsed(element, span, encoding, 0))


_known: dict[tuple[Encoding, bytes, int], tuple[_Structure, ...]] = {}


def opened_items(buffer: Buffer, span: Span, encoding: Encoding, depth: int) -> list[Item]:
    """Items of a sequence with their elements.

    Parameters
    ----------
    encoding : Encoding
        Of what is in it.
    depth : int
        Of the sequence; 0 at the top.

    Raises
    ------
    MalformedFile
        It cannot be parsed.
    """
    structure = None if depth else _structure(buffer, span, encoding)
    return _parsed(buffer, span, encoding, depth) if structure is None else structure.items


def leaves_of(element: bytes, span: Span, encoding: Encoding, codecs: tuple[str, ...]) -> list[Leaf]:
    """Leaves of an element that is read by itself, see `walk.leaves`."""
    structure = _structure(element, span, encoding)
    if structure is None:
        return [*leaves(element, [span], encoding, codecs)]
    found = structure.leaves.get(codecs)
    if found is None:
        found = structure.leaves[codecs] = [*leaves(element, [span], encoding, codecs)]
    return found


def _structure(buffer: Buffer, span: Span, encoding: Encoding) -> _Structure | None:
    """Structure of a short sequence that is read by itself; None for others."""
    size = len(buffer)
    if size > LONGEST_REMEMBERED or span[1] != b"SQ" or span[2] or span[5] != size or not isinstance(buffer, bytes):
        return None
    key = encoding, buffer[:8], size
    alike = _known.get(key, ())
    for structure in alike:
        if structure.unpack(buffer) == structure.expected:
            return structure
    new = _Structure.of(buffer, span, encoding)
    if new is not None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = (new, *alike)[:_MOST_ALIKE]
    return new


def _parsed(buffer: Buffer, span: Span, encoding: Encoding, depth: int) -> list[Item]:
    return [
        Item(start, value, stop, end, scan(buffer, value, stop, encoding, depth + 1))
        for start, value, stop, end in items(buffer, span, encoding, depth)
    ]
