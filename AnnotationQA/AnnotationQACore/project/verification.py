"""Is everything as it was signed? Reads all of the project anew and trusts no cache.

What is found out, what is not, and why, is told in Documentation/ledger.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project import layout
from AnnotationQACore.project.chains import Chain, cut, parse_chain, read_bytes
from AnnotationQACore.project.events import Event, Head, is_canonical, is_signed
from AnnotationQACore.project.folder import ProjectFile, project_file_content, read_project_file
from AnnotationQACore.project.folding import fold
from AnnotationQACore.project.ledger import claimed_keys
from AnnotationQACore.project.readings import FileReference
from AnnotationQACore.project.snapshots import load_heads
from AnnotationQACore.project.state import Reason, State
from AnnotationQACore.protocol.loading import load_protocol

__all__ = ["Finding", "Verification", "verify"]

_CHUNK = 2000
_STORED = re.compile(r"round-\d+\.revision-\d+\.([0-9a-f]{8})(\.json|\.seg\.nrrd)")
_HARMLESS = frozenset({Reason.REVOKED_KEY, Reason.NO_GROUND, Reason.CAME_TOO_LATE})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was signed.

    Attributes
    ----------
    where : str
        File, relative to the project.
    problem : str
    sequence : int or None
        Number of the event in a ledger file.
    """

    where: str
    problem: str
    sequence: int | None = None

    def __str__(self) -> str:
        event = "" if self.sequence is None else f" event {self.sequence}:"
        return f"{self.where}:{event} {self.problem}."


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of `verify`.

    Attributes
    ----------
    findings : tuple of Finding
        What is broken, the first first; empty when the project is sound.
    notes : tuple of Finding
        What a reader of the ledger should know, and is not broken: interrupted writing, acts that do not count.
    state : State
        Of all that is unbroken.
    events : tuple of Event
        All that is unbroken.
    heads : mapping of str to Head
        The newest unbroken event of each writer. Keep them elsewhere: a later verification can be held against them.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    state: State
    events: tuple[Event, ...]
    heads: Mapping[str, Head]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is broken."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The first finding."""
        return self.findings[0] if self.findings else None


def verify(
    folder: Path,
    *,
    known_heads: Mapping[str, Head] | None = None,
    kept_heads: Mapping[str, Head] | None = None,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> Verification:
    """Verify a project.

    Parameters
    ----------
    folder : Path
    known_heads : mapping of str to Head or None
        By default those that this user's programs have seen in this folder.
    kept_heads : mapping of str to Head or None
        Heads that were kept elsewhere, such as those of an audit export.
    executor : Executor or None
        Checks signatures in parallel.
    progress : Progress

    Raises
    ------
    ProjectError
        The folder is no project.
    InputError
        ``project.json`` or the ledger folder cannot be read.
    """
    file = read_project_file(folder)
    known = load_heads(folder, file.id) if known_heads is None else known_heads
    witnesses = [("this user", known), ("the export", kept_heads or {})]
    return _Verifying(folder, file, witnesses, executor, progress).run()


class _Verifying:
    def __init__(
        self,
        folder: Path,
        file: ProjectFile,
        witnesses: Sequence[tuple[str, Mapping[str, Head]]],
        executor: Executor | None,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._file = file
        self._witnesses = witnesses
        self._executor = executor
        self._progress = progress
        self._findings: list[Finding] = []
        self._notes: list[Finding] = []
        self._chains: dict[str, Chain] = {}
        self._file_of: dict[str, str] = {}
        self._again: dict[str, tuple[Event, ...]] = {}

    def run(self) -> Verification:
        self._check_project_file()
        self._read_chains()
        self._check_signatures()
        events = [event for chain in self._chains.values() for event in chain.events]
        state = fold(events, State(self._file.id))
        broken = bool(self._findings)
        self._check_heads()
        if broken:
            self._notes.append(Finding(layout.LEDGER, "rights and unknown files are judged when the breaks are mended"))
        else:
            self._check_acts(state)
        self._check_files(state, look_for_foreign=not broken)
        return Verification(tuple(self._findings), tuple(self._notes), state, tuple(events), dict(state.front.heads))

    def _find(self, where: str, problem: str, sequence: int | None = None) -> None:
        self._findings.append(Finding(where, problem, sequence))

    def _check_project_file(self) -> None:
        if (self._folder / layout.PROJECT_FILE).read_bytes() != project_file_content(self._file):
            self._find(layout.PROJECT_FILE, "was changed")

    def _read_chains(self) -> None:
        for path in _files(self._folder / layout.LEDGER):
            where = path.relative_to(self._folder).as_posix()
            writer = layout.writer_of(path.name)
            if writer is None or path.parent != self._folder / layout.LEDGER:
                self._unexpected(path, where)
                continue
            content = read_bytes(path)
            chain = _by_writer(parse_chain(content), content, *writer)
            if chain.torn and not chain.broken:
                self._notes.append(Finding(where, f"an append was interrupted ({chain.torn} bytes); it did not happen"))
            if writer[1] in self._file_of:
                self._find(where, f"has the key of {self._file_of[writer[1]]}")
                continue
            self._file_of[writer[1]] = where
            self._chains[writer[1]] = chain
            if chain.broken:
                self._find(where, chain.broken.problem, chain.broken.sequence)

    def _check_signatures(self) -> None:
        keys: dict[str, str] = {}
        for chain in self._chains.values():
            keys |= claimed_keys(chain.events)
        work = [
            (keys[key], chain.events[start : start + _CHUNK])
            for key, chain in self._chains.items()
            if key in keys
            for start in range(0, len(chain.events), _CHUNK)
        ]
        bad: dict[str, int] = {}
        run = map if self._executor is None else self._executor.map
        for done, (first, (_, events)) in enumerate(zip(run(_first_forged, work), work, strict=True)):
            self._progress(done, len(work), "checking signatures")
            if first is not None:
                bad.setdefault(events[0].key, first)
        self._progress(len(work), len(work))
        for key, sequence in bad.items():
            self._find(self._file_of[key], "its signature is forged", sequence)
            chain = self._chains[key]
            self._chains[key] = cut(chain, sequence, "its signature is forged")
        if self._file.founder not in keys:
            self._find(layout.PROJECT_FILE, "the founder's first event is missing")

    def _check_heads(self) -> None:
        reported: set[str] = set()
        witnesses = [(f"'{e.actor}'", e.seen) for c in self._chains.values() for e in c.events if e.seen]
        witnesses += self._witnesses
        for who, seen in witnesses:
            for key, head in seen.items():
                chain = self._chains.get(key)
                where = self._file_of.get(key, f"{layout.LEDGER}/*.{key}.jsonl")
                if key in reported or (chain is not None and chain.broken) or self._is_found(where):
                    continue
                events = chain.events if chain else ()
                if head.sequence >= len(events) and chain is not None:
                    events = self._read_again(key)
                if not 0 <= head.sequence < len(events):
                    reported.add(key)
                    first = len(events)
                    self._find(where, f"it is missing, though {who} had seen event {head.sequence} (truncated)", first)
                elif events[head.sequence].hash != head.hash:
                    reported.add(key)
                    self._find(where, f"it is not the one that {who} had seen (the chain was rewritten)", head.sequence)

    def _read_again(self, key: str) -> tuple[Event, ...]:
        """Events of a writer now: others may have written, and been seen, since the files were read one by one."""
        if key not in self._again:
            self._again[key] = parse_chain(read_bytes(self._folder / self._file_of[key])).events
        return self._again[key]

    def _is_found(self, where: str) -> bool:
        return any(finding.where == where for finding in self._findings)

    def _check_acts(self, state: State) -> None:
        for act in state.rejected:
            where = self._file_of.get(act.key, layout.LEDGER)
            text = f"'{act.kind}' by '{act.actor}' does not count: {act.reason}, {act.detail}"
            if act.reason in _HARMLESS:
                self._notes.append(Finding(where, text, act.sequence))
            else:
                self._find(where, text, act.sequence)
        if state.founder != self._file.founder or state.name != self._file.name:
            self._find(layout.PROJECT_FILE, "does not fit the founder's first event")

    def _check_files(self, state: State, look_for_foreign: bool) -> None:
        wanted = {file.path: file for file in _recorded_files(state)}
        for done, (path, file) in enumerate(wanted.items()):
            self._progress(done, len(wanted), "checking files")
            try:
                if layout.sha256_of(self._folder / path) != file.sha256:
                    self._find(path, "was changed after it was signed")
            except InputError:
                self._find(path, "is missing or cannot be read")
        self._progress(len(wanted), len(wanted))
        if look_for_foreign:
            for part in (layout.PROTOCOLS, layout.READINGS):
                for present in _files(self._folder / part):
                    where = present.relative_to(self._folder).as_posix()
                    if where not in wanted:
                        self._unexpected(present, where)

    def _unexpected(self, path: Path, where: str) -> None:
        stored = _STORED.fullmatch(path.name)
        if path.name.startswith(".tmp-") or path.suffix == ".lock":
            self._notes.append(Finding(where, "was left by interrupted writing; it may be deleted"))
        elif stored and where.startswith(layout.READINGS) and layout.sha256_of(path).startswith(stored[1]):
            self._notes.append(Finding(where, "was left by an interrupted submission; it may be deleted"))
        elif where == layout.protocol_path(path.stem) and _is_protocol(path):
            self._notes.append(Finding(where, "was never put in force; it may be deleted"))
        else:
            self._find(where, "is a foreign file: no act speaks of it; move it out of the project")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def _is_protocol(path: Path) -> bool:
    try:
        return load_protocol(path).hash == path.stem
    except AnnotationQAError:
        return False


def _recorded_files(state: State) -> Iterator[FileReference]:
    for protocol in state.protocols:
        yield protocol.file
    for reading in state.all_readings():
        yield from reading.files


def _by_writer(chain: Chain, content: bytes, member: str, key: str) -> Chain:
    """The chain, cut before an event that is not by the file's writer or not in the form in which it was written."""
    lines = content.split(b"\n")
    for index, event in enumerate(chain.events):
        if (event.actor, event.key) != (member, key):
            return cut(chain, index, "it is by another writer than the file")
        if not is_canonical(lines[index], event):
            return cut(chain, index, "it is not in canonical form")
    return chain


def _first_forged(work: tuple[str, Sequence[Event]]) -> int | None:
    """Sequence number of the first event that was not signed with the key."""
    public_key, events = work
    return next((event.sequence for event in events if not is_signed(event, public_key)), None)
