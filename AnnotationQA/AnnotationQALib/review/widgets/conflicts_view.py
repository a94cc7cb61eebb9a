"""Two decisions that were made without knowledge of each other, of which an adjudicator keeps one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.project.state import Action
from AnnotationQACore.review.conflicts import Conflict
from AnnotationQALib.review.widgets.cells import time_text
from AnnotationQALib.review.widgets.on_desk import OnDesk
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import cell, fill, prepare, selected_row

__all__ = ["ConflictsView"]


class ConflictsView:
    """Shown above the case while it has conflicts.

    Parameters
    ----------
    ui : children by name
        Of ``ReviewCase.ui``.
    context : ReviewContext
    desk : OnDesk
    recorded : callable
        Called with one line when a conflict was settled.
    """

    def __init__(self, ui: Any, context: ReviewContext, desk: OnDesk, recorded: Callable[[str], None]) -> None:
        self._ui = ui
        self._context = context
        self._desk = desk
        self._recorded = recorded
        self._conflicts: tuple[Conflict, ...] = ()
        prepare(ui.conflictTable, 3)
        connect(ui.keepButton, "clicked()", self._keep)
        connect(ui.conflictTable, "itemSelectionChanged()", self._enable)
        connect(ui.conflictReasonEdit, "textChanged(QString)", lambda _text: self._enable())

    def hide(self) -> None:
        """What is on the desk has no decisions."""
        self._conflicts = ()
        self._ui.conflictFrame.visible = False

    def show(self) -> None:
        """Show the conflicts of the case, if there are any."""
        session, opened = self._desk.session, self._desk.opened
        if session is None or opened is None:
            return
        self._conflicts = self._context.attempt(lambda: session.reviews.conflicts(opened.case)) or ()
        self._ui.conflictFrame.visible = bool(self._conflicts)
        if not self._conflicts:
            return
        lines = [_("<b>Two decisions were made without knowledge of each other.</b> Keep one of them.")]
        for conflict in self._conflicts:
            if conflict.changes is not None:
                answers, structures = len(conflict.changes.answers), len(conflict.changes.segments)
                text = _("Their results differ in {answers} answers and {structures} structures.")
                lines.append(text.format(answers=answers, structures=structures))
        self._ui.conflictLabel.text = "<br>".join(lines)
        actions = {Action.ACCEPT: _("accepted"), Action.ADJUDICATE: _("adjudicated"), Action.SEND_BACK: _("sent back")}
        members = session.project.state.members
        fill(
            self._ui.conflictTable,
            [
                [
                    cell(members[one.actor].name if one.actor in members else one.actor),
                    cell(time_text(one.time)),
                    cell(actions.get(Action(one.action), one.action)),
                    cell(one.reason or "–"),
                ]
                for one in self._standing()
            ],
        )
        self._enable()

    def _standing(self) -> list[Any]:
        decisions = [one for conflict in self._conflicts for one in (conflict.first, conflict.second)]
        return list({one.hash: one for one in decisions}.values())

    def _enable(self) -> None:
        reason = ""
        if selected_row(self._ui.conflictTable) < 0:
            reason = _("Select a decision first.")
        elif not str(self._ui.conflictReasonEdit.text).strip():
            reason = _("Say why this one is kept.")
        self._ui.keepButton.enabled = not reason
        self._ui.keepButton.toolTip = reason or _("Decide again as the selected decision did")

    def _keep(self) -> None:
        session, opened = self._desk.session, self._desk.opened
        place, standing = selected_row(self._ui.conflictTable), self._standing()
        if session is None or opened is None or not 0 <= place < len(standing):
            return
        reason = str(self._ui.conflictReasonEdit.text).strip()
        kept = standing[place]
        if self._context.succeeds(lambda: session.reviews.keep(opened.case, kept.hash, reason)):
            self._ui.conflictReasonEdit.clear()
            self._recorded(_("The conflict of case {case} is settled.").format(case=opened.case))
