"""What a header says of the pixels (PS3.3, C.7.6.3), read once for all objects of a layout that say the same."""

from dataclasses import dataclass
from functools import lru_cache

from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.dicom.layouts import Layout
from DeidentifyStudyCore.dicom.source import Source
from DeidentifyStudyCore.dicom.unused_bits import CellForm

__all__ = ["ImagePixel", "image_pixel", "number_of"]

_PHOTOMETRIC, _PADDING = 0x00280004, 0x00280120
_NUMBERS = (
    0x00280010, 0x00280011, 0x00280002, 0x00280008, 0x00280100, 0x00280101, 0x00280102, 0x00280103, _PADDING,
)  # fmt: skip
_ATTRIBUTES = (*_NUMBERS, _PHOTOMETRIC)
_BINARY = frozenset({b"US", b"SS", b"UL"})
_MOST_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """The pixels of an object as its header describes them; numbers are 0 where it does not say.

    Attributes
    ----------
    cells : CellForm
        Where the samples lie in their cells.
    size : int
        Bytes of all frames as native pixel data, without padding.
    frames : int
        How many there are, 1 where the header does not say.
    """

    rows: int
    columns: int
    samples: int
    photometric: bytes
    cells: CellForm
    size: int
    frames: int

    @property
    def frame_size(self) -> int:
        """Bytes of one frame by itself."""
        bits = self.rows * self.columns * (self.samples or 1) * self.cells.allocated
        return _subsampled(bits, self.photometric)


def image_pixel(source: Source) -> ImagePixel:
    """Read what the header of an object says of its pixels."""
    return _read(source.layout, source.values(_ATTRIBUTES))


@lru_cache(maxsize=_MOST_REMEMBERED)
def _read(layout: Layout, values: tuple[bytes, ...]) -> ImagePixel:
    big = layout.encoding.big
    rows, columns, samples, frames, allocated, stored, high, signed, padding = (
        _number(tag, layout.vr_of(tag), value, big) for tag, value in zip(_NUMBERS, values, strict=False)
    )
    photometric = values[-1].rstrip(b" \0")
    cells = CellForm(allocated, stored, high, signed == 1, big, padding if _PADDING in layout.first else None)
    frames = max(1, frames)
    bits = rows * columns * (samples or 1) * frames * allocated
    return ImagePixel(rows, columns, samples, photometric, cells, _subsampled(bits, photometric), frames)


def _subsampled(bits: int, photometric: bytes) -> int:
    if photometric in {b"YBR_FULL_422", b"YBR_PARTIAL_422"}:
        bits = bits * 2 // 3
    elif photometric == b"YBR_PARTIAL_420":
        bits //= 2
    return (bits + 7) // 8


def number_of(source: Source, tag: int) -> int:
    """First number of a whole number's element, in binary or as text; 0 when it is absent."""
    (value,) = source.values((tag,))
    return _number(tag, source.layout.vr_of(tag), value, source.encoding.big)


def _number(tag: int, vr: bytes, value: bytes, big: bool) -> int:
    if vr == b"UN":
        vr, big = dictionary_vr(tag), False
    if vr in _BINARY and len(value) >= 2:
        return int.from_bytes(value[:2], "big" if big else "little")
    text = value.split(b"\\")[0].strip(b" \0")
    return int(text) if text.isdigit() else 0
