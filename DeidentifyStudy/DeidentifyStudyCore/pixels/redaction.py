"""Filling boxes and faces with one value, never blurring: what was there cannot be computed back.

Native frames are filled as they pass through. Of compressed objects only the touched frames are decoded; they are
encoded again without loss in the same transfer syntax where an encoder is at hand, and all other frames keep their
bytes. Where none is (JPEG, mostly), the whole object becomes Explicit VR Little Endian.
"""

import tempfile
import warnings
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels import get_encoder

from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.dicom.codestream import Piece
from DeidentifyStudyCore.dicom.pixeldata import Generated, Masked, PixelPlan, encapsulated_plan, plan_pixels
from DeidentifyStudyCore.dicom.source import text_of
from DeidentifyStudyCore.dicom.tokenizer import EXPLICIT_LITTLE, PIXEL_DATA
from DeidentifyStudyCore.dicom.unused_bits import CLEARED, CellForm, cleared, count, holds_more, is_hidden
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES, Box, mask_of
from DeidentifyStudyCore.pixels.frames import MONOCHROME, UNDECODABLE, Cells, Frames, PixelFormat, source_value

__all__ = [
    "Area",
    "AreasOfFrames",
    "BoxesOfFrames",
    "boxes_of",
    "differs_outside",
    "fill",
    "hidden_bits",
    "plan_redaction",
    "touched_frames",
]

BoxesOfFrames = Mapping[int, list[Box]]
"""Boxes by the number of their frame, from 0; `ALL_FRAMES` holds those of every frame."""


@dataclass(frozen=True, slots=True)
class Area:
    """Pixels of one grey frame that get one value, of any shape.

    Attributes
    ----------
    mask : array of bool
        Of shape (rows, columns).
    value : int
        Stored value, see PS3.5, 8.1.1.
    """

    mask: NDArray[np.bool_]
    value: int


AreasOfFrames = Mapping[int, Area]
"""Area by the number of its frame, from 0."""
_NONE: AreasOfFrames = MappingProxyType({})

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_ENCODED_AS = {
    "1.2.840.10008.1.2.5": "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80": "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81": "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90": "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91": "1.2.840.10008.1.2.4.90",
}
"""Transfer syntax to the lossless one whose frames are valid in it (PS3.5, A.4.3 and A.4.4)."""
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_ALWAYS_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_LONGEST_VALUE = (1 << 32) - 2
_IN_MEMORY = 32 << 20


def boxes_of(boxes: BoxesOfFrames, frame: int) -> list[Box]:
    """Boxes that hold for one frame."""
    return [*boxes.get(ALL_FRAMES, ()), *boxes.get(frame, ())]


def touched_frames(boxes: BoxesOfFrames, count: int, areas: AreasOfFrames = _NONE) -> list[int]:
    """Numbers of the frames that have boxes or areas."""
    return [number for number in range(count) if number in areas or boxes_of(boxes, number)]


def fill(cells: Cells, form: PixelFormat, boxes: list[Box]) -> None:
    """Fill boxes of a frame in place with what displays show as black, or darkest in this frame.

    Grey frames are filled with their own darkest value, not with the darkest possible one: a value far below all
    others would change how displays and programs choose their window.
    """
    value = _black(cells, form)
    for box in boxes:
        inside = box.within(form.rows, form.columns)
        left, right = inside.column, inside.right
        if form.is_subsampled:  # two pixels share one place
            left, right = left // 2, (right + 1) // 2
        cells[inside.row : inside.bottom, left:right] = value


def hidden_bits(cells: Cells, form: PixelFormat) -> bool:
    """Whether bits of cells that belong to no sample hide something (`unused_bits`)."""
    own = _cell_form(form)
    if form.samples != 1 or not own.is_sensible or not holds_more(cells, own):
        return False
    return is_hidden(*count(cells, own))


def _cell_form(form: PixelFormat) -> CellForm:
    return CellForm(form.allocated, form.stored, form.high, form.signed, form.big)


def plan_redaction(
    frames: Frames, boxes: BoxesOfFrames, *, areas: AreasOfFrames = _NONE, clear_bits: bool = False
) -> PixelPlan:
    """Plan the pixel data element with all boxes and areas filled.

    Parameters
    ----------
    areas : mapping
        Further pixels of grey frames; where a box lies in an area, the area's value counts.
    clear_bits : bool
        Whether to clear bits that hide something, see `hidden_bits`.

    Raises
    ------
    Quarantined
        A frame cannot be decoded, has no grey values to fill an area with, or the object would become longer than a
        value may be.
    """
    source = frames.source
    if areas and frames.format.photometric not in MONOCHROME:
        raise Quarantined(UNDECODABLE)
    fills = _Fills(boxes, areas, clear_bits)
    if not clear_bits and not touched_frames(boxes, len(frames), areas):
        return plan_pixels(source) or PixelPlan([])
    if frames.is_native:
        plan = plan_pixels(source)
        span = source.first(PIXEL_DATA)
        if plan is None or span is None:
            raise Quarantined("truncated-pixel-data")
        size = frames.format.frame_bytes * len(frames)
        pieces: list[Piece | Masked | Generated] = [
            source.encoding.header(PIXEL_DATA, span[1], size + size % 2),
            Generated(size, lambda: _filled_frames(frames, fills)),
            b"\0" * (size % 2),
        ]
        return PixelPlan(pieces, plan.changed | fills.changes())
    touched = list(range(len(frames))) if clear_bits else touched_frames(boxes, len(frames), areas)
    replaced = _encoded(frames, fills, touched)
    if replaced is None:
        return _decompressed(frames, fills)
    plan = encapsulated_plan(source, replaced)
    return replace(plan, changed=plan.changed | fills.changes() | {"touched frames encoded anew"})


def differs_outside(before: Cells, after: Cells, form: PixelFormat, boxes: list[Box], area: Area | None = None) -> bool:
    """Whether any sample outside the boxes and the area differs, or one of these is not filled with one value."""
    mask = mask_of(boxes, form.rows, form.columns)
    if form.is_subsampled:
        mask = mask[:, 0::2] | mask[:, 1::2]
    old, new = form.values(before), form.values(after)
    if area is not None:
        if (new[area.mask] != area.value).any():
            return True
        outside, mask = ~(mask | area.mask), mask & ~area.mask
    else:
        outside = ~mask
    if not np.array_equal(old[outside], new[outside]):
        return True
    inside = new[mask]
    return bool(len(inside) and (inside != inside[0]).any())


@dataclass(frozen=True, slots=True)
class _Fills:
    """Everything that changes in the pixels of an object."""

    boxes: BoxesOfFrames
    areas: AreasOfFrames
    clear_bits: bool

    def apply(self, cells: Cells, form: PixelFormat, number: int) -> None:
        """Change a frame in place."""
        if self.clear_bits:
            cells[...] = cleared(cells, _cell_form(form))
        fill(cells, form, boxes_of(self.boxes, number))
        area = self.areas.get(number)
        if area is not None:
            cells[area.mask] = _stored(area.value, form)

    def changes(self) -> frozenset[str]:
        """Say what was done."""
        count = sum(map(len, self.boxes.values()))
        changes = {f"{count_of(count, 'box', 'boxes')} filled"} if count else set()
        if self.areas:
            changes.add(f"facial surface filled in {count_of(len(self.areas), 'frame')}")
        return frozenset(changes | ({CLEARED} if self.clear_bits else set()))


def _stored(value: int, form: PixelFormat) -> int:
    """Cell that holds a value: in its place, with its sign above it where the sign ends the cell's use."""
    shift = form.high + 1 - form.stored
    bits = form.allocated - shift if form.signed else form.stored
    return (value & ((1 << bits) - 1)) << shift


def _black(cells: Cells, form: PixelFormat) -> Cells | int:
    if form.palette is not None:
        index = int(np.argmin(form.palette.astype(np.int32).sum(axis=1)))
        return index + form.first_mapped
    if form.is_subsampled:
        return np.array([0, 0, 128, 128], cells.dtype)
    if form.samples == 3:
        return np.array([0, 128, 128] if form.photometric == "YBR_FULL" else [0, 0, 0], cells.dtype)
    values = form.values(cells)
    place = values.argmax() if form.photometric == "MONOCHROME1" else values.argmin()
    return int(cleared(cells.reshape(-1)[place : place + 1], _cell_form(form))[0])


def _filled_frames(frames: Frames, fills: _Fills) -> Iterator[bytes]:
    form = frames.format
    touched = set(touched_frames(fills.boxes, len(frames), fills.areas))
    for number in range(len(frames)):
        raw = frames.raw(number)
        if number not in touched and not fills.clear_bits:
            yield raw
            continue
        content = bytearray(raw)
        fills.apply(form.cells(content), form, number)
        yield bytes(content)


def _filled(frames: Frames, fills: _Fills, number: int) -> tuple[Cells, PixelFormat]:
    """Cells of a compressed frame, filled."""
    cells, form = frames.cells(number)
    cells = cells.copy()
    fills.apply(cells, form, number)
    return cells, form


def _encoded(frames: Frames, fills: _Fills, touched: list[int]) -> dict[int, bytes | Generated] | None:
    """Touched frames by the number of their fragment, encoded in the object's own syntax; None where that cannot be.

    What was encoded is decoded again and compared. It is kept out of memory when there is much of it.
    """
    syntax = frames.source.transfer_syntax
    if not _can_encode(frames):
        return None
    spool = _Spool()
    replaced: dict[int, bytes | Generated] = {}
    for number in touched:
        cells, form = _filled(frames, fills, number)
        encoded = _encode(cells, form, _ENCODED_AS[syntax])
        if encoded is None or not np.array_equal(frames.decoded(encoded)[0], cells):
            return None
        first, *others = frames.fragments[number]
        replaced[first] = spool.add(encoded)
        replaced.update(dict.fromkeys(others, b""))
    return replaced


def _can_encode(frames: Frames) -> bool:
    syntax, form = frames.source.transfer_syntax, frames.format
    if syntax not in _ENCODED_AS:
        return False
    if form.samples == 3 and syntax in _JPEG_2000 and form.photometric != "YBR_RCT":
        return False  # a lossless frame would not be in the colour space that the header says
    return bool(get_encoder(_ENCODED_AS[syntax]).is_available)


def _encode(cells: Cells, form: PixelFormat, syntax: str) -> bytes | None:
    array = cells.view(f"<i{form.allocated // 8}") if form.signed else cells
    photometric = "YBR_RCT" if form.samples == 3 and syntax in _JPEG_2000 else form.photometric
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bytes(
                get_encoder(syntax).encode(
                    np.ascontiguousarray(array),
                    rows=form.rows,
                    columns=form.columns,
                    samples_per_pixel=form.samples,
                    bits_allocated=form.allocated,
                    bits_stored=form.stored,
                    pixel_representation=int(form.signed),
                    photometric_interpretation=photometric,
                    number_of_frames=1,
                    **({"planar_configuration": 0} if form.samples > 1 else {}),
                )
            )
    except Exception:
        return None  # encoders fail in many ways; the object is then written without compression


class _Spool:
    """Encoded frames, on the disk when there are many; the file lives as long as a piece that reads it."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed by the line below
        weakref.finalize(self, self._file.close)

    def add(self, content: bytes) -> Generated:
        self._file.seek(0, 2)
        start = self._file.tell()
        self._file.write(content)
        return Generated(len(content), lambda: self._read(start, len(content)))

    def _read(self, start: int, size: int) -> Iterator[bytes]:
        self._file.seek(start)
        yield self._file.read(size)


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    vr: bytes
    value: bytes

    def encoded(self) -> bytes:
        pad = b" " if self.vr == b"CS" else b"\0"
        return EXPLICIT_LITTLE.element(self.tag, self.vr, self.value + pad * (len(self.value) % 2))


def _decompressed(frames: Frames, fills: _Fills) -> PixelPlan:
    source = frames.source
    _, form = frames.cells(0)
    size = form.rows * form.columns * form.samples * (form.allocated // 8) * len(frames)
    if size > _LONGEST_VALUE:
        raise Quarantined("too-large-uncompressed")
    elements = [
        _Element(0x00280004, b"CS", form.photometric.encode()),
        _Element(0x00280102, b"US", form.high.to_bytes(2, "little")),
    ]
    if form.samples > 1:
        elements.append(_Element(0x00280006, b"US", b"\0\0"))
    if source.transfer_syntax in _ALWAYS_LOSSY and text_of(source.value(0x00282110)) != "01":
        elements.append(_Element(0x00282110, b"CS", b"01"))
    replaced = {
        element.tag: element.encoded()
        for element in elements
        if source_value(source, element.tag).rstrip(b" ") != element.value
    }
    replaced |= {tag: b"" for tag in (0x7FE00001, 0x7FE00002) if source.first(tag)}
    vr = b"OB" if form.allocated == 8 else b"OW"
    pieces: list[Piece | Masked | Generated] = [
        EXPLICIT_LITTLE.header(PIXEL_DATA, vr, size + size % 2),
        Generated(size, lambda: _decoded_frames(frames, fills)),
        b"\0" * (size % 2),
    ]
    return PixelPlan(
        pieces,
        fills.changes() | {"decompressed"},
        transfer_syntax=_EXPLICIT_LITTLE,
        elements=replaced,
    )


def _decoded_frames(frames: Frames, fills: _Fills) -> Iterator[bytes]:
    for number in range(len(frames)):
        yield _filled(frames, fills, number)[0].tobytes()
