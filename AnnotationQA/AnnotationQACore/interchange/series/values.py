"""From stored samples to real values, in the smallest type that holds them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["clear_unused_bits", "rescaled"]

_INTEGER_TYPES: Final = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64)
_EXACT_IN_FLOAT32: Final = 2**24


def clear_unused_bits(frames: NDArray[Any], bits_stored: int, high_bit: int) -> bool:
    """Clear what is outside the stored bits, in place: overlays once were kept there (PS3.5 8.1.1).

    Parameters
    ----------
    frames : integer array
    bits_stored, high_bit : int

    Returns
    -------
    bool
        Whether there was anything.
    """
    size = 8 * frames.dtype.itemsize
    shift = high_bit + 1 - bits_stored
    if not 0 < bits_stored < size or shift < 0 or high_bit >= size:
        return False
    low, high = (
        (-(1 << bits_stored - 1), (1 << bits_stored - 1) - 1)
        if frames.dtype.kind == "i"
        else (0, (1 << bits_stored) - 1)
    )
    if shift == 0 and frames.size and int(frames.min()) >= low and int(frames.max()) <= high:
        return False
    before = frames.copy()
    left = size - 1 - high_bit
    np.left_shift(frames, left, out=frames)
    np.right_shift(frames, left + shift, out=frames)
    return bool(shift or np.any(before != frames))


def rescaled(stored: NDArray[Any], slopes: Sequence[float], intercepts: Sequence[float]) -> NDArray[Any]:
    """Apply slope and intercept, one pair per frame; `stored` may be overwritten.

    Integral slopes and intercepts give integers: the stored type where nothing is to do, else the smallest type, no
    smaller than the stored one, that holds the values there are. Others give float32 (float64 for samples of more
    than 24 bits, which float32 would round).

    Parameters
    ----------
    stored : array, shape (frame, rows, columns)
    slopes, intercepts : sequence of float
        One per frame.
    """
    slope, intercept = np.asarray(slopes, dtype=np.float64), np.asarray(intercepts, dtype=np.float64)
    if np.all(slope == 1) and np.all(intercept == 0):
        return stored
    if stored.dtype.kind == "f":
        real = stored.astype(np.float64) * slope[:, None, None] + intercept[:, None, None]
        return real.astype(stored.dtype)
    lowest = stored.min(axis=(1, 2)).astype(np.float64)
    highest = stored.max(axis=(1, 2)).astype(np.float64)
    ends = np.concatenate([lowest * slope + intercept, highest * slope + intercept])
    if np.all(slope == np.rint(slope)) and np.all(intercept == np.rint(intercept)):
        target = _smallest_type(float(ends.min()), float(ends.max()), stored.dtype.itemsize)
        if target is not None:
            return _integer_rescaled(stored, slope, intercept, target)
    wide = max(abs(float(lowest.min())), abs(float(highest.max()))) > _EXACT_IN_FLOAT32
    real = np.empty(stored.shape, dtype=np.float64 if wide else np.float32)
    for index, frame in enumerate(stored):
        real[index] = frame * slope[index] + intercept[index]
    return real


def _smallest_type(lowest: float, highest: float, itemsize: int) -> np.dtype[Any] | None:
    for kind in _INTEGER_TYPES:
        limits = np.iinfo(kind)
        if np.dtype(kind).itemsize >= itemsize and limits.min <= lowest and highest <= limits.max:
            return np.dtype(kind)
    return None


def _integer_rescaled(
    stored: NDArray[Any], slope: NDArray[np.float64], intercept: NDArray[np.float64], target: np.dtype[Any]
) -> NDArray[Any]:
    if target.itemsize == stored.dtype.itemsize and np.all(slope == 1):
        real = stored.view(target)  # modular arithmetic is exact, because the results fit
        for index in range(len(real)):
            real[index] += np.array(int(intercept[index])).astype(target)
        return real
    real = np.empty(stored.shape, dtype=target)
    for index, frame in enumerate(stored):
        real[index] = frame.astype(np.int64) * int(slope[index]) + int(intercept[index])
    return real
