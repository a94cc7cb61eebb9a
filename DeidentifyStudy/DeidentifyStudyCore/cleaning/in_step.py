"""Several files at a time, step by step.

Pixels drive out of the processor's caches all that the work on headers needs. So the first step is done for all files,
then the next for all: what a step needs is still there for the next header.
"""

from collections.abc import Generator, Iterator

from DeidentifyStudyCore.cleaning.task import Task

__all__ = ["groups_of", "in_step"]

_MOST_FILES = 32
_MOST_BYTES = 16 << 20


def groups_of(tasks: list[Task]) -> Iterator[list[Task]]:
    """Divide files into groups that may be open, and in memory, at the same time."""
    group: list[Task] = []
    size = 0
    for task in tasks:
        if group and (len(group) == _MOST_FILES or size + task.facts.size > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(task)
        size += task.facts.size
    if group:
        yield group


def in_step(works: list[Generator[None]]) -> None:
    """Take all works to their first ``yield``, then to their next, until all have ended.

    An error of one ends all: the others are closed.
    """
    waiting = works
    try:
        while waiting:
            waiting = [work for work in waiting if next(work, work) is None]
    finally:
        for work in works:
            work.close()
