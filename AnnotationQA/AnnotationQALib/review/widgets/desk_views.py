"""The views around the desk: layout, field of view, heat maps, and the former layout afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import qt

from AnnotationQACore.review.walk import Stop
from AnnotationQALib.review.layouts import LAYOUT_ID
from AnnotationQALib.review.widgets.display_view import DisplayView
from AnnotationQALib.review.widgets.on_desk import OnDesk
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.widgets.guard import guarded

__all__ = ["DeskViews"]

CLOSE_UP_MM = 60.0


class DeskViews:
    """Shows what lies on the desk as the reviewer wants it shown.

    Parameters
    ----------
    context : ReviewContext
    layout_manager : qMRMLLayoutManager or None
    desk : OnDesk
    on_laid_out : callable
        Called when other readings are shown than before.
    go_back : callable
        Goes to where the walk stands.
    beside : callable
        Called with the ID of another case that is to be shown beside, or an empty text.

    Attributes
    ----------
    display : DisplayView
    """

    def __init__(
        self,
        context: ReviewContext,
        layout_manager: Any,
        desk: OnDesk,
        on_laid_out: Callable[[], None],
        go_back: Callable[[], None],
        beside: Callable[[str], None],
    ) -> None:
        self._context = context
        self._layout_manager = layout_manager
        self._desk = desk
        self._on_laid_out = on_laid_out
        self._go_back = go_back
        self._is_close = False
        self._former_layout: int | None = None
        self.display = DisplayView(
            self.lay_out,
            self._show_style,
            self._show_heat_map,
            self._show_opacity,
            self._show_crosshair,
            self._show_window,
            beside,
        )

    @property
    def has_heat_map(self) -> bool:
        """Whether the heat map that is chosen is computed."""
        kind, review = self.display.heat_map, self._desk.review
        return kind is not None and review is not None and review.has_heat_map(kind)

    def begin(self) -> None:
        """Something else is on the desk: show the whole of it."""
        self._is_close = False
        self.lay_out()

    def lay_out(self) -> None:
        """Open the views that the reviewer has chosen."""
        node, desk, display = self._layout_node(), self._desk, self.display
        if node is not None and self._former_layout is None and node.GetViewArrangement() != LAYOUT_ID:
            self._former_layout = node.GetViewArrangement()
        review = desk.review
        if desk.time_points is not None:
            desk.time_points.open_views(display.planes, display.three_d, display.orientation, node)
            desk.time_points.set_style(display.style)
        elif review is not None:
            if display.readers:
                self._context.attempt(lambda: review.choose(display.readers))
            with_result = bool(display.ui.resultCheck.checked)
            review.open_views(display.planes, display.three_d, with_result, display.orientation, node)
            review.set_style(display.style)
            if desk.opened is not None:
                desk.opened.show_markups()
            review.show_heat_map(display.heat_map if self.has_heat_map else None, display.opacity)
            self._on_laid_out()
        else:
            return
        self._show_crosshair()
        if desk.shown is not None:
            desk.shown.frame()
        self._fit_and_go_back()
        if self._layout_manager is not None:
            qt.QTimer.singleShot(0, guarded(self._fit_and_go_back))  # new views get their size in the event loop only

    def put_layout_back(self) -> None:
        """Show the layout that there was before the first review."""
        node = self._layout_node()
        if node is not None and self._former_layout is not None and node.GetViewArrangement() == LAYOUT_ID:
            node.SetViewArrangement(self._former_layout)
        self._former_layout = None

    def show_result(self) -> None:
        """Show the view of the result, unless it is shown."""
        if not self.display.ui.resultCheck.checked:
            self.display.ui.resultCheck.checked = True

    def arrive(self, stop: Stop | None) -> None:
        """The walk stands elsewhere."""
        if stop is not None and stop.position is not None and len(stop.position) == 2:
            self._center_pixel(stop.position)
        if self._is_close:
            self._close_up()

    def center(self, position: Any) -> None:
        """Centre all views on a point, LPS mm."""
        views = self._desk.views
        if views is not None:
            views.center(position)

    def toggle_close_up(self) -> None:
        """Closer to the disagreement, or back to the whole image."""
        self._is_close = not self._is_close
        if self._is_close:
            self._close_up()
        else:
            self._fit()

    # the field of view

    def _fit_and_go_back(self) -> None:
        """The whole image in every view, at the place where the walk stands."""
        self._fit()
        self._go_back()

    def _fit(self) -> None:
        """The whole image in every view."""
        views, review = self._desk.views, self._desk.review
        if views is None:
            return
        if review is not None and review.volume is None:
            grid = review.labels.grid
            middle = [(size - 1) / 2 for size in grid.shape]
            extent = max(size * step for size, step in zip(grid.shape, grid.spacing, strict=True))
            views.fit([float(x) for x in grid.to_world(middle)], extent * 1.05)
        elif self._layout_manager is not None:
            self._layout_manager.resetSliceViews()

    def _close_up(self) -> None:
        views, review = self._desk.views, self._desk.review
        stop = review.walk.current if review is not None else None
        if review is None or stop is None or stop.position is None or len(stop.position) != 3 or views is None:
            return
        width = CLOSE_UP_MM
        if stop.region is not None:
            box = review.disagreements.region(stop.region).box
            spacing = review.labels.grid.spacing
            extent = max((part.stop - part.start) * step for part, step in zip(box, spacing, strict=True))
            width = max(CLOSE_UP_MM, 1.5 * float(extent))
        views.fit(stop.position, width)

    def _center_pixel(self, pixel: Sequence[float]) -> None:
        """Centre on a pixel of an image without a place in the patient."""
        session = self._desk.session
        images = session.images if session is not None else None
        flat = images.flat_roles if images is not None else ()
        plane = images.plane(flat[0]) if images is not None and flat else None
        if plane is not None:
            self.center(plane.to_scene(tuple(pixel)))

    # how it is shown

    def _layout_node(self) -> Any:
        return self._context.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")

    def _show_style(self) -> None:
        if self._desk.shown is not None:
            self._desk.shown.set_style(self.display.style)

    def _show_heat_map(self) -> None:
        review, work, kind = self._desk.review, self._desk.work, self.display.heat_map
        self.display.ui.opacitySlider.enabled = kind is not None
        if review is None or work is None:
            return
        if kind is None or review.has_heat_map(kind):
            review.show_heat_map(kind, self.display.opacity)
        elif work.is_found:
            work.want_heat_map(kind, self._heat_map_computed)

    def _heat_map_computed(self, kind: Any, image: np.ndarray) -> None:
        if self._desk.review is not None and self.display.heat_map == kind:
            self._desk.review.show_heat_map(kind, self.display.opacity, image)

    def _show_opacity(self) -> None:
        if self._desk.review is not None and self.has_heat_map:
            self._desk.review.show_heat_map(self.display.heat_map, self.display.opacity)

    def _show_crosshair(self) -> None:
        views = self._desk.views
        if views is not None:
            views.set_crosshair(bool(self.display.ui.crosshairCheck.checked))

    def _show_window(self, window: str) -> None:
        if self._desk.session is not None and window:
            self._desk.session.show_window(window)
