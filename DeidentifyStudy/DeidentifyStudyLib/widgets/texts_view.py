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
    """Shows the distinct texts of a result; `remove` is called with tags and names that must not stay in the next."""

    def __init__(
        self,
        ui: Any,
        remove: Callable[[dict[str, str]], None],
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self.ui = ui
        self._remove = remove
        self._now = now
        self._outcome: Outcome | None = None
        self._sign_off: SignOff | None = None
        style_table(ui.textsTable, 0, 1)
        connect(ui.textsSearch, "textChanged(QString)", lambda text: show_matching(ui.textsTable, text))
        connect(ui.textsTable, "itemChanged(QTableWidgetItem*)", lambda _item: self._ticked())
        connect(ui.signerEdit, "textChanged(QString)", lambda _text: self._check_can_sign())
        connect(ui.signButton, "clicked()", self._sign)
        connect(ui.refuseButton, "clicked()", self._refuse)
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
        self.ui.textsSummary.text = _("There is no result yet.") if outcome is None else _summary(len(texts))
        self._say_signed()
        self._check_can_sign()

    def _ticked(self) -> None:
        if self._outcome is None or self._sign_off is None:
            return
        table = self.ui.textsTable
        self._sign_off.refused = {
            text for row, text in enumerate(self._outcome.texts) if table.item(row, 0).checkState() != qt.Qt.Checked
        }
        self.ui.signLabel.text = _("Changed since: sign again.") if self._sign_off.signed_by else ""
        self.ui.refuseButton.visible = False

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
        self._say_signed()

    def _say_signed(self) -> None:
        sign_off = self._sign_off
        self.ui.refuseButton.visible = sign_off is not None and bool(sign_off.signed_by and sign_off.refused)
        if sign_off is None or not sign_off.signed_by:
            self.ui.signLabel.text = ""
        elif not sign_off.refused:
            self.ui.signLabel.text = _("Signed by {name}: all of them may stay.").format(name=sign_off.signed_by)
        else:
            self.ui.signLabel.text = _("Signed by {name}: {count} must not stay.").format(
                name=sign_off.signed_by, count=len(sign_off.refused)
            )

    def _refuse(self) -> None:
        if self._sign_off is None:
            return
        texts = sorted(self._sign_off.refused, key=lambda text: text.tag)
        self._remove({text.tag: text.name for text in texts if text.is_standard})
        private = sum(not text.is_standard for text in texts)
        said = _("The profile removes their attributes now: choose a new folder for the result, and start.")
        if private:
            said += " " + _("Untick Keep safe private elements for those of private elements ({count}).").format(
                count=private
            )
        self.ui.signLabel.text = said
        self.ui.refuseButton.visible = False


def _summary(count: int) -> str:
    if count == 1:
        return _("One text stayed. Untick it if it must not stay, then sign.")
    return _("{count} different texts stayed. Untick what must not stay, then sign.").format(count=count)
