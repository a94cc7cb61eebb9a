"""Rectangles of pixels, and the tracks they make through the frames of a cine."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALL_FRAMES", "Box", "covered", "joined", "mask_of", "outside", "tiles"]

ALL_FRAMES = -1
"""Frame number of a box that holds for every frame."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle of pixels; counted from 0, the top left pixel of the frame."""

    row: int
    column: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.column + self.width

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def grown(self, by: int, rows: int, columns: int) -> "Box":
        """Grow by `by` pixels on every side, within the frame."""
        return Box.between(self.row - by, self.column - by, self.bottom + by, self.right + by).within(rows, columns)

    def within(self, rows: int, columns: int) -> "Box":
        """Return what of the box lies in the frame; its area is 0 when that is nothing."""
        top, left = min(max(self.row, 0), rows), min(max(self.column, 0), columns)
        bottom, right = min(max(self.bottom, top), rows), min(max(self.right, left), columns)
        return Box.between(top, left, bottom, right)

    def overlap(self, other: "Box") -> int:
        """Pixels that both have."""
        height = min(self.bottom, other.bottom) - max(self.row, other.row)
        width = min(self.right, other.right) - max(self.column, other.column)
        return max(height, 0) * max(width, 0)

    def hull(self, other: "Box") -> "Box":
        """Smallest box around both."""
        return Box.between(
            min(self.row, other.row),
            min(self.column, other.column),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    @classmethod
    def between(cls, top: int, left: int, bottom: int, right: int) -> "Box":
        """Box from its first row and column to the first ones that are not in it."""
        return cls(top, left, bottom - top, right - left)


def tiles(rows: int, columns: int, side: int, overlap: int) -> list[Box]:
    """Squares of `side` pixels, or what the frame has of them, that cover a frame and overlap by `overlap` or more."""
    return [
        Box(row, column, min(side, rows), min(side, columns))
        for row in _starts(rows, side, overlap)
        for column in _starts(columns, side, overlap)
    ]


def _starts(length: int, side: int, overlap: int) -> list[int]:
    return [0] if length <= side else [*range(0, length - side, side - overlap), length - side]


def joined(boxes: Iterable[Box], share: float = 0.5) -> list[Box]:
    """Join boxes of which one has `share` of the other, until none are left."""
    result: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.area):
        rest = []
        for other in result:
            if other.overlap(box) >= share * min(other.area, box.area):
                box = box.hull(other)
            else:
                rest.append(other)
        result = [*rest, box]
    return sorted(result)


def mask_of(boxes: Iterable[Box], rows: int, columns: int) -> NDArray[np.bool_]:
    """Pixels that lie in any box, of shape (rows, columns)."""
    mask = np.zeros((rows, columns), np.bool_)
    for box in boxes:
        inside = box.within(rows, columns)
        mask[inside.row : inside.bottom, inside.column : inside.right] = True
    return mask


def covered(box: Box, by: Iterable[Box]) -> float:
    """Share of a box that lies in any of the others."""
    if not box.area:
        return 1.0
    shifted = [Box(other.row - box.row, other.column - box.column, other.height, other.width) for other in by]
    return float(mask_of(shifted, box.height, box.width).mean())


def outside(regions: Iterable[Box], rows: int, columns: int) -> list[Box]:
    """Few boxes that together have exactly the pixels outside all regions."""
    keep = mask_of(regions, rows, columns)
    result: list[Box] = []
    begun: dict[tuple[int, int], int] = {}
    for row in range(rows + 1):
        runs = set() if row == rows else set(_runs(~keep[row]))
        ended = [run for run in begun if run not in runs]
        result.extend(Box.between(begun.pop(run), run[0], row, run[1]) for run in ended)
        for run in runs:
            begun.setdefault(run, row)
    return sorted(result)


def _runs(line: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], line, [False])).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
