"""What a reader changed since the revision before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.review.revisions import AFTER, BEFORE, Changes
from AnnotationQALib.review.widgets.cells import kind_text, volume_text
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import cell, chosen, fill, fill_combo, prepare, selected_row
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["CHANGE_ROWS", "ChangesView", "change_rows"]

CHANGE_ROWS = 100
"""Regions of change that are listed, the largest first."""


class ChangesView:
    """Changes of one reader at a time.

    Parameters
    ----------
    on_reader : callable
        Called with a reader whose changes are wanted.
    on_go : callable
        Called with a position, LPS mm.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(self, on_reader: Callable[[str], None], on_go: Callable[[Any], None]) -> None:
        self.widget, self.ui = load_ui("ReviewChanges.ui")
        self._on_go = on_go
        self._places: list[Any] = []
        self._titles: Mapping[str, str] = {}
        prepare(self.ui.answersTable, 0)
        prepare(self.ui.segmentsTable, 0)
        prepare(self.ui.regionsTable, 0)
        connect(self.ui.readerCombo, "currentIndexChanged(int)", lambda _index: on_reader(chosen(self.ui.readerCombo)))
        connect(self.ui.regionsTable, "itemSelectionChanged()", self._selected)

    def show_readers(self, revisions: Mapping[str, int], names: Mapping[str, str], titles: Mapping[str, str]) -> None:
        """Offer the readers who have a second revision or a later one."""
        self._titles = titles
        later = [
            (_("{name}: revision {number}").format(name=names[reader], number=number), reader)
            for reader, number in revisions.items()
            if number > 1
        ]
        fill_combo(self.ui.readerCombo, "", later)
        self.ui.readerCombo.visible = bool(later)
        self.show(None)

    @property
    def reader(self) -> str:
        """Whose changes are shown; empty for nobody."""
        return chosen(self.ui.readerCombo)

    def show(self, changes: Changes | None) -> None:
        """Show changes; None where there is no revision before."""
        for table in (self.ui.answersTable, self.ui.segmentsTable, self.ui.regionsTable):
            table.visible = changes is not None and bool(changes)
        if changes is None:
            text = _("Every reading is a first revision; there is nothing to compare it with.")
            self.ui.changesLabel.text = text if not self.reader else ""
            return
        self.ui.changesLabel.text = (
            _("{answers} answers and {structures} structures changed since the revision before.").format(
                answers=len(changes.answers), structures=len(changes.segments)
            )
            if changes
            else _("Nothing changed since the revision before.")
        )
        fill(
            self.ui.answersTable,
            [
                [
                    cell(self._title(one.item) + (f" {one.subject.instance}" if one.subject.instance else "")),
                    cell(one.before or "–"),
                    cell(one.after or "–"),
                ]
                for one in changes.answers
            ],
        )
        fill(
            self.ui.segmentsTable,
            [
                [
                    cell(self._title(one.segment)),
                    cell(f"+{volume_text(one.gained_mm3)}", right=True),
                    cell(f"-{volume_text(one.lost_mm3)}", right=True),
                ]
                for one in changes.segments
            ],
        )
        rows, self._places = change_rows(changes, self._titles)
        fill(self.ui.regionsTable, rows)

    def _title(self, item: str) -> str:
        return self._titles.get(item, item)

    def _selected(self) -> None:
        place = selected_row(self.ui.regionsTable)
        if 0 <= place < len(self._places):
            self._on_go(self._places[place])


def change_rows(changes: Changes, titles: Mapping[str, str]) -> tuple[list[list[Any]], list[Any]]:
    """Rows of the regions of change, the largest first, and where each is (LPS mm)."""
    found = changes.regions
    if found is None:
        return [], []
    numbers = sorted(range(len(found)), key=lambda number: -int(found.voxels[number]))[:CHANGE_ROWS]
    rows, places = [], []
    for number in numbers:
        region = found.region(number)
        before, after = (sum(region.who_has.get(side, {}).values()) for side in (BEFORE, AFTER))
        what = _("added") if after and not before else _("removed") if before and not after else kind_text(region.kind)
        names = ", ".join(titles.get(structure, structure) for structure in region.structures)
        rows.append([cell(f"{names}: {what}"), cell(volume_text(region.volume_mm3), right=True)])
        places.append(region.center)
    return rows, places
