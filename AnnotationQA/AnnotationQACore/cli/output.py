"""What commands write and how they lay out tables."""

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.project.layout import PROJECT_FILE
from AnnotationQACore.wording import count_of

__all__ = [
    "STANDARD_OUTPUT",
    "figure",
    "reader_names",
    "require_folder_place",
    "require_place",
    "rows_as_text",
    "show",
    "summarized",
    "write_json",
]

STANDARD_OUTPUT = Path("-")
_NAMED = 3


def require_place(path: Path | None, *inputs: Path | None) -> None:
    """Refuse a file that could not be written in the end, before the work is done.

    Parameters
    ----------
    path : Path or None
        The file; None for nothing to write, `STANDARD_OUTPUT` for what goes into a pipe.
    *inputs : Path or None
        Files and folders that are read; the file must be none of them.

    Raises
    ------
    DestinationError
        It is a folder, a device or an input, lies in a project, or its folder is missing or read-only.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    if path.is_dir():
        raise DestinationError(f"{path}: is a folder; name a file.")
    if path.exists() and not path.is_file():
        raise DestinationError(f"{path}: is a device and no file; name a file, or - for the standard output.")
    if not path.parent.is_dir():
        raise DestinationError(f"{path}: its folder is not there; create it first.")
    _require_other(path, inputs)
    _require_outside_of_projects(path)
    _require_writable(path.parent)


def require_folder_place(folder: Path | None, *inputs: Path | None, is_own: bool = True) -> None:
    """Refuse a folder that could not be made or written in the end, as `require_place` does with a file.

    Where `is_own`, the folder is to hold nothing else, and the one the user stands in is refused.
    """
    if folder is None:
        return
    if is_own and (folder.name in ("", "..") or folder.resolve() == Path.cwd()):
        raise DestinationError(f"{folder}: is a folder that is in use; name a new one, such as {folder / 'new'}.")
    if folder.exists() and not folder.is_dir():
        raise DestinationError(f"{folder}: is a file; name a folder.")
    _require_other(folder, inputs)
    _require_outside_of_projects(folder)
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise DestinationError(f"{folder}: cannot be made, because {there} is a file; name another folder.")
    _require_writable(there)


def _require_other(path: Path, inputs: Sequence[Path | None]) -> None:
    for other in inputs:
        if other is not None and path.resolve() == other.resolve():
            raise DestinationError(f"{path}: is what is read; name another place for the result.")


def _require_outside_of_projects(path: Path) -> None:
    project = next((place for place in path.resolve().parents if (place / PROJECT_FILE).is_file()), None)
    if project is not None:
        raise DestinationError(
            f"{path}: lies in the project {project}, which holds signed files; name a place outside."
        )


def _require_writable(folder: Path) -> None:
    """Try it: rights alone do not tell of read-only disks and network shares."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DestinationError(f"{folder}: cannot be written into ({reason}); choose another folder.") from error


def show(text: str, json_place: Path | None = None) -> None:
    """Print a table for people; where the JSON goes to the standard output, it has that for itself."""
    if json_place != STANDARD_OUTPUT:
        print(text)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document, whole or not at all; it must hold neither NaN nor infinities."""
    is_piped = path == STANDARD_OUTPUT  # there any encoding may be in force
    text = json.dumps(document, indent=1, ensure_ascii=is_piped, allow_nan=False)
    if is_piped:
        print(text)
    else:
        atomic.write_bytes(path, f"{text}\n".encode(errors="backslashreplace"))  # names of files that are no text


def summarized(lines: Sequence[str], most: int = 10) -> list[str]:
    """Lines of the form ``what: message``, those with one message as one line; of many messages the first.

    Parameters
    ----------
    lines : sequence of str
    most : int
        How many different messages are shown.
    """
    by_message: dict[str, list[str]] = {}
    for line in lines:
        what, _, message = line.partition(": ")
        by_message.setdefault(message, []).append(what)
    shown = []
    for message, whats in list(by_message.items())[:most]:
        more = f" and {len(whats) - _NAMED} more" if len(whats) > _NAMED else ""
        shown.append(f"{'; '.join(whats[:_NAMED])}{more}: {message}")
    rest = sum(len(whats) for whats in list(by_message.values())[most:])
    return [*shown, *([f"{rest} more, for other reasons"] if rest else [])]


def figure(value: float | str | None, digits: int = 4) -> str:
    """A number for a table: undefined is a dash, and what is rounded to zero has no sign."""
    if isinstance(value, str):
        return value
    return "–" if value is None or math.isnan(value) else f"{value:z.{digits}f}"


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
        raise InputError(
            f"readers: {count_of(len(names), 'name')} for {count_of(len(paths), 'file')}; give one name for each file."
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"readers: '{twice}' appears more than once; tell the readers apart with --readers.")
    return names
