"""The button that starts a run, its progress, and the one line that says how it ended."""

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DeidentifyStudyLib.logic.run import Run, RunState
from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["RunView"]

KILL_AFTER_MS = 15000
"""How long a cancelled process may take before it is stopped by force."""


class RunView:
    """Shows a run."""

    def __init__(self, ui: Any, run: Run, settings: Callable[[], RunSettings]) -> None:
        self.ui = ui
        self._run = run
        self._settings = settings
        self._waiting, self._decided = 0, False
        self._force = qt.QTimer()
        self._force.singleShot = True
        self._force.interval = KILL_AFTER_MS
        connect(self._force, "timeout()", run.kill)
        connect(ui.applyButton, "clicked()", self._start)
        connect(ui.cancelButton, "clicked()", self._cancel)
        ui.progressBar.minimum = 0

    def check_can_apply(self) -> None:
        """Set the button, and in its tooltip the one reason why it is off."""
        reason = _("A run is at work.") if self._run.is_active else self._settings().problem()
        self.ui.applyButton.enabled = not reason
        self.ui.applyButton.toolTip = reason or _("Start: the source is only read, each file is verified after writing")
        if not self._run.is_active:
            self._say(reason or self._said())

    def show(self) -> None:
        """Show where the run is."""
        run = self._run
        self.ui.cancelButton.visible = run.is_active
        self.ui.cancelButton.enabled = run.state is RunState.RUNNING
        self.ui.progressBar.visible = run.is_active
        self.ui.progressBar.maximum = run.progress.total
        self.ui.progressBar.value = run.progress.done
        self._say(self._said())
        if not run.is_active:
            self._force.stop()
        self.check_can_apply()

    def waiting(self, count: int, *, decided: bool = False) -> None:
        """Say how many wait for a review of the result that is shown, or that all are decided."""
        self._waiting, self._decided = count, decided
        self.check_can_apply()

    def _said(self) -> str:
        """Where the run is, in one line."""
        run = self._run
        if run.state in {RunState.DONE, RunState.IDLE} and self._waiting:
            return _("For your review below: {count}. Then start again to write what you accept.").format(
                count=self._waiting
            )
        if run.state in {RunState.DONE, RunState.IDLE} and self._decided:
            return _("All are decided: start again to write what you accepted.")
        return {
            RunState.RUNNING: run.progress.sentence(),
            RunState.CANCELLING: _("Stopping after the present file"),
            RunState.DONE: _("Done."),
        }.get(run.state, run.message)

    def _say(self, text: str) -> None:
        self.ui.statusLabel.text = text
        self.ui.statusLabel.visible = bool(text)

    def _start(self) -> None:
        with slicer.util.WaitCursor():  # a key is made, or studies of the database are collected
            self._run.start(self._settings())

    def _cancel(self) -> None:
        self._run.cancel()
        self._force.start()

    def stop(self) -> None:
        """Stop for good: the panel goes away."""
        self._force.stop()
        self._run.close()
