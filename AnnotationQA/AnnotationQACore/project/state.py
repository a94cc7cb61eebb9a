"""The state of a project, as all acts together make it.

The records are flat and immutable, so that a state of 100,000 events is loaded again in a fraction of a second.
`folding.fold` is the only maker of states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.layout import SEGMENTATION, protocol_path, reading_path
from AnnotationQACore.project.ordering import Front
from AnnotationQACore.project.readings import FileReference, reading_id

__all__ = [
    "Action",
    "CaseRecord",
    "CaseStatus",
    "Decision",
    "KeyRecord",
    "Member",
    "ProtocolRecord",
    "Reason",
    "Rejection",
    "Release",
    "Role",
    "SignOff",
    "Split",
    "State",
    "SubmittedReading",
    "Task",
    "TaskStatus",
]


class Role(StrEnum):
    """What a member may do."""

    READER = "reader"
    REVIEWER = "reviewer"
    ADJUDICATOR = "adjudicator"
    LEAD = "lead"


class TaskStatus(StrEnum):
    """Where a reader's work on a case stands."""

    ASSIGNED = "assigned"
    STARTED = "started"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    SENT_BACK = "sent back"
    WITHDRAWN = "withdrawn"


class CaseStatus(StrEnum):
    """Where a case stands."""

    NEW = "new"
    READING = "reading"
    TO_REVIEW = "to review"
    SENT_BACK = "sent back"
    CONFLICT = "conflict"
    DECIDED = "decided"
    EXCLUDED = "excluded"


class Action(StrEnum):
    """What a reviewer decides."""

    ACCEPT = "accept"
    SEND_BACK = "send back"
    ADJUDICATE = "adjudicate"


class Reason(StrEnum):
    """Why an act does not count.

    `NO_GROUND`: what it speaks of is not there, or does not count since a key was revoked. `CAME_TOO_LATE`: somebody
    else had done the like, without either having seen the other. Both happen to honest people.
    """

    UNKNOWN_KEY = "unknown key"
    REVOKED_KEY = "revoked key"
    NO_RIGHT = "no right"
    MALFORMED = "malformed"
    NO_GROUND = "no ground"
    CAME_TOO_LATE = "came too late"


@dataclass(frozen=True, slots=True)
class ProtocolRecord:
    """A protocol that was put in force; `sha256` is that of its file."""

    hash: str
    title: str
    version: str
    sha256: str
    time: str

    @property
    def file(self) -> FileReference:
        """The protocol's file."""
        return FileReference(protocol_path(self.hash), self.sha256)


@dataclass(frozen=True, slots=True)
class Member:
    """A person, or a reader that is no person."""

    id: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key with which a member signs; its events from number `revoked_from` on do not count."""

    fingerprint: str
    member: str
    public_key: str
    device: str = ""
    revoked_from: int | None = None


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case; `details` is the JSON of a `Case`."""

    id: str
    patient: str
    details: Mapping[str, Any]
    excluded: str = ""

    @property
    def case(self) -> Case:
        """The case with its series."""
        return Case.from_json(self.details)


@dataclass(frozen=True, slots=True)
class Task:
    """One reader's work on one case in one round.

    Attributes
    ----------
    purpose : str
        ``reading``, ``gold`` or ``repeat``; not shown to readers.
    order : int
        Place in the reader's list.
    available_from : str
        UTC time before which it is not offered (washout of repeats); empty for at once.
    status : TaskStatus
    revision : int
        The newest submitted revision; 0 before.
    sent_back_by : str
        Hash of the decision that sent the newest revision back; empty otherwise.
    """

    case: str
    reader: str
    round: int
    purpose: str = "reading"
    order: int = 0
    available_from: str = ""
    status: str = TaskStatus.ASSIGNED
    revision: int = 0
    sent_back_by: str = ""


@dataclass(frozen=True, slots=True)
class SubmittedReading:
    """A reading that is in the ledger; consensus and adjudicated readings too (see `Reading.reader`).

    Attributes
    ----------
    sha256, segmentation_sha256 : str
        Hashes of its files; the latter is empty when there are no voxels.
    actor, time : str
        Who signed it, and when; the lead signs imported readings.
    sources : tuple of str
        IDs of the readings from which a consensus was computed.
    """

    case: str
    reader: str
    round: int
    revision: int
    protocol: str
    sha256: str
    segmentation_sha256: str
    actor: str
    time: str
    sources: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Identifier of the reading."""
        return reading_id(self.case, self.reader, self.round, self.revision)

    @property
    def files(self) -> tuple[FileReference, ...]:
        """The reading's file, and that of its voxels if there is one."""
        place = (self.case, self.reader, self.round, self.revision)
        reading = FileReference(reading_path(*place, self.sha256), self.sha256)
        if not self.segmentation_sha256:
            return (reading,)
        voxels = reading_path(*place, self.segmentation_sha256, SEGMENTATION)
        return reading, FileReference(voxels, self.segmentation_sha256)


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of a reviewer that no later one replaced.

    Attributes
    ----------
    item : str
        Empty for the whole case.
    action : Action
    readings : tuple of str
        IDs of what was accepted, sent back, or made by adjudication.
    comments : tuple of mappings
        ``text``, and if wished ``item``, ``subject`` (of `readings.Subject`), ``position`` (mm, LPS), ``reader``.
    reason : str
    actor, time, hash : str
    key, sequence
        The event's place, by which later events tell whether they have seen it.
    unseen : tuple of str
        Hashes of decisions on the same that its actor had not seen: it is in conflict with those still standing.
    """

    case: str
    item: str
    action: str
    readings: tuple[str, ...]
    comments: tuple[Mapping[str, Any], ...]
    reason: str
    actor: str
    time: str
    hash: str
    key: str
    sequence: int
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """A released dataset."""

    name: str
    manifest_sha256: str
    actor: str
    time: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Split:
    """Which part of a split each case is in; a case that was placed stays there.

    Attributes
    ----------
    id : str
        Name of the split.
    parts : mapping of str to float
        Parts and their shares.
    by : tuple of str
        What is kept together: ``patient``, and if wished ``site`` or ``scanner``.
    stratified : tuple of str
        What was balanced over the parts.
    seed : int
        Of the newest assignment.
    assignments : mapping of case ID to part
    actor, time : str
        Of the newest assignment.
    """

    id: str
    parts: Mapping[str, float]
    by: tuple[str, ...]
    stratified: tuple[str, ...]
    seed: int
    assignments: Mapping[str, str]
    actor: str
    time: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """What a person looked at and found fit for release.

    Attributes
    ----------
    subject : str
        ``text``, ``image``, or ``pair`` for two cases that only look like duplicates.
    sha256 : tuple of str
        Hashes of what was looked at.
    reason, actor, time : str
    """

    subject: str
    sha256: tuple[str, ...]
    reason: str
    actor: str
    time: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """An act that does not count, and why."""

    key: str
    sequence: int
    actor: str
    time: str
    kind: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class State:
    """All that follows from the acts so far.

    Mappings by case hold tuples in the order of the acts. `front` says up to where the ledger was folded, `seen` which
    sequence numbers of others each key had seen.
    """

    project: str
    name: str = ""
    founder: str = ""
    protocols: tuple[ProtocolRecord, ...] = ()
    members: Mapping[str, Member] = field(default_factory=dict)
    keys: Mapping[str, KeyRecord] = field(default_factory=dict)
    cases: Mapping[str, CaseRecord] = field(default_factory=dict)
    tasks: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    readings: Mapping[str, tuple[SubmittedReading, ...]] = field(default_factory=dict)
    decisions: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict)
    splits: Mapping[str, Split] = field(default_factory=dict)
    sign_offs: tuple[SignOff, ...] = ()
    releases: tuple[Release, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    events: int = 0
    front: Front = field(default_factory=Front)
    seen: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def protocol(self) -> str:
        """Hash of the protocol in force; empty before the first."""
        return self.protocols[-1].hash if self.protocols else ""

    def has_role(self, member: str, role: Role) -> bool:
        """Whether a member has a role."""
        return member in self.members and role in self.members[member].roles

    def all_tasks(self) -> Iterator[Task]:
        """Tasks of all cases."""
        for tasks in self.tasks.values():
            yield from tasks

    def all_readings(self) -> Iterator[SubmittedReading]:
        """Submitted readings of all cases, all revisions."""
        for readings in self.readings.values():
            yield from readings

    def task(self, case: str, reader: str, round_number: int) -> Task | None:
        """One reader's work on a case in a round; None when it was never assigned."""
        return next((t for t in self.tasks.get(case, ()) if (t.reader, t.round) == (reader, round_number)), None)

    def reading(self, identifier: str) -> SubmittedReading | None:
        """A submitted reading by its ID; None when there is none."""
        case = identifier.partition("/")[0]
        return next((r for r in self.readings.get(case, ()) if r.id == identifier), None)

    def latest_readings(self, case: str) -> tuple[SubmittedReading, ...]:
        """The newest revision of every reader and round of a case, in order of reader and round."""
        newest = {(r.reader, r.round): r for r in sorted(self.readings.get(case, ()), key=lambda r: r.revision)}
        return tuple(newest[key] for key in sorted(newest))

    def signed_off(self, subject: str) -> frozenset[str]:
        """Hashes of all that was signed off as this subject."""
        return frozenset(sha256 for one in self.sign_offs if one.subject == subject for sha256 in one.sha256)

    def conflicts(self, case: str) -> tuple[tuple[Decision, Decision], ...]:
        """Pairs of standing decisions on the same that were made without knowledge of each other."""
        standing = {d.hash: d for d in self.decisions.get(case, ())}
        return tuple((standing[h], d) for d in standing.values() for h in d.unseen if h in standing)

    def case_status(self, case: str) -> CaseStatus:
        """Where a case stands."""
        tasks = [t for t in self.tasks.get(case, ()) if t.status != TaskStatus.WITHDRAWN]
        statuses = {t.status for t in tasks}
        if self.cases[case].excluded:
            return CaseStatus.EXCLUDED
        if self.conflicts(case):
            return CaseStatus.CONFLICT
        if TaskStatus.SENT_BACK in statuses:
            return CaseStatus.SENT_BACK
        if any(not d.item and d.action != Action.SEND_BACK for d in self.decisions.get(case, ())):
            return CaseStatus.DECIDED
        if statuses == {TaskStatus.SUBMITTED}:
            return CaseStatus.TO_REVIEW
        return CaseStatus.NEW if statuses <= {TaskStatus.ASSIGNED} else CaseStatus.READING
