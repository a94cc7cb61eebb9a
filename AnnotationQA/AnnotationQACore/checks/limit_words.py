"""What is outside of a plausible range, in words."""

from __future__ import annotations

from AnnotationQACore.protocol.limits import Limit
from AnnotationQACore.wording import Wording, worded

__all__ = ["AREA", "DIAMETER", "VOLUME", "limit_words", "outside_limit"]

VOLUME = worded("its volume")
AREA = worded("its area")
DIAMETER = worded("its longest diameter")


def limit_words(limit: Limit) -> Wording:
    """A limit in words."""
    if limit.max is None:
        return worded("at least {min}", min=f"{limit.min:g}")
    if limit.min is None:
        return worded("at most {max}", max=f"{limit.max:g}")
    return worded("{min} to {max}", min=f"{limit.min:g}", max=f"{limit.max:g}")


def outside_limit(title: str, what: Wording, value: float, unit: str, limit: Limit) -> Wording:
    """That a quantity of an item is not plausible; `unit` may be empty."""
    template = "{title}: {what} is {value}; plausible is {limit}."
    if unit:
        template = "{title}: {what} is {value} {unit}; plausible is {limit} {unit}."
        return worded(template, title=title, what=what, value=f"{value:.4g}", limit=limit_words(limit), unit=unit)
    return worded(template, title=title, what=what, value=f"{value:.4g}", limit=limit_words(limit))
