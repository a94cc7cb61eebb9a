"""Section "Studies": a folder, or studies of the DICOM database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from DeidentifyStudyLib.logic.database import Study
from DeidentifyStudyLib.widgets.common import ask_folder, fill, path_in, style_table
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["SourceView"]


class SourceView:
    """Shows where the studies come from; `studies` is called when the list of the database is wanted."""

    def __init__(self, ui: Any, studies: Callable[[], list[Study]], changed: Callable[[], None]) -> None:
        self.ui = ui
        self._ask = studies
        self._changed = changed
        self._studies: list[Study] = []
        style_table(ui.studiesTable, 0, 1)
        connect(ui.folderRadio, "toggled(bool)", self._show_kind)
        connect(ui.sourceFolderEdit, "textChanged(QString)", lambda _text: changed())
        connect(
            ui.sourceFolderButton, "clicked()", lambda: ask_folder(ui.sourceFolderEdit, _("Folder with the studies"))
        )
        connect(ui.studiesTable, "itemChanged(QTableWidgetItem*)", lambda _item: self._ticked())
        self._show_kind()

    @property
    def from_database(self) -> bool:
        """Whether studies of the database are wanted."""
        return bool(self.ui.databaseRadio.checked)

    @property
    def folder(self) -> Path | None:
        """The folder; None when the database is the source or nothing is chosen."""
        return None if self.from_database else path_in(self.ui.sourceFolderEdit)

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the ticked studies."""
        if not self.from_database:
            return ()
        return tuple(
            file for number, study in enumerate(self._studies) if self._is_ticked(number) for file in study.files
        )

    def refresh(self) -> None:
        """Read the list of the database anew; ticks stay."""
        if not self.from_database:
            return
        ticked = {study.uid for number, study in enumerate(self._studies) if self._is_ticked(number)}
        self._studies = self._ask()
        table = self.ui.studiesTable
        rows = [
            (study.description or _("(no description)"), study.patient, study.date, str(len(study.files)))
            for study in self._studies
        ]
        fill(table, rows)
        blocked = table.blockSignals(True)
        for number, study in enumerate(self._studies):
            item = table.item(number, 0)
            item.setFlags(item.flags() | qt.Qt.ItemIsUserCheckable)
            item.setCheckState(qt.Qt.Checked if study.uid in ticked else qt.Qt.Unchecked)
        table.blockSignals(blocked)
        self._ticked()

    def forget(self) -> None:
        """Show nothing of a patient any more."""
        self._studies = []
        self.ui.studiesTable.rowCount = 0
        self.ui.sourceFolderEdit.text = ""

    def _is_ticked(self, number: int) -> bool:
        item = self.ui.studiesTable.item(number, 0)
        return item is not None and item.checkState() == qt.Qt.Checked

    def _ticked(self) -> None:
        if not self._studies:
            text = _("The DICOM database holds no studies: import them in the DICOM module first.")
        else:
            count = sum(self._is_ticked(number) for number in range(len(self._studies)))
            text = _("Ticked: {count} of {all} studies; files: {files}").format(
                count=count, all=len(self._studies), files=len(self.files)
            )
        self.ui.studiesLabel.text = text
        self._changed()

    def _show_kind(self, *_arguments: Any) -> None:
        for widget in (self.ui.studiesTable, self.ui.studiesLabel):
            widget.visible = self.from_database
        for widget in (self.ui.sourceFolderEdit, self.ui.sourceFolderButton):
            widget.enabled = not self.from_database
        self.refresh()
        self._changed()
