"""The walk through the disagreements: where, what, who has what, and what is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.review.consensus_choices import METHODS
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.painting import CONSENSUS
from AnnotationQACore.review.walk import Stop, Walk, WalkFilter
from AnnotationQALib.review.deciding import METHOD_TITLES, Deciding
from AnnotationQALib.review.widgets import review_keys as keys
from AnnotationQALib.review.widgets.cells import distance_text, kind_text, volume_text
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import ROW_HEIGHT, cell, chosen, fill, fill_combo, prepare, selected_row
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["WalkView"]

PAGE = 200
"""Rows listed at a time; a case may have ten thousand regions."""

BUTTON = 2


class WalkView:
    """List of disagreements, and the readers' opinions on the current one.

    Parameters
    ----------
    on_go : callable
        Called with the place in the walk to which the reviewer goes.
    on_take : callable
        Called with the source that is to be taken here.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(self, on_go: Callable[[int], None], on_take: Callable[[str], None]) -> None:
        self.widget, self.ui = load_ui("ReviewWalk.ui")
        self._on_go = on_go
        self._on_take = on_take
        self._walk: Walk | None = None
        self._deciding: Deciding | None = None
        self._names: Mapping[str, str] = {}
        self._titles: Mapping[str, str] = {}
        self._listed = PAGE
        self._buttons: dict[str, Any] = {}
        self._consensus: Any = None
        self._method = 0
        prepare(self.ui.walkTable, 1)
        prepare(self.ui.whoTable, 1)
        orders = ((_("By volume"), "volume"), (_("By distance"), "distance"))
        fill_combo(self.ui.orderCombo, "", orders)
        for combo in (self.ui.kindCombo, self.ui.itemCombo, self.ui.readerCombo, self.ui.orderCombo):
            connect(combo, "currentIndexChanged(int)", lambda _index: self._filter())
        connect(self.ui.minimumSpin, "valueChanged(int)", lambda _value: self._filter())
        connect(self.ui.walkTable, "itemSelectionChanged()", self._selected)
        connect(self.ui.previousButton, "clicked()", self.previous)
        connect(self.ui.nextButton, "clicked()", self.next)
        connect(self.ui.moreButton, "clicked()", self._more)

    def show_waiting(self) -> None:
        """The regions are not found yet."""
        self._walk = self._deciding = None
        self._let_buttons_go()
        fill(self.ui.walkTable, [])
        fill(self.ui.whoTable, [])
        self.ui.placeLabel.text = _("Looking for differences...")
        self._enable()

    def show(self, walk: Walk, deciding: Deciding, names: Mapping[str, str], titles: Mapping[str, str]) -> None:
        """Show a walk.

        Parameters
        ----------
        walk : Walk
        deciding : Deciding
        names : mapping of reader to str
        titles : mapping of item or segment to str
        """
        self._walk, self._deciding, self._names, self._titles = walk, deciding, names, titles
        self._listed = PAGE
        stops = [walk[place] for place in range(min(len(walk), PAGE))]
        found = walk.disagreements
        kinds = {stop.kind for stop in stops} | ({found.kind(n) for n in range(len(found))} if found else set())
        items = dict.fromkeys(item for stop in stops for item in stop.items)
        fill_combo(self.ui.kindCombo, _("All kinds"), [(kind_text(kind), kind.value) for kind in Kind if kind in kinds])
        fill_combo(self.ui.itemCombo, _("All structures and items"), [(self._title(item), item) for item in items])
        fill_combo(self.ui.readerCombo, _("All readers"), [(name, reader) for reader, name in names.items()])
        self._make_who()
        self.refresh()

    def refresh(self) -> None:
        """Show the rows as they are now, such as with distances that became known."""
        walk = self._walk
        if walk is None:
            return
        stops = [walk[place] for place in range(min(len(walk), self._listed))]
        fill(self.ui.walkTable, [self._row(stop) for stop in stops])
        self.show_place()

    def show_place(self) -> None:
        """Show where the walk stands, and what the readers have there."""
        walk = self._walk
        if walk is None:
            return
        if 0 <= walk.place < self.ui.walkTable.rowCount:
            self.ui.walkTable.blockSignals(True)
            self.ui.walkTable.selectRow(walk.place)
            self.ui.walkTable.scrollToItem(self.ui.walkTable.item(walk.place, 0))
            self.ui.walkTable.blockSignals(False)
        if not len(walk):
            self.ui.placeLabel.text = _("No differences here")
        elif walk.place < 0:
            self.ui.placeLabel.text = _("{number} differences").format(number=len(walk))
        else:
            self.ui.placeLabel.text = _("{place} of {number}").format(place=walk.place + 1, number=len(walk))
        self._show_who(walk.current)
        self._enable()

    def show_decided(self) -> None:
        """Show what the listed rows were decided from."""
        walk = self._walk
        if walk is None:
            return
        self.ui.walkTable.blockSignals(True)
        for place in range(min(len(walk), self.ui.walkTable.rowCount)):
            self.ui.walkTable.setItem(place, 4, cell(self._taken(walk[place])))
        self.ui.walkTable.blockSignals(False)
        self._show_who(walk.current)

    def next(self) -> None:
        """Go to the next row."""
        if self._walk is not None and len(self._walk):
            self._on_go((self._walk.place + 1) % len(self._walk))

    def previous(self) -> None:
        """Go to the row before."""
        if self._walk is not None and len(self._walk):
            self._on_go((max(self._walk.place, 0) - 1) % len(self._walk))

    def take_reader(self, number: int) -> None:
        """Take what a reader has here, by the place in the list of readers."""
        readers = list(self._names)
        if number < len(readers) and self._buttons and self._buttons[readers[number]].enabled:
            self._on_take(readers[number])

    def take_consensus(self) -> None:
        """Take what the chosen consensus has here."""
        button = self._buttons.get(CONSENSUS)
        if button is not None and button.enabled:
            self._on_take(str(self._consensus.currentData))

    def _row(self, stop: Stop) -> list[Any]:
        where = ", ".join(self._title(item) for item in stop.items)
        if stop.subject:
            where += f" ({stop.subject})"
        is_region = stop.region is not None
        distance = distance_text(stop.distance_mm, is_known=False) if is_region else ""
        return [
            cell(kind_text(stop.kind), stop.kind.description),
            cell(where),
            cell(volume_text(stop.volume_mm3), right=True),
            cell(
                distance, _("Largest distance to the surface of a reader who differs; ∞: who differs has nothing"), True
            ),
            cell(self._taken(stop)),
        ]

    def _taken(self, stop: Stop) -> str:
        if self._deciding is None:
            return ""
        source = self._deciding.decided_source(stop.region, stop.items[0])
        return self._deciding.name(source) if source else ""

    def _title(self, item: str) -> str:
        return self._titles.get(item, item)

    def _make_who(self) -> None:
        """One row for each reader, and one for the consensus; made once for a case."""
        table = self.ui.whoTable
        rows = [[cell(name), cell(""), cell("")] for name in self._names.values()]
        with_consensus = len(self._names) > 1
        self._let_buttons_go()
        table.setRowCount(0)
        fill(table, [*rows, *([[cell(_("Consensus")), cell(""), cell("")]] if with_consensus else [])])
        for number, reader in enumerate(self._names):
            button = qt.QPushButton(_("Take"))
            key = f" ({keys.TAKE[number]})" if number < len(keys.TAKE) else ""
            button.toolTip = _("Take what this reader has here{key}").format(key=key)
            connect(button, "clicked()", lambda reader=reader: self._on_take(reader))
            table.setCellWidget(number, BUTTON, button)
            self._buttons[reader] = button
        if with_consensus:
            self._consensus = qt.QComboBox()
            self._consensus.toolTip = _("The consensus to take; its figures are under Decide")
            for method in METHODS:
                self._consensus.addItem(METHOD_TITLES[method], CONSENSUS + method)
            self._consensus.currentIndex = self._method
            table.setCellWidget(len(self._names), 1, self._consensus)
            button = qt.QPushButton(_("Take"))
            button.toolTip = _("Take what this consensus has here ({key})").format(key=keys.CONSENSUS)
            connect(button, "clicked()", self.take_consensus)
            table.setCellWidget(len(self._names), BUTTON, button)
            self._buttons[CONSENSUS] = button
        height = ROW_HEIGHT * min(table.rowCount, 8) + table.horizontalHeader().height + 8
        table.minimumHeight = height
        table.maximumHeight = height

    def _let_buttons_go(self) -> None:
        """The rows of the table go, and Qt deletes what stands in them; what was chosen is kept."""
        if CONSENSUS in self._buttons:
            self._method = self._consensus.currentIndex
        self._buttons = {}
        self._consensus = None

    def _show_who(self, stop: Stop | None) -> None:
        source = self._deciding.decided_source(stop.region, stop.items[0]) if stop and self._deciding else ""
        table = self.ui.whoTable
        said = self._said(stop)
        for number, reader in enumerate(self._names):
            table.setItem(number, 1, cell(said.get(reader, "")))
            mark = "✓ " if reader == source else ""
            table.setItem(number, 0, cell(mark + self._names[reader]))
        for reader, button in self._buttons.items():
            is_region = stop is not None and stop.region is not None
            button.enabled = stop is not None and (is_region or (reader != CONSENSUS and bool(stop.who.get(reader))))
            is_taken = reader == source or (reader == CONSENSUS and source.startswith(CONSENSUS))
            button.text = _("Taken") if is_taken else _("Take")

    def _said(self, stop: Stop | None) -> Mapping[str, str]:
        """What each reader has here, with the titles of structures."""
        found = self._walk.disagreements if self._walk is not None else None
        if stop is None or stop.region is None or found is None or self._walk is None:
            return stop.who if stop is not None else {}
        voxel = found.labels.grid.voxel_volume
        return {
            reader: ", ".join(f"{self._title(one)} {volume_text(n * voxel)}" for one, n in own.items()) or _("nothing")
            for reader, own in self._walk.region(stop.region).who_has.items()
        }

    def _selected(self) -> None:
        place = selected_row(self.ui.walkTable)
        if place >= 0 and self._walk is not None and place != self._walk.place:
            self._on_go(place)

    def _filter(self) -> None:
        walk = self._walk
        if walk is None:
            return
        item, kind = chosen(self.ui.itemCombo), chosen(self.ui.kindCombo)
        walk.order_by("distance" if chosen(self.ui.orderCombo) == "distance" else "volume")
        walk.filter(
            WalkFilter(
                frozenset([item] if item else []),
                frozenset([Kind(kind)] if kind else []),
                chosen(self.ui.readerCombo),
                float(self.ui.minimumSpin.value),
            )
        )
        self._listed = PAGE
        self.refresh()

    def _more(self) -> None:
        self._listed += PAGE
        self.refresh()

    def _enable(self) -> None:
        count = len(self._walk) if self._walk is not None else 0
        for button in (self.ui.previousButton, self.ui.nextButton):
            button.enabled = count > 0
        self.ui.moreButton.visible = count > self._listed
        if count > self._listed:
            self.ui.moreButton.text = _("{number} more").format(number=count - self._listed)
