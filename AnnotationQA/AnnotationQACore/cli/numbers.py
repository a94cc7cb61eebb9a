"""Types of arguments that are numbers: finite, and of a size that means something."""

from __future__ import annotations

import argparse
import math

__all__ = ["count", "days", "number", "positive", "seed"]

_MOST = 1e9
_MOST_DAYS = 36_500
_MOST_SEED = 2**63 - 1


def number(text: str) -> float:
    """A number."""
    return _within(text, -_MOST, _MOST, "a number")


def positive(text: str) -> float:
    """A number above 0."""
    value = _within(text, 0.0, _MOST, "a number above 0")
    if value == 0.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def count(text: str) -> int:
    """A whole number from 1."""
    return _whole(text, 1, int(_MOST), "a whole number from 1")


def days(text: str) -> int:
    """A number of days from 0 to a hundred years."""
    return _whole(text, 0, _MOST_DAYS, f"a number of days from 0 to {_MOST_DAYS}")


def seed(text: str) -> int:
    """A whole number from 0."""
    return _whole(text, 0, _MOST_SEED, "a whole number from 0")


def _within(text: str, least: float, most: float, words: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is not {words}{_too_large(value, most)}")
    return value


def _whole(text: str, least: int, most: int, words: str) -> int:
    value = int(text) if text.isdecimal() else -1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is not {words}{_too_large(value, most)}")
    return value


def _too_large(value: float, most: float) -> str:
    return f" to {most:g}" if value > most else ""
