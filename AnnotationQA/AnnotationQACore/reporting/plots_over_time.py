"""Control charts of readers over time."""

from __future__ import annotations

import math
from collections.abc import Iterator

from AnnotationQACore.agreement.ratings.longitudinal import ControlPoint, ReaderHistory
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.over_time import ItemHistories
from AnnotationQACore.reporting.svg import Scale, drawing, group, horizontal_axis, label, line, vertical_axis

__all__ = ["control_charts"]

_COLUMNS, _WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 2, 400.0, 190.0, 46.0, 24.0, 40.0


def control_charts(histories: ItemHistories) -> Markup:
    """One chart for each reader: differences, moving average, and its limits."""
    points = [point for one in histories.readers for point in one.chart]
    values = [x for point in points for x in (point.difference, point.lower, point.upper)] or [-1.0, 1.0]
    y = Scale.around(min(values), max(values), _HEIGHT - _BOTTOM, _TOP)
    columns = min(_COLUMNS, len(histories.readers))
    panels = [
        group(place % columns * _WIDTH, place // columns * _HEIGHT, *_panel(one, y))
        for place, one in enumerate(histories.readers)
    ]
    rows = math.ceil(len(histories.readers) / columns)
    return drawing(columns * _WIDTH, rows * _HEIGHT, f"Control charts: {histories.title}", *panels)


def _panel(one: ReaderHistory, y: Scale) -> Iterator[Node]:
    yield label(_LEFT, 14, f"{one.reader}, n = {one.n}", "name")
    if not one.chart:
        yield label(_LEFT, 60, one.reason, "tick")
        return
    x = Scale.around(one.chart[0].time, one.chart[-1].time, _LEFT, _WIDTH - 20)
    yield from horizontal_axis(x, y.start, y.stop, "days since the first reading", about=5)
    yield from vertical_axis(y, x.start, x.stop, about=4)
    yield line(x.start, y(one.centre), x.stop, y(one.centre), "zero")
    for point in one.chart:
        yield tag("circle", cx=x(point.time), cy=y(point.difference), r=2, class_="dot")
    for name in ("lower", "upper"):
        yield _course([(x(point.time), y(getattr(point, name))) for point in one.chart], "control")
    yield _course([(x(point.time), y(point.ewma)) for point in one.chart], "course")
    yield from (_signal(point, x, y) for point in one.chart if point.outside)


def _signal(point: ControlPoint, x: Scale, y: Scale) -> Markup:
    return tag("circle", cx=x(point.time), cy=y(point.ewma), r=3, class_="out")


def _course(points: list[tuple[float, float]], class_: str) -> Markup:
    return tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=class_)
