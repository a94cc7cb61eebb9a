"""Text, codes and numbers written as text."""

import re
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.charset import encoded
from DeidentifyStudyCore.dicom.dictionary import keyword_of
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.identity.numerals import BINARY_NUMBERS, significant_digits, tells_long_number, whole_number
from DeidentifyStudyCore.rules.check_digits import proves_itself
from DeidentifyStudyCore.rules.hidden_text import holds_text
from DeidentifyStudyCore.rules.model import KEEP, Action, Context, Element, Mode, opened, replaced
from DeidentifyStudyCore.rules.removal import DUMMY_TEXT, RemoveByType, dummy_value
from DeidentifyStudyCore.rules.technical import VERSIONS, is_version, tells_date
from DeidentifyStudyCore.rules.text import Allowed, clean_text, has_identifier_pattern, is_coded, is_term, vocabulary

__all__ = [
    "STANDARD_SCHEMES",
    "CleanText",
    "CodeMeaning",
    "CodeString",
    "CodeValue",
    "FreeLabel",
    "NumberString",
    "TechnicalText",
    "unit_of",
]

STANDARD_SCHEMES = frozenset(
    [
        "DCM",
        "SCT",
        "SRT",
        "SNM3",
        "LN",
        "UCUM",
        "RADLEX",
        "FMA",
        "UMLS",
        "NCIt",
        "NCIT",
        "NEU",
        "ICD10",
        "I10",
        "I10P",
        "I9C",
        "I9",
        "ICDO3",
        "LOINC",
        "MSH",
        "BI",
        "BARI",
        "MDNS",
        "MDC",
        "MA",
        "NDC",
        "ISO639_1",
        "ISO639_2",
        "ISO3166_1",
        "RFC3066",
        "RFC5646",
        "UNS",
        "UBERON",
        "ITIS_TSN",
        "ACR",
        "CPT4",
        "C4",
        "HCPT",
        "SNM",
        "SNOMED",
        "DCMUID",
        "CTM",
        "PATHLEX",
        "IBSI",
        "RXNORM",
        "GCN",
        "SCPECG",
        "RADELEMENT",
        "HGNC",
        "NICIP",
        "PUBCHEM_CID",
        "99SDM",
    ]
)
"""Coding schemes of PS3.16, section 8; the others are private: their meanings are free text."""

_PUBLISHED_SCHEMES = frozenset(
    ["99PMP", "99QIICR", "99SMS_CTMR", "99_OFFIS_DCMTK", "99IHE", "99dcmjs", "CORNERSTONEJS"]
)
"""Private schemes of makers and programs whose codes are the same for everybody."""

_SCHEME, _MEANING, _NUMERIC_VALUE = 0x00080102, 0x00080104, 0x0040A30A
_NAMING_CODES = frozenset({(0x00401101,), (0x00080082,)})
"""Person Identification and Institution Code Sequence, as the end of a path."""
_ECHO = "a name, number or date of the patient"
"""What the echo dictionary holds, as people are told."""

_MEASUREMENT_UNITS = 0x004008EA
_CODE_VALUE = re.compile(rb"(?:\x08\x00\x00\x01|\x00\x08\x01\x00).{4}([!-~]{1,16})", re.DOTALL)
"""(0008,0100) in any encoding: all have eight bytes before the value."""
_INTEGER = re.compile(r" *[+-]?\d{1,12} *")
_DECIMAL = re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *")
_LARGEST_PLAIN = 1_000_000
_LARGEST_WITH_UNIT = 100_000_000  # a body has so many cubic millimetres
_MILLISECONDS_OF_A_DAY = 86_400_000
_LARGEST_MEASURED = {
    "ActualFrameDuration": _MILLISECONDS_OF_A_DAY,
    "FrameReferenceTime": _MILLISECONDS_OF_A_DAY,
    "FrameTime": _MILLISECONDS_OF_A_DAY,
    "TriggerTime": _MILLISECONDS_OF_A_DAY,
    "ExposureTimeInuS": 100_000_000,
    "ExposureInuAs": 10_000_000,
    "XRayTubeCurrentInuA": 10_000_000,
    "WindowWidth": 1 << 24,
    "WindowCenter": 1 << 24,
}
_ROUNDED = frozenset(
    {
        "CountsAccumulated",
        "PrimaryPromptsCountsAccumulated",
        "SecondaryCountsAccumulated",
        "RadionuclideTotalDose",
        "DoseCalibrationFactor",
        "ImagingFrequency",  # in MHz, but some write Hz
    }
)
_DIGITS_KEPT = 6
_SHORTEST_BYTES = 3
_CODE_STRING = re.compile(r"[A-Z0-9 _]{0,16}")
_IMAGE_TYPE, _OTHER = 0x00080008, "OTHER"
_MODALITY, _ANNOTATION = 0x00080060, "ANN"
"""A modality that is a given name as well."""
_NUMBERED = frozenset({0x0040DB00, 0x0008010F})
"""Template Identifier and Context Identifier: PS3.16 numbers templates and context groups, up to five digits; private
ones begin with 99."""
_NUMBER_OF_STANDARD = re.compile(r"(?:99_?)?\d{1,5}")
_STANDARD = re.compile(r"ISO_(?:10918|13818|14495|14496|15444|23008|23090|18181)_\d{1,2}")


def _finished(text: str, new: str, element: Element, context: Context, choice: str) -> Action:
    if new == text:
        if text:
            context.retained.add((element.tag, text[:200]))
        return KEEP
    if not new:
        return RemoveByType(choice).apply(element, context)
    context.retained.add((element.tag, new[:200]))
    return replaced(encoded(new, context.codecs))


@dataclass(frozen=True, slots=True)
class CleanText:
    """Descriptors and free text."""

    choice: str = "X"
    name: str = "clean text"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep the words of the vocabulary that the patient's echo dictionary does not have."""
        if element.vr == "SQ":
            return opened(context.mode)
        text = context.text(element)
        if not text:
            return KEEP
        if context.mode is Mode.DUMMY:
            return KEEP if text == DUMMY_TEXT else replaced(dummy_value(element, context))
        if element.vr not in {"LO", "SH", "ST", "LT", "UT", "UC", "CS", "AE"}:
            return RemoveByType(self.choice).apply(element, context)
        parts = text.split("\\") if element.vr in {"LO", "SH", "UC", "CS", "AE"} else [text]
        allowed = Allowed.ALL if context.mode is Mode.RETAIN else Allowed.FIELD
        new = "\\".join(clean_text(part, context.subject.echo, allowed) for part in parts)
        return _finished(text, "" if not new.strip("\\ ") else new, element, context, self.choice)

    def describe(self) -> str:
        """Say it in one sentence."""
        return f"free text: known words of the field stay, unless they are {_ECHO}; sequences item by item"


def _technical(text: str, element: Element, echo: Echo, allowed: Allowed) -> str:
    if element.tag in VERSIONS and is_version(text) and not (echo.is_in(text) or tells_date(text, echo.dates)):
        return text
    return clean_text(text, echo, allowed)


@dataclass(frozen=True, slots=True)
class TechnicalText:
    """Names of kernels, coils, sequences and software, and identities that the profile retains.

    Attributes
    ----------
    allowed : Allowed
        ``TERMS`` of the standard and of equipment, or ``ALL`` words where a profile retains what they identify.
    """

    choice: str = "X"
    allowed: Allowed = Allowed.TERMS
    name: str = "technical text"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep the words that are allowed, unless they repeat the patient's dictionary or are a date, an address or a
        long number."""
        if element.vr == "SQ":
            return opened(Mode.RETAIN)
        text = context.text(element)
        if not text:
            return KEEP
        allowed = Allowed.ALL if context.mode is Mode.RETAIN else self.allowed
        new = "\\".join(_technical(part, element, context.subject.echo, allowed) for part in text.split("\\"))
        return _finished(text, "" if not new.strip("\\ ") else new, element, context, self.choice)

    def describe(self) -> str:
        """Say it in one sentence."""
        kept = {
            Allowed.TERMS: "terms of the standard and of equipment are kept",
            Allowed.CODED: "terms of the standard and words of code meanings are kept",
        }
        return (
            f"{kept.get(self.allowed, 'kept')} unless they repeat {_ECHO}, or are a date, an address or a long number"
        )


@dataclass(frozen=True, slots=True)
class CodeString:
    """CS: terms that the standard or a maker defines."""

    name: str = "code string"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep terms in the repertoire of CS that are words of the field or not the patient's."""
        parts = [part.strip() for part in context.text(element).split("\\")]
        kept = [part if self._is_term(part, element, context) else "" for part in parts]
        if kept == parts:
            return KEEP
        if element.tag == _IMAGE_TYPE:  # its values are told apart by their places
            kept = [new or (old and _OTHER) for old, new in zip(parts, kept, strict=True)]
        while kept and not kept[-1]:
            kept.pop()
        if not any(kept):
            return RemoveByType("X").apply(element, context)
        return replaced("\\".join(kept).encode("ascii", "ignore"))

    @staticmethod
    def _is_term(part: str, element: Element, context: Context) -> bool:
        if element.tag in _NUMBERED and _NUMBER_OF_STANDARD.fullmatch(part):
            return not context.subject.echo.is_in(part)
        words = [word for word in re.split(r"[ _]", part.lower()) if word]
        if element.tag == _MODALITY and part == _ANNOTATION:
            return not context.subject.echo.is_in(part)
        if all(word in vocabulary() for word in words):
            return True
        if not _CODE_STRING.fullmatch(part.upper()):
            return False
        # numbers of standards look like telephone numbers: ISO_10918_1
        if has_identifier_pattern(part) and not _STANDARD.fullmatch(part):
            return False
        known = context.mode is Mode.RETAIN or all(map(is_term, words))
        return known and not context.subject.echo.is_in(part)

    def describe(self) -> str:
        """Say it in one sentence."""
        return f"kept when it is made of terms of the standard; removed when it repeats {_ECHO}"


@dataclass(frozen=True, slots=True)
class FreeLabel:
    """CS that a person types: labels of contents and of graphic layers, which others refer to by name."""

    name: str = "label"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep words of the field; replace any other label by a keyed one, the same for the same label."""
        text = context.text(element).strip()
        words = [word for word in re.split(r"[ _]", text.lower()) if word]
        echo = context.subject.echo
        if all(is_term(word) and word not in echo.common for word in words) and not echo.is_in(text):
            return KEEP
        return replaced(context.pseudonyms.name("label", text, "L").encode())

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept when it is made of terms of the standard; else replaced by a keyed label"


@dataclass(frozen=True, slots=True)
class CodeValue:
    """Values and designators of codes."""

    name: str = "code value"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep codes of standard schemes, but of no person and institution; clean those of private ones."""
        if context.mode is Mode.DUMMY and context.path[-1:] in _NAMING_CODES:
            return RemoveByType("D").apply(element, context)
        text = context.text(element)
        scheme = context.text(Element(_SCHEME, "SH", context.item.get(_SCHEME, b"")))
        meaning = context.item.get(_MEANING, b"").rstrip(b" \0")
        echo = context.subject.echo
        if scheme.strip() in STANDARD_SCHEMES | _PUBLISHED_SCHEMES:
            # a real code of a standard scheme is one short token, mostly with digits; a name is none
            if re.fullmatch(r"[A-Za-z0-9.\-+/%\[\]{}()'_*^:#]{1,64}", text) and not echo.is_in(text):
                words = re.findall(r"[a-z]{4,}", text.lower())
                if all(map(is_coded, words)) and proves_itself(text, scheme.strip()):
                    return KEEP
        elif not meaning and not scheme and not text:
            return KEEP
        allowed = Allowed.ALL if context.mode is Mode.RETAIN else Allowed.TERMS
        if clean_text(text, echo, allowed) != text:  # a part of a code is another code
            return RemoveByType("D").apply(element, context)
        return _finished(text, text, element, context, "D")

    def describe(self) -> str:
        """Say it in one sentence."""
        return (
            "kept in standard coding schemes, but for numbers of seven digits and more that cannot be one of the "
            "scheme's; in private ones kept when all of it is technical text"
        )


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """Code Meaning: defined by the scheme, or free text where the scheme is private."""

    name: str = "code meaning"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep meanings of standard schemes unless they repeat the patient's dictionary; clean the others as free
        text."""
        scheme = context.text(Element(_SCHEME, "SH", context.item.get(_SCHEME, b"")))
        if scheme.strip() in STANDARD_SCHEMES or context.mode is Mode.RETAIN:
            return TechnicalText("D", Allowed.CODED).apply(element, context)
        return CleanText("D").apply(element, context)

    def describe(self) -> str:
        """Say it in one sentence."""
        return f"kept in standard coding schemes unless it repeats {_ECHO}; free text in private ones"


def unit_of(context: Context) -> bytes:
    """Code of the unit of a measured value of a report; empty where it has none."""
    code = _CODE_VALUE.search(context.item.get(_MEASUREMENT_UNITS, b""))
    return code[1] if code is not None else b""


def _has_unit(context: Context) -> bool:
    """Whether a measured value of a report has a unit of UCUM, which no number of a person has."""
    return b"UCUM" in context.item.get(_MEASUREMENT_UNITS, b"") and unit_of(context) not in {b"", b"1"}


@dataclass(frozen=True, slots=True)
class NumberString:
    """DS and IS, and whole numbers in binary: numbers, as long as they are numbers and not the patient's."""

    name: str = "number"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep valid numbers that are in no echo dictionary."""
        echo = context.subject.echo
        if element.vr in BINARY_NUMBERS:
            value = element.value
            hidden = len(value) > _SHORTEST_BYTES and holds_text(value, element.vr, big=element.big)
            readable = hidden or (len(value) > _SHORTEST_BYTES and echo.is_in_bytes(value))
            ours = echo.is_in_numbers(element.vr, value, big=element.big)
            if readable or ours or tells_long_number(element.tag, element.vr, value, big=element.big):
                return RemoveByType("X").apply(element, context)
            return KEEP
        text = context.text(element)
        pattern = _INTEGER if element.vr == "IS" else _DECIMAL
        parts = text.split("\\")
        new = [self._part(part, element, context, pattern) for part in parts]
        if None in new:
            # required in every measured value (PS3.3, C.18.1), which the types of the IOD's own level do not tell
            return RemoveByType("D" if element.tag == _NUMERIC_VALUE else "X").apply(element, context)
        return KEEP if new == parts else replaced("\\".join(map(str, new)).encode())

    @staticmethod
    def _part(part: str, element: Element, context: Context, pattern: re.Pattern[str]) -> str | None:
        """One value as it may stay; None when it must go."""
        if not part.strip(" \0"):
            return part
        if not pattern.fullmatch(part) or context.subject.echo.is_number(part):
            return None
        number = whole_number(part)
        if number is None or number < _LARGEST_PLAIN or significant_digits(number) == 1:
            return part
        if not part.strip(" \0+-").isdigit() and significant_digits(number) <= _DIGITS_KEPT:
            return part  # such as 1.5E7
        if element.tag == _NUMERIC_VALUE and number < _LARGEST_WITH_UNIT and _has_unit(context):
            return part
        keyword = keyword_of(element.tag)
        if keyword in _ROUNDED:
            if significant_digits(number) <= _DIGITS_KEPT:
                return part
            unit = 10 ** (len(str(number)) - _DIGITS_KEPT)
            return f"{'-' if part.strip().startswith('-') else ''}{round(number / unit) * unit}"
        return part if number <= _LARGEST_MEASURED.get(keyword, 0) else None

    def describe(self) -> str:
        """Say it in one sentence."""
        return (
            "kept when it is a number, and not the patient's; whole ones of seven digits only where so much is "
            "measured, and in reports with a unit; doses and counts then in six digits"
        )
