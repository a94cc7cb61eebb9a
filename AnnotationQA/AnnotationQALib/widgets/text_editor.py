"""An answer in words."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.answers import TextValue, Value
from AnnotationQACore.protocol.model import TextAnswer
from AnnotationQALib.widgets.guard import connect

__all__ = ["TextEditor"]


class TextEditor:
    """A line, or several, with the number of characters left where the protocol limits them.

    Attributes
    ----------
    widget : QWidget
    edit : QLineEdit or QTextEdit
    """

    def __init__(self, item: TextAnswer, on_written: Callable[[str], None]) -> None:
        self._item = item
        self._on_written = on_written
        self.widget = qt.QWidget()
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        self.edit = qt.QTextEdit() if item.multiline else qt.QLineEdit()
        self.edit.toolTip = _("Write the answer; it is kept while you write.")
        self.edit.placeholderText = _("In your own words; no names of patients")
        if item.multiline:
            self.edit.acceptRichText = False
            self.edit.tabChangesFocus = True
            self.edit.maximumHeight = 90
            connect(self.edit, "textChanged()", self._written)
        else:
            if item.max_length:
                self.edit.maxLength = item.max_length
            connect(self.edit, "textChanged(QString)", lambda: self._written())
        layout.addWidget(self.edit)
        self._left = qt.QLabel()
        self._left.alignment = qt.Qt.AlignRight
        self._left.enabled = False
        self._left.visible = bool(item.max_length)
        layout.addWidget(self._left)
        self._count()

    def show(self, value: Value | None) -> None:
        """Show the answer, unless it is what the reader is writing."""
        text = value.text if isinstance(value, TextValue) else ""
        if text == self._text() or (not text and not self._text().strip()):
            return
        self.edit.blockSignals(True)
        if self._item.multiline:
            self.edit.setPlainText(text)
        else:
            self.edit.text = text
        self.edit.blockSignals(False)
        self._count()

    def focus(self) -> None:
        """Give the keyboard to the text."""
        self.edit.setFocus()

    def _text(self) -> str:
        return str(self.edit.plainText if self._item.multiline else self.edit.text)

    def _written(self) -> None:
        self._count()
        self._on_written(self._text())

    def _count(self) -> None:
        if self._item.max_length:
            left = self._item.max_length - len(self._text())
            self._left.text = _("{number} characters left").format(number=left)
