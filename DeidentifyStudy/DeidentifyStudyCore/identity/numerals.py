"""Numbers in values, however they are encoded: what a reader would see as digits."""

import re
import struct
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import numpy as np

from DeidentifyStudyCore.dicom.dictionary import keyword_of

__all__ = ["BINARY_NUMBERS", "significant_digits", "spoken_numbers", "tells_long_number", "whole_number"]

BINARY_NUMBERS = {
    "US": "u2", "SS": "i2", "UL": "u4", "SL": "i4", "UV": "u8", "SV": "i8", "FL": "f4", "FD": "f8", "AT": "u2",
}  # fmt: skip
"""VRs of numbers in binary, and what numpy calls them."""

_SEVEN_DIGITS = 1_000_000
_ROUND = 6
_FEW_BYTES = 64
_LIMITS = 2**31 - 1  # it and what is above stand for "no limit" and for bit patterns
_EXACT = {"UL": _LIMITS, "SL": _LIMITS, "UV": 10**15, "SV": 10**15, "FD": 10**15}
"""Integers and doubles, and the number from which on they are no identifiers."""
_LARGE_BY_NATURE = re.compile(
    r"NumberOf|Length|Offset|Mask|Flags|Sample|Points|Pixel|Matrix|Size|Time|Duration|Frequency|Dose|Activity|Count|"
    r"Slope|Intercept|Mapped|Coordinate|FloatingPoint|Rational|Frame|Position|Histogram|LUT|Index"
)

_LARGEST_EXPONENT = 30
_LARGEST = 1e18


def whole_number(text: str) -> int | None:
    """Value of a DS or IS value that is a whole number, however it is written (``7391846.0``, ``+7.391846E6``)."""
    plain = text.strip(" \0")
    if plain.isdigit() and plain.isascii():
        return int(plain)
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT or number != number.to_integral_value():
        return None
    return abs(int(number))


def significant_digits(number: int) -> int:
    """How many digits a whole number tells: those before its trailing zeros."""
    return len(str(number).rstrip("0"))


def tells_long_number(tag: int, vr: str, value: bytes, *, big: bool) -> bool:
    """Whether an element of the standard holds a whole number in binary that could be somebody's: one of seven
    significant digits and more, where nothing is counted or measured that reaches so far.

    FL is not looked at: its whole numbers of eight digits are what rounding leaves of any large number.
    """
    if vr not in _EXACT or not value or len(value) > _FEW_BYTES:
        return False
    keyword = keyword_of(tag)
    if not keyword or _LARGE_BY_NATURE.search(keyword):
        return False
    numbers = (int(digits) for digits in spoken_numbers(vr, value, big=big))
    return any(_SEVEN_DIGITS <= number < _EXACT[vr] and significant_digits(number) > _ROUND for number in numbers)


def spoken_numbers(vr: str, value: bytes, *, big: bool) -> Iterable[str]:
    """Whole numbers of an element in binary as digits; tags as eight hexadecimal digits.

    A single number is what most elements hold, and what this is fast for.
    """
    kind = BINARY_NUMBERS[vr]
    if vr == "AT":
        words = np.frombuffer(value, (">" if big else "<") + kind, len(value) // 4 * 2).reshape(-1, 2)
        return [f"{group:04x}{element:04x}" for group, element in words.tolist()]
    width = int(kind[1])
    if len(value) == width:
        letter = {"u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q", "f4": "f", "f8": "d"}[kind]
        (number,) = struct.unpack((">" if big else "<") + letter, value)
        if isinstance(number, float) and not (abs(number) < _LARGEST and number.is_integer()):
            return ()
        return (str(abs(int(number))),)
    numbers = np.frombuffer(value, (">" if big else "<") + kind, len(value) // width)
    if kind[0] == "f":
        with np.errstate(invalid="ignore"):
            numbers = numbers[(np.abs(numbers) < _LARGEST) & (np.floor(numbers) == numbers)]
    return {str(abs(int(number))) for number in np.unique(numbers).tolist()}
