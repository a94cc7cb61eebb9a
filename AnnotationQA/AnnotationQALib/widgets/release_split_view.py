"""The split of a dataset: how it is made, and how many cases go where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.release.composition import parts_in_order
from AnnotationQACore.release.splitting import SplitPlan
from AnnotationQALib.logic.release_form import Sources
from AnnotationQALib.logic.release_work import ReleaseWork, SplitForm, split_rows
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.lead_page import LeadPage
from AnnotationQALib.widgets.lead_work import LeadWork
from AnnotationQALib.widgets.tables import cell, fill, prepare

__all__ = ["ReleaseSplitView"]

_SHOWN_LINES = 8


class ReleaseSplitView(LeadPage[ReleaseWork]):
    """The page with the split.

    Parameters
    ----------
    ui, work, steps
        See `LeadPage`; the fields are those of ``LabelingRelease.ui``.
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
        super().__init__(ui, work, steps)
        self._sources = sources
        self._on_recorded = on_recorded
        self._plan: SplitPlan | None = None
        ui.splitNameEdit.text = "main"
        ui.splitKindCombo.addItem(_("train, validation and test"), "parts")
        ui.splitKindCombo.addItem(_("folds for cross-validation"), "folds")
        connect(ui.splitKindCombo, "currentIndexChanged(int)", lambda _index: self._show_kind())
        connect(ui.planSplitButton, "clicked()", self._preview)
        connect(ui.recordSplitButton, "clicked()", self._record)
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
        form = self.form
        self._begin(_("Comparing cases"), lambda steps, progress: steps.plan_split(form, progress), self._show)

    def _record(self) -> None:
        plan = self._plan
        if plan is not None:
            self._begin(
                _("Recording the split"), lambda steps, progress: steps.record_split(plan, progress), self._recorded
            )

    def _show(self, plan: SplitPlan) -> None:
        self._plan = plan
        table, parts = self._ui.splitTable, parts_in_order(plan.parts)
        prepare(table, 0, [_("Finding"), _("All"), *parts])
        rows = []
        for row, one in enumerate(split_rows(plan)):
            numbers = [one.cases, *(one.by_part.get(part, 0) for part in parts)]
            what = _("all cases") if row == 0 else one.what
            rows.append([cell(what), *(cell(str(number), right=True) for number in numbers)])
        fill(table, rows)
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
