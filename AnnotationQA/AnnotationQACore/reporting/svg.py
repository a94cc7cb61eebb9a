"""A small SVG builder: frames, scales, ticks, text. Colours are CSS variables, so that light, dark and print differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.numbers import number

__all__ = ["COLORS", "Scale", "drawing", "group", "horizontal_axis", "label", "line", "text_width", "vertical_axis"]

COLORS = 8
"""Reader colours ``--c0`` to ``--c7`` of the style sheet."""

_CHARACTER = 6.3
"""Mean width of a character of 12 px in the fonts of the style sheet."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to pixels.

    Attributes
    ----------
    low, high : float
        Values at the ends.
    start, stop : float
        Pixels of the ends; `start` may be the larger, as on a vertical axis.
    logarithmic : bool
    """

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    @classmethod
    def around(
        cls, low: float, high: float, start: float, stop: float, *, logarithmic: bool = False, margin: float = 0.03
    ) -> Scale:
        """Scale with room at both ends."""
        if logarithmic:
            spread = max(math.log(high / low), 0.1) * margin
            return cls(low * math.exp(-spread), high * math.exp(spread), start, stop, True)
        spread = (high - low or abs(high) or 1.0) * margin
        return cls(low - spread, high + spread, start, stop)

    def __call__(self, value: float) -> float:
        """Pixel of a value; values beyond the ends stay at them."""
        low, high, here = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return self.start + (self.stop - self.start) * (here - low) / (high - low)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values within the scale: 1, 2 or 5 times a power of ten."""
        if self.logarithmic:
            return self._logarithmic_ticks(about)
        step = _nice((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 10) for index in range(first, last + 1)]

    def _logarithmic_ticks(self, about: int) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            ticks = [factor * 10.0**power for power in powers for factor in factors]
            ticks = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(ticks) <= about + 1:
                return ticks
        return ticks


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def drawing(width: float, height: float, title: str, *nodes: Node, class_: str = "chart") -> Markup:
    """An SVG picture with a title for screen readers and tooltips; it shrinks with the page and never grows."""
    return tag(
        "svg",
        tag("title", title),
        *nodes,
        xmlns="http://www.w3.org/2000/svg",
        viewbox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=title,
        class_=class_,
        style=f"max-width:{width:g}px",
    )


def group(x: float, y: float, *nodes: Node) -> Markup:
    """Nodes moved by (x, y)."""
    return tag("g", *nodes, transform=f"translate({x:g} {y:g})")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def label(x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> Markup:
    """Text; `anchor` is ``start``, ``middle`` or ``end``."""
    return tag("text", text, x=float(x), y=float(y), class_=class_ or None, text_anchor=anchor)


def text_width(text: str) -> float:
    """About how wide a text of 12 px is."""
    return _CHARACTER * len(text)


def horizontal_axis(scale: Scale, y: float, top: float, title: str, about: int = 6) -> Iterator[Node]:
    """Axis below a plot, with grid lines up to `top`."""
    for tick in scale.ticks(about):
        yield line(scale(tick), y, scale(tick), top, "grid")
        yield label(scale(tick), y + 15, _tick(tick), "tick", "middle")
    yield line(scale.start, y, scale.stop, y, "axis")
    if title:
        yield label((scale.start + scale.stop) / 2, y + 32, title, "name", "middle")


def vertical_axis(scale: Scale, x: float, right: float, about: int = 5) -> Iterator[Node]:
    """Axis to the left of a plot, with grid lines up to `right`."""
    for tick in scale.ticks(about):
        yield line(x, scale(tick), right, scale(tick), "grid")
        yield label(x - 6, scale(tick) + 4, _tick(tick), "tick", "end")
    yield line(x, scale.start, x, scale.stop, "axis")


def _tick(value: float) -> str:
    return number(value, 0) if abs(value) >= 1000 else f"{value:g}"
