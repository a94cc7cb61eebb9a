"""A reader's cases: their order, their names on the screen, which comes next, and how many are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import user_folder
from AnnotationQACore.project.state import TaskStatus
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.display_names import hides_names, shown_names
from AnnotationQALib.logic.screen_text import without_paths
from AnnotationQALib.logic.session_header import ReadingProgress

__all__ = ["ReaderWorklist", "WorklistRow", "is_same_task"]


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """A row of the worklist; gold cases and repeats look like all others.

    Attributes
    ----------
    item : WorkItem
    number : int
        Place in the list, from 1.
    name : str
        What the case is called on the screen.
    has_comments : bool
    """

    item: WorkItem
    number: int
    name: str
    has_comments: bool


class ReaderWorklist:
    """The worklist as of the last refresh of the project.

    Parameters
    ----------
    project : Project
    protocol : Protocol
        In force.
    reader : str
    """

    def __init__(self, project: Project, protocol: Protocol, reader: str) -> None:
        self._project = project
        self._protocol = protocol
        self._reader = reader
        self._visited: set[tuple[str, int]] = set()

    @property
    def progress(self) -> ReadingProgress:
        """How far the reader is, over all cases that are offered by now."""
        items = self._project.worklist(self._reader, with_done=True)
        read = sum(item.status == TaskStatus.SUBMITTED for item in items)
        sent_back = sum(item.status == TaskStatus.SENT_BACK for item in items)
        return ReadingProgress(read, len(items), sent_back)

    def rows(self, with_done: bool = False) -> tuple[WorklistRow, ...]:
        """The reader's cases: sent back first, then drafts, then the others in their order."""
        items = self._project.worklist(self._reader, with_done)
        names = self._names()
        return tuple(
            WorklistRow(item, number, names.get((item.case, item.round), item.case), bool(item.comments))
            for number, item in enumerate(items, start=1)
        )

    def name_of(self, item: WorkItem) -> str:
        """What a case is called on the screen; where there are repeats or gold cases this is not its ID."""
        return self._names().get((item.case, item.round), item.case)

    def next(self, besides: WorkItem | None = None) -> WorkItem | None:
        """The next undone case besides one: the first that was not visited, else the first."""
        items = [i for i in self._project.worklist(self._reader) if besides is None or not is_same_task(i, besides)]
        fresh = [item for item in items if (item.case, item.round) not in self._visited]
        return next(iter(fresh or items), None)

    def visit(self, item: WorkItem) -> None:
        """Take note that a case was opened: others come first."""
        self._visited.add((item.case, item.round))

    def offer_again(self, item: WorkItem) -> None:
        """Offer a case as if it had not been opened."""
        self._visited.discard((item.case, item.round))

    def screen_line(self, line: str, item: WorkItem | None = None, translate: Callable[[str], str] = str) -> str:
        """A message as the screen may show it: without places on disks, and with the case's name on the screen.

        Parameters
        ----------
        line : str
        item : WorkItem, optional
            That it may be about.
        translate : callable
            Into the reader's language.
        """
        words = {
            str(self._project.folder): worded("the project").told(translate),
            str(user_folder()): worded("the user's folder").told(translate),
        }
        if item is not None:
            words[item.case] = self.name_of(item)
            images = worded("the images").told(translate)
            locations = (series.location for series in self._project.state.cases[item.case].case.series)
            words |= {location: images for location in locations if "/" in location or "\\" in location}
        return without_paths(line, words)

    def _names(self) -> dict[tuple[str, int], str]:
        state = self._project.state
        if not hides_names(state, self._protocol.design.repeat_fraction):
            return {}
        return shown_names(state, self._project.id, self._reader)


def is_same_task(one: WorkItem, other: WorkItem) -> bool:
    """Whether two entries are the same case in the same round."""
    return (one.case, one.round) == (other.case, other.round)
