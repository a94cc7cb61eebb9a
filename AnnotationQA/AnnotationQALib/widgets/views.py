"""What the panel asks of the views of the application."""

from __future__ import annotations

from typing import Any

import slicer

__all__ = ["show_layout", "show_volume_rendering"]


def show_layout(layout_manager: Any, layout: int | None) -> None:
    """Arrange the views and fit the slices to the image."""
    if layout_manager is None:
        return
    if layout is not None:
        layout_manager.setLayout(layout)
    layout_manager.resetSliceViews()


def show_volume_rendering(volume: Any, preset: str) -> bool:
    """Render a volume by a preset of Slicer; False when the module Volume Rendering or the preset is not there."""
    module = getattr(slicer.modules, "volumerendering", None)
    if module is None or volume is None:
        return False
    logic = module.logic()
    found = logic.GetPresetByName(preset) if preset else None
    if found is None:
        return False
    display = logic.GetFirstVolumeRenderingDisplayNode(volume) or logic.CreateDefaultVolumeRenderingNodes(volume)
    display.GetVolumePropertyNode().Copy(found)
    display.SetVisibility(True)
    return True
