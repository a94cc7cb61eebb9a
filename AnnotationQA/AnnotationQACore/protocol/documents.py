"""Protocols as JSON documents: the normalized form."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["default_of", "to_document"]

_ALWAYS = frozenset({"kind"})


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Default of a dataclass field, or `dataclasses.MISSING` when it must be given."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def to_document(value: Any) -> Any:
    """Turn dataclasses into JSON-like data, leaving out every field that equals its default.

    Defaults are left out, and not filled in, so that a later version of this software that knows more fields still
    gives the same document; for this the default of a field never changes once released. The `kind` of an item is
    always there, because it says how to read the rest. Whole numbers are written without a fraction.
    """
    if isinstance(value, list | tuple):
        return [to_document(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not dataclasses.is_dataclass(value):
        return value
    return {
        field.name: to_document(content)
        for field in dataclasses.fields(value)
        if (content := getattr(value, field.name)) != default_of(field) or field.name in _ALWAYS
    }
