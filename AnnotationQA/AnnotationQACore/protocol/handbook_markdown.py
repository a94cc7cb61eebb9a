"""The handbook as Markdown, for wikis and repositories."""

from __future__ import annotations

import re
from collections.abc import Iterator

from AnnotationQACore.protocol.handbook import Entry, sections
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.words import design_words, series_words, window_words

__all__ = ["handbook_markdown"]


def handbook_markdown(protocol: Protocol) -> str:
    """Write the handbook of a protocol as Markdown; pictures are embedded."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_lines(protocol))).strip() + "\n"


def _lines(protocol: Protocol) -> Iterator[str]:
    yield f"# {_plain(protocol.title)}"
    yield ""
    yield f"Version {protocol.version} · `{protocol.id}` · hash `{protocol.hash}`"
    yield ""
    yield from _rows(
        [
            ("Purpose", protocol.purpose),
            ("Decision it supports", protocol.clinical_decision),
            ("What changed", protocol.change_note),
            ("Written by", ", ".join(protocol.authors)),
        ]
    )
    yield from ["", "## Images", "", f"Body region: {_plain(str(protocol.imaging.body_region))}", ""]
    for role in protocol.imaging.series:
        reference = " (reference series)" if role.id == protocol.imaging.reference_series else ""
        words = f"{_plain(series_words(role))}. {_plain(role.description)}".rstrip()
        yield f"- **{_plain(role.title)}**{reference}: {words}"
        for frame in role.frames:
            yield f"  - **{_plain(frame.title)}**: {_plain(frame.definition)}"
    if protocol.windows:
        yield from ["", "| Window | Grey levels |", "| --- | --- |"]
        for window in protocol.windows:
            yield f"| {_plain(window.title)} | {window_words(window)} |"
    yield from ["", "## How cases are read", ""]
    yield from _rows(design_words(protocol))
    for section in sections(protocol):
        yield from ["", f"## {_plain(section.title)}", "", _plain(section.description)]
        for entry in section.entries:
            yield from _entry(entry)
    if protocol.references:
        yield from ["", "## References", ""]
        for reference in protocol.references:
            yield f"- {_plain(reference)}"


def _entry(entry: Entry) -> Iterator[str]:
    item = entry.item
    yield from [
        "",
        f"{'#' * min(3 + entry.depth, 6)} {_plain(item.title)} (`{item.id}`)",
        "",
        _plain(item.definition),
        "",
    ]
    yield from _rows(entry.facts)
    for title, rules in (("Included", item.inclusion), ("Not included", item.exclusion)):
        if rules:
            yield from ["", f"**{title}**", "", *(f"- {_plain(rule)}" for rule in rules)]
    if entry.answers:
        yield from ["", "| | Answer | When | Code |", "| --- | --- | --- | --- |"]
        for answer in entry.answers:
            indent = "— " * answer.depth
            code = f"{answer.code.scheme} {answer.code.value}" if answer.code else ""
            yield f"| {answer.mark} | {indent}{_plain(answer.title)} | {_plain(answer.definition)} | {code} |"
    if item.edge_cases:
        yield from ["", "| In doubt | Then |", "| --- | --- |"]
        yield from (f"| {_plain(case.situation)} | {_plain(case.resolution)} |" for case in item.edge_cases)
    for example in entry.examples:
        yield from ["", f"![{_plain(example.caption)}]({example.image})", "", f"*{_plain(example.caption)}*"]
    if item.hint:
        yield from ["", f"How: {_plain(item.hint)}"]
    if entry.codes:
        codes = "; ".join(f"{role}: {_plain(str(code))}" for role, code in entry.codes)
        yield from ["", f"Codes: {codes}"]


def _rows(rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, words in rows:
        if words:
            yield f"- **{name}:** {_plain(words)}"


def _plain(text: str) -> str:
    """Text on one line, with the characters escaped that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_\[\]|<>#])", r"\\\1", " ".join(text.split()))
