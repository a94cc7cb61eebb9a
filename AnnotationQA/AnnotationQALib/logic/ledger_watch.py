"""Reads what others wrote to the project meanwhile, and knows whether its ledger is whole and within reach."""

from __future__ import annotations

import threading
from concurrent.futures import Executor

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.wording import Wording
from AnnotationQALib.logic.autosave import is_reachable, message_of
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.session_header import LedgerHealth

__all__ = ["LedgerWatch"]


class LedgerWatch:
    """A project out of reach is told by `health`, not raised.

    Parameters
    ----------
    project : Project
    lock : threading.Lock
        Held while the project is used.
    executor : Executor
    """

    def __init__(self, project: Project, lock: threading.Lock, executor: Executor) -> None:
        self._project = project
        self._lock = lock
        self._executor = executor
        self._trouble: Wording | str = ""
        self._is_reachable = True  # when last looked at: a share that is gone may block for seconds
        self._refreshing: BackgroundTask[None] | None = None

    @property
    def health(self) -> LedgerHealth:
        """As of the last refresh."""
        problems = (*self._project.problems, *filter(None, [self._trouble]))
        return LedgerHealth(problems, self._is_reachable)

    def begin_refresh(self) -> None:
        """Begin to read what others wrote, unless that goes on already."""
        if self._refreshing is None or self._refreshing.is_done:
            self._refreshing = BackgroundTask(self._executor, self.refresh)

    def refresh(self, _progress: Progress = silent) -> None:
        """Read what others wrote; on any thread."""
        self._is_reachable = is_reachable(self._project)
        if not self._is_reachable:
            return
        try:
            with self._lock:
                self._project.refresh()
        except (AnnotationQAError, OSError) as error:
            self._trouble = message_of(error)
        else:
            self._trouble = ""
