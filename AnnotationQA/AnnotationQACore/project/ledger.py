"""The ledger of a project in a folder: reading what is new, and appending one's own acts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project import layout
from AnnotationQACore.project.appending import append_bytes
from AnnotationQACore.project.chains import Break, Chain, cut, parse_chain, read_bytes
from AnnotationQACore.project.events import START, Event, Head, Kind, encode, is_signed, parse, sign
from AnnotationQACore.project.fields import format_time
from AnnotationQACore.project.folding import fold
from AnnotationQACore.project.identities import Identity, fingerprint
from AnnotationQACore.project.locks import locked
from AnnotationQACore.project.ordering import MustStartOver
from AnnotationQACore.project.snapshots import (
    Position,
    Snapshot,
    load_snapshot,
    save_heads,
    save_snapshot,
    without_collection,
)
from AnnotationQACore.project.state import Reason, State
from AnnotationQACore.wording import Wording, worded

__all__ = ["Act", "Ledger", "claimed_keys", "ledger_files", "utc_now"]

_SAVE_AFTER = 200
"""New events after which the snapshot is worth being written again."""

_REMEDIES: dict[str, Wording] = {
    Reason.UNKNOWN_KEY: worded("send the lead your public key (annotation-qa identity show)"),
    Reason.REVOKED_KEY: worded("ask the lead for another key"),
    Reason.NO_RIGHT: worded("ask the lead"),
    Reason.NO_GROUND: worded("correct the name"),
    Reason.CAME_TOO_LATE: worded("leave it out"),
    Reason.MALFORMED: worded("correct it"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be recorded."""

    kind: Kind
    payload: Mapping[str, Any]


def utc_now() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)


def ledger_files(folder: Path) -> dict[str, Path]:
    """Ledger files of a project folder by name; raises `InputError` when the folder cannot be read."""
    try:
        paths = sorted((folder / layout.LEDGER).iterdir())
    except OSError as error:
        raise InputError(
            f"{folder / layout.LEDGER}: cannot be read ({error.strerror}); check the share and your rights."
        ) from error
    return {path.name: path for path in paths if layout.writer_of(path.name)}


def claimed_keys(events: Sequence[Event]) -> dict[str, str]:
    """Public keys that events speak of, by fingerprint, whether or not the events count."""
    keys: dict[str, str] = {}
    for event in events:
        if event.kind in (Kind.PROJECT_CREATED, Kind.KEY_ADDED):
            public_key = str(event.payload.get("public key"))
            with contextlib.suppress(InputError):
                keys[fingerprint(public_key)] = public_key
    return keys


class Ledger:
    """The ledger of one project, read incrementally.

    Parameters
    ----------
    folder : Path
        The project folder.
    project : str
        Its identifier.
    clock : callable
        Gives the present time, UTC.
    """

    def __init__(self, folder: Path, project: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._folder = folder
        self._project = project
        self._clock = clock
        self._positions: dict[str, Position] = {}
        self._verified: dict[str, Head] = {}
        self._saved_events = 0
        self.state = State(project)
        self.breaks: dict[str, Break] = {}

    def now(self) -> datetime:
        """The present time, UTC."""
        return self._clock()

    def open(self, progress: Progress = silent) -> State:
        """Read the ledger, with the help of the user's snapshot if it fits; raises `InputError`."""
        snapshot = load_snapshot(self._folder, self._project)
        if snapshot is not None:
            self.state = snapshot.state
            self._positions = dict(snapshot.positions)
            self._verified = {name: position.head for name, position in snapshot.positions.items()}
            self._saved_events = snapshot.state.events
        return self.refresh(progress)

    def refresh(self, progress: Progress = silent) -> State:
        """Read what is new and return the state; raises `InputError` when the ledger cannot be read."""
        if not self.breaks:
            new = self._new_chains()
            if new is not None and self._continue(new, progress):
                return self.state
        self._start_over(progress)
        return self.state

    def check(self, identity: Identity, acts: Sequence[Act]) -> None:
        """Raise `ProjectError` when acts would not count."""
        self.refresh()
        self._counted(self._sign(identity, acts))

    def append(self, identity: Identity, acts: Sequence[Act]) -> tuple[Event, ...]:
        """Record acts in the name of `identity`, all or none but for a crash in between; each must count.

        Raises
        ------
        ProjectError
            An act does not count (the message says why), or another process keeps the lock.
        DestinationError
            The ledger cannot be written; nothing was recorded.
        """
        name = layout.ledger_file_name(identity.member, identity.fingerprint)
        path = self._folder / layout.LEDGER / name
        with locked(path.with_suffix(".lock")):
            self.refresh()
            if name in self.breaks:
                raise ProjectError(
                    f"{path}: event {self.breaks[name].sequence} is broken, so nothing can follow it; "
                    "restore the file, or ask the lead for a new key."
                )
            events = self._sign(identity, acts)
            state = self._counted(events)
            size = self._positions[name].size if name in self._positions else 0
            lines = [encode(event) for event in events]
            append_bytes(path, b"".join(lines), size)
            end = size + sum(map(len, lines))
            head = Head(events[-1].sequence, events[-1].hash)
            self._positions[name] = Position(end, end - len(lines[-1]), head)
            self._verified[name] = head
            self.state = state
        self._keep()
        return events

    def _sign(self, identity: Identity, acts: Sequence[Act]) -> tuple[Event, ...]:
        key = identity.fingerprint
        known = self.state.seen.get(key, {})
        heads = self.state.front.heads
        others = self.state.keys.keys() - {key}
        seen = {k: head for k, head in heads.items() if k in others and known.get(k) != head.sequence}
        last = heads.get(key)
        sequence, previous = (0, START) if last is None else (last.sequence + 1, last.hash)
        protocol = self.state.protocol
        events = []
        for act in acts:
            event = sign(
                identity,
                sequence=sequence,
                previous=previous,
                seen=seen,
                time=format_time(self._clock()),
                project=self._project,
                protocol=protocol,
                kind=act.kind,
                payload=act.payload,
            )
            events.append(event)
            sequence, previous, seen = sequence + 1, event.hash, {}
            if act.kind is Kind.PROTOCOL_ADOPTED:
                protocol = act.payload["protocol"]
        return tuple(events)

    def _counted(self, events: Sequence[Event]) -> State:
        """State after own events; raises `ProjectError` when one of them would not count."""
        try:
            state = fold(events, self.state)
        except MustStartOver:
            state = fold([*self._all_events(), *events], State(self._project))
        own = {event.sequence for event in events}
        key = events[0].key if events else ""
        for rejection in state.rejected[::-1]:
            if rejection.key == key and rejection.sequence in own:
                raise ProjectError(
                    worded(
                        "'{kind}' by '{actor}' is refused: {why}; {remedy}.",
                        kind=rejection.kind,
                        actor=rejection.actor,
                        why=rejection.detail.rstrip("."),
                        remedy=_REMEDIES[rejection.reason],
                    )
                )
        return state

    def _new_chains(self) -> dict[str, tuple[Chain, bytes]] | None:
        """What stands behind the known positions; None when a file is not what it was."""
        files = ledger_files(self._folder)
        if not self._positions.keys() <= files.keys():
            return None
        chains = {}
        for name, path in files.items():
            position = self._positions.get(name)
            if position is None:
                content = read_bytes(path)
                chains[name] = parse_chain(content), content
                continue
            content = read_bytes(path, position.line)
            known = position.size - position.line
            if not _is_line_of(content[:known], position.head):
                return None
            if len(content) > known:
                chains[name] = parse_chain(content[known:], position.head), content[known:]
        return chains

    def _continue(self, new: Mapping[str, tuple[Chain, bytes]], progress: Progress) -> bool:
        """Fold new events onto the state; False when that is not possible."""
        chains = {name: chain for name, (chain, _) in new.items()}
        events = [event for chain in chains.values() for event in chain.events]
        if not events and not any(chain.broken for chain in chains.values()):
            return True
        chains = self._checked(chains, progress)
        if any(chain.broken for chain in chains.values()):
            return False
        try:
            self.state = fold(events, self.state)
        except MustStartOver:
            return False
        for name, (chain, content) in new.items():
            if chain.events:
                former = self._positions.get(name)
                self._advance(name, chain, content, former.size if former else 0)
        self._keep()
        return True

    def _start_over(self, progress: Progress) -> None:
        contents = {name: read_bytes(path) for name, path in ledger_files(self._folder).items()}
        chains = self._checked({name: parse_chain(content) for name, content in contents.items()}, progress)
        self._positions, self._verified = {}, {}
        self.breaks = {name: chain.broken for name, chain in chains.items() if chain.broken}
        with without_collection():
            self.state = fold([e for chain in chains.values() for e in chain.events], State(self._project))
        for name, chain in chains.items():
            if chain.events and not chain.broken:
                self._advance(name, chain, contents[name], 0)
        self._saved_events = 0
        self._keep()

    def _all_events(self) -> list[Event]:
        files = ledger_files(self._folder)
        return [event for path in files.values() for event in parse_chain(read_bytes(path)).events]

    def _advance(self, name: str, chain: Chain, content: bytes, offset: int) -> None:
        line = content.rfind(b"\n", 0, chain.size - 1) + 1
        head = Head(chain.events[-1].sequence, chain.events[-1].hash)
        self._positions[name] = Position(offset + chain.size, offset + line, head)
        self._verified[name] = head

    def _checked(self, chains: Mapping[str, Chain], progress: Progress) -> dict[str, Chain]:
        """Chains cut before the first event that is not by the file's writer; known events are not checked again."""
        keys = {key: record.public_key for key, record in self.state.keys.items()}
        for chain in chains.values():
            keys |= claimed_keys(chain.events)
        total = sum(len(chain.events) for chain in chains.values())
        done = 0
        checked = {}
        for name, chain in chains.items():
            member, key = layout.writer_of(name) or ("", "")
            trusted = self._trusted(name, chain)
            for index, event in enumerate(chain.events):
                if done % 1000 == 0:
                    progress(done, total, "checking signatures")
                done += 1
                if (event.actor, event.key) != (member, key):
                    chain = cut(chain, index, "it is by another writer than the file")
                    break
                if event.sequence > trusted and key in keys and not is_signed(event, keys[key]):
                    chain = cut(chain, index, "its signature is forged")
                    break
            checked[name] = chain
        return checked

    def _trusted(self, name: str, chain: Chain) -> int:
        """Sequence number up to which signatures were checked before."""
        head = self._verified.get(name)
        if head is None or not chain.events:
            return -1
        index = head.sequence - chain.events[0].sequence
        if index < 0:
            return head.sequence
        return head.sequence if index < len(chain.events) and chain.events[index].hash == head.hash else -1

    def _keep(self) -> None:
        known = {key: head for key, head in self.state.front.heads.items() if key in self.state.keys}
        save_heads(self._folder, self._project, known)
        if not self.breaks and self.state.events - self._saved_events >= _SAVE_AFTER:
            self.save()

    def save(self) -> None:
        """Keep a snapshot for the next opening."""
        if not self.breaks and self.state.events != self._saved_events:
            save_snapshot(self._folder, Snapshot(self.state, self._positions))
            self._saved_events = self.state.events


def _is_line_of(line: bytes, head: Head) -> bool:
    """Whether bytes are the line of an event, with its end."""
    try:
        event = parse(line[:-1])
    except InputError:
        return False
    return line.endswith(b"\n") and (event.sequence, event.hash) == (head.sequence, head.hash)
