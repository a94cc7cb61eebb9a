"""Which structures are the left and the right one of a pair."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from AnnotationQACore.segmentation import BoolArray, Segment

__all__ = ["opposite_sides"]

LEFT_CODE = "7771000"
RIGHT_CODE = "24028007"
"""SNOMED CT codes of the sides (DICOM PS3.16 CID 244)."""

_WORD = re.compile(r"(?<![a-z])(left|right|l|r)(?![a-z])")
_SIDE = {"left": "left", "l": "left", "right": "right", "r": "right"}


def opposite_sides(segments: Sequence[Segment]) -> BoolArray:
    """Symmetric matrix, shape (segment, segment), that is True for the two sides of one structure.

    By the codes of type, modifiers and region where the segments have them, else by one word of their ID or name
    (left and right, l and r).
    """
    described = [_described(segment) for segment in segments]
    pairs = np.zeros((len(segments), len(segments)), dtype=bool)
    for a, own in enumerate(described):
        for b, other in enumerate(described):
            pairs[a, b] = any(
                x is not None and y is not None and x[0] == y[0] and x[1] != y[1]
                for x, y in zip(own, other, strict=True)
            )
    return pairs


def _described(segment: Segment) -> tuple[tuple[str, str] | None, ...]:
    """What it is without its side, and its side: by codes, by ID, by name; None where no side is named."""
    return _by_codes(segment), _by_word(segment.id), _by_word(segment.name)


def _by_codes(segment: Segment) -> tuple[str, str] | None:
    side = ""
    rest = []
    for code in (segment.type, segment.type_modifier, segment.region, segment.region_modifier):
        if code is None:
            continue
        if code.value == LEFT_CODE:
            side = "left"
        elif code.value == RIGHT_CODE:
            side = "right"
        else:
            rest.append(f"{code.scheme} {code.value}")
    return (" ".join(rest), side) if side and rest else None


def _by_word(text: str) -> tuple[str, str] | None:
    lowered = text.lower()
    found = _WORD.findall(lowered)
    return (_WORD.sub("", lowered), _SIDE[found[0]]) if len(found) == 1 else None
