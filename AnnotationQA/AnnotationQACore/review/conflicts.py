"""Decisions of two adjudicators who did not know of each other, side by side, and how one of them is kept."""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.events import Event
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Decision
from AnnotationQACore.review.revisions import Changes, reading_changes

__all__ = ["Conflict", "conflicts_of", "keep_decision"]


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """Two standing decisions on the same, and what differs between the readings that they name.

    Attributes
    ----------
    first, second : Decision
    changes : Changes or None
        From what the first accepts to what the second accepts; None when one of them accepts nothing or several.
    """

    first: Decision
    second: Decision
    changes: Changes | None


def conflicts_of(project: Project, case: str) -> tuple[Conflict, ...]:
    """All conflicts of a case; raises `InputError` when a file cannot be read."""
    return tuple(
        Conflict(first, second, _compare(project, first, second)) for first, second in project.state.conflicts(case)
    )


def keep_decision(project: Project, case: str, kept: str, reason: str) -> Event:
    """Settle the conflicts of a case: decide again as the decision with the hash `kept` did, having seen the others.

    Raises
    ------
    InputError
        There is no reason, or no such decision.
    ProjectError
        Whoever acts may not.
    """
    if not reason.strip():
        raise InputError(f"case '{case}': say why this decision is kept and the other one is not.")
    standing = {decision.hash: decision for decision in project.refresh().decisions.get(case, ())}
    if kept not in standing:
        raise InputError(f"case '{case}': there is no decision {kept[:12]} any more; look again.")
    decision = standing[kept]
    return project.decide(
        case,
        decision.action,  # type: ignore[arg-type]  # the text of an action
        decision.readings,
        item=decision.item,
        comments=decision.comments,
        reason=reason.strip(),
    )


def _compare(project: Project, first: Decision, second: Decision) -> Changes | None:
    if first.readings == second.readings or len(first.readings) != 1 or len(second.readings) != 1:
        return None
    sides = []
    for decision in (first, second):
        submitted = project.state.reading(decision.readings[0])
        if submitted is None:
            return None
        path = project.segmentation_path(submitted)
        sides.append((project.load_reading(submitted), read_segmentation(path) if path else None))
    return reading_changes(sides[0][0], sides[1][0], sides[0][1], sides[1][1])
