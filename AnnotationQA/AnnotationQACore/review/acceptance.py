"""Accepts a case as it is: the reading of one reader, or, where all agree, their majority."""

from __future__ import annotations

import tempfile
from pathlib import Path

from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.evaluation.case_consensus import case_consensus
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.events import Event
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import Action, State
from AnnotationQACore.review.case_list import CaseRow
from AnnotationQACore.review.case_readings import original_readings

__all__ = ["accept_proposed", "accept_reading"]

MAJORITY = "consensus:majority"


def accept_reading(project: Project, case: str, reader: str, reason: str = "") -> Event:
    """Accept the newest reading of one reader as the reference standard of the case.

    Raises
    ------
    InputError
        The protocol asks for a reason and there is none.
    ProjectError
        There is no such reading, or whoever acts may not accept.
    """
    state = project.refresh()
    _require_reason(project, case, reason)
    found = next((one for one in original_readings(project, case) if one.reader == reader), None)
    if found is None or case not in state.cases:
        raise ProjectError(f"case '{case}': there is no reading by '{reader}' to accept.")
    return project.decide(case, Action.ACCEPT, [found.id], reason=reason.strip())


def accept_proposed(project: Project, row: CaseRow, reason: str) -> Event:
    """Accept a case whose acceptance was proposed: the majority of its readings is recorded, and accepted.

    Parameters
    ----------
    row : CaseRow
        As listed to the person who now says so.
    reason : str
        Recorded with the decision, such as "all figures reach the protocol's thresholds".

    Raises
    ------
    InputError
        It is not proposed, its readers are split on an answer, or a reason is asked for and missing.
    ProjectError
        Somebody read, revised or decided the case meanwhile, or whoever acts may not accept.
    """
    if not row.proposed:
        raise InputError(f"case '{row.case}': its acceptance is not proposed; look at it, and decide.")
    state = project.refresh()
    _require_reason(project, row.case, reason)
    files = case_files(project, row.case)
    if {entry.reader for entry in files.readings} != set(row.readers) or state.case_status(row.case) != row.status:
        raise ProjectError(f"case '{row.case}': was changed by somebody meanwhile; look at the list again.")
    result = case_consensus(files, project.protocol(), majority)
    judged = {name for name, cell in row.cells.items() if cell.statistic}
    split = [item for item in result.open_items if item in judged]
    if split:
        raise InputError(f"case '{row.case}': the readers are split on {', '.join(split)}; look at it, and decide.")
    revision = _latest_revision(state, row.case) + 1
    reading = Reading(row.case, MAJORITY, 1, revision, state.protocol, result.answers)
    with tempfile.TemporaryDirectory() as folder:
        path = None
        if result.segmentation is not None:
            path = Path(folder) / "consensus.seg.nrrd"
            write_segmentation(path, result.segmentation)
        submitted = project.add_consensus(reading, [entry.id for entry in files.readings], path)
    return project.decide(row.case, Action.ACCEPT, [submitted.id], reason=reason.strip())


def _require_reason(project: Project, case: str, reason: str) -> None:
    if project.protocol().design.reason_required and not reason.strip():
        raise InputError(f"case '{case}': the protocol asks for a reason for each decision; give one.")


def _latest_revision(state: State, case: str) -> int:
    return max((one.revision for one in state.readings.get(case, ()) if one.reader == MAJORITY), default=0)
