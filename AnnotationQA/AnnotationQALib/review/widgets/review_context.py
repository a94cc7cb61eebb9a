"""What the parts of the review panel share: the session, the line of messages, and the work in the background."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import qt

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQALib.logic.background import Workers
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.widgets.message_line import MessageLine
from AnnotationQALib.widgets.missing_packages import text_or_remedy
from AnnotationQALib.widgets.thread_time import let_threads_work
from AnnotationQALib.widgets.wordings import error_text, told

__all__ = ["ReviewContext"]

TICK_MS = 50
BUSY_TICK_MS = 20
OPENERS = 3
"""Threads that open projects: one that waits for a share out of reach must not hold up the next project."""


class ReviewContext:
    """One for each panel.

    Parameters
    ----------
    scene : vtkMRMLScene
    ui : children of the panel by name
    executor : Executor, optional
        Does the long work; threads by default.

    Attributes
    ----------
    session : ReviewSession or None
        None while no project is open.
    messages : MessageLine
    background : Background
        For what is open on the desk.
    listing : Background
        For the list of cases, and for reports.
    opening : Background
        For a project that is being opened.
    timer : QTimer
        Whoever connects to it calls `take_up`; it fires faster while something is at work.
    """

    def __init__(self, scene: Any, ui: Any, executor: Executor | None = None) -> None:
        self.scene = scene
        self.session: ReviewSession | None = None
        self.messages = MessageLine(ui.messageFrame, ui.messageLabel, ui.messageButton, lambda line, _item: line)
        self.background = Background(self.messages.show_error, executor, text_or_remedy)
        self.listing = Background(self.messages.show_error, executor, error_text)
        openers = executor or Workers(OPENERS, "AnnotationQA-opening")
        self.opening = Background(self.messages.show_error, openers, error_text)
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MS)
        self._ui = ui

    def attempt(self, act: Callable[[], Any]) -> Any:
        """What `act` returns; None when it was refused, which is shown."""
        try:
            return act()
        except AnnotationQAError as error:
            self.messages.show_error(text_or_remedy(error))
            return None

    def succeeds(self, act: Callable[[], None]) -> bool:
        """Whether something was done; a refusal is shown."""
        try:
            act()
        except AnnotationQAError as error:
            self.messages.show_error(text_or_remedy(error))
            return False
        return True

    def take_up(self) -> None:
        """Take up what the other threads have done, and show what they are doing."""
        works = (self.opening, self.background, self.listing)
        for work in works:
            work.poll()
        title = next((work.title for work in works if work.title), "")
        self._ui.busyFrame.visible = bool(title)
        if title:
            self._ui.busyLabel.text = f"{told(title)}..."
        self._ui.cancelButton.visible = bool(self.opening.title or self.background.title)
        is_working = not all(work.is_idle for work in works)
        if is_working:
            let_threads_work()
        self.timer.setInterval(BUSY_TICK_MS if is_working else TICK_MS)

    def begin(self) -> None:
        """Something was handed to another thread: show it at once, and look for it from now on."""
        self.timer.start()
        self.take_up()

    def end(self) -> None:
        """Begin nothing any more."""
        self.timer.stop()
        for work in (self.opening, self.background, self.listing):
            work.close()
