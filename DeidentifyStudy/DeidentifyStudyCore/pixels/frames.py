"""The frames of an object one at a time: cells as they are stored, and pictures of them in which text can be sought.

Source: PS3.3, C.7.6.3 (image pixel), C.7.6.16 (multi-frame), C.11.2 (windows); PS3.5, 8 and A.4 (encapsulation).
Nothing here holds more than one frame, so that memory does not grow with the length of a cine.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space, get_decoder
from pydicom.uid import UID

from DeidentifyStudyCore.dicom.codestream import FRAMES_AS_THEY_ARE, native_frame
from DeidentifyStudyCore.dicom.frame_fragments import fragments_of_frames
from DeidentifyStudyCore.dicom.source import Source, text_of
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA, Span, fragments
from DeidentifyStudyCore.errors import Quarantined

__all__ = [
    "KEEPS_COLOURS",
    "MONOCHROME",
    "UNDECODABLE",
    "Frames",
    "PixelFormat",
    "frames_of",
    "source_value",
    "views_of",
]

UNDECODABLE = "undecodable-pixels"
KEEPS_COLOURS = ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
"""Transfer syntaxes that never change the colour space: RLE and JPEG-LS."""
MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PERCENTILES = (0.5, 99.5)
_SAMPLED = 1 << 18
_MOST_VIEWS = 3

Cells = NDArray[Any]
View = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the pixels of an object are stored; names as in PS3.3, C.7.6.3.

    Attributes
    ----------
    planar : bool
        Colour by plane.
    big : bool
        Cells of two bytes are big endian.
    window : (float, float) or None
        Center and width in stored values.
    palette : array of uint8 or None
        Of shape (entries, 3); with `first_mapped` for its first entry.
    """

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high: int
    signed: bool
    planar: bool
    photometric: str
    frames: int
    big: bool = False
    window: tuple[float, float] | None = None
    palette: NDArray[np.uint8] | None = None
    first_mapped: int = 0

    @property
    def is_subsampled(self) -> bool:
        """Whether two pixels share their colour, in the order Y Y Cb Cr (PS3.3, C.7.6.3.1.2)."""
        return self.photometric == "YBR_FULL_422"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one native frame."""
        count = self.rows * self.columns * self.samples * (self.allocated // 8)
        return count * 2 // 3 if self.is_subsampled else count

    @property
    def dtype(self) -> np.dtype[Any]:
        """Unsigned cells as they lie in the file."""
        return np.dtype(f"{'>' if self.big else '<'}u{self.allocated // 8}")

    def cells(self, raw: bytes | bytearray) -> Cells:
        """View of a native frame as (rows, columns) or (rows, columns, samples); pairs of pixels share one place of
        four samples where colour is subsampled."""
        flat = np.frombuffer(raw, self.dtype)
        if self.is_subsampled:
            return flat.reshape(self.rows, self.columns // 2, 4)
        if self.samples == 1:
            return flat.reshape(self.rows, self.columns)
        if self.planar:
            return flat.reshape(self.samples, self.rows, self.columns).transpose(1, 2, 0)
        return flat.reshape(self.rows, self.columns, self.samples)

    def values(self, cells: Cells) -> Cells:
        """Sample values of cells: stored bits only, with their sign."""
        if self.samples > 1 or (self.stored == self.allocated and not self.signed):
            return cells
        shifted = cells.astype(np.int64) >> (self.high + 1 - self.stored)
        shifted &= (1 << self.stored) - 1
        if self.signed:
            sign = 1 << (self.stored - 1)
            shifted = (shifted ^ sign) - sign
        return shifted


class Frames:
    """The frames of one object.

    Attributes
    ----------
    ranges : list of list of (int, int)
        For each frame the ranges of the source that hold it: one of native data, fragments of encapsulated data.
    fragments : list of list of int
        For each encapsulated frame the numbers of its fragments, from 0.
    """

    def __init__(
        self, source: Source, form: PixelFormat, ranges: list[list[tuple[int, int]]], numbers: list[list[int]]
    ) -> None:
        self.source = source
        self.format = form
        self.ranges = ranges
        self.fragments = numbers

    def __len__(self) -> int:
        return len(self.ranges)

    @property
    def is_native(self) -> bool:
        """Whether frames are not compressed."""
        return not self.fragments

    def raw(self, number: int) -> bytes:
        """Bytes of a frame as they are in the file, compressed or not."""
        return b"".join(self.source.read(start, stop) for start, stop in self.ranges[number])

    def cells(self, number: int) -> tuple[Cells, PixelFormat]:
        """Cells of a frame, and how they are to be taken: compressed colour is decoded to RGB.

        Raises
        ------
        Quarantined
            The frame cannot be decoded here.
        """
        raw = self.raw(number)
        if self.is_native:
            return self.format.cells(raw), self.format
        return self.decoded(raw)

    def decoded(self, raw: bytes) -> tuple[Cells, PixelFormat]:
        """Cells of one compressed frame given as bytes; see `cells`."""
        return _decoded(raw, self.source.transfer_syntax, self.format)

    def views(self, number: int) -> list[View]:
        """Pictures of a frame as displays show it, of shape (rows, columns) or (rows, columns, 3).

        Grey frames of more than 8 bits are shown through up to three windows, since text may be visible in one only:
        percentiles, the header's window, and the full range.
        """
        return views_of(*self.cells(number))


def frames_of(source: Source) -> Frames:
    """Describe the frames of an object with pixel data.

    Raises
    ------
    Quarantined
        Its pixels cannot be decoded here, or are fewer than its header says.
    """
    span = source.first(PIXEL_DATA)
    if span is None:
        raise Quarantined(UNDECODABLE)
    form = _format(source, span)
    if span[4] == span[5]:
        size = form.frame_bytes
        if span[4] - span[3] < size * form.frames:
            raise Quarantined("truncated-pixel-data")
        return Frames(source, form, [[(span[3] + n * size, span[3] + (n + 1) * size)] for n in range(form.frames)], [])
    native = source.transfer_syntax in FRAMES_AS_THEY_ARE
    if native and form.is_subsampled:
        raise Quarantined(UNDECODABLE)
    form = replace(form, big=False, planar=form.planar and native)
    if form.is_subsampled:
        form = replace(form, photometric="YBR_FULL")
    table, *parts = fragments(source.buffer, span, source.encoding)
    groups = fragments_of_frames(source, table, parts, form.frames)
    if groups is None:
        raise Quarantined(UNDECODABLE)
    return Frames(source, form, [parts[group.start : group.stop] for group in groups], [[*group] for group in groups])


def source_value(source: Source, tag: int) -> bytes:
    """Value of a top-level element with its padding."""
    span = source.first(tag)
    return b"" if span is None else bytes(source.buffer[span[3] : span[4]])


def _format(source: Source, span: Span) -> PixelFormat:
    def number(tag: int, default: int = 0) -> int:
        raw = source_value(source, tag)
        return int.from_bytes(raw[:2], "big" if source.encoding.big else "little") if len(raw) >= 2 else default

    photometric = text_of(source.value(0x00280004))
    allocated = number(0x00280100)
    frames = text_of(source.value(0x00280008)).split("\\")[0].strip()
    form = PixelFormat(
        rows=number(0x00280010),
        columns=number(0x00280011),
        samples=number(0x00280002, 1),
        allocated=allocated,
        stored=number(0x00280101, allocated),
        high=number(0x00280102, allocated - 1),
        signed=number(0x00280103) == 1,
        planar=number(0x00280006) == 1,
        photometric=photometric,
        frames=max(1, int(frames)) if frames.isdigit() else 1,
        big=source.encoding.big,
        window=_window(source),
    )
    if not _is_known(form) or (source.encoding.big and allocated == 8 and span[1] == b"OW"):
        raise Quarantined(UNDECODABLE)
    if photometric == "PALETTE COLOR":
        palette, first = _palette(source)
        form = replace(form, palette=palette, first_mapped=first)
    return form


def _is_known(form: PixelFormat) -> bool:
    if form.rows < 1 or form.columns < 1 or form.allocated not in {8, 16, 32}:
        return False
    if not 1 <= form.stored <= form.allocated or not form.stored - 1 <= form.high < form.allocated:
        return False
    if form.samples == 1:
        return form.photometric in {*MONOCHROME, "PALETTE COLOR"}
    subsampled = not form.is_subsampled or form.columns % 2 == 0
    return form.samples == 3 and form.photometric in _COLOURS and form.allocated == 8 and subsampled


def _window(source: Source) -> tuple[float, float] | None:
    """First window of the header, in stored values; none where a lookup table stands between."""
    try:
        center, width, slope, intercept = (
            float(text_of(source.value(tag)).split("\\")[0] or default)
            for tag, default in ((0x00281050, ""), (0x00281051, ""), (0x00281053, "1"), (0x00281052, "0"))
        )
    except ValueError:
        return None
    if slope == 0 or width <= 0 or not np.isfinite([center, width, slope, intercept]).all():
        return None
    return (center - intercept) / slope, width / abs(slope)


def _palette(source: Source) -> tuple[NDArray[np.uint8], int]:
    order = ">" if source.encoding.big else "<"
    columns = []
    first = 0
    for channel in range(3):
        descriptor = np.frombuffer(source_value(source, 0x00281101 + channel), f"{order}u2")
        data = source_value(source, 0x00281201 + channel)
        if len(descriptor) != 3:
            raise Quarantined(UNDECODABLE)
        entries, first, bits = int(descriptor[0]) or 1 << 16, int(descriptor[1]), int(descriptor[2])
        if len(data) >= 2 * entries:
            column: Cells = np.frombuffer(data, f"{order}u2")[:entries] >> (8 if bits > 8 else 0)
        else:
            column = np.frombuffer(data, np.uint8)[:entries]
        if len(column) != entries:
            raise Quarantined(UNDECODABLE)
        columns.append(column.astype(np.uint8))
    if len({len(column) for column in columns}) != 1:
        raise Quarantined(UNDECODABLE)
    return np.stack(columns, axis=1), first


def _decoded(raw: bytes, syntax: str, form: PixelFormat) -> tuple[Cells, PixelFormat]:
    if syntax in FRAMES_AS_THEY_ARE:
        return form.cells(native_frame(raw, syntax, form.frame_bytes)), form
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of decoders, about frames that they repair
            array, found = get_decoder(syntax).as_array(
                encapsulate([raw], has_bot=False),
                index=0,
                raw=form.samples == 1 or syntax in KEEPS_COLOURS,
                transfer_syntax_uid=UID(syntax),
                rows=form.rows,
                columns=form.columns,
                samples_per_pixel=form.samples,
                bits_allocated=form.allocated,
                bits_stored=form.stored,
                photometric_interpretation=form.photometric,
                pixel_representation=int(form.signed),
                number_of_frames=1,
                pixel_keyword="PixelData",
                **({"planar_configuration": 0} if form.samples > 1 else {}),
            )
    except Exception:
        # decoders fail in many ways; each means that nobody can look at this frame
        raise Quarantined(UNDECODABLE) from None
    cells = np.ascontiguousarray(array).view(np.dtype(f"<u{array.dtype.itemsize}"))
    if array.shape[:2] != (form.rows, form.columns) or array.dtype.itemsize * 8 != form.allocated:
        raise Quarantined(UNDECODABLE)
    high = form.stored - 1 if form.samples == 1 else form.high
    photometric = str(found["photometric_interpretation"]) if form.samples > 1 else form.photometric
    return cells, replace(form, high=high, photometric=photometric)


def views_of(cells: Cells, form: PixelFormat) -> list[View]:
    """Pictures of cells; see `Frames.views`."""
    if form.palette is not None:
        index = np.clip(form.values(cells).astype(np.int64) - form.first_mapped, 0, len(form.palette) - 1)
        return [form.palette[index]]
    if form.samples == 3:
        return [_rgb(cells, form)]
    values = form.values(cells)
    return [_grey(values, low, high, form.photometric == "MONOCHROME1") for low, high in _windows(values, form)]


def _rgb(cells: Cells, form: PixelFormat) -> View:
    if form.photometric == "RGB":
        return np.ascontiguousarray(cells, np.uint8)
    if form.is_subsampled:
        full = np.empty((form.rows, form.columns, 3), np.uint8)
        full[:, 0::2, 0], full[:, 1::2, 0] = cells[..., 0], cells[..., 1]
        for channel in (1, 2):
            full[..., channel] = np.repeat(cells[..., channel + 1], 2, axis=1)
        cells = full
    result: View = convert_color_space(np.ascontiguousarray(cells), "YBR_FULL", "RGB")
    return result


def _windows(values: Cells, form: PixelFormat) -> list[tuple[float, float]]:
    """Low and high ends of windows that differ."""
    sample = values.ravel()[:: max(1, values.size // _SAMPLED)]
    low, high = (float(end) for end in np.percentile(sample, _PERCENTILES))
    full = float(values.min()), float(values.max())
    if form.stored <= 8:
        return [full] if full[1] - full[0] > 32 else [(full[0], full[0] + 32)]
    windows = [(low, high)]
    if form.window:
        windows.append((form.window[0] - form.window[1] / 2, form.window[0] + form.window[1] / 2))
    windows.append(full)
    result: list[tuple[float, float]] = []
    for start, end in windows:
        width = end - start
        if width > 0 and all(
            abs(start - other) + abs(end - stop) > 0.35 * max(width, stop - other) for other, stop in result
        ):
            result.append((start, end))
    return result[:_MOST_VIEWS] or [(full[0], full[0] + 1)]


def _grey(values: Cells, low: float, high: float, inverted: bool) -> View:
    grey: View = np.clip((values.astype(np.float32) - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
    return np.subtract(np.uint8(255), grey) if inverted else grey
