"""What a reader has to do, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from AnnotationQACore.project.fields import format_time
from AnnotationQACore.project.state import State, Task, TaskStatus

__all__ = ["WorkItem", "worklist"]

_URGENCY = (TaskStatus.SENT_BACK, TaskStatus.DRAFT, TaskStatus.STARTED, TaskStatus.ASSIGNED, TaskStatus.SUBMITTED)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A case on a reader's list; it does not tell gold cases and repeats from others.

    Attributes
    ----------
    case : str
    round : int
    status : TaskStatus
    revision : int
        Of the reading to be made.
    comments : tuple of mappings
        The reviewer's, when it was sent back (see `state.Decision.comments`).
    """

    case: str
    round: int
    status: TaskStatus
    revision: int
    comments: tuple[Mapping[str, Any], ...] = ()


def worklist(state: State, reader: str, now: datetime, with_done: bool = False) -> tuple[WorkItem, ...]:
    """A reader's cases: sent back first, then drafts, then started, then the others as assigned.

    Left out are excluded cases, withdrawn tasks, repeats before their time, and, unless `with_done`, what is submitted.
    """
    time = format_time(now)
    tasks = [
        task
        for task in state.all_tasks()
        if task.reader == reader
        and task.status != TaskStatus.WITHDRAWN
        and (with_done or task.status != TaskStatus.SUBMITTED)
        and task.available_from <= time
        and not state.cases[task.case].excluded
    ]
    tasks.sort(key=lambda task: (_URGENCY.index(TaskStatus(task.status)), task.order, task.case, task.round))
    return tuple(_work_item(state, task) for task in tasks)


def _work_item(state: State, task: Task) -> WorkItem:
    decisions = state.decisions.get(task.case, ())
    comments = tuple(
        comment
        for decision in decisions
        if decision.hash == task.sent_back_by
        for comment in decision.comments
        if comment.get("reader", task.reader) == task.reader
    )
    return WorkItem(task.case, task.round, TaskStatus(task.status), task.revision + 1, comments)
