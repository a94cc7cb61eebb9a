"""The gate with its remedies, what somebody must look at, the release itself, and its verification."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.project.state import State
from AnnotationQACore.release.gate.problems import GateReport
from AnnotationQACore.release.looking import ToLookAt
from AnnotationQACore.release.making import Made, require_destination
from AnnotationQALib.logic.release_form import ReleaseForm
from AnnotationQALib.logic.release_work import Received, ReleaseWork, received
from AnnotationQALib.widgets.gate_words import remedy_text, where_text
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.lead_page import LeadPage
from AnnotationQALib.widgets.lead_work import LeadWork
from AnnotationQALib.widgets.tables import cell, fill, prepare
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["ReleaseMakeView"]


class ReleaseMakeView(LeadPage[ReleaseWork]):
    """The page on which a release is checked, made and verified.

    Parameters
    ----------
    ui, work, steps
        See `LeadPage`; the fields are those of ``LabelingRelease.ui``.
    form : callable
        Gives what was filled in on the other pages.
    on_done, on_error : callable
        Called with one line.
    open_page : callable
        Opens a file for the person.
    """

    def __init__(
        self,
        ui: Any,
        work: LeadWork,
        steps: Callable[[], ReleaseWork | None],
        form: Callable[[], ReleaseForm],
        on_done: Callable[[str], None],
        on_error: Callable[[str], None],
        open_page: Callable[[str], Any],
    ) -> None:
        super().__init__(ui, work, steps)
        self._form = form
        self._on_done = on_done
        self._on_error = on_error
        self._open_page = open_page
        self._found: ToLookAt | None = None
        self._remedies: list[str] = []
        self._confidential: tempfile.TemporaryDirectory[str] | None = None
        prepare(ui.gateTable, 1)
        connect(ui.gateTable, "itemSelectionChanged()", self._show_remedy)
        for button, act in (
            (ui.gateButton, self._check),
            (ui.lookButton, self._look),
            (ui.draftButton, self._draft),
            (ui.makeButton, self._make),
            (ui.signButton, self._sign),
            (ui.pairButton, self._dismiss),
            (ui.verifyButton, self._verify),
            (ui.openCardButton, self._open_card),
        ):
            connect(button, "clicked()", act)
        self.forget()

    @property
    def split(self) -> str:
        """Split of the ledger that the release has; empty for none."""
        return str(self._ui.releaseSplitCombo.currentData or "")

    def show(self, state: State) -> None:
        """Offer the splits of the ledger; a chosen one stays chosen, and the newest is chosen at first."""
        combo = self._ui.releaseSplitCombo
        former, had_splits = str(combo.currentData or ""), combo.count > 1
        combo.clear()
        combo.addItem(_("none: all cases in one part"), "")
        for name in state.splits:
            combo.addItem(name, name)
        combo.currentIndex = max(combo.findData(former), 0) if had_splits else combo.count - 1

    def forget(self) -> None:
        """Show nothing of another project."""
        self._found = None
        self._remedies = []
        ui = self._ui
        ui.releaseSplitCombo.clear()
        ui.gateTable.setRowCount(0)
        ui.gateTable.visible = False
        ui.gateLabel.text = _("Not checked yet.")
        ui.remedyLabel.text = ""
        ui.signRow.visible = False
        ui.madeLabel.text = ""
        ui.verifyKeyEdit.clear()
        self.close()

    def enable(self, enabled: bool) -> None:
        """Let the buttons be used, or not."""
        ui = self._ui
        for button in (ui.gateButton, ui.lookButton, ui.draftButton, ui.makeButton, ui.verifyButton, ui.pairButton):
            button.enabled = enabled
        ui.signButton.enabled = enabled and self._found is not None

    def close(self) -> None:
        """Remove what was written to be looked at: it is confidential."""
        if self._confidential is not None:
            self._confidential.cleanup()
            self._confidential = None

    # the gate

    def _check(self) -> None:
        form = self._form()
        self._begin(_("Checking"), lambda steps, progress: steps.check(form, progress), self.show_gate)

    def show_gate(self, report: GateReport) -> None:
        """Show everything that stands in the way, each with its remedy."""
        ui = self._ui
        problems = report.problems
        passed = sum(not check.problems for check in report.checks)
        if report.is_open:
            text = _("Nothing stands in the way: all {number} checks passed.").format(number=len(report.checks))
        else:
            line = _("{number} problems; {passed} of {checks} checks passed. Nothing is released before they are gone.")
            text = line.format(number=len(problems), passed=passed, checks=len(report.checks))
        notes = [note for check in report.checks for note in check.notes]
        ui.gateLabel.text = "<br>".join([f"<b>{escape(text)}</b>", *(escape(_("Note: ") + note) for note in notes)])
        remedy = escape(_("Remedy"))
        self._remedies = [
            f"{escape(_sentence(one.what))}<br><b>{remedy}</b>: {escape(remedy_text(one))}." for one in problems
        ]
        fill(
            ui.gateTable,
            [
                [cell(words, f"{one.what}; {remedy_text(one)}.") for words in (where_text(one), one.what)]
                for one in problems
            ],
        )
        ui.gateTable.visible = bool(problems)
        ui.remedyLabel.text = ""
        if problems:
            ui.gateTable.selectRow(0)
            self._show_remedy()

    def _show_remedy(self) -> None:
        rows = self._ui.gateTable.selectionModel().selectedRows()
        if rows and rows[0].row() < len(self._remedies):
            self._ui.remedyLabel.text = self._remedies[rows[0].row()]

    # what somebody must look at

    def _look(self) -> None:
        form, folder = self._form(), self._scratch() / "looking"
        self._begin(_("Drawing thumbnails"), lambda steps, progress: steps.look(form, folder, progress), self._looked)

    def _looked(self, result: tuple[Path, ToLookAt]) -> None:
        path, found = result
        self._found = found
        ui = self._ui
        ui.signRow.visible = True
        ui.signButton.enabled = bool(found.texts or found.images)
        if not (found.texts or found.images):
            self._found = None
            self._on_done(_("Nothing is left to be looked at: all texts and images were signed off."))
            return
        self._open_page(str(path))
        line = _("{texts} texts and {images} images to look at. If none identifies anybody, sign them off.")
        self._on_done(line.format(texts=len(found.texts), images=len(found.images)))

    def _sign(self) -> None:
        found, reason = self._found, str(self._ui.signReasonEdit.text)
        if found is not None:
            self._begin(_("Signing"), lambda steps, progress: steps.sign_off(found, reason, progress), self._signed)

    def _signed(self, found: ToLookAt) -> None:
        self._found = None
        self.close()
        self._ui.signButton.enabled = False
        line = _("{texts} texts and {images} images are signed off.")
        self._on_done(line.format(texts=len(found.texts), images=len(found.images)))
        self._check()

    def _dismiss(self) -> None:
        cases = str(self._ui.pairEdit.text).replace(",", " ").split()
        reason = str(self._ui.signReasonEdit.text)
        if len(cases) != 2:
            self._on_error(_("pair: two cases are needed; write their IDs with a space between."))
            return
        self._begin(
            _("Signing"),
            lambda steps, progress: steps.dismiss(cases[0], cases[1], reason, progress),
            lambda pair: self._on_done(_("{a} and {b} are signed off as different.").format(a=pair[0], b=pair[1])),
        )

    def _draft(self) -> None:
        form, folder = self._form(), self._scratch() / "draft"
        self._begin(
            _("Writing the card"),
            lambda steps, progress: steps.draft(form, folder, progress),
            lambda path: self._open_page(str(path)),
        )

    def _scratch(self) -> Path:
        if self._confidential is None:
            self._confidential = tempfile.TemporaryDirectory(prefix="annotation-qa-")
        return Path(self._confidential.name)

    # the release

    def _make(self) -> None:
        try:
            destination = self._destination()
            require_destination(destination)
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return
        form = self._form()
        self._begin(
            _("Making the release"), lambda steps, progress: steps.make(form, destination, progress), self._made
        )

    def _made(self, made: Made | GateReport) -> None:
        ui = self._ui
        if isinstance(made, GateReport):
            self.show_gate(made)
            self._on_error(_("refused: {number} problems; they are listed below.").format(number=len(made.problems)))
            return
        ui.verifyKeyEdit.text = made.manifest.public_key
        line = _("{name}: {cases} cases, {files} files. Manifest SHA-256 {hash}. Give those who receive it this public "
                 "key, by another way than the dataset: {key}")  # fmt: skip
        ui.madeLabel.text = line.format(
            name=made.manifest.name,
            cases=made.cases,
            files=len(made.manifest.files),
            hash=made.manifest.sha256[:16] + "…",
            key=made.manifest.public_key,
        )
        self._on_done(_("The release {name} is made, signed and recorded.").format(name=made.manifest.name))

    def _verify(self) -> None:
        try:
            folder = self._destination()
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return
        keys = str(self._ui.verifyKeyEdit.text)
        self._work.begin(_("Verifying"), lambda progress: received(folder, keys, progress), self._verified)

    def _verified(self, result: Received) -> None:
        findings = list(result.verification.findings)
        if result.split is not None:
            findings += [str(problem) for problem in result.split.problems]
        if findings:
            more = [_("... and {number} more").format(number=len(findings) - 10)] if len(findings) > 10 else []
            head = f"<b>{escape(_('The release is not as it was signed, or its split does not hold.'))}</b>"
            self._ui.madeLabel.text = "<br>".join([head, *map(escape, [*findings[:10], *more])])
            return
        manifest = result.verification.manifest
        if manifest is not None:
            line = _("Sound: {name}, {files} files, signed on {day}. No patient and no duplicate is in two parts.")
            text = line.format(name=manifest.name, files=len(manifest.files), day=manifest.made[:10])
            self._ui.madeLabel.text = f"<b>{escape(text)}</b>"

    def _open_card(self) -> None:
        try:
            card = self._destination() / "card.html"
            if not card.is_file():
                raise InputError(_("card: there is none in this folder; choose the folder of a release."))
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return
        self._open_page(str(card))

    def _destination(self) -> Path:
        text = str(self._ui.releasePathEdit.currentPath).strip()
        if not text:
            raise InputError(_("release: no folder is chosen; choose a new one."))
        return Path(text)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
