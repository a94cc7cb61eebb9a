"""Section "Result and key": where the result goes, the key and its passphrase."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.logic.staging import earlier_name
from DeidentifyStudyLib.widgets.common import ask_file, ask_folder, ask_new_file, path_in
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["PlacesView"]


class PlacesView:
    """Shows the places; the passphrase is held by its line edits only."""

    def __init__(self, ui: Any, changed: Callable[[], None], show_earlier: Callable[[], None]) -> None:
        self.ui = ui
        keys = _("Key files (*.key *.json);;All files (*)")
        for edit in ("destinationEdit", "keyEdit", "passphraseEdit", "repeatEdit", "idsEdit"):
            connect(getattr(ui, edit), "textChanged(QString)", lambda _text: changed())
        connect(ui.workersSpin, "valueChanged(int)", lambda _value: changed())
        connect(ui.wholeFilesCheck, "toggled(bool)", lambda _checked: changed())
        connect(ui.destinationButton, "clicked()", lambda: ask_folder(ui.destinationEdit, _("Folder for the result")))
        connect(ui.keyButton, "clicked()", lambda: ask_file(ui.keyEdit, _("Key file"), keys))
        connect(ui.newKeyButton, "clicked()", lambda: ask_new_file(ui.keyEdit, _("New key file"), keys))
        connect(ui.idsButton, "clicked()", lambda: ask_file(ui.idsEdit, _("Pseudonyms"), _("Tables (*.csv)")))
        connect(ui.advancedButton, "toggled(bool)", lambda shown: setattr(ui.advancedHolder, "visible", shown))
        ui.advancedHolder.visible = False
        connect(ui.earlierButton, "clicked()", show_earlier)
        self.offer(earlier=False)
        self.show_key(RunSettings())

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

    def show_key(self, settings: RunSettings) -> None:
        """Show what the key needs: nothing, its passphrase, or a new passphrase twice."""
        ephemeral = settings.profile is not None and settings.profile.ephemeral
        is_new = settings.key_is_new
        for name in ("keyEdit", "keyButton", "newKeyButton", "passphraseEdit"):
            getattr(self.ui, name).enabled = not ephemeral
        for widget in (self.ui.repeatLabel, self.ui.repeatEdit):
            widget.visible = is_new and not ephemeral
        if settings.destination is not None and settings.starts_anew:
            hint = _(
                "The key of the result in this folder is gone. Starting again makes a new one, with your decisions of "
                "the reviews; the earlier one is renamed to {name}."
            ).format(name=earlier_name(settings.destination))
        elif ephemeral:
            hint = _(
                "This profile throws its key away at the end: nobody can re-identify, extend or resume the result."
            )
        elif is_new:
            hint = _("A new key file will be made. Keep it and its passphrase safe: without both, pseudonyms end here.")
        else:
            hint = ""
        self.ui.keyHint.text = hint
        self.ui.keyHint.visible = bool(hint)

    def offer(self, *, earlier: bool) -> None:
        """Offer to show the result that lies in the chosen folder already."""
        self.ui.earlierButton.visible = earlier

    def forget(self) -> None:
        """Drop the passphrase."""
        self.ui.passphraseEdit.clear()
        self.ui.repeatEdit.clear()
