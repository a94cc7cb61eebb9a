"""The line on optional packages below the profile, and the button that installs what is missing."""

import importlib
from contextlib import suppress
from subprocess import CalledProcessError
from typing import Any

from slicer.i18n import tr as _

from DeidentifyStudyLib.logic.extras import missing_extras, summary
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["ExtrasView"]


class ExtrasView:
    """Says which optional packages are missing; runs work without them, and take them up at once when installed."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        connect(ui.extrasButton, "clicked()", self._install)
        self._show()

    def _show(self, problem: str = "") -> None:
        missing = missing_extras()
        self.ui.extrasStatus.text = problem or summary(missing)
        self.ui.extrasButton.visible = bool(missing)

    def _install(self) -> None:
        import slicer.packaging  # new in 5.12; only this button needs it

        wanted = [requirement for extra in missing_extras() for requirement in extra.requirements]
        problem = ""
        try:
            with suppress(RuntimeError):  # the person declined
                slicer.packaging.pip_ensure(wanted, requester=_("De-identify Study"))
        except CalledProcessError:
            problem = _(
                "The packages could not be installed. Without internet, ask your administrator for: {packages}."
            ).format(packages=", ".join(wanted))
        importlib.invalidate_caches()
        self._show(problem)
