"""The ledger for people: all acts in their order, as an auditor reads them."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from AnnotationQACore.project.events import Event, Kind
from AnnotationQACore.project.ordering import in_order
from AnnotationQACore.project.readings import reading_id
from AnnotationQACore.project.state import State
from AnnotationQACore.project.verification import Verification

__all__ = ["Entry", "audit_csv", "audit_html", "audit_json", "cases_of", "entries", "summary"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One act for people; `counts` is empty when it counts, or says why not."""

    time: str
    actor: str
    kind: str
    summary: str
    counts: str
    key: str
    sequence: int
    protocol: str
    hash: str


def entries(events: Sequence[Event], state: State) -> tuple[Entry, ...]:
    """All acts in the order in which they were folded."""
    rejected = {(r.key, r.sequence): f"{r.reason}: {r.detail}" for r in state.rejected}
    return tuple(
        Entry(
            event.time,
            event.actor,
            str(event.kind),
            summary(event),
            rejected.get((event.key, event.sequence), ""),
            event.key,
            event.sequence,
            event.protocol,
            event.hash,
        )
        for event in in_order(events).events
    )


def cases_of(event: Event) -> frozenset[str]:
    """IDs of the cases of which an act speaks."""
    payload = event.payload
    named = [payload.get("case")]
    named += [entry.get("id") for entry in _objects(payload.get("cases"))]
    named += [entry.get("case") for entry in _objects(payload.get("assignments"))]
    if event.kind is Kind.SPLIT_ASSIGNED:
        named += list(payload.get("assignments", ()))
    return frozenset(case for case in named if isinstance(case, str))


def summary(event: Event) -> str:
    """What an act says, in one line."""
    payload = event.payload
    match event.kind:
        case Kind.CASES_ADDED:
            return _several("case", sorted(cases_of(event)))
        case Kind.ASSIGNED:
            count = len(_objects(payload.get("assignments")))
            return (
                f"{count} readings of {_several('case', sorted(cases_of(event)))}; seed {payload.get('seed', 'none')}"
            )
        case Kind.SPLIT_ASSIGNED:
            name, seed = payload.get("name"), payload.get("seed", "none")
            return f"{name}: {_several('case', sorted(cases_of(event)))}; seed {seed}"
        case Kind.SIGNED_OFF:
            signed = _several(str(payload.get("subject")), [str(one)[:12] for one in payload.get("sha256", ())])
            return f"{signed}; reason {payload.get('reason', '')}"
        case Kind.READING_SUBMITTED | Kind.READING_REVISED | Kind.CONSENSUS_COMPUTED:
            reading = reading_id(
                str(payload.get("case")),
                str(payload.get("reader")),
                payload.get("round", 1),
                payload.get("revision", 1),
            )
            return f"{reading}; SHA-256 {payload.get('sha256')}"
        case _:
            return "; ".join(f"{key} {_plain(value)}" for key, value in payload.items())


def audit_csv(verification: Verification) -> str:
    """All acts as CSV; cells that a spreadsheet would take for a formula are quoted."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Entry.__slots__)
    for entry in entries(verification.events, verification.state):
        table.writerow([_no_formula(getattr(entry, name)) for name in Entry.__slots__])
    return text.getvalue()


def audit_json(verification: Verification) -> str:
    """All acts, the outcome of the verification, and the heads, as JSON."""
    document = {
        "project": verification.state.project,
        "name": verification.state.name,
        "sound": verification.is_sound,
        "findings": [str(finding) for finding in verification.findings],
        "notes": [str(note) for note in verification.notes],
        "heads": {key: [head.sequence, head.hash] for key, head in sorted(verification.heads.items())},
        "acts": [asdict(entry) for entry in entries(verification.events, verification.state)],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def audit_html(verification: Verification) -> str:
    """All acts as one page that needs nothing else."""
    state = verification.state
    verdict = "The ledger is sound." if verification.is_sound else "The ledger is broken."
    listed = [*map(str, verification.findings), *(f"Note: {note}" for note in verification.notes)]
    members = [
        (
            key.member,
            state.members[key.member].name,
            ", ".join(state.members[key.member].roles),
            key.fingerprint,
            "" if key.revoked_from is None else f"revoked from event {key.revoked_from}",
            *_head(verification, key.fingerprint),
        )
        for key in state.keys.values()
        if key.member in state.members
    ]
    acts = [
        (e.time, e.actor, e.kind, e.summary, e.counts, f"{e.key[:8]} {e.sequence}", e.hash[:16])
        for e in entries(verification.events, state)
    ]
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>Audit of {html.escape(state.name)}</title>',
            "<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}",
            "td,th{border:1px solid #ccc;padding:.2em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}",
            "</style></head><body>",
            f"<h1>Audit of {html.escape(state.name)}</h1>",
            f"<p>Project {state.project}, {state.events} acts. <strong>{verdict}</strong></p>",
            "<ul>",
            *(f"<li>{html.escape(line)}</li>" for line in listed),
            "</ul>",
            "<h2>Keys and newest entries</h2>",
            _table(("member", "name", "roles", "key", "", "newest", "its hash"), members),
            "<h2>Acts</h2>",
            _table(("time (UTC)", "who", "what", "about", "does not count", "entry", "hash"), acts),
            "</body></html>",
            "",
        )
    )


def _head(verification: Verification, key: str) -> tuple[str, str]:
    head = verification.heads.get(key)
    return ("", "") if head is None else (str(head.sequence), head.hash)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["<table>", "<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in header) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _several(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({shown})"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
