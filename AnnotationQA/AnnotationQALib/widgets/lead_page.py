"""What the pages of a lead's desk have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from AnnotationQACore.progress import Progress
from AnnotationQALib.widgets.lead_work import LeadWork

__all__ = ["LeadPage"]

Steps = TypeVar("Steps")
Result = TypeVar("Result")


class LeadPage(Generic[Steps]):
    """Fields of a `.ui` file, and long steps on the open project.

    Parameters
    ----------
    ui : children by name
    work : LeadWork
    steps : callable
        Gives the steps of the open project; None without one.
    """

    def __init__(self, ui: Any, work: LeadWork, steps: Callable[[], Steps | None]) -> None:
        self._ui = ui
        self._work = work
        self._steps = steps

    def _begin(self, title: str, step: Callable[[Steps, Progress], Result], on_done: Callable[[Result], None]) -> None:
        """Begin a step beside the main thread; nothing happens without a project, or while another is at work."""
        steps = self._steps()
        if steps is not None:
            self._work.begin(title, lambda progress: step(steps, progress), on_done)
