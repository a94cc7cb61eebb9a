"""How the images of a case are shown: layout, window, interpolation, orientation, fusion, volume rendering."""

from __future__ import annotations

from dataclasses import dataclass, fields

import slicer
import vtk

from AnnotationQACore.checks.problems import Spot
from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.model import DrawnItem, Item, Protocol, View
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.case_images import CaseImages, apply_display_range
from AnnotationQALib.logic.fusion import color_fused, end_fusion, lay_over

__all__ = ["LAYOUTS", "AppliedView", "apply_view", "apply_window", "item_view", "jump_to", "next_window", "shown_slice"]

_NODE = slicer.vtkMRMLLayoutNode
_THREE_PLANES, _AXIAL_AND_3D = 8101, 8102
LAYOUTS = {
    "four_up": _NODE.SlicerLayoutFourUpView,
    "three_planes": _THREE_PLANES,
    "axial": _NODE.SlicerLayoutOneUpRedSliceView,
    "sagittal": _NODE.SlicerLayoutOneUpYellowSliceView,
    "coronal": _NODE.SlicerLayoutOneUpGreenSliceView,
    "side_by_side": _NODE.SlicerLayoutSideBySideView,
    "axial_and_3d": _AXIAL_AND_3D,
    "acquired": _NODE.SlicerLayoutOneUpRedSliceView,
    "acquired_cine": _NODE.SlicerLayoutOneUpRedSliceView,
}
"""Number of the layout in Slicer; those from 8101 on are added by `apply_view`."""

_VIEW = (
    '<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
    '<property name="orientation" action="default">{orientation}</property>'
    '<property name="viewlabel" action="default">{label}</property>'
    '<property name="viewcolor" action="default">{color}</property></view></item>'
)
_SLICES = {
    "Red": ("Axial", "R", "#F34A33"),
    "Yellow": ("Sagittal", "Y", "#EDD54C"),
    "Green": ("Coronal", "G", "#6EB04B"),
}
_3D = (
    '<item><view class="vtkMRMLViewNode" singletontag="1">'
    '<property name="viewlabel" action="default">1</property></view></item>'
)


@dataclass(frozen=True, slots=True)
class AppliedView:
    """What was set, for those who must know it, such as cine controls.

    Attributes
    ----------
    view : View
        Complete: with what the protocol's own view says.
    layout : int or None
        Number of the layout in Slicer; None when the protocol says nothing.
    background, foreground : str
        Roles of the series; empty for none.
    volume_rendering : str
        Name of the preset; empty for none.
    cine : bool
        Whether a series with several time points is to be played.
    """

    view: View
    layout: int | None
    background: str
    foreground: str
    volume_rendering: str
    cine: bool


def item_view(protocol: Protocol, item: Item | None = None) -> View:
    """View of an item: what it says itself, and for the rest what the protocol says; None means the case as a whole.

    An item that is drawn on another series than the reference one is shown on that.
    """
    own = item.view if item is not None and item.view is not None else View()
    merged = {
        field.name: value if (value := getattr(own, field.name)) is not None else getattr(protocol.view, field.name)
        for field in fields(View)
    }
    if own.background is None and isinstance(item, DrawnItem) and item.series:
        merged["background"] = item.series
    if merged["background"] is None:
        merged["background"] = protocol.imaging.reference_series
    return View(**merged)


def apply_view(
    scene: slicer.vtkMRMLScene, images: CaseImages, protocol: Protocol, item: Item | None = None
) -> AppliedView:
    """Show the images as an item, or the protocol, wants them; what it leaves open stays as it is.

    The views are the slice nodes that the scene has; a role that the case lacks is not shown.
    """
    view = item_view(protocol, item)
    present = images.roles
    background = view.background if view.background in present else next(iter(present), "")
    foreground = view.foreground if view.foreground in present else ""
    for role in present:
        _interpolate(images.node(role), view.interpolate)
        if role != foreground:
            end_fusion(images, role)
    if background:
        apply_window(images, background, view.window)
    if foreground:
        apply_window(images, foreground, view.foreground_window)
        color_fused(images, foreground)
    second = next((role for role in present if role != background), background)
    for slice_node in _slice_nodes(scene):
        shown = second if view.layout == "side_by_side" and slice_node.GetLayoutName() == "Yellow" else background
        _show(scene, images, slice_node, shown, foreground if shown == background else "")
        _orient(slice_node, images, shown, view.layout)
    layout = LAYOUTS.get(view.layout or "")
    _set_layout(scene, layout)
    rendering = view.volume_rendering if background and background not in images.flat_roles else None
    cine = bool(background) and view.layout == "acquired_cine" and images.browser(background) is not None
    return AppliedView(view, layout, background, foreground or "", rendering or "", cine)


def apply_window(images: CaseImages, role: str, preset: str | None) -> None:
    """Show a series in the grey levels of a window preset; without one, in those of its own values."""
    levels = images.display_range(role, preset)
    display = images.node(role).GetDisplayNode()
    if levels is not None and isinstance(display, slicer.vtkMRMLScalarVolumeDisplayNode):
        apply_display_range(display, levels)


def jump_to(scene: slicer.vtkMRMLScene, images: CaseImages, spot: Spot) -> None:
    """Centre all slice views on a place, and show the time point that is there."""
    position = spot.position
    if position is None:
        plane = images.plane(spot.series) if spot.series in images.roles else None
        if plane is None or spot.pixel is None:
            return
        position = plane.to_scene(spot.pixel)
    for slice_node in _slice_nodes(scene):
        slice_node.JumpSliceByCentering(-position[0], -position[1], position[2])


def shown_slice(scene: slicer.vtkMRMLScene, images: CaseImages, role: str) -> int:
    """Index along k (from 0) of the slice of a role that the first slice view shows in its middle.

    Raises
    ------
    InputError
        The view shows a place outside of the image.
    """
    nodes = sorted(_slice_nodes(scene), key=lambda node: node.GetLayoutName() != "Red")
    if not nodes:
        raise InputError(worded("views: there is no slice view; choose another layout."))
    matrix = nodes[0].GetSliceToRAS()
    x, y, z = (matrix.GetElement(row, 3) for row in range(3))
    grid = images.grid(role)
    index = round(float(grid.to_index((-x, -y, z))[0]))
    if not 0 <= index < grid.shape[0]:
        raise InputError(worded("series '{role}': the view shows no slice of it; scroll to one.", role=role))
    return index


def next_window(protocol: Protocol, preset: str | None) -> str | None:
    """The window preset after this one in the protocol, round and round; None when the protocol has none."""
    names = [window.id for window in protocol.windows]
    if not names:
        return None
    return names[(names.index(preset) + 1) % len(names)] if preset in names else names[0]


def _interpolate(node: slicer.vtkMRMLVolumeNode, interpolate: bool | None) -> None:
    display = node.GetDisplayNode()
    if interpolate is not None and display is not None:
        display.SetInterpolate(interpolate)


def _slice_nodes(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLSliceNode]:
    count = scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")
    return [scene.GetNthNodeByClass(index, "vtkMRMLSliceNode") for index in range(count)]


def _show(
    scene: slicer.vtkMRMLScene,
    images: CaseImages,
    slice_node: slicer.vtkMRMLSliceNode,
    background: str,
    foreground: str,
) -> None:
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode")
        if composite.GetLayoutName() == slice_node.GetLayoutName():
            composite.SetBackgroundVolumeID(images.node(background).GetID() if background else None)
            lay_over(composite, images.node(foreground) if foreground else None)


def _orient(slice_node: slicer.vtkMRMLSliceNode, images: CaseImages, role: str, layout: str | None) -> None:
    """Planes of the patient, or of the acquisition where the protocol or the image knows no others."""
    if not role:
        return
    is_flat = role in images.flat_roles
    if is_flat:
        slice_node.SetOrientationMarkerType(slicer.vtkMRMLSliceNode.OrientationMarkerTypeNone)
    if is_flat or layout in ("acquired", "acquired_cine"):
        _to_image_plane(slice_node, images, role)
        return
    orientation = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}.get(slice_node.GetLayoutName())
    if orientation and slice_node.HasSliceOrientationPreset(orientation):
        slice_node.SetOrientation(orientation)


def _to_image_plane(slice_node: slicer.vtkMRMLSliceNode, images: CaseImages, role: str) -> None:
    """The view's x axis along the image's columns, its y axis against the rows, through the middle."""
    grid = images.grid(role)
    _, down, right = grid.directions
    middle = grid.to_world([(size - 1) // 2 for size in grid.shape])
    normal = [0.0, 0.0, 0.0]
    ras_right = [-right[0], -right[1], right[2]]
    ras_up = [down[0], down[1], -down[2]]
    vtk.vtkMath.Cross(ras_right, ras_up, normal)
    vtk.vtkMath.Normalize(normal)
    slice_node.SetSliceToRASByNTP(*normal, *ras_right, -middle[0], -middle[1], middle[2], 0)


def _set_layout(scene: slicer.vtkMRMLScene, layout: int | None) -> None:
    node = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None or node is None:
        return
    for number, description in _DESCRIPTIONS.items():
        if not node.IsLayoutDescription(number):
            node.AddLayoutDescription(number, description)
    node.SetViewArrangement(layout)


def _slice_item(name: str) -> str:
    orientation, label, color = _SLICES[name]
    return _VIEW.format(name=name, orientation=orientation, label=label, color=color)


_DESCRIPTIONS = {
    _THREE_PLANES: f'<layout type="horizontal">{"".join(map(_slice_item, _SLICES))}</layout>',
    _AXIAL_AND_3D: f'<layout type="horizontal">{_slice_item("Red")}{_3D}</layout>',
}
