"""Text in values that should be numbers: somebody's words among samples, indices and table entries."""

import math
import re

import numpy as np

__all__ = ["holds_text"]

_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_RUNS = re.compile(rb"[A-Za-z]{6,}|[0-9]{7,}")
_SHORTEST_WHOLE = 8
_SHORTEST_RUN = 6
_SHARE_OF_LETTERS = 5.0  # one of so many random bytes is a letter
_RAMP_SHARE = 0.8
_STEP = {1: 2, 2: 64}


def holds_text(value: bytes) -> bool:
    """Whether bytes that should be numbers hold words or digits that chance does not explain.

    Either all of the value is printable (also as UTF-16), or it has a run of letters or digits longer than one in a
    thousand random values of its size has. Ramps, as tables and palettes hold them, run through all letters and are no
    text.
    """
    content = value.strip(b"\0 ")
    if len(content) < _SHORTEST_RUN:
        return False
    for plain in (
        content,
        content[::2] if not any(content[1::2]) else b"",
        content[1::2] if not any(content[::2]) else b"",
    ):
        if len(plain) >= _SHORTEST_WHOLE and _PRINTABLE.fullmatch(plain) and _is_irregular(plain):
            return True
    needed = max(_SHORTEST_RUN, math.ceil(math.log(1000 * len(content)) / math.log(_SHARE_OF_LETTERS)))
    for found in _RUNS.finditer(content):
        run = found[0]
        if (len(run) >= needed or run.isdigit()) and len(set(run)) >= 3 and _is_irregular(run):
            return True
    return False


def _is_irregular(run: bytes) -> bool:
    """Whether neither the bytes nor the words of two bytes rise, fall or stay evenly."""
    for width in (1, 2):
        for start in range(width):
            for kind in ("<", ">"):
                count = (len(run) - start) // width
                cells = np.frombuffer(run, f"{kind}u{width}", count, start).astype(np.int64)
                for steps in (np.diff(cells), np.diff(cells, 2)):
                    if steps.size and np.mean(np.abs(steps) <= _STEP[width]) >= _RAMP_SHARE:
                        return False
    return True
