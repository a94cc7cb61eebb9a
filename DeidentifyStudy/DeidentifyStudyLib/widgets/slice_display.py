"""Borrows the red slice view for the review, and gives it back as it was."""

from dataclasses import dataclass
from typing import Any

import slicer
import vtk

__all__ = ["SliceDisplay"]


_LAYERS = ("Background", "Foreground", "Label")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a slice view showed: IDs of its layers, its plane, and which part of it at which zoom.

    The zoom is kept as the height in mm, which Slicer keeps too when a view changes its size: a width of another view
    would distort the image.
    """

    layers: tuple[str, ...]
    plane: Any
    height: float
    origin: tuple[float, ...]


class SliceDisplay:
    """The red slice view, alone, with one image."""

    def __init__(self) -> None:
        self._layout: int | None = None
        self._shown: dict[str, _Shown] = {}

    @property
    def is_borrowed(self) -> bool:
        """Whether the views show the review."""
        return self._layout is not None

    def show(self, volume: Any) -> None:
        """Show a volume; what the views showed before is remembered."""
        manager = slicer.app.layoutManager()
        if not self.is_borrowed:
            self._layout = manager.layout
            self._shown = {name: _shown_in(manager.sliceWidget(name)) for name in manager.sliceViewNames()}
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        red = manager.sliceWidget("Red")
        red.mrmlSliceNode().SetOrientationToAxial()
        _set_layers(red, (volume.GetID() if volume is not None else "", "", ""))
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
        manager.setLayout(self._layout)
        for name in manager.sliceViewNames():
            if name in self._shown:
                _show_again(manager.sliceWidget(name), self._shown[name])
        self._layout = None


def _shown_in(view: Any) -> _Shown:
    node, composite = view.mrmlSliceNode(), view.mrmlSliceCompositeNode()
    plane = vtk.vtkMatrix4x4()
    plane.DeepCopy(node.GetSliceToRAS())
    layers = tuple(getattr(composite, f"Get{layer}VolumeID")() or "" for layer in _LAYERS)
    return _Shown(layers, plane, node.GetFieldOfView()[1], tuple(node.GetXYZOrigin()))


def _show_again(view: Any, shown: _Shown) -> None:
    _set_layers(view, shown.layers)
    node = view.mrmlSliceNode()
    node.GetSliceToRAS().DeepCopy(shown.plane)
    columns, rows = node.GetDimensions()[:2]
    if columns > 0 and rows > 0:
        node.SetFieldOfView(shown.height * columns / rows, shown.height, node.GetFieldOfView()[2])
    node.SetXYZOrigin(*shown.origin)
    node.UpdateMatrices()


def _set_layers(view: Any, ids: tuple[str, ...]) -> None:
    """Set the layers of a view; what is no longer in the scene is left out."""
    composite = view.mrmlSliceCompositeNode()
    for layer, identifier in zip(_LAYERS, ids, strict=True):
        known = bool(identifier) and slicer.mrmlScene.GetNodeByID(identifier) is not None
        getattr(composite, f"Set{layer}VolumeID")(identifier if known else None)
