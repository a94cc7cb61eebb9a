"""Which rule an element falls under, for one profile: the table first, then a policy by VR."""

from collections.abc import Iterator
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.dicom.standard import Row, row_for, table_rows
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.rules.encapsulated import EncapsulatedDocument, EncapsulatedLength
from DeidentifyStudyCore.rules.identity import CLASS_UIDS, Age, ClassUid, PseudonymousId, PseudonymousUid
from DeidentifyStudyCore.rules.model import Action, Context, Element, Mode, Rule, opened
from DeidentifyStudyCore.rules.private import OpaqueBytes, SafePrivate
from DeidentifyStudyCore.rules.removal import Keep, Remove, RemoveByType
from DeidentifyStudyCore.rules.retained import DeviceDate, KeyedTitle, RetainedText
from DeidentifyStudyCore.rules.structured import ContentText, MeasuredValue
from DeidentifyStudyCore.rules.technical import TECHNICAL_TEXT
from DeidentifyStudyCore.rules.temporal import FullDate, ShiftedDate
from DeidentifyStudyCore.rules.text import Allowed
from DeidentifyStudyCore.rules.textual import (
    CleanText,
    CodeMeaning,
    CodeString,
    CodeValue,
    FreeLabel,
    NumberString,
    TechnicalText,
)

__all__ = ["MARKERS", "OpenItems", "RuleBook"]

MARKERS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""Attributes that say what was done (PS3.15, E.1.1): rebuilt in every object."""

_TEXT = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_DATES = frozenset({"DA", "DT", "TM"})
_OPAQUE = frozenset({"OW", "OF", "OD", "OL", "OV"})
_KEPT_BYTES = frozenset(
    {0x00282000, 0x54001010, 0x54001006, 0x00281101, 0x00281102, 0x00281103, 0x00700307, 0x00281408, 0x00281407}
)
_SEQUENCES_OF_REFERENCES = {"X/Z/U*"}
_INSTITUTIONS = frozenset({0x00100021, 0x00380011, 0x00380061, 0x0040A027, 0x00404036})
"""Issuers and organizations that the table removes: institutions, which have the same names where one is retained."""
_RESPONSIBLE_PERSON_ROLE, _ETHICS_COMMITTEE, _CALENDAR = 0x00102298, 0x00120081, 0x00100035
_BIRTH_DATE = 0x00100030
_MOST_BOOKS = 16
_HANGING_PROTOCOL_USER = 0x0072000E


@dataclass(frozen=True, slots=True)
class OpenItems:
    """Sequences: every item is cleaned by the same rules."""

    mode: Mode = Mode.NORMAL
    name: str = "items"

    def apply(self, element: Element, context: Context) -> Action:  # noqa: ARG002  # the protocol of rules
        """Open it; within a dummy or retained sequence its mode goes on."""
        return opened(context.mode if self.mode is Mode.NORMAL else self.mode)

    def describe(self) -> str:
        """Say it in one sentence."""
        return {
            Mode.NORMAL: "cleaned item by item",
            Mode.DUMMY: "cleaned item by item, all text replaced by a dummy",
            Mode.RETAIN: "kept, cleaned item by item of what repeats a name, number or date of the patient",
        }[self.mode]


class RuleBook:
    """The decision table of a profile.

    `of` gives all who ask for the same profile one book, in which a rule is sought once for each attribute.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._options = profile.options
        self._rules: dict[tuple[int, str], Rule] = {}
        self._single = self._single_tags()
        self.dates: Rule = self._date_rule("X")
        self.private = SafePrivate(self.dates) if "retain_safe_private" in self._options else None

    @classmethod
    def of(cls, profile: Profile) -> "RuleBook":
        """Return the book of a profile."""
        book = _books.get(profile.digest)
        if book is None or book.profile != profile:
            if len(_books) >= _MOST_BOOKS:
                _books.clear()
            book = _books[profile.digest] = cls(profile)
        return book

    def rule_for(self, tag: int, vr: str) -> Rule:
        """Rule of a standard element; `vr` is the one in the file, ``UN`` counts as the dictionary's."""
        key = (tag, vr)
        rule = self._rules.get(key)
        if rule is None:
            rule = self._rules[key] = self._resolve(tag, vr)
        return rule

    def table(self) -> Iterator[tuple[Row, Rule]]:
        """Every row of Table E.1-1 with the rule that this profile applies, repeating groups by their first group."""
        for row in table_rows().values():
            tag = int(row.tag.replace("x", "0"), 16)
            yield row, self.rule_for(tag, dictionary_vr(tag).decode())

    def policies(self) -> list[tuple[str, Rule]]:
        """What happens to elements that the table does not list, by kind."""
        private: Rule = self.private or Remove("remove", "removed: private elements")
        kinds = [("private elements", private), ("unknown elements of even groups", self.rule_for(0x00080002, "LO"))]
        kinds += [
            (f"other elements, VR {vr}", self._by_vr(0x00189999, vr))
            for vr in ("PN", "UI", "DA", "TM", "DT", "AS", "AE", "CS", "LO", "UR", "DS", "US", "FD", "OB", "OW", "SQ")
        ]
        kinds += [("names of equipment, technique and software", TechnicalText()), ("Code Meaning", CodeMeaning())]
        return kinds

    def is_identity(self, tag: int, vr: str) -> bool:
        """Whether the text of an attribute identifies, so that it must not be repeated anywhere else.

        True for what the table removes and neither a descriptor nor a date is, unless the profile retains it.
        """
        if vr == "PN":
            return True
        if vr not in _TEXT | {"UR", "AE", "UN"}:
            return False
        row = row_for(tag)
        if row is None or "clean_descriptors" in row.options or "retain_longitudinal_full_dates" in row.options:
            return False
        if tag in _INSTITUTIONS and "retain_institution_identity" in self._options:
            return False
        return isinstance(self.rule_for(tag, vr), (RemoveByType, PseudonymousId))

    def is_secret_date(self, tag: int, vr: str) -> bool:
        """Whether a date of this attribute must not show anywhere: birth dates never, others unless dates stay."""
        if tag == _BIRTH_DATE:
            return True
        return self.dates_are_secret and not isinstance(self.rule_for(tag, vr), DeviceDate)

    @property
    def dates_are_secret(self) -> bool:
        """Whether original dates must not show anywhere."""
        return "retain_longitudinal_full_dates" not in self._options

    @property
    def uids_are_secret(self) -> bool:
        """Whether original instance UIDs must not show anywhere."""
        return "retain_uids" not in self._options

    def _resolve(self, tag: int, vr: str) -> Rule:
        group = tag >> 16
        known = dictionary_vr(tag).decode()
        if tag & 0xFFFF == 0 or group < 0x0008 or tag == 0x00080001:
            return Remove("drop", "dropped: group lengths, command and file groups do not belong into a data set")
        if tag in MARKERS:
            return Remove("markers", "rebuilt: says what was done")
        override = self.profile.attributes.get(tag)
        if vr == "UN":
            vr = known
        if override:
            return self._override(override, vr, tag)
        special = self._special(tag, group)
        if special:
            return special
        row = row_for(tag)
        if row is not None:
            return self._listed(row, vr, tag)
        if known == "UN":
            return Remove("unknown", "removed: the standard does not know it")
        return self._by_vr(tag, vr)

    def _special(self, tag: int, group: int) -> Rule | None:
        if group & 0xFF01 == 0x5000 and group <= 0x50FF:
            return Remove("curves", "removed with all of its group")
        if group & 0xFF01 == 0x6000 and group <= 0x60FF:
            return Remove("overlays", "removed with all of its group, and from the bits of the pixels")
        if group >= 0xFFFA:
            return Remove("drop", "dropped: signatures that no longer hold, and padding")
        return self._single.get(tag)

    def _single_tags(self) -> dict[int, Rule]:
        """Rules of attributes that are like no other of their VR."""
        rules: dict[int, Rule] = dict.fromkeys((0x00100010, 0x00100020, 0x00120040), PseudonymousId())
        rules[0x00420011] = EncapsulatedDocument(
            self.profile.encapsulated_documents, "clean_recognizable_visual_features" in self._options
        )
        rules[0x00420015] = EncapsulatedLength()
        rules |= dict.fromkeys((0x00700002, 0x00700080), FreeLabel())
        rules[0x0040A160] = ContentText()
        rules |= dict.fromkeys((0x0040A30A, 0x0040A161), MeasuredValue())
        rules[0x00080104] = CodeMeaning()
        rules[0x00080105] = CodeString()
        rules |= dict.fromkeys((0x00080100, 0x00080119, 0x00080102), CodeValue())
        rules[0x00080120] = RemoveByType("D")  # a code has one of three values, so that a URN has to be one
        rules[_RESPONSIBLE_PERSON_ROLE] = Remove(why="removed with the person")
        rules[_CALENDAR] = Remove(why="removed with the dates in it")
        # type 1C: must not be there without the approval's number, which the table removes
        rules[_ETHICS_COMMITTEE] = Remove(why="removed with the number of its approval")
        rules[0x04000500] = RemoveByType("X", "encrypted")
        rules[_HANGING_PROTOCOL_USER] = RemoveByType("X")  # names a person by a code; the table has no row for it
        return rules

    def _override(self, action: str, vr: str, tag: int) -> Rule:
        if action == "C":
            return CleanText("X") if vr in _TEXT | {"SQ"} else self._by_vr(tag, vr)
        if action == "K":
            if vr in _TEXT | {"SQ"}:
                return TechnicalText(allowed=Allowed.ALL)
            return Keep() if vr != "PN" else RemoveByType("X")
        return RemoveByType(action)

    def _listed(self, row: Row, vr: str, tag: int) -> Rule:
        on = {name: action for name, action in row.options.items() if name in self._options}
        if "retain_longitudinal_full_dates" in on or "retain_longitudinal_modified_dates" in on:
            if vr in {*_DATES, "SH"}:
                return self._date_rule(row.basic)
            if "retain_longitudinal_full_dates" in on and vr not in _TEXT:
                return OpaqueBytes(no_text=True) if vr in {"OB", *_OPAQUE} else Keep()
        if "retain_uids" in on and vr in {"UI", "SQ"}:
            return Keep() if vr == "UI" else OpenItems()
        kept = [
            name
            for name, action in on.items()
            if action == "K" and "longitudinal" not in name and name != "retain_uids"
        ]
        if kept:
            return self._retained(vr, tag, row.basic, kept)
        if vr == "AE" and "retain_device_identity" in on:
            return KeyedTitle()
        if "C" in on.values() and vr not in _DATES:
            return OpenItems() if vr == "SQ" else CleanText(row.basic)
        if vr == "UI" and (row.basic == "U" or "U" in row.basic or "D" in row.basic):
            return PseudonymousUid()
        if vr == "SQ" and row.basic in _SEQUENCES_OF_REFERENCES:
            return OpenItems()
        if tag in {0x0040A730, 0x00700001}:
            return OpenItems(Mode.DUMMY)
        return RemoveByType(row.basic if row.basic != "U" else "X")

    def _retained(self, vr: str, tag: int, choice: str, options: list[str]) -> Rule:
        # what devices and institutions are called is anything; what patients are like is said in words of the field
        named = options != ["retain_patient_characteristics"]
        if tag == 0x00101010:
            return Age()
        if vr in _DATES:
            return DeviceDate(choice) if isinstance(self.dates, RemoveByType) else self._date_rule(choice)
        if vr == "SQ":
            return OpenItems(Mode.RETAIN if named else Mode.NORMAL)
        if vr == "UI":  # a device's UID may be made of anything, and a keyed one tells devices apart as well
            return PseudonymousUid()
        if vr in _TEXT:
            return RetainedText(choice) if named else TechnicalText(choice, Allowed.CODED)
        return self._by_vr(tag, vr)

    def _date_rule(self, choice: str) -> Rule:
        if "retain_longitudinal_full_dates" in self._options:
            return FullDate(choice)
        if "retain_longitudinal_modified_dates" in self._options:
            return ShiftedDate(choice)
        return RemoveByType(choice)

    def _by_vr(self, tag: int, vr: str) -> Rule:
        if vr in {"PN", "AE", "UR"}:
            return RemoveByType("X")
        if vr == "UI":
            return ClassUid() if tag in CLASS_UIDS else PseudonymousUid()
        if vr in _DATES:
            return self._date_rule("X")
        if vr == "AS":
            return Age() if "retain_patient_characteristics" in self._options else RemoveByType("X")
        if vr in _TEXT:
            return TechnicalText() if tag in TECHNICAL_TEXT else CleanText("X")
        if vr == "CS":
            return CodeString()
        if vr in {"DS", "IS", "UL", "SL", "UV", "SV", "US", "SS"}:
            return NumberString()
        if vr == "SQ":
            return OpenItems()
        if vr in {"AT", "FL", "FD"} or vr in _OPAQUE:
            return OpaqueBytes()
        if vr == "OB":
            kept = tag in _KEPT_BYTES or dictionary_vr(tag) in {b"OW", b"US", b"SS"}
            return OpaqueBytes() if kept else RemoveByType("X", "binary")
        return RemoveByType("X")


_books: dict[str, RuleBook] = {}
"""By the digest of their profile."""
