"""What a study lead does in Slicer: the functions of the command line, with the choices of a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.assignments import Assignment, plan_assignments
from AnnotationQACore.project.cases import Case, SeriesReference, cases_from_folder, cases_from_table
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.state import Role, State, TaskStatus

__all__ = ["ReaderProgress", "add_from_database", "add_from_files", "assign_cases", "plan", "reader_progress"]


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """How far one reader is."""

    reader: str
    name: str
    assigned: int
    submitted: int
    sent_back: int


def add_from_files(project: Project, source: Path, progress: Progress = silent) -> tuple[Case, ...]:
    """Add the cases of a folder (a folder for each case), or of a CSV or JSON table; all or none.

    Raises
    ------
    InputError, ProjectError
        An image or row is wrong, or a case is in the project already.
    """
    read = cases_from_folder if source.is_dir() else cases_from_table
    cases = read(source, project.folder, progress)
    project.add_cases(cases)
    return cases


def add_from_database(
    project: Project, case: str, patient: str, series: Sequence[tuple[str, str]], time_point: str = ""
) -> Case:
    """Add a case of series that every reader has in the DICOM database, given as role and Series Instance UID."""
    made = Case(case, patient, time_point, tuple(SeriesReference(role, uid=uid) for role, uid in series))
    project.add_cases([made])
    return made


def plan(
    project: Project,
    readers: Sequence[str],
    seed: int,
    *,
    readers_per_case: int | None = None,
    gold: Sequence[str] = (),
    now: datetime | None = None,
) -> tuple[Assignment, ...]:
    """Plan who reads what, by the design of the protocol in force; see `assignments.plan_assignments`."""
    design = project.protocol().design
    return plan_assignments(
        project.refresh(),
        readers,
        readers_per_case or design.readers_per_case,
        seed,
        now=now or utc_now(),
        gold=gold,
        repeats=design.repeat_fraction,
        washout=timedelta(days=design.washout_days),
    )


def assign_cases(project: Project, planned: Sequence[Assignment], seed: int) -> None:
    """Record a plan; an empty one is no act."""
    if planned:
        project.assign(planned, seed)


def reader_progress(state: State) -> tuple[ReaderProgress, ...]:
    """How far every reader is, in the order of their IDs."""
    rows = []
    for member in sorted(state.members.values(), key=lambda member: member.id):
        tasks = [t for t in state.all_tasks() if t.reader == member.id and t.status != TaskStatus.WITHDRAWN]
        if Role.READER in member.roles and (tasks or not member.id.startswith("model:")):
            statuses = [task.status for task in tasks]
            rows.append(
                ReaderProgress(
                    member.id,
                    member.name,
                    len(tasks),
                    statuses.count(TaskStatus.SUBMITTED),
                    statuses.count(TaskStatus.SENT_BACK),
                )
            )
    return tuple(rows)
