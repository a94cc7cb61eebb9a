"""Plots of estimates with intervals, one row for each reader."""

from __future__ import annotations

import math
from collections.abc import Sequence

from AnnotationQACore.reporting.analysis_records import ReaderFigures
from AnnotationQACore.reporting.html import Markup, Node, fragment, tag
from AnnotationQACore.reporting.numbers import interval, number, signed
from AnnotationQACore.reporting.svg import Scale, drawing, horizontal_axis, label, line, text_width

__all__ = ["forest_plot", "is_signed"]

_WIDTH, _ROW, _TOP = 760.0, 28.0, 20.0


def is_signed(figures: ReaderFigures) -> bool:
    """Whether 0 means no difference from the others."""
    return figures.name != "agreement with the others"


def forest_plot(figures: ReaderFigures) -> Markup:
    """Estimate and 95 % interval of every reader, with the numbers at the right."""
    readers = figures.readers
    values = [one.estimate for one in readers if not math.isnan(one.estimate.value)]
    ends = [x for one in values for x in (one.value, one.low, one.high) if math.isfinite(x)] or [0.0]
    has_zero = is_signed(figures)
    low, high = (min([*ends, 0.0]), max([*ends, 0.0])) if has_zero else (min(ends), max(ends))
    write = signed if has_zero else number
    left = max(text_width(one.reader) for one in readers) + 12
    right = 190.0
    scale = Scale.around(low, high, left, _WIDTH - right, margin=0.08)
    bottom = _TOP + _ROW * len(readers)
    nodes: list[Node] = [*horizontal_axis(scale, bottom, _TOP, figures.title)]
    if has_zero:
        nodes.append(line(scale(0), bottom, scale(0), _TOP - 6, "zero"))
    nodes.append(label(_WIDTH, _TOP - 8, f"mean (95 % CI), n {figures.of}", "tick", "end"))
    for place, one in enumerate(readers):
        y = _TOP + _ROW * (place + 0.5)
        estimate = one.estimate
        nodes.append(label(left - 8, y + 4, one.reader, "", "end"))
        if math.isnan(estimate.value):
            nodes.append(label(_WIDTH, y + 4, "undefined", "tick", "end"))
            continue
        nodes.append(fragment(*_mark(estimate.value, estimate.low, estimate.high, y, scale)))
        words = f"{write(estimate.value, 2)} ({interval(estimate.low, estimate.high, 2)}), {estimate.n}"
        nodes.append(label(_WIDTH, y + 4, words, "figure", "end"))
    return drawing(_WIDTH, bottom + 40, f"{figures.title}, for each reader with 95 % interval", *nodes)


def _mark(value: float, low: float, high: float, y: float, scale: Scale) -> Sequence[Node]:
    marks = [tag("rect", x=scale(value) - 4, y=y - 4, width=8, height=8, class_="mark")]
    if math.isfinite(low) and math.isfinite(high):
        marks.insert(0, line(scale(low), y, scale(high), y, "whisker"))
    return marks
