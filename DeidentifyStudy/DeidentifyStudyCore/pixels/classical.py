"""Lines of text by their strokes: top-hats at several scales, connected components, characters grouped into lines.

It reads nothing and knows no alphabet, so it also finds handwriting-like fonts and scripts that no reader knows; what
it takes for text is a row of thin strokes of like height, like brightness and a common base line. Needs numpy and
scipy only.

How sure it is has two measures: `likeness`, by which lines are put before a reader, and `print_odds`, which decides
without one. The weights of the latter are fitted, and its errors measured, by ``Testing/Benchmarks/print_odds.py``.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from DeidentifyStudyCore.pixels.boxes import Box, joined

__all__ = ["Candidate", "StrokeLine", "find_lines", "stroke_lines"]

_STROKES = (5, 9, 17)
"""Sides of the top-hats in pixels: strokes thinner than these stand out."""
_LEAST_CONTRAST = 14
_NOISE = 4.0
_SMALLEST, _LARGEST = 4, 64
_LONGEST_RUN = 24.0
_MOST_COMPONENTS = 6000
_PAIRED = 512
"""Components whose neighbours are sought at once."""

_WEIGHTS = np.array(
    [-13.66, 3.84, -1.13, 1.26, 0.46, -1.55, 2.12, 2.22, 1.26, 0.94, 0.75, 0.47, -5.12, -1.56, 0.04, 0.91, -4.98]
)
"""Intercept, and one for each of `StrokeLine.features`."""

_Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a line of text.

    Attributes
    ----------
    likeness : float
        How like print its characters are to each other, in [0, 1].
    print_odds : float
        Logarithm of the odds that it is print, among as many lines of print as of anatomy; -inf where not computed.
    """

    box: Box
    likeness: float
    print_odds: float = -math.inf


def find_lines(grey: NDArray[np.uint8], least_odds: float | None = None) -> list[Candidate]:
    """Find what may be lines of text, horizontal or vertical, light on dark or dark on light; most likely ones first.

    Parameters
    ----------
    grey : array of uint8
        Of shape (rows, columns).
    least_odds : float, optional
        Lines with less `Candidate.print_odds` are left out; without it these are not computed.
    """
    found: list[Candidate] = []
    for line in stroke_lines(grey):
        odds = -math.inf
        if least_odds is not None:
            odds = float(line.features() @ _WEIGHTS[1:] + _WEIGHTS[0])
            if odds < least_odds:
                continue
        found.append(Candidate(line.place, line.likeness, odds))
    return _merged(found)


def stroke_lines(grey: NDArray[np.uint8]) -> Iterator["StrokeLine"]:
    """Find lines of strokes at every scale, in both polarities and directions; most are found more than once."""
    for polarity in (grey, 255 - grey):
        for side in _STROKES:
            ink = _strokes(polarity, side)
            yield from _lines(polarity, ink, side, turned=False)
            yield from _lines(polarity.T, ink.T, side, turned=True)


def _strokes(grey: NDArray[np.uint8], side: int) -> NDArray[np.bool_]:
    hat = ndimage.white_tophat(grey, size=(side, side))
    middle = float(np.median(hat))
    spread = 1.4826 * float(np.median(np.abs(hat.astype(np.int16) - round(middle))))
    threshold = max(_LEAST_CONTRAST, middle + _NOISE * spread)
    # a stroke is as bright as its surroundings allow: half of the local maximum keeps glyphs apart
    local = ndimage.maximum_filter(hat, size=(side + 2, side + 2))
    result: NDArray[np.bool_] = (hat > threshold) & (hat > 0.45 * local)
    return result


def _lines(grey: NDArray[np.uint8], ink: NDArray[np.bool_], side: int, *, turned: bool) -> Iterator["StrokeLine"]:
    for box, chars in _groups(_components(grey, ink, side)):
        likeness = _likeness(chars, box)
        if likeness > 0:
            yield StrokeLine(box, likeness, chars, grey, ink, turned)


@dataclass(frozen=True, slots=True)
class StrokeLine:
    """A line of strokes in the picture in which it was found, which may be turned.

    Attributes
    ----------
    chars : array
        Rows of (top, left, bottom, right, ink pixels, brightness).
    grey, ink : array
        The picture, strokes bright, and the pixels of strokes; of shape (rows, columns).
    """

    box: Box
    likeness: float
    chars: _Rows
    grey: NDArray[np.uint8]
    ink: NDArray[np.bool_]
    turned: bool

    @property
    def place(self) -> Box:
        """Box in the picture as it was given."""
        return Box(self.box.column, self.box.row, self.box.width, self.box.height) if self.turned else self.box

    def features(self) -> NDArray[np.float64]:
        """What tells print from anatomy, for the weights: evenness, contrast, sharpness, how much of it, how far alone.

        Print is drawn in one value; strokes of anatomy have many. Print has its strokes on its line; texture, speckle
        and colour Doppler have as many around it.
        """
        return _features(self.chars, self.box, self.likeness, self.grey, self.ink)


def _features(
    chars: _Rows, box: Box, likeness: float, grey: NDArray[np.uint8], ink: NDArray[np.bool_]
) -> NDArray[np.float64]:
    part, drawn = grey[box.row : box.bottom, box.column : box.right], ink[box.row : box.bottom, box.column : box.right]
    values = part[drawn]
    counts = np.bincount(values, minlength=260)
    alike = np.convolve(counts, np.ones(5, np.int64), "valid")
    level = int(alike.argmax())
    beside = _dilated(drawn)
    around = _dilated(beside) & ~beside
    contrast = max(1.0, level + 2 - _median(part[around])) if around.any() else 1.0
    steps = np.abs(np.diff(part.astype(np.int16), axis=1))
    sharpness = _percentile(steps, 0.95) / contrast
    height = chars[:, 2] - chars[:, 0]
    tall = chars[height > 0.6 * _median(height)]
    scale = _median(tall[:, 2] - tall[:, 0])
    return np.array(
        [
            likeness,
            math.log(alike[level] / len(values)),
            math.log(counts.max() / len(values)),
            math.log(contrast),
            counts[level:].sum() / len(values),
            min(sharpness, 2.0),
            math.log(len(chars)),
            math.log(box.height),
            math.log(len(values)),
            math.log(box.width / box.height),
            math.log(len(values) / box.area),
            _deviation(tall[:, 2]) / scale,
            _deviation(tall[:, 0]) / scale,
            _deviation(tall[:, 5]) / contrast,
            float(len(chars) >= 4),
            _crowding(box, ink),
        ]
    )


def _crowding(box: Box, ink: NDArray[np.bool_]) -> float:
    """How densely strokes lie around a line, as a share of how densely they lie in it; 3 at most."""
    wide = box.grown(max(3, box.height // 2), *ink.shape)
    inside = int(np.count_nonzero(ink[box.row : box.bottom, box.column : box.right]))
    around = int(np.count_nonzero(ink[wide.row : wide.bottom, wide.column : wide.right])) - inside
    return min(3.0, around / max(wide.area - box.area, 1) * box.area / inside)


def _components(grey: NDArray[np.uint8], ink: NDArray[np.bool_], side: int) -> _Rows:
    """Rows of (top, left, bottom, right, ink pixels, brightness) of what may be a character or a few that touch."""
    labels, count = ndimage.label(ink, np.ones((3, 3), np.int8))
    if not count or count > 20 * _MOST_COMPONENTS:
        return np.empty((0, 6))
    vertical, horizontal = np.nonzero(ink)
    label = labels[ink]
    order = np.argsort(label, kind="stable")  # pixels of a component stay in the order of their rows
    vertical, horizontal, values = vertical[order], horizontal[order], grey[ink][order]
    areas = np.bincount(label, minlength=count + 1)[1:]
    ends = np.cumsum(areas)
    begins = ends - areas
    top, bottom = vertical[begins], vertical[ends - 1] + 1
    left, right = np.minimum.reduceat(horizontal, begins), np.maximum.reduceat(horizontal, begins) + 1
    height, width = bottom - top, right - left
    sized = (height >= _SMALLEST) & (height <= min(_LARGEST, 6 * side)) & (width <= _LONGEST_RUN * height)
    kept = sized & (areas >= _SMALLEST) & (areas <= 0.85 * height * width + 8)
    if np.count_nonzero(kept) > _MOST_COMPONENTS:
        return np.empty((0, 6))
    sizes = areas[kept]
    drawn = values[np.repeat(kept, areas)]
    ranked = drawn[np.lexsort((drawn, np.repeat(np.arange(len(sizes)), sizes)))]
    bright = ranked[np.cumsum(sizes) - sizes + (0.8 * (sizes - 1)).astype(np.intp)]
    rows = np.column_stack([top[kept], left[kept], bottom[kept], right[kept], sizes, bright]).astype(np.float64)
    return rows[np.argsort(rows[:, 1], kind="stable")]


def _groups(rows: _Rows) -> Iterator[tuple[Box, _Rows]]:
    """Components that follow each other on one line: overlapping in height, of like size and brightness, close.

    Groups that are too thick for a line, or too short, are left out.
    """
    count = len(rows)
    if count == 0:
        return
    parent = np.arange(count)

    def root(of: int) -> int:
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = int(parent[of])
        return of

    for one, other in _neighbours(rows):
        first, second = root(one), root(other)
        if first != second:
            parent[second] = first
    roots = np.array([root(index) for index in range(count)])
    order = np.argsort(roots, kind="stable")
    borders = np.flatnonzero(np.diff(roots[order])) + 1
    ordered, starts, stops = rows[order], [0, *borders], [*borders, count]
    top, left = np.minimum.reduceat(ordered[:, :2], starts).T
    bottom, right = np.maximum.reduceat(ordered[:, 2:4], starts).T
    height = bottom - top
    for group in np.flatnonzero((right - left >= 1.8 * height) & (height <= _LARGEST)).tolist():
        box = Box.between(int(top[group]), int(left[group]), int(bottom[group]), int(right[group]))
        yield box, ordered[starts[group] : stops[group]]


def _neighbours(rows: _Rows) -> Iterator[tuple[int, int]]:
    """Pairs of components that may follow each other on one line, by their numbers; `rows` are sorted by their left."""
    top, left, bottom, right, _, bright = rows.T
    height = bottom - top
    numbers = np.arange(len(rows))
    within = np.maximum(np.searchsorted(left, right + 1.6 * height, "right") - numbers - 1, 0)
    for start in range(0, len(rows), _PAIRED):
        part = slice(start, start + _PAIRED)
        ones = np.repeat(numbers[part], within[part])
        firsts = np.repeat(np.cumsum(within[part]) - within[part], within[part])
        others = ones + 1 + np.arange(len(ones)) - firsts
        shared = np.minimum(bottom[others], bottom[ones]) - np.maximum(top[others], top[ones])
        smaller, larger = np.minimum(height[others], height[ones]), np.maximum(height[others], height[ones])
        near = (shared > 0.6 * smaller) & (larger < 2.2 * smaller) & (np.abs(bright[others] - bright[ones]) < 60)
        yield from zip(ones[near].tolist(), others[near].tolist(), strict=True)


def _median(values: NDArray[Any]) -> float:
    """Median as numpy's, which takes ten times as long on a few values."""
    ordered = np.sort(values)
    return (float(ordered[(len(ordered) - 1) // 2]) + float(ordered[len(ordered) // 2])) / 2


def _percentile(values: NDArray[Any], share: float) -> float:
    """Percentile as numpy's, by linear interpolation."""
    ordered = np.sort(values, axis=None)
    place = (len(ordered) - 1) * share
    lower = int(place)
    low, high, between = float(ordered[lower]), float(ordered[min(lower + 1, len(ordered) - 1)]), place - lower
    return high - (high - low) * (1 - between) if between >= 0.5 else low + (high - low) * between


def _deviation(values: NDArray[np.float64]) -> float:
    """Standard deviation as numpy's."""
    differences = values - values.sum() / len(values)
    return math.sqrt((differences * differences).sum() / len(values))


def _dilated(drawn: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels and those above, below and beside them."""
    result = drawn.copy()
    result[1:] |= drawn[:-1]
    result[:-1] |= drawn[1:]
    result[:, 1:] |= drawn[:, :-1]
    result[:, :-1] |= drawn[:, 1:]
    return result


def _likeness(chars: _Rows, box: Box) -> float:
    """How like print a line is; 0 when it cannot be."""
    height = chars[:, 2] - chars[:, 0]
    width = chars[:, 3] - chars[:, 1]
    tall = height > 0.6 * _median(height)
    letters = float(np.maximum(width[tall] / np.maximum(height[tall], 1) / 0.8, 1).sum())
    if letters < 3:
        return 0.0
    scale = _median(height[tall])
    fill = float(chars[:, 4].sum() / box.area)
    if not 0.08 < fill < 0.8 or box.height > 2.2 * scale:
        return 0.0
    wobble = min(
        _median(np.abs(chars[tall, 2] - _median(chars[tall, 2]))),
        _median(np.abs(chars[tall, 0] - _median(chars[tall, 0]))),
    )
    unequal = _median(np.abs(height[tall] - scale)) / scale
    uneven = _median(np.abs(chars[tall, 5] - _median(chars[tall, 5]))) / 255
    return float(
        np.exp(-3 * wobble / scale - 2 * unequal - 8 * uneven) * min(1.0, letters / 6) * min(1.0, 3 * fill + 0.25)
    )


def _merged(lines: list[Candidate]) -> list[Candidate]:
    result: list[Candidate] = []
    for line in sorted(lines, key=lambda line: -line.likeness):
        for index, other in enumerate(result):
            alike = max(line.box.height, other.box.height) < 1.6 * min(line.box.height, other.box.height)
            if other.box.overlap(line.box) > 0.5 * min(line.box.area, other.box.area) and alike:
                odds = max(other.print_odds, line.print_odds)
                result[index] = Candidate(joined([other.box, line.box], 0)[0], other.likeness, odds)
                break
        else:
            result.append(line)
    return result
