"""What the parts of the labeling panel share: the session, the line of messages, and the work in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, Cancelled
from AnnotationQACore.project.identities import key_folder
from AnnotationQACore.project.worklists import WorkItem
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.left_drafts import SaveProblem
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.screen_text import without_paths
from AnnotationQALib.logic.session import LabelingSession
from AnnotationQALib.widgets.busy_row import BusyRow, Ending
from AnnotationQALib.widgets.message_line import MessageLine
from AnnotationQALib.widgets.missing_packages import text_or_remedy
from AnnotationQALib.widgets.wordings import told, translated

__all__ = ["PanelContext"]

TICK_MS = 200
BUSY_TICK_MS = 20


class PanelContext:
    """One for each panel.

    Parameters
    ----------
    scene : vtkMRMLScene
    ui : children of the panel by name

    Attributes
    ----------
    session : LabelingSession or None
        None while no project is open.
    folder : str
        The project that was chosen last.
    messages : MessageLine
    busy : BusyRow
    timer : QTimer
        Fires faster while something is at work.
    """

    def __init__(self, scene: Any, ui: Any) -> None:
        self.scene = scene
        self.session: LabelingSession | None = None
        self.folder = ""
        self.messages = MessageLine(ui.messageFrame, ui.messageLabel, ui.messageButton, self._for_screen)
        self.busy = BusyRow(ui.busyFrame, ui.busyLabel, ui.busyBar, ui.busyCancelButton)
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MS)

    @property
    def case(self) -> OpenCase | None:
        """The open case; None while none is."""
        return self.session.case if self.session is not None else None

    @property
    def idle_case(self) -> OpenCase | None:
        """The open case, unless something is at work that must end first."""
        return None if self.busy.is_busy else self.case

    def attempt(self, act: Callable[[], Any], item: WorkItem | None = None) -> Any:
        """What `act` returns; None when it was cancelled, or failed, which is shown. `item` is the case it is about."""
        try:
            return act()
        except Cancelled:
            return None
        except AnnotationQAError as error:
            self.messages.show_error(text_or_remedy(error), item)
            return None

    def show_unsaved(self, session: LabelingSession, problem: SaveProblem) -> None:
        """Show why the draft of a case that was left, of a session that may be closed, is not in its project."""
        self.messages.show_error(session.screen_line(told(problem.message), problem.item, translated))

    def run(
        self,
        task: BackgroundTask[Any],
        title: str,
        on_done: Callable[[BackgroundTask[Any]], None],
        ending: Ending = Ending.AT_ITS_NEXT_STEP,
    ) -> None:
        """Show a task until it ends; see `BusyRow.start`."""
        self.busy.start(task, title, on_done, ending)
        self.set_pace(self.busy.is_busy)
        if self.busy.is_busy:
            self.timer.start()

    def set_pace(self, is_working: bool) -> None:
        """Let the timer fire faster while threads have work to do."""
        self.timer.setInterval(BUSY_TICK_MS if is_working else TICK_MS)

    def _for_screen(self, line: str, item: WorkItem | None) -> str:
        if self.session is not None:
            return self.session.screen_line(line, item, translated)
        return without_paths(line, {self.folder: _("the folder"), str(key_folder()): _("your key")})
