"""What a study lead does in Slicer, by the same functions as the command line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.assignments import Assignment, plan_assignments
from AnnotationQACore.project.cases import Case, cases_from_folder, cases_from_table
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.project.state import CaseStatus, Role, TaskStatus
from AnnotationQACore.protocol.loading import load_protocol, load_shipped
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.display_names import shown_names

__all__ = [
    "Plan",
    "add_person",
    "assign",
    "case_of_name",
    "create_project",
    "plan",
    "read_cases",
    "reader_rows",
    "status_counts",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """How cases are to be assigned.

    Attributes
    ----------
    per_case : int
    repeats : float
        Share in [0, 1].
    washout_days : int
    gold : tuple of str
    seed : int
    """

    per_case: int
    repeats: float
    washout_days: int
    gold: tuple[str, ...]
    seed: int


def create_project(
    folder: Path, identity: Identity, protocol_file: str, shipped: str, name: str, also_reader: bool
) -> Path:
    """Make a project by a protocol file, or without one by a shipped protocol; returns its folder."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    protocol = load_protocol(Path(protocol_file)) if protocol_file else load_shipped(shipped)
    roles = (Role.LEAD, Role.READER) if also_reader else (Role.LEAD,)
    return Project.create(folder, identity, protocol, name=name, roles=roles).folder


def read_cases(source: Path, project: Path, progress: Progress) -> tuple[Case, ...]:
    """Read the cases of a folder or table; runs on any thread."""
    read = cases_from_folder if source.is_dir() else cases_from_table
    return read(source, project, progress)


def add_person(project: Project, key_line: str, name: str, roles: tuple[Role, ...]) -> str:
    """Add the person who has sent a line with name and public key; returns the name."""
    words = key_line.split()
    if len(words) != 2:
        raise InputError(
            worded("key: must be a name and a public key, as the person's panel shows them; paste the whole line.")
        )
    if not roles:
        raise InputError(worded("person '{name}': has no role; choose at least one.", name=words[0]))
    project.add_member(words[0], name.strip() or words[0], roles, words[1])
    return words[0]


def plan(project: Project, wanted: Plan) -> tuple[Assignment, ...]:
    """Who would read what: balanced, in an order that the seed makes again; readers are those with a valid key."""
    state = project.refresh()
    with_key = {key.member for key in state.keys.values() if key.revoked_from is None}
    readers = [m.id for m in state.members.values() if Role.READER in m.roles and m.id in with_key]
    if not readers:
        raise InputError(worded("readers: the project has none yet; add people with the role of a reader first."))
    if not state.cases:
        raise InputError(worded("cases: the project has none yet; add cases first."))
    return plan_assignments(
        state,
        readers,
        wanted.per_case,
        wanted.seed,
        now=utc_now(),
        gold=wanted.gold,
        repeats=wanted.repeats,
        washout=timedelta(days=wanted.washout_days),
    )


def assign(project: Project, wanted: Plan) -> Counter[str]:
    """Record the plan; returns the number of cases by reader."""
    planned = plan(project, wanted)
    if planned:
        project.assign(planned, wanted.seed)
    return Counter(entry.reader for entry in planned)


def reader_rows(project: Project) -> tuple[tuple[str, int, int, int], ...]:
    """Reader, cases read, cases assigned, cases sent back."""
    counts: dict[str, Counter[str]] = {}
    for task in project.state.all_tasks():
        if task.status != TaskStatus.WITHDRAWN:
            counts.setdefault(task.reader, Counter())[task.status] += 1
    return tuple(
        (reader, count[TaskStatus.SUBMITTED], count.total(), count[TaskStatus.SENT_BACK])
        for reader, count in sorted(counts.items())
    )


def status_counts(project: Project) -> Counter[CaseStatus]:
    """Number of cases by status."""
    state = project.state
    return Counter(state.case_status(case) for case in state.cases)


def case_of_name(project: Project, name: str) -> tuple[tuple[str, str, int], ...]:
    """Reader, case and round of what a reader's screen calls by a name, to answer a reader's question."""
    wanted = name.strip().upper()
    state = project.state
    readers = sorted({task.reader for task in state.all_tasks()})
    return tuple(
        (reader, case, number)
        for reader in readers
        for (case, number), shown in shown_names(state, project.id, reader).items()
        if shown == wanted
    )
