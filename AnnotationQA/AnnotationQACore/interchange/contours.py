"""Outlines of masks and masks of outlines, on one slice.

Points are (row, column) in pixels, integers being pixel centres. An outline runs half-way between the pixels inside and
those outside (marching squares at level 0.5; pixels that touch by a corner stay apart), so
that filling it gives the mask back exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.segmentation import BoolArray

__all__ = ["fill", "keyholed", "outlines"]

Points = NDArray[np.float64]

# For each of the 16 cells of four pixels (bits: 1 top left, 2 top right, 4 bottom right, 8 bottom left) the directed
# segments between edge midpoints (T, R, B, L), the inside on the right hand.
_TOP, _RIGHT, _BOTTOM, _LEFT = (0, 1), (1, 2), (2, 1), (1, 0)
_SEGMENTS: dict[int, list[tuple[tuple[int, int], tuple[int, int]]]] = {
    1: [(_TOP, _LEFT)],
    2: [(_RIGHT, _TOP)],
    3: [(_RIGHT, _LEFT)],
    4: [(_BOTTOM, _RIGHT)],
    5: [(_TOP, _LEFT), (_BOTTOM, _RIGHT)],
    6: [(_BOTTOM, _TOP)],
    7: [(_BOTTOM, _LEFT)],
    8: [(_LEFT, _BOTTOM)],
    9: [(_TOP, _BOTTOM)],
    10: [(_RIGHT, _TOP), (_LEFT, _BOTTOM)],
    11: [(_RIGHT, _BOTTOM)],
    12: [(_LEFT, _RIGHT)],
    13: [(_TOP, _RIGHT)],
    14: [(_LEFT, _TOP)],
}


def outlines(mask: BoolArray) -> list[list[Points]]:
    """Outlines of a mask, shape (rows, columns): for each connected part its outer one, then those of its holes.

    Each is an array of shape (points, 2); the last point joins the first.
    """
    from scipy import ndimage  # slow to load, and only what is written has outlines

    parts, count = ndimage.label(mask)
    result = []
    for number, region in enumerate(ndimage.find_objects(parts, count), start=1):
        loops = _loops(parts[region] == number)
        loops.sort(key=lambda points: -abs(_area(points)))
        start = np.array([region[0].start, region[1].start], dtype=np.float64)
        result.append([points + start for points in loops])
    return result


def keyholed(loops: list[Points]) -> Points:
    """One closed outline of a part with holes: each hole is joined by a channel without width.

    Channels run along rows half-way between pixel centres, so no centre lies on one.
    """
    outer, *holes = loops
    result = [(float(row), float(column)) for row, column in outer]
    starts = [np.lexsort((hole[:, 1], hole[:, 0]))[0] for hole in holes]
    order = sorted(range(len(holes)), key=lambda n: tuple(holes[n][starts[n]]))
    for n in order:  # from top to bottom and left to right: what a channel meets is joined already
        hole = [(float(row), float(column)) for row, column in np.roll(holes[n], -int(starts[n]), axis=0)]
        place, meeting = _left_of(result, hole[0])
        result[place:place] = [meeting, *hole, hole[0], meeting]
    return np.array(result)


def fill(points: Points, shape: tuple[int, int]) -> BoolArray:
    """Pixels of an image of `shape` (rows, columns) whose centres are inside a closed outline, by the even-odd rule."""
    rows, columns = shape
    flips = np.zeros((rows, columns + 1), np.int32)
    first, second = points, np.roll(points, -1, axis=0)
    low = np.ceil(np.minimum(first[:, 0], second[:, 0])).astype(int).clip(0, rows)
    high = np.ceil(np.maximum(first[:, 0], second[:, 0])).astype(int).clip(0, rows)
    counts = high - low
    edge = np.repeat(np.arange(len(points)), counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + low[edge]
    slope = (second[edge, 1] - first[edge, 1]) / (second[edge, 0] - first[edge, 0])
    crossing = first[edge, 1] + (row - first[edge, 0]) * slope
    np.add.at(flips, (row, np.ceil(crossing).astype(int).clip(0, columns)), 1)
    inside: BoolArray = (np.cumsum(flips, axis=1)[:, :columns] % 2).astype(bool)
    return inside


def _loops(mask: BoolArray) -> list[Points]:
    """Closed outlines without points in the middle of straight lines."""
    padded = np.pad(mask, 1).astype(np.uint8)
    cells = padded[:-1, :-1] | padded[:-1, 1:] << 1 | padded[1:, 1:] << 2 | padded[1:, :-1] << 3
    following: dict[tuple[int, int], tuple[int, int]] = {}
    for kind, segments in _SEGMENTS.items():
        for row, column in np.argwhere(cells == kind).tolist():
            for (r0, c0), (r1, c1) in segments:
                following[(2 * row + r0, 2 * column + c0)] = (2 * row + r1, 2 * column + c1)
    loops = []
    while following:
        start, point = following.popitem()
        loop = [start]
        while point != start:
            loop.append(point)
            point = following.pop(point)
        loops.append(_without_straight(np.array(loop)) / 2.0 - 1.0)
    return loops


def _without_straight(points: NDArray[Any]) -> NDArray[Any]:
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    bent: BoolArray = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    return points[bent]


def _area(points: Points) -> float:
    rows, columns = points[:, 0], points[:, 1]
    return float(np.sum(rows * np.roll(columns, -1) - columns * np.roll(rows, -1)) / 2)


def _left_of(outline: list[tuple[float, float]], point: tuple[float, float]) -> tuple[int, tuple[float, float]]:
    """Nearest point of a closed outline on the left of `point` in its row, and the position at which to insert it."""
    corners = np.array(outline)
    following = np.roll(corners, -1, axis=0)
    row, column = point
    above, below = corners[:, 0] - row, following[:, 0] - row
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(above * below < 0, above / (above - below), 0.0)
    crossing = corners[:, 1] + share * (following[:, 1] - corners[:, 1])
    meets = ((above == 0) | (above * below < 0)) & (crossing < column)
    crossing[~meets] = -np.inf
    nearest = int(np.argmax(crossing))
    return nearest + 1, (row, float(crossing[nearest]))
