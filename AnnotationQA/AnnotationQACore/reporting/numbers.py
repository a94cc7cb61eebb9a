"""How numbers are written for people."""

from __future__ import annotations

import math

__all__ = ["count", "interval", "number", "percent", "signed"]


def number(value: float, digits: int = 3) -> str:
    """A number: undefined is a dash, infinite the sign for it; large ones have fewer decimals."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    if abs(value) >= 100:
        digits = min(digits, 1)
    elif abs(value) >= 10:
        digits = min(digits, 2)
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def interval(low: float, high: float, digits: int = 3) -> str:
    """Both ends of an interval; a dash when there is none."""
    return "–" if math.isnan(low) or math.isnan(high) else f"{number(low, digits)} to {number(high, digits)}"


def percent(value: float, digits: int = 0) -> str:
    """A fraction as per cent."""
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f} %"


def count(n: int, singular: str, plural: str = "") -> str:
    """A number of things: ``1 case``, ``2 cases``."""
    return f"{n} {singular if n == 1 else plural or singular + 's'}"
