"""Tables and combo boxes as all panels have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

__all__ = ["ROW_HEIGHT", "cell", "chosen", "fill", "fill_combo", "prepare", "selected_row"]

ROW_HEIGHT = 24
"""Of all tables, in pixels."""


def prepare(table: Any, stretched: int, headers: Sequence[str] = ()) -> None:
    """Set a table up: no row numbers, columns as wide as what is in them, and one that takes the rest."""
    if headers:
        table.setColumnCount(len(headers))
        table.setHorizontalHeaderLabels(list(headers))
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.wordWrap = False
    header = table.horizontalHeader()
    for column in range(table.columnCount):
        mode = qt.QHeaderView.Stretch if column == stretched else qt.QHeaderView.ResizeToContents
        header.setSectionResizeMode(column, mode)


def cell(text: str, tip: str = "", right: bool = False) -> Any:
    """A cell of a table."""
    made = qt.QTableWidgetItem(text)
    made.setToolTip(tip or text)
    if right:
        made.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    return made


def fill(table: Any, rows: Sequence[Sequence[Any]]) -> None:
    """Put rows of texts or cells into a table; the selection is taken away, and nobody is told."""
    table.blockSignals(True)
    table.clearSelection()
    table.setRowCount(len(rows))
    for place, row in enumerate(rows):
        for column, content in enumerate(row):
            table.setItem(place, column, cell(content) if isinstance(content, str) else content)
    table.blockSignals(False)


def selected_row(table: Any) -> int:
    """The selected row; -1 when there is none."""
    rows = table.selectionModel().selectedRows()
    return rows[0].row() if rows else -1


def fill_combo(combo: Any, everything: str, entries: Sequence[tuple[str, str]]) -> None:
    """Entries of (text, data) below one for all; what was chosen stays chosen, and nobody is told."""
    former = chosen(combo)
    combo.blockSignals(True)
    combo.clear()
    if everything:
        combo.addItem(everything, "")
    for text, data in entries:
        combo.addItem(text, data)
    combo.currentIndex = max(combo.findData(former), 0) if combo.count else -1
    combo.blockSignals(False)


def chosen(combo: Any) -> str:
    """Data of the chosen entry; empty for all and for none."""
    data = combo.currentData
    return str(data) if data else ""
