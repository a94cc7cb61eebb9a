"""Which file of a folder belongs to which case and reader: by a pattern of the file names, or by a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.tables import read_table
from AnnotationQACore.interchange.text import read_text
from AnnotationQACore.project.layout import sha256_of

__all__ = ["PLACEHOLDERS", "FolderListing", "ListedFile", "list_by_pattern", "list_by_table", "list_export"]

LISTING = "export.json"
_VOXELS = ("seg.nrrd", "seg", "seg-labelmap", "rtstruct", "nrrd", "mha", "nifti")
_ONE_WAY = ("seg-fractional", "stl", "obj", "ply", "gltf")
PLACEHOLDERS = ("case", "reader", "item", "round", "patient")
"""What a pattern can hold in braces; ``*`` stands for anything within a name."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file and what its name or the table says of it; empty where they say nothing."""

    path: Path
    case: str = ""
    reader: str = ""
    item: str = ""
    round: int = 1
    patient: str = ""


@dataclass(frozen=True, slots=True)
class FolderListing:
    """Files with their meaning, and the files of the folder that were not matched."""

    files: tuple[ListedFile, ...]
    unmatched: tuple[Path, ...]


def list_by_pattern(folder: Path, pattern: str) -> FolderListing:
    """List files by a pattern such as ``{case}/{reader}.seg.nrrd`` or ``{case}_{reader}_{item}.nii.gz``.

    Parameters
    ----------
    folder : Path
        Searched with all its folders, without hidden files.
    pattern : str
        Path below the folder, with forward slashes; what `PLACEHOLDERS` names must each stand in it once at most.

    Raises
    ------
    InputError
        The folder is not there, or the pattern cannot be used.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; correct the path.")
    expression = _expression(pattern)
    files, unmatched = [], []
    for path in sorted(_visible(folder)):
        match = expression.fullmatch(path.relative_to(folder).as_posix())
        if match is None:
            unmatched.append(path)
            continue
        found = match.groupdict()
        files.append(
            ListedFile(
                path,
                found.get("case", ""),
                found.get("reader", ""),
                found.get("item", ""),
                int(found.get("round", 1)),
                found.get("patient", ""),
            )
        )
    return FolderListing(tuple(files), tuple(unmatched))


def list_by_table(folder: Path, table: Path) -> FolderListing:
    """List files by a table with the columns ``file``, ``case`` and ``reader``, and if wished the other placeholders.

    Raises
    ------
    InputError
        The table cannot be read, lacks a column, or names a file that is not there; the message names the row.
    """
    rows = read_table(table)
    columns = {name.casefold(): place for place, name in enumerate(rows.header)}
    for name in ("file", "case", "reader"):
        if name not in columns:
            raise InputError(f"{table}: has no column '{name}'; it needs file, case and reader.")
    files = []
    for number, fields in rows.rows:
        named = {name: fields[place] for name, place in columns.items() if name in (*PLACEHOLDERS, "file")}
        path = folder / named.pop("file")
        if not path.is_file():
            raise InputError(f"{table}: row {number}: {path} is not there; correct the name.")
        text = named.pop("round", "") or "1"
        if not text.isdigit() or int(text) < 1:
            raise InputError(f"{table}: row {number}: round '{text}' is no number from 1; correct the cell.")
        files.append(ListedFile(path, round=int(text), **named))
    listed = {file.path.resolve() for file in files}
    unmatched = tuple(path for path in sorted(_visible(folder)) if path.resolve() not in {*listed, table.resolve()})
    return FolderListing(tuple(files), unmatched)


def list_export(folder: Path) -> FolderListing:
    """List what `annotation-qa export` wrote, by its own list; of several files with voxels of a reading the fullest.

    Raises
    ------
    InputError
        There is no such list, or a file is missing or was changed since.
    """
    path = folder / LISTING
    if not path.is_file():
        raise InputError(f"{folder}: is no folder that annotation-qa export wrote; say --pattern or --table.")
    by_reading: dict[str, list[tuple[str, Path]]] = {}
    known = {path}
    try:
        for entry in json.loads(read_text(path))["files"]:
            name = str(entry["path"])
            if PurePath(name).name != name:
                raise ValueError(name)
            file = folder / name
            if sha256_of(file) != entry["sha256"]:
                raise InputError(f"{file}: was changed since it was exported; export again, or say --pattern.")
            by_reading.setdefault(str(entry["reading"]), []).append((str(entry["format"]), file))
            known.add(file)
        files = [one for reading, parts in by_reading.items() for one in _listed(reading, parts)]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no list of an export; say --pattern or --table.") from error
    return FolderListing(tuple(files), tuple(one for one in sorted(_visible(folder)) if one not in known))


def _listed(reading: str, parts: list[tuple[str, Path]]) -> Iterator[ListedFile]:
    case, reader, round_part, _ = reading.split("/")
    kinds = {kind for kind, _ in parts}
    fullest = next((kind for kind in _VOXELS if kind in kinds), None)
    for kind, file in parts:
        if kind not in _ONE_WAY and (kind not in _VOXELS or kind == fullest):
            yield ListedFile(file, case, reader, round=int(round_part.removeprefix("round-")))


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w*\}|\*)", pattern)
    if any("{" in part or "}" in part for part in parts[::2]):
        raise InputError(
            f"pattern '{pattern}': a brace is not closed, or holds more than a word; write such as {{case}}."
        )
    named = [part[1:-1] for part in parts if part.startswith("{")]
    for name in named:
        if name not in PLACEHOLDERS:
            raise InputError(f"pattern '{pattern}': {{{name}}} is unknown; there are {', '.join(PLACEHOLDERS)}.")
        if named.count(name) > 1:
            raise InputError(f"pattern '{pattern}': {{{name}}} stands in it twice; once is enough.")
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    if part == "*":
        return "[^/]*"
    if part.startswith("{"):
        allowed = r"[1-9]\d*" if part == "{round}" else "[^/]+?"
        return f"(?P<{part[1:-1]}>{allowed})"
    return re.escape(part)
