"""Codes that say what a word means, independent of language."""

from __future__ import annotations

import re
from dataclasses import dataclass

from AnnotationQACore.protocol.constraints import Text

__all__ = ["SCHEMES", "Code", "code_problem"]

SCHEMES = {
    "SCT": "SNOMED CT",
    "RADLEX": "RadLex",
    "I10": "ICD-10",
    "I10C": "ICD-10-CM",
    "DCM": "DICOM PS3.16",
    "LN": "LOINC",
    "UCUM": "units of measure",
    "FMA": "Foundational Model of Anatomy",
}
"""Coding scheme designators (DICOM PS3.16 table 8-1) that protocols use; private ones begin with 99."""

_FORMS = {
    "SCT": (r"[1-9][0-9]{5,17}", "a SNOMED CT identifier of 6 to 18 digits"),
    "RADLEX": (r"RID[0-9]+", "'RID' and digits"),
    "I10": (r"[A-Z][0-9]{2}(\.[0-9]{1,2})?", "an ICD-10 code such as 'C34.1'"),
    "I10C": (r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?", "an ICD-10-CM code such as 'S52.501A'"),
    "DCM": (r"[A-Za-z0-9_]{1,16}", "a code of DICOM PS3.16"),
    "LN": (r"[0-9]{1,7}-[0-9]", "a LOINC code such as '24627-2'"),
    "FMA": (r"[0-9]{1,7}", "digits"),
}

_MISNAMED = {
    "SNOMED": "SCT",
    "SNOMEDCT": "SCT",
    "SNOMED-CT": "SCT",
    "SNOMED CT": "SCT",
    "SRT": "SCT",
    "RADLEX": "RADLEX",
    "RID": "RADLEX",
    "ICD10": "I10",
    "ICD-10": "I10",
    "ICD-10-CM": "I10C",
    "DICOM": "DCM",
    "LOINC": "LN",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (DICOM PS3.3 section 8, Code Sequence).

    Two codes are the same concept when scheme and value are equal: meanings vary between vendors and languages.

    Attributes
    ----------
    scheme : str
        Coding scheme designator: `SCT` (SNOMED CT), `RADLEX`, `I10` (ICD-10), `DCM` (DICOM), or one of `SCHEMES`.
    value : str
        The code itself.
    meaning : str
        What it means, for people.
    """

    scheme: Text
    value: Text
    meaning: Text

    def is_same_concept(self, other: Code) -> bool:
        """Whether both codes name one concept, whatever their meanings say."""
        return (self.scheme, self.value) == (other.scheme, other.value)

    def __str__(self) -> str:
        return f"{self.meaning} ({self.scheme} {self.value})"


def code_problem(code: Code) -> tuple[str, str, str] | None:
    """What is wrong with the form of a code, or None.

    SNOMED CT identifiers carry a check digit, so that a mistyped one is noticed; other schemes are checked by form.

    Returns
    -------
    tuple of 3 str, or None
        The attribute (`scheme`, `value` or `meaning`), what is wrong, and the remedy.
    """
    if code.scheme not in SCHEMES and not code.scheme.startswith("99"):
        known = _MISNAMED.get(code.scheme.upper())
        remedy = f"write '{known}'" if known else f"use one of {', '.join(SCHEMES)}, or a private one such as 99LOCAL"
        return "scheme", f"{code.scheme!r} is no coding scheme designator", remedy
    expression, form = _FORMS.get(code.scheme, (r"\S+", "a code without spaces"))
    if not re.fullmatch(expression, code.value):
        return "value", f"{code.value!r} cannot be a code of {SCHEMES.get(code.scheme, code.scheme)}", f"give {form}"
    if code.scheme == "SCT" and not _verhoeff_holds(code.value):
        return "value", f"{code.value!r} has a wrong check digit", "look the code up again; a digit is mistyped"
    if len(code.meaning) > 64:
        return "meaning", f"{len(code.meaning)} characters", "shorten it to 64, the most that DICOM holds"
    return None


def _verhoeff_holds(digits: str) -> bool:
    """Verhoeff check (SNOMED CT Release File Specification): the dihedral group D5 and a permutation per place."""
    check = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        for _ in range(place % 8):
            digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
        check = _multiply(check, digit)
    return check == 0


def _multiply(left: int, right: int) -> int:
    if left < 5:
        return (left + right) % 5 if right < 5 else (left + right - 5) % 5 + 5
    return (left - right) % 5 + 5 if right < 5 else (left - right) % 5
