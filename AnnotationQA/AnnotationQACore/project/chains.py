"""The ledger file of one writer: a chain of events, and where it breaks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.events import START, Event, Head, parse

__all__ = ["Break", "Chain", "complete_size", "cut", "parse_chain", "read_bytes", "read_chain"]


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry of a chain that is not what its writer wrote."""

    sequence: int
    problem: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What a ledger file holds, up to the first break.

    Attributes
    ----------
    events : tuple of Event
    broken : Break or None
    size : int
        Bytes of complete lines.
    torn : int
        Bytes after the last line end: an append that a crash interrupted, and that therefore did not happen.
    """

    events: tuple[Event, ...]
    broken: Break | None
    size: int
    torn: int


def read_bytes(path: Path, offset: int = 0) -> bytes:
    """Bytes of a ledger file from an offset on; raises `InputError`."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the share and your rights.") from error


def read_chain(path: Path) -> Chain:
    """Read the ledger file of one writer; raises `InputError` when it cannot be read."""
    return parse_chain(read_bytes(path))


def parse_chain(content: bytes, after: Head | None = None) -> Chain:
    """Read the lines of a ledger file and check hashes, numbers and links, but no signatures.

    Parameters
    ----------
    content : bytes
        The file, or its part behind the event `after`.
    after : Head or None
        The event before the first line.
    """
    size = complete_size(content)
    lines = content[:size].split(b"\n")[:-1]
    sequence, previous = (0, START) if after is None else (after.sequence + 1, after.hash)
    events: list[Event] = []
    broken = None
    for number, line in enumerate(lines):
        try:
            event = parse(line)
            _check_link(event, sequence, previous, lines, number)
        except InputError as error:
            broken = Break(sequence, str(error))
            break
        events.append(event)
        sequence, previous = sequence + 1, event.hash
    torn = content[size:]
    if broken is None and _is_more_than_an_event(torn):
        broken = Break(sequence, "it was changed (more follows than an event)")
    return Chain(tuple(events), broken, size, len(torn))


def cut(chain: Chain, index: int, problem: str) -> Chain:
    """The chain up to its event `index`, which is broken."""
    return replace(chain, events=chain.events[:index], broken=Break(chain.events[index].sequence, problem))


def complete_size(content: bytes) -> int:
    """Number of bytes up to and with the last line end."""
    return content.rfind(b"\n") + 1


def _check_link(event: Event, sequence: int, previous: str, lines: list[bytes], number: int) -> None:
    if event.sequence == sequence and event.previous == previous:
        return
    if event.sequence == sequence:
        raise InputError("the event before it was replaced (its link does not fit)")
    if event.sequence < sequence:
        raise InputError(f"event {event.sequence} stands here a second time (duplicated or moved)")
    if any(_sequence(line) == sequence for line in lines[number + 1 :]):
        raise InputError(f"event {event.sequence} stands here (reordered)")
    raise InputError(f"it is missing (event {event.sequence} follows: removed)")


def _sequence(line: bytes) -> int | None:
    try:
        return parse(line).sequence
    except InputError:
        return None


def _is_more_than_an_event(torn: bytes) -> bool:
    """Whether bytes follow a whole event: an interrupted append leaves a beginning, never more than the whole."""
    try:
        _, end = json.JSONDecoder().raw_decode(torn.decode("latin-1"))
    except ValueError:
        return False
    return end < len(torn)
