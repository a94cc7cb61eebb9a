"""Comments on the case on the desk, with their pins, and sending it back with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from AnnotationQACore.review.sending_back import Pin
from AnnotationQALib.review.widgets.comments_view import CommentActions, CommentsView
from AnnotationQALib.review.widgets.on_desk import OnDesk
from AnnotationQALib.review.widgets.pin_placing import PinPlacing
from AnnotationQALib.review.widgets.review_context import ReviewContext

__all__ = ["DeskComments"]

Point = tuple[float, float, float]


class DeskComments:
    """Pins are placed by clicks, at the crosshair, or not at all.

    Parameters
    ----------
    context : ReviewContext
    application_logic : vtkMRMLApplicationLogic
    desk : OnDesk
    center : callable
        Centres the views on a point, LPS mm.
    recorded : callable
        Called with one line when the case was sent back.

    Attributes
    ----------
    view : CommentsView
    """

    def __init__(
        self,
        context: ReviewContext,
        application_logic: Any,
        desk: OnDesk,
        center: Callable[[Point], None],
        recorded: Callable[[str], None],
    ) -> None:
        self._context = context
        self._desk = desk
        self._center = center
        self._recorded = recorded
        self._placing = PinPlacing(context.scene, application_logic)
        self.view = CommentsView(CommentActions(self._add, self._remove, self._go_to, self._send_back))

    def stop_placing(self) -> None:
        """Give the mouse back."""
        self._placing.stop()

    def _add(self, text: str, item: str, reader: str, how: str) -> None:
        opened = self._desk.opened
        if opened is None:
            return
        if how in ("point", "arrow"):
            self.view.show_placing(how)
            count = 1 if how == "point" else 2
            self._placing.start(text, count, lambda points: self._placed(text, item, reader, points))
            return
        position = self._crosshair() if how == "here" else None
        self._context.attempt(lambda: opened.pins.add(Pin(text, item, position, None, reader)))
        self._show_pins()

    def _placed(self, text: str, item: str, reader: str, points: Sequence[Point]) -> None:
        if self._desk.opened is None:
            return
        towards = points[1] if len(points) > 1 else None
        self._desk.opened.pins.add(Pin(text, item, points[0], towards, reader))
        self._show_pins()

    def _show_pins(self) -> None:
        if self._desk.opened is not None:
            self.view.clear_text()
            self.view.show_pins(self._desk.opened.pins.pins)

    def _remove(self, number: int) -> None:
        opened = self._desk.opened
        if opened is not None:
            self._context.attempt(lambda: opened.pins.remove(number))
            self._show_pins()

    def _go_to(self, number: int) -> None:
        opened = self._desk.opened
        if opened is not None and number < len(opened.pins.pins):
            position = opened.pins.pins[number].position
            if position is not None and len(position) == 3:
                self._center(position)

    def _send_back(self, readers: Sequence[str]) -> None:
        opened = self._desk.opened
        if opened is not None and self._context.succeeds(lambda: opened.send_back(readers)):
            names = ", ".join(opened.names.get(reader, reader) for reader in readers)
            self._recorded(_("Case {case} is sent back to {names}.").format(case=opened.case, names=names))

    def _crosshair(self) -> Point | None:
        """Where the crosshair is, LPS mm; without one where the walk stands."""
        node = self._context.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is not None:
            x, y, z = node.GetCrosshairRAS()
            return (-x, -y, z)
        stop = self._desk.review.walk.current if self._desk.review is not None else None
        if stop is not None and stop.position is not None and len(stop.position) == 3:
            return stop.position
        return None
