"""The labeling panel: from signing in to the signed reading."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from html import escape
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from AnnotationQACore.checks.problems import ReadingProblem, Spot
from AnnotationQACore.errors import AnnotationQAError, Cancelled
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.state import Role
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.protocol.model import View
from AnnotationQALib.logic.autosave import SaveState
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.form import FormEntry, ImagePlace, form_key
from AnnotationQALib.logic.presentation import apply_window, item_view, jump_to, next_window, shown_slice
from AnnotationQALib.logic.scene_starts import UNNAMED
from AnnotationQALib.logic.screen_text import without_paths
from AnnotationQALib.logic.session import LabelingSession
from AnnotationQALib.logic.starting_points import StartOffer
from AnnotationQALib.widgets import keys
from AnnotationQALib.widgets.busy_row import BusyRow
from AnnotationQALib.widgets.case_view import CaseActions, CaseView
from AnnotationQALib.widgets.checks_view import ChecksView
from AnnotationQALib.widgets.item_page import ItemPage
from AnnotationQALib.widgets.lead_view import LeadView
from AnnotationQALib.widgets.model_modules import ModelModule, open_model
from AnnotationQALib.widgets.placing import Placing
from AnnotationQALib.widgets.sign_in_view import Keys, SignInView, progress_text
from AnnotationQALib.widgets.start_menu import StartMenu, offer_text
from AnnotationQALib.widgets.texts import notice_text
from AnnotationQALib.widgets.thread_time import let_threads_work
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.views import show_layout, show_volume_rendering
from AnnotationQALib.widgets.worklist_view import WorklistView

__all__ = ["LabelingPanel"]

TICK_MS = 200
BUSY_TICK_MS = 20
REFRESH_TICKS = 150

OpenSession = Callable[[Any, str, Identity], LabelingSession]


def open_session(scene: Any, folder: str, identity: Identity) -> LabelingSession:
    """A session whose series may lie in Slicer's DICOM database."""

    def locate(uid: str) -> tuple[str, ...]:
        database = dicom_database()
        return tuple(database.filesForSeries(uid)) if database is not None else ()

    return LabelingSession.open(scene, folder, identity, locate=locate)


def dicom_database() -> Any:
    """Slicer's DICOM database; None when there is none, or it is not open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database if database is not None and database.isOpen else None


class LabelingPanel:
    """A view of a `LabelingSession`, which is made when the reader signs in.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    layout_manager : qMRMLLayoutManager or None
    open_session : callable
        Opens a session; tests hand in another.
    identity_keys : Keys, optional
    render_volume : callable
        Called with a volume node and the name of a volume rendering preset.
    executor : Executor, optional
        Does the long work of the lead's corner.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    session : LabelingSession or None
    sign_in : SignInView
    worklist : WorklistView
    case : CaseView
    checks : ChecksView
    busy : BusyRow
        What is at work in the background: opening, checking, submitting.
    """

    def __init__(
        self,
        scene: Any,
        application_logic: Any,
        layout_manager: Any,
        open_session: OpenSession = open_session,
        identity_keys: Keys | None = None,
        render_volume: Callable[[Any, str], Any] = show_volume_rendering,
        executor: Executor | None = None,
    ) -> None:
        self.widget, self.ui = load_ui("AnnotationQA.ui")
        self.widget.setMRMLScene(scene)
        self.session: LabelingSession | None = None
        self._scene = scene
        self._layout_manager = layout_manager
        self._open_session = open_session
        self._render_volume = render_volume
        self._placing = Placing(application_logic)
        self._interaction = application_logic.GetInteractionNode()
        self._changed = False
        self._ticks = 0
        self._window: str | None = None
        self._view: View | None = None
        self._observed: list[tuple[Any, int]] = []
        self._entered = False
        self.sign_in = SignInView(self.open, self.close_project, self.show_error, identity_keys)
        self.worklist = WorklistView(self.open_case, self.open_next, self.refresh_worklist)
        self._model = ""
        actions = CaseActions(
            close=lambda: self.close_case(),
            show_window=self.show_window,
            reset_view=self.reset_view,
            jump_to_comment=self._jump_to_comment,
            selected=self._selected,
            undo=self.undo,
            redo=self.redo,
            ask_image=self.ask_about_image,
            forget_image=self.forget_image,
        )
        start_menu = StartMenu(self.start_from, self.start_from_node, self.open_model)
        self.case = CaseView(actions, self._make_page, start_menu)
        self.checks = ChecksView(self.check, self.submit, self._go_to_problem, self._comment)
        self.lead = LeadView(
            self._lead_done,
            self.show_error,
            lambda: self.sign_in.identity_to_use(),
            executor,
            dicom_database,
        )
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
        self.ui.messageButton.connect("clicked()", self.hide_message)
        self.busy = BusyRow(self.ui.busyFrame, self.ui.busyLabel, self.ui.busyBar, self.ui.busyCancelButton)
        self._keys = keys.PanelKeys(
            slicer.util.mainWindow() or self.widget,
            {
                keys.NEXT_ITEM: lambda: self.case.go_to_next(),
                keys.PREVIOUS_ITEM: lambda: self.case.go_to_next(backwards=True),
                keys.NEXT_WINDOW: self.next_window,
                keys.RESET_VIEW: self.reset_view,
                keys.CHECK: self.check,
                keys.SUBMIT: self.submit,
                keys.NEXT_CASE: self.open_next,
                keys.NOT_VISIBLE: lambda: self.case.page.next_not_visible(),
                keys.UNDO: self.undo,
                keys.REDO: self.redo,
                keys.PLAY: lambda: self.case.cine.play_or_pause(),
                keys.NEXT_FRAME: lambda: self.case.cine.step(True),
                keys.PREVIOUS_FRAME: lambda: self.case.cine.step(False),
                keys.HELP: lambda: self.case.page.toggle_help(),
            },
        )
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self.tick)
        self._observer = self._interaction.AddObserver(
            self._interaction.InteractionModeChangedEvent, lambda *_: self.case.page.placing_changed()
        )
        self._show_state()

    # the life of the module

    def enter(self) -> None:
        """The module is shown."""
        self._entered = True
        self._keys.enable(True)
        self.case.page.segment_editor.take_keys()
        if self.session is not None:
            self._timer.start()
        else:
            self.sign_in.show_identities(self.sign_in.identity)

    def exit(self) -> None:
        """The module is left: the draft is saved, and nothing of ours stays on keys, mouse and views."""
        self._entered = False
        self._keys.enable(False)
        self._placing.stop()
        self.case.page.segment_editor.leave()
        if self.session is not None and self.session.case is not None:
            self.session.case.activity.pause()
            self.session.case.images.stop_playing()
            if self.session.case.autosave.has_unsaved:
                self.session.case.autosave.begin()

    def scene_closes(self) -> None:
        """Save the draft and let the case go, before its nodes leave the scene."""
        if self.session is not None and self.session.case is not None and self.session.case.is_submitting:
            self.busy.finish()
        self.busy.drop()
        if self.session is not None and self.session.case is not None:
            self.close_case(comes_next=True)
            self.show_message(_("The scene was closed. Your draft is saved; open the case again to go on."))
        self.case.page.segment_editor.forget_scene()

    def cleanup(self) -> None:
        """The module is unloaded."""
        self.exit()
        self.close_project()
        self._timer.stop()
        self._keys.remove()
        self.lead.close()
        self._interaction.RemoveObserver(self._observer)

    def tick(self) -> None:
        """Some times a second: what the background has done, and what was changed since."""
        session = self.session
        if session is None:
            return
        self._ticks += 1
        self.busy.poll()
        before = session.case.autosave.message if session.case is not None else ""
        if session.tick() or self._changed:
            self._changed = False
            self._refresh_case(before)
        if session.save_problems:
            self.show_error(session.save_problems.pop())
        if session.case is not None and session.protocol.design.show_time:
            self.checks.show_time(_time_text(session.case.activity.total()))
        if self._ticks % REFRESH_TICKS == 0:
            session.begin_refresh()
        if self._ticks % REFRESH_TICKS == REFRESH_TICKS // 2:
            self.refresh_project()
        is_working = self.busy.is_busy or session.is_working
        if is_working:
            let_threads_work()
        self._timer.setInterval(BUSY_TICK_MS if is_working else TICK_MS)

    # project

    def open(self, folder: str, identity: Identity) -> None:
        """Open a project; raises `AnnotationQAError` when it cannot be."""
        self.close_project()
        self.session = self._open_session(self._scene, folder.strip(), identity)
        self.hide_message()
        self._timer.start()
        self._show_state()
        self.session.preload()

    def close_project(self) -> None:
        """Save what is open, and close the project."""
        self._timer.stop()
        if self.session is not None:
            session = self.session
            if session.case is not None and session.case.is_submitting:
                self.busy.finish()
            self.busy.drop()
            self.close_case()
            self.session = None
            self._attempt(session.close)
        self._show_state()

    def refresh_project(self) -> None:
        """Show progress, health and worklist as they are now."""
        if self.session is None:
            return
        header = self.session.header
        self.sign_in.show_project(header)
        self.ui.projectButton.text = _("Project: {project}").format(project=header.project)
        self.refresh_worklist()

    def refresh_worklist(self) -> None:
        """Show the cases as they stand now."""
        if self.session is not None:
            open_case = self.session.case.item if self.session.case is not None else None
            self.worklist.show(self.session.worklist(self.worklist.with_done), open_case)
            self.ui.worklistButton.text = _("Worklist: {progress}").format(progress=progress_text(self.session.header))

    # cases

    def open_case(self, item: WorkItem) -> None:
        """Open a case as soon as its files are read, which happens in the background; the open one stays till then."""
        session = self.session
        if session is None or self.busy.is_busy:
            return
        if session.case is not None and (session.case.item.case, session.case.item.round) == (item.case, item.round):
            return
        self.hide_message()
        task = self._attempt(lambda: session.begin_opening(item))
        if task is not None:
            title = _("Loading case {case}").format(case=session.name_of(item))
            self._run(task, title, lambda task: self._show_case(item, task))

    def open_next(self) -> None:
        """Open the next case to be read."""
        if self.session is None or self.busy.is_busy:
            return
        item = self.session.next_item()
        if item is None:
            self.show_message(_("All your cases are read."))
            return
        self.open_case(item)

    def close_case(self, comes_next: bool = False) -> None:
        """Save the draft and close the case; `comes_next` offers it again as the next one."""
        if self.session is None or self.session.case is None or self.session.case.is_submitting:
            return
        self._let_case_go()
        session = self.session
        self._attempt(lambda: session.close_case(comes_next))
        self._show_state()

    def start_from(self, offer: StartOffer) -> None:
        """Begin with another reading, after the reader has agreed that it replaces what is drawn."""
        session = self.session
        if session is None or session.case is None or self.busy.is_busy:
            return
        if not self._may_replace(offer_text(offer)):
            return
        title = _("Reading '{title}'").format(title=offer_text(offer))
        self._run(session.begin_start(offer), title, self._start_is_read)

    def start_from_node(self, node: Any) -> None:
        """Begin with a segmentation that another module has put into the scene."""
        case = self.session.case if self.session is not None else None
        if case is None or self.busy.is_busy or not self._may_replace(node.GetName()):
            return
        self.case.page.segment_editor.leave()
        others = self._attempt(lambda: case.start_from_node(node, self._model or UNNAMED))
        if others is None:
            return
        node.SetDisplayVisibility(False)
        self.case.show_anew()
        self._refresh_case("")
        if others:
            names = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
            self.show_message(_("Not of the protocol, and not taken over: {names}").format(names=names))

    def open_model(self, model: ModelModule) -> None:
        """Show the module of a segmentation model, with the image of the case as its input."""
        case = self.session.case if self.session is not None else None
        if case is not None:
            self._model = f"model:{model.name}"
            role = item_view(case.protocol, self._item()).background or case.protocol.imaging.reference_series
            open_model(model, case.images.node(role if role in case.images.roles else case.images.roles[0]))

    def undo(self) -> None:
        """Take the last answer back, and show whose it was."""
        self._step_answers(lambda editor: editor.undo())

    def redo(self) -> None:
        """Give the answer again that was undone last."""
        self._step_answers(lambda editor: editor.redo())

    def ask_about_image(self) -> None:
        """Let items of single images be asked about the slice or frame that is shown."""
        case = self.session.case if self.session is not None else None
        if case is None:
            return
        view = item_view(case.protocol, self._item())
        role = view.background if view.background in case.images.roles else case.images.roles[0]
        place = self._attempt(lambda: case.editor.ask_about_image(role, shown_slice(self._scene, case.images, role)))
        if place is None:
            return
        self._refresh_case("")
        added = next((entry for entry in self.case.form.entries if entry.key.subject == place.subject), None)
        if added is not None:
            self.case.select(added.key)

    def forget_image(self) -> None:
        """No longer ask about the image whose row is selected."""
        case = self.session.case if self.session is not None else None
        entry = self.case.page.entry
        if case is not None and entry is not None and entry.item.scope.level == "image":
            subject = entry.key.subject
            case.editor.forget_image(ImagePlace(subject.series, subject.image, subject.frame))
            self._refresh_case("")

    def check(self) -> None:
        """Check the reading and show what was found."""
        case = self.session.case if self.session is not None else None
        if case is None or self.busy.is_busy:
            return
        task = self._attempt(case.begin_check)
        if task is not None:
            self._run(task, _("Checking the reading"), lambda task: self._show_check(task, case))

    def submit(self) -> None:
        """Check, and sign the reading into the ledger; what hinders it is shown."""
        case = self.session.case if self.session is not None else None
        if case is None or self.busy.is_busy:
            return
        self._placing.stop()
        self.case.page.segment_editor.leave()
        task = self._attempt(case.begin_check)
        if task is not None:
            self._enable_case(False)
            self._run(task, _("Checking the reading"), lambda task: self._submit_checked(task, case))

    # views

    def show_window(self, window: str) -> None:
        """Show the image in a window preset."""
        case = self.session.case if self.session is not None else None
        if case is not None and window:
            view = item_view(case.protocol, self._item())
            role = view.background if view.background in case.images.roles else case.images.roles[0]
            apply_window(case.images, role, window)
            self._window = window
            self.case.show_window(window)

    def next_window(self) -> None:
        """Show the next window preset of the protocol."""
        case = self.session.case if self.session is not None else None
        if case is not None:
            self.show_window(next_window(case.protocol, self._window) or "")

    def reset_view(self) -> None:
        """Show layout, window and planes as the protocol wants them for the item."""
        case = self.session.case if self.session is not None else None
        if case is None:
            return
        entry = self.case.page.entry
        applied = self._attempt(lambda: case.show(entry.key if entry is not None else None))
        if applied is None:
            return
        show_layout(self._layout_manager, applied.layout)
        if applied.volume_rendering:
            self._render_volume(case.images.node(applied.background), applied.volume_rendering)
        self.case.show_cine(self._scene, case.images.browser(applied.background) if applied.background else None)
        self._view = applied.view
        self._window = applied.view.window
        self.case.show_window(self._window)

    def jump(self, spot: Spot) -> None:
        """Let the views show a place."""
        if self.session is not None and self.session.case is not None:
            jump_to(self._scene, self.session.case.images, spot)

    # messages

    def show_error(self, line: str, item: WorkItem | None = None) -> None:
        """Show what went wrong and what to do; `item` is the case it may be about. Places on disks are not shown."""
        line = self.session.screen_line(line, item) if self.session is not None else without_paths(line)
        self._show_line(f"<b>⚠</b> {escape(line)}")

    def show_message(self, line: str) -> None:
        """Show what happened."""
        self._show_line(escape(line))

    def hide_message(self) -> None:
        """Take the line away."""
        self.ui.messageFrame.visible = False

    # inside

    def _lead_done(self, line: str, project: str) -> None:
        """Something was done in the lead's corner; `project` is a folder that was made and is to be opened."""
        if project:
            self.sign_in.ui.projectPathEdit.currentPath = project
            self.sign_in.ui.openButton.click()
            if self.session is None:  # why is told already
                return
            self.ui.leadButton.collapsed = False
        elif self.session is not None:
            self.session.refresh()
            self.refresh_project()
        self.show_message(line)

    def _make_page(self, on_answered: Any, on_added: Any, on_settled: Any, on_segment_selected: Any) -> ItemPage:
        return ItemPage(
            self._placing, on_answered, on_added, on_settled, on_segment_selected, self.show_error, self.jump
        )

    def _attempt(self, act: Callable[[], Any], item: WorkItem | None = None) -> Any:
        try:
            return act()
        except Cancelled:
            return None
        except AnnotationQAError as error:
            self.show_error(str(error), item)
            return None

    def _run(self, task: BackgroundTask[Any], title: str, on_done: Callable[[BackgroundTask[Any]], None]) -> None:
        self.busy.start(task, title, on_done)
        if self.busy.is_busy:
            self._timer.setInterval(BUSY_TICK_MS)

    def _enable_case(self, enabled: bool) -> None:
        """While a reading is submitted nothing of it can be changed."""
        self.case.widget.enabled = enabled
        self.checks.widget.enabled = enabled
        self.worklist.widget.enabled = enabled

    def _show_line(self, html: str) -> None:
        self.ui.messageLabel.text = html
        self.ui.messageFrame.visible = True

    def _show_state(self) -> None:
        """Sections by what is open: a project, a case."""
        session = self.session
        case = session.case if session is not None else None
        self.sign_in.show_project(session.header if session is not None else None)
        self.ui.projectButton.text = _("Project")
        self.ui.projectButton.visible = case is None
        self.ui.worklistButton.visible = session is not None
        self.ui.worklistButton.collapsed = case is not None
        self.ui.caseButton.visible = case is not None
        self.ui.checksButton.visible = case is not None
        self.ui.leadButton.visible = case is None and (session is None or self.is_lead)
        self.lead.show(session.project if session is not None and self.is_lead else None)
        self.refresh_project()

    def _show_case(self, item: WorkItem, task: BackgroundTask[Any]) -> None:
        """The files of a case are read: show it."""
        session = self.session
        contents = self._attempt(task.result, item)
        if session is None or contents is None:
            return
        if session.case is not None:
            self._let_case_go()
        case = self._attempt(lambda: session.finish_opening(item, contents), item)
        if case is None:
            self._show_state()
            return
        case.editor.observe(self._on_change)
        self.case.show(case, session.start_offers())
        time = _time_text(case.activity.total()) if session.protocol.design.show_time else ""
        self.checks.show_unchecked(case.editor.comment, time)
        self._show_state()
        self.ui.caseButton.text = _("Case {case}").format(case=session.name_of(item))
        if not self.case.go_to_next() and self.case.form.entries:
            self.case.select(self.case.form.entries[0].key)
        self.reset_view()
        self._observe_views(case)
        if case.notices:
            self.show_message(" ".join(map(notice_text, case.notices)))
        session.preload()

    def _may_replace(self, title: str) -> bool:
        question = _("Start from '{title}'? It replaces what you have drawn so far.").format(title=title)
        return bool(slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Start from")))

    def _step_answers(self, step: Callable[[Any], Any]) -> None:
        case = self.session.case if self.session is not None else None
        key = step(case.editor) if case is not None and not case.is_submitting else None
        if key is not None:
            self._refresh_case("")
            self.case.select(key)

    def _start_is_read(self, task: BackgroundTask[Any]) -> None:
        case = self.session.case if self.session is not None else None
        start = self._attempt(task.result)
        if case is None or start is None:
            return
        self.case.page.segment_editor.leave()
        self._attempt(lambda: case.start_from(start))
        self.case.show_anew()
        self._refresh_case("")

    def _show_check(self, task: BackgroundTask[Any], case: Any) -> Any:
        """Show what the checks have found; returns it, None when it was cancelled or cannot be checked."""
        checked = self._attempt(task.result)
        if self.session is None or self.session.case is not case or checked is None:
            return None
        self.ui.checksButton.collapsed = False
        self.checks.show(case.take_check(checked))
        self._refresh_case("")
        return checked

    def _submit_checked(self, task: BackgroundTask[Any], case: Any) -> None:
        """The reading is checked: begin to sign it, unless something hinders it."""
        checked = self._show_check(task, case)
        session = self.session
        begun = None
        if checked is not None and session is not None:
            begun = self._attempt(lambda: session.begin_submit(checked, self.checks.reasons))
        if begun is None:
            self._go_on_reading()
            return
        self._run(begun, _("Signing the reading"), self._show_submitted)

    def _show_submitted(self, task: BackgroundTask[Any]) -> None:
        session = self.session
        if session is None or session.case is None:
            return
        item = session.case.item
        if self._attempt(lambda: session.finish_submit(task), item) is None:
            self._go_on_reading()
            return
        self._enable_case(True)
        self._let_case_go()
        self._show_state()
        self.show_message(_("Case {case} is submitted.").format(case=session.name_of(item)))
        session.preload()

    def _go_on_reading(self) -> None:
        self._enable_case(True)
        self.case.page.segment_editor.take_keys()
        self._refresh_case("")

    def _observe_views(self, case: Any) -> None:
        """Scrolling and zooming is work, too."""
        for number in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            node = self._scene.GetNthNodeByClass(number, "vtkMRMLSliceNode")
            tag = node.AddObserver("ModifiedEvent", lambda *_: case.activity.act() if self._entered else None)
            self._observed.append((node, tag))

    def _let_case_go(self) -> None:
        self._placing.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed = []
        self._view = None
        self._model = ""
        self.case.page.segment_editor.forget_nodes()
        self.case.show(None, ())
        self._changed = False

    def _on_change(self) -> None:
        self._changed = True

    def _refresh_case(self, message_before: str) -> None:
        case = self.session.case if self.session is not None else None
        if case is None:
            return
        self.case.refresh()
        self.case.show_saved()
        self.case.show_flag_button()
        message = case.autosave.message
        if message and message != message_before:
            self.show_error(message)
        elif message_before and case.autosave.state == SaveState.SAVED:
            self.show_message(_("Your draft is saved in the project."))

    def _item(self) -> Any:
        entry = self.case.page.entry
        return entry.item if entry is not None else None

    def _selected(self, entry: FormEntry) -> None:
        case = self.session.case if self.session is not None else None
        if case is None:
            return
        case.select(entry.key)
        if item_view(case.protocol, entry.item) != self._view:  # else zoom and slice stay where the reader is
            self.reset_view()

    def _go_to_problem(self, problem: ReadingProblem) -> None:
        if self.session is None or self.session.case is None:
            return
        if problem.item:
            self.case.select(form_key(self.session.protocol, problem.item, problem.subject))
        if problem.spot is not None:
            self.jump(problem.spot)

    def _jump_to_comment(self, number: int) -> None:
        if self.session is None or self.session.case is None:
            return
        comment = self.session.case.pins.comments[number]
        if comment.item:
            self.case.select(form_key(self.session.protocol, comment.item, comment.subject))
        if comment.position is not None:
            self.jump(Spot(comment.position))

    def _comment(self, text: str) -> None:
        if self.session is not None and self.session.case is not None:
            self.session.case.editor.set_comment(text)

    @property
    def is_lead(self) -> bool:
        """Whether the person who is signed in leads the project."""
        session = self.session
        return session is not None and session.project.state.has_role(session.reader, Role.LEAD)


def _time_text(active: Any) -> str:
    minutes, seconds = divmod(int(active.total_seconds()), 60)
    return _("Active time: {minutes} min {seconds:02d} s").format(minutes=minutes, seconds=seconds)
