"""What reviewers call the readers: by name, or blinded until they have decided."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable, Mapping

from AnnotationQACore.project.state import Action, State
from AnnotationQACore.protocol.model import Protocol

__all__ = ["blinded_names", "in_text", "is_decided", "names_in_review"]


def blinded_names(readers: Iterable[str], key: str) -> dict[str, str]:
    """Reader A, Reader B... in an order that depends on `key` (the case), so that letters tell nothing across cases.

    Models are readers like others here; a consensus keeps its name.
    """
    people = [reader for reader in readers if not reader.startswith("consensus:")]
    ordered = sorted(people, key=lambda reader: hashlib.sha256(f"{key}\n{reader}".encode()).hexdigest())
    coded = {reader: f"Reader {_letters(place)}" for place, reader in enumerate(ordered)}
    return {reader: coded.get(reader, reader) for reader in readers}


def names_in_review(protocol: Protocol, state: State, case: str, readers: Iterable[str]) -> dict[str, str]:
    """What the readers of a case are called: blinded where the protocol says so, until the case is decided."""
    readers = tuple(readers)
    if protocol.design.blinding.reader_names_in_review and not is_decided(state, case):
        return blinded_names(readers, f"{state.project}/{case}")
    return {reader: state.members[reader].name if reader in state.members else reader for reader in readers}


def is_decided(state: State, case: str) -> bool:
    """Whether the case as a whole was accepted or adjudicated, and no such decision is in conflict."""
    decided = [d for d in state.decisions.get(case, ()) if not d.item and d.action != Action.SEND_BACK]
    return bool(decided) and not state.conflicts(case)


def in_text(text: str, names: Mapping[str, str]) -> str:
    """A message in which readers go by other names; whole words only, the longest first."""
    for reader in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.:-]){re.escape(reader)}(?![\w-])", lambda _, to=names[reader]: to, text)  # type: ignore[misc]  # a default binds the name
    return text


def _letters(place: int) -> str:
    before, last = divmod(place, 26)
    return (_letters(before - 1) if before else "") + string.ascii_uppercase[last]
