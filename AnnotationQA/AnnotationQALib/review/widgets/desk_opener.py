"""Puts on the desk what is to be reviewed: a case, loose segmentations, or time points beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.segmentations import add_segmentation
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.case_work import GROUP
from AnnotationQALib.review.loose_readings import LooseReadings
from AnnotationQALib.review.project_review import OpenReview
from AnnotationQALib.review.time_points import TimePoint, volume_of
from AnnotationQALib.review.widgets.case_desk import CaseDesk
from AnnotationQALib.review.widgets.cases_view import CasesView
from AnnotationQALib.review.widgets.review_context import ReviewContext

__all__ = ["DeskOpener"]

READERS_BESIDE = 3
"""Readings of each time point that are shown beside those of another."""


class DeskOpener:
    """One thing at a time is on the desk.

    Parameters
    ----------
    context : ReviewContext
    desk : CaseDesk
    cases : CasesView
    show_state : callable
        Called when something was put on the desk, or taken off.
    """

    def __init__(
        self, context: ReviewContext, desk: CaseDesk, cases: CasesView, show_state: Callable[[], None]
    ) -> None:
        self._context = context
        self._desk = desk
        self._cases = cases
        self._show_state = show_state
        self._came_from = ""
        self._own_nodes: list[Any] = []
        self._own_images: list[CaseImages] = []

    # cases of a project

    def open(self, case: str) -> None:
        """Open a case: the views first, then what the readers differ in."""
        session = self._context.session
        if session is None or not self._desk.may_close():
            return
        self.let_go()
        self._context.messages.hide()
        session.open(case, self._opened, self._not_opened)
        self._show_state()
        self._context.begin()

    def open_next(self) -> None:
        """Open the worst case that is not decided."""
        if self._context.session is None:
            return
        case = self._cases.next_case(self._open_case)
        if case:
            self.open(case)
        else:
            self._context.messages.show(_("All these cases are decided."))

    def close(self) -> None:
        """Close what is on the desk; time points of a case lead back to its review."""
        case = self._came_from
        self.let_go()
        self._show_state()
        if case:
            self.open(case)

    def cancel(self) -> None:
        """Stop what is computed; what is not on the desk yet does not come there."""
        if self._desk.is_open:
            self._desk.stop_work()
            self._context.messages.show(_("Stopped. Open the case again to go on."))
        else:
            self.close()

    def let_go(self) -> None:
        """Take everything off the desk, and its nodes out of the scene."""
        context = self._context
        self._came_from = ""
        self._desk.close()
        if context.session is not None:
            context.session.close_case()
        context.background.forget(GROUP)
        for node in self._own_nodes:
            if context.scene.IsNodePresent(node):
                context.scene.RemoveNode(node)
        for images in self._own_images:
            images.remove()
        self._own_nodes, self._own_images = [], []

    # without a project

    def compare_nodes(self, volume: Any, segmentations: Sequence[Any], are_time_points: bool = False) -> None:
        """Compare segmentations of the scene.

        Parameters
        ----------
        volume : vtkMRMLScalarVolumeNode or None
        segmentations : sequence of vtkMRMLSegmentationNode
        are_time_points : bool
            Show each over the volume on which it was drawn; nothing is compared.
        """
        self.let_go()
        self._context.messages.hide()
        if are_time_points:
            self._show_loose_time_points(segmentations)
            return
        loose = self._context.attempt(lambda: LooseReadings(volume, segmentations))
        if loose is None:
            return

        def show(labels: Any) -> None:
            self._desk.show_loose(CaseReview(self._context.scene, {}, volume, nodes=loose.nodes, labels=labels))
            self._show_state()

        self._context.background.run(GROUP, _("Comparing"), loose.labels, show)
        self._context.begin()

    # time points

    def show_beside(self, other: str) -> None:
        """Set another time point of the patient beside the open case; closing it leads back to the review."""
        session, case = self._context.session, self._open_case
        if session is None or not other or not case or not self._desk.may_close():
            return
        locate = session.located([case, other])

        def load() -> Any:
            return [session.load_other(one, locate) for one in (case, other)]

        def show(loaded: Any) -> None:
            self.let_go()
            points = [
                point
                for name, (images, prepared) in zip((case, other), loaded, strict=True)
                for point in self._time_points(name, images, prepared, session.titles())
            ]
            self._came_from = case
            title = _("{case} beside {other}").format(case=case, other=other)
            self._context.succeeds(lambda: self._desk.show_time_points(points, title))
            self._show_state()

        self._context.background.run(GROUP, _("Loading the other time point"), load, show)
        self._context.begin()

    # inside

    @property
    def _open_case(self) -> str:
        return self._desk.opened.case if self._desk.opened is not None else ""

    def _opened(self, opened: OpenReview) -> None:
        session = self._context.session
        if session is None:
            return
        row = self._cases.row(opened.case)
        self._desk.show_case(session, opened, row.messages if row is not None else ())
        self._cases.select(opened.case)
        self._show_state()

    def _not_opened(self, line: str) -> None:
        self._show_state()
        self._context.messages.show_error(line)

    def _show_loose_time_points(self, segmentations: Sequence[Any]) -> None:
        points = [TimePoint(node.GetName(), volume_of(node), node) for node in segmentations]
        lost = ", ".join(point.name for point in points if point.volume is None)
        if self._context.succeeds(lambda: self._desk.show_time_points(points, _("Time points"))) and lost:
            line = _("The images of {names} are not known; they are shown without.")
            self._context.messages.show(line.format(names=lost))
        self._show_state()

    def _time_points(self, name: str, images: Any, prepared: Any, titles: dict[str, str]) -> list[TimePoint]:
        """The readings of one case over its images, as nodes of their own."""
        scene, volume = self._context.scene, None
        if images is not None:
            shown = CaseImages(scene, images, titles)
            self._own_images.append(shown)
            volume = shown.node(shown.roles[0])
        points = []
        for reader in prepared.labels.readers[:READERS_BESIDE]:
            title = f"{name}, {prepared.names.get(reader, reader)}"
            node = add_segmentation(scene, prepared.labels.segmentation(reader), title)
            node.SetHideFromEditors(True)
            node.SetSaveWithScene(False)
            self._own_nodes.append(node)
            points.append(TimePoint(title, volume, node))
        return points
