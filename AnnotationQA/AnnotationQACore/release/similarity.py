"""How alike the looks of two images are, whatever their size and crop.

Coarse: correlation of every picture with every other, whole and in central crops, as one product of matrices. Fine:
normalized cross-correlation (Lewis 1995) over shifts and sizes, for the pairs that the coarse one leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.release.fingerprints import LOOK_SIZE, FloatArray, resized

__all__ = ["candidates", "likeness"]

_COARSE = 16
_CROPS = (
    (0.5, 0.5, 1.0),
    (0.5, 0.5, 0.9),
    (0.5, 0.5, 0.8),
    (0.5, 0.5, 0.7),
    (0.0, 0.0, 0.82),
    (0.0, 1.0, 0.82),
    (1.0, 0.0, 0.82),
    (1.0, 1.0, 0.82),
)
"""Place of the crop, from top and left, and its share of the picture; the first is all of it."""

_SIZES = (0.7, 0.77, 0.85, 0.92, 1.0, 1.08, 1.18, 1.3, 1.43)
_TEMPLATE = 30
_PADDED = 96
_REACH = 1.6
"""Slices aside that a slice may match, on a cropped stack."""
_COARSE_LIMIT = 0.62
_PRODUCTS_AT_ONCE = 20_000_000


def candidates(
    looks: Sequence[NDArray[np.int8]], limit: float = _COARSE_LIMIT, progress: Progress = silent
) -> Iterator[tuple[int, int]]:
    """Pairs of images, by their numbers, of which two pictures are coarsely alike."""
    owner = np.concatenate([np.full(len(own), number) for number, own in enumerate(looks)]) if looks else np.zeros(0)
    owner = owner.astype(np.int64)
    pictures = [picture.astype(np.float64) for own in looks for picture in own]
    if len(looks) < 2:
        return
    crops = {crop: np.stack([_coarse(picture, crop) for picture in pictures]) for crop in _CROPS}
    whole = crops[_CROPS[0]]
    found: set[tuple[int, int]] = set()
    at_once = max(64, _PRODUCTS_AT_ONCE // len(whole))
    for start in range(0, len(whole), at_once):
        progress(start, len(whole), "comparing images")
        rows = whole[start : start + at_once]
        for others in crops.values():
            alike = np.argwhere(rows @ others.T > limit)
            a, b = owner[alike[:, 0] + start], owner[alike[:, 1]]
            different = a != b
            pairs = np.unique(np.stack([np.minimum(a, b)[different], np.maximum(a, b)[different]], axis=1), axis=0)
            found.update((int(x), int(y)) for x, y in pairs)
    progress(len(whole), len(whole), "comparing images")
    yield from sorted(found)


def likeness(a: NDArray[np.int8], b: NDArray[np.int8]) -> float:
    """How alike two images are, in [-1, 1]: the best match of a slice, the median over the slices.

    The image with fewer slices leads; each of its slices may match the one at the same place of the other, or a
    neighbour of it.
    """
    few, many = sorted((a, b), key=len)
    pictures = [_Searched(one) for one in many]
    best = []
    for number, one in enumerate(few):
        templates = _templates(one)
        centre = (number + 0.5) / len(few) * len(many) - 0.5
        near = [other for place, other in enumerate(pictures) if abs(place - centre) <= _REACH]
        best.append(max(other.best_match(templates) for other in near))
    return float(np.median(best))


def _coarse(picture: FloatArray, crop: tuple[float, float, float]) -> NDArray[np.float32]:
    row, column, share = crop
    side = round(LOOK_SIZE * share)
    top, left = round((LOOK_SIZE - side) * row), round((LOOK_SIZE - side) * column)
    small = resized(picture[top : top + side, left : left + side], (_COARSE, _COARSE)).astype(np.float32).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / np.float32(length) if length > 1e-6 else np.zeros_like(small)


def _templates(look: NDArray[np.int8]) -> list[FloatArray]:
    """The middle of a picture in several sizes, with mean 0."""
    edge = (LOOK_SIZE - _TEMPLATE) // 2
    middle = look[edge : edge + _TEMPLATE, edge : edge + _TEMPLATE].astype(np.float64)
    sides = (min(round(_TEMPLATE * size), LOOK_SIZE) for size in _SIZES)
    sized = [resized(middle, (side, side)) for side in sides]
    return [one - one.mean() for one in sized]


class _Searched:
    """A picture in which templates are looked for, anywhere."""

    def __init__(self, look: NDArray[np.int8]) -> None:
        self._picture = look.astype(np.float64)
        self._spectrum = fft.rfft2(self._picture, (_PADDED, _PADDED))
        self._spreads: dict[int, FloatArray] = {}

    def best_match(self, templates: Sequence[FloatArray]) -> float:
        """Greatest normalized cross-correlation of a template over all places where it lies within the picture."""
        best = -1.0
        for template in templates:
            length = float(np.linalg.norm(template))
            if length < 1e-6:
                continue
            side = template.shape[0]
            product = self._spectrum * fft.rfft2(template[::-1, ::-1], (_PADDED, _PADDED))
            dot = fft.irfft2(product, (_PADDED, _PADDED))[side - 1 : LOOK_SIZE, side - 1 : LOOK_SIZE]
            best = max(best, float((dot / (self._spread(side) * length)).max()))
        return best

    def _spread(self, side: int) -> FloatArray:
        if side not in self._spreads:
            sums, squares = _window_sums(self._picture, side), _window_sums(self._picture**2, side)
            self._spreads[side] = np.sqrt(np.maximum(squares - sums**2 / side**2, 1e-6))
        return self._spreads[side]


def _window_sums(picture: FloatArray, side: int) -> FloatArray:
    summed = np.pad(picture, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    sums: FloatArray = summed[side:, side:] - summed[:-side, side:] - summed[side:, :-side] + summed[:-side, :-side]
    return sums
