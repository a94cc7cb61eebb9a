"""Parts that all pages of a report are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from AnnotationQACore.reporting.html import Markup, Node, fragment, tag
from AnnotationQACore.reporting.style import STYLE

__all__ = ["Column", "figure", "heading", "joined", "page", "table", "verdict"]


_MANY = 9
"""Tables with more columns are set small."""

_SHORT = 26
"""Heads of rows with fewer characters stay on one line."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers are set to the right."""

    title: str
    is_number: bool = False


def page(title: str, navigation: Iterable[Node], main: Iterable[Node]) -> str:
    """A whole HTML page that needs nothing from elsewhere and holds no script."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        tag("div", tag("nav", *navigation, aria_label="Contents"), tag("main", *main), class_="frame"),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def heading(level: int, text: Node, anchor: str = "") -> Markup:
    """A heading, with an anchor if wished."""
    return tag(f"h{level}", text, id=anchor or None)


def table(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Node]],
    *,
    caption: str = "",
    marked: Iterable[int] = (),
    mark: str = "judged",
) -> Markup:
    """A table whose first column heads its rows; the rows of `marked` numbers stand out by the class `mark`."""
    shaped = [column if isinstance(column, Column) else Column(column) for column in columns]
    head = tag("tr", *(tag("th", c.title, scope="col", class_="n" if c.is_number else None) for c in shaped))
    standing_out = set(marked)
    body = [
        tag("tr", *_cells(row, shaped), class_=mark if number in standing_out else None)
        for number, row in enumerate(rows)
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption) if caption else None,
            tag("thead", head),
            tag("tbody", *body),
            class_="wide" if len(shaped) > _MANY else None,
        ),
        class_="scroll",
    )


def _cells(row: Sequence[Node], columns: Sequence[Column]) -> Iterable[Node]:
    first, *others = row
    is_short = isinstance(first, str) and len(first) < _SHORT and not isinstance(first, Markup)
    yield tag("th", first, scope="row", class_="short" if is_short else None)
    for cell, column in zip(others, columns[1:], strict=True):
        yield tag("td", cell, class_="n" if column.is_number else None)


def figure(picture: Node, caption: str, explanation: str = "") -> Markup:
    """A picture with what it shows, and how to read it."""
    return tag(
        "figure",
        tag("figcaption", tag("b", caption), tag("span", explanation, class_="soft") if explanation else None),
        picture,
    )


def verdict(reached: bool | None, yes: str = "reached", no: str = "missed", unknown: str = "not judged") -> Markup:
    """A judgement by word, sign and colour."""
    if reached is None:
        return tag("span", unknown, class_="verdict open")
    sign, word, style = ("✓", yes, "good") if reached else ("✗", no, "bad")
    return tag("span", f"{sign} {word}", class_=f"verdict {style}")


def joined(nodes: Sequence[Node], separator: str = ", ") -> Markup:
    """Nodes with a separator between them."""
    return fragment(*(part for place, node in enumerate(nodes) for part in ((separator, node) if place else (node,))))
