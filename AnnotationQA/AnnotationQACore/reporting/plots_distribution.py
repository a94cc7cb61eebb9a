"""Plots of distributions: one row for each pair of readers, one dot for each case or lesion."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from AnnotationQACore.reporting.analysis_records import Distribution
from AnnotationQACore.reporting.html import Markup, Node, fragment, tag
from AnnotationQACore.reporting.numbers import number
from AnnotationQACore.reporting.svg import Scale, drawing, horizontal_axis, label, line, text_width

__all__ = ["strip_plot"]

_WIDTH, _ROW, _TOP = 760.0, 34.0, 22.0
_RADIUS = 2.6


def strip_plot(distribution: Distribution, threshold: float | None = None) -> Markup:
    """Dots, median and quartiles of every pair; infinite figures are counted at the right edge."""
    names = [f"{one.a} – {one.b}" for one in distribution.means]
    left = max(map(text_width, names)) + 12
    right = 62.0 if any(distribution.infinite) else 20.0
    values = [value for row in distribution.values for value in row]
    bounded = all(0 <= value <= 1 for value in values) and "mm" not in distribution.title
    top = 1.0 if bounded else max([*values, threshold or 0.0])
    scale = Scale(0.0, top * (1.0 if bounded else 1.04) or 1.0, left, _WIDTH - right)
    bottom = _TOP + _ROW * len(names)
    nodes: list[Node] = [*horizontal_axis(scale, bottom, _TOP, f"{distribution.title}, {distribution.of}")]
    if threshold is not None and not math.isnan(threshold):
        nodes.append(line(scale(threshold), bottom, scale(threshold), _TOP - 4, "threshold"))
        nodes.append(label(scale(threshold), _TOP - 8, f"threshold {threshold:g}", "tick", "middle"))
    for place, (name, row, infinite) in enumerate(zip(names, distribution.values, distribution.infinite, strict=True)):
        middle = _TOP + _ROW * (place + 0.5)
        nodes.append(label(left - 8, middle + 4, name, "", "end"))
        nodes.append(fragment(*_row(row, scale, middle)))
        if infinite:
            nodes.append(label(_WIDTH - right + 8, middle + 4, f"∞ × {infinite}", "tick"))
    title = f"{distribution.title} of every pair of readers, one dot for each of the {distribution.of}"
    return drawing(_WIDTH, bottom + 40, title, *nodes)


def _row(values: Sequence[float], scale: Scale, middle: float) -> Iterator[Node]:
    if not values:
        return
    low, median, high = np.percentile(values, [25, 50, 75])
    yield tag(
        "rect", x=scale(float(low)), y=middle - 9, width=max(scale(float(high)) - scale(float(low)), 1.0), height=18,
        class_="box",
    )  # fmt: skip
    yield from (tag("circle", cx=x, cy=middle + shift, r=_RADIUS, class_="dot") for x, shift in _spread(values, scale))
    x = scale(float(median))
    yield tag("line", tag("title", f"median {number(float(median))}"), x1=x, x2=x, y1=middle - 11, y2=middle + 11,
              class_="median")  # fmt: skip


def _spread(values: Sequence[float], scale: Scale) -> Iterator[tuple[float, float]]:
    """Dots that would lie on each other go up and down in turn."""
    columns: Counter[int] = Counter()
    for value in values:
        x = scale(value)
        column = round(x / (2 * _RADIUS))
        place = columns[column]
        columns[column] += 1
        step = (place + 1) // 2 * (1 if place % 2 else -1)
        yield x, max(min(step * _RADIUS * 1.5, 14.0), -14.0)
