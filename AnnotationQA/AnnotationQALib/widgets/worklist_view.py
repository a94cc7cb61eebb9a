"""The reader's cases: filter, sort, open one or the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.state import TaskStatus
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQALib.logic.reader_worklist import WorklistRow
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["WorklistView"]


class WorklistView:
    """The table of cases.

    Parameters
    ----------
    on_open : callable
        Called with the case that the reader chose.
    on_next : callable
        Called when the next case is wanted.
    on_filter : callable
        Called when other rows are wanted, such as those that are done.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(
        self, on_open: Callable[[WorkItem], None], on_next: Callable[[], None], on_filter: Callable[[], None]
    ) -> None:
        self.widget, self.ui = load_ui("LabelingWorklist.ui")
        self._on_open = on_open
        self._rows: list[WorklistRow] = []
        for text, name in (
            (_("To do"), "to do"),
            (_("Sent back"), TaskStatus.SENT_BACK.value),
            (_("Drafts"), TaskStatus.DRAFT.value),
            (_("All, with those done"), "all"),
        ):
            self.ui.filterCombo.addItem(text, name)
        table = self.ui.table
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(1, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(2, qt.QHeaderView.ResizeToContents)
        connect(table, "cellDoubleClicked(int,int)", lambda: self._open())
        connect(table, "itemSelectionChanged()", self._enable)
        connect(self.ui.openButton, "clicked()", self._open)
        connect(self.ui.nextButton, "clicked()", on_next)
        connect(self.ui.filterCombo, "currentIndexChanged(int)", lambda: on_filter())
        connect(self.ui.searchBox, "textChanged(QString)", lambda: self._fill())
        self._enter = qt.QShortcut(qt.QKeySequence("Return"), table)
        self._enter.setContext(qt.Qt.WidgetShortcut)
        connect(self._enter, "activated()", self._open)
        self.show((), None)

    @property
    def with_done(self) -> bool:
        """Whether the reader wants to see what is submitted, too."""
        return str(self.ui.filterCombo.currentData) == "all"

    def show(self, rows: Sequence[WorklistRow], open_case: WorkItem | None) -> None:
        """Show cases; `open_case` is the one that is open. The selected case stays selected."""
        selected = self._selected()
        self._rows = list(rows)
        self._open_case = open_case
        self._fill()
        if selected is not None:
            self.select(selected)

    def select(self, wanted: WorkItem) -> None:
        """Select the row of a case."""
        for row in range(self.ui.table.rowCount):
            item = self._item_of(row)
            if item is not None and (item.case, item.round) == (wanted.case, wanted.round):
                self.ui.table.selectRow(row)
                return

    def _fill(self) -> None:
        wanted = str(self.ui.filterCombo.currentData)
        text = self.ui.searchBox.text.casefold()
        shown = [
            (number, row)
            for number, row in enumerate(self._rows)
            if (wanted in ("to do", "all") or row.item.status == wanted) and text in row.name.casefold()
        ]
        table = self.ui.table
        table.sortingEnabled = False
        table.setRowCount(len(shown))
        for place, (number, row) in enumerate(shown):
            first = qt.QTableWidgetItem()
            first.setData(qt.Qt.DisplayRole, row.number)
            first.setData(qt.Qt.UserRole, number)
            first.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            case = qt.QTableWidgetItem(row.name)
            status = qt.QTableWidgetItem(_status_text(row, self._open_case))
            if row.has_comments:
                status.setToolTip(_("The reviewer has left comments; they are shown when the case is opened."))
            for column, cell in enumerate((first, case, status)):
                table.setItem(place, column, cell)
        table.sortingEnabled = True
        table.sortItems(0)
        self._enable()

    def _item_of(self, row: int) -> WorkItem | None:
        cell = self.ui.table.item(row, 0)
        number = cell.data(qt.Qt.UserRole) if cell else None
        return self._rows[number].item if number is not None else None

    def _selected(self) -> WorkItem | None:
        row = self.ui.table.currentRow()
        return self._item_of(row) if row >= 0 else None

    def _open(self) -> None:
        item = self._selected()
        if item is not None and item.status != TaskStatus.SUBMITTED:
            self._on_open(item)

    def _enable(self) -> None:
        item = self._selected()
        button = self.ui.openButton
        button.enabled = item is not None and item.status != TaskStatus.SUBMITTED
        if item is None:
            button.toolTip = _("Select a case first.")
        elif item.status == TaskStatus.SUBMITTED:
            button.toolTip = _("This case is submitted; it can be read again when a reviewer sends it back.")
        else:
            button.toolTip = _("Open the selected case.")
        is_any = any(row.item.status != TaskStatus.SUBMITTED for row in self._rows)
        self.ui.nextButton.enabled = is_any
        self.ui.nextButton.toolTip = _("Open the next case to be read.") if is_any else _("All your cases are read.")


def _status_text(row: WorklistRow, open_case: WorkItem | None) -> str:
    texts: dict[Any, str] = {
        TaskStatus.ASSIGNED: _("To do"),
        TaskStatus.STARTED: _("Started"),
        TaskStatus.DRAFT: _("Draft"),
        TaskStatus.SENT_BACK: _("Sent back"),
        TaskStatus.SUBMITTED: _("Submitted"),
    }
    text = texts.get(TaskStatus(row.item.status), str(row.item.status))
    is_open = open_case is not None and (row.item.case, row.item.round) == (open_case.case, open_case.round)
    return _("{status}, open").format(status=text) if is_open else text
