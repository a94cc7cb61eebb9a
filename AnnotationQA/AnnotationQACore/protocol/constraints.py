"""What a text or number of a protocol must look like: used by the decoder, the JSON Schema and the reference alike."""

from dataclasses import dataclass
from typing import Annotated

__all__ = ["PRESENTATION", "Color", "Count", "Fraction", "Interval", "Length", "Pattern", "Positive", "Slug", "Text"]

PRESENTATION = {"presentation": True}
"""Metadata of a field that changes how something looks, and never what an answer means."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text must match a regular expression, from its first to its last character; `meaning` says it in words."""

    expression: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Length:
    """Text or list must have at least `least` characters or entries."""

    least: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Number must lie in an interval; `open_below` excludes the lower end itself."""

    least: float | None = None
    most: float | None = None
    open_below: bool = False


Slug = Annotated[
    str, Pattern("^[a-z][a-z0-9_]{0,62}$", "lower-case letters, digits and '_', starting with a letter, at most 63")
]
Text = Annotated[str, Length(1)]
Color = Annotated[str, Pattern("^#[0-9a-fA-F]{6}$", "a colour as '#RRGGBB'")]
Positive = Annotated[float, Interval(0, open_below=True)]
Fraction = Annotated[float, Interval(0, 1)]
Count = Annotated[int, Interval(0)]
