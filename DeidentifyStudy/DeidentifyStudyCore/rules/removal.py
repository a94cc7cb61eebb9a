"""Keeping, removing, emptying, and dummies that are valid for their VR (PS3.15, E.3: actions K, X, Z, D and choices
by type)."""

import struct
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.dictionary import tags_of
from DeidentifyStudyCore.rules.model import KEEP, REMOVE, Action, Context, Element, Mode, opened, replaced

__all__ = ["DUMMY_TEXT", "Keep", "Remove", "RemoveByType", "dummy_value"]

DUMMY_TEXT = "REMOVED"
_LONG_CODE_VALUE, _LUT_DESCRIPTOR, _LUT_DATA = 0x00080119, 0x00283002, 0x00283006
_LONG_DUMMY = b"REMOVED REMOVED REMOVED"
"""Of a Long Code Value, which has more than 16 characters (PS3.3, 8.1)."""
_NEVER_ZERO = tags_of(
    {
        "WindowWidth", "RescaleSlope", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
        "DoseGridScaling", "SliceThickness", "PixelAspectRatio",
    }
)  # fmt: skip
"""Numbers that others are divided by, or that are sizes."""
_DUMMIES = {
    "AE": b"REMOVED",
    "AS": b"000Y",
    "CS": b"REMOVED",
    "DA": b"19000101",
    "DT": b"19000101000000",
    "PN": b"REMOVED",
    "TM": b"000000",
    "UR": b"urn:removed",
}
_BYTES_OF_ENTRY = 2
_WIDTHS = {
    "US": 2,
    "SS": 2,
    "AT": 4,
    "UL": 4,
    "SL": 4,
    "FL": 4,
    "FD": 8,
    "SV": 8,
    "UV": 8,
    "OF": 4,
    "OL": 4,
    "OD": 8,
    "OV": 8,
}


def dummy_value(element: Element, context: Context) -> bytes:
    """Value of the element's VR that says nothing; of numbers and of entries of a table as many as there were."""
    if element.tag == _LONG_CODE_VALUE:
        return _LONG_DUMMY
    if element.tag == _LUT_DATA and len(element.value) > _BYTES_OF_ENTRY:
        return _ramp(element, context)
    if element.vr in {"DS", "IS"}:
        number = b"1" if element.tag in _NEVER_ZERO else b"0"
        return b"\\".join([number] * (element.value.count(b"\\") + 1))
    if element.vr in _DUMMIES:
        return _DUMMIES[element.vr]
    if element.vr == "UI":
        return context.pseudonyms.uid(context.text(element) or "1").encode()
    if element.vr in _WIDTHS:
        return bytes(_WIDTHS[element.vr])
    if element.vr in {"LO", "SH", "ST", "LT", "UC", "UT"}:
        return DUMMY_TEXT.encode()
    return b"\0\0"


def _ramp(element: Element, context: Context) -> bytes:
    """Table that rises evenly over the bits that its descriptor declares."""
    order = ">" if element.big else "<"
    entries = len(element.value) // _BYTES_OF_ENTRY
    descriptor = context.item.get(_LUT_DESCRIPTOR, b"")
    bits = struct.unpack(order + "3H", descriptor)[2] if len(descriptor) == struct.calcsize("3H") else 16
    largest = (1 << min(bits, 16)) - 1
    return struct.pack(f"{order}{entries}H", *(entry * largest // (entries - 1) for entry in range(entries)))


@dataclass(frozen=True, slots=True)
class Keep:
    """Numbers and technical values that say nothing of a person."""

    name: str = "keep"
    why: str = "kept bit for bit"

    def apply(self, element: Element, context: Context) -> Action:  # noqa: ARG002  # the protocol of rules
        """Keep it."""
        return KEEP

    def describe(self) -> str:
        """Say it in one sentence."""
        return self.why


@dataclass(frozen=True, slots=True)
class Remove:
    """Elements that go whatever their type."""

    name: str = "remove"
    why: str = "removed"

    def apply(self, element: Element, context: Context) -> Action:  # noqa: ARG002  # the protocol of rules
        """Remove it."""
        return REMOVE

    def describe(self) -> str:
        """Say it in one sentence."""
        return self.why


@dataclass(frozen=True, slots=True)
class RemoveByType:
    """Actions X, Z and D: the mildest that the choice of the table and the attribute's type in the IOD allow.

    An attribute of type 1 is never emptied and one of type 2 never removed, whatever the row says, so that the object
    stays valid; PS3.15 allows the stronger replacement in every such case.
    """

    choice: str
    name: str = "remove"

    def apply(self, element: Element, context: Context) -> Action:
        """Remove, empty or replace it."""
        kind = context.type_of(element.tag)
        if kind == "3" and self.choice.startswith("X"):
            return REMOVE
        if kind != "1" and ("Z" in self.choice or self.choice.startswith("X")):
            return replaced(b"") if element.value else KEEP
        if element.vr == "SQ":
            return opened(Mode.DUMMY)
        return replaced(dummy_value(element, context))

    def describe(self) -> str:
        """Say it in one sentence."""
        return {
            "X": "removed; emptied or replaced by a dummy where the object's type requires it",
            "Z": "emptied; replaced by a dummy where the object's type requires a value",
            "D": "replaced by a dummy value",
        }.get(self.choice, "removed, emptied or replaced by a dummy, by its type in the object")
