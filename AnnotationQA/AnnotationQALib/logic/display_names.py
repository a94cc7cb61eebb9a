"""What cases are called on a reader's screen, so that nobody recognizes a repeat or a gold case by its name."""

from __future__ import annotations

import hashlib
from collections import defaultdict

from AnnotationQACore.project.state import State

__all__ = ["hides_names", "shown_names"]

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1, which are mistaken for each other."""

_SHORTEST = 5


def hides_names(state: State, repeat_fraction: float) -> bool:
    """Whether a project has, or by its protocol will have, repeats or gold cases: then cases go by other names."""
    return repeat_fraction > 0 or any(task.purpose != "reading" for task in state.all_tasks())


def shown_names(state: State, project_id: str, reader: str) -> dict[tuple[str, int], str]:
    """Name of every task of a reader, by case and round: another one for the same case in another round.

    The names are computed from the project, reader, case and round, so that they are the same in every session and for
    the lead, who looks up which case a reader speaks of.
    """
    tasks = sorted((task.case, task.round) for task in state.all_tasks() if task.reader == reader)
    words = {task: _word(project_id, reader, *task) for task in tasks}
    names: dict[tuple[str, int], str] = {}
    length = _SHORTEST
    while len(names) < len(tasks):
        sharing = defaultdict(list)
        for task in tasks:
            if task not in names:
                sharing[words[task][:length]].append(task)
        names |= {same[0]: name for name, same in sharing.items() if len(same) == 1}
        length += 1
    return names


def _word(*parts: str | int) -> str:
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)
