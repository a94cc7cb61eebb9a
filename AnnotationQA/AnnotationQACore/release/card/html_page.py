"""The card as one HTML page that needs nothing from elsewhere."""

from __future__ import annotations

from AnnotationQACore.release.card.blocks import Bars, Block, Bullets, DatasetCard, Facts, Paragraph, Table
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.page import Column, figure, heading, page, table
from AnnotationQACore.reporting.svg import drawing, label, text_width

__all__ = ["card_html"]

_WIDTH, _ROW, _BAR = 720.0, 22.0, 300.0


def card_html(card: DatasetCard) -> str:
    """Lay the card out."""
    navigation: list[Node] = [tag("b", "Dataset card")]
    navigation += [tag("a", section.title, href=f"#{section.id}") for section in card.sections]
    main: list[Node] = [tag("header", tag("h1", card.title), tag("p", card.summary, class_="lead"))]
    for section in card.sections:
        main.append(heading(2, section.title, section.id))
        main.append(tag("p", section.answers, class_="soft"))
        main += [_block(block) for block in section.blocks]
    main.append(tag("p", card.footer, class_="soft"))
    return page(card.title, navigation, main)


def _block(block: Block) -> Markup:
    match block:
        case Paragraph(text):
            return tag("p", text)
        case Facts(pairs):
            return tag("dl", *(node for term, text in pairs for node in (tag("dt", term), tag("dd", _code(text)))))
        case Bullets(lines):
            return tag("ul", *(tag("li", line) for line in lines), class_="plain")
        case Table(caption, columns, rows, numbers):
            shaped = [Column(title, place in numbers) for place, title in enumerate(columns)]
            return table(shaped, rows, caption=caption)
        case Bars(caption, rows):
            return figure(_bars(caption, rows), caption)


def _code(text: str) -> Node:
    """Hashes as code, so that they may break anywhere."""
    return tag("code", text) if len(text) in (32, 64) and set(text) <= set("0123456789abcdef") else text


def _bars(caption: str, rows: tuple[tuple[str, float, str], ...]) -> Markup:
    left = min(max([110.0, *(text_width(name) + 14 for name, _, _ in rows)]), 300.0)
    most = max((value for _, value, _ in rows), default=1.0) or 1.0
    nodes: list[Node] = []
    for place, (name, value, words) in enumerate(rows):
        y = place * _ROW + 4
        width = max(1.0, _BAR * value / most)
        nodes.append(label(left - 8, y + 13, name, "", "end"))
        nodes.append(tag("rect", x=left, y=y, width=width, height=_ROW - 7, class_="bar"))
        nodes.append(label(left + width + 8, y + 13, words, "figure"))
    return drawing(_WIDTH, len(rows) * _ROW + 6, caption, *nodes)
