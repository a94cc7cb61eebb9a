"""The menu "Start from": readings, segmentations of the scene, and segmentation models installed as extensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQALib.logic.scene_starts import other_segmentations
from AnnotationQALib.logic.starting_points import StartKind, StartOffer
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.menus import add_action
from AnnotationQALib.widgets.model_modules import ModelModule, installed_models

__all__ = ["StartMenu"]


class StartMenu:
    """Made anew whenever it opens, for other modules may have added segmentations meanwhile.

    Parameters
    ----------
    on_offer : callable
        Called with the reading that was chosen.
    on_node : callable
        Called with the segmentation node that was chosen.
    on_model : callable
        Called with the `ModelModule` that was chosen.

    Attributes
    ----------
    menu : QMenu
    """

    def __init__(
        self,
        on_offer: Callable[[StartOffer], None],
        on_node: Callable[[Any], None],
        on_model: Callable[[ModelModule], None],
    ) -> None:
        self._on_offer = on_offer
        self._on_node = on_node
        self._on_model = on_model
        self._case: Any = None
        self._offers: tuple[StartOffer, ...] = ()
        self.menu = qt.QMenu()
        self.menu.toolTipsVisible = True
        connect(self.menu, "aboutToShow()", self.fill)

    @property
    def has_offers(self) -> bool:
        """Whether the protocol allows any start."""
        return bool(self._offers) or self._takes_models

    @property
    def _takes_models(self) -> bool:
        case = self._case
        return (
            case is not None
            and StartKind.MODEL in case.protocol.design.start_from
            and bool(case.protocol.segmentations)
        )

    def show(self, case: Any, offers: Sequence[StartOffer]) -> None:
        """Offer what the protocol allows for the open case; None lets it go."""
        self._case, self._offers = case, tuple(offers)
        self.fill()

    def fill(self) -> None:
        """Show what there is to start from now."""
        self.menu.clear()
        for offer in self._offers:
            action = add_action(self.menu, offer_text(offer))
            connect(action, "triggered()", lambda offer=offer: self._on_offer(offer))
        if not self._takes_models:
            return
        if self._offers:
            self.menu.addSeparator()
        node = self._case.editor.segmentation_node
        for found in other_segmentations(node.GetScene()) if node is not None else ():
            action = add_action(self.menu, _("Segmentation '{name}' of the scene").format(name=found.GetName()))
            action.toolTip = _("Take over its segments that the protocol asks for; how many voxels you change is kept.")
            connect(action, "triggered()", lambda found=found: self._on_node(found))
        for model in installed_models():
            action = add_action(self.menu, _("Open {model}...").format(model=model.title))
            action.toolTip = _("Run the model on this case; its segmentation is offered here afterwards.")
            connect(action, "triggered()", lambda model=model: self._on_model(model))
        if self.menu.isEmpty():
            add_action(self.menu, _("There is no segmentation to start from")).enabled = False


def offer_text(offer: StartOffer) -> str:
    """What a reading to start from is called."""
    if offer.kind == StartKind.MODEL:
        return _("Model {name}").format(name=offer.title)
    if offer.kind == StartKind.FORMER_REVISION:
        return _("Your revision {number}").format(number=offer.submitted.revision)
    return _("Your reading of time point {point}").format(point=offer.title)
