"""Decisions item by item: accept a reader or a consensus, or edit a copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.review.consensus_choices import METHODS, ConsensusChoice
from AnnotationQACore.review.painting import CONSENSUS
from AnnotationQALib.review.deciding import METHOD_TITLES, Deciding, DecisionRow
from AnnotationQALib.review.widgets.cells import share_text
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import cell, chosen, fill, fill_combo, prepare, selected_row
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["ItemActions", "ItemsView"]


@dataclass(frozen=True, slots=True)
class ItemActions:
    """What the reviewer can do with an item or a structure.

    Attributes
    ----------
    accept : callable
        Called with the row and a source.
    accept_all : callable
        Called with a source.
    begin_edit : callable
        Called with a segment ID and the source with which editing begins.
    take_edited, discard_edit : callable
        Called without arguments.
    copy : callable
        Called with a source.
    show_consensus : callable
        Called with a method.
    table : callable
        Called when all figures are wanted as a table node.
    """

    accept: Callable[[DecisionRow, str], None]
    accept_all: Callable[[str], None]
    begin_edit: Callable[[str, str], None]
    take_edited: Callable[[], None]
    discard_edit: Callable[[], None]
    copy: Callable[[str], None]
    show_consensus: Callable[[str], None]
    table: Callable[[], None]


class ItemsView:
    """Table of items, and the comparison of methods of consensus for a structure.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(self, actions: ItemActions) -> None:
        self.widget, self.ui = load_ui("ReviewItems.ui")
        self._actions = actions
        self._deciding: Deciding | None = None
        self._rows: tuple[DecisionRow, ...] = ()
        self._titles: dict[str, str] = {}
        self._choices: dict[str, ConsensusChoice] = {}
        self._methods: list[str] = []
        ui = self.ui
        prepare(ui.itemsTable, 1)
        prepare(ui.consensusTable, 0)
        connect(ui.itemsTable, "itemSelectionChanged()", self._selected)
        connect(ui.consensusTable, "itemSelectionChanged()", self._enable)
        connect(ui.segmentCombo, "currentIndexChanged(int)", lambda _index: self.show_consensus_figures())
        connect(ui.acceptButton, "clicked()", self._accept)
        connect(ui.acceptAllButton, "clicked()", lambda: actions.accept_all(chosen(ui.sourceCombo)))
        connect(ui.editButton, "clicked()", self._edit)
        connect(ui.copyButton, "clicked()", lambda: actions.copy(chosen(ui.sourceCombo)))
        connect(ui.takeEditButton, "clicked()", actions.take_edited)
        connect(ui.discardEditButton, "clicked()", actions.discard_edit)
        connect(ui.showConsensusButton, "clicked()", lambda: actions.show_consensus(self._selected_method()))
        connect(ui.tableButton, "clicked()", actions.table)

    def show(self, deciding: Deciding | None, titles: dict[str, str]) -> None:
        """Show the items of a case; None while the regions are not found."""
        self._deciding = deciding
        self._titles = titles
        self._choices = {}
        self.refresh()
        if self._rows and selected_row(self.ui.itemsTable) < 0:
            self.ui.itemsTable.selectRow(0)
        self._selected()

    def refresh(self) -> None:
        """Show the decisions as they are now."""
        place = selected_row(self.ui.itemsTable)
        self._rows = self._deciding.rows() if self._deciding is not None else ()
        fill(
            self.ui.itemsTable,
            [
                [
                    cell("○" if row.is_open else "✓", _("needs a decision") if row.is_open else _("nothing is open")),
                    cell(row.title),
                    cell(self._decision_text(row), row.reason),
                ]
                for row in self._rows
            ],
        )
        if 0 <= place < len(self._rows):
            self.ui.itemsTable.blockSignals(True)
            self.ui.itemsTable.selectRow(place)
            self.ui.itemsTable.blockSignals(False)
        self._enable()

    def add_choice(self, choice: ConsensusChoice) -> None:
        """A consensus is computed; its figures are shown beside those of the others."""
        self._choices[choice.method] = choice
        self.show_consensus_figures()

    def show_consensus_figures(self) -> None:
        """Show the figures of the methods that are computed, on the chosen structure."""
        segment = chosen(self.ui.segmentCombo)
        rows: list[list[Any]] = []
        self._methods = []
        warnings: list[str] = []
        for method in METHODS:
            choice = self._choices.get(method)
            if choice is None:
                continue
            if self._deciding is not None:
                warnings += map(self._deciding.told, choice.warnings)
            for place, one in enumerate(choice.of(segment)):
                name = self._deciding.name(one.reader) if self._deciding is not None else one.reader
                title = METHOD_TITLES[method] if place == 0 else ""
                figures = (one.dice, one.sensitivity, one.specificity)
                cells = [cell(share_text(value), f"{value:.6g}", right=True) for value in figures]
                rows.append([cell(title, METHOD_TITLES[method]), cell(name), *cells])
                self._methods.append(method)
        fill(self.ui.consensusTable, rows)
        waiting = [METHOD_TITLES[method] for method in METHODS if method not in self._choices]
        if self._deciding is not None and len(self._readers()) < 2:
            text = _("A consensus needs two readings or more.")
        elif waiting:
            text = _("Computing {methods}...").format(methods=", ".join(waiting))
        else:
            text = _("Sensitivity and specificity are estimated by STAPLE, and counted for the other methods.")
        self.ui.consensusLabel.text = " ".join([text, *dict.fromkeys(warnings)])
        self._enable()

    def show_editing(self, title: str) -> None:
        """Show or, with an empty title, hide the Segment Editor."""
        self.ui.editFrame.visible = bool(title)
        self.ui.editLabel.text = _("You edit a copy of <b>{title}</b> in the view of the result.").format(title=title)
        for widget in (self.ui.editButton, self.ui.itemsTable, self.ui.acceptButton, self.ui.acceptAllButton):
            widget.enabled = not title
        if not title:
            self._enable()

    def _readers(self) -> list[str]:
        if self._deciding is None or not self._rows:
            return []
        return [source for source in self._deciding.sources(self._rows[0]) if not source.startswith(CONSENSUS)]

    def _decision_text(self, row: DecisionRow) -> str:
        if row.source and self._deciding is not None:
            return self._deciding.name(row.source) + (_(" (open regions)") if row.is_open else "")
        return _("open") if row.is_open else _("all agree")

    def _current(self) -> DecisionRow | None:
        place = selected_row(self.ui.itemsTable)
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def _selected(self) -> None:
        row = self._current()
        if row is not None and self._deciding is not None:
            sources = [(self._deciding.name(source), source) for source in self._deciding.sources(row)]
            fill_combo(self.ui.sourceCombo, "", sources)
            fill_combo(self.ui.segmentCombo, "", [(self._titles.get(s, s), s) for s in row.segments])
        self.show_consensus_figures()

    def _selected_method(self) -> str:
        place = selected_row(self.ui.consensusTable)
        return self._methods[place] if 0 <= place < len(self._methods) else ""

    def _accept(self) -> None:
        row = self._current()
        if row is not None:
            self._actions.accept(row, chosen(self.ui.sourceCombo))

    def _edit(self) -> None:
        segment = chosen(self.ui.segmentCombo)
        if segment:
            self._actions.begin_edit(segment, chosen(self.ui.sourceCombo))

    def _enable(self) -> None:
        row = self._current()
        has_segment = row is not None and bool(row.segments)
        source = chosen(self.ui.sourceCombo)
        self.ui.acceptButton.enabled = row is not None
        self.ui.acceptAllButton.enabled = row is not None
        self.ui.editButton.enabled = has_segment
        self.ui.editButton.toolTip = (
            _("Edit a copy of the structure, beginning with what is chosen above")
            if has_segment
            else _("Only drawn structures are edited; select one.")
        )
        for widget in (self.ui.segmentCombo, self.ui.consensusTable):
            widget.visible = has_segment
        self.ui.consensusLabel.visible = has_segment
        self.ui.copyButton.enabled = bool(source) and not source.startswith(CONSENSUS)
        self.ui.showConsensusButton.enabled = bool(self._selected_method())
        self.ui.showConsensusButton.toolTip = (
            _("Show the selected consensus in the view of the result; nothing is decided by that")
            if self._selected_method()
            else _("Select a row of a consensus first.")
        )
        self.ui.tableButton.enabled = bool(self._choices)
        for widget in (self.ui.showConsensusButton, self.ui.tableButton):
            widget.visible = has_segment
