"""Signing off the case on the desk: what is still open, what hinders it, and the signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.project.state import SubmittedReading
from AnnotationQALib.review.case_work import GROUP
from AnnotationQALib.review.widgets.on_desk import OnDesk
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.review.widgets.sign_off_view import SignOffView

__all__ = ["Signing"]


class Signing:
    """While the case is signed off nothing of it can be changed.

    Parameters
    ----------
    tabs : QTabWidget
        Of the case.
    context : ReviewContext
    desk : OnDesk
    reason : callable
        What the reviewer gives as reason.
    signed : callable
        Called with the reference standard.
    recorded : callable
        Called with one line after `signed`.

    Attributes
    ----------
    view : SignOffView
    """

    def __init__(
        self,
        tabs: Any,
        context: ReviewContext,
        desk: OnDesk,
        reason: Callable[[], str],
        signed: Callable[[SubmittedReading], None],
        recorded: Callable[[str], None],
    ) -> None:
        self._tabs = tabs
        self._context = context
        self._desk = desk
        self._reason = reason
        self._on_signed = signed
        self._recorded = recorded
        self.view = SignOffView(self.sign_off, self._keep_result)

    def show(self) -> None:
        """Show what is open, and whether the case can be signed off."""
        session, opened, deciding = self._desk.session, self._desk.opened, self._desk.deciding
        if deciding is None:
            return
        rows = deciding.rows()
        is_open = bool(deciding.open_regions) or any(row.is_open for row in rows)
        minority: list[str] = []
        refusal = ""
        if opened is not None and session is not None:
            has_reasons = all(one.reason for one in opened.adjudication.decisions)
            if not session.may_adjudicate:
                refusal = _("Only adjudicators of the project sign off cases.")
            elif deciding.needs_reason and not self._reason() and not is_open and not has_reasons:
                refusal = _("The protocol asks for a reason; give one below.")
            if not is_open:
                minority = [
                    f"{deciding.name(one.reader)}, {self._desk.titles.get(one.item, one.item)}: {one.text}"
                    for one in opened.adjudication.result().minority
                ]
        self.view.show(rows, deciding.open_regions, minority, refusal, opened is not None)

    def sign_off(self) -> None:
        """Record the result as the reference standard."""
        opened = self._desk.opened
        if opened is None or not self.view.ui.signButton.enabled:
            return
        reason = self._reason()
        self._tabs.enabled = False
        self._context.background.run(
            GROUP, _("Signing off"), lambda: opened.sign_off(reason), self._signed, self._failed
        )

    def _signed(self, submitted: SubmittedReading) -> None:
        self._tabs.enabled = True
        case = self._desk.opened.case if self._desk.opened is not None else ""
        self._on_signed(submitted)
        self._recorded(_("Case {case} is signed off; the result is its reference standard.").format(case=case))

    def _failed(self, line: str) -> None:
        self._tabs.enabled = True
        self._context.messages.show_error(line)

    def _keep_result(self) -> None:
        if self._desk.review is not None:
            node = self._desk.review.copy_result()
            self._context.messages.show(_("'{name}' is in the scene.").format(name=node.GetName()))
