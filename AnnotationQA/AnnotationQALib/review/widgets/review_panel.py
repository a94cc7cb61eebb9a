"""The panel of Consensus Review: loose segmentations, or the cases of a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from html import escape
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.interchange.exporting.exporting import Exported
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.review.acceptance import accept_proposed
from AnnotationQACore.review.case_list import CaseRow
from AnnotationQACore.review.reader_names import blinded_names
from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.segmentations import add_segmentation
from AnnotationQALib.logic.session import LedgerHealth, ReadingProgress, SessionHeader
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.case_work import GROUP
from AnnotationQALib.review.loose_readings import LooseReadings
from AnnotationQALib.review.project_review import OpenReview
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.time_points import TimePoint, volume_of
from AnnotationQALib.review.widgets import review_keys as keys
from AnnotationQALib.review.widgets.agreement_view import AgreementView
from AnnotationQALib.review.widgets.case_desk import CaseDesk, DeskActions
from AnnotationQALib.review.widgets.cases_view import CasesView
from AnnotationQALib.review.widgets.compare_view import CompareView
from AnnotationQALib.widgets.keys import PanelKeys
from AnnotationQALib.widgets.sign_in_view import Keys, SignInView
from AnnotationQALib.widgets.thread_time import let_threads_work
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["ReviewPanel"]

TICK_MS = 50
BUSY_TICK_MS = 20
REFRESH_TICKS = 600

ACT = "act"
"""Group of what the reviewer has asked for beside the open case: acceptance, export, report."""

OpenSession = Callable[[Any, str, Identity, Background, Background], ReviewSession]


def open_session(
    scene: Any, folder: str, identity: Identity, background: Background, listing: Background
) -> ReviewSession:
    """A session whose series may lie in Slicer's DICOM database."""
    project = Project.open(Path(folder), identity)

    def locate(uid: str) -> list[Path]:
        database = getattr(slicer, "dicomDatabase", None)
        files = database.filesForSeries(uid) if database is not None and database.isOpen else ()
        return [Path(file) for file in files]

    return ReviewSession(scene, project, background, listing, locate)


class ReviewPanel:
    """What the module shows.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    layout_manager : qMRMLLayoutManager or None
    open_session : callable
        Opens a project; tests hand in another.
    identity_keys : Keys, optional
    executor : Executor, optional
        Does the long work; two threads by default, one for the open case and one for the list.
    open_page : callable
        Called with the path of a report.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    compare : CompareView
    sign_in : SignInView
    cases : CasesView
    desk : CaseDesk
    agreement : AgreementView
    session : ReviewSession or None
    """

    def __init__(
        self,
        scene: Any,
        application_logic: Any,
        layout_manager: Any,
        open_session: OpenSession = open_session,
        identity_keys: Keys | None = None,
        executor: Executor | None = None,
        open_page: Callable[[str], Any] = lambda path: qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(path)),
    ) -> None:
        self.widget, self.ui = load_ui("ConsensusReview.ui")
        self.widget.setMRMLScene(scene)
        self.session: ReviewSession | None = None
        self._scene = scene
        self._application_logic = application_logic
        self._open_session = open_session
        self._open_page = open_page
        self._background = Background(self.show_error, executor)
        self._listing = Background(self.show_error, executor)
        self._own_nodes: list[Any] = []
        self._own_images: list[CaseImages] = []
        self._entered = False
        self._ticks = 0
        self._scene_changed = False
        self._came_from = ""
        self.compare = CompareView(scene, self.compare_nodes)
        self.sign_in = SignInView(self.open, self.close_project, self.show_error, identity_keys)
        self.cases = CasesView(self.open_case, self.open_next, self.refresh, self.accept_proposals)
        self.desk = CaseDesk(
            scene,
            application_logic,
            layout_manager,
            self._background,
            DeskActions(
                self.show_error, self.show_message, self.close_case, self._recorded, self._signed, self.show_beside
            ),
        )
        self.agreement = AgreementView(
            scene, self.show_table, self.show_chart, self._compare_watched, self._write_report, self.show_error
        )
        for button, view in (
            (self.ui.compareButton, self.compare),
            (self.ui.projectButton, self.sign_in),
            (self.ui.casesButton, self.cases),
            (self.ui.caseButton, self.desk),
            (self.ui.agreementButton, self.agreement),
        ):
            button.layout().addWidget(view.widget)
        page = qt.QLabel(keys.keys_page())
        page.wordWrap = True
        page.toolTip = _("The keys of this module")
        self.ui.helpButton.layout().addWidget(page)
        self.ui.messageButton.connect("clicked()", self.hide_message)
        self.ui.cancelButton.connect("clicked()", self.cancel)
        self._keys = PanelKeys(
            slicer.util.mainWindow() or self.widget,
            {
                keys.NEXT: self.desk.walk.next,
                keys.PREVIOUS: self.desk.walk.previous,
                keys.STYLE: self.desk.next_style,
                keys.CLOSER: self.desk.toggle_close_up,
                keys.HEAT: self.desk.next_heat_map,
                keys.NEXT_CASE: self.open_next,
                keys.SIGN_OFF: self.desk.sign_off,
                keys.CONSENSUS: self.desk.walk.take_consensus,
                **{key: _taker(self.desk, number) for number, key in enumerate(keys.TAKE)},
            },
        )
        events = (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent)
        self._observers = [scene.AddObserver(event, lambda *_: self._mark_scene()) for event in events]
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self.tick)
        self._show_state()

    # the life of the module

    def enter(self) -> None:
        """The module is shown."""
        self._entered = True
        self._keys.enable(True)
        self.compare.refresh()
        self.desk.enter()
        if self.session is None:
            self.sign_in.show_identities(self.sign_in.identity)
        self._timer.start()

    def exit(self) -> None:
        """The module is left: nothing of ours stays on keys, mouse and views; the review stays open."""
        self._entered = False
        self._keys.enable(False)
        self.desk.leave()

    def scene_closes(self) -> None:
        """Let the case go before its nodes leave the scene."""
        was_open = self.desk.is_open
        self._close_case()
        self.desk.forget_scene()
        if was_open:
            self.show_message(_("The scene was closed, and the review with it."))
        self._show_state()

    def cleanup(self) -> None:
        """The module is unloaded."""
        self.exit()
        self.close_project()
        self._timer.stop()
        self._keys.remove()
        for observer in self._observers:
            self._scene.RemoveObserver(observer)
        self._background.close()
        self._listing.close()

    def tick(self) -> None:
        """Some times a second: take up what the other threads have done."""
        self._background.poll()
        self._listing.poll()
        if self._scene_changed:
            self._scene_changed = False
            self.compare.refresh()
        title = self._background.title or self._listing.title
        self.ui.busyFrame.visible = bool(title)
        if title:
            self.ui.busyLabel.text = f"{title}..."
        self.ui.cancelButton.visible = bool(self._background.title)
        self._ticks += 1
        if self._ticks % REFRESH_TICKS == 0 and self.session is not None and not self.desk.is_open:
            self.refresh()
        is_working = not (self._background.is_idle and self._listing.is_idle)
        if is_working:
            let_threads_work()
        self._timer.setInterval(BUSY_TICK_MS if is_working else TICK_MS)

    def cancel(self) -> None:
        """Stop what is computed for the case; a case that was not open yet is not opened."""
        if self.desk.is_open:
            self.desk.stop_work()
            self.show_message(_("Stopped. Open the case again to go on."))
        else:
            self.close_case()

    # without a project

    def compare_nodes(self, volume: Any, segmentations: Sequence[Any], are_time_points: bool = False) -> None:
        """Compare segmentations of the scene.

        Parameters
        ----------
        volume : vtkMRMLScalarVolumeNode or None
        segmentations : sequence of vtkMRMLSegmentationNode
        are_time_points : bool
            Show each over the volume on which it was drawn; nothing is compared.
        """
        self._close_case()
        self.hide_message()
        if are_time_points:
            points = [TimePoint(node.GetName(), volume_of(node), node) for node in segmentations]
            lost = [point.name for point in points if point.volume is None]
            if self._succeeds(lambda: self.desk.show_time_points(points, _("Time points"))) and lost:
                names = ", ".join(lost)
                self.show_message(_("The images of {names} are not known; they are shown without.").format(names=names))
            self._show_state()
            return
        loose = self._attempt(lambda: LooseReadings(volume, segmentations))
        if loose is None:
            return

        def show(labels: Any) -> None:
            review = CaseReview(self._scene, {}, volume, nodes=loose.nodes, labels=labels)
            self.desk.show_loose(review)
            self._show_state()

        self._background.run(GROUP, _("Comparing"), loose.labels, show)
        self._timer.start()
        self.tick()

    # project

    def open(self, folder: str, identity: Identity) -> None:
        """Open a project; raises `AnnotationQAError` when it cannot be."""
        self.close_project()
        self.session = self._open_session(self._scene, folder.strip(), identity, self._background, self._listing)
        self.hide_message()
        self._show_state()
        self._refresh_list()
        self.session.compare_all(self._refresh_list)
        self._timer.start()
        self.tick()

    def close_project(self) -> None:
        """Close case and project."""
        self._close_case()
        if self.session is not None:
            session, self.session = self.session, None
            self._attempt(session.close)
        self._show_state()

    def refresh(self) -> None:
        """Read what others did meanwhile."""
        session = self.session
        if session is not None:
            self._attempt(lambda: session.refresh(self._refresh_list))
            self._refresh_list()

    def open_case(self, case: str) -> None:
        """Open a case: the views first, then what the readers differ in."""
        session = self.session
        if session is None or not self.desk.may_close():
            return
        self._close_case()
        self.hide_message()
        session.open(case, self._opened, self._not_opened)
        self._show_state()
        self.tick()

    def open_next(self) -> None:
        """Open the worst case that is not decided."""
        if self.session is None:
            return
        at = self.desk.opened.case if self.desk.opened is not None else ""
        case = self.cases.next_case(at)
        if case:
            self.open_case(case)
        else:
            self.show_message(_("All these cases are decided."))

    def close_case(self) -> None:
        """Close what is in review; time points of a case lead back to its review."""
        case, self._came_from = self._came_from, ""
        self._close_case()
        self._show_state()
        if case:
            self.open_case(case)

    def accept_proposals(self, rows: Sequence[CaseRow], reason: str) -> None:
        """Accept cases whose acceptance was proposed, one after the other."""
        session = self.session
        if session is None or not rows:
            return
        left = list(rows)
        accepted: list[str] = []

        def accept_one() -> None:
            row = left.pop(0)
            self._listing.run(
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
                self.show_error(problem)
            if left:
                accept_one()
                return
            if not problem:
                self.show_message(_("Accepted: {cases}.").format(cases=", ".join(accepted)))
            self.refresh()

        accept_one()
        self.tick()

    def show_beside(self, other: str) -> None:
        """Set another time point of the patient beside the open case; closing it leads back to the review."""
        session = self.session
        case = self.desk.opened.case if self.desk.opened is not None else ""
        if session is None or not other or not case or not self.desk.may_close():
            return

        locate = session.located([case, other])

        def load() -> Any:
            return [session.load_other(one, locate) for one in (case, other)]

        def show(loaded: Any) -> None:
            self._close_case()
            points = []
            for name, (images, prepared) in zip((case, other), loaded, strict=True):
                volume = None
                if images is not None:
                    shown = CaseImages(self._scene, images, session.titles())
                    self._own_images.append(shown)
                    volume = shown.node(shown.roles[0])
                readers = prepared.labels.readers[:3]
                for reader in readers:
                    title = f"{name}, {prepared.names.get(reader, reader)}"
                    node = add_segmentation(self._scene, prepared.labels.segmentation(reader), title)
                    node.SetHideFromEditors(True)
                    node.SetSaveWithScene(False)
                    self._own_nodes.append(node)
                    points.append(TimePoint(title, volume, node))
            title = _("{case} beside {other}").format(case=case, other=other)
            self._came_from = case
            self._succeeds(lambda: self.desk.show_time_points(points, title))
            self._show_state()

        self._background.run(GROUP, _("Loading the other time point"), load, show)
        self.tick()

    # tables, plots, report

    def show_table(self, node: Any) -> None:
        """Show a table node in a table view."""
        selection = self._application_logic.GetSelectionNode()
        if selection is None:
            return
        self._show_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
        selection.SetActiveTableID(node.GetID())
        self._application_logic.PropagateTableSelection()

    def show_chart(self, node: Any) -> None:
        """Show a chart node in a plot view."""
        selection = self._application_logic.GetSelectionNode()
        if selection is None:
            return
        self._show_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
        selection.SetActivePlotChartID(node.GetID())
        self._application_logic.PropagatePlotChartSelection()

    # messages

    def show_error(self, line: str) -> None:
        """Show what went wrong and what to do."""
        self._show_line(f"<b>⚠</b> {escape(line)}")

    def show_message(self, line: str) -> None:
        """Show what happened."""
        self._show_line(escape(line))

    def hide_message(self) -> None:
        """Take the line away."""
        self.ui.messageFrame.visible = False

    # inside

    def _show_line(self, html: str) -> None:
        self.ui.messageLabel.text = html
        self.ui.messageFrame.visible = True

    def _attempt(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except AnnotationQAError as error:
            self.show_error(str(error))
            return None

    def _succeeds(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except AnnotationQAError as error:
            self.show_error(str(error))
            return False
        return True

    def _mark_scene(self) -> None:
        self._scene_changed = True

    def _show_state(self) -> None:
        """Sections by what is open."""
        session = self.session
        is_open = self.desk.is_open
        self.ui.compareButton.visible = session is None and not is_open
        self.ui.projectButton.visible = not is_open
        self.ui.casesButton.visible = session is not None
        self.ui.casesButton.collapsed = is_open
        self.ui.caseButton.visible = is_open
        self.ui.agreementButton.visible = session is not None and not is_open
        if is_open:
            opened = self.desk.opened
            title = _("Case {case}").format(case=opened.case) if opened is not None else _("Comparison")
            self.ui.caseButton.text = title
        self._show_project()

    def _show_project(self) -> None:
        session = self.session
        if session is None:
            self.sign_in.show_project(None)
            self.ui.projectButton.text = _("Project")
            return
        state = session.project.state
        done, total = session.progress
        header = SessionHeader(
            state.name,
            session.member,
            session.reviews.protocol.title,
            session.reviews.protocol.version,
            ReadingProgress(done, total, 0),
            LedgerHealth(session.project.problems),
        )
        self.sign_in.show_project(header)
        self.sign_in.ui.progressLabel.text = _("{member}: {done} of {total} cases decided").format(
            member=session.member, done=done, total=total
        )
        self.ui.projectButton.text = _("Project: {project}").format(project=state.name)

    def _refresh_list(self) -> None:
        session = self.session
        if session is None:
            return
        rows = session.reviews.rows()
        self.cases.show(rows, session.reviews.protocol, session.may_review)
        pending = sum(row.pending for row in rows)
        text = _("Cases: {number}").format(number=len(rows))
        self.ui.casesButton.text = text + (_(", {number} not compared yet").format(number=pending) if pending else "")
        self._show_project()
        self._show_agreement(session)

    def _show_agreement(self, session: ReviewSession) -> None:
        cases = session.reviews.compared
        state = session.project.state
        readers = sorted({reader for case in cases for reader in case.readers})
        if session.reviews.protocol.design.blinding.reader_names_in_review:
            names = blinded_names(readers, state.project)
        else:
            names = {reader: state.members[reader].name if reader in state.members else reader for reader in readers}
        times = {(one.case, one.reader): one.time for one in state.all_readings() if one.round == 1}
        self.agreement.show(cases, session.reviews.protocol, names, times)

    def _opened(self, opened: OpenReview) -> None:
        session = self.session
        if session is None:
            return
        row = self.cases.row(opened.case)
        self.desk.show_case(session, opened, row.messages if row is not None else ())
        self.cases.select(opened.case)
        self._show_state()

    def _not_opened(self, line: str) -> None:
        self._show_state()
        self.show_error(line)

    def _close_case(self) -> None:
        self._came_from = ""
        self.desk.close()
        if self.session is not None:
            self.session.close_case()
        self._background.forget(GROUP)
        for node in self._own_nodes:
            if self._scene.IsNodePresent(node):
                self._scene.RemoveNode(node)
        for images in self._own_images:
            images.remove()
        self._own_nodes, self._own_images = [], []

    def _recorded(self, line: str) -> None:
        """Something was written to the ledger that ends the review of the case."""
        self._close_case()
        self.refresh()
        self._show_state()
        self.show_message(line)

    def _signed(self, submitted: SubmittedReading) -> None:
        """Export the reference standard, if that is wished, while the reviewer goes on."""
        session, view = self.session, self.desk.sign_off_view
        if session is None or not view.wants_objects:
            return
        if not view.folder:
            self.show_error(_("The case is signed off, but not exported: no folder is chosen."))
            return
        folder, report = Path(view.folder), view.wants_report
        view.ui.folderEdit.addCurrentPathToHistory()
        locate = session.located([submitted.case])
        self._listing.run(
            ACT,
            _("Exporting"),
            lambda: session.export(submitted, folder, report, locate),
            lambda done: self._exported(*done),
        )

    def _exported(self, result: Exported, folder: Path) -> None:
        names = ", ".join(file.path for file in result.files if file.path.endswith(".dcm"))
        lines = [_("Exported to {folder}: {names}.").format(folder=folder, names=names)] if names else []
        lines += [*result.problems, *result.nothing, *result.left_out]
        if result.problems:
            self.show_error(" ".join(lines))
        else:
            self.show_message(" ".join(lines))

    def _compare_watched(self) -> None:
        session = self.session
        if session is not None:
            self._listing.run(
                ACT, _("Comparing gold cases and repeats"), session.watched,
                lambda found: self.agreement.show_watched(*found)
            )  # fmt: skip
            self.tick()

    def _write_report(self, folder: str) -> None:
        session = self.session
        if session is None:
            return
        if not folder:
            self.show_error(str(InputError(_("report: no folder is chosen; choose a new one."))))
            return
        self.agreement.ui.reportEdit.addCurrentPathToHistory()
        self._listing.run(
            ACT, _("Writing the report"), lambda: session.write_report(Path(folder)), self._report_written
        )
        self.tick()

    def _report_written(self, page: Path) -> None:
        self.show_message(_("The report is in {folder}.").format(folder=page.parent))
        self._open_page(str(page))

    def _show_layout(self, number: int) -> None:
        node = self._scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if node is not None:
            node.SetViewArrangement(number)


def _taker(desk: CaseDesk, number: int) -> Callable[[], None]:
    return lambda: desk.walk.take_reader(number)
