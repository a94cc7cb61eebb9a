"""A project: its folder, its state, and the acts one can do on it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.canonical import canonical_bytes
from AnnotationQACore.errors import DestinationError, InputError, ProjectError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project import drafts, layout
from AnnotationQACore.project.appending import append_bytes
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.drafts import Draft, copy_file
from AnnotationQACore.project.events import START, Event, Kind, encode, sign
from AnnotationQACore.project.fields import Fields, format_time
from AnnotationQACore.project.folding import project_id
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.ledger import Act, Ledger, utc_now
from AnnotationQACore.project.readings import FileReference, Reading
from AnnotationQACore.project.state import Action, Role, State, SubmittedReading, TaskStatus
from AnnotationQACore.project.worklists import WorkItem, worklist
from AnnotationQACore.protocol.loading import load_protocol, protocol_text
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.wording import worded

__all__ = ["Project", "ProjectFile", "project_file_content", "read_project_file", "require_new"]

FORMAT = "AnnotationQA project 1"


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What ``project.json`` says: the identifier binds the founder's key, see `folding.project_id`."""

    id: str
    name: str
    founder: str


def require_new(folder: Path) -> None:
    """Raise `DestinationError` unless a folder is not there, or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DestinationError(
            worded("{folder}: is not empty; choose a new folder for the project.", folder=str(folder))
        )


class Project:
    """A project in a folder, on a local disk or a network share.

    Use `Project.open` or `Project.create`. `state` is what the ledger said at the last `refresh`; every act refreshes
    first. An act that does not count (no right, unknown case, ...) raises `ProjectError`, and nothing is recorded.

    Attributes
    ----------
    folder : Path
    id, name : str
    identity : Identity or None
        Who acts; None to look only.
    """

    def __init__(self, folder: Path, file: ProjectFile, identity: Identity | None, ledger: Ledger) -> None:
        self.folder = folder
        self.id = file.id
        self.name = file.name
        self.identity = identity
        self._ledger = ledger

    @classmethod
    def open(
        cls,
        folder: Path | str,
        identity: Identity | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        progress: Progress = silent,
    ) -> Project:
        """Open a project.

        Raises
        ------
        ProjectError
            The folder is no project.
        InputError
            It cannot be read.
        """
        folder = Path(folder)
        file = read_project_file(folder)
        ledger = Ledger(folder, file.id, clock)
        ledger.open(progress)
        return cls(folder, file, identity, ledger)

    @classmethod
    def create(
        cls,
        folder: Path | str,
        identity: Identity,
        protocol: Protocol,
        *,
        name: str = "",
        member_name: str = "",
        roles: Sequence[Role] = (Role.LEAD,),
        clock: Callable[[], datetime] = utc_now,
    ) -> Project:
        """Make a project in a folder that does not exist or is empty; it is there whole or not at all.

        Raises
        ------
        DestinationError
            The folder is not empty, or cannot be written.
        """
        folder = Path(folder)
        require_new(folder)
        layout.make_folder(folder.parent)
        building = folder.with_name(f".tmp-{secrets.token_hex(6)}-{folder.name}")
        try:
            _build(building, identity, protocol, name or folder.name, member_name or identity.member, roles, clock)
            if folder.exists():
                folder.rmdir()
            building.rename(folder)
        except OSError as error:
            raise DestinationError(
                worded(
                    "{folder}: cannot be made ({reason}); choose another folder.",
                    folder=str(folder),
                    reason=error.strerror or type(error).__name__,
                )
            ) from error
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(building)
        return cls.open(folder, identity, clock=clock)

    @property
    def state(self) -> State:
        """The state at the last refresh."""
        return self._ledger.state

    @property
    def problems(self) -> tuple[str, ...]:
        """Broken ledger files as far as opening noticed, one line each; `verification.verify` says more."""
        return tuple(f"{name}: event {b.sequence}: {b.problem}" for name, b in self._ledger.breaks.items())

    def refresh(self) -> State:
        """Read what others wrote meanwhile, and return the state."""
        return self._ledger.refresh()

    def close(self) -> None:
        """Keep a snapshot of the state for a quick opening."""
        self._ledger.save()

    def protocol(self, protocol: str = "") -> Protocol:
        """The protocol in force, or the one with the given hash; raises `ProjectError` or `InputError`."""
        wanted = protocol or self.state.protocol
        for record in self.state.protocols:
            if record.hash == wanted:
                loaded = load_protocol(self.folder / record.file.path)
                if loaded.hash != wanted:
                    raise ProjectError(f"{record.file.path}: was changed; restore it from a backup.")
                return loaded
        raise ProjectError(f"protocol {wanted[:12]}: was never in force in this project; check the hash.")

    def load_reading(self, submitted: SubmittedReading) -> Reading:
        """A submitted reading; raises `InputError` when its file is missing or was changed."""
        file = submitted.files[0]
        path = self.folder / file.path
        if layout.sha256_of(path) != file.sha256:
            raise InputError(
                worded("{path}: was changed after it was submitted; restore it from a backup.", path=str(path))
            )
        return Reading.from_json(json.loads(path.read_bytes()), file.path)

    def segmentation_path(self, submitted: SubmittedReading) -> Path | None:
        """File of the voxels of a submitted reading; None when it has none. Raises `InputError` when it was changed."""
        if len(submitted.files) < 2:
            return None
        path = self.folder / submitted.files[1].path
        if layout.sha256_of(path) != submitted.files[1].sha256:
            raise InputError(
                worded("{path}: was changed after it was submitted; restore it from a backup.", path=str(path))
            )
        return path

    def append(self, kind: Kind, payload: Mapping[str, Any]) -> Event:
        """Record one act.

        Raises
        ------
        ProjectError
            It would not count.
        DestinationError
            It cannot be written.
        """
        return self.append_all([Act(kind, payload)])[0]

    def append_all(self, acts: Sequence[Act]) -> tuple[Event, ...]:
        """Record acts with one flush to disk; all of them count, or none is recorded."""
        if not acts:
            return ()
        return self._ledger.append(self._writer(), acts)

    def adopt_protocol(self, protocol: Protocol) -> Event:
        """Put a protocol in force."""
        act = _adoption(self.folder, protocol)
        return self.append(act.kind, act.payload)

    def add_member(self, member: str, name: str, roles: Iterable[Role], public_key: str = "", device: str = "") -> None:
        """Add a person with the public key of a device, or, without key, a model or a reader whose work is imported."""
        acts = [Act(Kind.MEMBER_ADDED, {"member": member, "name": name, "roles": [Role(r).value for r in roles]})]
        if public_key:
            acts.append(Act(Kind.KEY_ADDED, {"member": member, "public key": public_key, "device": device}))
        self.append_all(acts)

    def change_member(self, member: str, name: str, roles: Iterable[Role]) -> Event:
        """Give a member another name or other roles."""
        return self.append(
            Kind.MEMBER_CHANGED, {"member": member, "name": name, "roles": [Role(r).value for r in roles]}
        )

    def add_key(self, member: str, public_key: str, device: str = "") -> Event:
        """Let a member sign with another key."""
        return self.append(Kind.KEY_ADDED, {"member": member, "public key": public_key, "device": device})

    def revoke_key(self, key: str, reason: str, from_sequence: int | None = None) -> Event:
        """Let the events of a key not count from a number on; by default from its next."""
        if from_sequence is None:
            head = self.refresh().front.heads.get(key)
            from_sequence = 0 if head is None else head.sequence + 1
        return self.append(Kind.KEY_REVOKED, {"key": key, "from": from_sequence, "reason": reason})

    def add_cases(self, cases: Sequence[Case]) -> Event:
        """Add cases, all or none; raises `ProjectError` when one of them is in the project or named twice."""
        return self.append(Kind.CASES_ADDED, {"cases": [case.to_json() for case in cases]})

    def exclude_case(self, case: str, reason: str) -> Event:
        """Take a case out of work and release."""
        return self.append(Kind.CASE_EXCLUDED, {"case": case, "reason": reason})

    def include_case(self, case: str) -> Event:
        """Take an excluded case in again.

        Raises
        ------
        InputError
            The case is not excluded.
        """
        known = self.refresh().cases.get(case)
        if known is not None and not known.excluded:
            raise InputError(f"case '{case}': is not excluded; there is nothing to undo.")
        return self.append(Kind.CASE_INCLUDED, {"case": case})

    def assign(self, assignments: Sequence[Assignment], seed: int | None = None) -> Event:
        """Assign cases to readers."""
        plan: dict[str, Any] = {"assignments": [assignment.to_json() for assignment in assignments]}
        return self.append(Kind.ASSIGNED, plan if seed is None else plan | {"seed": seed})

    def unassign(self, case: str, reader: str, round_number: int, reason: str) -> Event:
        """Withdraw an assignment that was not read yet."""
        return self.append(Kind.UNASSIGNED, {"case": case, "reader": reader, "round": round_number, "reason": reason})

    def worklist(self, reader: str, with_done: bool = False) -> tuple[WorkItem, ...]:
        """A reader's cases in order, see `worklists.worklist`."""
        return worklist(self.state, reader, self._ledger.now(), with_done)

    def start_reading(self, case: str, round_number: int = 1) -> None:
        """Record that the reader began."""
        self.append(Kind.READING_STARTED, {"case": case, "reader": self._writer().member, "round": round_number})

    def load_draft(self, case: str, round_number: int = 1) -> Draft | None:
        """The reader's draft; None when there is none, or when what it was for has been submitted."""
        reader = self._writer().member
        draft = drafts.load_draft(self.folder, case, reader, round_number)
        task = self.state.task(case, reader, round_number)
        return None if draft is None or (task and draft.reading.revision <= task.revision) else draft

    def save_draft(self, reading: Reading, segmentation: Path | None = None, former: Draft | None = None) -> Draft:
        """Save unfinished work; only the first save of a reading is an act in the ledger, so that saving stays cheap.

        A draft is saved even if another protocol was put in force meanwhile: no work is lost.

        Parameters
        ----------
        reading : Reading
        segmentation : Path or None
            ``.seg.nrrd`` file, copied.
        former : Draft or None
            What `load_draft` or the last `save_draft` gave.

        Raises
        ------
        ProjectError
            Another session saved the draft meanwhile.
        DestinationError
            It cannot be written; the former draft is still there.
        """
        if reading.reader != self._writer().member:
            raise ProjectError(f"draft of '{reading.reader}': '{self._writer().member}' saves drafts of its own only.")
        task = self.state.task(reading.case, reading.reader, reading.round)
        if former is None and task and task.revision and self.load_draft(reading.case, reading.round) is None:
            # what an interrupted submission left
            drafts.discard_draft(self.folder, reading.case, reading.reader, reading.round)
        draft = drafts.save_draft(self.folder, reading, segmentation, former)
        if task is None or task.status in (TaskStatus.ASSIGNED, TaskStatus.STARTED):
            place = {"case": reading.case, "reader": reading.reader, "round": reading.round}
            self.append(Kind.DRAFT_SAVED, place)
        return draft

    def submit_reading(self, reading: Reading, segmentation: Path | None = None) -> SubmittedReading:
        """Submit a reading and a copy of its ``.seg.nrrd`` file; from then on it is never changed.

        Raises
        ------
        ProjectError
            It does not count: another protocol version, unknown case or reader, not assigned, wrong revision.
        InputError
            The segmentation file cannot be read.
        DestinationError
            It cannot be written; nothing is submitted.
        """
        return self.submit_readings([(reading, segmentation)])[0]

    def submit_readings(
        self, readings: Iterable[tuple[Reading, Path | None]], progress: Progress = silent
    ) -> tuple[SubmittedReading, ...]:
        """Submit several readings with one flush of the ledger; all or none."""
        readings = list(readings)
        prepared = []
        self.refresh()
        for done, (reading, segmentation) in enumerate(readings):
            progress(done, len(readings), reading.case)
            self._check_protocol(reading)
            self._check_unsubmitted(reading)
            kind = Kind.READING_SUBMITTED if reading.revision == 1 else Kind.READING_REVISED
            prepared.append(_prepare(kind, reading, segmentation))
        if not prepared:
            return ()
        self._record(prepared)
        progress(len(readings), len(readings))
        for reading, _ in readings:
            drafts.discard_draft(self.folder, reading.case, reading.reader, reading.round)
        return tuple(self._submitted(reading) for reading, _ in readings)

    def add_consensus(
        self, reading: Reading, sources: Sequence[str], segmentation: Path | None = None
    ) -> SubmittedReading:
        """Record a computed reading, by reader ``consensus:METHOD``, from the readings with the IDs `sources`."""
        self.refresh()
        self._check_protocol(reading)
        self._check_unsubmitted(reading)
        prepared = _prepare(Kind.CONSENSUS_COMPUTED, reading, segmentation, {"sources": list(sources)})
        self._record([prepared])
        return self._submitted(reading)

    def decide(
        self,
        case: str,
        action: Action,
        readings: Sequence[str],
        *,
        item: str = "",
        comments: Sequence[Mapping[str, Any]] = (),
        reason: str = "",
    ) -> Event:
        """Record a decision on a case, or on one item of it.

        Parameters
        ----------
        case : str
        action : Action
        readings : sequence of str
            IDs of the readings that are accepted, sent back, or made by adjudication.
        item : str
            Empty for the whole case.
        comments : sequence of mappings
            See `state.Decision`.
        reason : str
        """
        payload: dict[str, Any] = {"case": case, "action": Action(action).value, "readings": list(readings)}
        if item:
            payload["item"] = item
        if comments:
            payload["comments"] = [dict(comment) for comment in comments]
        if reason:
            payload["reason"] = reason
        return self.append(Kind.REVIEW_DECIDED, payload)

    def assign_split(
        self,
        name: str,
        parts: Mapping[str, float],
        assignments: Mapping[str, str],
        seed: int,
        *,
        by: Sequence[str] = ("patient",),
        stratified: Sequence[str] = (),
    ) -> Event:
        """Place cases in the parts of a split; cases that were placed before stay where they are.

        Raises
        ------
        ProjectError
            A case would move, a patient would get into two parts, or the split has other parts.
        """
        payload = {
            "name": name,
            "parts": dict(parts),
            "by": list(by),
            "stratified": list(stratified),
            "seed": seed,
            "assignments": dict(assignments),
        }
        return self.append(Kind.SPLIT_ASSIGNED, payload)

    def sign_off(self, subject: str, sha256: Sequence[str], reason: str = "") -> Event:
        """Record that texts, images or pairs of cases were looked at and are fit for release, by their hashes."""
        return self.append(Kind.SIGNED_OFF, {"subject": subject, "sha256": sorted(set(sha256)), "reason": reason})

    def release(self, name: str, manifest_sha256: str, details: Mapping[str, Any]) -> Event:
        """Record that a dataset was released."""
        payload = {"name": name, "manifest sha256": manifest_sha256, "details": dict(details)}
        return self.append(Kind.RELEASED, payload)

    def _writer(self) -> Identity:
        if self.identity is None:
            raise ProjectError(
                worded("{folder}: was opened without identity; say who acts (--as NAME).", folder=str(self.folder))
            )
        return self.identity

    def _check_protocol(self, reading: Reading) -> None:
        if reading.protocol != self.state.protocol:
            raise ProjectError(
                worded(
                    "reading {reading}: was made under protocol {protocol}, but {in_force} is in force; read the "
                    "case again under that one.",
                    reading=reading.id,
                    protocol=reading.protocol[:12],
                    in_force=self.state.protocol[:12],
                )
            )

    def _check_unsubmitted(self, reading: Reading) -> None:
        if reading.case not in self.state.cases:
            raise ProjectError(
                worded("case '{case}': is not in the project; add it first, or correct the name.", case=reading.case)
            )
        if self.state.reading(reading.id) is not None:
            raise ProjectError(
                worded("reading {reading}: was submitted already; submit the next revision.", reading=reading.id)
            )
        person = reading.reader.rpartition(":")[2] if reading.reader.startswith("adjudicated:") else reading.reader
        if person not in self.state.members and not reading.reader.startswith("consensus:"):
            raise ProjectError(
                worded("reader '{reader}': is unknown to the project; the lead adds readers.", reader=reading.reader)
            )

    def _record(self, prepared: Sequence[_Prepared]) -> None:
        """Write the files of readings, then the acts; the acts are tried before anything is written."""
        acts = [entry.act for entry in prepared]
        self._ledger.check(self._writer(), acts)
        for entry in prepared:
            for path, content in entry.files:
                target = self.folder / path
                layout.make_folder(target.parent)
                if isinstance(content, Path):
                    copy_file(content, target)
                    if layout.sha256_of(target) != entry.act.payload["segmentation sha256"]:
                        raise InputError(f"{content}: changes while it is read; save it, then submit again.")
                else:
                    atomic.write_bytes(target, content)
        self.append_all(acts)

    def _submitted(self, reading: Reading) -> SubmittedReading:
        submitted = self.state.reading(reading.id)
        if submitted is None:
            raise ProjectError(
                worded("reading {reading}: did not count; see annotation-qa verify.", reading=reading.id)
            )
        return submitted


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The act that records a reading, and the files to be written before: path, and content or the file to copy."""

    act: Act
    files: tuple[tuple[str, bytes | Path], ...]


def _prepare(
    kind: Kind, reading: Reading, segmentation: Path | None, more: Mapping[str, Any] | None = None
) -> _Prepared:
    place = (reading.case, reading.reader, reading.round, reading.revision)
    files: list[tuple[str, bytes | Path]] = []
    reference = None
    if segmentation is not None:
        sha256 = layout.sha256_of(segmentation)
        reference = FileReference(layout.reading_path(*place, sha256, layout.SEGMENTATION), sha256)
        files.append((reference.path, segmentation))
    content = json.dumps(replace(reading, segmentation=reference).to_json(), indent=1, ensure_ascii=False).encode()
    digest = hashlib.sha256(content).hexdigest()
    files.append((layout.reading_path(*place, digest), content))
    payload = {
        "case": reading.case,
        "reader": reading.reader,
        "round": reading.round,
        "revision": reading.revision,
        "protocol": reading.protocol,
        "sha256": digest,
        **({"segmentation sha256": reference.sha256} if reference else {}),
        **(more or {}),
    }
    return _Prepared(Act(kind, payload), tuple(files))


def read_project_file(folder: Path) -> ProjectFile:
    """Read ``project.json``; raises `ProjectError` when the folder is no project, `InputError` when it is damaged."""
    path = folder / layout.PROJECT_FILE
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ProjectError(
            worded(
                "{folder}: is not a project (no {file}); choose another, or make one with: annotation-qa init.",
                folder=str(folder),
                file=layout.PROJECT_FILE,
            )
        ) from None
    except OSError as error:
        raise InputError(
            worded(
                "{path}: cannot be read ({reason}); check the share and your rights.",
                path=str(path),
                reason=error.strerror or type(error).__name__,
            )
        ) from error
    try:
        fields = Fields(json.loads(content), layout.PROJECT_FILE)
        found = fields.text("format")
        file = ProjectFile(fields.text("id"), fields.text("name"), fields.text("founder"))
        fields.finish()
    except ValueError:
        raise InputError(worded("{path}: is damaged; restore it from a backup.", path=str(path))) from None
    if found != FORMAT:
        raise InputError(
            worded(
                "{path}: has the format '{found}', not '{format}'; update AnnotationQA.",
                path=str(path),
                found=found[:40],
                format=FORMAT,
            )
        )
    return file


def project_file_content(file: ProjectFile) -> bytes:
    """The one content that ``project.json`` may have."""
    return canonical_bytes({"format": FORMAT, "id": file.id, "name": file.name, "founder": file.founder}) + b"\n"


def _build(
    folder: Path,
    identity: Identity,
    protocol: Protocol,
    name: str,
    member_name: str,
    roles: Sequence[Role],
    clock: Callable[[], datetime],
) -> None:
    nonce = secrets.token_hex(16)
    file = ProjectFile(project_id(identity.public_key, nonce), name, identity.fingerprint)
    for part in (layout.LEDGER, layout.PROTOCOLS, layout.READINGS, layout.DRAFTS):
        layout.make_folder(folder / part)
    created = {
        "nonce": nonce,
        "public key": identity.public_key,
        "name": name,
        "member name": member_name,
        "roles": [Role(role).value for role in roles],
    }
    lines = b""
    previous = START
    for sequence, act in enumerate([Act(Kind.PROJECT_CREATED, created), _adoption(folder, protocol)]):
        event = sign(
            identity,
            sequence=sequence,
            previous=previous,
            seen={},
            time=format_time(clock()),
            project=file.id,
            protocol="",
            kind=act.kind,
            payload=act.payload,
        )
        previous = event.hash
        lines += encode(event)
    ledger = folder / layout.LEDGER / layout.ledger_file_name(identity.member, identity.fingerprint)
    append_bytes(ledger, lines, 0)
    atomic.write_bytes(folder / layout.PROJECT_FILE, project_file_content(file))


def _adoption(folder: Path, protocol: Protocol) -> Act:
    path = layout.protocol_path(protocol.hash)
    if not (folder / path).exists() or load_protocol(folder / path).hash != protocol.hash:
        atomic.write_text(folder / path, protocol_text(protocol))
    payload = {
        "protocol": protocol.hash,
        "title": protocol.title,
        "version": protocol.version,
        "sha256": layout.sha256_of(folder / path),
    }
    return Act(Kind.PROTOCOL_ADOPTED, payload)
