"""Matrices with shaded cells: confusion of two readers, and a statistic for every two readers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from AnnotationQACore.reporting.analysis_records import CategoryTables, PairMean
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.numbers import number
from AnnotationQACore.reporting.svg import drawing, group, label, text_width

__all__ = ["confusion_matrix", "reader_matrix", "small_confusions", "usage_bars"]

_COLUMNS = 3


def reader_matrix(pairs: Sequence[PairMean], readers: Sequence[str], title: str, *, larger_is_better: bool) -> Markup:
    """A statistic of every two readers; the darker, the more alike. The lower line of a cell is n."""
    size = max(max(map(text_width, readers)) + 8, 62.0)
    left, top, high = max(map(text_width, readers)) + 12, 24.0, 40.0
    values = {frozenset((one.a, one.b)): one for one in pairs}
    finite = [one.value for one in pairs if math.isfinite(one.value)] or [0.0]
    low, spread = min(finite), (max(finite) - min(finite)) or 1.0
    nodes: list[Node] = []
    for column, reader in enumerate(readers):
        nodes.append(label(left + size * (column + 0.5), top - 8, reader, "", "middle"))
        nodes.append(label(left - 8, top + high * (column + 0.5) + 4, reader, "", "end"))
    for row, a in enumerate(readers):
        for column, b in enumerate(readers):
            one = values.get(frozenset((a, b))) if a != b else None
            if one is None:
                nodes.append(_cell(left + size * column, top + high * row, size, high, 0.0))
                continue
            share = (one.value - low) / spread if math.isfinite(one.value) else 0.0
            shade = 0.15 + 0.7 * (share if larger_is_better else 1.0 - share)
            x, y = left + size * column, top + high * row
            nodes.append(_cell(x, y, size, high, shade if math.isfinite(one.value) else 0.0))
            strong = " on" if shade > 0.74 else ""
            nodes.append(label(x + size / 2, y + high / 2 - 1, number(one.value), f"figure{strong}", "middle"))
            nodes.append(label(x + size / 2, y + high / 2 + 13, f"n {one.n}", f"count{strong}", "middle"))
    width, height = left + size * len(readers) + 4, top + high * len(readers) + 4
    return drawing(width, height, title, *nodes)


def confusion_matrix(tables: CategoryTables) -> Markup:
    """The table pooled over all pairs of readers."""
    names = [_short(name) for name in tables.titles]
    left = max(map(text_width, names)) + 12
    size = 62.0
    heads = [_wrapped(_mark(tables, place)) for place in range(len(names))]
    lines = max(map(len, heads))
    top = 26.0 + 13 * lines
    nodes: list[Node] = [label(left, 12, "reader named second", "tick"), label(0, top - 6, "named first", "tick")]
    for column, name in enumerate(names):
        nodes.append(label(left - 8, top + 34 * (column + 0.5) + 4, name, "", "end"))
        words = heads[column]
        nodes += [
            label(left + size * (column + 0.5), top - 6 - 13 * (len(words) - 1 - place), word, "tick", "middle")
            for place, word in enumerate(words)
        ]
    nodes += _cells(tables.pooled, left, top, size, 34.0)
    width, height = left + size * len(names) + 4, top + 34 * len(names) + 4
    return drawing(width, height, "Confusion matrix, pooled over all pairs of readers", *nodes)


def small_confusions(tables: CategoryTables) -> Markup:
    """One matrix for each pair; rows are the first reader. Categories are numbered as in the pooled matrix."""
    n = len(tables.categories)
    size = max(min(30.0, 200.0 / n), 16.0)
    left, top = 34.0, 40.0
    width, height = max(left + size * n + 36, 205.0), top + size * n + 22
    columns = min(_COLUMNS, len(tables.pairs))
    marks = [category if len(category) <= 2 else str(place + 1) for place, category in enumerate(tables.categories)]
    panels = []
    for place, pair in enumerate(tables.pairs):
        nodes: list[Node] = [label(0, 12, f"{pair.a} – {pair.b}, n = {pair.n}", "name")]
        for index, mark in enumerate(marks):
            nodes.append(label(left + size * (index + 0.5), top - 5, mark, "tick", "middle"))
            nodes.append(label(left - 6, top + size * (index + 0.5) + 4, mark, "tick", "end"))
        nodes += _cells(pair.table, left, top, size, size)
        panels.append(group(place % columns * width, place // columns * height, *nodes))
    rows = math.ceil(len(panels) / columns)
    return drawing(width * columns, height * rows, "Confusion matrices of every pair of readers", *panels)


def usage_bars(tables: CategoryTables) -> Markup:
    """How often each reader gave each category, as bars of equal length."""
    left = max(map(text_width, tables.readers)) + 12
    width, high, top = 760.0, 24.0, 4.0
    nodes: list[Node] = []
    n = len(tables.categories)
    for row, (reader, used) in enumerate(zip(tables.readers, tables.used, strict=True)):
        y = top + (high + 5) * row
        nodes.append(label(left - 8, y + high / 2 + 4, reader, "", "end"))
        x, total = left, sum(used)
        for place, (title, count) in enumerate(zip(tables.titles, used, strict=True)):
            if not count:
                continue
            length = (width - left - 4) * count / total
            shade = 0.12 + 0.78 * place / max(n - 1, 1)
            nodes.append(
                tag("rect", tag("title", f"{reader}: {title}: {count}"), x=x, y=y, width=length, height=high,
                    class_="cell", fill_opacity=shade)
            )  # fmt: skip
            words = f"{_mark(tables, place)} · {count}"
            if length > text_width(words) + 4:
                strong = " on" if shade > 0.74 else ""
                nodes.append(label(x + length / 2, y + high / 2 + 4, words, f"count{strong}", "middle"))
            x += length
    height = top + (high + 5) * len(tables.readers)
    return drawing(width, height, "How often each reader gave each category", *nodes)


def _mark(tables: CategoryTables, place: int) -> str:
    category = tables.categories[place]
    return category if len(category) <= 2 else _short(tables.titles[place])


def _cells(table: Sequence[Sequence[int]], left: float, top: float, width: float, height: float) -> Iterator[Node]:
    most = max((count for row in table for count in row), default=0) or 1
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            shade = 0.85 * math.sqrt(count / most)
            x, y = left + width * column, top + height * row
            yield _cell(x, y, width, height, shade)
            if row == column:
                yield tag("rect", x=x + 1, y=y + 1, width=width - 2, height=height - 2, class_="frame")
            strong = " on" if shade > 0.74 else ""
            if count:
                yield label(x + width / 2, y + height / 2 + 4, str(count), f"count{strong}", "middle")


def _cell(x: float, y: float, width: float, height: float, shade: float) -> Markup:
    return tag("rect", x=x, y=y, width=width, height=height, class_="cell", fill_opacity=float(shade))


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"


def _wrapped(name: str) -> list[str]:
    """Words of a column's head, in lines of about 8 characters."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + len(word) >= 9:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line if len(line) <= 10 else f"{line[:9]}…" for line in lines[:3]]
