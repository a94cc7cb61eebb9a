"""Choose a project and who you are; afterwards the bar that tells how far you are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.project import identities
from AnnotationQACore.project.identities import Identity
from AnnotationQALib.logic.session_header import SessionHeader
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import error_text, told

__all__ = ["Keys", "SignInView", "progress_text"]

LAST_READER = "AnnotationQA/Reader"


@dataclass(frozen=True, slots=True)
class Keys:
    """Where keys come from; tests hand in others."""

    names: Callable[[], Sequence[str]] = lambda: tuple(identities.key_files())
    create: Callable[..., Identity] = identities.create_identity
    load: Callable[..., Identity] = identities.load_identity


class SignInView:
    """The page to sign in, and the page of the open project.

    Parameters
    ----------
    on_open : callable
        Called with the folder and the identity.
    on_close : callable
    on_error : callable
        Called with one line.
    keys : Keys

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(
        self,
        on_open: Callable[[str, Identity], None],
        on_close: Callable[[], None],
        on_error: Callable[[str], None],
        keys: Keys | None = None,
    ) -> None:
        self.widget, self.ui = load_ui("LabelingSignIn.ui")
        self._on_open = on_open
        self._on_error = on_error
        self._keys = keys or Keys()
        connect(self.ui.openButton, "clicked()", self._open)
        connect(self.ui.closeButton, "clicked()", on_close)
        connect(self.ui.newIdentityButton, "toggled(bool)", self._show_new)
        connect(self.ui.createIdentityButton, "clicked()", self._create)
        connect(self.ui.copyKeyButton, "clicked()", self._copy)
        connect(self.ui.passphraseEdit, "returnPressed()", self._open)
        connect(self.ui.repeatPassphraseEdit, "returnPressed()", self._create)
        connect(self.ui.projectPathEdit, "currentPathChanged(QString)", lambda: self._enable())
        connect(self.ui.identityCombo, "currentIndexChanged(int)", lambda: self._enable())
        self.ui.projectPathEdit.retrieveHistory()
        self.show_identities(str(qt.QSettings().value(LAST_READER) or ""))

    @property
    def identity(self) -> str:
        """Name of the chosen key; empty for none."""
        return str(self.ui.identityCombo.currentText)

    def identity_to_use(self) -> Identity:
        """The chosen key; raises `InputError` when there is none or it cannot be opened."""
        if not self.identity:
            raise InputError(_("key: none is chosen; make a key for yourself first."))
        return self._keys.load(self.identity, passphrase=str(self.ui.passphraseEdit.text))

    def show_identities(self, chosen: str = "") -> None:
        """List the keys of this computer."""
        combo = self.ui.identityCombo
        combo.clear()
        combo.addItems(list(self._keys.names()))
        index = combo.findText(chosen) if chosen else -1
        if combo.count:
            combo.currentIndex = max(index, 0)
        self._enable()

    def show_project(self, header: SessionHeader | None) -> None:
        """Show the open project; None shows the page to sign in."""
        self.ui.signInPage.visible = header is None
        self.ui.projectPage.visible = header is not None
        if header is None:
            self._enable()
            return
        self.ui.newIdentityButton.checked = False
        self.ui.newIdentityBox.visible = False
        self.ui.keyFrame.visible = False
        self.ui.protocolLabel.text = f"{header.protocol} {header.version}"
        self.ui.progressBar.maximum = max(header.progress.total, 1)
        self.ui.progressBar.value = header.progress.read
        self.ui.progressLabel.text = f"{header.reader}: {progress_text(header)}"
        health = header.health
        if health.is_healthy:
            text = _("Ledger: whole")
        elif not health.is_reachable:
            text = _("⚠ The project cannot be reached; your work is kept on this computer until it is back.")
        else:
            text = "⚠ " + _("Ledger: {problem}; tell the lead.").format(problem=told(health.problems[0]).rstrip("."))
        self.ui.healthLabel.text = text
        self.ui.healthLabel.toolTip = "\n".join(map(told, health.problems)) or text

    def show_opening(self, is_opening: bool) -> None:
        """While a project is opened, no other can be chosen."""
        self.ui.signInPage.enabled = not is_opening

    def remember(self) -> None:
        """The project is open: remember it and the reader for the next time, and forget the passphrase."""
        self.ui.passphraseEdit.clear()
        self.ui.projectPathEdit.addCurrentPathToHistory()
        qt.QSettings().setValue(LAST_READER, self.identity)

    def _open(self) -> None:
        if not self.ui.openButton.enabled:
            return
        try:
            identity = self.identity_to_use()
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return
        self._on_open(str(self.ui.projectPathEdit.currentPath), identity)

    def _show_new(self, shown: bool) -> None:
        self.ui.newIdentityBox.visible = shown
        if shown:
            self.ui.newNameEdit.setFocus()

    def _create(self) -> None:
        name = str(self.ui.newNameEdit.text).strip()
        try:
            if self.ui.newPassphraseEdit.text != self.ui.repeatPassphraseEdit.text:
                raise InputError(_("passphrase: the two are not the same; type it again."))
            identity = self._keys.create(name, passphrase=str(self.ui.newPassphraseEdit.text))
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return
        for edit in (self.ui.newPassphraseEdit, self.ui.repeatPassphraseEdit, self.ui.newNameEdit):
            edit.clear()
        self.ui.newIdentityButton.checked = False
        self.ui.publicKeyEdit.text = f"{identity.member} {identity.public_key}"
        self.ui.keyFrame.visible = True
        self.show_identities(identity.member)

    def _copy(self) -> None:
        qt.QApplication.clipboard().setText(self.ui.publicKeyEdit.text)

    def _enable(self) -> None:
        reason = ""
        if not str(self.ui.projectPathEdit.currentPath).strip():
            reason = _("Choose the folder of a project; the lead tells you where it is.")
        if not self.identity:
            reason = _("Make a key for yourself first, and give its public part to the lead.")
        self.ui.openButton.enabled = not reason
        self.ui.missingLabel.text = reason
        self.ui.missingLabel.visible = bool(reason)
        self.ui.openButton.toolTip = reason or _("Open the project and show your worklist.")


def progress_text(header: SessionHeader) -> str:
    """How far the reader is, in words."""
    progress = header.progress
    text = _("{read} of {total} read").format(read=progress.read, total=progress.total)
    return text + (", " + _("{number} sent back").format(number=progress.sent_back) if progress.sent_back else "")
