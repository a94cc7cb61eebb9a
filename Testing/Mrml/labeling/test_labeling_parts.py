"""Images of all kinds, how they are shown, time, and masking."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from PIL import Image

from AnnotationQACore.checks.problems import Spot
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.series.dimensions import Dimension, DimensionName
from AnnotationQACore.interchange.series.images import ImageSeries
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.interchange.series.planar import PlanarSpacing, SpacingKind
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind
from AnnotationQACore.interchange.series.suv import SuvScale
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.readings import BoxValue, Presence, PresenceValue, Reading, Subject
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol, WindowPreset
from AnnotationQACore.segmentation import Mask
from AnnotationQALib.logic import segment_painting
from AnnotationQALib.logic.activity import ActivityRecorder
from AnnotationQALib.logic.case_images import FLAT_ATTRIBUTE, CaseImages, prepare_images
from AnnotationQALib.logic.case_loading import DisplayRange, LoadedCase, LoadedSeries, display_ranges
from AnnotationQALib.logic.form import ItemKey, ItemState
from AnnotationQALib.logic.fusion import OPACITY
from AnnotationQALib.logic.masking import Overwrite, apply_masking
from AnnotationQALib.logic.presentation import apply_view, apply_window, jump_to, next_window
from AnnotationQALib.logic.reading_editor import ReadingEditor

GRID = Grid((4, 5, 6), (2.0, 1.0, 1.0))


def cine(frames: int) -> ImageSeries:
    voxels = np.arange(frames, dtype=np.int16)[:, None, None, None] * np.ones(GRID.shape, np.int16)
    spacing = PlanarSpacing(SpacingKind.PATIENT, (1.0, 1.0))
    dimension = Dimension(DimensionName.TIME, tuple(map(float, range(frames))), "s")
    return ImageSeries(
        voxels, ((),), GeometryKind.REGULAR, GRID, spacing, dimension, "MR", "MONOCHROME2", "", "", "", "", ""
    )


def shown(scene: Any, **series: ImageSeries) -> CaseImages:
    loaded = tuple(LoadedSeries(role, each, {"": DisplayRange(0.0, 9.0)}) for role, each in series.items())
    return CaseImages(scene, prepare_images(LoadedCase(Case("case-1", "p"), loaded)), {})


def test_time_points_are_a_sequence(scene: Any) -> None:
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    images = shown(scene, sax=cine(3))
    assert images.frame_count("sax") == 3
    images.show_frame("sax", 3)
    logic.UpdateAllProxyNodes()
    assert images.frame("sax") == 3
    assert images.node("sax").GetImageData().GetScalarRange() == (2.0, 2.0)
    assert images.volume("sax", 2).voxels.max() == 1
    images.remove()
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode") == 0


@pytest.fixture
def x_rays(tmp_path: Path) -> dict[str, ImageSeries]:
    path = tmp_path / "pa.png"
    Image.fromarray(np.arange(30 * 40, dtype=np.uint8).reshape(30, 40)).save(path)
    return {"pa": open_series(path), "lateral": open_series(path)}


def test_boxes_on_an_x_ray_are_in_pixels(scene: Any, x_rays: dict[str, ImageSeries]) -> None:
    protocol = load_shipped("wrist_fracture_xray")
    images = shown(scene, **x_rays)
    assert images.flat_roles == ("pa", "lateral")
    assert images.node("pa").GetAttribute(FLAT_ATTRIBUTE) == "1"
    assert images.node("pa").GetImageData().GetDimensions() == (40, 30, 1)
    new = Reading("case-1", "anna", 1, 1, protocol.hash)
    editor = ReadingEditor(scene, protocol, images, new)
    states = {entry.key.item: entry.state for entry in editor.entries()}
    assert states["fracture"] == ItemState.NOT_APPLICABLE
    editor.choose(ItemKey("fracture_present"), ["present"])
    (whole,) = [e.key for e in editor.entries() if e.key.item == "fracture" and e.key.subject.series == "pa"]
    instance = editor.add_instance(whole)
    node = editor.drawing.activate(instance).node
    node.SetCenter((-10.0, -5.0, 0.0))  # RAS: column and row of pixel centres 10 and 5
    node.SetSize((4.0, 6.0, 1.0))
    value = editor.value(instance)
    assert isinstance(value, BoxValue)
    assert value.center == pytest.approx((10.5, 5.5))
    assert value.size == pytest.approx((4.0, 6.0))
    assert any(e.key == ItemKey("bone", Subject(instance=1)) for e in editor.entries())
    contents = editor.snapshot().complete({})
    again = ReadingEditor(scene, protocol, images, contents.reading)
    assert again.snapshot().complete({}).reading == contents.reading


def test_absence_of_a_drawing(scene: Any, everything: Protocol, studies: Any, sessions: Any) -> None:
    case = sessions(studies(everything)).open_next()
    box = ItemKey("box")
    case.editor.declare(box, Presence.ABSENT)
    assert case.editor.value(box) == PresenceValue(Presence.ABSENT)
    case.editor.add_instance(box)
    assert case.editor.value(box) is None  # no longer absent


def test_view_window_and_jump(scene: Any, everything: Protocol, studies: Any, sessions: Any) -> None:
    for name in ("Red", "Yellow"):
        slice_node = slicer.vtkMRMLSliceNode()
        slice_node.SetLayoutName(name)
        scene.AddNode(slice_node)
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName(name)
        scene.AddNode(composite)
    scene.AddNode(slicer.vtkMRMLLayoutNode())
    case = sessions(studies(everything)).open_next()
    applied = case.show()
    assert applied.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert scene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement() == applied.layout
    display = case.images.node("ct").GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel(), display.GetInterpolate()) == (400.0, 40.0, 1)
    composite = scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    assert composite.GetBackgroundVolumeID() == case.images.node("ct").GetID()
    apply_window(case.images, "ct", next_window(everything, "soft"))
    assert display.GetWindowLevelMin() == -200.0
    jump_to(scene, case.images, Spot((1.0, 2.0, 3.0)))
    red = scene.GetFirstNodeByClass("vtkMRMLSliceNode")
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(3.0)
    other = replace(everything, view=replace(everything.view, layout="acquired"))
    apply_view(scene, case.images, other)
    matrix = red.GetSliceToRAS()
    assert [matrix.GetElement(row, 0) for row in range(3)] == pytest.approx([-1.0, 0.0, 0.0])
    assert [matrix.GetElement(row, 1) for row in range(3)] == pytest.approx([0.0, 1.0, 0.0])


@pytest.fixture
def color_logic(scene: Any) -> Iterator[Any]:
    """Makes the colour nodes that Slicer makes at its start."""
    logic = slicer.vtkMRMLColorLogic()
    logic.SetMRMLScene(scene)
    yield logic
    logic.SetMRMLScene(None)


def test_pet_is_fused_over_ct_in_hot_colors(scene: Any, color_logic: Any, everything: Protocol) -> None:
    still = replace(cine(1), voxels=cine(1).voxels[0], dimension=None, modality="CT")
    images = shown(scene, ct=still, pet=replace(still, modality="PT"))
    protocol = replace(everything, view=replace(everything.view, background="ct", foreground="pet", layout="four_up"))
    slice_node = slicer.vtkMRMLSliceNode()
    slice_node.SetLayoutName("Red")
    scene.AddNode(slice_node)
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceNode(slice_node)
    applied = apply_view(scene, images, protocol)
    composite = next(node for node in scene.GetNodesByClass("vtkMRMLSliceCompositeNode"))
    assert (applied.background, applied.foreground) == ("ct", "pet")
    assert composite.GetBackgroundVolumeID() == images.node("ct").GetID()
    assert composite.GetForegroundVolumeID() == images.node("pet").GetID()
    assert composite.GetForegroundOpacity() == OPACITY
    display = images.node("pet").GetDisplayNode()
    assert display.GetColorNode().GetName() == "PET-Heat"
    assert images.node("ct").GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
    composite.SetForegroundOpacity(0.3)  # by the reader
    apply_view(scene, images, protocol)
    assert composite.GetForegroundOpacity() == 0.3
    display.SetWindowLevelMinMax(2.0, 3.0)
    apply_view(scene, images, replace(protocol, view=replace(protocol.view, foreground=None)))
    assert composite.GetForegroundVolumeID() is None
    assert composite.GetForegroundOpacity() == 0.0
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 9.0)
    images.remove()


def test_mr_is_fused_in_grey(scene: Any, color_logic: Any, everything: Protocol) -> None:
    still = replace(cine(1), voxels=cine(1).voxels[0], dimension=None)
    images = shown(scene, t2=still, adc=still)
    apply_view(scene, images, replace(everything, view=replace(everything.view, background="t2", foreground="adc")))
    assert images.node("adc").GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
    images.remove()


@pytest.mark.parametrize(
    ("factor", "preset", "wanted"),
    [
        (0.001, "", DisplayRange(0.0, 7000.0, True)),
        (0.001, "suv", DisplayRange(0.0, 5000.0, True)),  # the preset is in SUV, the voxels are in Bq/ml
        (1.0, "suv", DisplayRange(0.0, 5.0, True)),
        (None, "suv", DisplayRange(0.0, 10.0, True)),  # without SUV by the voxels, from no activity on
        (None, "own", DisplayRange(0.0, 10.0)),
    ],
)
def test_windows_of_pet_are_in_suv(everything: Protocol, factor: float | None, preset: str, wanted: Any) -> None:
    voxels = np.linspace(0.0, 10.0, GRID.shape[0] * GRID.shape[1] * GRID.shape[2]).reshape(GRID.shape)
    scale = SuvScale(factor, "a test") if factor is not None else None
    series = replace(cine(1), voxels=voxels, dimension=None, modality="PT", suv=scale)
    presets = (*everything.windows, WindowPreset(id="suv", title="SUV 0 to 5", center=2.5, width=5.0, inverted=True))
    windows = display_ranges(replace(everything, windows=presets), series)
    found = windows[preset]
    assert (found.low, found.inverted) == (wanted.low, wanted.inverted)
    assert found.high == pytest.approx(wanted.high, rel=0.01)


def test_masking_by_the_protocol(scene: Any, everything: Protocol, studies: Any, sessions: Any) -> None:
    case = sessions(studies(everything)).open_next()
    case.editor.drawing.activate(ItemKey("organ"))
    rules = case.editor.drawing.activate(case.editor.add_instance(ItemKey("lesion"))).masking
    assert (rules.overwrite, rules.inside) == (Overwrite.NONE, "organ")
    node = slicer.vtkMRMLSegmentEditorNode()
    apply_masking(node, replace(rules, intensity=(50.0, float("inf"))), (-1000.0, 900.0))
    assert node.GetOverwriteMode() == node.OverwriteNone
    assert node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
    assert tuple(node.GetSourceVolumeIntensityMaskRange()) == (50.0, 900.0)


def test_read_outs(scene: Any, everything: Protocol, studies: Any, sessions: Any) -> None:
    study = studies(everything)
    case = sessions(study).open_next()
    lesion = case.editor.add_instance(ItemKey("lesion"))
    grid = case.images.grid("ct")
    voxels = np.zeros(grid.shape, bool)
    voxels[3:6, 10:20, 10:20] = True
    segment_painting.set_voxels(case.editor.segmentation_node, "lesion#1", Mask(voxels, grid))
    study.clock.go(1.0)
    case.tick()
    case.tick()
    found = {quantity.name: quantity for quantity in case.readouts[lesion].quantities}
    assert found["volume"].value == pytest.approx(300 * 1.6 / 1000)
    assert found["mean"].value == pytest.approx(case.images.volume("ct").voxels[voxels].mean())


def test_idle_rule(studies: Any, everything: Protocol) -> None:
    clock = studies(everything).clock
    recorder = ActivityRecorder(30.0, clock.utc)
    recorder.act("organ")
    for _ in range(3):
        clock.go(20)
        recorder.act()
    clock.go(31)  # idle
    recorder.act()
    clock.go(5)
    recorder.act("lesion")
    clock.go(7)
    recorder.act()
    assert [(a.item, (a.stop - a.start).seconds) for a in recorder.intervals()] == [
        ("organ", 60),
        ("organ", 5),
        ("lesion", 7),
    ]
