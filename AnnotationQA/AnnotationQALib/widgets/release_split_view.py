"""The split of a dataset: how it is made, and how many cases go where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.release.composition import parts_in_order
from AnnotationQACore.release.splitting import SplitPlan
from AnnotationQALib.logic.release_form import Sources
from AnnotationQALib.logic.release_work import ReleaseWork, SplitForm, split_rows
from AnnotationQALib.widgets.lead_work import LeadWork

__all__ = ["ReleaseSplitView"]

_SHOWN_LINES = 8


class ReleaseSplitView:
    """The page with the split.

    Parameters
    ----------
    ui : children by name
        Of ``LabelingRelease.ui``.
    work : LeadWork
    steps : callable
        Gives the steps of the open project; None without one.
    sources : callable
        Gives the places of images and facts.
    on_recorded : callable
        Called with one line when a split was written to the ledger.
    """

    def __init__(
        self,
        ui: Any,
        work: LeadWork,
        steps: Callable[[], ReleaseWork | None],
        sources: Callable[[], Sources],
        on_recorded: Callable[[str], None],
    ) -> None:
        self._ui = ui
        self._work = work
        self._steps = steps
        self._sources = sources
        self._on_recorded = on_recorded
        self._plan: SplitPlan | None = None
        ui.splitNameEdit.text = "main"
        ui.splitKindCombo.addItem(_("train, validation and test"), "parts")
        ui.splitKindCombo.addItem(_("folds for cross-validation"), "folds")
        ui.splitTable.verticalHeader().setVisible(False)
        ui.splitTable.verticalHeader().setDefaultSectionSize(24)
        ui.splitKindCombo.connect("currentIndexChanged(int)", lambda _index: self._show_kind())
        ui.planSplitButton.connect("clicked()", self._preview)
        ui.recordSplitButton.connect("clicked()", self._record)
        self._show_kind()
        self.forget()

    def forget(self) -> None:
        """Show no plan."""
        self._plan = None
        self._ui.splitTable.visible = False
        self._ui.splitLabel.text = ""
        self._ui.recordSplitButton.enabled = False

    def enable(self, enabled: bool) -> None:
        """Let the buttons be used, or not."""
        self._ui.planSplitButton.enabled = enabled
        self._ui.recordSplitButton.enabled = enabled and self._plan is not None and bool(self._plan.new)

    @property
    def form(self) -> SplitForm:
        """What was filled in."""
        ui = self._ui
        balances = {
            "findings": ui.balanceFindingsCheck,
            "modality": ui.balanceModalityCheck,
            "scanner": ui.balanceScannerCheck,
            "site": ui.balanceSiteCheck,
            "sex": ui.balanceSexCheck,
            "age": ui.balanceAgeCheck,
        }
        together = {"site": ui.bySiteCheck, "scanner": ui.byScannerCheck}
        return SplitForm(
            name=str(ui.splitNameEdit.text).strip(),
            train=int(ui.trainSpin.value),
            validation=int(ui.validationSpin.value),
            test=int(ui.testSpin.value),
            folds=int(ui.foldsSpin.value) if ui.splitKindCombo.currentData == "folds" else 0,
            fold_test=int(ui.foldTestSpin.value),
            by=tuple(name for name, check in together.items() if check.checked),
            balanced=tuple(name for name, check in balances.items() if check.checked),
            seed=int(ui.splitSeedSpin.value),
            sources=self._sources(),
        )

    def _show_kind(self) -> None:
        folds = self._ui.splitKindCombo.currentData == "folds"
        self._ui.partsRow.visible = not folds
        self._ui.foldsRow.visible = folds

    def _preview(self) -> None:
        steps = self._steps()
        if steps is not None:
            form = self.form
            self._work.begin(_("Comparing cases"), lambda progress: steps.plan_split(form, progress), self._show)

    def _record(self) -> None:
        steps, plan = self._steps(), self._plan
        if steps is not None and plan is not None:
            self._work.begin(
                _("Recording the split"), lambda progress: steps.record_split(plan, progress), self._recorded
            )

    def _show(self, plan: SplitPlan) -> None:
        self._plan = plan
        table = self._ui.splitTable
        parts = parts_in_order(plan.parts)
        table.setColumnCount(2 + len(parts))
        table.setHorizontalHeaderLabels([_("Finding"), _("All"), *parts])
        rows = split_rows(plan)
        table.setRowCount(len(rows))
        for row, one in enumerate(rows):
            numbers = [str(one.cases), *(str(one.by_part.get(part, 0)) for part in parts)]
            for column, text in enumerate([_("all cases") if row == 0 else one.what, *numbers]):
                cell = qt.QTableWidgetItem(text)
                cell.setToolTip(text)
                if column:
                    cell.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                table.setItem(row, column, cell)
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        for column in range(1, table.columnCount):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        table.visible = True
        self._ui.splitLabel.text = "\n".join(_lines(plan))
        self._ui.recordSplitButton.enabled = bool(plan.new)

    def _recorded(self, plan: SplitPlan) -> None:
        self.forget()
        self._show(plan)
        self._plan = None
        self._ui.recordSplitButton.enabled = False
        line = _("The split {name} is recorded: {number} cases were placed.")
        self._on_recorded(line.format(name=plan.name, number=len(plan.new)))


def _lines(plan: SplitPlan) -> Iterator[str]:
    stay = len(plan.assignments) - len(plan.new)
    yield _("{new} cases to be placed, {stay} stay where they are.").format(new=len(plan.new), stay=stay)
    found = [_("Kept together: {link}").format(link=link) for link in plan.links if link.binds]
    found += [_("Look at: {link}").format(link=link) for link in plan.links if not link.binds]
    found += [_("Not compared: {image}").format(image=line) for line in plan.unread]
    yield from found[:_SHOWN_LINES]
    if len(found) > _SHOWN_LINES:
        yield _("... and {number} more").format(number=len(found) - _SHOWN_LINES)
