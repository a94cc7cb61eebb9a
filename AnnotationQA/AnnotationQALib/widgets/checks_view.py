"""What the checks found, one row for each problem, and the button that submits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.checks.problems import ReadingProblem, Severity
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.state_icons import is_dark, problem_icon
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import told

__all__ = ["ChecksView"]

_HIGHEST = 190


class ChecksView:
    """The problems of the reading.

    Parameters
    ----------
    on_check, on_submit : callable
    on_problem : callable
        Called with the problem whose row the reader has chosen.
    on_comment : callable
        Called with the comment on the case as a whole.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(
        self,
        on_check: Callable[[], None],
        on_submit: Callable[[], None],
        on_problem: Callable[[ReadingProblem], None],
        on_comment: Callable[[str], None],
    ) -> None:
        self.widget, self.ui = load_ui("LabelingChecks.ui")
        self._on_problem = on_problem
        self._problems: tuple[ReadingProblem, ...] = ()
        self._reasons: dict[ReadingProblem, str] = {}
        table = self.ui.problemsTable
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setVisible(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(1, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(2, qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        for signal in ("cellClicked(int,int)", "cellActivated(int,int)"):  # by mouse, and by Enter
            connect(table, signal, lambda row: self._choose(row))
        connect(table, "itemSelectionChanged()", self._show_reason)
        connect(self.ui.reasonEdit, "textEdited(QString)", self._give_reason)
        connect(self.ui.commentEdit, "textEdited(QString)", on_comment)
        connect(self.ui.checkButton, "clicked()", on_check)
        connect(self.ui.submitButton, "clicked()", on_submit)
        self.show_unchecked("", "")

    @property
    def reasons(self) -> Mapping[ReadingProblem, str]:
        """Reasons given for warnings."""
        return {problem: text for problem, text in self._reasons.items() if text.strip()}

    def show_unchecked(self, comment: str, time: str) -> None:
        """Show a reading that was not checked yet, its comment, and the time worked on it (empty: not shown)."""
        self._problems, self._reasons = (), {}
        self.ui.problemsTable.setRowCount(0)
        self.ui.problemsTable.visible = False
        self.ui.reasonRow.visible = False
        self.ui.summaryLabel.text = _("Not checked yet. Submitting checks first.")
        self.ui.commentEdit.text = comment
        self.show_time(time)

    def show_time(self, time: str) -> None:
        """Show the time worked on the case, where the protocol says so."""
        self.ui.timeLabel.text = time

    def show(self, problems: Sequence[ReadingProblem]) -> None:
        """Show what was found; reasons stay with the warnings that are still there."""
        self._problems = tuple(problems)
        self._reasons = {problem: self._reasons.get(problem, "") for problem in self._problems}
        errors = sum(problem.severity == Severity.ERROR for problem in self._problems)
        warnings = len(self._problems) - errors
        self.ui.summaryLabel.text = _summary(errors, warnings)
        table, dark = self.ui.problemsTable, is_dark(self.ui.problemsTable)
        table.setRowCount(len(self._problems))
        for row, problem in enumerate(self._problems):
            is_error = problem.severity == Severity.ERROR
            kind = qt.QTableWidgetItem()
            kind.setIcon(problem_icon(is_error, dark))
            kind.setToolTip(_("Must be mended before submitting") if is_error else _("Submit with a reason, or mend"))
            item = qt.QTableWidgetItem(_("place") if problem.spot is not None else "")
            item.setToolTip(_("Click to go there"))
            text = told(problem.wording)
            message = qt.QTableWidgetItem(text)
            message.setToolTip(text)
            for column, cell in enumerate((kind, item, message)):
                table.setItem(row, column, cell)
        table.setColumnHidden(1, True)
        table.visible = bool(self._problems)
        table.resizeRowsToContents()
        wanted = sum(table.rowHeight(row) for row in range(len(self._problems))) + 2 * table.frameWidth + 2
        table.setFixedHeight(min(wanted, _HIGHEST))
        table.clearSelection()
        table.setCurrentCell(-1, -1)
        self._show_reason()

    def _selected(self) -> ReadingProblem | None:
        rows = self.ui.problemsTable.selectedItems()
        return self._problems[self.ui.problemsTable.currentRow()] if rows else None

    def _choose(self, row: int) -> None:
        self._on_problem(self._problems[row])

    def _show_reason(self) -> None:
        problem = self._selected()
        needs = problem is not None and problem.severity == Severity.WARNING
        self.ui.reasonRow.visible = needs
        if needs:
            self.ui.reasonEdit.text = self._reasons.get(problem, "")

    def _give_reason(self, text: str) -> None:
        problem: Any = self._selected()
        if problem is not None:
            self._reasons[problem] = text


def _summary(errors: int, warnings: int) -> str:
    parts = []
    if errors:
        parts.append(_("{number} to be mended").format(number=errors))
    if warnings:
        parts.append(_("{number} to be mended or given a reason").format(number=warnings))
    return ", ".join(parts) if parts else _("No problems found.")
