"""Readings to be done again because a new version of the protocol gives items another meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Action, SubmittedReading
from AnnotationQACore.protocol.difference import ProtocolDiff, protocol_diff

__all__ = ["ToRedo", "needed_again", "readings_to_redo", "send_back_for_redo"]

_OPTIONAL = "it is new, and optional"


@dataclass(frozen=True, slots=True)
class ToRedo(Result):
    """A reading that no longer says what the protocol in force asks.

    Attributes
    ----------
    case, reader, reading : str
        `reading` is its ID.
    version : str
        Of the protocol under which it was made.
    items : dict of str to str
        Items to be read again, and why.
    recompute : tuple of str
        Derived items that software computes again.
    """

    case: str
    reader: str
    reading: str
    version: str
    items: dict[str, str]
    recompute: tuple[str, ...]


def needed_again(difference: ProtocolDiff) -> tuple[str, ...]:
    """Items whose former answers no longer do; new optional ones leave a reading as good as it was."""
    return tuple(item for item, reason in difference.read_again.items() if reason != _OPTIONAL)


def readings_to_redo(project: Project, progress: Progress = silent) -> tuple[ToRedo, ...]:
    """Newest first-round readings of people and models whose answers the protocol in force would not take.

    Raises
    ------
    ProjectError, InputError
        A protocol that was in force cannot be read.
    """
    state = project.refresh()
    present = project.protocol()
    versions = {record.hash: record.version for record in state.protocols}
    differences: dict[str, ProtocolDiff] = {}
    found = []
    cases = [record for record in state.cases.values() if not record.excluded]
    for done, record in enumerate(cases):
        progress(done, len(cases), record.id)
        for reading in state.latest_readings(record.id):
            if not _is_read(reading) or reading.protocol == present.hash:
                continue
            if reading.protocol not in differences:
                differences[reading.protocol] = protocol_diff(project.protocol(reading.protocol), present)
            difference = differences[reading.protocol]
            items = {item: difference.read_again[item] for item in needed_again(difference)}
            if items:
                version = versions[reading.protocol]
                found.append(ToRedo(record.id, reading.reader, reading.id, version, items, difference.recompute))
    progress(len(cases), len(cases))
    return tuple(found)


def send_back_for_redo(project: Project, readings: Sequence[ToRedo], progress: Progress = silent) -> int:
    """Send readings back to their readers, with a comment on each item; returns how many cases were sent back.

    Readings of models are not sent back: their predictions are made anew and imported.

    Raises
    ------
    ProjectError
        Whoever acts is no reviewer, or an adjudicator decided and whoever acts is none; the cases before are sent back.
    """
    version = project.protocol().version
    by_case: dict[str, list[ToRedo]] = {}
    for one in readings:
        if ":" not in one.reader:
            by_case.setdefault(one.case, []).append(one)
    for done, (case, own) in enumerate(by_case.items()):
        progress(done, len(by_case), case)
        comments = [
            {"text": f"Protocol {version}: {reason}.", "item": item, "reader": one.reader}
            for one in own
            for item, reason in one.items.items()
        ]
        project.decide(
            case,
            Action.SEND_BACK,
            [one.reading for one in own],
            comments=comments,
            reason=f"protocol {version} is in force",
        )
    progress(len(by_case), len(by_case))
    return len(by_case)


def _is_read(reading: SubmittedReading) -> bool:
    return reading.round == 1 and not reading.reader.startswith(("consensus:", "adjudicated:"))
