"""Section "Texts that stayed": a person looks them over and signs."""

import datetime
from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyLib.logic.outcome import Outcome, SignOff
from DeidentifyStudyLib.widgets.common import fill, show_matching, style_table
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["TextsView"]


class TextsView:
    """Shows the distinct texts of a result."""

    def __init__(
        self, ui: Any, now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)
    ) -> None:
        self.ui = ui
        self._now = now
        self._outcome: Outcome | None = None
        self._sign_off: SignOff | None = None
        style_table(ui.textsTable, 0)
        connect(ui.textsSearch, "textChanged(QString)", lambda text: show_matching(ui.textsTable, text))
        connect(ui.textsTable, "itemChanged(QTableWidgetItem*)", lambda _item: self._ticked())
        connect(ui.signerEdit, "textChanged(QString)", lambda _text: self._check_can_sign())
        connect(ui.signButton, "clicked()", self._sign)
        self.show(None)

    def show(self, outcome: Outcome | None) -> None:
        """Show the texts of an outcome."""
        self._outcome = outcome
        self._sign_off = SignOff(outcome) if outcome is not None else None
        texts = outcome.texts if outcome is not None else ()
        table = self.ui.textsTable
        fill(table, [(text.text, text.name, text.tag) for text in texts])
        blocked = table.blockSignals(True)
        for row, text in enumerate(texts):
            item = table.item(row, 0)
            item.setFlags(item.flags() | qt.Qt.ItemIsUserCheckable)
            refused = self._sign_off is not None and text in self._sign_off.refused
            item.setCheckState(qt.Qt.Unchecked if refused else qt.Qt.Checked)
        table.blockSignals(blocked)
        self.ui.textsSummary.text = (
            _("There is no result yet.")
            if outcome is None
            else _("{count} different texts stayed. Untick what must not stay, then sign.").format(count=len(texts))
        )
        signed = self._sign_off is not None and self._sign_off.signed_by
        self.ui.signLabel.text = self._signed_text() if signed else ""
        self._check_can_sign()

    def _ticked(self) -> None:
        if self._outcome is None or self._sign_off is None:
            return
        table = self.ui.textsTable
        self._sign_off.refused = {
            text for row, text in enumerate(self._outcome.texts) if table.item(row, 0).checkState() != qt.Qt.Checked
        }
        self.ui.signLabel.text = _("Changed since: sign again.") if self._sign_off.signed_by else ""

    def _check_can_sign(self) -> None:
        reason = ""
        if self._outcome is None:
            reason = _("There is no result yet.")
        elif not self.ui.signerEdit.text.strip():
            reason = _("Type your name first.")
        self.ui.signButton.enabled = not reason
        self.ui.signButton.toolTip = reason or _("Write beside the report that you looked at these texts")

    def _sign(self) -> None:
        if self._sign_off is None:
            return
        try:
            self._sign_off.sign(self.ui.signerEdit.text, self._now().isoformat(timespec="seconds"))
        except DeidentifyError as error:
            self.ui.signLabel.text = str(error)
            return
        self.ui.signLabel.text = self._signed_text()

    def _signed_text(self) -> str:
        if self._sign_off is None:
            return ""
        if not self._sign_off.refused:
            return _("Signed by {name}: all of them may stay.").format(name=self._sign_off.signed_by)
        return _(
            "Signed by {name}: {count} must not stay. Name their attributes in the profile ('attributes', action X) "
            "and run again into a new folder."
        ).format(name=self._sign_off.signed_by, count=len(self._sign_off.refused))
