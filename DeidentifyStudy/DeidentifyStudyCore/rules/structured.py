"""Structured reports: text whose concept name says that it identifies somebody."""

from dataclasses import dataclass

from DeidentifyStudyCore.rules.model import Action, Context, Element, replaced
from DeidentifyStudyCore.rules.removal import DUMMY_TEXT
from DeidentifyStudyCore.rules.textual import CleanText

__all__ = ["ContentText"]

_CONCEPT_NAME = 0x0040A043
_IDENTITIES = (
    b"121008", b"121009", b"121013", b"121016", b"121017", b"121020", b"121021", b"121022", b"121026", b"121029",
    b"121030", b"121033", b"121035", b"121036", b"122720", b"121112", b"113878", b"121403",
)  # fmt: skip
"""DCM concepts of PS3.16 whose text is a name, a number or a place."""


@dataclass(frozen=True, slots=True)
class ContentText:
    """Text of content items."""

    name: str = "content text"

    def apply(self, element: Element, context: Context) -> Action:
        """Replace it by a dummy when its concept identifies, else clean it as free text."""
        concept = context.item.get(_CONCEPT_NAME, b"")
        if any(code in concept for code in _IDENTITIES):
            return replaced(DUMMY_TEXT.encode())
        return CleanText("D").apply(element, context)

    def describe(self) -> str:
        """Say it in one sentence."""
        return "free text; a dummy where the concept name says that it identifies a person, a device or a place"
