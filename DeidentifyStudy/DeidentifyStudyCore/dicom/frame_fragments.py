"""Which fragments of encapsulated pixel data make up which frame (PS3.5, A.4)."""

import struct
from itertools import pairwise

from DeidentifyStudyCore.dicom.codestream import begins_image
from DeidentifyStudyCore.dicom.source import Source

__all__ = ["fragments_of_frames"]

_EXTENDED_OFFSETS = 0x7FE00001


def fragments_of_frames(
    source: Source, table: tuple[int, int], parts: list[tuple[int, int]], frames: int
) -> list[range] | None:
    """Numbers of the fragments of each frame, by what the object says of them; None where that does not fit.

    Parameters
    ----------
    table : (int, int)
        Range of the Basic Offset Table.
    parts : list of (int, int)
        Ranges of the fragments.
    """
    if len(parts) == frames:
        return [range(number, number + 1) for number in range(frames)]
    if frames == 1:
        return [range(len(parts))]
    first = parts[0][0] - 8 if parts else 0
    starts = {start - 8 - first: number for number, (start, _) in enumerate(parts)}
    basic = bytes(source.buffer[table[0] : table[1]])
    span = source.first(_EXTENDED_OFFSETS)
    extended = b"" if span is None else bytes(source.buffer[span[3] : span[4]])
    for offsets in (_numbers(extended, 8, "Q"), _numbers(basic, 4, "I")):
        if len(offsets) == frames and set(offsets) <= starts.keys() and offsets[0] == 0:
            return _between([starts[offset] for offset in offsets], len(parts))
    # without a table, or with one that is wrong, the images tell where each begins
    begun = [n for n, part in enumerate(parts) if begins_image(source.buffer, *part, source.transfer_syntax)]
    return _between(begun, len(parts)) if len(begun) == frames and begun[0] == 0 else None


def _between(begun: list[int], count: int) -> list[range]:
    return [range(low, high) for low, high in pairwise([*begun, count])]


def _numbers(raw: bytes, width: int, form: str) -> tuple[int, ...]:
    return struct.unpack(f"<{len(raw) // width}{form}", raw[: len(raw) // width * width])
