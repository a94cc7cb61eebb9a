"""What a reading goes on from when a case is opened: draft, former revision, or nothing; read on any thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.drafts import Draft
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.kept_drafts import kept_draft, kept_folder
from AnnotationQACore.project.readings import Reading, StartedFrom
from AnnotationQACore.project.state import State
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.autosave import is_reachable
from AnnotationQALib.logic.case_images import PreparedCase
from AnnotationQALib.logic.scene_starts import kept_start

__all__ = ["CaseContents", "Notice", "load_contents"]

START_IS_MISSING = " (changed voxels were not counted)"


class Notice(StrEnum):
    """What the reader should know when a case is opened."""

    DRAFT_RESUMED = "Your draft was resumed."
    KEPT_RESUMED = "Work that was kept on this computer was resumed."
    KEPT_DIFFERS = (
        "Work kept on this computer and the draft in the project differ: another session saved it meanwhile. "
        "The draft of the project is shown; the other is still kept."
    )
    PROTOCOL_CHANGED = (
        "The protocol was changed since; the reading goes on under the version in force. "
        "Answers to items that are no longer asked are left out when it is submitted."
    )
    START_MISSING = (
        "What this reading was started from is not on this computer: how many voxels are changed cannot be counted."
    )


@dataclass(frozen=True, slots=True, eq=False)
class CaseContents:
    """Everything that is read from disk before a case is shown; made on any thread."""

    images: PreparedCase
    reading: Reading
    segmentation: Segmentation | None
    draft: Draft | None
    notices: tuple[Notice, ...] = ()
    start: Segmentation | None = None


def load_contents(
    project: Project, state: State, lock: threading.Lock, protocol: Protocol, item: WorkItem, images: PreparedCase
) -> CaseContents:
    """Read what the reading of a case goes on from.

    Parameters
    ----------
    project : Project
        Opened with the reader's identity.
    state : State
        Of the moment at which the case was chosen.
    lock : threading.Lock
        Held while the project is used.
    protocol : Protocol
        In force.
    item : WorkItem
    images : PreparedCase

    Raises
    ------
    InputError
        The draft or the former reading cannot be used.
    """
    if project.identity is None:
        raise InputError(worded("project: was opened without identity; choose who you are."))
    reader = project.identity.member
    draft = None
    if is_reachable(project):
        with lock:
            draft = project.load_draft(item.case, item.round)
    source, path, notices = _resumed(project, item, reader, draft)
    if source is None and item.revision > 1:
        former, path = _former(project, state, item, reader)
        source = replace(former.next_revision(), started_from=StartedFrom(former.id))
    reading = source or Reading(item.case, reader, item.round, item.revision, protocol.hash)
    if reading.protocol != protocol.hash:
        notices.append(Notice.PROTOCOL_CHANGED)
        reading = replace(reading, protocol=protocol.hash)
    segmentation = _voxels(path)
    start = _start_of(project, state, reading)
    if reading.started_from is not None and start is None and state.reading(reading.started_from.reading) is None:
        notices.append(Notice.START_MISSING)
        name = reading.started_from.reading.removesuffix(START_IS_MISSING) + START_IS_MISSING
        reading = replace(reading, started_from=StartedFrom(name))
    return CaseContents(images, reading, segmentation, draft, tuple(notices), start)


def _resumed(
    project: Project, item: WorkItem, reader: str, draft: Draft | None
) -> tuple[Reading | None, Path | None, list[Notice]]:
    """Reading and voxels that are resumed: those kept here, if they follow the draft in the project, else that."""
    kept = kept_draft(kept_folder(project.id), item.case, reader, item.round)
    notices = []
    if kept is not None and kept.draft.reading.revision == item.revision:
        if kept.follows == (draft.sha256 if draft is not None else ""):
            return kept.draft.reading, kept.draft.segmentation, [Notice.KEPT_RESUMED]
        notices.append(Notice.KEPT_DIFFERS)
    elif draft is not None:
        notices.append(Notice.DRAFT_RESUMED)
    if draft is None:
        return None, None, notices
    return draft.reading, draft.segmentation, notices


def _former(project: Project, state: State, item: WorkItem, reader: str) -> tuple[Reading, Path | None]:
    wanted = (reader, item.round, item.revision - 1)
    former = [r for r in state.readings.get(item.case, ()) if (r.reader, r.round, r.revision) == wanted]
    if not former:
        raise InputError(
            worded("case '{case}': its former reading is missing; ask the lead to verify the project.", case=item.case)
        )
    return project.load_reading(former[0]), project.segmentation_path(former[0])


def _start_of(project: Project, state: State, reading: Reading) -> Segmentation | None:
    """Voxels that a resumed reading was started from; None when they cannot be found again."""
    started = reading.started_from
    if started is None:
        return None
    submitted = state.reading(started.reading)
    if submitted is None:
        return kept_start(project.id, reading.case, reading.reader, reading.round)
    return _voxels(project.segmentation_path(submitted))


def _voxels(path: Path | None) -> Segmentation | None:
    return read_segmentation(path) if path is not None else None
