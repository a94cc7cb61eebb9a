"""What the model's docstrings say of each field: the text of the JSON Schema and of the reference."""

from __future__ import annotations

import inspect
import re
from typing import Any

__all__ = ["field_texts", "summary"]

_FIELD = re.compile(r"(?P<names>\w+(?:, \w+)*) : ")


def summary(model: type[Any]) -> str:
    """First paragraph of the docstring of a dataclass, on one line."""
    return " ".join(inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].split())


def field_texts(model: type[Any]) -> dict[str, str]:
    """Description of each field of a dataclass and its bases, by name, from their numpydoc ``Attributes``."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        texts |= _attributes(inspect.cleandoc(base.__doc__ or ""))
    return texts


def _attributes(docstring: str) -> dict[str, str]:
    _, _, section = docstring.partition("Attributes\n----------\n")
    texts: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        match = _FIELD.match(line)
        if match:
            names = match["names"].split(", ")
        elif line and not line.startswith(" "):
            break
        else:
            texts |= {name: f"{texts.get(name, '')} {line.strip()}".strip() for name in names}
    return texts
