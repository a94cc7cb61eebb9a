"""The card as Markdown, as repositories of datasets show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from AnnotationQACore.release.card.blocks import Bars, Block, Bullets, DatasetCard, Facts, Paragraph, Table

__all__ = ["card_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def card_markdown(card: DatasetCard) -> str:
    """Lay the card out."""
    lines = [f"# {_text(card.title)}", "", _text(card.summary), ""]
    for section in card.sections:
        lines += [f"## {_text(section.title)}", "", f"*{_text(section.answers)}*", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    lines += ["---", "", _text(card.footer)]
    return "\n".join(lines) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _text(text)
        case Facts(pairs):
            yield from (f"- **{_text(term)}**: {_text(text)}" for term, text in pairs)
        case Bullets(lines):
            yield from (f"- {_text(line)}" for line in lines)
        case Table(caption, columns, rows, numbers):
            yield f"**{_text(caption)}**"
            yield ""
            yield from _table(columns, rows, numbers)
        case Bars(caption, rows):
            yield f"**{_text(caption)}**"
            yield ""
            yield from _table(("", "cases"), [(name, words) for name, _, words in rows], frozenset({1}))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[int]) -> Iterator[str]:
    yield f"| {' | '.join(map(_text, columns))} |"
    yield f"| {' | '.join('---:' if place in numbers else '---' for place in range(len(columns)))} |"
    yield from (f"| {' | '.join(map(_text, row))} |" for row in rows)


def _text(text: str) -> str:
    """Text as it is: nothing that people wrote is taken for Markdown, and a cell stays on its line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
