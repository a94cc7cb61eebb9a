"""The labeling panel: from signing in to the signed reading."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from AnnotationQALib.logic.project_opening import OpenedProject
from AnnotationQALib.logic.session import LabelingSession
from AnnotationQALib.widgets import keys
from AnnotationQALib.widgets.busy_row import BusyRow
from AnnotationQALib.widgets.case_controller import CaseController
from AnnotationQALib.widgets.case_view import CaseActions, CaseView
from AnnotationQALib.widgets.checks_view import ChecksView
from AnnotationQALib.widgets.guard import connect, guarded
from AnnotationQALib.widgets.image_controller import ImageController
from AnnotationQALib.widgets.item_page import ItemPage
from AnnotationQALib.widgets.lead_view import LeadView
from AnnotationQALib.widgets.panel_context import PanelContext
from AnnotationQALib.widgets.placing import Placing
from AnnotationQALib.widgets.project_controller import ProjectController, StartSession
from AnnotationQALib.widgets.sign_in_view import Keys, SignInView
from AnnotationQALib.widgets.start_controller import StartController
from AnnotationQALib.widgets.start_menu import StartMenu
from AnnotationQALib.widgets.submit_controller import SubmitController
from AnnotationQALib.widgets.thread_time import let_threads_work
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.views import show_volume_rendering
from AnnotationQALib.widgets.worklist_view import WorklistView

__all__ = ["LabelingPanel"]

REFRESH_TICKS = 150


def start_session(scene: Any, opened: OpenedProject) -> LabelingSession:
    """A session whose series may lie in Slicer's DICOM database."""

    def locate(uid: str) -> tuple[str, ...]:
        database = dicom_database()
        return tuple(database.filesForSeries(uid)) if database is not None else ()

    return LabelingSession(scene, opened, locate=locate)


def dicom_database() -> Any:
    """Slicer's DICOM database; None when there is none, or it is not open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database if database is not None and database.isOpen else None


class LabelingPanel:
    """Puts views and controllers together, and gives them the life of the module.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    layout_manager : qMRMLLayoutManager or None
    start_session : callable
        Begins a session; tests hand in another.
    identity_keys : Keys, optional
    render_volume : callable
        Called with a volume node and the name of a volume rendering preset.
    executor : Executor, optional
        Opens projects, and does the long work of the lead's corner.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    sign_in : SignInView
    worklist : WorklistView
    case : CaseView
    checks : ChecksView
    lead : LeadView
    projects : ProjectController
    cases : CaseController
    images : ImageController
    starting : StartController
    submission : SubmitController
    """

    def __init__(
        self,
        scene: Any,
        application_logic: Any,
        layout_manager: Any,
        start_session: StartSession = start_session,
        identity_keys: Keys | None = None,
        render_volume: Callable[[Any, str], Any] = show_volume_rendering,
        executor: Executor | None = None,
    ) -> None:
        self.widget, self.ui = load_ui("AnnotationQA.ui")
        self.widget.setMRMLScene(scene)
        self._context = PanelContext(scene, self.ui)
        self._placing = Placing(application_logic)
        self._interaction = application_logic.GetInteractionNode()
        self._ticks = 0
        self._entered = False
        self._make_views(identity_keys, executor)
        self._make_controllers(layout_manager, render_volume, start_session, executor)
        self._fill_sections()
        self._keys = keys.PanelKeys(slicer.util.mainWindow() or self.widget, self._key_actions())
        connect(self._context.timer, "timeout()", self.tick)
        self._observer = self._interaction.AddObserver(
            self._interaction.InteractionModeChangedEvent,
            guarded(lambda *_: self.case.page.placing_changed(), repeats=True),
        )
        self._show_state()

    @property
    def session(self) -> LabelingSession | None:
        """The session of the reader; None while no project is open."""
        return self._context.session

    @property
    def busy(self) -> BusyRow:
        """What is at work in the background: opening, checking, submitting."""
        return self._context.busy

    # the life of the module

    def enter(self) -> None:
        """The module is shown."""
        self._entered = True
        self._keys.enable(True)
        self.case.page.segment_editor.take_keys()
        if self.session is not None:
            self._context.timer.start()
        else:
            self.sign_in.show_identities(self.sign_in.identity)

    def exit(self) -> None:
        """The module is left: the draft is saved, and nothing of ours stays on keys, mouse and views."""
        self._entered = False
        self._keys.enable(False)
        self._placing.stop()
        self.case.page.segment_editor.leave()
        self.cases.pause()

    def scene_closes(self) -> None:
        """Save the draft and let the case go, before its nodes leave the scene."""
        session = self.session
        if session is not None:
            if session.case is not None and session.case.is_submitting:
                self.busy.finish()
            self.busy.drop()
            if session.case is not None:
                self.cases.close(comes_next=True)
                line = _("The scene was closed. Your draft is saved; open the case again to go on.")
                self._context.messages.show(line)
        self.case.page.segment_editor.forget_scene()

    def cleanup(self) -> None:
        """The module is unloaded."""
        self.exit()
        self.projects.end()
        self._keys.remove()
        self.lead.close()
        self._interaction.RemoveObserver(self._observer)

    def tick(self) -> None:
        """Some times a second: what the background has done, and what was changed since."""
        self.busy.poll()
        self.projects.tick()
        session = self.session
        if session is not None:
            self._ticks += 1
            self.cases.tick()
            if self._ticks % REFRESH_TICKS == 0:
                session.begin_refresh()
            if self._ticks % REFRESH_TICKS == REFRESH_TICKS // 2:
                self.projects.refresh()
        is_working = self.busy.is_busy or self.projects.is_saving or (session is not None and session.is_working)
        if is_working:
            let_threads_work()
        elif session is None:
            self._context.timer.stop()
        self._context.set_pace(is_working)

    # inside

    def _make_views(self, identity_keys: Keys | None, executor: Executor | None) -> None:
        show_error = self._context.messages.show_error
        self.sign_in = SignInView(
            lambda folder, identity: self.projects.open(folder, identity),
            lambda: self.projects.close(),
            show_error,
            identity_keys,
        )
        self.worklist = WorklistView(
            lambda item: self.cases.open(item),
            lambda: self.cases.open_next(),
            lambda: self.projects.refresh_worklist(),
        )
        actions = CaseActions(
            close=lambda: self.cases.close(),
            show_window=lambda window: self.images.show_window(window),
            reset_view=lambda: self.images.reset_view(),
            jump_to_comment=lambda number: self.cases.go_to_comment(number),
            selected=lambda entry: self.images.show_item(entry),
            undo=lambda: self.cases.undo(),
            redo=lambda: self.cases.redo(),
            ask_image=lambda: self.cases.ask_about_image(),
            forget_image=lambda: self.cases.forget_image(),
        )
        start_menu = StartMenu(
            lambda offer: self.starting.start_from(offer),
            lambda node: self.starting.start_from_node(node),
            lambda model: self.starting.open_model(model),
        )
        self.case = CaseView(actions, self._make_page, start_menu)
        self.checks = ChecksView(
            lambda: self.submission.check(),
            lambda: self.submission.submit(),
            lambda problem: self.cases.go_to_problem(problem),
            lambda text: self.cases.comment(text),
        )
        self.lead = LeadView(
            self._lead_done, show_error, lambda: self.sign_in.identity_to_use(), executor, dicom_database
        )

    def _make_controllers(
        self,
        layout_manager: Any,
        render_volume: Callable[[Any, str], Any],
        start_session: StartSession,
        executor: Executor | None,
    ) -> None:
        context, case, checks = self._context, self.case, self.checks
        self.images = ImageController(context, case, layout_manager, render_volume)
        self.cases = CaseController(
            context, case, checks, self.images, self._placing, self._show_state, self._name_case, lambda: self._entered
        )
        self.starting = StartController(context, case, self.cases, self.images)
        self.submission = SubmitController(
            context, case, checks, self.cases, self._placing, self._enable_case, self._show_state, self._show_checks
        )
        self.projects = ProjectController(
            context,
            self.sign_in,
            self.worklist,
            self.cases,
            start_session,
            self._show_state,
            self._name_project,
            executor,
        )

    def _make_page(self, on_answered: Any, on_added: Any, on_settled: Any, on_segment_selected: Any) -> ItemPage:
        return ItemPage(
            self._placing,
            on_answered,
            on_added,
            on_settled,
            on_segment_selected,
            self._context.messages.show_error,
            lambda spot: self.images.jump(spot),
        )

    def _fill_sections(self) -> None:
        for button, view in (
            (self.ui.leadButton, self.lead),
            (self.ui.projectButton, self.sign_in),
            (self.ui.worklistButton, self.worklist),
            (self.ui.caseButton, self.case),
            (self.ui.checksButton, self.checks),
        ):
            button.layout().addWidget(view.widget)
        page = qt.QLabel(keys.keys_page())
        page.wordWrap = True
        page.toolTip = _("The keys of this panel.")
        self.ui.helpButton.layout().addWidget(page)

    def _key_actions(self) -> dict[str, Callable[[], Any]]:
        return {
            keys.NEXT_ITEM: lambda: self.case.go_to_next(),
            keys.PREVIOUS_ITEM: lambda: self.case.go_to_next(backwards=True),
            keys.NEXT_WINDOW: self.images.next_window,
            keys.RESET_VIEW: self.images.reset_view,
            keys.CHECK: self.submission.check,
            keys.SUBMIT: self.submission.submit,
            keys.NEXT_CASE: self.cases.open_next,
            keys.NOT_VISIBLE: lambda: self.case.page.next_not_visible(),
            keys.UNDO: self.cases.undo,
            keys.REDO: self.cases.redo,
            keys.PLAY: lambda: self.case.cine.play_or_pause(),
            keys.NEXT_FRAME: lambda: self.case.cine.step(True),
            keys.PREVIOUS_FRAME: lambda: self.case.cine.step(False),
            keys.HELP: lambda: self.case.page.toggle_help(),
        }

    def _show_state(self) -> None:
        """Sections by what is open: a project, a case."""
        session, case = self.session, self._context.case
        is_lead = self.projects.is_lead
        self.sign_in.show_project(session.header if session is not None else None)
        self.ui.projectButton.text = _("Project")
        self.ui.projectButton.visible = case is None
        self.ui.worklistButton.visible = session is not None
        self.ui.worklistButton.collapsed = case is not None
        self.ui.caseButton.visible = case is not None
        self.ui.checksButton.visible = case is not None
        self.ui.leadButton.visible = case is None and (session is None or is_lead)
        self.lead.show(session.project if session is not None and is_lead else None)
        self.projects.refresh()

    def _name_project(self, project: str, progress: str) -> None:
        self.ui.projectButton.text = _("Project: {project}").format(project=project)
        self.ui.worklistButton.text = _("Worklist: {progress}").format(progress=progress)

    def _name_case(self, name: str) -> None:
        self.ui.caseButton.text = _("Case {case}").format(case=name)

    def _show_checks(self) -> None:
        self.ui.checksButton.collapsed = False

    def _enable_case(self, enabled: bool) -> None:
        """While a reading is submitted nothing of it can be changed."""
        self.case.widget.enabled = enabled
        self.checks.widget.enabled = enabled
        self.worklist.widget.enabled = enabled

    def _lead_done(self, line: str, project: str) -> None:
        """Something was done in the lead's corner; `project` is a folder that was made and is to be opened."""
        if project:
            self._open_made(line, project)
            return
        if self.session is not None:
            self.session.refresh()
            self.projects.refresh()
        self._context.messages.show(line)

    def _open_made(self, line: str, project: str) -> None:
        def show_lead() -> None:
            self.ui.leadButton.collapsed = False
            self._context.messages.show(line)

        self.sign_in.ui.projectPathEdit.currentPath = project
        identity = self._context.attempt(self.sign_in.identity_to_use)
        if identity is not None:
            self.projects.open(project, identity, show_lead)
