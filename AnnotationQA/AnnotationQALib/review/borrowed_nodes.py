"""Segmentation nodes of the user that a review shows as they are, and gives back as they were."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

__all__ = ["BorrowedNode", "displays_of"]


@dataclass(frozen=True, slots=True)
class BorrowedNode:
    """A node of the user's that is shown as it is, and how its displays were before."""

    node: slicer.vtkMRMLSegmentationNode
    view_ids: tuple[tuple[str, ...], ...]
    opacity_3d: tuple[float, ...]
    visible: tuple[bool, ...]
    filled: tuple[bool, ...]
    outlined: tuple[bool, ...]

    @classmethod
    def of(cls, node: slicer.vtkMRMLSegmentationNode) -> BorrowedNode:
        """Remember how a node is displayed."""
        displays = displays_of(node)
        return cls(
            node,
            tuple(tuple(display.GetViewNodeIDs() or ()) for display in displays),
            tuple(display.GetOpacity3D() for display in displays),
            tuple(bool(display.GetVisibility()) for display in displays),
            tuple(bool(display.GetVisibility2DFill()) for display in displays),
            tuple(bool(display.GetVisibility2DOutline()) for display in displays),
        )

    def give_back(self) -> None:
        """Display the node as it was displayed before."""
        for number, display in enumerate(displays_of(self.node)[: len(self.view_ids)]):
            display.SetViewNodeIDs(list(self.view_ids[number]))
            display.SetOpacity3D(self.opacity_3d[number])
            display.SetVisibility(self.visible[number])
            display.SetVisibility2DFill(self.filled[number])
            display.SetVisibility2DOutline(self.outlined[number])


def displays_of(node: slicer.vtkMRMLDisplayableNode) -> list[slicer.vtkMRMLDisplayNode]:
    """Display nodes of a node."""
    displays = (node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes()))
    return [display for display in displays if display is not None]
