"""Lets the reader place points of a markups node with the mouse, by the nodes that Slicer's own tools use."""

from __future__ import annotations

from typing import Any

import slicer

__all__ = ["Placing"]


class Placing:
    """The mouse mode of the application.

    Parameters
    ----------
    application_logic : vtkMRMLApplicationLogic
        Holds the selection and the interaction node, singletons that survive the closing of a scene.
    """

    def __init__(self, application_logic: Any) -> None:
        self._logic = application_logic

    @property
    def is_on(self) -> bool:
        """Whether a click in a view places a point."""
        node = self._interaction_node()
        return node is not None and node.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place

    @property
    def node_id(self) -> str:
        """ID of the node in which points are placed; empty while none are."""
        selection = self._logic.GetSelectionNode()
        return (selection.GetActivePlaceNodeID() or "") if self.is_on and selection is not None else ""

    def start(self, node: Any, persistent: bool) -> None:
        """Let clicks place points of a node; `persistent` until it is stopped, else until its points are complete."""
        selection, interaction = self._logic.GetSelectionNode(), self._interaction_node()
        if selection is None or interaction is None:
            return
        selection.SetReferenceActivePlaceNodeClassName(node.GetClassName())
        selection.SetActivePlaceNodeID(node.GetID())
        interaction.SetPlaceModePersistence(1 if persistent else 0)
        interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)

    def stop(self) -> None:
        """Let clicks move the view again."""
        interaction = self._interaction_node()
        if interaction is not None and self.is_on:
            interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.ViewTransform)

    def _interaction_node(self) -> Any:
        return self._logic.GetInteractionNode()
