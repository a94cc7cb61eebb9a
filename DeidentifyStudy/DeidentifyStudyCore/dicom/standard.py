"""Facts of the standard that rules ask for: the confidentiality table, types of attributes by IOD, safe private
elements.

The data files are written by ``Testing/Core/deidentify/standard_tables.py``, which a test holds equal to them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = [
    "AttributeTypes",
    "CodedWords",
    "Row",
    "attribute_types",
    "coded_words",
    "load_table",
    "method_codes",
    "row_for",
    "safe_private",
    "table_rows",
]

_CODE_TYPES = {0x00080100: "1", 0x00080102: "1", 0x00080104: "1", 0x00081150: "1", 0x00081155: "1", 0x00081199: "1"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of PS3.15 Table E.1-1.

    Attributes
    ----------
    tag : str
        Eight hexadecimal digits; ``x`` in repeating groups.
    basic : str
        Action of the Basic profile: X, Z, D, U, or a choice by the attribute's type such as ``X/Z/D``.
    options : mapping
        Option to ``K`` (keep) or ``C`` (clean).
    """

    tag: str
    name: str
    basic: str
    options: Mapping[str, str]


@lru_cache(maxsize=1)
def table_rows() -> Mapping[str, Row]:
    """All rows of Table E.1-1 by tag."""
    rows = load_table("confidentiality_profile.json")["rows"]
    return MappingProxyType(
        {tag: Row(tag, name, basic, MappingProxyType(options)) for tag, (name, basic, options) in rows.items()}
    )


def row_for(tag: int) -> Row | None:
    """Row of a tag, repeating groups included."""
    rows = table_rows()
    text = f"{tag:08X}"
    row = rows.get(text)
    if row is None and text[:2] in {"50", "60"}:
        row = rows.get(f"{text[:2]}xx{text[4:]}") or rows.get(f"{text[:2]}xxxxxx")
    return row


@lru_cache(maxsize=1)
def safe_private() -> Mapping[str, Mapping[str, str]]:
    """Table E.3.10-1 and the project's own numbers of MR: private creator to element (group and last two digits,
    hexadecimal) to VR."""
    table = load_table("safe_private.json")
    listed, further = table["creators"], table["further"]
    return MappingProxyType({name: listed.get(name, {}) | further.get(name, {}) for name in [*listed, *further]})


@lru_cache(maxsize=1)
def method_codes() -> Mapping[str, str]:
    """CID 7050: code value to meaning."""
    return MappingProxyType(load_table("method_codes.json")["codes"])


@dataclass(frozen=True, slots=True)
class CodedWords:
    """Words of the code meanings of PS3.16, in small letters.

    Attributes
    ----------
    all : frozenset of str
        Eponyms such as Barrett and places such as Boston among them.
    common : frozenset of str
        Those that are no names of persons, places or breeds.
    """

    all: frozenset[str]
    common: frozenset[str]


@lru_cache(maxsize=1)
def coded_words() -> CodedWords:
    """Words of the code meanings of PS3.16, read from a list: the dictionaries they come from take 16 MB."""
    table = load_table("coded_words.json")
    common, names = (frozenset(" ".join(table[key].values()).split()) for key in ("common", "names"))
    return CodedWords(common | names, common)


class AttributeTypes:
    """Types of the attributes of one IOD (PS3.3): ``1``, ``2``, or ``3`` for optional and unknown ones."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._sequences = frozenset(path.split("/")[0] for path in types)

    def of(self, path: tuple[int, ...], tag: int) -> str:
        """Type of `tag` in the item that the sequences of `path` lead to; conditional ones count as required.

        A sequence that the IOD does not have is one of another module, as editions before had them in it.
        """
        key = "/".join(f"{part:08X}" for part in (*path, tag))
        known = self._types.get(key)
        if known is None and path and self._types and f"{path[0]:08X}" not in self._sequences:
            known = _types_anywhere().get(key)
        if known is not None:
            return known
        return _CODE_TYPES.get(tag, "3") if path else "3"


@lru_cache(maxsize=256)
def attribute_types(sop_class: str) -> AttributeTypes:
    """Types of the attributes of a SOP class; all are optional where the class is unknown."""
    table = _types_table()
    merged: dict[str, str] = {}
    for module in table["sop_classes"].get(sop_class, ()):
        for path, kind in table["modules"][module].items():
            merged[path] = min(kind, merged.get(path, "9"))
    return AttributeTypes(merged)


@lru_cache(maxsize=1)
def _types_anywhere() -> Mapping[str, str]:
    """Types within sequences in all modules, the strictest where they differ."""
    merged: dict[str, str] = {}
    for module in _types_table()["modules"].values():
        for path, kind in module.items():
            if "/" in path:
                merged[path] = min(kind, merged.get(path, "9"))
    return merged


@lru_cache(maxsize=1)
def _types_table() -> dict[str, Any]:
    return load_table("attribute_types.json")


def load_table(name: str) -> dict[str, Any]:
    """Content of a data file."""
    content: dict[str, Any] = json.loads(
        files("DeidentifyStudyCore").joinpath("data", name).read_text(encoding="utf-8")
    )
    return content
