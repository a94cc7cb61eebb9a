"""Text in values that should be numbers: somebody's words among samples, indices and table entries."""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["holds_text"]

_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_RUNS = re.compile(rb"[A-Za-z]{6,}|[0-9]{7,}")
_SHORTEST_WHOLE = 8
_SHORTEST_RUN = 6
_SHARE_OF_LETTERS = 5.0  # one of so many random bytes is a letter
_SMALL_STEP = 2
_TINY_WORD_STEP, _SMALL_WORD_STEP, _RAMP_WORD_STEP = 64, 512, 1024
_AROUND = 16
_FEWEST_WORD_STEPS = 5
_FLOATS = {"FL": ("f4", 5), "OF": ("f4", 5), "FD": ("f8", 10), "OD": ("f8", 10)}
"""VRs of floating-point numbers: what numpy calls them, and how many digits a number has that somebody wrote."""
_LARGE = 1e6
_FEW, _DECIMALS, _NEXT_TO_ZERO = 64, 2, 1e-4
_ULPS, _DIGITS_OF_SINGLE, _SINGLE = 4, 3, 1e-7
"""Double precision: rounding of one calculation, and numbers of three digits that passed through single precision."""


def holds_text(value: bytes, vr: str = "", *, big: bool = False) -> bool:
    """Whether bytes that should be numbers hold words or digits that chance does not explain.

    Either all of the value is printable (also as UTF-16), or it has a run of letters or digits longer than one in a
    thousand random values of its size has. Ramps, as tables and palettes hold them, run through all letters and are no
    text; nor are floating-point numbers that look like it, as 22.4 does (``ffffff6@``).

    Parameters
    ----------
    vr : str
        Of the value; what it holds is looked at for FL, FD, OF and OD only.
    big : bool
        Whether its numbers are big endian.
    """
    runs = _runs_of_text(value)
    if vr not in _FLOATS or len(value) % int(_FLOATS[vr][0][1]):
        return any(True for _ in runs)
    found = list(runs)
    if not found:
        return False
    width = int(_FLOATS[vr][0][1])
    usual = _usual_numbers(value, *_FLOATS[vr], big=big)
    return any(not usual[start // width : (stop - 1) // width + 1].all() for start, stop in found)


def _runs_of_text(value: bytes) -> Iterator[tuple[int, int]]:
    """Where a value holds text: first and last byte, exclusive."""
    single = value[::2]
    if len(value) >= _SHORTEST_WHOLE and single == value[1::2]:  # 8 bits written as 16, as palettes are
        yield from ((2 * start, 2 * stop) for start, stop in _runs_of_text(single))
        return
    content = value.strip(b"\0 ")
    offset = len(value) - len(value.lstrip(b"\0 "))
    if len(content) < _SHORTEST_RUN:
        return
    for plain in (
        content,
        content[::2] if not any(content[1::2]) else b"",
        content[1::2] if not any(content[::2]) else b"",
    ):
        if (
            len(plain) >= _SHORTEST_WHOLE
            and _PRINTABLE.fullmatch(plain)
            and _is_irregular(plain, 0, len(plain), _TINY_WORD_STEP)
        ):
            yield offset, offset + len(content)
            return
    needed = max(_SHORTEST_RUN, math.ceil(math.log(1000 * len(content)) / math.log(_SHARE_OF_LETTERS)))
    for found in _RUNS.finditer(content):
        run = found[0]
        if (len(run) >= needed or run.isdigit()) and len(set(run)) >= 3 and _is_irregular(content, *found.span()):
            yield offset + found.start(), offset + found.end()


def _usual_numbers(value: bytes, kind: str, digits: int, *, big: bool) -> NDArray[np.bool_]:
    """Which numbers somebody wrote in few digits, or, of many, lie among the others.

    Letters and digits read as numbers have all the digits there are; digits are next to 0, and most letters large.
    """
    numbers = np.frombuffer(value, (">" if big else "<") + kind)
    with np.errstate(all="ignore"):  # text read as numbers overflows
        wide = numbers.astype("f8")
        sized = np.isfinite(wide) & (np.abs(wide) < _LARGE)
        if len(wide) <= _FEW or not sized.any():
            written = np.array([float(f"{number:.{digits}g}") for number in wide])
            equal = written.astype(kind) == numbers
            if kind == "f8":
                short = np.array([float(f"{number:.{_DIGITS_OF_SINGLE}g}") for number in wide])
                equal |= np.abs(written - wide) <= _ULPS * np.spacing(np.abs(wide))
                equal |= np.abs(short - wide) <= _SINGLE * np.abs(wide)
            return np.asarray(sized & equal, bool)
        low, high = np.percentile(wide[sized], (2, 98))
        among = (wide >= 2 * low - high) & (wide <= 2 * high - low)
        among &= np.abs(wide) >= _NEXT_TO_ZERO * np.median(np.abs(wide[sized]))
        return np.asarray(sized & (among | (np.round(wide, _DECIMALS).astype(kind) == numbers)), bool)


def _is_irregular(content: bytes, start: int, stop: int, small_step: int = _SMALL_WORD_STEP) -> bool:
    """Whether neither the bytes of a run nor, with what is around it, the words of two bytes go evenly."""
    steps = np.diff(np.frombuffer(content, np.uint8, stop - start, start).astype(np.int64))
    if _is_monotone(steps) or np.all(np.abs(steps) <= _SMALL_STEP):
        return False
    around = content[max(0, start - _AROUND) : stop + _AROUND]
    for odd in range(2):
        for kind in ("<u2", ">u2"):
            steps = np.diff(np.frombuffer(around, kind, (len(around) - odd) // 2, odd).astype(np.int64))
            if steps.size < _FEWEST_WORD_STEPS:
                continue
            largest = np.abs(steps).max()
            if largest <= small_step or (largest <= _RAMP_WORD_STEP and _is_monotone(steps)):
                return False
    return True


def _is_monotone(steps: NDArray[Any]) -> bool:
    return bool(np.all(steps >= 0) or np.all(steps <= 0))
