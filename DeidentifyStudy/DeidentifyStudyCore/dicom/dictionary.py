"""The data dictionary of PS3.6: VR and keyword of each attribute, and the UIDs that it registers.

Read from a list, since loading pydicom takes longer than a small study does.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from DeidentifyStudyCore.dicom.standard import load_table

__all__ = [
    "dictionary_vr",
    "dictionary_words",
    "is_private_creator",
    "is_well_known",
    "keyword_of",
    "may_be_signed",
    "tags_of",
    "transfer_syntaxes",
]


@lru_cache(maxsize=20000)
def dictionary_vr(tag: int) -> bytes:
    """VR of a standard tag; ``UN`` for private and unknown tags, the first choice where PS3.6 offers several."""
    if tag & 0xFFFF == 0:
        return b"UL"
    if tag >> 16 & 1:
        return b"LO" if is_private_creator(tag) else b"UN"
    vr, _ = _entry(tag)
    if " or " in vr:
        return b"OW" if "OW" in vr else vr[:2].encode()
    return vr.encode() if len(vr) == 2 else b"UN"


def may_be_signed(tag: int) -> bool:
    """Whether values of a standard tag are signed where the pixels are: its VR is US or SS."""
    return _entry(tag)[0].startswith("US or SS")


def is_private_creator(tag: int) -> bool:
    """Whether elements with a tag reserve blocks of private ones (PS3.5, 7.8.1)."""
    return bool(tag & 0x10000) and 0x10 <= tag & 0xFFFF <= 0xFF


def keyword_of(tag: int) -> str:
    """Keyword of a standard tag; empty for private and unknown ones."""
    return _entry(tag)[1]


def tags_of(keywords: Collection[str]) -> frozenset[int]:
    """Tags of the attributes with these keywords."""
    return frozenset(int(tag, 16) for tag, (_, keyword) in _table()["attributes"].items() if keyword in keywords)


def dictionary_words() -> frozenset[str]:
    """Words of the names of attributes, and their keywords, in small letters."""
    return frozenset(" ".join(_table()["words"].values()).split())


@lru_cache(maxsize=1)
def transfer_syntaxes() -> frozenset[str]:
    """UIDs of all transfer syntaxes."""
    return frozenset(_table()["transfer_syntaxes"])


def is_well_known(uid: str) -> bool:
    """Whether PS3.6 registers the UID: classes, transfer syntaxes, coding schemes, context groups, well-known
    frames."""
    return uid in _uids()


def _entry(tag: int) -> tuple[str, str]:
    table = _table()
    found = table["attributes"].get(f"{tag:08X}")
    if found is None:
        found = next((row for mask, bits, row in _repeating() if tag & mask == bits), ("", ""))
    return found[0], found[1]


@lru_cache(maxsize=1)
def _repeating() -> list[tuple[int, int, tuple[str, str]]]:
    """Attributes of repeating groups and elements: which bits of a tag count, and what they are."""
    return [
        (int("".join("0" if digit == "x" else "F" for digit in tag), 16), int(tag.replace("x", "0"), 16), (vr, keyword))
        for tag, (vr, keyword) in _table()["repeating"].items()
    ]


@lru_cache(maxsize=1)
def _uids() -> frozenset[str]:
    return frozenset(_table()["uids"])


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return load_table("dictionary.json")
