"""What the sections of the panel share: loading them, asking for paths, filling tables."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import qt
import slicer

__all__ = [
    "ask_file",
    "ask_folder",
    "ask_new_file",
    "colour_of",
    "dialog_settings",
    "fill",
    "forgetful_dialog",
    "load_section",
    "path_in",
    "show_all_rows",
    "show_matching",
    "style_table",
]

_REMEMBERED = ("FileDialog/lastVisited", "FileDialog/history")

_COLOURS = {
    "removed": (220, 60, 50, 70),
    "emptied": (220, 60, 50, 70),
    "replaced": (230, 160, 30, 70),
    "cleaned item by item": (60, 130, 220, 60),
}
"""Action to a colour that shows through, so that it does for dark and light themes."""


def load_section(folder: Path, name: str, layout: Any) -> Any:
    """Load a `.ui` file into a layout; returns its widgets by name."""
    section = slicer.util.loadUI(str(folder / "UI" / f"{name}.ui"))
    layout.addWidget(section)
    return slicer.util.childWidgetVariables(section)


def dialog_settings() -> Any:
    """Where Qt keeps what its own dialogs remember."""
    return qt.QSettings("QtProject")


@contextlib.contextmanager
def forgetful_dialog() -> Iterator[None]:
    """Let Qt forget where a file dialog was: it keeps the folders in settings that all programs with Qt share."""
    settings = dialog_settings()
    before = {key: settings.value(key) for key in _REMEMBERED if settings.contains(key)}
    try:
        yield
    finally:
        settings = dialog_settings()
        for key in _REMEMBERED:
            if key in before:
                settings.setValue(key, before[key])
            else:
                settings.remove(key)


def ask_folder(edit: Any, title: str) -> None:
    """Let the person choose a folder into a line edit."""
    with forgetful_dialog():
        chosen = qt.QFileDialog.getExistingDirectory(edit.window(), title, edit.text)
    if chosen:
        edit.text = chosen


def ask_file(edit: Any, title: str, filters: str = "") -> None:
    """Let the person choose a file into a line edit."""
    with forgetful_dialog():
        chosen = qt.QFileDialog.getOpenFileName(edit.window(), title, edit.text, filters)
    if chosen:
        edit.text = chosen


def ask_new_file(edit: Any, title: str, filters: str = "") -> None:
    """Let the person name a file that does not exist yet into a line edit."""
    with forgetful_dialog():
        chosen = qt.QFileDialog.getSaveFileName(edit.window(), title, edit.text, filters)
    if chosen:
        edit.text = chosen


def path_in(edit: Any) -> Path | None:
    """Path that a line edit holds."""
    text = edit.text.strip()
    return Path(text) if text else None


def colour_of(action: str) -> Any:
    """Background of an action; None for what is kept."""
    return qt.QBrush(qt.QColor(*_COLOURS[action])) if action in _COLOURS else None


def fill(table: Any, rows: Iterable[Sequence[str]], tooltips: Sequence[str] = (), colours: Sequence[Any] = ()) -> None:
    """Show rows of text, each with a tooltip (as rich text; by default what the cell says) and a background."""
    rows = list(rows)
    blocked = table.blockSignals(True)
    table.clearContents()
    table.rowCount = len(rows)
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            item = qt.QTableWidgetItem(str(text))
            item.setToolTip(tooltips[number] if tooltips else f"<p>{escape(str(text))}</p>")
            if colours and colours[number] is not None:
                item.setBackground(colours[number])
            table.setItem(number, column, item)
    table.blockSignals(blocked)


def show_matching(table: Any, words: str, columns: Sequence[int] = ()) -> None:
    """Hide the rows that do not hold all words, in these columns or in any."""
    wanted = words.casefold().split()
    for row in range(table.rowCount):
        cells = (table.item(row, column) for column in columns or range(table.columnCount))
        text = " ".join(cell.text() for cell in cells if cell is not None).casefold()
        table.setRowHidden(row, not all(word in text for word in wanted))


def show_all_rows(table: Any) -> None:
    """Make a table as high as its rows, so that nothing in it has to be scrolled."""
    rows = sum(table.rowHeight(row) for row in range(table.rowCount))
    table.minimumHeight = rows + table.horizontalHeader().sizeHint.height() + 2 * table.frameWidth


def style_table(table: Any, *stretched: int) -> None:
    """Give a table the habits of this panel: no row numbers, some columns that share the space."""
    table.verticalHeader().hide()
    table.horizontalHeader().setHighlightSections(False)
    for column in range(table.columnCount):
        mode = qt.QHeaderView.Stretch if column in stretched else qt.QHeaderView.ResizeToContents
        table.horizontalHeader().setSectionResizeMode(column, mode)
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
