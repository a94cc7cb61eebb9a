"""Print in the brightest value of an image: the one sign of burned-in text that costs next to nothing to look for.

Programs that burn text into an image mostly draw it in the largest value there is, and anatomy hardly ever has more
than a few pixels of exactly that. So images without any risk in their header are looked at too: how often each frame
has its brightest value always, and where that is often, whether it has lines of print in it.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.dicom.image_pixel import image_pixel
from DeidentifyStudyCore.dicom.source import SHORT_RANGE, Source
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA
from DeidentifyStudyCore.errors import Quarantined

if TYPE_CHECKING:  # it loads decoders, which most objects do not need
    from DeidentifyStudyCore.pixels.frames import Frames

__all__ = ["has_peak_print"]

_LEAST_PIXELS = 8
"""Of the brightest value: unclipped images have fewer."""
_LEAST_SHARE = 0.02
"""Of a line's box that has the brightest value."""
_LARGEST_PIECE = 0.4
"""Of these pixels: bones and pieces of metal, which are clipped at the brightest value, are one or two to a box."""
_LARGEST_SHARE = 0.3
"""Of a part of the frame: print takes less, a saturated background more."""
_WHOLE = 1024
"""Larger frames are looked at in parts, see `search.TILE`."""
_MOST_DECODED = 32
_MODALITY = 0x00080060
_BLOCK = 1 << 12


def has_peak_print(source: Source, *, decode: bool = False) -> bool:
    """Whether a frame of grey pixels has lines of print in its brightest value.

    Objects of other kinds, and damaged ones, have none: whoever looks at their pixels finds out.

    Parameters
    ----------
    decode : bool
        Look at compressed frames too, 32 of them at most; they cost as much as decoding them does.
    """
    native = _is_native(source)
    if native is None or not (native or decode):
        return False
    numbers = _suspicious_frames(source) if native else None
    if numbers == []:
        return False
    from DeidentifyStudyCore.pixels.frames import frames_of

    try:
        frames = frames_of(source)
        if frames.format.samples != 1 or frames.format.palette is not None:
            return False
        if numbers is None:
            numbers = list(range(0, len(frames), -(-len(frames) // _MOST_DECODED)))
        return any(_has_print(frames, number) for number in numbers)
    except Quarantined:
        return False


def _is_native(source: Source) -> bool | None:
    span = source.first(PIXEL_DATA)
    return None if span is None else span[4] == span[5]


def _has_print(frames: "Frames", number: int) -> bool:
    from DeidentifyStudyCore.pixels.boxes import tiles
    from DeidentifyStudyCore.pixels.search import TILE, TILE_OVERLAP, find_text

    cells, form = frames.cells(number)
    values = form.values(cells)
    drawn = values == _brightest(values, form.photometric == "MONOCHROME1")
    view = frames.views(number)[0]
    for tile in tiles(form.rows, form.columns, TILE, TILE_OVERLAP):
        part = drawn[tile.row : tile.bottom, tile.column : tile.right]
        if not _LEAST_PIXELS <= np.count_nonzero(part) <= _LARGEST_SHARE * part.size:
            continue
        lines = find_text(view[tile.row : tile.bottom, tile.column : tile.right], "classical")
        boxes = (line.box for line in lines)
        if any(_is_print(part[box.row : box.bottom, box.column : box.right]) for box in boxes):
            return True
    return False


def _is_print(drawn: NDArray[np.bool_]) -> bool:
    """Whether a line's box has pixels of the brightest value, and these in the many pieces that letters are."""
    if drawn.mean() < _LEAST_SHARE:
        return False
    from scipy import ndimage  # few objects need it

    pieces = np.bincount(ndimage.label(drawn, np.ones((3, 3)))[0].ravel())[1:]
    return bool(pieces.max() <= _LARGEST_PIECE * pieces.sum())


def _suspicious_frames(source: Source) -> list[int]:
    """Frames that have the brightest value more often than anatomy has it."""
    span = source.first(PIXEL_DATA)
    if span is None:
        return []
    image = image_pixel(source)
    cells, area = image.cells, image.rows * image.columns
    size = area * (cells.allocated // 8)
    if image.samples != 1 or cells.allocated not in {8, 16} or size == 0 or source.value(_MODALITY) == b"SEG":
        return []
    kind = f"{'>' if cells.big else '<'}{'i' if cells.signed else 'u'}{cells.allocated // 8}"
    inverted = image.photometric == b"MONOCHROME1"
    starts = range(span[3], span[4] - size + 1, size)
    long = span[4] - span[3] > SHORT_RANGE
    # a large frame is looked at in parts, some of which may have less of a saturated background than the whole has
    most = _LARGEST_SHARE * area if max(image.rows, image.columns) <= _WHOLE else area - 1
    found = []
    for number, start in enumerate(starts):
        frame = np.frombuffer((source.read if long else source.view)(start, start + size), kind)
        if _LEAST_PIXELS <= _count_of_brightest(frame, inverted) <= most:
            found.append(number)
    return found


def _brightest(values: NDArray[Any], inverted: bool) -> Any:
    return values.min() if inverted else values.max()


def _count_of_brightest(cells: NDArray[Any], inverted: bool) -> int:
    """How often the brightest value is there: found block by block, and counted in those blocks only that have it."""
    brighter = np.minimum if inverted else np.maximum
    starts = np.arange(0, len(cells), _BLOCK)
    peaks = brighter.reduceat(cells, starts)
    peak = brighter.reduce(peaks)
    found = starts[peaks == peak].tolist()
    return sum([int(np.count_nonzero(cells[start : start + _BLOCK] == peak)) for start in found])
