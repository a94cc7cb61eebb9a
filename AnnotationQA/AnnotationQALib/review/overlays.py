"""Heat maps of disagreement as volume nodes to lay over the scan."""

from __future__ import annotations

from typing import Literal

import numpy as np
import slicer
from numpy.typing import NDArray

from AnnotationQACore.review.depths import depth_image
from AnnotationQACore.review.disagreements import Disagreements
from AnnotationQACore.review.heat_maps import differing_readers
from AnnotationQACore.segmentation import Volume
from AnnotationQALib.logic.volumes import add_volume

__all__ = ["HeatMap", "add_heat_map"]

HeatMap = Literal["readers", "distance"]
"""Number of readers who differ, or distance between surfaces in mm."""

_NAMES = {"readers": "Readers who differ", "distance": "Distance between surfaces, mm"}
_STEPS = 256


def add_heat_map(
    scene: slicer.vtkMRMLScene,
    disagreements: Disagreements,
    kind: HeatMap,
    image: NDArray[np.uint8] | NDArray[np.float32] | None = None,
) -> slicer.vtkMRMLScalarVolumeNode:
    """Add a heat map; where readers agree it is 0 and transparent.

    Parameters
    ----------
    scene, disagreements, kind
    image : array, shape (k, j, i), optional
        The Core's image, computed already, such as on another thread.
    """
    if image is None:
        image = differing_readers(disagreements) if kind == "readers" else depth_image(disagreements)
    node = add_volume(scene, Volume(image, disagreements.labels.grid), _NAMES[kind])
    node.SetSaveWithScene(False)
    node.SetAttribute("AnnotationQA.HeatMap", kind)
    if kind == "distance":
        node.SetVoxelValueUnits(_millimetres())
    highest = max(float(image.max()), 1.0)
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_colors(scene).GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.0, highest)
    # What is below the smallest disagreement is transparent; VTK cuts the threshold of an integer image to an integer.
    smallest = float(image[image > 0].min()) if np.any(image) else 1.0
    display.SetThreshold(smallest if kind == "readers" else smallest / 2, highest)
    display.SetApplyThreshold(True)
    display.SetInterpolate(False)
    return node


def _millimetres() -> slicer.vtkCodedEntry:
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning("mm", "UCUM", "millimeter")
    return entry


def _colors(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    """Yellow to red, shared by all heat maps."""
    node = scene.GetSingletonNode("AnnotationQADisagreement", "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.vtkMRMLColorTableNode()
        node.SetSingletonTag("AnnotationQADisagreement")
        node.SetName("Disagreement")
        node.SetTypeToUser()
        node.SetNumberOfColors(_STEPS)
        for step in range(_STEPS):
            part = step / (_STEPS - 1)
            node.SetColor(step, f"{part:.2f}", 1.0, 1.0 - part, 0.0, 1.0)
        node.SetSaveWithScene(False)
        node = scene.AddNode(node)
    return node
