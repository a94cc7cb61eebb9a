"""Section "Results": what was written, and what was not and why."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DeidentifyStudyLib.logic.outcome import Outcome
from DeidentifyStudyLib.widgets.common import fill, style_table
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["ResultView"]

_MOST_NAMES = 500


class ResultView:
    """Shows an outcome; `load` brings the folder of results into Slicer and returns a line to show.

    `names` says which files of the source were left out: numbers and digests to names.
    """

    def __init__(
        self,
        ui: Any,
        load: Callable[[Path], str],
        names: Callable[[Sequence[tuple[int, str]]], list[str]],
    ) -> None:
        self.ui = ui
        self._names = names
        self._load_folder = load
        self._outcome: Outcome | None = None
        style_table(ui.reasonsTable, 2)
        ui.reasonsTable.wordWrap = True
        connect(ui.loadButton, "clicked()", self._load)
        connect(ui.reportButton, "clicked()", lambda: self._open(self._outcome.page))
        connect(ui.folderButton, "clicked()", lambda: self._open(self._outcome.data))
        connect(ui.reasonsTable, "itemSelectionChanged()", self._show_files)
        self.show(None)

    def show(self, outcome: Outcome | None, problem: str = "") -> None:
        """Show an outcome, or why there is none."""
        self._outcome = outcome
        self.ui.filesList.clear()
        self.ui.filesList.visible = False
        for button in (self.ui.loadButton, self.ui.reportButton, self.ui.folderButton):
            button.enabled = outcome is not None
        self.ui.loadButton.enabled = outcome is not None and outcome.written > 0
        self.ui.reasonsTable.visible = outcome is not None and bool(outcome.reasons)
        if outcome is None:
            self.ui.resultSummary.text = problem or _("There is no result yet.")
            self.ui.reasonsTable.rowCount = 0
            return
        self.ui.resultSummary.text = _summary(outcome)
        fill(self.ui.reasonsTable, [(str(row.files), row.code, row.meaning) for row in outcome.reasons])
        self.ui.reasonsTable.resizeRowsToContents()

    def forget(self) -> None:
        """Show nothing of a patient any more."""
        self.show(None)

    def _show_files(self) -> None:
        """Show which files have the selected reason."""
        rows = {item.row() for item in self.ui.reasonsTable.selectedItems()}
        self.ui.filesList.clear()
        self.ui.filesList.visible = bool(rows)
        if self._outcome is None or not rows:
            return
        files = self._outcome.left_out.get(self._outcome.reasons[min(rows)].code, ())
        with slicer.util.WaitCursor():
            names = self._names(files[:_MOST_NAMES])
        for name in names:
            self.ui.filesList.addItem(name)
        if len(names) < len(files):
            self.ui.filesList.addItem(_("and {count} more, see the report").format(count=len(files) - len(names)))

    def _load(self) -> None:
        if self._outcome is not None:
            with slicer.util.WaitCursor():
                loaded = self._load_folder(self._outcome.data)
            self.ui.resultSummary.text = f"{_summary(self._outcome)} {loaded}"

    @staticmethod
    def _open(path: Path) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))


def _summary(outcome: Outcome) -> str:
    if not outcome.quarantined:
        if outcome.written == 1:
            return _("The only object was written and verified.")
        return _("All {count} objects were written and verified.").format(count=outcome.written)
    written = (
        _("1 object was written and verified")
        if outcome.written == 1
        else _("{count} objects were written and verified").format(count=outcome.written)
    )
    left = (
        _("1 file was not written")
        if outcome.quarantined == 1
        else _("{count} files were not written").format(count=outcome.quarantined)
    )
    return f"{written}, {left}:"
