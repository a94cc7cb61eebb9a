"""Sentences for people, kept as template and values, so that they can be told in another language.

``str`` tells a sentence in English, as the command line and files do; the panels translate its template.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Wording", "count_of", "worded"]


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence, or a part of one.

    Attributes
    ----------
    template : str
        English, with replacement fields of `str.format` by name.
    values : tuple of pairs
        Name and value of each field; a value may be a wording, which is translated too.
    """

    template: str
    values: tuple[tuple[str, str | int | float | Wording], ...] = ()

    def __str__(self) -> str:
        return self.told(str)

    def told(self, translate: Callable[[str], str]) -> str:
        """The sentence, with every template translated before its fields are filled."""
        values = {name: value.told(translate) if isinstance(value, Wording) else value for name, value in self.values}
        return translate(self.template).format(**values)


def worded(template: str, /, **values: str | int | float | Wording) -> Wording:
    """A wording with its values by name."""
    return Wording(template, tuple(values.items()))


def count_of(n: int, what: str) -> str:
    """How many of something there are, in words."""
    return f"{n} {what}{'' if n == 1 else 's'}"
