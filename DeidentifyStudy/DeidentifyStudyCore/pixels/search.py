"""Text in one frame: what is read, and what only looks like print, joined and held to the rules of rejection."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.pixels.boxes import Box, covered, tiles
from DeidentifyStudyCore.pixels.classical import Candidate, find_lines

__all__ = ["METHODS", "PRINT_ODDS", "TILE", "TILE_OVERLAP", "TRACE_ODDS", "Found", "best_method", "find_text", "planes"]

METHODS = ("traces", "classical", "ocr", "union")
"""Strokes with the least suspicion, strokes that are print, readings, and readings of strokes too."""

PRINT_ODDS, TRACE_ODDS = 2.0, -1.0
"""Of a classical line that nobody reads: to be taken for print, and to be suspected of it (`Candidate.print_odds`)."""
_LEAST_ODDS = {"classical": PRINT_ODDS, "traces": TRACE_ODDS}
LEAST_CONFIDENCE, LEAST_CHARACTERS = 0.7, 2
"""A reading below these is no reading, but for the next two."""
SUPPORTED_CONFIDENCE, SUPPORTING_ODDS = 0.5, 0.0
"""A reading with that confidence is one where strokes with these odds agree."""
FEW_CHARACTERS = 3
"""Curves, dashes and corners are often read as so few: such readings must be `CERTAIN`, and of `LEAST_CONFIDENCE`
where strokes agree."""
SURE_CONFIDENCE, SURE_CHARACTERS, MANY_CHARACTERS = 0.75, 3, 6
"""Of a classical line: what only the strokes suggest must be read with more certainty, or be print; of many characters
it suffices that it may be print."""
CERTAIN, NARROWEST, WIDEST = 0.9, 0.37, 1.6
"""With less confidence the length of a box must fit its characters, as a share of its thickness for each: curves and
corners are often read as letters."""
READ_ODDS = -2.0
"""Strokes with less are not put before the reader."""
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
_SUPPORTED = 0.3
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
    candidates = _candidates(view, -math.inf) if method == "union" else []
    readings = ocr.read_lines(colour)
    found = _distinct(
        [
            Found(_with_margin(reading.box, rows, columns), "ocr", reading.confidence)
            for reading in readings
            if _is_text(reading, candidates) and not _is_too_large(reading.box, rows, columns)
        ]
    )
    if method == "ocr":
        return found
    known = [_continued(line, candidates, rows, columns).box for line in found]
    found = _distinct([*found, *_read(_waiting(candidates, known), colour)])
    along = (more for line in found if _is_small(line) for more in _along(line, colour, candidates))
    found = _distinct([*found, *along])
    return [_continued(_bridged(line, readings, rows, columns), candidates, rows, columns) for line in found]


def _waiting(candidates: list[Candidate], known: list[Box]) -> list[Candidate]:
    """Strokes that are not covered and likely enough to be read, most likely ones first, each place once."""
    waiting: list[Candidate] = []
    for line in sorted(candidates, key=lambda line: -line.print_odds):
        if line.print_odds < READ_ODDS or len(waiting) == _MOST_READ:
            break
        if covered(line.box, known) < _ALREADY_COVERED and not any(_is_same(line.box, other.box) for other in waiting):
            waiting.append(line)
    return waiting


def _is_same(one: Box, other: Box) -> bool:
    return one.overlap(other) >= _ALREADY_COVERED * max(one.area, other.area)


def _read(lines: list[Candidate], colour: NDArray[np.uint8]) -> list[Found]:
    """Strokes that are text."""
    rows, columns = colour.shape[:2]
    tried = list(zip(ocr.read_boxes(colour, [line.box for line in lines]), lines, strict=True))
    again = [line for reading, line in tried if not _is_sure(reading, line) and line.print_odds >= PRINT_ODDS]
    tried += zip(ocr.read_boxes(colour, [line.box for line in again], as_they_are=True), again, strict=True)
    return [
        Found(_with_margin(reading.box, rows, columns), "classical", reading.confidence)
        for reading, line in tried
        if _is_sure(reading, line)
    ]


def _bridged(line: Found, readings: list[ocr.Reading], rows: int, columns: int) -> Found:
    """Line with what was detected on it nearby, read or not, and with what lies between."""
    box = line.box
    upright = box.height > box.width
    for reading in sorted(readings, key=lambda reading: reading.box):
        other = reading.box
        thickness, own = (other.width, box.width) if upright else (other.height, box.height)
        first, last = (other.column, other.right) if upright else (other.row, other.bottom)
        low, high = (box.column, box.right) if upright else (box.row, box.bottom)
        on_the_line = min(last, high) - max(first, low) >= 0.8 * thickness and 0.4 * own <= thickness
        near = box.grown(2 * own, rows, columns).overlap(other) > 0
        if on_the_line and near and reading.characters and other.overlap(box) < other.area:
            hull = box.hull(_with_margin(other, rows, columns))
            if not _is_too_large(hull, rows, columns):
                box = hull
    return Found(box, line.by, line.confidence)


def _is_small(line: Found) -> bool:
    return min(line.box.height, line.box.width) <= _SMALL_PRINT


def _along(line: Found, colour: NDArray[np.uint8], candidates: list[Candidate]) -> list[Found]:
    """What is read on the line of a find when its strip is looked at alone."""
    rows, columns = colour.shape[:2]
    upright = line.box.height > line.box.width
    more = []
    for reading in ocr.read_along(colour, line.box):
        box = reading.box
        low, high = (line.box.column, line.box.right) if upright else (line.box.row, line.box.bottom)
        first, last = (box.column, box.right) if upright else (box.row, box.bottom)
        on_the_line = min(last, high) - max(first, low) >= 0.5 * (last - first)
        if on_the_line and _is_text(reading, candidates) and not _is_too_large(box, rows, columns):
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
    pictures = planes(view, grey_suffices=least_odds is not None)
    lines = [
        replace(line, box=Box(line.box.row + tile.row, line.box.column + tile.column, line.box.height, line.box.width))
        for tile in tiles(view.shape[0], view.shape[1], TILE, TILE_OVERLAP)
        for plane in pictures
        for line in find_lines(plane[tile.row : tile.bottom, tile.column : tile.right], least_odds)
    ]
    lines = [line for line in lines if not _is_too_large(line.box, *view.shape[:2])]
    return sorted(lines, key=lambda line: -line.likeness)


def planes(view: NDArray[np.uint8], *, grey_suffices: bool) -> list[NDArray[np.uint8]]:
    """Grey pictures of a view: each channel that differs, or one where hardly any pixel has a colour."""
    if view.ndim == 2:
        return [view]
    channels = [view[..., channel] for channel in range(3)]
    if all(np.array_equal(channels[0], other) for other in channels[1:]):
        return channels[:1]
    if grey_suffices and (view.max(axis=2) - view.min(axis=2) > _COLOURED).sum() <= _MOST_COLOURED:
        return [channels[1]]
    return channels


def _is_text(reading: ocr.Reading, candidates: list[Candidate]) -> bool:
    """Whether a reading is one: with some certainty, or with less where the strokes may be print too."""
    if reading.characters < LEAST_CHARACTERS or not _fits(reading):
        return False
    few = reading.characters <= FEW_CHARACTERS
    if reading.confidence >= (CERTAIN if few else LEAST_CONFIDENCE):
        return True
    return reading.confidence >= (LEAST_CONFIDENCE if few else SUPPORTED_CONFIDENCE) and any(
        line.print_odds >= SUPPORTING_ODDS
        and line.box.overlap(reading.box) >= _SUPPORTED * min(line.box.area, reading.box.area)
        for line in candidates
    )


def _is_sure(reading: ocr.Reading, line: Candidate) -> bool:
    """Whether strokes are text: read with certainty, or with less and print by their odds."""
    if reading.characters < SURE_CHARACTERS or not _fits(reading):
        return False
    many = reading.characters >= MANY_CHARACTERS
    least, odds = (SUPPORTED_CONFIDENCE, SUPPORTING_ODDS) if many else (LEAST_CONFIDENCE, PRINT_ODDS)
    doubted = reading.characters <= FEW_CHARACTERS and line.print_odds < SUPPORTING_ODDS
    certainty = CERTAIN if doubted else SURE_CONFIDENCE
    return reading.confidence >= certainty or (reading.confidence >= least and line.print_odds >= odds)


def _fits(reading: ocr.Reading) -> bool:
    """Whether so many characters have room in the box and fill it, with margins and spaces, or are read for certain."""
    if reading.confidence >= CERTAIN:
        return True
    length, thickness = max(reading.box.height, reading.box.width), min(reading.box.height, reading.box.width)
    return NARROWEST * reading.characters <= length / max(thickness, 1) <= WIDEST * reading.characters + 2


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
