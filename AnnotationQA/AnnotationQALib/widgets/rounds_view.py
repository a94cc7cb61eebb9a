"""What is read again and what is read next: living datasets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.project.state import CaseStatus, State
from AnnotationQACore.release.rounds.model_performance import ItemPerformance, ModelPerformance
from AnnotationQACore.release.rounds.ranking import RankedCase
from AnnotationQACore.release.rounds.redo import ToRedo
from AnnotationQACore.release.rounds.rereads import RereadPlan
from AnnotationQALib.logic.rounds_work import RoundsWork, reread_rows
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.lead_page import LeadPage
from AnnotationQALib.widgets.lead_work import LeadWork
from AnnotationQALib.widgets.tables import fill, prepare
from AnnotationQALib.widgets.texts import case_status_text

__all__ = ["RoundsView"]


class RoundsView(LeadPage[RoundsWork]):
    """Lists, rankings and plans, each of which can be put to work from its table.

    Parameters
    ----------
    ui, work, steps
        See `LeadPage`; the fields are those of ``LabelingRelease.ui``.
    on_done : callable
        Called with one line when the ledger has changed.
    """

    def __init__(
        self,
        ui: Any,
        work: LeadWork,
        steps: Callable[[], RoundsWork | None],
        on_done: Callable[[str], None],
    ) -> None:
        super().__init__(ui, work, steps)
        self._on_done = on_done
        self._to_redo: tuple[ToRedo, ...] = ()
        self._ranked: tuple[RankedCase, ...] = ()
        self._rereads: RereadPlan | None = None
        for table, stretched in ((ui.redoTable, 3), (ui.rankTable, 5), (ui.rereadTable, 0), (ui.driftTable, 0)):
            prepare(table, stretched)
        connect(ui.rankTable, "itemSelectionChanged()", self._show_selected)
        for button, act in (
            (ui.redoButton, self._list),
            (ui.sendBackButton, self._send_back),
            (ui.rankButton, self._rank),
            (ui.rankAssignButton, self._assign),
            (ui.rereadButton, self._plan),
            (ui.rereadAssignButton, self._record),
            (ui.driftButton, self._drift),
        ):
            connect(button, "clicked()", act)
        self.forget()

    def forget(self) -> None:
        """Show nothing of another project."""
        self._to_redo, self._ranked, self._rereads = (), (), None
        ui = self._ui
        for table in (ui.redoTable, ui.rankTable, ui.rereadTable, ui.driftTable):
            table.setRowCount(0)
        for label in (ui.redoLabel, ui.rankLabel, ui.rereadLabel, ui.driftLabel):
            label.text = ""
        self.enable(True)

    def show(self, state: State) -> None:
        """Offer the models of the project."""
        combo = self._ui.driftModelCombo
        former = str(combo.currentText)
        combo.clear()
        for reader in sorted({one.reader for one in state.all_readings() if one.reader.startswith("model:")}):
            combo.addItem(reader)
        combo.currentIndex = max(combo.findText(former), 0) if combo.count else -1
        self._enable_drift(True)

    def enable(self, enabled: bool) -> None:
        """Let the buttons be used, or not."""
        ui = self._ui
        for button in (ui.redoButton, ui.rankButton, ui.rereadButton):
            button.enabled = enabled
        self._enable_drift(enabled)
        ui.sendBackButton.enabled = enabled and bool(self._to_redo)
        ui.rankAssignButton.enabled = enabled and bool(self._selected)
        ui.rereadAssignButton.enabled = enabled and self._rereads is not None and bool(self._rereads.assignments)

    def _enable_drift(self, enabled: bool) -> None:
        has_models = bool(self._ui.driftModelCombo.count)
        self._ui.driftButton.enabled = enabled and has_models
        self._ui.driftButton.toolTip = (
            _("Score the model against the reference standard, over time; nothing is recorded")
            if has_models
            else _("The project has no predictions of a model yet; import them first.")
        )

    # read again

    def _list(self) -> None:
        self._begin(_("Comparing protocols"), lambda steps, progress: steps.to_redo(progress), self._show_redo)

    def _show_redo(self, found: tuple[ToRedo, ...]) -> None:
        self._to_redo = found
        fill(self._ui.redoTable, [(one.case, one.reader, one.version, ", ".join(one.items)) for one in found])
        for row, one in enumerate(found):
            reasons = "\n".join(f"{item}: {reason}" for item, reason in one.items.items())
            self._ui.redoTable.item(row, 3).setToolTip(reasons)
        line = _("{number} readings do not say what the protocol in force asks.").format(number=len(found))
        nothing = _("Nothing is to be read again: every reading says what the protocol in force asks.")
        self._ui.redoLabel.text = line if found else nothing
        self.enable(True)

    def _send_back(self) -> None:
        found = self._to_redo
        self._begin(_("Sending back"), lambda steps, progress: steps.send_back(found, progress), self._sent_back)

    def _sent_back(self, cases: int) -> None:
        self._show_redo(())
        self._ui.redoLabel.text = ""
        self._on_done(_("{number} cases were sent back to their readers.").format(number=cases))

    # the next round

    def _rank(self) -> None:
        ui = self._ui
        weights = {
            "model": float(ui.modelWeightSpin.value),
            "readers": float(ui.readersWeightSpin.value),
            "rarity": float(ui.rarityWeightSpin.value),
        }
        decided = bool(ui.decidedCheck.checked)
        self._begin(
            _("Comparing readings"), lambda steps, progress: steps.rank(weights, decided, progress), self._show_ranked
        )

    def _show_ranked(self, ranked: tuple[RankedCase, ...]) -> None:
        self._ranked = ranked
        rows = [
            (
                one.case,
                *map(_figure, (one.score, one.model, one.readers, one.rarity)),
                one.rarest,
                case_status_text(CaseStatus(one.status)),
            )
            for one in ranked
        ]
        fill(self._ui.rankTable, rows)
        self._show_selected()

    @property
    def _selected(self) -> list[str]:
        rows = sorted(index.row() for index in self._ui.rankTable.selectionModel().selectedRows())
        return [self._ranked[row].case for row in rows if row < len(self._ranked)]

    def _show_selected(self) -> None:
        line = _("{number} cases, {chosen} selected.")
        self._ui.rankLabel.text = line.format(number=len(self._ranked), chosen=len(self._selected))
        self._ui.rankAssignButton.enabled = bool(self._selected) and not self._work.is_busy

    def _assign(self) -> None:
        cases, per_case = self._selected, int(self._ui.rankPerCaseSpin.value)
        seed = int(self._ui.rankSeedSpin.value)
        self._begin(
            _("Assigning"), lambda steps, progress: steps.assign(cases, per_case, seed, progress), self._assigned
        )

    def _assigned(self, counts: Mapping[str, int]) -> None:
        text = ", ".join(f"{reader}: {count}" for reader, count in sorted(counts.items()))
        self._on_done(_("Assigned: {counts}").format(counts=text or _("nothing; all cases have their readers")))

    # re-reads

    def _plan(self) -> None:
        ui = self._ui
        numbers = (ui.perQuarterSpin, ui.quartersSpin, ui.rereadWashoutSpin, ui.rereadSeedSpin)
        per_quarter, quarters, washout, seed = (int(one.value) for one in numbers)
        self._begin(
            _("Planning"),
            lambda steps, progress: steps.plan_rereads(per_quarter, quarters, washout, seed, progress),
            self._show_plan,
        )

    def _show_plan(self, plan: RereadPlan) -> None:
        self._rereads = plan
        fill(self._ui.rereadTable, [(reader, start, str(count)) for reader, start, count in reread_rows(plan)])
        short = [_("Too few cases: {line}").format(line=line) for line in plan.short]
        self._ui.rereadLabel.text = "\n".join(short)
        self.enable(True)

    def _record(self) -> None:
        plan, seed = self._rereads, int(self._ui.rereadSeedSpin.value)
        if plan is not None:
            self._begin(
                _("Assigning"), lambda steps, progress: steps.record_rereads(plan, seed, progress), self._recorded
            )

    def _recorded(self, plan: RereadPlan) -> None:
        self._rereads = None
        self.enable(True)
        self._on_done(_("{number} cases will be read again.").format(number=len(plan.assignments)))

    # models

    def _drift(self) -> None:
        model = str(self._ui.driftModelCombo.currentText)
        self._begin(_("Scoring"), lambda steps, progress: steps.drift(model, progress), self._show_drift)

    def _show_drift(self, result: ModelPerformance) -> None:
        fill(self._ui.driftTable, [_drift_row(item) for item in result.items])
        for row, item in enumerate(result.items):
            quarters = "\n".join(f"{one.name}: {_figure(one.mean)} ({one.n})" for one in item.quarters)
            for column in range(self._ui.driftTable.columnCount):
                self._ui.driftTable.item(row, column).setToolTip(f"{item.title}, {item.measure}\n{quarters}")
        left = [_("Left out: {line}").format(line=line) for line in result.left_out[:5]]
        line = _("{number} cases of {model} scored.").format(number=result.n_cases, model=result.model)
        self._ui.driftLabel.text = "\n".join([line, *left])


def _drift_row(item: ItemPerformance) -> tuple[str, ...]:
    drift = _("too few cases")
    if item.history is not None:
        first = item.history.first_signal
        drift = _("none") if first is None else _("from day {number}").format(number=round(first))
    interval = _("{low} to {high}").format(low=_figure(item.low), high=_figure(item.high))
    return (item.title, str(item.n), _figure(item.mean), interval, drift)


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
