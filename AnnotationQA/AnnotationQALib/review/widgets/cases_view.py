"""The cases of a project, the worst first, and those whose acceptance is proposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.state import CaseStatus
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.review.case_list import CaseFilter, CaseRow, Judgement, proposals
from AnnotationQACore.review.kinds import Kind
from AnnotationQALib.review.widgets.cells import (
    figure_text,
    is_dark,
    judged_cell,
    judgement_text,
    kind_text,
    threshold_text,
)
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tables import cell, chosen, fill, fill_combo, prepare, selected_row
from AnnotationQALib.widgets.texts import case_status_text
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["CasesView"]

CASE = qt.Qt.UserRole


class CasesView:
    """The list of cases.

    Parameters
    ----------
    on_open : callable
        Called with the ID of the case that the reviewer chose.
    on_next, on_refresh : callable
    on_accept : callable
        Called with the rows whose proposed acceptance the reviewer confirms, and the reason.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(
        self,
        on_open: Callable[[str], None],
        on_next: Callable[[], None],
        on_refresh: Callable[[], None],
        on_accept: Callable[[Sequence[CaseRow], str], None],
    ) -> None:
        self.widget, self.ui = load_ui("ReviewCases.ui")
        self._on_open = on_open
        self._on_accept = on_accept
        self._all: tuple[CaseRow, ...] = ()
        self._shown: tuple[CaseRow, ...] = ()
        self._titles: Mapping[str, str] = {}
        self._may_review = False
        self._needs_reason = False
        prepare(self.ui.itemsTable, 0)
        for combo in (self.ui.itemCombo, self.ui.readerCombo, self.ui.kindCombo, self.ui.stateCombo):
            connect(combo, "currentIndexChanged(int)", lambda _index: self._fill())
        fill_combo(self.ui.kindCombo, _("All disagreements"), [(kind_text(kind), kind.value) for kind in Kind])
        fill_combo(self.ui.stateCombo, _("All states"), [(_status(status), status.value) for status in CaseStatus])
        self.ui.legendLabel.text = _("✓ agreed   ≈ just missed   ✗ different   ? undefined   1 one reader")
        self.ui.legendLabel.enabled = False
        table = self.ui.casesTable
        table.verticalHeader().setVisible(False)
        connect(table, "itemSelectionChanged()", self._selected)
        connect(table, "cellDoubleClicked(int,int)", lambda _row, _column: self._open())
        self._enter = qt.QShortcut(qt.QKeySequence("Return"), table)
        self._enter.setContext(qt.Qt.WidgetShortcut)
        connect(self._enter, "activated()", self._open)
        connect(self.ui.openButton, "clicked()", self._open)
        connect(self.ui.nextButton, "clicked()", on_next)
        connect(self.ui.refreshButton, "clicked()", on_refresh)
        connect(self.ui.acceptProposedButton, "clicked()", self._accept)
        connect(self.ui.proposalReasonEdit, "textChanged(QString)", lambda _text: self._enable_acceptance())
        connect(self.ui.proposalsList, "itemChanged(QListWidgetItem*)", lambda _item: self._enable_acceptance())

    def show(self, rows: Sequence[CaseRow], protocol: Protocol, may_review: bool) -> None:
        """Show cases, the worst first, as they are given; the selected case stays selected."""
        self._all = tuple(rows)
        self._titles = {item.id: item.title for item in protocol.items}
        self._may_review = may_review
        self._needs_reason = protocol.design.reason_required
        items = dict.fromkeys(item for row in rows for item in row.cells)
        fill_combo(self.ui.itemCombo, _("All items"), [(self._titles.get(item, item), item) for item in items])
        # names are blinded case by case: a letter means another reader in another case, so that it cannot be a filter
        names = {reader: name for row in rows for reader, name in row.readers.items()}
        is_blind = protocol.design.blinding.reader_names_in_review
        fill_combo(self.ui.readerCombo, _("All readers"), [] if is_blind else [(n, r) for r, n in names.items()])
        self.ui.readerCombo.enabled = not is_blind
        self.ui.readerCombo.toolTip = (
            _("The protocol blinds the readers, so that cases cannot be filtered by them.")
            if is_blind
            else _("Only cases of this reader")
        )
        self._fill()
        self._show_proposals()

    def row(self, case: str) -> CaseRow | None:
        """The row of a case."""
        return next((row for row in self._all if row.case == case), None)

    def next_case(self, but: str = "") -> str:
        """The worst case that is not decided, other than the one that is open; empty when there is none."""
        done = (CaseStatus.DECIDED, CaseStatus.SENT_BACK)
        return next((row.case for row in self._shown if row.status not in done and row.case != but), "")

    def select(self, case: str) -> None:
        """Select the row of a case."""
        for place, row in enumerate(self._shown):
            if row.case == case:
                self.ui.casesTable.selectRow(place)

    @property
    def wanted(self) -> CaseFilter:
        """What the reviewer wants to see."""
        item, reader = chosen(self.ui.itemCombo), chosen(self.ui.readerCombo)
        kind, state = chosen(self.ui.kindCombo), chosen(self.ui.stateCombo)
        return CaseFilter(
            frozenset([item] if item else []),
            frozenset([reader] if reader else []),
            frozenset([Kind(kind)] if kind else []),
            frozenset([CaseStatus(state)] if state else []),
        )

    def _fill(self) -> None:
        selected = self._current()
        wanted = self.wanted
        self._shown = tuple(row for row in self._all if wanted.passes(row))
        judged = [
            item
            for item in dict.fromkeys(item for row in self._all for item in row.cells)
            if any(
                row.cells[item].judgement is not Judgement.NOT_JUDGED for row in self._all if item in row.cells
            )
        ]  # fmt: skip
        table = self.ui.casesTable
        prepare(table, -1, [_("Case"), _("State"), *(self._titles.get(item, item) for item in judged), _("Readers")])
        dark = is_dark(self.widget)
        rows = []
        for row in self._shown:
            tip = "\n".join(row.messages) or ", ".join(row.readers.values())
            case = cell(row.case, tip)
            case.setData(CASE, row.case)
            state = ("⚠ " if row.conflicts else "") + _status(row.status) + (" …" if row.pending else "")
            readers = cell(", ".join(row.readers.values()), "\n".join(row.readers.values()))
            rows.append([case, cell(state, tip), *(judged_cell(row.cells.get(i), dark) for i in judged), readers])
        fill(table, rows)
        if selected is not None:
            self.select(selected.case)
        self._selected()

    def _current(self) -> CaseRow | None:
        place = selected_row(self.ui.casesTable)
        return self._shown[place] if 0 <= place < len(self._shown) else None

    def _selected(self) -> None:
        row = self._current()
        self.ui.openButton.enabled = row is not None
        self.ui.openButton.toolTip = _("Open the selected case") if row is not None else _("Select a case first.")
        self.ui.nextButton.enabled = bool(self.next_case())
        self.ui.nextButton.toolTip = (
            _("Open the worst case that is not decided") if self.next_case() else _("All these cases are decided.")
        )
        self.ui.itemsTable.visible = row is not None
        self.ui.noticesLabel.visible = row is not None and bool(row.messages)
        if row is None:
            return
        self.ui.noticesLabel.text = "\n".join(row.messages)
        fill(
            self.ui.itemsTable,
            [
                [
                    cell(self._titles.get(one.item, one.item), judgement_text(one.judgement)),
                    judged_cell(one, is_dark(self.widget)),
                    cell(threshold_text(one)),
                    cell(", ".join(kind_text(kind) for kind in sorted(one.kinds))),
                ]
                for one in row.cells.values()
            ],
        )

    def _open(self) -> None:
        row = self._current()
        if row is not None:
            self._on_open(row.case)

    def _show_proposals(self) -> None:
        proposed = proposals(self._all)
        self.ui.proposalsFrame.visible = bool(proposed)
        self.ui.proposalsLabel.text = _(
            "<b>Acceptance is proposed for {number}</b>: all that the protocol judges reaches its threshold, "
            "and nobody missed a structure."
        ).format(number=len(proposed))
        unticked = {row.case for row in self._all} - {row.case for row in self._ticked()} if self._listed() else set()
        known = set(self._listed())
        listed = self.ui.proposalsList
        listed.blockSignals(True)
        listed.clear()
        for row in proposed:
            entry = qt.QListWidgetItem(f"{row.case}: {self._agreed_text(row)}")
            entry.setToolTip(self._agreed_text(row))
            entry.setData(CASE, row.case)
            entry.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
            off = row.case in known and row.case in unticked
            entry.setCheckState(qt.Qt.Unchecked if off else qt.Qt.Checked)
            listed.addItem(entry)
        listed.blockSignals(False)
        self._enable_acceptance()

    def _agreed_text(self, row: CaseRow) -> str:
        """The figures of what is drawn, and how many answers agree."""
        agreed = [one for one in row.cells.values() if one.judgement is Judgement.AGREED]
        drawn = [one for one in agreed if STATISTICS[one.statistic].of_one_case]
        texts = [f"{self._titles.get(one.item, one.item)} {figure_text(one.value)}" for one in drawn]
        answers = len(agreed) - len(drawn)
        return ", ".join([*texts, *([_("{number} answers agree").format(number=answers)] if answers else [])])

    def _listed(self) -> list[str]:
        listed = self.ui.proposalsList
        return [str(listed.item(number).data(CASE)) for number in range(listed.count)]

    def _ticked(self) -> list[CaseRow]:
        listed = self.ui.proposalsList
        entries = [listed.item(number) for number in range(listed.count)]
        cases = {str(entry.data(CASE)) for entry in entries if entry.checkState() == qt.Qt.Checked}
        return [row for row in self._all if row.case in cases and row.proposed]

    def _enable_acceptance(self) -> None:
        reason = ""
        if not self._may_review:
            reason = _("Only reviewers and adjudicators of the project accept cases.")
        elif not self._ticked():
            reason = _("Tick a case first.")
        elif self._needs_reason and not str(self.ui.proposalReasonEdit.text).strip():
            reason = _("The protocol asks for a reason for each decision.")
        button = self.ui.acceptProposedButton
        button.enabled = not reason
        button.toolTip = reason or _("Record the majority of the readings as the reference standard of these cases")

    def _accept(self) -> None:
        self._on_accept(self._ticked(), str(self.ui.proposalReasonEdit.text).strip())


def _status(status: CaseStatus) -> str:
    words = case_status_text(status)
    return words[:1].upper() + words[1:]
