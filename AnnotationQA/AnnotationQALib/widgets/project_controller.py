"""Opens and closes projects, and keeps what is shown of the open one up to date."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.progress import Progress
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.state import Role
from AnnotationQALib.logic.background import BackgroundTask, Workers
from AnnotationQALib.logic.leaving_projects import LeavingProjects
from AnnotationQALib.logic.project_opening import OpenedProject, open_project
from AnnotationQALib.logic.session import LabelingSession
from AnnotationQALib.widgets.busy_row import Ending
from AnnotationQALib.widgets.case_controller import CaseController
from AnnotationQALib.widgets.panel_context import PanelContext
from AnnotationQALib.widgets.sign_in_view import SignInView, progress_text
from AnnotationQALib.widgets.worklist_view import WorklistView

__all__ = ["ProjectController", "StartSession"]

StartSession = Callable[[Any, OpenedProject], LabelingSession]
"""Begins a session in a scene, by a project that was read."""

OPENERS = 3
"""Threads: one that waits for a share out of reach must not hold up the next project."""


class ProjectController:
    """A project is read, and the last drafts of one that is closed are written, in the background.

    The panel says so, and stays usable. A project that is opened again is read when its drafts are written.

    Parameters
    ----------
    context : PanelContext
    sign_in : SignInView
    worklist : WorklistView
    cases : CaseController
    start_session : callable
    show_state : callable
        Called when a project is being opened, was opened or was closed.
    show_titles : callable
        Called with the name of the project and how far the reader is, in words.
    executor : Executor, optional
        Threads by default.
    """

    def __init__(
        self,
        context: PanelContext,
        sign_in: SignInView,
        worklist: WorklistView,
        cases: CaseController,
        start_session: StartSession,
        show_state: Callable[[], None],
        show_titles: Callable[[str, str], None],
        executor: Executor | None = None,
    ) -> None:
        self._context = context
        self._sign_in = sign_in
        self._worklist = worklist
        self._cases = cases
        self._start_session = start_session
        self._show_state = show_state
        self._show_titles = show_titles
        self._owns_executor = executor is None
        self._executor = executor or Workers(OPENERS, "AnnotationQA-project")
        self._leaving = LeavingProjects()

    @property
    def is_lead(self) -> bool:
        """Whether the person who is signed in leads the project."""
        session = self._context.session
        return session is not None and session.project.state.has_role(session.reader, Role.LEAD)

    def open(self, folder: str, identity: Identity, on_open: Callable[[], None] | None = None) -> None:
        """Begin to open a project; `on_open` is called when it is open. What hinders it is shown."""
        self.close()
        folder = folder.strip()
        self._context.folder = folder
        self._context.messages.hide()
        self._sign_in.show_opening(True)
        was_written = self._leaving.waiting_for()

        def work(progress: Progress) -> OpenedProject:
            opened = open_project(folder, identity, progress=progress)
            if was_written(opened.project.id):  # it was closed a moment ago: read it with its last drafts
                opened = open_project(folder, identity, progress=progress)
            return opened

        self._context.run(
            BackgroundTask(self._executor, work),
            _("Opening the project"),
            lambda task: self._show_opened(task, on_open),
            ending=Ending.AT_ONCE,
        )

    def close(self) -> None:
        """Close the project; what is open is saved beside the main thread. A project that is being opened is let go."""
        context, session = self._context, self._context.session
        if session is not None and session.case is not None and session.case.is_submitting:
            context.busy.finish()
        context.busy.drop()
        self._sign_in.show_opening(False)
        if session is not None:
            self._cases.let_go()
            context.session = None
            context.run(
                self._leaving.leave(session), _("Saving your work"), lambda _task: self.tick(), ending=Ending.NOT
            )
        self._show_state()

    def refresh(self) -> None:
        """Show progress, health and worklist as they are now."""
        session = self._context.session
        if session is not None:
            header = session.header
            self._sign_in.show_project(header)
            self._show_titles(header.project, progress_text(header))
            self.refresh_worklist()

    def refresh_worklist(self) -> None:
        """Show the cases as they stand now."""
        session = self._context.session
        if session is not None:
            open_case = session.case.item if session.case is not None else None
            self._worklist.show(session.worklist(self._worklist.with_done), open_case)

    @property
    def is_saving(self) -> bool:
        """Whether work of a project that was closed is still being written."""
        return self._leaving.is_writing

    def tick(self) -> None:
        """Some times a second: take in what was written of projects that were closed."""
        for unsaved in self._leaving.collect():
            self._context.show_unsaved(unsaved.session, unsaved.problem)

    def end(self) -> None:
        """Close the project, wait until all is written, and end the threads."""
        self.close()
        self._context.timer.stop()
        self._leaving.finish()
        self._context.busy.finish()
        if self._owns_executor:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _show_opened(self, task: BackgroundTask[OpenedProject], on_open: Callable[[], None] | None) -> None:
        self._sign_in.show_opening(False)
        opened = self._context.attempt(task.result)
        if opened is None:
            return
        session = self._start_session(self._context.scene, opened)
        self._context.session = session
        self._sign_in.remember()
        self._context.timer.start()
        self._show_state()
        session.preload()
        if on_open is not None:
            on_open()
