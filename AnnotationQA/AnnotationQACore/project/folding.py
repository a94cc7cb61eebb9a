"""From acts to state: one pure function.

An act counts when its key is known and not revoked, belongs to the actor, the actor has the right, and what it speaks
of exists. All others are listed in `State.rejected`, never dropped in silence.

A revocation names the first event of the key that does not count any more, which may lie in the past (a stolen key):
the fold then starts over with that known from the beginning. A revocation stands even if its author is revoked later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.events import Event, Kind
from AnnotationQACore.project.identities import fingerprint
from AnnotationQACore.project.layout import protocol_path
from AnnotationQACore.project.ordering import Front, MustStartOver, in_order
from AnnotationQACore.project.readings import FileReference, check_identifier, reading_id
from AnnotationQACore.project.state import (
    Action,
    CaseRecord,
    Decision,
    KeyRecord,
    Member,
    ProtocolRecord,
    Reason,
    Rejection,
    Release,
    Role,
    SignOff,
    Split,
    State,
    SubmittedReading,
    Task,
    TaskStatus,
)

__all__ = ["fold", "project_id"]

RIGHTS: dict[str, frozenset[Role]] = {
    Kind.PROTOCOL_ADOPTED: frozenset({Role.LEAD}),
    Kind.MEMBER_ADDED: frozenset({Role.LEAD}),
    Kind.MEMBER_CHANGED: frozenset({Role.LEAD}),
    Kind.KEY_ADDED: frozenset({Role.LEAD}),
    Kind.KEY_REVOKED: frozenset({Role.LEAD}),
    Kind.CASES_ADDED: frozenset({Role.LEAD}),
    Kind.CASE_EXCLUDED: frozenset({Role.LEAD}),
    Kind.CASE_INCLUDED: frozenset({Role.LEAD}),
    Kind.ASSIGNED: frozenset({Role.LEAD}),
    Kind.UNASSIGNED: frozenset({Role.LEAD}),
    Kind.READING_STARTED: frozenset({Role.READER, Role.LEAD}),
    Kind.DRAFT_SAVED: frozenset({Role.READER, Role.LEAD}),
    Kind.READING_SUBMITTED: frozenset({Role.READER, Role.ADJUDICATOR, Role.LEAD}),
    Kind.READING_REVISED: frozenset({Role.READER, Role.ADJUDICATOR, Role.LEAD}),
    Kind.REVIEW_DECIDED: frozenset({Role.REVIEWER, Role.ADJUDICATOR}),
    Kind.CONSENSUS_COMPUTED: frozenset({Role.LEAD, Role.REVIEWER, Role.ADJUDICATOR}),
    Kind.SPLIT_ASSIGNED: frozenset({Role.LEAD}),
    Kind.SIGNED_OFF: frozenset({Role.LEAD, Role.REVIEWER}),
    Kind.RELEASED: frozenset({Role.LEAD}),
}
"""Who may do what; the handlers tell in whose name a member may read, and what only an adjudicator decides."""


def project_id(public_key: str, nonce: str) -> str:
    """Identifier of a project: it binds the founder's key, so that nobody else can have created it."""
    return hashlib.sha256(f"AnnotationQA project\n{public_key}\n{nonce}".encode()).hexdigest()[:32]


def fold(events: Iterable[Event], start: State) -> State:
    """State after all `events`.

    Parameters
    ----------
    events : iterable of Event
        In any order, but those of one writer in their sequence.
    start : State
        ``State(project=identifier)``, or the state of an earlier fold, of which `events` are the continuation.

    Raises
    ------
    MustStartOver
        `start` is not empty, and some events belong before those folded into it.
    """
    events = list(events)
    ordered = in_order(events, start.front)
    revoked: dict[str, int] = {}
    while True:
        folding = _Folding(start, revoked)
        again = folding.run(ordered.events)
        if again is None:
            return folding.state(len(events), ordered.front)
        if start.events:
            raise MustStartOver
        revoked.update(again)


class _Rejected(Exception):
    """The verdict that an act does not count."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Folding:
    """The fields of the state while it is being made."""

    def __init__(self, start: State, revoked: Mapping[str, int]) -> None:
        self._start = start
        self._revoked = dict(revoked)
        self.name, self.founder = start.name, start.founder
        self.protocols = list(start.protocols)
        self.members = dict(start.members)
        self.keys = dict(start.keys)
        self.cases = dict(start.cases)
        self.names_of_cases = {case.casefold() for case in start.cases}
        self.tasks = dict(start.tasks)
        self.readings = dict(start.readings)
        self.decisions = dict(start.decisions)
        self.splits = dict(start.splits)
        self.sign_offs = list(start.sign_offs)
        self.releases = list(start.releases)
        self.rejected = list(start.rejected)
        self.seen = {key: dict(seen) for key, seen in start.seen.items()}

    def run(self, events: Iterable[Event]) -> dict[str, int] | None:
        """Apply events; the revocation that reaches back behind events already applied, if there is one."""
        done = {key: head.sequence for key, head in self._start.front.heads.items()}
        for event in events:
            done[event.key] = event.sequence
            if event.seen:
                seen = self.seen.setdefault(event.key, {})
                for key, head in event.seen.items():
                    seen[key] = max(head.sequence, seen.get(key, -1))
            try:
                self._apply(event)
            except _Rejected as rejected:
                self._reject(event, rejected.reason, rejected.detail)
            except InputError as error:
                self._reject(event, Reason.MALFORMED, str(error))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self._reject(event, Reason.MALFORMED, f"its payload lacks or misuses {error}")
            else:
                if event.kind is Kind.KEY_REVOKED:
                    key, first = event.payload["key"], event.payload["from"]
                    if done.get(key, -1) >= first and self._revoked.get(key, first + 1) > first:
                        return {key: first}
        return None

    def state(self, count: int, front: Front) -> State:
        return State(
            project=self._start.project,
            name=self.name,
            founder=self.founder,
            protocols=tuple(self.protocols),
            members=self.members,
            keys=self.keys,
            cases=self.cases,
            tasks=self.tasks,
            readings=self.readings,
            decisions=self.decisions,
            splits=self.splits,
            sign_offs=tuple(self.sign_offs),
            releases=tuple(self.releases),
            rejected=tuple(self.rejected),
            events=self._start.events + count,
            front=front,
            seen=self.seen,
        )

    def _reject(self, event: Event, reason: Reason, detail: str) -> None:
        kind = str(event.kind)
        self.rejected.append(Rejection(event.key, event.sequence, event.actor, event.time, kind, reason.value, detail))

    def _apply(self, event: Event) -> None:
        if event.project != self._start.project:
            raise _Rejected(Reason.MALFORMED, "it belongs to another project")
        if event.kind is Kind.PROJECT_CREATED:
            self._create(event)
            return
        key = self.keys.get(event.key)
        if key is None:
            raise _Rejected(Reason.UNKNOWN_KEY, "no lead has added the key")
        if key.member != event.actor:
            raise _Rejected(Reason.NO_RIGHT, f"the key belongs to '{key.member}'")
        limit = self._revoked.get(event.key, key.revoked_from)
        if limit is not None and event.sequence >= limit:
            self._forget_key_of(event)
            raise _Rejected(Reason.REVOKED_KEY, f"the key is revoked from event {limit} on")
        handler = _HANDLERS.get(event.kind)
        if handler is None:
            raise _Rejected(Reason.MALFORMED, f"'{event.kind}' is no act that this version knows; update AnnotationQA")
        roles = self.members[event.actor].roles
        if RIGHTS[event.kind].isdisjoint(roles):
            raise _Rejected(
                Reason.NO_RIGHT, f"'{event.kind}' is not for {' and '.join(roles) or 'members without role'}"
            )
        handler(self, event, event.payload)

    def _forget_key_of(self, event: Event) -> None:
        """A key that was added with a revoked key is revoked with it."""
        if event.kind is Kind.KEY_ADDED:
            public_key = _text(event.payload, "public key")
            key = fingerprint(public_key)
            self.keys.setdefault(key, KeyRecord(key, _text(event.payload, "member"), public_key, revoked_from=0))

    def _create(self, event: Event) -> None:
        public_key = _text(event.payload, "public key")
        if self.founder or fingerprint(public_key) != event.key:
            raise _Rejected(Reason.NO_RIGHT, "the project was created by somebody else")
        if project_id(public_key, _text(event.payload, "nonce")) != event.project:
            raise _Rejected(Reason.NO_RIGHT, "the project was created by somebody else")
        name, member, roles = _text(event.payload, "name"), _text(event.payload, "member name"), _roles(event.payload)
        if Role.LEAD not in roles:
            raise _Rejected(Reason.MALFORMED, "the founder must be a lead")
        self.name, self.founder = name, event.key
        self.members[check_identifier(event.actor, "member")] = Member(event.actor, member, roles)
        self.keys[event.key] = KeyRecord(event.key, event.actor, public_key, _text(event.payload, "device", ""))

    def adopt(self, event: Event, payload: Mapping[str, Any]) -> None:
        protocol = _text(payload, "protocol")
        file = FileReference(protocol_path(protocol), _text(payload, "sha256"))
        if self.protocols and protocol == self.protocols[-1].hash:
            raise _Rejected(Reason.CAME_TOO_LATE, "the protocol is in force already")
        title, version = _text(payload, "title"), _text(payload, "version")
        self.protocols.append(ProtocolRecord(protocol, title, version, file.sha256, event.time))

    def add_member(self, _: Event, payload: Mapping[str, Any]) -> None:
        member = check_identifier(_text(payload, "member"), "member")
        if ":" in member and not member.startswith("model:"):
            raise _Rejected(Reason.MALFORMED, "only readers that are models have a prefix, 'model:'")
        if member.casefold() in {m.casefold() for m in self.members}:
            raise _Rejected(Reason.CAME_TOO_LATE, f"there is a member '{member}' already")
        self.members[member] = Member(member, _text(payload, "name"), _roles(payload))

    def change_member(self, _: Event, payload: Mapping[str, Any]) -> None:
        member = self._member(payload, "member")
        roles = _roles(payload)
        if self.keys[self.founder].member == member.id and Role.LEAD not in roles:
            raise _Rejected(Reason.NO_RIGHT, "the founder stays a lead")
        self.members[member.id] = Member(member.id, _text(payload, "name"), roles)

    def add_key(self, _: Event, payload: Mapping[str, Any]) -> None:
        public_key = _text(payload, "public key")
        key = fingerprint(public_key)
        member = self._member(payload, "member")
        if key in self.keys:
            raise _Rejected(Reason.CAME_TOO_LATE, "the key was added before")
        if ":" in member.id:
            raise _Rejected(Reason.MALFORMED, "a reader that is no person has no key; the lead signs its readings")
        self.keys[key] = KeyRecord(key, member.id, public_key, _text(payload, "device", ""))

    def revoke_key(self, event: Event, payload: Mapping[str, Any]) -> None:
        key = self.keys.get(_text(payload, "key"))
        first = _count(payload, "from")
        _text(payload, "reason")
        if key is None:
            raise _Rejected(Reason.NO_GROUND, "the project does not know the key")
        if key.fingerprint == self.founder and event.key != self.founder:
            raise _Rejected(Reason.NO_RIGHT, "only the founder may revoke the founder's key")
        if key.revoked_from is not None and key.revoked_from <= first:
            raise _Rejected(Reason.CAME_TOO_LATE, "the key is revoked already")
        self.keys[key.fingerprint] = replace(key, revoked_from=first)

    def add_cases(self, _: Event, payload: Mapping[str, Any]) -> None:
        cases = [Case.from_json(value) for value in payload["cases"]]
        names = [case.id.casefold() for case in cases]
        if len(set(names)) < len(names):
            raise _Rejected(Reason.MALFORMED, "a case is named twice; name each once")
        late = [case.id for case in cases if case.id.casefold() in self.names_of_cases]
        for case, value in zip(cases, payload["cases"], strict=True):
            if case.id.casefold() not in self.names_of_cases:
                self.names_of_cases.add(case.id.casefold())
                self.cases[case.id] = CaseRecord(case.id, case.patient, value)
        if late:
            raise _Rejected(Reason.CAME_TOO_LATE, f"added before: {', '.join(late)}")

    def exclude(self, _: Event, payload: Mapping[str, Any]) -> None:
        case = self._case(payload)
        self.cases[case.id] = replace(case, excluded=_filled(payload, "reason"))

    def include(self, _: Event, payload: Mapping[str, Any]) -> None:
        case = self._case(payload)
        self.cases[case.id] = replace(case, excluded="")

    def assign(self, _: Event, payload: Mapping[str, Any]) -> None:
        tasks = [self._new_task(value) for value in payload["assignments"]]
        late = 0
        for task in tasks:
            former = self._task(task.case, task.reader, task.round)
            if former is not None and former.status != TaskStatus.WITHDRAWN:
                late += 1
            elif former is not None and former.revision:
                self._set_task(replace(former, status=TaskStatus.SUBMITTED))
            else:
                self._set_task(task)
        if late:
            raise _Rejected(Reason.CAME_TOO_LATE, f"{late} of {len(tasks)} were assigned before")

    def _new_task(self, value: Mapping[str, Any]) -> Task:
        case, reader = self._case(value), self._member(value, "reader")
        if Role.READER not in reader.roles:
            raise _Rejected(Reason.MALFORMED, f"'{reader.id}' is no reader")
        purpose = value.get("purpose", "reading")
        if purpose not in {"reading", "gold", "repeat"}:
            raise _Rejected(Reason.MALFORMED, f"'{purpose}' is no purpose of an assignment")
        return Task(
            case.id,
            reader.id,
            _count(value, "round", 1),
            purpose,
            _count(value, "order"),
            _text(value, "available from", ""),
        )

    def unassign(self, _: Event, payload: Mapping[str, Any]) -> None:
        task = self._existing_task(payload)
        if task.revision:
            raise _Rejected(Reason.CAME_TOO_LATE, "it was read before")
        self._set_task(replace(task, status=TaskStatus.WITHDRAWN))

    def start_reading(self, event: Event, payload: Mapping[str, Any]) -> None:
        self._set_status(event, payload, TaskStatus.STARTED)

    def save_draft(self, event: Event, payload: Mapping[str, Any]) -> None:
        self._set_status(event, payload, TaskStatus.DRAFT)

    def _set_status(self, event: Event, payload: Mapping[str, Any], status: TaskStatus) -> None:
        task = self._existing_task(payload)
        self._check_speaks_for(event, task.reader)
        if task.status in {TaskStatus.ASSIGNED, TaskStatus.STARTED, TaskStatus.DRAFT}:
            self._set_task(replace(task, status=status))

    def submit(self, event: Event, payload: Mapping[str, Any]) -> None:
        reading = self._reading(event, payload)
        self._check_speaks_for(event, reading.reader)
        task = self._task(reading.case, reading.reader, reading.round)
        if task is None:
            if reading.reader == event.actor:
                raise _Rejected(Reason.NO_RIGHT, f"case '{reading.case}' was not assigned to '{reading.reader}'")
            task = Task(reading.case, reading.reader, reading.round)
        if reading.revision != task.revision + 1 or (event.kind is Kind.READING_SUBMITTED) != (reading.revision == 1):
            raise _Rejected(Reason.CAME_TOO_LATE, f"revision {task.revision + 1} is next, not {reading.revision}")
        self._add_reading(reading)
        if not reading.reader.startswith("adjudicated:"):
            self._set_task(replace(task, status=TaskStatus.SUBMITTED, revision=reading.revision, sent_back_by=""))
        former = reading_id(reading.case, reading.reader, reading.round, task.revision)
        self._settle_send_backs(reading.case, former)

    def compute_consensus(self, event: Event, payload: Mapping[str, Any]) -> None:
        reading = self._reading(event, payload)
        if not reading.reader.startswith("consensus:") or not reading.sources:
            raise _Rejected(Reason.MALFORMED, "a consensus has a reader 'consensus:METHOD' and sources")
        revisions = [r.revision for r in self.readings.get(reading.case, ()) if r.reader == reading.reader]
        if reading.revision != max(revisions, default=0) + 1:
            raise _Rejected(Reason.CAME_TOO_LATE, "the revision of the consensus is taken")
        self._add_reading(reading)

    def decide(self, event: Event, payload: Mapping[str, Any]) -> None:
        case = self._case(payload).id
        action = Action(_text(payload, "action"))
        item = _text(payload, "item", "")
        readings = tuple(payload.get("readings", ()))
        comments = tuple(payload.get("comments", ()))
        known = {reading.id for reading in self.readings.get(case, ())}
        if not known.issuperset(readings):
            raise _Rejected(Reason.NO_GROUND, "it names a reading that is not there")
        if not readings:
            raise _Rejected(Reason.MALFORMED, "it names no reading")
        adjudicator = Role.ADJUDICATOR in self.members[event.actor].roles
        if action is Action.ADJUDICATE and not adjudicator:
            raise _Rejected(Reason.NO_RIGHT, "only adjudicators adjudicate")
        for comment in comments:
            _text(comment, "text")
        standing, unseen = [], []
        seen = self.seen.get(event.key, {})
        for former in self.decisions.get(case, ()):
            overlaps = not item or not former.item or item == former.item
            was_seen = former.key == event.key or seen.get(former.key, -1) >= former.sequence
            if overlaps and not was_seen:
                unseen.append(former.hash)
            if overlaps and was_seen and former.action == Action.ADJUDICATE and not adjudicator:
                raise _Rejected(Reason.NO_RIGHT, "what an adjudicator decided is decided anew by adjudicators only")
            if not (was_seen and (not item or item == former.item)):
                standing.append(former)
        decision = Decision(
            case,
            item,
            action.value,
            readings,
            comments,
            _text(payload, "reason", ""),
            event.actor,
            event.time,
            event.hash,
            event.key,
            event.sequence,
            tuple(unseen),
        )
        self.decisions[case] = (*standing, decision)
        if action is Action.SEND_BACK:
            self._send_back(decision)

    def assign_split(self, event: Event, payload: Mapping[str, Any]) -> None:
        name = check_identifier(_text(payload, "name"), "split")
        parts = {part: float(share) for part, share in payload["parts"].items()}
        by, stratified = tuple(payload.get("by", ("patient",))), tuple(payload.get("stratified", ()))
        new = {self._case({"case": case}).id: part for case, part in payload["assignments"].items()}
        if not parts or not set(new.values()) <= set(parts):
            raise _Rejected(Reason.MALFORMED, "a case is in a part that the split does not have")
        self._require_whole_patients(new, Reason.MALFORMED)
        former = self.splits.get(name)
        if former is not None:
            if set(former.parts) != set(parts) or former.by != by:
                raise _Rejected(Reason.CAME_TOO_LATE, f"the split '{name}' has other parts; give the new one a name")
            moved = next((case for case, part in new.items() if former.assignments.get(case, part) != part), None)
            if moved is not None:
                raise _Rejected(Reason.CAME_TOO_LATE, f"case '{moved}' is in '{former.assignments[moved]}' already")
            new = {**former.assignments, **new}
            self._require_whole_patients(new, Reason.CAME_TOO_LATE)
        seed = _count(payload, "seed")
        self.splits[name] = Split(name, parts, by, stratified, seed, new, event.actor, event.time)

    def _require_whole_patients(self, assignments: Mapping[str, str], reason: Reason) -> None:
        part_of: dict[str, str] = {}
        for case, part in assignments.items():
            if part_of.setdefault(self.cases[case].patient, part) != part:
                raise _Rejected(reason, f"the patient of case '{case}' would be in two parts")

    def sign_off(self, event: Event, payload: Mapping[str, Any]) -> None:
        subject = _text(payload, "subject")
        if subject not in {"text", "image", "pair"}:
            raise _Rejected(Reason.MALFORMED, f"'{subject[:100]}' is nothing that is signed off")
        hashes = tuple(payload["sha256"])
        if not hashes or not all(isinstance(one, str) and len(one) == 64 for one in hashes):
            raise _Rejected(Reason.MALFORMED, "it names no hash of what was looked at")
        self.sign_offs.append(SignOff(subject, hashes, _text(payload, "reason", ""), event.actor, event.time))

    def release(self, event: Event, payload: Mapping[str, Any]) -> None:
        name, manifest = _filled(payload, "name"), _text(payload, "manifest sha256")
        if name in {release.name for release in self.releases}:
            raise _Rejected(Reason.CAME_TOO_LATE, f"there is a release '{name}' already")
        self.releases.append(Release(name, manifest, event.actor, event.time, payload.get("details", {})))

    def _check_speaks_for(self, event: Event, reader: str) -> None:
        """People submit their own readings; the lead those of models, and of readers who have no key (imports)."""
        roles = self.members[event.actor].roles
        if reader == f"adjudicated:{event.actor}" and Role.ADJUDICATOR in roles:
            return
        if reader == event.actor and Role.READER in roles:
            return
        has_key = any(key.member == reader for key in self.keys.values())
        known = reader in self.members and Role.READER in self.members[reader].roles
        if Role.LEAD in roles and known and not has_key:
            return
        why = ", who has a key and signs in person" if has_key and Role.LEAD in roles else ""
        raise _Rejected(Reason.NO_RIGHT, f"'{event.actor}' may not read in the name of '{reader}'{why}")

    def _reading(self, event: Event, payload: Mapping[str, Any]) -> SubmittedReading:
        reading = SubmittedReading(
            self._case(payload).id,
            _text(payload, "reader"),
            _count(payload, "round", 1),
            _count(payload, "revision", 1),
            _text(payload, "protocol"),
            _text(payload, "sha256"),
            _text(payload, "segmentation sha256", ""),
            event.actor,
            event.time,
            tuple(payload.get("sources", ())),
        )
        if all(reading.protocol != protocol.hash for protocol in self.protocols):
            raise _Rejected(Reason.NO_GROUND, "its protocol was never adopted")
        return reading

    def _case(self, payload: Mapping[str, Any]) -> CaseRecord:
        case = _text(payload, "case")
        if case not in self.cases:
            raise _Rejected(Reason.NO_GROUND, f"there is no case '{case[:100]}'")
        return self.cases[case]

    def _member(self, payload: Mapping[str, Any], role: str) -> Member:
        member = _text(payload, role)
        if member not in self.members:
            raise _Rejected(Reason.NO_GROUND, f"there is no member '{member[:100]}'")
        return self.members[member]

    def _add_reading(self, reading: SubmittedReading) -> None:
        self.readings[reading.case] = (*self.readings.get(reading.case, ()), reading)

    def _task(self, case: str, reader: str, round_number: int) -> Task | None:
        for task in self.tasks.get(case, ()):
            if task.reader == reader and task.round == round_number:
                return task
        return None

    def _existing_task(self, payload: Mapping[str, Any]) -> Task:
        case, reader = _text(payload, "case"), _text(payload, "reader")
        task = self._task(case, reader, _count(payload, "round", 1))
        if task is None:
            raise _Rejected(Reason.NO_GROUND, f"case '{case}' was not assigned to '{reader}'")
        return task

    def _set_task(self, task: Task) -> None:
        tasks = self.tasks.get(task.case, ())
        others = tuple(t for t in tasks if (t.reader, t.round) != (task.reader, task.round))
        self.tasks[task.case] = (*others, task)

    def _send_back(self, decision: Decision) -> None:
        for task in self.tasks.get(decision.case, ()):
            if reading_id(task.case, task.reader, task.round, task.revision) in decision.readings:
                self._set_task(replace(task, status=TaskStatus.SENT_BACK, sent_back_by=decision.hash))

    def _settle_send_backs(self, case: str, former: str) -> None:
        """Forget decisions that sent readings back, once all of these were revised."""
        standing = self.decisions.get(case)
        if standing:
            waiting = {task.sent_back_by for task in self.tasks.get(case, ())}
            left = tuple(
                d for d in standing if d.action != Action.SEND_BACK or former not in d.readings or d.hash in waiting
            )
            self.decisions[case] = left
            if not left:
                del self.decisions[case]


_HANDLERS: dict[str, Callable[[_Folding, Event, Mapping[str, Any]], None]] = {
    Kind.PROTOCOL_ADOPTED: _Folding.adopt,
    Kind.MEMBER_ADDED: _Folding.add_member,
    Kind.MEMBER_CHANGED: _Folding.change_member,
    Kind.KEY_ADDED: _Folding.add_key,
    Kind.KEY_REVOKED: _Folding.revoke_key,
    Kind.CASES_ADDED: _Folding.add_cases,
    Kind.CASE_EXCLUDED: _Folding.exclude,
    Kind.CASE_INCLUDED: _Folding.include,
    Kind.ASSIGNED: _Folding.assign,
    Kind.UNASSIGNED: _Folding.unassign,
    Kind.READING_STARTED: _Folding.start_reading,
    Kind.DRAFT_SAVED: _Folding.save_draft,
    Kind.READING_SUBMITTED: _Folding.submit,
    Kind.READING_REVISED: _Folding.submit,
    Kind.REVIEW_DECIDED: _Folding.decide,
    Kind.CONSENSUS_COMPUTED: _Folding.compute_consensus,
    Kind.SPLIT_ASSIGNED: _Folding.assign_split,
    Kind.SIGNED_OFF: _Folding.sign_off,
    Kind.RELEASED: _Folding.release,
}


def _text(values: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = values[key] if default is None else values.get(key, default)
    if not isinstance(value, str):
        raise TypeError(f"'{key}'")
    return value


def _filled(values: Mapping[str, Any], key: str) -> str:
    value = _text(values, key).strip()
    if not value:
        raise _Rejected(Reason.MALFORMED, f"its {key} is empty")
    return value


def _count(values: Mapping[str, Any], key: str, least: int = 0) -> int:
    value = values.get(key, least)
    if not isinstance(value, int) or value < least:
        raise TypeError(f"'{key}'")
    return value


def _roles(payload: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(Role(role).value for role in payload["roles"])
