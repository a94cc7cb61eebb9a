"""The fields of the release sheet: what only people can say of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore import atomic
from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.release.sheet import ReleaseSheet, load_sheet, sheet_from_json, sheet_text
from AnnotationQALib.logic.release_form import SHEET_FIELDS, sheet_document, sheet_texts
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import prepare
from AnnotationQALib.widgets.wordings import error_text, told

__all__ = ["ReleaseSheetView"]


class ReleaseSheetView:
    """Edits the sheet field by field.

    Parameters
    ----------
    ui : children by name
        Of ``LabelingRelease.ui``.
    on_done, on_error : callable
        Called with one line.
    """

    def __init__(self, ui: Any, on_done: Callable[[str], None], on_error: Callable[[str], None]) -> None:
        self._ui = ui
        self._on_done = on_done
        self._on_error = on_error
        self._texts: dict[str, str] = {}
        table = ui.sheetTable
        prepare(table, 1)
        table.setRowCount(len(SHEET_FIELDS))
        for row, one in enumerate(SHEET_FIELDS):
            table.setItem(row, 0, qt.QTableWidgetItem(told(one.title) + (" *" if one.is_required else "")))
            table.setItem(row, 1, qt.QTableWidgetItem(""))
            for column in (0, 1):
                table.item(row, column).setToolTip(told(one.help))
        connect(table, "itemSelectionChanged()", self._selected)
        connect(ui.sheetEdit, "textChanged()", self._edited)
        connect(ui.openSheetButton, "clicked()", self._open)
        connect(ui.saveSheetButton, "clicked()", self._save)
        self.show(sheet_texts(ReleaseSheet(title="-", version="1.0.0")) | {"title": ""})

    @property
    def texts(self) -> Mapping[str, str]:
        """Text of each field."""
        return dict(self._texts)

    def show(self, texts: Mapping[str, str]) -> None:
        """Show other texts."""
        self._texts = dict(texts)
        for row in range(len(SHEET_FIELDS)):
            self._show_row(row)
        self._ui.sheetTable.selectRow(max(self._row(), 0))
        self._selected()

    def _row(self) -> int:
        rows = self._ui.sheetTable.selectionModel().selectedRows()
        return rows[0].row() if rows else -1

    def _show_row(self, row: int) -> None:
        one = SHEET_FIELDS[row]
        text = " · ".join(self._texts.get(one.name, "").split("\n")).strip()
        if not text and one.is_required:
            text = _("needed")
        self._ui.sheetTable.item(row, 1).setText(text)

    def _selected(self) -> None:
        row = self._row()
        if row < 0:
            return
        one = SHEET_FIELDS[row]
        several = " " + _("One on each line.") if one.is_list else ""
        needed = " " + _("The gate asks for it.") if one.is_required else ""
        self._ui.sheetHelpLabel.text = f"<b>{told(one.title)}</b>: {told(one.help)}{several}{needed}"
        self._ui.sheetEdit.blockSignals(True)
        self._ui.sheetEdit.setPlainText(self._texts.get(one.name, ""))
        self._ui.sheetEdit.blockSignals(False)

    def _edited(self) -> None:
        row = self._row()
        if row >= 0:
            self._texts[SHEET_FIELDS[row].name] = str(self._ui.sheetEdit.plainText)
            self._show_row(row)

    def _open(self) -> None:
        try:
            self.show(sheet_texts(load_sheet(self._path())))
        except AnnotationQAError as error:
            self._on_error(error_text(error))

    def _save(self) -> None:
        try:
            path = self._path()
            atomic.write_text(path, sheet_text(sheet_from_json(sheet_document(self._texts))))
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return
        self._on_done(_("The release sheet is saved."))

    def _path(self) -> Path:
        text = str(self._ui.sheetPathEdit.currentPath).strip()
        if not text:
            raise InputError(_("release sheet: no file is chosen; choose one."))
        return Path(text)
