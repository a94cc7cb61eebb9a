"""A reviewer's comments as points in the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.answers import CASE_WIDE, Subject
from AnnotationQALib.logic.case_images import CASE_ATTRIBUTE, CaseImages

__all__ = ["Comment", "CommentPins"]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a reviewer; who made it is not told.

    Attributes
    ----------
    text : str
    item : str
        ID of the item; empty for the case as a whole.
    subject : Subject
    position : tuple of 3 float or None
        LPS mm, also of a place on an image without patient geometry as it is shown.
    """

    text: str
    item: str = ""
    subject: Subject = CASE_WIDE
    position: tuple[float, float, float] | None = None


class CommentPins:
    """Comments on a case, those with a position as locked points that carry the text.

    Attributes
    ----------
    comments : tuple of Comment
    node : vtkMRMLMarkupsFiducialNode or None
        None when no comment has a position.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, images: CaseImages, comments: Sequence[Mapping[str, Any]]) -> None:
        self._scene = scene
        self.comments = tuple(_comment(comment, images) for comment in comments)
        self.node: slicer.vtkMRMLMarkupsFiducialNode | None = None
        pinned = [comment for comment in self.comments if comment.position is not None]
        if pinned:
            self.node = self._make(pinned, images.loaded.case.id)

    def remove(self) -> None:
        """Take the points out of the scene."""
        if self.node is not None and self._scene.IsNodePresent(self.node):
            display = self.node.GetDisplayNode()
            self._scene.RemoveNode(self.node)
            if display is not None:
                self._scene.RemoveNode(display)
        self.node = None

    def _make(self, pinned: Sequence[Comment], case: str) -> slicer.vtkMRMLMarkupsFiducialNode:
        node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Review comments")
        node.CreateDefaultDisplayNodes()
        node.SetAttribute(CASE_ATTRIBUTE, case)
        node.SaveWithSceneOff()
        for comment in pinned:
            x, y, z = comment.position or (0.0, 0.0, 0.0)
            index = node.AddControlPointWorld(vtk.vtkVector3d(-x, -y, z), comment.text)
            node.SetNthControlPointDescription(index, comment.text)
        node.SetLocked(True)
        return node


def _comment(comment: Mapping[str, Any], images: CaseImages) -> Comment:
    try:
        subject = Subject.from_json(comment.get("subject", {}))
    except InputError:  # a comment is shown whatever it is about
        subject = CASE_WIDE
    return Comment(
        str(comment.get("text", "")), str(comment.get("item", "")), subject, _position(comment, subject, images)
    )


def _position(comment: Mapping[str, Any], subject: Subject, images: CaseImages) -> tuple[float, float, float] | None:
    numbers = comment.get("position")
    if not isinstance(numbers, list | tuple) or len(numbers) not in (2, 3):
        return None
    if len(numbers) == 3:
        return (float(numbers[0]), float(numbers[1]), float(numbers[2]))
    plane = images.plane(subject.series) if subject.series in images.roles else None
    return plane.to_scene((float(numbers[0]), float(numbers[1]))) if plane is not None else None
