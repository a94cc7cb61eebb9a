"""Borrows the red slice view for the review, and gives it back as it was."""

from typing import Any

import slicer

__all__ = ["SliceDisplay"]


class SliceDisplay:
    """The red slice view, alone, with one image."""

    def __init__(self) -> None:
        self._layout: int | None = None
        self._backgrounds: dict[str, str] = {}

    @property
    def is_borrowed(self) -> bool:
        """Whether the views show the review."""
        return self._layout is not None

    def show(self, volume: Any) -> None:
        """Show a volume; what the views showed before is remembered."""
        manager = slicer.app.layoutManager()
        if not self.is_borrowed:
            self._layout = manager.layout
            self._backgrounds = {
                name: manager.sliceWidget(name).mrmlSliceCompositeNode().GetBackgroundVolumeID() or ""
                for name in manager.sliceViewNames()
            }
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        red = manager.sliceWidget("Red")
        red.mrmlSliceNode().SetOrientationToAxial()
        red.mrmlSliceCompositeNode().SetBackgroundVolumeID(volume.GetID() if volume is not None else None)
        if volume is not None:
            red.fitSliceToBackground()

    def place(self, box: Any) -> None:
        """Let the person place a box with the mouse."""
        logic = slicer.app.applicationLogic()
        selection, interaction = logic.GetSelectionNode(), logic.GetInteractionNode()
        selection.SetReferenceActivePlaceNodeClassName(box.GetClassName())
        selection.SetActivePlaceNodeID(box.GetID())
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)

    def stop_placing(self) -> None:
        """Back to moving through the image."""
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.ViewTransform)

    def give_back(self) -> None:
        """Show what the views showed before."""
        if not self.is_borrowed:
            return
        self.stop_placing()
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames():
            known = slicer.mrmlScene.GetNodeByID(self._backgrounds.get(name, "")) is not None
            composite = manager.sliceWidget(name).mrmlSliceCompositeNode()
            composite.SetBackgroundVolumeID(self._backgrounds[name] if known else None)
        manager.setLayout(self._layout)
        self._layout = None
