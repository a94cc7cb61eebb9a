"""What commands write and how they lay out tables."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError, InputError

__all__ = ["figure", "reader_names", "require_place", "rows_as_text", "write_json"]


def require_place(path: Path | None) -> None:
    """Refuse a file that could not be written in the end, before the work is done."""
    if path is not None and path.is_dir():
        raise DestinationError(f"{path}: is a folder; name a file.")
    if path is not None and not path.parent.is_dir():
        raise DestinationError(f"{path}: its folder is not there; create it first.")


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document, whole or not at all; it must hold neither NaN nor infinities."""
    atomic.write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def figure(value: float | str | None, digits: int = 4) -> str:
    """A number for a table: undefined is a dash."""
    if isinstance(value, str):
        return value
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def rows_as_text(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def reader_names(paths: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """Names of the readers of files: the given ones, or the files' names, with their folders where those are equal.

    Raises
    ------
    InputError
        There are not as many names as files, or two readers have one name.
    """
    names = list(given) if given else [path.name.split(".")[0] for path in paths]
    if not given and len(set(names)) < len(names):
        names = [f"{path.absolute().parent.name}/{path.name}" for path in paths]
    if len(names) != len(paths):
        raise InputError(f"readers: {len(names)} names for {len(paths)} files; give one name for each file.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"readers: '{twice}' appears more than once; tell the readers apart with --readers.")
    return names
