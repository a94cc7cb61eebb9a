"""Checks the open reading, and signs it into the ledger."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from AnnotationQACore.project.state import SubmittedReading
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.reading_checks import CheckedReading
from AnnotationQALib.widgets.case_controller import CaseController
from AnnotationQALib.widgets.case_view import CaseView
from AnnotationQALib.widgets.checks_view import ChecksView
from AnnotationQALib.widgets.panel_context import PanelContext
from AnnotationQALib.widgets.placing import Placing

__all__ = ["SubmitController"]


class SubmitController:
    """Checking and signing go on in the background; while a reading is submitted nothing of it can be changed.

    Parameters
    ----------
    context : PanelContext
    case_view : CaseView
    checks_view : ChecksView
    cases : CaseController
    placing : Placing
    enable : callable
        Called with whether the reader may change the case and open another.
    show_state : callable
        Called when the case was submitted and is closed.
    show_checks : callable
        Called when there is something to see among the checks.
    """

    def __init__(
        self,
        context: PanelContext,
        case_view: CaseView,
        checks_view: ChecksView,
        cases: CaseController,
        placing: Placing,
        enable: Callable[[bool], None],
        show_state: Callable[[], None],
        show_checks: Callable[[], None],
    ) -> None:
        self._context = context
        self._view = case_view
        self._checks = checks_view
        self._cases = cases
        self._placing = placing
        self._enable = enable
        self._show_state = show_state
        self._show_checks = show_checks

    def check(self) -> None:
        """Check the reading and show what was found."""
        case = self._context.idle_case
        task = self._context.attempt(case.begin_check) if case is not None else None
        if case is not None and task is not None:
            self._context.run(task, _("Checking the reading"), lambda task: self._show_check(task, case))

    def submit(self) -> None:
        """Check, and sign the reading into the ledger; what hinders it is shown."""
        case = self._context.idle_case
        if case is None:
            return
        self._placing.stop()
        self._view.page.segment_editor.leave()
        task = self._context.attempt(case.begin_check)
        if task is not None:
            self._enable(False)
            self._context.run(task, _("Checking the reading"), lambda task: self._sign(task, case))

    def _show_check(self, task: BackgroundTask[CheckedReading], case: OpenCase) -> CheckedReading | None:
        """Show what the checks have found; returns it, None when it was cancelled or cannot be checked."""
        checked: CheckedReading | None = self._context.attempt(task.result)
        if self._context.case is not case or checked is None:
            return None
        self._show_checks()
        self._checks.show(case.take_check(checked))
        self._cases.refresh()
        return checked

    def _sign(self, task: BackgroundTask[CheckedReading], case: OpenCase) -> None:
        """The reading is checked: begin to sign it, unless something hinders it."""
        checked, session = self._show_check(task, case), self._context.session
        begun = None
        if checked is not None and session is not None:
            begun = self._context.attempt(lambda: session.begin_submit(checked, self._checks.reasons))
        if begun is None:
            self._go_on_reading()
            return
        self._context.run(begun, _("Signing the reading"), self._show_submitted)

    def _show_submitted(self, task: BackgroundTask[SubmittedReading]) -> None:
        session = self._context.session
        if session is None or session.case is None:
            return
        item = session.case.item
        if self._context.attempt(lambda: session.finish_submit(task), item) is None:
            self._go_on_reading()
            return
        self._enable(True)
        self._cases.let_go()
        self._show_state()
        self._context.messages.show(_("Case {case} is submitted.").format(case=session.name_of(item)))
        session.preload()

    def _go_on_reading(self) -> None:
        self._enable(True)
        self._view.page.segment_editor.take_keys()
        self._cases.refresh()
