"""What the protocol says about an item, as the page of the help drawer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from slicer.i18n import tr as _

from AnnotationQACore.protocol.model import Classification, Code, Item, Landmarks, Protocol, Rating
from AnnotationQACore.protocol.words import limit_words

__all__ = ["code_text", "help_page", "item_tip"]


def code_text(code: Code | None) -> str:
    """A code as it is written in reports."""
    return "" if code is None else f"{code.meaning} ({code.scheme} {code.value})"


def item_tip(item: Item) -> str:
    """Tooltip of an item: its definition and its code."""
    lines = [item.definition, code_text(item.codes.type), f"ID: {item.id}"]
    return "\n".join(line for line in lines if line)


def help_page(item: Item, protocol: Protocol, picture_width: int = 300) -> str:
    """HTML of the help drawer; it names no colours, so that it is read in light and dark."""
    return "".join(_parts(item, protocol, picture_width))


def _parts(item: Item, protocol: Protocol, picture_width: int) -> Iterator[str]:
    yield f"<p>{escape(item.definition)}</p>"
    if item.hint:
        yield f"<p><i>{escape(item.hint)}</i></p>"
    yield _points(_("Included"), item.inclusion)
    yield _points(_("Not included"), item.exclusion)
    yield _terms(_answers(item))
    yield _terms((case.situation, case.resolution) for case in item.edge_cases)
    yield _points(_("Plausible"), limit_words(item, protocol))
    kinds = {"typical": _("Typical"), "edge_case": _("Edge case"), "not": _("Not this")}
    for example in item.examples:
        caption = f"<b>{kinds[example.shows]}:</b> {escape(example.caption)}"
        yield f'<p><img src="{escape(example.image)}" width="{picture_width}"><br>{caption}</p>'
    codes = [code for code in (item.codes.type, *item.codes.equivalent) if code is not None]
    if codes:
        yield f"<p><small>{escape(' · '.join(map(code_text, codes)))}</small></p>"


def _answers(item: Item) -> Iterator[tuple[str, str]]:
    match item:
        case Classification():
            yield from ((choice.title, choice.definition) for choice in item.choices if choice.definition)
        case Rating():
            yield from ((f"{level.value} – {level.title}", level.definition) for level in item.levels)
        case Landmarks():
            yield from ((point.title, point.definition) for point in item.points if point.definition)


def _points(title: str, points: Iterable[str]) -> str:
    rows = "".join(f"<li>{escape(point)}</li>" for point in points)
    return f"<p><b>{title}</b></p><ul>{rows}</ul>" if rows else ""


def _terms(terms: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><td valign='top'><b>{escape(term)}</b></td><td valign='top'>&nbsp;{escape(meaning)}</td></tr>"
        for term, meaning in terms
    )
    return f"<table cellspacing='3'>{rows}</table>" if rows else ""
