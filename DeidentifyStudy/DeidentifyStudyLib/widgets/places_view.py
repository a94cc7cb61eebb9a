"""Section "Result and key": where the result goes, the key and its passphrase."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from DeidentifyStudyLib.widgets.common import ask_file, ask_folder, ask_new_file, path_in

__all__ = ["PlacesView"]


class PlacesView:
    """Shows the places; the passphrase is held by its line edits only."""

    def __init__(self, ui: Any, changed: Callable[[], None]) -> None:
        self.ui = ui
        keys = _("Key files (*.key *.json);;All files (*)")
        for edit in ("destinationEdit", "keyEdit", "passphraseEdit", "repeatEdit", "idsEdit"):
            getattr(ui, edit).connect("textChanged(QString)", lambda _text: changed())
        ui.workersSpin.connect("valueChanged(int)", lambda _value: changed())
        ui.wholeFilesCheck.connect("toggled(bool)", lambda _checked: changed())
        ui.destinationButton.connect("clicked()", lambda: ask_folder(ui.destinationEdit, _("Folder for the result")))
        ui.keyButton.connect("clicked()", lambda: ask_file(ui.keyEdit, _("Key file"), keys))
        ui.newKeyButton.connect("clicked()", lambda: ask_new_file(ui.keyEdit, _("New key file"), keys))
        ui.idsButton.connect("clicked()", lambda: ask_file(ui.idsEdit, _("Pseudonyms"), _("Tables (*.csv)")))
        ui.advancedButton.connect("toggled(bool)", lambda shown: setattr(ui.advancedHolder, "visible", shown))
        ui.advancedHolder.visible = False
        self.show_key(ephemeral=False, is_new=False)

    @property
    def destination(self) -> Path | None:
        """Folder for the result."""
        return path_in(self.ui.destinationEdit)

    @property
    def key(self) -> Path | None:
        """Key file."""
        return path_in(self.ui.keyEdit)

    @property
    def ids(self) -> Path | None:
        """Table of pseudonyms."""
        return path_in(self.ui.idsEdit)

    def show_key(self, *, ephemeral: bool, is_new: bool) -> None:
        """Show what the key needs: nothing, its passphrase, or a new passphrase twice."""
        for name in ("keyEdit", "keyButton", "newKeyButton", "passphraseEdit"):
            getattr(self.ui, name).enabled = not ephemeral
        for widget in (self.ui.repeatLabel, self.ui.repeatEdit):
            widget.visible = is_new and not ephemeral
        if ephemeral:
            hint = _(
                "This profile throws its key away at the end: nobody can re-identify, extend or resume the result."
            )
        elif is_new:
            hint = _("A new key file will be made. Keep it and its passphrase safe: without both, pseudonyms end here.")
        else:
            hint = ""
        self.ui.keyHint.text = hint
        self.ui.keyHint.visible = bool(hint)

    def forget(self) -> None:
        """Drop the passphrase."""
        self.ui.passphraseEdit.clear()
        self.ui.repeatEdit.clear()
