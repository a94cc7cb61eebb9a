"""The rows of the form: what is asked, where each item stands, and what is answered so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.answers import Value
from AnnotationQACore.protocol.model import DrawnItem
from AnnotationQALib.logic.form import FormEntry, FormGroup, ItemKey, ItemState
from AnnotationQALib.widgets.answer_texts import answer_text
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.item_help import item_tip
from AnnotationQALib.widgets.state_icons import color_icon, is_dark, state_icon, state_text
from AnnotationQALib.widgets.wordings import told

__all__ = ["FormTree"]

_ANSWER_WIDTH = 130


class FormTree:
    """Shows the form in a tree widget; one row is current.

    Parameters
    ----------
    tree : QTreeWidget
        With a column for the item and one for the answer.
    on_selected : callable
        Called with the entry whose row the reader has chosen.
    """

    def __init__(self, tree: Any, on_selected: Callable[[FormEntry], None]) -> None:
        self._tree = tree
        self._on_selected = on_selected
        self._entries: list[FormEntry] = []
        self._rows: list[Any] = []
        self._layout: list[tuple[str, ItemKey]] = []
        header = tree.header()
        header.stretchLastSection = False
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(1, qt.QHeaderView.Interactive)
        tree.setColumnWidth(1, _ANSWER_WIDTH)
        connect(tree, "itemSelectionChanged()", self._selected)

    @property
    def entries(self) -> tuple[FormEntry, ...]:
        """The entries shown, from top to bottom."""
        return tuple(self._entries)

    @property
    def current(self) -> ItemKey | None:
        """Key of the current row."""
        entry = self._entry_of(self._tree.currentItem())
        return entry.key if entry is not None else None

    def entry(self, key: ItemKey | None) -> FormEntry | None:
        """The entry with a key; None when the form does not show it."""
        return next((entry for entry in self._entries if entry.key == key), None)

    def show(self, groups: Sequence[FormGroup], value: Callable[[ItemKey], Value | None]) -> None:
        """Show the form; rows that are still asked keep their place and the current row stays current."""
        shown = [(group, [entry for entry in group.entries if _is_shown(entry)]) for group in groups]
        layout = [(group.title, entry.key) for group, entries in shown for entry in entries]
        entries = [entry for _group, entries in shown for entry in entries]
        if layout != self._layout:
            self._rebuild(shown, layout)
        self._entries = entries
        dark = is_dark(self._tree)
        for row, entry in zip(self._rows, entries, strict=True):
            self._fill(row, entry, value(entry.key), dark)

    def select(self, key: ItemKey) -> bool:
        """Make a row current, as if the reader had clicked it; False when the form does not show it."""
        for row, entry in zip(self._rows, self._entries, strict=True):
            if entry.key == key:
                self._tree.setCurrentItem(row)
                self._tree.scrollToItem(row)
                return True
        return False

    def clear(self) -> None:
        """Show nothing."""
        self._tree.blockSignals(True)
        self._tree.clear()
        self._tree.blockSignals(False)
        self._entries, self._rows, self._layout = [], [], []

    def _rebuild(
        self, shown: Sequence[tuple[FormGroup, Sequence[FormEntry]]], layout: list[tuple[str, ItemKey]]
    ) -> None:
        current, shown_again = self.current, None
        self._tree.blockSignals(True)
        self._tree.clear()
        self._rows = []
        for group, entries in shown:
            if not entries:
                continue
            parent = self._tree.invisibleRootItem()
            if group.title:
                parent = self._heading(group)
            for entry in entries:
                row = qt.QTreeWidgetItem()
                row.setData(0, qt.Qt.UserRole, len(self._rows))
                parent.addChild(row)
                self._rows.append(row)
                if entry.key == current:
                    self._tree.setCurrentItem(row)
                    shown_again = row
        self._tree.expandAll()
        if shown_again is not None:
            self._tree.scrollToItem(shown_again)
        self._tree.blockSignals(False)
        self._layout = layout

    def _heading(self, group: FormGroup) -> Any:
        row = qt.QTreeWidgetItem()
        row.setText(0, group.title)
        row.setToolTip(0, group.description or group.title)
        row.setData(0, qt.Qt.UserRole, -1)
        row.setFlags(qt.Qt.ItemIsEnabled)
        font = row.font(0)
        font.setBold(True)
        row.setFont(0, font)
        self._tree.addTopLevelItem(row)
        row.setFirstColumnSpanned(True)
        return row

    def _fill(self, row: Any, entry: FormEntry, value: Value | None, dark: bool) -> None:
        mark = "" if entry.required or entry.computed else " " + _("(optional)")
        row.setText(0, "    " * entry.depth + entry.title + mark)
        row.setIcon(0, state_icon(entry.state, dark))
        why = "\n".join((state_text(entry.state), *map(told, entry.problems)))
        row.setToolTip(0, f"{item_tip(entry.item)}\n{why}")
        text = answer_text(entry.item, value)
        row.setText(1, text or (_("computed") if entry.computed else ""))
        row.setToolTip(1, text)
        is_one = isinstance(entry.item, DrawnItem) and (entry.key.instance is not None or not entry.item.instances)
        if is_one and not entry.computed:
            row.setIcon(1, color_icon(entry.item.color))
            row.setToolTip(1, text or _("The colour in which it is drawn"))
        row.setDisabled(entry.state == ItemState.NOT_APPLICABLE)

    def _selected(self) -> None:
        entry = self._entry_of(self._tree.currentItem())
        if entry is not None:
            self._on_selected(entry)

    def _entry_of(self, row: Any) -> FormEntry | None:
        if not row:
            return None
        number = row.data(0, qt.Qt.UserRole)
        return self._entries[number] if number is not None and 0 <= number < len(self._entries) else None


def _is_shown(entry: FormEntry) -> bool:
    """Conditional items appear when their condition holds; those without a condition are always there."""
    conditional = entry.item.when is not None or entry.item.scope.level == "instance"
    return not (conditional and entry.state == ItemState.NOT_APPLICABLE)
