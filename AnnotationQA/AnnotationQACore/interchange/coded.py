"""Codes, colours and text between us and DICOM datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from AnnotationQACore.protocol.terminology import Code

if TYPE_CHECKING:
    from highdicom.color import CIELabColor
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset

__all__ = [
    "UNCODED",
    "code_from_items",
    "code_item",
    "color_from_cielab",
    "color_to_cielab",
    "long_string",
    "same_concept",
]

UNCODED = Code("SCT", "85756007", "Tissue")
"""What Slicer and we write for a segment of which no code is known."""

_LONG_STRING = 64
"""Characters that value representation LO holds (PS3.5 6.2)."""


def code_item(code: Code) -> CodedConcept:
    """Item of a code sequence; a value of more than 16 characters goes to Long Code Value (PS3.3 8.8)."""
    from highdicom.sr import CodedConcept  # highdicom is loaded with the first object that is written

    return CodedConcept(code.value, code.scheme, long_string(code.meaning) or code.value)


def code_from_items(items: Sequence[Dataset] | None) -> Code | None:
    """First code of a code sequence; None when there is none, or it has no value or scheme."""
    if not items:
        return None
    item = items[0]
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue")
    scheme = item.get("CodingSchemeDesignator", "URN" if "URNCodeValue" in item else "")
    return Code(str(scheme), str(value), str(item.get("CodeMeaning", ""))) if value and scheme else None


def same_concept(first: Code, second: Code) -> bool:
    """Whether two codes name one concept; retired SNOMED codes (``SRT``) equal their successors."""
    if "SRT" not in (first.scheme, second.scheme):
        return (first.value, first.scheme) == (second.value, second.scheme)
    from pydicom.sr.coding import Code as PydicomCode  # the list of retired codes

    return bool(
        PydicomCode(first.value, first.scheme, first.meaning)
        == PydicomCode(second.value, second.scheme, second.meaning)
    )


def color_to_cielab(color: tuple[float, float, float]) -> CIELabColor:
    """Recommended Display CIELab Value of an RGB colour in [0, 1]."""
    from highdicom.color import CIELabColor  # see `code_item`

    red, green, blue = (round(255 * min(max(part, 0.0), 1.0)) for part in color)
    return CIELabColor.from_rgb(red, green, blue)


def color_from_cielab(value: Sequence[int]) -> tuple[float, float, float]:
    """RGB colour in [0, 1] of a Recommended Display CIELab Value."""
    from highdicom.color import CIELabColor  # see `code_item`

    first, second, third = (int(part) for part in value)
    red, green, blue = CIELabColor.from_dicom_value((first, second, third)).to_rgb()
    return (red / 255, green / 255, blue / 255)


def long_string(text: str) -> str:
    """Text that fits value representation LO: one line, no backslash, at most 64 characters."""
    return " ".join(text.replace("\\", "/").split())[:_LONG_STRING].strip()
