"""Text in one frame: what is read, and what only looks like print, joined and held to the rules of rejection."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.pixels.boxes import Box, covered, tiles
from DeidentifyStudyCore.pixels.classical import Candidate, find_lines

__all__ = ["METHODS", "PRINT_ODDS", "TILE", "TILE_OVERLAP", "TRACE_ODDS", "Found", "best_method", "find_text"]

METHODS = ("traces", "classical", "ocr", "union")
"""Strokes with the least suspicion, strokes that are print, readings, and readings of strokes too."""

PRINT_ODDS, TRACE_ODDS = 2.0, -1.0
"""Of a classical line that nobody reads: to be taken for print, and to be suspected of it (`Candidate.print_odds`)."""
_LEAST_ODDS = {"classical": PRINT_ODDS, "traces": TRACE_ODDS}
LEAST_CONFIDENCE, LEAST_CHARACTERS = 0.5, 2
"""A reading below these is no reading."""
SURE_CONFIDENCE, SURE_CHARACTERS = 0.75, 3
"""Of a classical line: what only the strokes suggest must be read with more certainty."""
LARGEST_SHARE, LARGEST_THICKNESS = 0.25, 96
"""A line that takes more of the frame, or is thicker in pixels, is no line of text."""
TILE, TILE_OVERLAP = 1024, 256
"""Larger frames are looked at for strokes in parts, each with its own measure of what stands out."""
_MOST_READ = 24
_SMALL_PRINT = 26
"""Thickness of boxes, margins included, whose strips are read again: larger print is not missed."""
_MARGIN = 2
_CONTINUED = 2
_ALREADY_COVERED = 0.8
_COLOURED, _MOST_COLOURED = 40, 20
"""Difference of channels that is more than what compression does to grey, and pixels that may have it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A line of text.

    Attributes
    ----------
    by : str
        ``ocr`` or ``classical``.
    confidence : float
        Of the reading, or that strokes are print, in [0, 1].
    """

    box: Box
    by: str
    confidence: float


def best_method() -> str:
    """``union`` where text recognition is installed, else ``classical``."""
    return "union" if ocr.is_installed() else "classical"


def find_text(view: NDArray[np.uint8], method: str) -> list[Found]:
    """Find text in an image of shape (rows, columns) or (rows, columns, 3).

    Parameters
    ----------
    method : str
        ``classical``: lines of strokes that are print; ``traces``: any that may be, which most images with anatomy
        have; ``ocr``: what can be read; ``union``: readings, and strokes that can be read when they are looked at.

    Raises
    ------
    MissingExtra
        Text recognition is asked for and not installed.
    """
    rows, columns = view.shape[:2]
    if method in _LEAST_ODDS:
        return [
            Found(line.box.grown(2, rows, columns), "classical", float(expit(line.print_odds)))
            for line in _candidates(view, _LEAST_ODDS[method])
        ]
    colour = view if view.ndim == 3 else np.repeat(view[..., None], 3, axis=2)
    found = _distinct(
        [
            Found(_with_margin(reading.box, rows, columns), "ocr", reading.confidence)
            for reading in ocr.read_lines(colour)
            if _is_read(reading) and not _is_too_large(reading.box, rows, columns)
        ]
    )
    if method == "ocr":
        return found
    found = _distinct([*found, *(more for line in found if _is_small(line) for more in _along(line, colour))])
    candidates = _candidates(view)
    found = [_continued(line, candidates, rows, columns) for line in found]
    known = [line.box for line in found]
    waiting = [line.box for line in candidates if covered(line.box, known) < _ALREADY_COVERED][:_MOST_READ]
    return found + [
        Found(reading.box.grown(3, rows, columns), "classical", reading.confidence)
        for reading in ocr.read_boxes(colour, waiting)
        if reading.confidence >= SURE_CONFIDENCE and reading.characters >= SURE_CHARACTERS
    ]


def _is_small(line: Found) -> bool:
    return min(line.box.height, line.box.width) <= _SMALL_PRINT


def _along(line: Found, colour: NDArray[np.uint8]) -> list[Found]:
    """What is read on the line of a find when its strip is looked at alone."""
    rows, columns = colour.shape[:2]
    upright = line.box.height > line.box.width
    more = []
    for reading in ocr.read_along(colour, line.box):
        box = reading.box
        low, high = (line.box.column, line.box.right) if upright else (line.box.row, line.box.bottom)
        first, last = (box.column, box.right) if upright else (box.row, box.bottom)
        on_the_line = min(last, high) - max(first, low) >= 0.5 * (last - first)
        if on_the_line and _is_read(reading) and not _is_too_large(box, rows, columns):
            more.append(Found(_with_margin(box, rows, columns), "ocr", reading.confidence))
    return more


def _distinct(found: list[Found]) -> list[Found]:
    """Finds without those that larger ones cover."""
    result: list[Found] = []
    for line in sorted(found, key=lambda line: -line.box.area):
        if covered(line.box, [other.box for other in result]) < 0.95:
            result.append(line)
    return result


def _candidates(view: NDArray[np.uint8], least_odds: float | None = None) -> list[Candidate]:
    """Classical lines, most likely ones first, without those that are too large; see `find_lines`."""
    planes = _planes(view, least_odds is not None)
    lines = [
        replace(line, box=Box(line.box.row + tile.row, line.box.column + tile.column, line.box.height, line.box.width))
        for tile in tiles(view.shape[0], view.shape[1], TILE, TILE_OVERLAP)
        for plane in planes
        for line in find_lines(plane[tile.row : tile.bottom, tile.column : tile.right], least_odds)
    ]
    lines = [line for line in lines if not _is_too_large(line.box, *view.shape[:2])]
    return sorted(lines, key=lambda line: -line.likeness)


def _planes(view: NDArray[np.uint8], grey_suffices: bool) -> list[NDArray[np.uint8]]:
    """Grey pictures of a view: each channel that differs, or one where hardly any pixel has a colour."""
    if view.ndim == 2:
        return [view]
    planes = [view[..., channel] for channel in range(3)]
    if all(np.array_equal(planes[0], plane) for plane in planes[1:]):
        return planes[:1]
    if grey_suffices and (view.max(axis=2) - view.min(axis=2) > _COLOURED).sum() <= _MOST_COLOURED:
        return [planes[1]]
    return planes


def _is_read(reading: ocr.Reading) -> bool:
    return reading.confidence >= LEAST_CONFIDENCE and reading.characters >= LEAST_CHARACTERS


def _with_margin(box: Box, rows: int, columns: int) -> Box:
    """Box with a margin, and with its thickness more at both ends, where faint characters were not seen."""
    thickness = min(box.height, box.width)
    margin = _MARGIN + thickness // 8
    ends = margin + thickness
    high, wide = (ends, margin) if box.height > box.width else (margin, ends)
    return Box.between(box.row - high, box.column - wide, box.bottom + high, box.right + wide).within(rows, columns)


def _continued(line: Found, candidates: list[Candidate], rows: int, columns: int) -> Found:
    """Line with the strokes that go on where the reader stopped: faint or interrupted ends of the same print.

    It grows by its own length at most, so that anatomy beside a short word is not taken for more of it.
    """
    box = line.box
    upright = box.height > box.width
    length = max(box.height, box.width)
    high, wide = (length, _MARGIN) if upright else (_MARGIN, length)
    limit = Box.between(box.row - high, box.column - wide, box.bottom + high, box.right + wide).within(rows, columns)
    for _ in range(_CONTINUED):
        grown = box
        for candidate in candidates:
            other = candidate.box
            if (other.height > other.width) != upright:
                continue
            thickness, own = (other.width, box.width) if upright else (other.height, box.height)
            reach = box.grown(own // 2, rows, columns)
            if not 0.4 * own <= thickness <= 1.3 * own or reach.overlap(other) == 0:
                continue
            first, last = (other.column, other.right) if upright else (other.row, other.bottom)
            low, high = (box.column, box.right) if upright else (box.row, box.bottom)
            if min(last, high) - max(first, low) >= 0.7 * thickness:
                grown = grown.hull(other.grown(_MARGIN, rows, columns))
        grown = Box.between(
            max(grown.row, limit.row),
            max(grown.column, limit.column),
            min(grown.bottom, limit.bottom),
            min(grown.right, limit.right),
        )
        if grown == box or _is_too_large(grown, rows, columns):
            break
        box = grown
    return Found(box, line.by, line.confidence)


def _is_too_large(box: Box, rows: int, columns: int) -> bool:
    return min(box.height, box.width) > LARGEST_THICKNESS or box.area > LARGEST_SHARE * rows * columns
