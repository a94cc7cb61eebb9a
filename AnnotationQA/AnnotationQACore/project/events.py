"""One signed act, and the one line of a ledger file that holds it.

A line is ``{"event":BODY,"hash":"...","signature":"..."}``: BODY is canonical JSON, the hash is the SHA-256 of its
bytes, and the signature covers that hash. Hash and signature have fixed lengths, so that the body's bytes are found
without parsing and hashed as they stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from sys import intern
from typing import Any

from AnnotationQACore.canonical import canonical_bytes
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.identities import Identity, is_signed_by

__all__ = ["START", "Event", "Head", "Kind", "encode", "is_canonical", "is_signed", "parse", "sign"]

START = "0" * 64
"""The hash before the first event of a chain."""

_OPEN = b'{"event":'
_HASH = b',"hash":"'
_SIGNATURE = b'","signature":"'
_CLOSE = b'"}'
_SIGNATURE_AT = -(88 + len(_CLOSE))
_HASH_AT = _SIGNATURE_AT - len(_SIGNATURE) - 64
_BODY_END = _HASH_AT - len(_HASH)
_SIGNED_AS = b"AnnotationQA event\n"
_BODY_KEYS = frozenset(
    ("actor", "key", "kind", "payload", "previous", "project", "protocol", "seen", "sequence", "time")
)


class Kind(StrEnum):
    """What happened."""

    PROJECT_CREATED = "project created"
    PROTOCOL_ADOPTED = "protocol adopted"
    MEMBER_ADDED = "member added"
    MEMBER_CHANGED = "member changed"
    KEY_ADDED = "key added"
    KEY_REVOKED = "key revoked"
    CASES_ADDED = "cases added"
    CASE_EXCLUDED = "case excluded"
    CASE_INCLUDED = "case included"
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    READING_STARTED = "reading started"
    DRAFT_SAVED = "draft saved"
    READING_SUBMITTED = "reading submitted"
    READING_REVISED = "reading revised"
    REVIEW_DECIDED = "review decided"
    CONSENSUS_COMPUTED = "consensus computed"
    SPLIT_ASSIGNED = "split assigned"
    SIGNED_OFF = "signed off"
    RELEASED = "released"


_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a writer that was seen: its sequence number and hash."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Event:
    """One act.

    Attributes
    ----------
    key : str
        Fingerprint of the writer's key.
    sequence : int
        Number in the writer's chain, from 0.
    previous : str
        Hash of the writer's former event; `START` for the first.
    seen : mapping of str to Head
        Heads of other writers' chains that came to the writer's knowledge since the former event; together with those
        of the former events they say what the writer had seen.
    time : str
        UTC by the writer's clock, as `fields.format_time` writes it.
    actor : str
        Member ID of the person who acts.
    project : str
    protocol : str
        Hash of the protocol in force as the writer knew it; empty before the first was adopted.
    kind : Kind or str
        A text that is no `Kind` is an act of a newer version.
    payload : mapping
        JSON, by kind.
    hash, signature : str
    """

    key: str
    sequence: int
    previous: str
    seen: Mapping[str, Head]
    time: str
    actor: str
    project: str
    protocol: str
    kind: str
    payload: Mapping[str, Any]
    hash: str
    signature: str

    def body(self) -> dict[str, Any]:
        """What is hashed and signed."""
        return {
            "actor": self.actor,
            "key": self.key,
            "kind": str(self.kind),
            "payload": self.payload,
            "previous": self.previous,
            "project": self.project,
            "protocol": self.protocol,
            "seen": {key: [head.sequence, head.hash] for key, head in self.seen.items()},
            "sequence": self.sequence,
            "time": self.time,
        }


def sign(
    identity: Identity,
    *,
    sequence: int,
    previous: str,
    seen: Mapping[str, Head],
    time: str,
    project: str,
    protocol: str,
    kind: Kind,
    payload: Mapping[str, Any],
) -> Event:
    """Make an event in the name of `identity`; raises `InputError` when the payload is not JSON."""
    unsigned = Event(
        identity.fingerprint, sequence, previous, seen, time, identity.member, project, protocol, kind, payload, "", ""
    )
    try:
        body = canonical_bytes(unsigned.body())
    except (TypeError, ValueError) as error:
        raise InputError(f"{kind}: the payload is not JSON ({error}); report this as a bug.") from error
    digest = hashlib.sha256(body).hexdigest()
    signature = identity.sign(_SIGNED_AS + digest.encode())
    return parse(_line(body, digest, signature))


def encode(event: Event) -> bytes:
    """The line of an event, with its line end."""
    return _line(canonical_bytes(event.body()), event.hash, event.signature) + b"\n"


def parse(line: bytes) -> Event:
    """Read one line without its end, and check its hash.

    Raises
    ------
    InputError
        The line is not an event, or its hash does not fit.
    """
    body = line[len(_OPEN) : _BODY_END]
    digest = hashlib.sha256(body).hexdigest()
    if digest.encode() != line[_HASH_AT : _HASH_AT + 64] or not _is_framed(line):
        raise InputError("it was changed (its hash does not fit)" if _is_framed(line) else "it is no event")
    try:
        text = body.decode()
        value, end = _DECODER.raw_decode(text)
        kind = value["kind"]
        seen = value["seen"]
        if end != len(text) or not _is_well_formed(value):
            raise InputError("it is no event")
        return Event(
            intern(value["key"]),
            value["sequence"],
            value["previous"],
            {intern(key): Head(*head) for key, head in seen.items()} if seen else _NOTHING,
            value["time"],
            intern(value["actor"]),
            intern(value["project"]),
            intern(value["protocol"]),
            _KINDS.get(kind) or str(kind),
            value["payload"],
            digest,
            line[_SIGNATURE_AT : -len(_CLOSE)].decode("ascii"),
        )
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        raise InputError("it is no event") from None


def is_signed(event: Event, public_key: str) -> bool:
    """Whether the event was signed with the private key that belongs to `public_key`."""
    return is_signed_by(public_key, event.signature, _SIGNED_AS + event.hash.encode())


def is_canonical(line: bytes, event: Event) -> bool:
    """Whether the line is the one that `encode` writes for the event."""
    return line + b"\n" == encode(event)


_DECODER = json.JSONDecoder()
_NOTHING: Mapping[str, Head] = {}


def _is_well_formed(value: dict[str, Any]) -> bool:
    return (
        value.keys() == _BODY_KEYS
        and type(value["sequence"]) is int
        and type(value["payload"]) is dict
        and len(value["time"]) == 27
        and value["time"][-1] == "Z"
        and (not value["seen"] or all(type(n) is int and type(h) is str for n, h in value["seen"].values()))
        and type(value["previous"]) is str
        and type(value["kind"]) is str
    )


def _line(body: bytes, digest: str, signature: str) -> bytes:
    return b"".join((_OPEN, body, _HASH, digest.encode(), _SIGNATURE, signature.encode(), _CLOSE))


def _is_framed(line: bytes) -> bool:
    return (
        line.startswith(_OPEN)
        and line.endswith(_CLOSE)
        and line[_BODY_END:_HASH_AT] == _HASH
        and line[_HASH_AT + 64 : _SIGNATURE_AT] == _SIGNATURE
    )
