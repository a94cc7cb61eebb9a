"""The line at the top of the panel: what went wrong and what to do, or what happened."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from AnnotationQACore.project.worklists import WorkItem
from AnnotationQALib.widgets.guard import connect

__all__ = ["MessageLine"]


class MessageLine:
    """One line, which the reader can hide.

    Parameters
    ----------
    frame, label, button : widgets
    for_screen : callable
        Makes of an error, and of the case it may be about, the line that the screen may show.
    """

    def __init__(self, frame: Any, label: Any, button: Any, for_screen: Callable[[str, WorkItem | None], str]) -> None:
        self._frame = frame
        self._label = label
        self._for_screen = for_screen
        connect(button, "clicked()", self.hide)

    def show_error(self, line: str, item: WorkItem | None = None) -> None:
        """Show what went wrong and what to do; `item` is the case it may be about. Places on disks are not shown."""
        self._show(f"<b>⚠</b> {escape(_capitalized(self._for_screen(line, item)))}")

    def show(self, line: str) -> None:
        """Show what happened."""
        self._show(escape(line))

    def hide(self) -> None:
        """Take the line away."""
        self._frame.visible = False

    def _show(self, html: str) -> None:
        self._label.text = html
        self._frame.visible = True


def _capitalized(line: str) -> str:
    return line[:1].upper() + line[1:]
