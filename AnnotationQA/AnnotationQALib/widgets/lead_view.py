"""The lead's corner: create a project, add cases and people, assign, watch progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, Cancelled, InputError
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped, shipped_protocols
from AnnotationQALib.logic import lead_desk
from AnnotationQALib.logic.background import BackgroundTask, Workers
from AnnotationQALib.logic.database_cases import Database, cases_of_studies
from AnnotationQALib.logic.lead_desk import Plan
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.release_view import ReleaseView
from AnnotationQALib.widgets.studies_tree import StudiesTree
from AnnotationQALib.widgets.texts import case_status_text
from AnnotationQALib.widgets.thread_time import let_threads_work
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["LeadView"]

POLL_MS = 20


class LeadView:
    """What a lead does; all of it is done by the functions of the command line.

    Parameters
    ----------
    on_done : callable
        Called with a line, and with the folder of a project that was made (empty otherwise).
    on_error : callable
        Called with one line.
    identity : callable
        The key of the person at the computer; raises `AnnotationQAError`.
    executor : Executor, optional
        Reads the images of new cases; a thread by default.
    database : callable, optional
        Gives the DICOM database; None, or a database of None, when there is none.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    studies : StudiesTree
    release : ReleaseView
    """

    def __init__(
        self,
        on_done: Callable[[str, str], None],
        on_error: Callable[[str], None],
        identity: Callable[[], Identity],
        executor: Executor | None = None,
        database: Callable[[], Database | None] = lambda: None,
    ) -> None:
        self.widget, self.ui = load_ui("LabelingLead.ui")
        self._database = database
        self._on_done = on_done
        self._on_error = on_error
        self._identity = identity
        self._executor = executor or Workers(1, "AnnotationQA-lead")
        self._project: Any = None
        self._reading: BackgroundTask[tuple[Case, ...]] | None = None
        self.release = ReleaseView(self._done, on_error, executor)
        self.widget.layout().addWidget(self.release.widget)
        self.studies = StudiesTree(self.ui.studiesTree, self.ui.studiesSearch)
        for name in shipped_protocols():
            self.ui.protocolCombo.addItem(load_shipped(name).title, name)
        table = self.ui.readersTable
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        connect(self.ui.createButton, "clicked()", self._create)
        connect(self.ui.addCasesButton, "clicked()", self._read_cases)
        connect(self.ui.databaseButton, "toggled(bool)", self._show_studies)
        connect(self.ui.addStudiesButton, "clicked()", self._read_studies)
        connect(self.ui.cancelCasesButton, "clicked()", self._cancel)
        connect(self.ui.caseNameEdit, "textChanged(QString)", lambda: self._look_up())
        connect(self.ui.addPersonButton, "clicked()", self._add_person)
        connect(self.ui.planButton, "clicked()", self._preview)
        connect(self.ui.assignButton, "clicked()", self._assign)
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        connect(self._timer, "timeout()", self._poll)

    def show(self, project: Any) -> None:
        """Show what can be done with a project that the person leads; without one, how to create one."""
        is_other = project is not self._project
        self._project = project
        self.release.show(project)
        self.ui.createPage.visible = project is None
        self.ui.leadTabs.visible = project is not None
        if project is None:
            return
        if is_other:
            design = project.protocol().design
            self.ui.perCaseSpin.value = design.readers_per_case
            self.ui.repeatsSpin.value = round(design.repeat_fraction * 100)
            self.ui.washoutSpin.value = design.washout_days
            self.ui.planLabel.text = ""
            self.ui.databaseButton.checked = False
        self._show_figures()

    def close(self) -> None:
        """End the background work."""
        self._timer.stop()
        self._cancel()
        self.release.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _show_figures(self) -> None:
        state = self._project.state
        self.ui.casesLabel.text = _("{number} cases in the project").format(number=len(state.cases))
        self.ui.peopleLabel.text = ", ".join(
            f"{member.id} ({', '.join(member.roles)})" for member in state.members.values()
        )
        rows = lead_desk.reader_rows(self._project)
        self.ui.readersTable.setRowCount(len(rows))
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                self.ui.readersTable.setItem(row, column, qt.QTableWidgetItem(str(cell)))
        counts = lead_desk.status_counts(self._project)
        self.ui.statusLabel.text = ", ".join(f"{case_status_text(status)}: {count}" for status, count in counts.items())

    def _attempt(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Cancelled:
            return None
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return None

    def _done(self, line: str, project: str = "") -> None:
        self._on_done(line, project)
        if self._project is not None:
            self._show_figures()

    def _create(self) -> None:
        folder = self._attempt(lambda: _chosen(self.ui.folderPathEdit, _("folder: none is chosen; choose a new one.")))
        if folder is None:
            return
        made = self._attempt(
            lambda: lead_desk.create_project(
                folder,
                self._identity(),
                str(self.ui.protocolPathEdit.currentPath).strip(),
                str(self.ui.protocolCombo.currentData),
                str(self.ui.nameEdit.text).strip(),
                bool(self.ui.alsoReaderCheck.checked),
            )
        )
        if made is not None:
            self._done(_("The project is made. Add people and cases next."), str(made))

    def _read_cases(self) -> None:
        source = self._attempt(
            lambda: _chosen(self.ui.casesPathEdit, _("cases: choose the folder or table from which they are added."))
        )
        if source is not None:
            folder = self._project.folder
            self._begin(lambda progress: lead_desk.read_cases(source, folder, progress))

    def _show_studies(self, shown: bool) -> None:
        """List the studies of the DICOM database that are no cases yet, or hide them."""
        self.ui.studiesBox.visible = shown
        if shown and self._project is not None:
            self.studies.show(self._database(), self._project)

    def _read_studies(self) -> None:
        studies = self.studies.checked
        if not studies:
            self._on_error(_("studies: none is chosen; check those that are to become cases."))
            return
        protocol = self._project.protocol()
        self._begin(lambda progress: cases_of_studies(studies, protocol, progress))

    def _begin(self, work: Callable[[Any], tuple[Case, ...]]) -> None:
        """Begin to read new cases in the background."""
        if self._reading is not None:
            return
        self._enable(False)
        self._reading = BackgroundTask(self._executor, work)
        self._timer.start()
        self._poll()

    def _cancel(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _enable(self, enabled: bool) -> None:
        self.ui.addCasesButton.enabled = enabled
        self.ui.addStudiesButton.enabled = enabled
        self.ui.casesProgressRow.visible = not enabled

    def _poll(self) -> None:
        reading = self._reading
        if reading is None:
            return
        self.ui.casesProgress.maximum = reading.progress.total
        self.ui.casesProgress.value = reading.progress.done
        if not reading.is_done:
            let_threads_work()
            return
        self._reading = None
        self._timer.stop()
        self._enable(True)
        cases = self._attempt(reading.result)
        if cases is not None and self._project is not None:
            project = self._project
            if self._attempt(lambda: project.add_cases(cases)) is not None:
                self._done(_("{number} cases were added.").format(number=len(cases)))
                if self.ui.databaseButton.checked:
                    self._show_studies(True)

    def _look_up(self) -> None:
        """Which case a reader means by the name on the reader's screen."""
        found = lead_desk.case_of_name(self._project, str(self.ui.caseNameEdit.text)) if self._project else ()
        self.ui.caseNameLabel.text = ", ".join(
            _("{case}, round {round}, read by {reader}").format(case=case, round=number, reader=reader)
            for reader, case, number in found
        )

    def _add_person(self) -> None:
        checks = {
            Role.READER: self.ui.readerCheck,
            Role.REVIEWER: self.ui.reviewerCheck,
            Role.ADJUDICATOR: self.ui.adjudicatorCheck,
            Role.LEAD: self.ui.leadCheck,
        }
        roles = tuple(role for role, check in checks.items() if check.checked)
        name = self._attempt(
            lambda: lead_desk.add_person(
                self._project, str(self.ui.keyEdit.text), str(self.ui.fullNameEdit.text), roles
            )
        )
        if name is not None:
            self.ui.keyEdit.clear()
            self.ui.fullNameEdit.clear()
            self._done(_("{name} was added.").format(name=name))

    def _plan(self) -> Plan:
        return Plan(
            int(self.ui.perCaseSpin.value),
            self.ui.repeatsSpin.value / 100,
            int(self.ui.washoutSpin.value),
            tuple(str(self.ui.goldEdit.text).replace(",", " ").split()),
            int(self.ui.seedSpin.value),
        )

    def _preview(self) -> None:
        planned = self._attempt(lambda: lead_desk.plan(self._project, self._plan()))
        if planned is not None:
            counts: dict[str, int] = {}
            for entry in planned:
                counts[entry.reader] = counts.get(entry.reader, 0) + 1
            self.ui.planLabel.text = _counts_text(counts)

    def _assign(self) -> None:
        counts = self._attempt(lambda: lead_desk.assign(self._project, self._plan()))
        if counts is not None:
            self.ui.planLabel.text = _counts_text(counts)
            self._done(_("Assigned: {counts}").format(counts=_counts_text(counts)))


def _counts_text(counts: Mapping[str, int]) -> str:
    if not counts:
        return _("nothing to assign: all cases have their readers")
    return ", ".join(f"{reader}: {count}" for reader, count in sorted(counts.items()))


def _chosen(edit: Any, reason: str) -> Path:
    """The path of an edit; raises `InputError` with the reason when there is none."""
    text = str(edit.currentPath).strip()
    if not text:
        raise InputError(reason)
    return Path(text)
