"""Release, rounds and labels out of reports: what a lead does with what was read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

import qt
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.project.identities import Identity
from AnnotationQALib.logic.release_form import ReleaseForm
from AnnotationQALib.logic.release_work import ReleaseWork
from AnnotationQALib.logic.reports_work import ReportsWork
from AnnotationQALib.logic.rounds_work import RoundsWork
from AnnotationQALib.widgets.lead_work import LeadWork
from AnnotationQALib.widgets.release_data_view import ReleaseDataView
from AnnotationQALib.widgets.release_make_view import ReleaseMakeView
from AnnotationQALib.widgets.release_sheet_view import ReleaseSheetView
from AnnotationQALib.widgets.release_split_view import ReleaseSplitView
from AnnotationQALib.widgets.report_labels_view import ReportLabelsView
from AnnotationQALib.widgets.rounds_view import RoundsView
from AnnotationQALib.widgets.tab_pages import fit_to_page
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["ReleaseView"]

S = TypeVar("S")


def _open_page(path: str) -> None:
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(path))


class ReleaseView:
    """Three sections for leads; all of it is done by the functions of the command line.

    Parameters
    ----------
    on_done : callable
        Called with one line; the ledger may have changed.
    on_error : callable
        Called with one line.
    executor : Executor, optional
        Does the long work; a thread by default.
    open_page : callable, optional
        Opens a page in the person's browser.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    work : LeadWork
    sheet, data, split, make, rounds, reports : views
        One for each page or section.
    """

    def __init__(
        self,
        on_done: Callable[[str], None],
        on_error: Callable[[str], None],
        executor: Executor | None = None,
        open_page: Callable[[str], Any] = _open_page,
    ) -> None:
        self.widget, self.ui = load_ui("LabelingRelease.ui")
        ui = self.ui
        for tabs in (ui.releaseTabs, ui.roundsTabs):
            fit_to_page(tabs)
        self._on_done = on_done
        self._on_error = on_error
        self._project: Any = None
        self.work = LeadWork(
            ui.releaseBusyFrame,
            ui.releaseBusyLabel,
            ui.releaseBusyBar,
            ui.releaseCancelButton,
            on_error,
            self._cancelled,
            self._show_busy,
            executor,
        )
        self.sheet = ReleaseSheetView(ui, on_done, on_error)
        self.data = ReleaseDataView(ui)
        release = self._steps_of(ReleaseWork)
        self.split = ReleaseSplitView(ui, self.work, release, lambda: self.data.sources, self._changed)
        self.make = ReleaseMakeView(ui, self.work, release, lambda: self.form, self._changed, on_error, open_page)
        self.rounds = RoundsView(ui, self.work, self._steps_of(RoundsWork), self._changed)
        self.reports = ReportLabelsView(ui, self.work, self._steps_of(ReportsWork), self._changed, on_error)

    @property
    def form(self) -> ReleaseForm:
        """All that was filled in."""
        return ReleaseForm(
            name=str(self.ui.releaseNameEdit.text),
            sheet=self.sheet.texts,
            formats=self.data.formats,
            readings=self.data.readings,
            named=bool(self.ui.namesCheck.checked),
            split=self.make.split,
            options=self.data.options,
            filters=self.data.filters,
            sources=self.data.sources,
        )

    def show(self, project: Any) -> None:
        """Show what can be done with a project that the person leads; nothing without one."""
        is_other = project is not self._project
        self._project = project
        self.widget.visible = project is not None
        if is_other:
            self.work.drop()
            for view in (self.split, self.make, self.rounds, self.reports):
                view.forget()
        if project is None:
            return
        if is_other:
            self.data.show(project.protocol())
            if not self.sheet.texts["title"]:
                self.sheet.show({**self.sheet.texts, "title": project.state.name or project.name})
        for view in (self.make, self.rounds, self.reports):
            view.show(project.state)

    def close(self) -> None:
        """End the background work, and remove what was written to be looked at."""
        self.work.close()
        self.make.close()

    def _steps_of(self, kind: Callable[[Path, Identity | None], S]) -> Callable[[], S | None]:
        def steps() -> S | None:
            project = self._project
            return None if project is None else kind(project.folder, project.identity)

        return steps

    def _changed(self, line: str) -> None:
        project = self._project
        if project is not None:
            try:
                project.refresh()
            except AnnotationQAError as error:
                self._on_error(error_text(error))
                return
            self.show(project)
        self._on_done(line)

    def _cancelled(self, title: str) -> None:
        self._on_done(
            _("{title}: cancelled. A release goes on where it was when it is begun again.").format(title=title)
        )

    def _show_busy(self, busy: bool) -> None:
        for view in (self.split, self.make, self.rounds, self.reports):
            view.enable(not busy)
