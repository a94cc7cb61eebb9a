"""Structured reports: text whose concept name says that it identifies somebody."""

from dataclasses import dataclass

from DeidentifyStudyCore.rules.model import CONCEPT_NAME, Action, Context, Element, replaced
from DeidentifyStudyCore.rules.removal import DUMMY_TEXT, RemoveByType
from DeidentifyStudyCore.rules.textual import CleanText, NumberString, unit_of

__all__ = ["ContentText", "MeasuredValue"]

_IDENTITIES = (
    b"121008", b"121009", b"121013", b"121016", b"121017", b"121020", b"121021", b"121022", b"121026", b"121029",
    b"121030", b"121033", b"121035", b"121036", b"122720", b"121112", b"113878", b"121403",
)  # fmt: skip
"""DCM concepts of PS3.16 whose text is a name, a number or a place."""
_AGES = (b"121033", b"30525-0", b"29553-5", b"424144002", b"397669002", b"445518008")
"""Concepts of DCM, LOINC and SNOMED CT that are ages of a person."""
_PER_YEAR = {b"mo": 12.0, b"wk": 52.18, b"d": 365.25, b"h": 8766.0}
_OLDEST_SHOWN, _SHOWN_FOR_OLDER = 89, 90


@dataclass(frozen=True, slots=True)
class ContentText:
    """Text of content items."""

    name: str = "content text"

    def apply(self, element: Element, context: Context) -> Action:
        """Replace it by a dummy when its concept identifies, else clean it as free text."""
        concept = context.item.get(CONCEPT_NAME, b"")
        if any(code in concept for code in _IDENTITIES):
            return replaced(DUMMY_TEXT.encode())
        return CleanText("D").apply(element, context)

    def describe(self) -> str:
        """Say it in one sentence."""
        return "free text; a dummy where the concept name says that it identifies a person, a device or a place"


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """Numbers of content items."""

    name: str = "measured value"

    def apply(self, element: Element, context: Context) -> Action:
        """Write ages over 89 years as 90 (45 CFR 164.514(b)(2)(i)(C)); judge all others as numbers."""
        if any(code in context.item.get(CONCEPT_NAME, b"") for code in _AGES):
            if element.vr != "DS":
                return RemoveByType("X").apply(element, context)  # it only repeats Numeric Value with more digits
            per_year = _PER_YEAR.get(unit_of(context), 1.0)
            if _is_over(context.text(element), per_year):
                return replaced(f"{_SHOWN_FOR_OLDER * per_year:.0f}".encode())
        return NumberString().apply(element, context)

    def describe(self) -> str:
        """Say it in one sentence."""
        return f"{NumberString().describe()}; ages over 89 years become 90"


def _is_over(text: str, per_year: float) -> bool:
    try:
        return float(text) / per_year >= _OLDEST_SHOWN + 1
    except ValueError:
        return False  # no number: the rule for numbers removes it
