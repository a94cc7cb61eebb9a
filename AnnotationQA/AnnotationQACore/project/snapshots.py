"""The folded state of a project, kept per user outside of it, so that opening needs not fold everything again.

A snapshot is a cache: it is compared with the ledger files on opening, dropped when anything does not match, and never
used by `verify`. It says of which events the signatures were checked, too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.project.events import Head
from AnnotationQACore.project.identities import user_folder
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.project.ordering import Front, Stamp
from AnnotationQACore.project.state import (
    CaseRecord,
    Decision,
    KeyRecord,
    Member,
    ProtocolRecord,
    Rejection,
    Release,
    SignOff,
    Split,
    State,
    SubmittedReading,
    Task,
)

__all__ = [
    "Position",
    "Snapshot",
    "load_heads",
    "load_snapshot",
    "save_heads",
    "save_snapshot",
    "without_collection",
]

FORMAT = 2
"""To be raised with every change of the state's records or of the fold's rules."""


@dataclasses.dataclass(frozen=True, slots=True)
class Position:
    """Up to where a ledger file was read.

    Attributes
    ----------
    size : int
        Bytes up to and with the line of the newest event.
    line : int
        Offset of that line.
    head : Head
    """

    size: int
    line: int
    head: Head


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """A state, and the places in the ledger files (by name) up to which it was folded."""

    state: State
    positions: Mapping[str, Position]


def save_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Keep a snapshot of the project in `folder`; that it cannot be kept is no error."""
    state = snapshot.state
    value = {
        "format": FORMAT,
        "positions": {name: [p.size, p.line, p.head.sequence, p.head.hash] for name, p in snapshot.positions.items()},
        "head": [state.project, state.name, state.founder, state.events],
        "front": [
            {key: [head.sequence, head.hash] for key, head in state.front.heads.items()},
            state.front.stamps,
            state.front.last,
            state.front.awaited,
        ],
        "seen": state.seen,
        **{field: _rows(getattr(state, field)) for field in _LISTS},
        **{field: _rows(getattr(state, field).values()) for field in _BY_ID},
        **{field: [_rows(rows) for rows in getattr(state, field).values()] for field in _BY_CASE},
    }
    with contextlib.suppress(AnnotationQAError, ValueError, TypeError):
        path = _place(folder, state.project, "snapshots")
        make_folder(path.parent, mode=0o700)
        atomic.write_bytes(path, json.dumps(value, separators=(",", ":")).encode())


def load_snapshot(folder: Path, project: str) -> Snapshot | None:
    """The snapshot of a project; None when there is none that this version can use."""
    try:
        content = _place(folder, project, "snapshots").read_bytes()
        with without_collection():
            return _snapshot(json.loads(content), project)
    except (AnnotationQAError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None


def save_heads(folder: Path, project: str, heads: Mapping[str, Head]) -> None:
    """Keep the newest events that this user has seen, as a witness against rewriting; failure is no error."""
    known = load_heads(folder, project)
    newest = {k: h for k, h in heads.items() if k not in known or h.sequence > known[k].sequence}
    if not newest:
        return
    value = {key: [head.sequence, head.hash] for key, head in sorted((known | newest).items())}
    with contextlib.suppress(AnnotationQAError):
        path = _place(folder, project, "witnessed")
        make_folder(path.parent, mode=0o700)
        atomic.write_text(path, json.dumps(value, indent=1))


def load_heads(folder: Path, project: str) -> dict[str, Head]:
    """The newest events that this user has ever seen in the project in this folder, by key."""
    try:
        value = json.loads(_place(folder, project, "witnessed").read_bytes())
        return {str(key): Head(int(sequence), str(digest)) for key, (sequence, digest) in value.items()}
    except (AnnotationQAError, OSError, ValueError, TypeError, AttributeError):
        return {}


_LISTS: dict[str, type] = {
    "protocols": ProtocolRecord,
    "sign_offs": SignOff,
    "releases": Release,
    "rejected": Rejection,
}
_BY_ID: dict[str, type] = {"members": Member, "keys": KeyRecord, "cases": CaseRecord, "splits": Split}
_BY_CASE: dict[str, type] = {"tasks": Task, "readings": SubmittedReading, "decisions": Decision}
_TUPLES = {Member: (2,), SubmittedReading: (9,), Decision: (3, 4, 11), Split: (2, 3), SignOff: (1,)}
"""Positions of fields that are tuples, which JSON gives back as lists."""


def _snapshot(value: dict[str, Any], project: str) -> Snapshot | None:
    if value["format"] != FORMAT or value["head"][0] != project:
        return None
    heads, stamps, last, awaited = value["front"]
    front = Front(
        {key: Head(*head) for key, head in heads.items()},
        {key: Stamp(*stamp) for key, stamp in stamps.items()},
        tuple(last),
        awaited,
    )
    lists = {field: tuple(_records(kind, value[field])) for field, kind in _LISTS.items()}
    by_id = {field: {record_id(r): r for r in _records(kind, value[field])} for field, kind in _BY_ID.items()}
    by_case = {
        field: {rows[0][0]: tuple(_records(kind, rows)) for rows in value[field] if rows}
        for field, kind in _BY_CASE.items()
    }
    _, name, founder, events = value["head"]
    fields: dict[str, Any] = {**lists, **by_id, **by_case}
    state = State(project, name, founder, events=events, front=front, seen=value["seen"], **fields)
    positions = {
        file: Position(size, line, Head(sequence, digest))
        for file, (size, line, sequence, digest) in value["positions"].items()
    }
    return Snapshot(state, positions)


def record_id(record: Any) -> str:
    """Key of a record in its mapping."""
    return str(record.fingerprint if isinstance(record, KeyRecord) else record.id)


def _rows(records: Any) -> list[list[Any]]:
    """Records as lists of their fields, in order."""
    return [[getattr(record, name) for name in type(record).__slots__] for record in records]


def _records(kind: type, rows: list[list[Any]]) -> Iterator[Any]:
    make: Callable[..., Any] = kind
    for row in rows:
        for index in _TUPLES.get(kind, ()):
            row[index] = tuple(row[index])
        yield make(*row)


def _place(folder: Path, project: str, kind: str) -> Path:
    """Copies of a project are apart, for they go on apart."""
    where = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return user_folder() / kind / f"{project}.{where}.json"


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Hold the garbage collector while many objects are made, none of which is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
