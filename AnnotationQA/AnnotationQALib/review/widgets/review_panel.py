"""The panel of Consensus Review: loose segmentations, or the cases of a project."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from AnnotationQACore.project.folder import Project
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.widgets import review_keys as keys
from AnnotationQALib.review.widgets.agreement_view import AgreementView
from AnnotationQALib.review.widgets.case_desk import CaseDesk, DeskActions
from AnnotationQALib.review.widgets.cases_view import CasesView
from AnnotationQALib.review.widgets.compare_view import CompareView
from AnnotationQALib.review.widgets.desk_opener import DeskOpener
from AnnotationQALib.review.widgets.node_views import NodeViews
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.review.widgets.review_project import ReviewProject, StartSession
from AnnotationQALib.widgets.guard import connect, guarded
from AnnotationQALib.widgets.keys import PanelKeys
from AnnotationQALib.widgets.sign_in_view import Keys, SignInView
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["ReviewPanel"]

REFRESH_TICKS = 600


def start_session(scene: Any, project: Project, background: Background, listing: Background) -> ReviewSession:
    """A session whose series may lie in Slicer's DICOM database."""

    def locate(uid: str) -> list[Path]:
        database = getattr(slicer, "dicomDatabase", None)
        files = database.filesForSeries(uid) if database is not None and database.isOpen else ()
        return [Path(file) for file in files]

    return ReviewSession(scene, project, background, listing, locate)


class ReviewPanel:
    """What the module shows; its parts do the work.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    layout_manager : qMRMLLayoutManager or None
    start_session : callable
        Begins a session by a project that was read; tests hand in another.
    identity_keys : Keys, optional
    executor : Executor, optional
        Does the long work; threads by default.
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
    opener : DeskOpener
        Puts cases and loose segmentations on the desk.
    projects : ReviewProject
        Opens and closes projects, and acts on the open one.
    """

    def __init__(
        self,
        scene: Any,
        application_logic: Any,
        layout_manager: Any,
        start_session: StartSession = start_session,
        identity_keys: Keys | None = None,
        executor: Executor | None = None,
        open_page: Callable[[str], Any] = lambda path: qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(path)),
    ) -> None:
        self.widget, self.ui = load_ui("ConsensusReview.ui")
        self.widget.setMRMLScene(scene)
        self._scene = scene
        self._ticks = 0
        self._scene_changed = False
        self._context = context = ReviewContext(scene, self.ui, executor)
        self.compare = CompareView(scene, lambda *chosen: self.opener.compare_nodes(*chosen))
        self.sign_in = SignInView(
            lambda *given: self.projects.open(*given),
            lambda: self.projects.close(),
            context.messages.show_error,
            identity_keys,
        )
        self.cases = CasesView(
            lambda case: self.opener.open(case),
            lambda: self.opener.open_next(),
            lambda: self.projects.refresh(),
            lambda *chosen: self.projects.accept(*chosen),
        )
        self.desk = CaseDesk(
            context,
            application_logic,
            layout_manager,
            DeskActions(
                lambda: self.opener.close(),
                lambda line: self.projects.recorded(line),
                lambda submitted: self.projects.export(submitted),
                lambda other: self.opener.show_beside(other),
            ),
        )
        views = NodeViews(scene, application_logic)
        self.agreement = AgreementView(
            scene,
            views.show_table,
            views.show_chart,
            lambda: self.projects.compare_watched(),
            lambda folder: self.projects.write_report(folder),
            context.messages.show_error,
        )
        self.opener = DeskOpener(context, self.desk, self.cases, self._show_state)
        self.projects = ReviewProject(
            context,
            self.opener,
            self.sign_in,
            self.cases,
            self.agreement,
            self.desk.signing.view,
            start_session,
            self._show_state,
            self._show_titles,
            open_page,
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
        connect(self.ui.cancelButton, "clicked()", self.cancel)
        self._keys = self._make_keys()
        events = (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent)
        self._observers = [scene.AddObserver(event, guarded(lambda *_: self._mark_scene())) for event in events]
        connect(context.timer, "timeout()", self.tick)
        self._show_state()
        self.projects.show()

    @property
    def session(self) -> ReviewSession | None:
        """The reviewer's session; None while no project is open."""
        return self._context.session

    def enter(self) -> None:
        """The module is shown."""
        self._keys.enable(True)
        self.compare.refresh()
        self.desk.enter()
        if self.session is None:
            self.sign_in.show_identities(self.sign_in.identity)
        self._context.timer.start()

    def exit(self) -> None:
        """The module is left: nothing of ours stays on keys, mouse and views; the review stays open."""
        self._keys.enable(False)
        self.desk.leave()

    def scene_closes(self) -> None:
        """Let the case go before its nodes leave the scene."""
        was_open = self.desk.is_open
        self.opener.let_go()
        self.desk.forget_scene()
        if was_open:
            self._context.messages.show(_("The scene was closed, and the review with it."))
        self._show_state()

    def cleanup(self) -> None:
        """The module is unloaded."""
        self.exit()
        self.projects.close()
        self._context.end()
        self._keys.remove()
        for observer in self._observers:
            self._scene.RemoveObserver(observer)

    def tick(self) -> None:
        """Some times a second: take up what the other threads and other people have done."""
        self._context.take_up()
        if self._scene_changed:
            self._scene_changed = False
            self.compare.refresh()
        self._ticks += 1
        if self._ticks % REFRESH_TICKS == 0 and not self.desk.is_open:
            self.projects.refresh()

    def cancel(self) -> None:
        """Stop what is at work."""
        if not self.projects.stop_opening():
            self.opener.cancel()

    def _make_keys(self) -> PanelKeys:
        walk = self.desk.walk
        takers = {key: lambda n=number: walk.take_reader(n) for number, key in enumerate(keys.TAKE)}
        return PanelKeys(
            slicer.util.mainWindow() or self.widget,
            {
                keys.NEXT: walk.next,
                keys.PREVIOUS: walk.previous,
                keys.STYLE: self.desk.next_style,
                keys.CLOSER: self.desk.toggle_close_up,
                keys.HEAT: self.desk.next_heat_map,
                keys.NEXT_CASE: self.opener.open_next,
                keys.SIGN_OFF: self.desk.signing.sign_off,
                keys.CONSENSUS: walk.take_consensus,
                **takers,
            },
        )

    def _mark_scene(self) -> None:
        self._scene_changed = True

    def _show_titles(self, project: str, cases: str) -> None:
        self.ui.projectButton.text = project
        self.ui.casesButton.text = cases

    def _show_state(self) -> None:
        """Sections by what is open."""
        has_project, is_open = self.session is not None, self.desk.is_open
        self.ui.compareButton.visible = not has_project and not is_open
        self.ui.projectButton.visible = not is_open
        self.ui.casesButton.visible = has_project
        self.ui.casesButton.collapsed = is_open
        self.ui.caseButton.visible = is_open
        self.ui.agreementButton.visible = has_project and not is_open
        if is_open:
            opened = self.desk.opened
            title = _("Case {case}").format(case=opened.case) if opened is not None else _("Comparison")
            self.ui.caseButton.text = title
