"""The handbook as one self-contained HTML page: readable offline and in print, in light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from AnnotationQACore.protocol.handbook import Entry, Section, sections
from AnnotationQACore.protocol.items import ExamplePicture
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.page_style import PAGE_STYLE
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.protocol.words import design_words, series_words, window_words

__all__ = ["handbook_html"]

_STYLE = """
.card.d1 { margin-left: 1.4rem; } .card.d2, .card.d3 { margin-left: 2.8rem; }
.rules { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0 1.6rem; font-size: .94rem; }
.rules ul { margin: .2rem 0; padding-left: 1.1rem; }
.in { color: var(--in); } .out { color: var(--out); }
td.mark { width: 2rem; font-weight: 600; } td.name { width: 32%; } td.code { width: 9rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; margin: .8rem 0; }
figure { margin: 0; max-width: 22rem; } figure img { max-width: 100%; border-radius: 6px; display: block; }
.codes { margin-top: .8rem; color: var(--soft); font-size: .82rem; }
@media screen and (max-width: 60rem) { .card.d1, .card.d2, .card.d3 { margin-left: .6rem; } }
"""

_SHOWS = {"typical": "Typical", "edge_case": "Edge case", "not": "Not this"}


def handbook_html(protocol: Protocol) -> str:
    """Write the handbook of a protocol as one HTML page that needs nothing from elsewhere and holds no script."""
    parts = sections(protocol)
    return "".join(
        [
            "<!DOCTYPE html>\n",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(protocol.title)} {escape(protocol.version)} - handbook</title>",
            f"<style>{PAGE_STYLE}{_STYLE}</style></head>\n<body><div class='frame'>",
            *_navigation(parts),
            "<main>",
            *_front(protocol),
            *(line for section in parts for line in _section(section)),
            *_references(protocol),
            "</main></div></body></html>\n",
        ]
    )


def _navigation(parts: Iterable[Section]) -> Iterator[str]:
    yield "<nav aria-label='Contents'><b>Protocol</b>"
    yield "<a href='#images'>Images</a><a href='#design'>How cases are read</a>"
    for section in parts:
        yield f"<b>{escape(section.title)}</b>"
        for entry in section.entries:
            yield f"<a href='#item-{entry.item.id}'>{'&emsp;' * entry.depth}{escape(entry.item.title)}</a>"
    yield "</nav>\n"


def _front(protocol: Protocol) -> Iterator[str]:
    yield f"<header><h1>{escape(protocol.title)}</h1>"
    yield f"<div class='soft'>Handbook for readers · version {escape(protocol.version)}</div>"
    yield f"<p class='lead'>{escape(protocol.purpose)}</p>"
    yield _facts(
        [
            ("Decision it supports", protocol.clinical_decision),
            ("What changed", protocol.change_note),
            ("Written by", ", ".join(protocol.authors)),
        ]
    )
    yield f"<code>{escape(protocol.id)} · {protocol.hash}</code></header>\n"
    yield "<h2 id='images'>Images</h2>"
    yield f"<p>Body region: {_code(protocol.imaging.body_region)}</p>"
    rows = []
    for role in protocol.imaging.series:
        reference = " <span class='tag'>reference</span>" if role.id == protocol.imaging.reference_series else ""
        frames = "".join(f"<p><b>{escape(frame.title)}:</b> {escape(frame.definition)}</p>" for frame in role.frames)
        rows.append(
            f"<tr><td class='name'><b>{escape(role.title)}</b>{reference}</td><td>{escape(series_words(role))}</td>"
            f"<td>{escape(role.description)}{frames}</td></tr>"
        )
    yield _table(["Series", "What it is", "Acquisition"], rows)
    if protocol.windows:
        yield "<h4>Window presets</h4>"
        yield _table(
            ["Preset", "Grey levels"],
            [
                f"<tr><td class='name'>{escape(window.title)}</td><td>{escape(window_words(window))}</td></tr>"
                for window in protocol.windows
            ],
        )
    yield "<h2 id='design'>How cases are read</h2>"
    yield _facts(design_words(protocol))


def _section(section: Section) -> Iterator[str]:
    yield f"<h2 id='group-{section.id}'>{escape(section.title)}</h2>"
    if section.description:
        yield f"<p class='soft'>{escape(section.description)}</p>"
    for entry in section.entries:
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    item = entry.item
    facts = dict(entry.facts)
    yield f"\n<section class='card d{min(entry.depth, 3)}' id='item-{item.id}'><div class='head'>"
    if entry.color:
        yield f"<span class='swatch' style='background:{entry.color}'></span>"
    yield f"<h3>{escape(item.title)}</h3><span class='tag'>{escape(facts.pop('Answer'))}</span>"
    yield f"<code>{item.id}</code></div>"
    yield f"<p>{escape(item.definition)}</p>"
    yield from _rules(item.inclusion, item.exclusion)
    if entry.answers:
        yield _answers(entry)
    if item.edge_cases:
        yield _table(
            ["In doubt", "Then"],
            [
                f"<tr><td style='width:42%'>{escape(case.situation)}</td><td>{escape(case.resolution)}</td></tr>"
                for case in item.edge_cases
            ],
        )
    if entry.examples:
        yield f"<div class='pictures'>{''.join(map(_picture, entry.examples))}</div>"
    if item.hint:
        yield f"<p class='soft'>{escape(item.hint)}</p>"
    yield _facts(facts.items())
    if entry.codes:
        codes = " · ".join(f"{escape(role)}: {_code(code)}" for role, code in entry.codes)
        yield f"<div class='codes'>{codes}</div>"
    yield "</section>"


def _rules(inclusion: tuple[str, ...], exclusion: tuple[str, ...]) -> Iterator[str]:
    if not inclusion and not exclusion:
        return
    yield "<div class='rules'>"
    for title, style, rules in (("Included", "in", inclusion), ("Not included", "out", exclusion)):
        if rules:
            points = "".join(f"<li>{escape(rule)}</li>" for rule in rules)
            yield f"<div><h4 class='{style}'>{title}</h4><ul>{points}</ul></div>"
    yield "</div>"


def _answers(entry: Entry) -> str:
    """Choices, levels or points; columns in which nothing would stand are left out."""
    columns = [
        ("", "mark", [escape(answer.mark) for answer in entry.answers]),
        ("Answer", "name", [f"{'&emsp;' * answer.depth}{escape(answer.title)}" for answer in entry.answers]),
        ("When", "when", [escape(answer.definition) for answer in entry.answers]),
        ("Code", "code", [_code_value(answer.code) for answer in entry.answers]),
    ]
    shown = [column for column in columns if any(column[2])]
    rows = [
        "<tr>" + "".join(f"<td class='{style}'>{cells[row]}</td>" for _, style, cells in shown) + "</tr>"
        for row in range(len(entry.answers))
    ]
    return _table([head for head, _, _ in shown], rows)


def _picture(example: ExamplePicture) -> str:
    caption = escape(example.caption)
    return (
        f"<figure><img src='{escape(example.image)}' alt='{caption}'>"
        f"<figcaption><b>{_SHOWS[example.shows]}.</b> {caption}</figcaption></figure>"
    )


def _references(protocol: Protocol) -> Iterator[str]:
    if protocol.references:
        points = "".join(f"<li>{escape(reference)}</li>" for reference in protocol.references)
        yield f"<h2 id='references'>References</h2><ol>{points}</ol>"


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in rows if words) + "</dl>"
    )


def _table(heads: list[str], rows: list[str]) -> str:
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in heads)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _code(code: Code) -> str:
    return f"{escape(code.meaning)} {_code_value(code)}"


def _code_value(code: Code | None) -> str:
    return f"<code>{escape(code.scheme)} {escape(code.value)}</code>" if code else ""
