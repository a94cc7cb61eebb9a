"""How the images of the open case are shown: window presets, the view of an item, places to jump to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from AnnotationQACore.checks.problems import Spot
from AnnotationQACore.protocol.model import View
from AnnotationQALib.logic.form import FormEntry, ImagePlace
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.presentation import apply_window, item_view, jump_to, next_window, shown_slice
from AnnotationQALib.widgets.case_view import CaseView
from AnnotationQALib.widgets.guard import guarded
from AnnotationQALib.widgets.panel_context import PanelContext
from AnnotationQALib.widgets.views import show_layout

__all__ = ["ImageController"]


class ImageController:
    """Sets the views as the protocol and the reader want them.

    Parameters
    ----------
    context : PanelContext
    case_view : CaseView
    layout_manager : qMRMLLayoutManager or None
    render_volume : callable
        Called with a volume node and the name of a volume rendering preset.
    """

    def __init__(
        self,
        context: PanelContext,
        case_view: CaseView,
        layout_manager: Any,
        render_volume: Callable[[Any, str], Any],
    ) -> None:
        self._context = context
        self._case_view = case_view
        self._layout_manager = layout_manager
        self._render_volume = render_volume
        self._window: str | None = None
        self._view: View | None = None
        self._observed: list[tuple[Any, int]] = []

    def show_window(self, window: str) -> None:
        """Show the image in a window preset."""
        case = self._context.case
        if case is not None and window:
            apply_window(case.images, self.shown_role(case), window)
            self._window = window
            self._case_view.show_window(window)

    def next_window(self) -> None:
        """Show the next window preset of the protocol."""
        case = self._context.case
        if case is not None:
            self.show_window(next_window(case.protocol, self._window) or "")

    def reset_view(self) -> None:
        """Show layout, window and planes as the protocol wants them for the item."""
        case = self._context.case
        if case is None:
            return
        entry = self._case_view.page.entry
        applied = self._context.attempt(lambda: case.show(entry.key if entry is not None else None))
        if applied is None:
            return
        show_layout(self._layout_manager, applied.layout)
        if applied.volume_rendering:
            self._render_volume(case.images.node(applied.background), applied.volume_rendering)
        browser = case.images.browser(applied.background) if applied.background else None
        self._case_view.show_cine(self._context.scene, browser)
        self._view = applied.view
        self._window = applied.view.window
        self._case_view.show_window(self._window)

    def show_item(self, entry: FormEntry) -> None:
        """Show an item that was selected; zoom and slice stay where the reader is when it wants the same view."""
        case = self._context.case
        if case is None:
            return
        case.select(entry.key)
        if item_view(case.protocol, entry.item) != self._view:
            self.reset_view()

    def jump(self, spot: Spot) -> None:
        """Let the views show a place."""
        case = self._context.case
        if case is not None:
            jump_to(self._context.scene, case.images, spot)

    def ask_about_image(self) -> ImagePlace | None:
        """Let items of single images be asked about the slice or frame that is shown, and return it."""
        case = self._context.case
        if case is None:
            return None
        role = self.shown_role(case)
        scene = self._context.scene
        place: ImagePlace | None = self._context.attempt(
            lambda: case.editor.ask_about_image(role, shown_slice(scene, case.images, role))
        )
        return place

    def shown_role(self, case: OpenCase) -> str:
        """Role of the series that is shown for the current item."""
        entry = self._case_view.page.entry
        view = item_view(case.protocol, entry.item if entry is not None else None)
        roles = case.images.roles
        return view.background if view.background in roles else roles[0]

    def observe(self, case: OpenCase, is_shown: Callable[[], bool]) -> None:
        """Let scrolling and zooming count as work on the case while the panel is shown."""
        scene = self._context.scene
        for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            node = scene.GetNthNodeByClass(number, "vtkMRMLSliceNode")
            tag = node.AddObserver(
                "ModifiedEvent", guarded(lambda *_: case.activity.act() if is_shown() else None, repeats=True)
            )
            self._observed.append((node, tag))

    def let_go(self) -> None:
        """Forget the case."""
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed = []
        self._view = None
