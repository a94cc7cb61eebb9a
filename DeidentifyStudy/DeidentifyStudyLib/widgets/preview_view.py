"""Section "Preview": one file before and after."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyLib.logic.preview import Preview, first_object, preview_of
from DeidentifyStudyLib.widgets.common import ask_file, colour_of, fill, path_in, style_table
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["PreviewView", "first_of"]

_KEPT = ("kept", "kept empty")


class PreviewView:
    """Shows what would happen to one file; its values go nowhere else."""

    def __init__(self, ui: Any, source: Callable[[], Path | None], profile: Callable[[], Profile | None]) -> None:
        self.ui = ui
        self._source = source
        self._profile = profile
        style_table(ui.previewTable, 0, 2, 3)
        ui.previewSummary.visible = False
        connect(ui.previewFileButton, "clicked()", lambda: ask_file(ui.previewFileEdit, _("DICOM file")))
        connect(ui.previewButton, "clicked()", self.show)
        connect(ui.previewChanged, "toggled(bool)", lambda _checked: self._hide_kept())

    def show(self) -> None:
        """Explain the file."""
        with slicer.util.WaitCursor():
            self._explain()

    def _explain(self) -> None:
        profile, path = self._profile(), path_in(self.ui.previewFileEdit) or self._source()
        if profile is None:
            self._show(Preview(problem=_("Mend the profile first.")))
        elif path is None:
            self._show(
                Preview(problem=_("There is no DICOM file to show: choose one, or the folder with the studies."))
            )
        else:
            self._show(preview_of(path, profile))

    def forget(self) -> None:
        """Show nothing of a patient any more."""
        self.ui.previewTable.rowCount = 0
        self.ui.previewFileEdit.text = ""
        self.ui.previewSummary.visible = False

    def _show(self, preview: Preview) -> None:
        counted = ", ".join(f"{count} {_word(action)}" for action, count in sorted(preview.counts().items()))
        self.ui.previewSummary.text = preview.problem or counted
        self.ui.previewSummary.visible = True
        rows, tooltips, colours = [], [], []
        for row in preview.rows:
            depth = row.path.count("/") + 1 if row.path else 0
            name = row.name or f"({row.tag})"
            rows.append(("› " * depth + name, _word(row.action), row.before, row.after))
            tooltips.append(
                f"<p><b>({row.tag}) {escape(name)}</b>, {row.vr}: {escape(row.why)}</p>"
                f"<p>{escape(row.before)}<br/>→ {escape(row.after)}</p>"
            )
            colours.append(colour_of(row.action))
        fill(self.ui.previewTable, rows, tooltips, colours)
        self._hide_kept()

    def _hide_kept(self) -> None:
        table = self.ui.previewTable
        kept = {_word(action) for action in _KEPT}
        for row in range(table.rowCount):
            table.setRowHidden(row, self.ui.previewChanged.checked and table.item(row, 1).text() in kept)


def _word(action: str) -> str:
    """Say an action in a word."""
    return {
        "kept": _("kept"),
        "kept empty": _("empty"),
        "emptied": _("emptied"),
        "removed": _("removed"),
        "replaced": _("replaced"),
        "cleaned item by item": _("cleaned"),
    }.get(action, action)


def first_of(folder: Path | None, files: tuple[str, ...]) -> Path | None:
    """The file that a preview shows when none was chosen."""
    if files:
        return Path(files[0])
    return first_object(folder) if folder is not None and folder.is_dir() else None
