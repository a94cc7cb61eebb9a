"""How the pixel data element is handed over: trimmed to its exact length, freed of embedded overlays and of metadata
in frames."""

import struct
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from DeidentifyStudyCore.dicom.codestream import UNCOMPRESSED, Piece, begins_image, is_stream_of_markers, stripped
from DeidentifyStudyCore.dicom.frame_fragments import fragments_of_frames
from DeidentifyStudyCore.dicom.image_pixel import ImagePixel, image_pixel, number_of
from DeidentifyStudyCore.dicom.source import Source
from DeidentifyStudyCore.dicom.tokenizer import ITEM, PIXEL_DATA, SEQUENCE_END, UNDEFINED, Span, fragments
from DeidentifyStudyCore.dicom.unused_bits import CLEARED, KEPT, cleared_chunks, find_hidden
from DeidentifyStudyCore.errors import Quarantined

__all__ = ["Generated", "Masked", "PixelPlan", "as_they_are", "encapsulated_plan", "plan_pixels"]


@dataclass(frozen=True, slots=True)
class Masked:
    """A range of native pixels in which some bits are set to zero.

    Attributes
    ----------
    start, stop : int
        Range of the source.
    width : int
        Bytes of one pixel cell: 1 or 2.
    mask : int
        Bits that stay.
    """

    start: int
    stop: int
    width: int
    mask: int
    big: bool

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Generated:
    """Bytes that are made anew each time they are written, so that they are never all in memory.

    Attributes
    ----------
    size : int
        How many there are.
    chunks : callable
        Makes them.
    """

    size: int
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class PixelPlan:
    """What is written in place of the pixel data element.

    Attributes
    ----------
    pieces : list
        Bytes, ranges of the source, masked ranges, and what is generated.
    changed : frozenset of str
        What was done: ``trimmed``, ``overlay bits cleared``, ``frame metadata stripped``, and what became of unused
        bits (`unused_bits`).
    moved : mapping
        Old to new offset of each fragment, counted as the Basic Offset Table does; empty when none moved.
    resized : mapping
        Old offset of each fragment to its new length.
    transfer_syntax : str
        Of the new object; empty when it stays.
    elements : mapping of int to bytes
        Other elements that change with the pixels, encoded; empty bytes remove one.
    """

    pieces: list[Piece | Masked | Generated]
    changed: frozenset[str] = frozenset()
    moved: Mapping[int, int] = field(default_factory=dict)
    resized: Mapping[int, int] = field(default_factory=dict)
    transfer_syntax: str = ""
    elements: Mapping[int, bytes] = field(default_factory=dict)


def as_they_are(source: Source) -> PixelPlan | None:
    """The plan of pixel data that are handed over as they are; None when the object has none."""
    span = source.first(PIXEL_DATA)
    return None if span is None else PixelPlan([(span[2], span[5])])


def plan_pixels(source: Source) -> PixelPlan | None:
    """Plan the pixel data element; None when the object has none.

    Raises
    ------
    Quarantined
        The pixel data are shorter than the image, or their metadata cannot be taken out.
    """
    span = source.first(PIXEL_DATA)
    if span is None:
        return None
    if span[4] != span[5]:
        return encapsulated_plan(source, {})
    return _native(source, span)


def _native(source: Source, span: Span) -> PixelPlan:
    tag, vr, start, value, stop, end = span
    image = image_pixel(source)
    expected, actual, form = image.size, stop - value, image.cells
    if expected == 0:
        return PixelPlan([(start, end)])
    if actual < expected:
        raise Quarantined("truncated-pixel-data")
    padded = expected + expected % 2
    mask = _embedded_overlay_mask(source)
    hidden = None
    if mask is None and form.is_sensible:
        hidden = find_hidden(source, value, value + expected, form)
    noted = {KEPT} if hidden is False else set()
    if mask is None and not hidden and actual in {expected, padded} and actual % 2 == 0:
        if actual == expected or source.buffer[stop - 1] == 0:
            return PixelPlan([(start, end)], frozenset(noted))
        return PixelPlan([(start, stop - 1), b"\0"], frozenset({"trimmed", *noted}))
    changed = noted if actual in {expected, padded} else {"trimmed", *noted}
    pieces: list[Piece | Masked | Generated] = [source.encoding.header(tag, vr, padded)]
    if mask is not None:
        pieces.append(Masked(value, value + expected, form.allocated // 8, mask, source.encoding.big))
        changed.add("overlay bits cleared")
    elif hidden:
        pieces.append(Generated(expected, lambda: cleared_chunks(source, value, value + expected, form)))
        changed.add(CLEARED)
    else:
        pieces.append((value, value + expected))
    if padded > expected:
        pieces.append(b"\0")
    return PixelPlan(pieces, frozenset(changed))


def _embedded_overlay_mask(source: Source) -> int | None:
    """Bits of a pixel cell that stay when overlays lie in the pixels (PS3.3, C.9.2, retired); None where none do."""
    positions = set()
    for group in source.layout.groups:
        if group >> 8 != 0x60 or source.first(group << 16 | 0x3000):
            continue
        position = number_of(source, group << 16 | 0x0102)
        if position:
            positions.add(position)
    if not positions:
        return None
    form = image_pixel(source).cells
    if form.allocated not in {8, 16}:
        raise Quarantined("embedded-overlay")
    mask = (1 << form.allocated) - 1
    for position in positions:
        if position < form.allocated and not form.high - form.stored < position <= form.high:
            mask &= ~(1 << position)
    # who puts overlays into unused bits takes them for unused: no others are part of values, but signs may be
    return mask if form.signed or not form.is_sensible else mask & ~form.unused


def encapsulated_plan(source: Source, replaced: Mapping[int, bytes | Generated]) -> PixelPlan:
    """Plan encapsulated pixel data.

    Parameters
    ----------
    replaced : mapping
        Number of a fragment, from 0, to what is written in its place; empty bytes drop it.

    Raises
    ------
    Quarantined
        There are no fragments, or their metadata cannot be taken out.
    """
    span = source.first(PIXEL_DATA)
    if span is None:
        raise Quarantined("truncated-pixel-data")
    frames = fragments(source.buffer, span, source.encoding)
    if not frames or len(frames) == 1:
        raise Quarantined("truncated-pixel-data")
    bodies: list[list[Piece | Masked | Generated]] = []
    moved: dict[int, int] = {}
    resized: dict[int, int] = {}
    first = frames[1][0] - 8
    offset = 0
    stripped_some = False
    image = image_pixel(source)
    parts = frames[1:]
    _require_plain_cells(source, image, parts)
    for low, high in _images(source, frames[0], parts, image.frames, replaced):
        value = parts[low][0]
        if low in replaced:
            new = replaced[low]
            size = len(new) if isinstance(new, bytes) else new.size
            if size:
                moved[value - 8 - first], resized[value - 8 - first] = offset, size + size % 2
                bodies.append([source.encoding.header(ITEM, b"", size + size % 2), new, b"\0" * (size % 2)])
                offset += 8 + size + size % 2
            continue
        bare = _stripped_image(source, parts[low:high], image, is_first=low == 0)
        stripped_some = stripped_some or bare is not None
        left: list[list[Piece]] = [[part] for part in parts[low:high]] if bare is None else bare
        for (value, _), pieces in zip(parts[low:high], left, strict=False):
            size = sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces)
            if size % 2:
                pieces, size = [*pieces, b"\0"], size + 1
            moved[value - 8 - first], resized[value - 8 - first] = offset, size
            bodies.append([source.encoding.header(ITEM, b"", size), *pieces])
            offset += 8 + size
    table = _offset_table(source, *frames[0], moved)
    if not stripped_some and not replaced and table == source.buffer[slice(*frames[0])]:
        return PixelPlan([(span[2], span[5])])
    result: list[Piece | Masked | Generated] = [source.encoding.header(span[0], span[1], UNDEFINED)]
    result.append(source.encoding.header(ITEM, b"", len(table)) + table)
    for body in bodies:
        result.extend(body)
    result.append(source.encoding.header(SEQUENCE_END, b"", 0))
    return PixelPlan(result, frozenset({"frame metadata stripped"} if stripped_some else ()), moved, resized)


def _require_plain_cells(source: Source, image: ImagePixel, parts: list[tuple[int, int]]) -> None:
    """Refuse overlays in the bits of pixels in fragments, where they are not cleared."""
    if _embedded_overlay_mask(source) is not None:
        raise Quarantined("embedded-overlay")
    if source.transfer_syntax == UNCOMPRESSED and image.cells.is_sensible:
        ranges = ((start, min(stop, start + image.frame_size)) for start, stop in parts)
        if any(find_hidden(source, start, stop, image.cells) for start, stop in ranges):
            raise Quarantined("embedded-overlay")


def _images(
    source: Source,
    table: tuple[int, int],
    parts: list[tuple[int, int]],
    frames: int,
    replaced: Mapping[int, bytes | Generated],
) -> Iterator[tuple[int, int]]:
    """First fragment of each image, and the one after its last."""
    if not is_stream_of_markers(source.transfer_syntax):
        groups = fragments_of_frames(source, table, parts, frames)
        begun = [*range(len(parts))] if groups is None else [group.start for group in groups]
    else:
        begun = [
            number
            for number, part in enumerate(parts)
            if not number
            or number in replaced
            or number - 1 in replaced
            or begins_image(source.buffer, *part, source.transfer_syntax)
        ]
    return pairwise([*begun, len(parts)])


def _stripped_image(
    source: Source, parts: list[tuple[int, int]], image: ImagePixel, *, is_first: bool
) -> list[list[Piece]] | None:
    """Fragments of an image without metadata: at most one; None where there is nothing to take out.

    An image in several becomes one: an odd number of bytes may go out of one of them, and none can be filled up. Where
    there must be one, it always does.
    """
    has_markers = is_stream_of_markers(source.transfer_syntax)
    if has_markers and not begins_image(source.buffer, *parts[0], source.transfer_syntax):
        if is_first:
            raise Quarantined("compressed-metadata")
        return []  # neither an image nor the rest of one
    ((start, stop), *rest) = parts
    sizes = image.rows * image.columns, image.frame_size
    if rest:
        joined = b"".join(source.buffer[low:high] for low, high in parts)
        found = stripped(joined, 0, len(joined), source.transfer_syntax, *sizes)
    else:
        found = stripped(source.buffer, start, stop, source.transfer_syntax, *sizes)
    if len(found) == 1 and not isinstance(found[0], bytes) and (has_markers or not rest):
        missing = sum(high - low for low, high in parts) - (found[0][1] - found[0][0])
        if not missing or (missing == 1 and source.buffer[parts[-1][1] - 1] == 0):  # the regular pad byte
            return None
    return [_placed(found, parts) if rest else found]


def _placed(pieces: list[Piece], parts: list[tuple[int, int]]) -> list[Piece]:
    """Pieces of joined ranges of the source, as ranges of the source."""
    bounds = list(accumulate((stop - start for start, stop in parts), initial=0))
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            result.append(piece)
            continue
        at, end = piece
        while at < end:
            number = bisect(bounds, at) - 1
            shift = parts[number][0] - bounds[number]
            high = min(end, bounds[number + 1])
            result.append((at + shift, high + shift))
            at = high
    return result


def _offset_table(source: Source, start: int, stop: int, moved: Mapping[int, int]) -> bytes:
    old = struct.unpack(f"<{(stop - start) // 4}I", source.buffer[start : start + (stop - start) // 4 * 4])
    if not all(offset in moved for offset in old):
        return b""  # it was wrong already; decoders then find the frames themselves
    return struct.pack(f"<{len(old)}I", *(moved[offset] for offset in old))
