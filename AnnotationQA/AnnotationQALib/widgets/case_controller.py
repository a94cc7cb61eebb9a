"""Opens and closes cases, and keeps the form of the open one up to date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.checks.problems import ReadingProblem, Spot
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQACore.wording import Wording
from AnnotationQALib.logic.autosave import SaveState
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.case_contents import CaseContents
from AnnotationQALib.logic.form import ImagePlace, form_key
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.reading_editor import ReadingEditor
from AnnotationQALib.widgets.case_view import CaseView
from AnnotationQALib.widgets.checks_view import ChecksView
from AnnotationQALib.widgets.image_controller import ImageController
from AnnotationQALib.widgets.panel_context import PanelContext
from AnnotationQALib.widgets.placing import Placing
from AnnotationQALib.widgets.texts import notice_text
from AnnotationQALib.widgets.wordings import told

__all__ = ["CaseController", "time_text"]


class CaseController:
    """The open case, from opening it until it is left.

    Parameters
    ----------
    context : PanelContext
    case_view : CaseView
    checks_view : ChecksView
    images : ImageController
    placing : Placing
    show_state : callable
        Called when a case was opened or closed.
    show_title : callable
        Called with what the open case is called on the screen.
    is_shown : callable
        Whether the panel is shown.
    """

    def __init__(
        self,
        context: PanelContext,
        case_view: CaseView,
        checks_view: ChecksView,
        images: ImageController,
        placing: Placing,
        show_state: Callable[[], None],
        show_title: Callable[[str], None],
        is_shown: Callable[[], bool],
    ) -> None:
        self._context = context
        self._view = case_view
        self._checks = checks_view
        self._images = images
        self._placing = placing
        self._show_state = show_state
        self._show_title = show_title
        self._is_shown = is_shown
        self._changed = False

    # opening and closing

    def open(self, item: WorkItem) -> None:
        """Open a case as soon as its files are read, which happens in the background; the open one stays till then."""
        session = self._context.session
        if session is None or self._context.busy.is_busy:
            return
        if session.case is not None and (session.case.item.case, session.case.item.round) == (item.case, item.round):
            return
        self._context.messages.hide()
        task = self._context.attempt(lambda: session.begin_opening(item))
        if task is not None:
            title = _("Loading case {case}").format(case=session.name_of(item))
            self._context.run(task, title, lambda task: self._show(item, task))

    def open_next(self) -> None:
        """Open the next case to be read."""
        session = self._context.session
        if session is None or self._context.busy.is_busy:
            return
        item = session.next_item()
        if item is None:
            self._context.messages.show(_("All your cases are read."))
            return
        self.open(item)

    def close(self, comes_next: bool = False) -> None:
        """Save the draft and close the case; `comes_next` offers it again as the next one."""
        session = self._context.session
        if session is None or session.case is None or session.case.is_submitting:
            return
        self.let_go()
        self._context.attempt(lambda: session.close_case(comes_next))
        self._show_state()

    def let_go(self) -> None:
        """Forget the case, before its nodes leave the scene."""
        self._placing.stop()
        self._images.let_go()
        self._view.page.segment_editor.forget_nodes()
        self._view.show(None, ())
        self._changed = False

    def pause(self) -> None:
        """Another module is shown: the clock stops, and the draft is saved."""
        case = self._context.case
        if case is not None:
            case.activity.pause()
            case.images.stop_playing()
            if case.autosave.has_unsaved:
                case.autosave.begin()

    def _show(self, item: WorkItem, task: BackgroundTask[CaseContents]) -> None:
        """The files of a case are read: show it."""
        context, session = self._context, self._context.session
        contents = context.attempt(task.result, item)
        if session is None or contents is None:
            return
        if session.case is not None:
            self.let_go()
        case = context.attempt(lambda: session.finish_opening(item, contents), item)
        if case is None:
            self._show_state()
            return
        case.editor.observe(self._note_change)
        self._view.show(case, session.start_offers())
        time = time_text(case.activity.total()) if session.protocol.design.show_time else ""
        self._checks.show_unchecked(case.editor.comment, time)
        self._show_state()
        self._show_title(session.name_of(item))
        if not self._view.go_to_next() and self._view.form.entries:
            self._view.select(self._view.form.entries[0].key)
        self._images.reset_view()
        if case.pins.comments:
            self.go_to_comment(0)
        self._images.observe(case, self._is_shown)
        if case.notices:
            context.messages.show(" ".join(map(notice_text, case.notices)))
        session.preload()

    # the form

    def tick(self) -> None:
        """Some times a second: take in what the background has done, and what was changed since."""
        session = self._context.session
        if session is None:
            return
        before = session.case.autosave.message if session.case is not None else ""
        if session.tick() or self._changed:
            self._changed = False
            self.refresh(before)
        for problem in session.take_save_problems():
            self._context.show_unsaved(session, problem)
        if session.case is not None and session.protocol.design.show_time:
            self._checks.show_time(time_text(session.case.activity.total()))

    def refresh(self, message_before: Wording | str = "") -> None:
        """Show the reading as it is now; `message_before` is what was said last about saving it."""
        case = self._context.case
        if case is None:
            return
        self._view.refresh()
        self._view.show_saved()
        self._view.show_flag_button()
        message = case.autosave.message
        if message and message != message_before:
            self._context.messages.show_error(told(message))
        elif message_before and case.autosave.state == SaveState.SAVED:
            self._context.messages.show(_("Your draft is saved in the project."))

    def undo(self) -> None:
        """Take the last answer back, and show whose it was."""
        self._step_answers(ReadingEditor.undo)

    def redo(self) -> None:
        """Give the answer again that was undone last."""
        self._step_answers(ReadingEditor.redo)

    def comment(self, text: str) -> None:
        """Comment on the reading as a whole."""
        case = self._context.case
        if case is not None:
            case.editor.set_comment(text)

    def ask_about_image(self) -> None:
        """Let items of single images be asked about the slice or frame that is shown, and go to the first."""
        place = self._images.ask_about_image()
        if place is None:
            return
        self.refresh()
        added = next((entry for entry in self._view.form.entries if entry.key.subject == place.subject), None)
        if added is not None:
            self._view.select(added.key)

    def forget_image(self) -> None:
        """No longer ask about the image whose row is selected."""
        case, entry = self._context.case, self._view.page.entry
        if case is not None and entry is not None and entry.item.scope.level == "image":
            subject = entry.key.subject
            case.editor.forget_image(ImagePlace(subject.series, subject.image, subject.frame))
            self.refresh()

    def go_to_problem(self, problem: ReadingProblem) -> None:
        """Go to the item and the place of a problem."""
        case = self._context.case
        if case is None:
            return
        if problem.item:
            self._view.select(form_key(case.protocol, problem.item, problem.subject))
        if problem.spot is not None:
            self._images.jump(problem.spot)

    def go_to_comment(self, number: int) -> None:
        """Go to the item and the place of a reviewer's comment."""
        case = self._context.case
        if case is None:
            return
        comment = case.pins.comments[number]
        if comment.item:
            self._view.select(form_key(case.protocol, comment.item, comment.subject))
        if comment.position is not None:
            self._images.jump(Spot(comment.position))

    def _step_answers(self, step: Callable[[ReadingEditor], Any]) -> None:
        case: OpenCase | None = self._context.case
        key = step(case.editor) if case is not None and not case.is_submitting else None
        if key is not None:
            self.refresh()
            self._view.select(key)

    def _note_change(self) -> None:
        self._changed = True


def time_text(active: timedelta) -> str:
    """Time worked on a case."""
    minutes, seconds = divmod(int(active.total_seconds()), 60)
    return _("Active time: {minutes} min {seconds:02d} s").format(minutes=minutes, seconds=seconds)
