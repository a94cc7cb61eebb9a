"""Codes that prove themselves: numbers of SNOMED CT and LOINC end in a check digit, which numbers of persons do by
chance only.

Sources: SNOMED CT Technical Implementation Guide, 6 (identifiers); J. Verhoeff, Error Detecting Decimal Codes, 1969;
LOINC Users' Guide, appendix C (Mod 10).
"""

import re

__all__ = ["is_loinc", "is_snomed_ct", "proves_itself"]

_ROTATED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_CONCEPTS = ("00", "10")  # of the international release, and of an extension
_MISPRINTED = "115347700"  # in PS3.16
_LONG = 7
_SHORT = frozenset(("DCM", "SRT", "SNM3", "UCUM", "FMA", "RADLEX", "NCIt"))
"""Schemes without codes of so many digits."""
_LOINC = re.compile(r"(?:[A-Z]{2,4})?(\d{1,7})-(\d)")


def proves_itself(code: str, scheme: str) -> bool:
    """Whether a code that has as many digits as a person's number can be one of its scheme.

    Parameters
    ----------
    scheme : str
        Coding Scheme Designator.
    """
    if sum(map(str.isdigit, code)) < _LONG:
        return True
    if scheme == "SCT":
        return code == _MISPRINTED or is_snomed_ct(code)
    return is_loinc(code) if scheme == "LN" else scheme not in _SHORT


def is_snomed_ct(number: str) -> bool:
    """Whether a text is the identifier of a concept of SNOMED CT."""
    if not (number.isascii() and number.isdigit()):
        return False
    if not 6 <= len(number) <= 18 or number[0] == "0" or number[-3:-1] not in _CONCEPTS:
        return False
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = _dihedral(check, int(_ROTATED[place % 8][int(digit)]))
    return check == 0


def _dihedral(first: int, second: int) -> int:
    """Product in the group of the ten symmetries of a pentagon: turns are 0 to 4, reflections 5 to 9."""
    turn = first + second if first < 5 else first - second
    return turn % 5 + 5 * ((first >= 5) != (second >= 5))


def is_loinc(code: str) -> bool:
    """Whether a code is written as those of LOINC are, with its check digit."""
    found = _LOINC.fullmatch(code)
    if not found:
        return False
    total = 0
    for place, digit in enumerate(reversed(found[1])):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10 == int(found[2])
