"""Lets the open case start from a former reading, from a segmentation of the scene, or from a model."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from AnnotationQACore.project.worklists import WorkItem
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.scene_starts import UNNAMED
from AnnotationQALib.logic.starting_points import Start, StartOffer
from AnnotationQALib.widgets.case_controller import CaseController
from AnnotationQALib.widgets.case_view import CaseView
from AnnotationQALib.widgets.image_controller import ImageController
from AnnotationQALib.widgets.model_modules import ModelModule, open_model
from AnnotationQALib.widgets.panel_context import PanelContext
from AnnotationQALib.widgets.start_menu import offer_text

__all__ = ["StartController"]

MOST_NAMES = 5
"""Of segments that are not taken over, in a message."""


class StartController:
    """What replaces a drawing is agreed on by the reader first.

    Parameters
    ----------
    context : PanelContext
    case_view : CaseView
    cases : CaseController
    images : ImageController
    """

    def __init__(
        self, context: PanelContext, case_view: CaseView, cases: CaseController, images: ImageController
    ) -> None:
        self._context = context
        self._view = case_view
        self._cases = cases
        self._images = images
        self._model: tuple[WorkItem, str] | None = None

    def start_from(self, offer: StartOffer) -> None:
        """Begin with another reading."""
        session, case = self._context.session, self._context.idle_case
        if session is None or case is None or not _may_replace(offer_text(offer)):
            return
        title = _("Reading '{title}'").format(title=offer_text(offer))
        self._context.run(session.begin_start(offer), title, self._is_read)

    def start_from_node(self, node: Any) -> None:
        """Begin with a segmentation that another module has put into the scene."""
        case = self._context.idle_case
        if case is None or not _may_replace(node.GetName()):
            return
        self._view.page.segment_editor.leave()
        others = self._context.attempt(lambda: case.start_from_node(node, self._maker(case.item)))
        if others is None:
            return
        node.SetDisplayVisibility(False)
        self._show()
        if others:
            names = ", ".join(others[:MOST_NAMES]) + (", ..." if len(others) > MOST_NAMES else "")
            self._context.messages.show(_("Not of the protocol, and not taken over: {names}").format(names=names))

    def open_model(self, model: ModelModule) -> None:
        """Show the module of a segmentation model, with the image of the case as its input."""
        case = self._context.case
        if case is not None:
            self._model = (case.item, f"model:{model.name}")
            open_model(model, case.images.node(self._images.shown_role(case)))

    def _maker(self, item: WorkItem) -> str:
        """The model that was opened last for this case."""
        return self._model[1] if self._model is not None and self._model[0] is item else UNNAMED

    def _is_read(self, task: BackgroundTask[Start]) -> None:
        case, start = self._context.case, self._context.attempt(task.result)
        if case is None or start is None:
            return
        self._view.page.segment_editor.leave()
        self._context.attempt(lambda: case.start_from(start))
        self._show()

    def _show(self) -> None:
        self._view.show_anew()
        self._cases.refresh()


def _may_replace(title: str) -> bool:
    question = _("Start from '{title}'? It replaces what you have drawn so far.").format(title=title)
    return bool(slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Start from")))
