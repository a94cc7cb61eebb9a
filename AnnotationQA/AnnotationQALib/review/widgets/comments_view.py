"""Comments with pins and arrows, and sending the case back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from AnnotationQACore.review.sending_back import Pin
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import cell, chosen, fill, fill_combo, prepare, selected_row
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["CommentActions", "CommentsView"]

READER = qt.Qt.UserRole


@dataclass(frozen=True, slots=True)
class CommentActions:
    """What the reviewer can do with comments.

    Attributes
    ----------
    add : callable
        Called with text, item and reader, and how it is placed: ``none``, ``here``, ``point`` or ``arrow``.
    remove, go : callable
        Called with the number of a comment.
    send : callable
        Called with the readers to whom the case goes back.
    """

    add: Callable[[str, str, str, str], None]
    remove: Callable[[int], None]
    go: Callable[[int], None]
    send: Callable[[Sequence[str]], None]


class CommentsView:
    """Comments of the open case.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(self, actions: CommentActions) -> None:
        self.widget, self.ui = load_ui("ReviewComments.ui")
        self._actions = actions
        self._pins: tuple[Pin, ...] = ()
        self._names: Mapping[str, str] = {}
        self._may_review = False
        ui = self.ui
        prepare(ui.commentsTable, 0)
        connect(ui.textEdit, "textChanged(QString)", lambda _text: self._enable())
        connect(ui.textEdit, "returnPressed()", lambda: self._add("none"))
        for button, how in (
            (ui.addButton, "none"),
            (ui.pinButton, "here"),
            (ui.pointButton, "point"),
            (ui.arrowButton, "arrow"),
        ):
            connect(button, "clicked()", lambda how=how: self._add(how))
        connect(ui.commentsTable, "itemSelectionChanged()", self._selected)
        connect(ui.removeButton, "clicked()", lambda: actions.remove(selected_row(ui.commentsTable)))
        connect(ui.readersList, "itemChanged(QListWidgetItem*)", lambda _item: self._enable())
        connect(ui.sendButton, "clicked()", lambda: actions.send(self.ticked))

    def show(
        self, names: Mapping[str, str], submitted: Sequence[str], items: Sequence[tuple[str, str]], may_review: bool
    ) -> None:
        """Show the form for a case: readers, what a comment can be about, and whether it can be sent."""
        self._names = names
        self._may_review = may_review
        fill_combo(self.ui.aboutCombo, _("About the case"), items)
        fill_combo(self.ui.toCombo, _("For all"), [(names[reader], reader) for reader in submitted])
        listed = self.ui.readersList
        listed.blockSignals(True)
        listed.clear()
        for reader in submitted:
            entry = qt.QListWidgetItem(names[reader])
            entry.setData(READER, reader)
            entry.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
            entry.setCheckState(qt.Qt.Checked)
            listed.addItem(entry)
        listed.blockSignals(False)
        self.show_pins(())

    @property
    def ticked(self) -> tuple[str, ...]:
        """To whom the case goes back."""
        entries = [self.ui.readersList.item(number) for number in range(self.ui.readersList.count)]
        return tuple(str(entry.data(READER)) for entry in entries if entry.checkState() == qt.Qt.Checked)

    def show_pins(self, pins: Sequence[Pin]) -> None:
        """Show the comments."""
        self._pins = tuple(pins)
        fill(
            self.ui.commentsTable,
            [
                [
                    cell(pin.text),
                    cell(self._names.get(pin.reader, pin.reader) or _("all")),
                    cell(_("arrow") if pin.towards else _("pin") if pin.position else ""),
                ]
                for pin in self._pins
            ],
        )
        self._enable()

    def show_placing(self, how: str) -> None:
        """Say what to click while a pin is placed; empty when nothing is."""
        texts = {
            "point": _("Click the place in a view. Esc or a right click ends it."),
            "arrow": _("Click where the arrow begins, then where it ends."),
        }
        if how in texts:
            self.ui.hintLabel.text = texts[how]
        else:
            self._enable()

    def clear_text(self) -> None:
        """The comment is added."""
        self.ui.textEdit.clear()

    def _add(self, how: str) -> None:
        text = str(self.ui.textEdit.text).strip()
        if text:
            self._actions.add(text, chosen(self.ui.aboutCombo), chosen(self.ui.toCombo), how)

    def _selected(self) -> None:
        place = selected_row(self.ui.commentsTable)
        self._enable()
        if 0 <= place < len(self._pins) and self._pins[place].position is not None:
            self._actions.go(place)

    def _enable(self) -> None:
        has_text = bool(str(self.ui.textEdit.text).strip())
        for button in (self.ui.addButton, self.ui.pinButton, self.ui.pointButton, self.ui.arrowButton):
            button.enabled = has_text
        self.ui.removeButton.enabled = selected_row(self.ui.commentsTable) >= 0
        reason = ""
        if not self._may_review:
            reason = _("Only reviewers and adjudicators of the project send cases back.")
        elif not self._pins:
            reason = _("Add a comment first: what is to be changed.")
        elif not self.ticked:
            reason = _("Tick to whom the case goes back.")
        self.ui.sendButton.enabled = not reason
        self.ui.sendButton.toolTip = reason or _("Send the case back to the ticked readers")
        names = ", ".join(self._names[reader] for reader in self.ticked)
        self.ui.hintLabel.text = reason or _("The case comes first in the worklist of {names}.").format(names=names)
