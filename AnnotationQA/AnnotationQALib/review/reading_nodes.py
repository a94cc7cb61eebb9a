"""Nodes of the readings in review: borrowed from the user, or made read-only for as long as the review is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import slicer

from AnnotationQACore.review.labels import ReviewLabels
from AnnotationQALib.logic.segmentations import add_segmentation
from AnnotationQALib.review.borrowed_nodes import BorrowedNode

__all__ = ["READ_ONLY", "ReadingNodes", "remove_with_displays"]

READ_ONLY = "AnnotationQA.ReviewedReading"
"""Attribute of the nodes that hold a reader's work; editors leave them alone."""


class ReadingNodes:
    """Nodes are made when their readers are shown first.

    Parameters
    ----------
    scene : vtkMRMLScene
    labels : ReviewLabels
    names : mapping of reader to str
        What the nodes are called.
    borrowed : mapping of reader to vtkMRMLSegmentationNode
        Nodes that hold the readings already; they are shown, not copied.

    Attributes
    ----------
    by_reader : dict of reader to vtkMRMLSegmentationNode
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        labels: ReviewLabels,
        names: Mapping[str, str],
        borrowed: Mapping[str, slicer.vtkMRMLSegmentationNode],
    ) -> None:
        self._scene = scene
        self._labels = labels
        self._names = names
        self._borrowed: list[BorrowedNode] = []
        self._own: list[slicer.vtkMRMLSegmentationNode] = []
        self.by_reader: dict[str, slicer.vtkMRMLSegmentationNode] = {}
        for reader, node in borrowed.items():
            if node.GetDisplayNode() is None:
                node.CreateDefaultDisplayNodes()
            self._borrowed.append(BorrowedNode.of(node))
            self.by_reader[reader] = node

    def need(self, readers: Sequence[str]) -> None:
        """Make the nodes of readers that are not there yet."""
        for reader in readers:
            if reader not in self.by_reader:
                self.by_reader[reader] = self._made(reader)

    def remove(self) -> None:
        """Take the own nodes out of the scene, and give the borrowed ones their displays back."""
        for borrowed in self._borrowed:
            if self._scene.IsNodePresent(borrowed.node):
                borrowed.give_back()
        remove_with_displays(self._scene, self._own)
        self._borrowed, self._own, self.by_reader = [], [], {}

    def _made(self, reader: str) -> slicer.vtkMRMLSegmentationNode:
        node = add_segmentation(self._scene, self._labels.segmentation(reader), self._names[reader])
        node.SetAttribute(READ_ONLY, "true")
        node.SetHideFromEditors(True)
        node.SetSelectable(False)
        node.SetSaveWithScene(False)
        self._own.append(node)
        return node


def remove_with_displays(scene: slicer.vtkMRMLScene, nodes: Sequence[slicer.vtkMRMLDisplayableNode]) -> None:
    """Remove nodes that are still in the scene, with their display nodes."""
    for node in nodes:
        displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
        for one in (node, *displays):
            if one is not None and scene.IsNodePresent(one):
                scene.RemoveNode(one)
