"""The open project: its list of cases, agreement over all of them, and what is done beside the open case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.interchange.exporting.exporting import Exported
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.review.acceptance import accept_proposed
from AnnotationQACore.review.case_list import CaseRow
from AnnotationQACore.review.reader_names import blinded_names
from AnnotationQALib.logic.session_header import LedgerHealth, ReadingProgress, SessionHeader
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.widgets.agreement_view import AgreementView
from AnnotationQALib.review.widgets.cases_view import CasesView
from AnnotationQALib.review.widgets.desk_opener import DeskOpener
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.review.widgets.sign_off_view import SignOffView
from AnnotationQALib.widgets.sign_in_view import SignInView

__all__ = ["ReviewProject", "StartSession"]

ACT = "act"
"""Group of what the reviewer has asked for beside the open case: acceptance, export, report."""

OPENING = "opening"

StartSession = Callable[[Any, Project, Background, Background], ReviewSession]
"""Begins a session in a scene, by a project that was read."""


class ReviewProject:
    """Opens, shows and closes a project.

    Parameters
    ----------
    context : ReviewContext
    opener : DeskOpener
    sign_in : SignInView
    cases : CasesView
    agreement : AgreementView
    sign_off : SignOffView
        Says whether and where to a reference standard is exported.
    start_session : callable
    show_state : callable
        Called when a project was opened or closed.
    show_titles : callable
        Called with the titles of the sections of project and cases.
    open_page : callable
        Called with the path of a report.
    """

    def __init__(
        self,
        context: ReviewContext,
        opener: DeskOpener,
        sign_in: SignInView,
        cases: CasesView,
        agreement: AgreementView,
        sign_off: SignOffView,
        start_session: StartSession,
        show_state: Callable[[], None],
        show_titles: Callable[[str, str], None],
        open_page: Callable[[str], Any],
    ) -> None:
        self._context = context
        self._opener = opener
        self._sign_in = sign_in
        self._cases = cases
        self._agreement = agreement
        self._sign_off = sign_off
        self._start_session = start_session
        self._show_state = show_state
        self._show_titles = show_titles
        self._open_page = open_page

    def open(self, folder: str, identity: Identity) -> None:
        """Begin to open a project; what hinders it is shown."""
        self.close()
        self._context.messages.hide()
        self._sign_in.show_opening(True)
        path = Path(folder.strip())
        self._context.opening.run(
            OPENING, _("Opening the project"), lambda: Project.open(path, identity), self._opened, self._not_opened
        )
        self._context.begin()

    def close(self) -> None:
        """Close case and project; one that is being opened is let go."""
        context = self._context
        self.stop_opening()
        self._opener.let_go()
        if context.session is not None:
            session, context.session = context.session, None
            context.attempt(session.close)
        self._show_state()
        self.show()

    def stop_opening(self) -> bool:
        """Let a project go that is being opened; False when none is."""
        is_opening = not self._context.opening.is_idle
        self._context.opening.forget(OPENING)
        self._sign_in.show_opening(False)
        return is_opening

    def refresh(self) -> None:
        """Read what others did meanwhile."""
        session = self._context.session
        if session is not None:
            self._context.attempt(lambda: session.refresh(self.show))
            self.show()

    def show(self) -> None:
        """Show the project as it stands now."""
        session = self._context.session
        if session is None:
            self._sign_in.show_project(None)
            self._show_titles(_("Project"), _("Cases"))
            return
        protocol, state = session.reviews.protocol, session.project.state
        rows = session.reviews.rows()
        self._cases.show(rows, protocol, session.may_review)
        pending = sum(row.pending for row in rows)
        cases = _("Cases: {number}").format(number=len(rows))
        cases += _(", {number} not compared yet").format(number=pending) if pending else ""
        done, total = session.progress
        health = LedgerHealth(session.project.problems)
        progress = ReadingProgress(done, total, 0)
        self._sign_in.show_project(
            SessionHeader(state.name, session.member, protocol.title, protocol.version, progress, health)
        )
        self._sign_in.ui.progressLabel.text = _("{member}: {done} of {total} cases decided").format(
            member=session.member, done=done, total=total
        )
        self._show_titles(_("Project: {project}").format(project=state.name), cases)
        self._show_agreement(session)

    def accept(self, rows: Sequence[CaseRow], reason: str) -> None:
        """Accept cases whose acceptance was proposed, one after the other."""
        session = self._context.session
        if session is None or not rows:
            return
        left = list(rows)
        accepted: list[str] = []

        def accept_one() -> None:
            row = left.pop(0)
            self._context.listing.run(
                ACT,
                _("Accepting {case}").format(case=row.case),
                lambda: accept_proposed(session.project, row, reason),
                lambda _event: went_on(row.case),
                lambda line: went_on("", line),
            )

        def went_on(case: str, problem: str = "") -> None:
            if case:
                accepted.append(case)
            if problem:
                self._context.messages.show_error(problem)
            if left:
                accept_one()
                return
            if not problem:
                self._context.messages.show(_("Accepted: {cases}.").format(cases=", ".join(accepted)))
            self.refresh()

        accept_one()
        self._context.begin()

    def recorded(self, line: str) -> None:
        """Something was written to the ledger that ends the review of the case."""
        self._opener.let_go()
        self.refresh()
        self._show_state()
        self._context.messages.show(line)

    def export(self, submitted: SubmittedReading) -> None:
        """Export a reference standard, if that is wished, while the reviewer goes on."""
        session, view = self._context.session, self._sign_off
        if session is None or not view.wants_objects:
            return
        if not view.folder:
            self._context.messages.show_error(_("The case is signed off, but not exported: no folder is chosen."))
            return
        folder, report = Path(view.folder), view.wants_report
        view.ui.folderEdit.addCurrentPathToHistory()
        locate = session.located([submitted.case])
        self._context.listing.run(
            ACT,
            _("Exporting"),
            lambda: session.export(submitted, folder, report, locate),
            lambda done: self._exported(*done),
        )

    def compare_watched(self) -> None:
        """Compare gold-standard cases and repeats."""
        session = self._context.session
        if session is not None:
            title = _("Comparing gold cases and repeats")
            self._context.listing.run(ACT, title, session.watched, lambda found: self._agreement.show_watched(*found))
            self._context.begin()

    def write_report(self, folder: str) -> None:
        """Write the report on agreement, and open it."""
        session = self._context.session
        if session is None:
            return
        if not folder:
            self._context.messages.show_error(_("report: no folder is chosen; choose a new one."))
            return
        self._agreement.ui.reportEdit.addCurrentPathToHistory()
        self._context.listing.run(
            ACT, _("Writing the report"), lambda: session.write_report(Path(folder)), self._report_written
        )
        self._context.begin()

    # inside

    def _opened(self, project: Project) -> None:
        context = self._context
        self._sign_in.show_opening(False)
        session = context.attempt(
            lambda: self._start_session(context.scene, project, context.background, context.listing)
        )
        if session is None:
            project.close()
            return
        context.session = session
        self._sign_in.remember()
        self._show_state()
        self.show()
        session.compare_all(self.show)
        context.begin()

    def _not_opened(self, line: str) -> None:
        self._sign_in.show_opening(False)
        self._context.messages.show_error(line)

    def _show_agreement(self, session: ReviewSession) -> None:
        cases = session.reviews.compared
        state = session.project.state
        readers = sorted({reader for case in cases for reader in case.readers})
        if session.reviews.protocol.design.blinding.reader_names_in_review:
            names = blinded_names(readers, state.project)
        else:
            names = {reader: state.members[reader].name if reader in state.members else reader for reader in readers}
        times = {(one.case, one.reader): one.time for one in state.all_readings() if one.round == 1}
        self._agreement.show(cases, session.reviews.protocol, names, times)

    def _exported(self, result: Exported, folder: Path) -> None:
        names = ", ".join(file.path for file in result.files if file.path.endswith(".dcm"))
        lines = [_("Exported to {folder}: {names}.").format(folder=folder, names=names)] if names else []
        text = " ".join([*lines, *result.problems, *result.nothing, *result.left_out])
        if result.problems:
            self._context.messages.show_error(text)
        else:
            self._context.messages.show(text)

    def _report_written(self, page: Path) -> None:
        self._context.messages.show(_("The report is in {folder}.").format(folder=page.parent))
        self._open_page(str(page))
