"""Private elements, judged by their creator and never by their bare tag (PS3.5, 7.8.1; PS3.15, E.3.10)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.standard import safe_private
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.numerals import BINARY_NUMBERS, tells_long_number
from DeidentifyStudyCore.rules.hidden_text import holds_text
from DeidentifyStudyCore.rules.identity import PseudonymousUid
from DeidentifyStudyCore.rules.model import KEEP, REMOVE, Action, Context, Element, Mode, Rule, opened
from DeidentifyStudyCore.rules.removal import RemoveByType
from DeidentifyStudyCore.rules.textual import CleanText, CodeString, NumberString, TechnicalText

__all__ = ["OpaqueBytes", "PrivateBlock", "SafePrivate", "block_of"]

_TEXT_VRS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_BINARY_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_NUMBER_VRS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "DS", "IS", "AT"})
_SHORTEST_TEXT = 6
_SHORTEST_SEARCHED = 3
_SAMPLES = frozenset({0x7FE00008, 0x7FE00009, 0x54001010, 0x56000020, 0x00660016})
"""Float and Double Float Pixel Data, Waveform, Spectroscopy and Point Coordinates Data: without them the object is
worth nothing."""


def block_of(tag: int) -> int:
    """Tag of the private creator that reserves a private element's block."""
    return tag & 0xFFFF0000 | tag >> 8 & 0xFF


@dataclass(frozen=True, slots=True)
class OpaqueBytes:
    """Binary values that stay.

    Attributes
    ----------
    no_text : bool
        Remove them also when they hold any run of text, however short.
    """

    no_text: bool = False
    name: str = "binary"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep bytes in which neither the patient's dictionary, nor a UID of the source, nor hidden text is found."""
        echo, value = context.subject.echo, element.value
        if element.vr in BINARY_NUMBERS and (
            echo.is_in_numbers(element.vr, value, big=element.big)
            or tells_long_number(element.tag, element.vr, value, big=element.big)
        ):
            return RemoveByType("X").apply(element, context)
        if len(value) <= _SHORTEST_SEARCHED:
            return KEEP
        if (
            echo.is_in_bytes(value)
            or holds_text(value, element.vr, big=element.big)
            or (self.no_text and _has_text(value))
        ):
            if element.tag in _SAMPLES:
                raise Quarantined("text-in-samples")
            return RemoveByType("X").apply(element, context)
        return KEEP

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept when it repeats nothing of the patient's, tells no long number and hides no text" + (
            ", however short" if self.no_text else ""
        )


def _has_text(value: bytes) -> bool:
    run = 0
    for byte in value[: 1 << 20]:
        run = run + 1 if 65 <= byte <= 90 or 97 <= byte <= 122 or 48 <= byte <= 57 else 0
        if run >= _SHORTEST_TEXT:
            return True
    return False


@dataclass(frozen=True)
class PrivateBlock:
    """The private creators of one item.

    Attributes
    ----------
    creators : mapping of int to str
        Tag of the reserving element to the creator.
    kept : frozenset of int
        Reserving elements of blocks in which at least one element is in the table of safe ones.
    """

    creators: Mapping[int, str]
    kept: frozenset[int]

    @classmethod
    def of(cls, creators: Mapping[int, str], tags: Iterable[int]) -> "PrivateBlock":
        """Judge the blocks of an item by all private tags of it."""
        kept = frozenset(block_of(tag) for tag in tags if safe_vr(creators.get(block_of(tag), ""), tag))
        return cls(creators, kept)

    def creator_of(self, tag: int) -> str:
        """Creator of a private element; empty when its block is not reserved."""
        return self.creators.get(block_of(tag), "")


def safe_vr(creator: str, tag: int) -> str:
    """VR of a safe private element; empty for all others."""
    return safe_private().get(creator, {}).get(f"{tag >> 16:04X}{tag & 0xFF:02X}", "")


@dataclass(frozen=True)
class SafePrivate:
    """Private elements of the table of safe ones, cleaned by their VR: safe is not free of identity."""

    dates: Rule
    name: str = "safe private"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep numbers and terms, clean text, map UIDs, open sequences, and look into bytes."""
        vr = element.vr
        if vr == "SQ":
            return opened(Mode.NORMAL)
        rule: Rule
        if vr in _NUMBER_VRS - {"FL", "FD", "AT"}:
            rule = NumberString()
        elif vr in {"FL", "FD", "AT"}:
            rule = OpaqueBytes()
        elif vr == "CS":
            rule = CodeString()
        elif vr == "UI":
            rule = PseudonymousUid()
        elif vr in {"DA", "DT", "TM"}:
            rule = self.dates
        elif vr in {"LO", "SH"}:
            rule = TechnicalText()  # what devices write: names of sequences, of techniques and of stacks
        elif vr in _TEXT_VRS:
            rule = CleanText("X")
        elif vr in _BINARY_VRS:
            rule = OpaqueBytes(no_text=True)
        else:
            return REMOVE
        return rule.apply(element, context)

    def describe(self) -> str:
        """Say it in one sentence."""
        return (
            "those of PS3.15 Table E.3.10-1, and numbers of MR that images cannot be read without, are kept by their "
            "creator and cleaned by their VR; all others go"
        )
