"""Section "Profile": a readable form of what is kept, cleaned and removed."""

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import ProfileError
from DeidentifyStudyCore.profile import OPTIONS, Profile, load_profile, shipped_profiles
from DeidentifyStudyLib.logic.profile_form import (
    edited,
    effect_of,
    effects_of,
    option_in_standard,
    option_title,
)
from DeidentifyStudyLib.widgets.common import fill, forgetful_dialog, show_all_rows, show_matching, style_table
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["ProfileView"]

_DEFAULT = "hipaa-safe-harbor"


class ProfileView:
    """Shows a profile and lets the person change it for this run.

    Attributes
    ----------
    profile : Profile or None
        What was chosen; None when it does not hold together, and `problem` says why.
    """

    def __init__(self, ui: Any, changed: Callable[[], None]) -> None:
        self.ui = ui
        self._changed = changed
        self._profiles = shipped_profiles()
        self._options = list(OPTIONS)
        self.profile: Profile | None = None
        self.problem = ""
        self._removed: dict[str, str] = {}  # tags and names of attributes that the person refused
        self._fill_choices()
        style_table(ui.optionsTable, 1)
        style_table(ui.effectsTable, 1, 2)
        ui.profileProblem.visible = False
        ui.effectsHolder.visible = False
        connect(ui.profileCombo, "currentIndexChanged(int)", lambda _index: self._show_profile())
        connect(ui.profileFileButton, "clicked()", self._ask_file)
        connect(ui.optionsTable, "itemChanged(QTableWidgetItem*)", lambda _item: self._edited())
        connect(ui.optionsTable, "itemSelectionChanged()", self._say_option)
        connect(ui.patientIdEdit, "textChanged(QString)", lambda _text: self._edited())
        connect(ui.burnedInCombo, "currentIndexChanged(int)", lambda _index: self._edited())
        connect(ui.effectsButton, "toggled(bool)", self._show_effects)
        connect(ui.effectsSearch, "textChanged(QString)", lambda text: show_matching(ui.effectsTable, text, (0, 1)))
        self._show_profile()
        show_all_rows(ui.optionsTable)

    def _fill_choices(self) -> None:
        for name in self._profiles:
            self.ui.profileCombo.addItem(name)
        self.ui.profileCombo.currentText = _DEFAULT
        self.ui.burnedInCombo.addItem(_("images at risk wait for your review"), "quarantine")
        self.ui.burnedInCombo.addItem(_("images at risk are written unseen: risk accepted"), "accept")

    def _chosen(self) -> Profile:
        return self._profiles[self.ui.profileCombo.currentText]

    def _ask_file(self) -> None:
        with forgetful_dialog():
            path = qt.QFileDialog.getOpenFileName(
                self.ui.profileCombo.window(), _("Profile"), "", _("Profiles (*.json)")
            )
        if not path:
            return
        try:
            profile = load_profile(path)
        except ProfileError as error:
            self._say(str(error))
            return
        if profile.name not in self._profiles:
            self.ui.profileCombo.addItem(profile.name)
        self._profiles[profile.name] = profile
        self.ui.profileCombo.currentText = profile.name
        self._show_profile()

    def remove(self, attributes: Mapping[str, str]) -> None:
        """Remove attributes, given by tag and name, whatever the options say, until another profile is chosen."""
        self._removed |= attributes
        self._edited()

    def _show_profile(self) -> None:
        profile = self._chosen()
        self._removed = {}
        self.ui.profileDescription.text = profile.description
        table = self.ui.optionsTable
        fill(table, [(option_title(option), "") for option in self._options])
        blocked = table.blockSignals(True)
        for row, option in enumerate(self._options):
            item = table.item(row, 0)
            item.setFlags(item.flags() | qt.Qt.ItemIsUserCheckable)
            item.setCheckState(qt.Qt.Checked if option in profile.options else qt.Qt.Unchecked)
        table.blockSignals(blocked)
        for widget, setter in (
            (self.ui.patientIdEdit, lambda: self.ui.patientIdEdit.setText(profile.patient_id)),
            (self.ui.burnedInCombo, lambda: self._set_burned_in(profile.burned_in_risk)),
        ):
            blocked = widget.blockSignals(True)
            setter()
            widget.blockSignals(blocked)
        self._edited()

    def _set_burned_in(self, choice: str) -> None:
        self.ui.burnedInCombo.setCurrentIndex(self.ui.burnedInCombo.findData(choice))

    def _edited(self) -> None:
        table = self.ui.optionsTable
        options = frozenset(
            option for row, option in enumerate(self._options) if table.item(row, 0).checkState() == qt.Qt.Checked
        )
        try:
            self.profile = edited(
                self._chosen(), options, self.ui.patientIdEdit.text, self.ui.burnedInCombo.currentData, self._removed
            )
            self._say("")
            self._say_effects(self.profile)
            self.ui.alsoRemoved.text = _("Also removed: {names}.").format(names=", ".join(self._removed.values()))
            self.ui.alsoRemoved.visible = bool(self._removed)
        except ProfileError as error:
            self.profile = None
            self._say(str(error))
        self._changed()

    def _say(self, problem: str) -> None:
        self.problem = problem
        self.ui.profileProblem.text = problem
        self.ui.profileProblem.visible = bool(problem)

    def _say_effects(self, profile: Profile) -> None:
        table = self.ui.optionsTable
        blocked = table.blockSignals(True)
        for row, option in enumerate(self._options):
            effect = effect_of(profile, option)
            table.item(row, 1).setText(effect.short())
            table.item(row, 1).setData(qt.Qt.UserRole, effect.sentence())
            names = ", ".join(effect.names[:40]) + (" …" if len(effect.names) > 40 else "")
            for column in range(2):
                table.item(row, column).setToolTip(
                    f"<p><b>{option_in_standard(option)}</b></p><p>{effect.sentence()}</p><p>{names}</p>"
                )
        table.blockSignals(blocked)
        self._say_option()
        if self.ui.effectsButton.checked:
            self._show_effects(True)

    def _say_option(self) -> None:
        row = max(self.ui.optionsTable.currentRow(), 0)
        title, effect = (self.ui.optionsTable.item(row, column) for column in range(2))
        self.ui.optionDetail.text = f"<b>{title.text()}</b>: {effect.data(qt.Qt.UserRole)}."

    def _show_effects(self, shown: bool) -> None:
        self.ui.effectsHolder.visible = shown
        if shown and self.profile is not None:
            fill(self.ui.effectsTable, [(row.tag, row.name, row.action) for row in effects_of(self.profile)])
            show_matching(self.ui.effectsTable, self.ui.effectsSearch.text, (0, 1))
