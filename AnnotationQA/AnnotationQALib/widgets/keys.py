"""The keys of the panel: those of the Segment Editor, of the views and of Slicer's menus stay free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQALib.widgets.guard import connect

__all__ = ["DIGITS", "FormKeys", "PanelKeys", "keys_page"]

DIGITS = tuple("123456789")

NEXT_ITEM, PREVIOUS_ITEM = "F6", "Shift+F6"
NEXT_WINDOW, RESET_VIEW = "F7", "Shift+F7"
CHECK, SUBMIT = "F8", "Ctrl+Return"
NEXT_CASE = "F9"
NOT_VISIBLE = "F4"
HELP = "F1"
UNDO, REDO = "F2", "Shift+F2"
NEXT_FRAME, PREVIOUS_FRAME, PLAY = "F3", "Shift+F3", "F5"


def descriptions() -> tuple[tuple[str, str], ...]:
    """Every key of the panel and what it does."""
    return (
        ("1 – 9", _("choose an answer, while the form has the keyboard")),
        (NEXT_ITEM, _("go to the next item to do")),
        (PREVIOUS_ITEM, _("go to the previous item to do")),
        (HELP, _("show or hide the help of the item")),
        (UNDO, _("take the last answer back; strokes are undone in the Segment Editor")),
        (REDO, _("give the answer again that was taken back")),
        (NEXT_FRAME, _("next frame of a cine")),
        (PREVIOUS_FRAME, _("previous frame of a cine")),
        (PLAY, _("play or stop a cine")),
        (NOT_VISIBLE, _("the next landmark is not visible")),
        (NEXT_WINDOW, _("next window preset")),
        (RESET_VIEW, _("views as the protocol wants them for this item")),
        (CHECK, _("check the reading")),
        (SUBMIT, _("submit the reading")),
        (NEXT_CASE, _("open the next case to be read")),
    )


def keys_page() -> str:
    """HTML of the help on keys."""
    rows = "".join(
        f"<tr><td><b>{escape(key)}</b>&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>" for key, text in descriptions()
    )
    note = escape(_("All keys of the Segment Editor and of the views work as usual while a segmentation is drawn."))
    return f"<table cellspacing='2'>{rows}</table><p>{note}</p>"


class PanelKeys:
    """Keys that work in the whole window while the module is shown."""

    def __init__(self, window: Any, actions: Mapping[str, Callable[[], None]]) -> None:
        self._shortcuts = []
        for sequence, action in actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(sequence), window)
            shortcut.setContext(qt.Qt.WindowShortcut)
            shortcut.setEnabled(False)
            connect(shortcut, "activated()", action)
            self._shortcuts.append(shortcut)

    def enable(self, enabled: bool) -> None:
        """Let the keys work, or not."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(enabled)

    def remove(self) -> None:
        """Take the keys off the window, which outlives the panel."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._shortcuts = []


class FormKeys:
    """Digits that answer: they work only while a widget of the form has the keyboard, and an item takes digits.

    The Segment Editor gives the same digits to its tools, so that they are off while it is shown.
    """

    def __init__(self, form: Any, press: Callable[[str], Any]) -> None:
        self._shortcuts = []
        for digit in DIGITS:
            shortcut = qt.QShortcut(qt.QKeySequence(digit), form)
            shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
            shortcut.setEnabled(False)
            connect(shortcut, "activated()", lambda digit=digit: press(digit))
            self._shortcuts.append(shortcut)

    def enable(self, digits: tuple[str, ...]) -> None:
        """Let these digits work, and no others."""
        for digit, shortcut in zip(DIGITS, self._shortcuts, strict=True):
            shortcut.setEnabled(digit in digits)
