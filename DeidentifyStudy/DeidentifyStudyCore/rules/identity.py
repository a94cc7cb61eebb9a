"""UIDs, the patient's name and number, ages."""

import re
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.dictionary import is_well_known
from DeidentifyStudyCore.identity.dates import capped_age
from DeidentifyStudyCore.rules.model import KEEP, Action, Context, Element, replaced
from DeidentifyStudyCore.rules.removal import RemoveByType

__all__ = ["CLASS_UIDS", "Age", "ClassUid", "PseudonymousId", "PseudonymousUid"]

CLASS_UIDS = frozenset(
    {
        0x00080016,  # SOP Class UID
        0x0008001A,  # Related General SOP Class UID
        0x0008001B,  # Original Specialized SOP Class UID
        0x00080062,  # SOP Classes Supported
        0x0008010C,  # Coding Scheme UID
        0x00080117,  # Context UID
        0x00080118,  # Mapping Resource UID
        0x00081150,  # Referenced SOP Class UID
        0x0008115A,  # SOP Classes in Study
        0x00041510,  # Referenced SOP Class UID in File
        0x00041512,  # Referenced Transfer Syntax UID in File
        0x0004151A,  # Referenced Related General SOP Class UID in File
        0x00083002,  # Available Transfer Syntax UID
        0x00020002,
        0x00020010,
        0x04000010,  # MAC Calculation Transfer Syntax UID
        0x04000510,  # Encrypted Content Transfer Syntax UID
        0x00283011,
    }
)
"""UIDs that name a class, not an instance."""

_STANDARD_ROOT = "1.2.840.10008."
_LONGEST_REGISTERED = 5  # digits of the root's own 10008; nothing that PS3.6 registers has more
_CLASS_ROOTS = (
    "1.2.840.10008.",
    "1.2.276.0.7230010.3.1.0.",
    "1.2.840.113619.4.",
    "1.3.12.2.1107.5.9.",
    "1.3.46.670589.",
)
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True, slots=True)
class PseudonymousUid:
    """Instance UIDs, wherever they stand."""

    name: str = "pseudonymous UID"

    def apply(self, element: Element, context: Context) -> Action:
        """Replace each value by its keyed UID; what is no UID gets one as well."""
        text = context.text(element).strip(" \0")
        if not text:
            return KEEP
        new = "\\".join(context.pseudonyms.uid(part.strip(" \0")) for part in text.split("\\"))
        return KEEP if new == text else replaced(new.encode("ascii", "replace"))

    def describe(self) -> str:
        """Say it in one sentence."""
        return "replaced by a keyed UID under 2.25, the same for the same value everywhere; registered UIDs stay"


@dataclass(frozen=True, slots=True)
class ClassUid:
    """UIDs of classes and syntaxes, which are the same for everybody."""

    name: str = "class UID"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep what is registered or lies under a maker's root for classes; replace anything else."""
        text = context.text(element).strip(" \0")
        parts = [part.strip(" \0") for part in text.split("\\")]
        if all(not part or is_well_known(part) or self._is_class(part, context) for part in parts):
            return KEEP
        return PseudonymousUid().apply(element, context)

    @staticmethod
    def _is_class(uid: str, context: Context) -> bool:
        words = set(uid.split("."))
        if uid.startswith(_STANDARD_ROOT) and max(map(len, words)) > _LONGEST_REGISTERED:
            return False
        return (
            uid.startswith(_CLASS_ROOTS)
            and _UID.fullmatch(uid) is not None
            and words.isdisjoint(word for word in context.subject.echo.words if len(word) > 3)
            and not any(map(context.subject.echo.is_number, words))
        )

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept: names a class, not an instance"


@dataclass(frozen=True, slots=True)
class PseudonymousId:
    """The patient's name and number, and the subject's in a trial."""

    name: str = "pseudonymous ID"

    def apply(self, element: Element, context: Context) -> Action:
        """Replace it by the patient's pseudonymous ID; an empty value stays empty unless the type requires one."""
        if not context.text(element) and element.tag != 0x00100020:
            return KEEP
        return replaced(context.subject.pseudonym.encode())

    def describe(self) -> str:
        """Say it in one sentence."""
        return "replaced by the pseudonymous ID, the same for all objects of the patient"


@dataclass(frozen=True, slots=True)
class Age:
    """The patient's age where characteristics are retained."""

    name: str = "age"

    def apply(self, element: Element, context: Context) -> Action:
        """Keep ages up to 89 years; older ones become 090Y."""
        text = context.text(element)
        if not text:
            return KEEP
        capped = capped_age(text)
        if capped is None:
            return RemoveByType("X").apply(element, context)
        return KEEP if capped == text.strip(" \0") else replaced(capped.encode())

    def describe(self) -> str:
        """Say it in one sentence."""
        return "kept up to 89 years; over 89 becomes 090Y"
