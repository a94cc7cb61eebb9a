"""Time points of one patient side by side: each over its own images, all at the same place in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.wording import worded
from AnnotationQALib.review.borrowed_nodes import displays_of
from AnnotationQALib.review.layouts import MOST_SOURCES, ReviewLayout, ThreeD, add_layout, review_layout
from AnnotationQALib.review.review_views import ReviewViews, Style
from AnnotationQALib.review.surfaces import Surfaces, bounds_of

__all__ = ["TimePoint", "TimePointViews", "volume_of"]


@dataclass(frozen=True, slots=True)
class TimePoint:
    """What was seen at one time.

    Attributes
    ----------
    name : str
    volume : vtkMRMLVolumeNode or None
    segmentation : vtkMRMLSegmentationNode
    """

    name: str
    volume: slicer.vtkMRMLVolumeNode | None
    segmentation: slicer.vtkMRMLSegmentationNode


class TimePointViews:
    """Linked views of time points; displays are given back on `close`.

    Parameters
    ----------
    scene : vtkMRMLScene
    points : sequence of TimePoint
        Two to seven.
    surfaces : Surfaces, optional
        For 3D views; computed at once by default.

    Raises
    ------
    InputError
        There are fewer than two, or more than fit.
    """

    def __init__(
        self, scene: slicer.vtkMRMLScene, points: Sequence[TimePoint], surfaces: Surfaces | None = None
    ) -> None:
        if not 2 <= len(points) <= MOST_SOURCES:
            raise InputError(
                worded("time points: {number} are chosen; choose two to {most}.", number=len(points), most=MOST_SOURCES)
            )
        self.scene = scene
        self.points = tuple(points)
        self.views: ReviewViews | None = None
        self._surfaces = surfaces or Surfaces()
        self._former = [
            (display, tuple(display.GetViewNodeIDs() or ()))
            for point in points
            for display in displays_of(point.segmentation)
        ]

    def open_views(
        self,
        planes: Literal[1, 3] = 1,
        three_d: ThreeD = "none",
        orientation: str = "Axial",
        layout_node: slicer.vtkMRMLLayoutNode | None = None,
    ) -> ReviewLayout:
        """Show each time point in views of its own; see `CaseReview.open_views`."""
        sources = {str(number): point.name for number, point in enumerate(self.points)}
        layout = review_layout(sources, planes, three_d, orientation)
        former = self.views
        if three_d == "none":
            self._surfaces.remove()
        self.views = ReviewViews(self.scene, layout)
        given = {str(n): point.volume for n, point in enumerate(self.points) if point.volume is not None}
        self.views.show_volumes(given)
        for number, point in enumerate(self.points):
            self.views.show_only(str(number), point.segmentation)
            if three_d != "none":
                self._surfaces.want(point.segmentation)
        if layout_node is not None:
            add_layout(layout_node, layout)
        if former is not None:  # only now, so that the layout manager never shows a view that is gone
            former.remove_except({pane.tag for pane in layout.panes})
        return layout

    def frame(self) -> None:
        """Show all of what was drawn at each time in its 3D view."""
        if self.views is not None:
            found = {str(number): bounds_of(point.segmentation) for number, point in enumerate(self.points)}
            self.views.frame({source: box for source, box in found.items() if box is not None})

    def set_style(self, style: Style) -> None:
        """Outlines, fills, or both, in all views."""
        if self.views is not None:
            self.views.set_style([point.segmentation for point in self.points], style)

    def close(self) -> None:
        """Take the views out of the scene, and show the segmentations where they were shown before."""
        self._surfaces.remove()
        for display, ids in self._former:
            display.SetViewNodeIDs(list(ids))
        if self.views is not None:
            self.views.remove()
            self.views = None


def volume_of(segmentation: slicer.vtkMRMLSegmentationNode) -> slicer.vtkMRMLVolumeNode | None:
    """The volume on which a segmentation was drawn, as Slicer remembers it; None when it does not."""
    return segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
