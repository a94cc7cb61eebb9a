"""Bland-Altman plots: one small plot for each pair of readers, all on the same axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from AnnotationQACore.reporting.analysis_records import Estimate, PairLimits
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.numbers import signed
from AnnotationQACore.reporting.svg import Scale, drawing, group, horizontal_axis, label, line, vertical_axis

__all__ = ["bland_altman_plots"]

_COLUMNS, _WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 3, 300.0, 220.0, 42.0, 52.0, 26.0, 24.0


def bland_altman_plots(pairs: Sequence[PairLimits], differences: str, means: str, *, logarithmic: bool) -> Markup:
    """Differences against means with bias, limits of agreement, and the intervals of the three as bands.

    Parameters
    ----------
    pairs : sequence of PairLimits
    differences, means : str
        What the axes are, with units.
    logarithmic : bool
        Whether the means are on a logarithmic axis, as volumes of lesions from small to large are.
    """
    columns = min(_COLUMNS, len(pairs))
    rows = math.ceil(len(pairs) / columns)
    all_means = [mean for pair in pairs for mean in pair.means]
    logarithmic = logarithmic and min(all_means) > 0
    ends = [x for pair in pairs for x in (*pair.differences, *_ends(pair)) if math.isfinite(x)]
    x = Scale.around(min(all_means), max(all_means), _LEFT, _WIDTH - _RIGHT, logarithmic=logarithmic, margin=0.04)
    y = Scale.around(min([*ends, 0.0]), max([*ends, 0.0]), _HEIGHT - _BOTTOM, _TOP, margin=0.05)
    panels = [
        group(place % columns * _WIDTH, place // columns * _HEIGHT, *_panel(pair, x, y))
        for place, pair in enumerate(pairs)
    ]
    width, height = columns * _WIDTH, rows * _HEIGHT
    caption = [
        label(_LEFT, height + 16, f"Horizontal: {means}{' (logarithmic)' if logarithmic else ''}. "
              f"Vertical: {differences}.", "tick"),
    ]  # fmt: skip
    title = f"Bland-Altman plots of {len(pairs)} pairs of readers: {differences} against {means}"
    return drawing(width, height + 24, title, *panels, *caption)


def _panel(pair: PairLimits, x: Scale, y: Scale) -> Iterator[Node]:
    yield label((x.start + x.stop) / 2, 14, f"{pair.a} minus {pair.b}, n = {pair.bias.n}", "name", "middle")
    yield from horizontal_axis(x, y.start, y.stop, "", about=4)
    yield from vertical_axis(y, x.start, x.stop, about=5)
    yield line(x.start, y(0), x.stop, y(0), "axis")
    for estimate, kind in ((pair.lower, "limit"), (pair.bias, "bias"), (pair.upper, "limit")):
        yield from _band(estimate, kind, x, y)
    for mean, difference in zip(pair.means, pair.differences, strict=True):
        yield tag("circle", cx=x(mean), cy=y(difference), r=2.4, class_="dot")


def _band(estimate: Estimate, kind: str, x: Scale, y: Scale) -> Iterator[Node]:
    if math.isnan(estimate.value):
        return
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        top, bottom = y(estimate.high), y(estimate.low)
        yield tag(
            "rect", x=x.start, y=top, width=x.stop - x.start, height=max(bottom - top, 0.5), class_=f"band {kind}"
        )
    yield line(x.start, y(estimate.value), x.stop, y(estimate.value), kind)
    yield label(x.stop + 5, y(estimate.value) + 4, signed(estimate.value, 1), "tick")


def _ends(pair: PairLimits) -> Iterator[float]:
    for estimate in (pair.lower, pair.bias, pair.upper):
        yield from (estimate.value, estimate.low, estimate.high)
