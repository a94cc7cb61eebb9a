"""Modules of other extensions that segment with a model: offered by name when they are installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

__all__ = ["ModelModule", "installed_models", "open_model"]


@dataclass(frozen=True, slots=True)
class ModelModule:
    """A module by the name under which Slicer knows it, and what people call it."""

    name: str
    title: str


KNOWN = (
    ModelModule("TotalSegmentator", "TotalSegmentator"),
    ModelModule("MONAIAuto3DSeg", "MONAI Auto3DSeg"),
    ModelModule("SlicerNNInteractive", "nnInteractive"),
    ModelModule("SlicerNNUNet", "nnU-Net"),
    ModelModule("MONAILabel", "MONAI Label"),
)


def installed_models() -> tuple[ModelModule, ...]:
    """Those of the modules that this Slicer has."""
    return tuple(model for model in KNOWN if hasattr(slicer.modules, model.name.lower()))


def open_model(model: ModelModule, volume: Any) -> None:
    """Show the module, with a volume as its input where it has a selector for one."""
    slicer.util.selectModule(model.name)
    panel = slicer.util.getModule(model.name).widgetRepresentation()
    for selector in slicer.util.findChildren(panel, className="qMRMLNodeComboBox"):
        takes_volumes = any(volume.IsA(kind) for kind in selector.nodeTypes)
        if takes_volumes and "input" in str(selector.objectName).lower():
            selector.setCurrentNode(volume)
