"""Readers side by side on a real scene, rendered: linked, each view with its own reader, and the heat map over all."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.review.depths import depth_image
from AnnotationQACore.review.heat_maps import differing_readers
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.segmentations import add_segmentation, segmentation_from_node
from AnnotationQALib.logic.volumes import add_volume, volume_from_node
from AnnotationQALib.review.case_review import RESULT, CaseReview
from AnnotationQALib.review.layouts import LAYOUT_ID, OVERLAID, add_layout, review_layout
from AnnotationQALib.review.surfaces import bounds_of

GRID = Grid((24, 64, 64), (2.0, 1.0, 1.0), (-30.0, -30.0, -20.0))
SEGMENTS = (Segment("liver", "Liver", 1, 0, (1.0, 0.0, 0.0)), Segment("cyst", "Cyst", 2, 0, (0.0, 1.0, 0.0)))
COLUMNS = {"anna": 40, "ben": 44, "cleo": 52}
"""Where each reader's liver ends."""


def reading(end: int, grid: Grid = GRID) -> Segmentation:
    layer = np.zeros((1, *grid.shape), np.uint8)
    layer[0, 4:20, 16:48, 16:end] = 1
    return Segmentation(layer, grid, SEGMENTS)


@pytest.fixture
def volume(scene: Any) -> Any:
    """A grey scan."""
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    scene.AddNode(slicer.vtkMRMLCrosshairNode())
    rows = np.linspace(0, 100, GRID.shape[1])[None, :, None] + np.zeros(GRID.shape)
    node = add_volume(scene, Volume(rows.astype(np.int16), GRID), "CT")
    display = node.GetDisplayNode()
    grey = slicer.vtkMRMLColorTableNode()
    grey.SetTypeToGrey()
    display.SetAndObserveColorNodeID(scene.AddNode(grey).GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(-50, 150)
    return node


@pytest.fixture
def review(scene: Any, volume: Any) -> Iterator[CaseReview]:
    """Three readers, blinded."""
    found = CaseReview(
        scene,
        {reader: reading(end) for reader, end in COLUMNS.items()},
        volume,
        {"anna": "Reader B", "ben": "Reader C", "cleo": "Reader A"},
    )
    yield found
    found.close()


Render = Callable[[CaseReview], dict[str, Any]]


@pytest.fixture
def render(application_logic: Any, rendered_views: Any) -> Iterator[Render]:
    """Opens a rendered view for each pane; by the tag of the pane."""
    opened: list[Any] = []

    def open_all(review: CaseReview) -> dict[str, Any]:
        assert review.views is not None
        found = {}
        for pane in review.views.layout.panes:
            kind = rendered_views.RenderedSlice if pane.is_slice else rendered_views.RenderedThreeD
            found[pane.tag] = kind(application_logic, review.views.node(pane))
            opened.append(found[pane.tag])
        for node in review.views.slice_nodes():
            node.SetFieldOfView(80.0, 80.0, 1.0)
        return found

    yield open_all
    for view in opened:
        view.close()


def red(image: np.ndarray) -> np.ndarray:
    """Pixels in which red stands out."""
    return image[..., 0].astype(int) > image[..., 1].astype(int) + 40


def keep(rendered_views: Any, images: list[np.ndarray], name: str) -> None:
    """Write pictures for people who wish to look: ANNOTATIONQA_TEST_PICTURES names the folder."""
    folder = os.environ.get("ANNOTATIONQA_TEST_PICTURES")
    if folder:
        rendered_views.save_side_by_side(images, Path(folder) / name)


def test_each_view_shows_its_own_reader_only(review: CaseReview, render: Render, rendered_views: Any) -> None:
    layout = review.open_views(with_result=False)
    views = render(review)
    review.set_style("fills")
    review.views.center(GRID.to_world((12, 32, 32)))
    images = [views[pane.tag].image() for pane in layout.panes]
    keep(rendered_views, images, "three_readers.png")
    pixels_per_voxel = (300 / 80) ** 2
    for pane, image in zip(layout.panes, images, strict=True):
        expected = 32 * (COLUMNS[pane.source] - 16) * pixels_per_voxel
        assert red(image).sum() == pytest.approx(expected, rel=0.03), pane.source
    corner = images[0][150, 250]
    assert 50 < corner[0] < 250, "the scan is seen behind the segmentations"
    assert corner[0] == corner[1] == corner[2]


def test_outlines_draw_less_than_fills(review: CaseReview, render: Render) -> None:
    layout = review.open_views(with_result=False)
    views = render(review)
    review.views.center(GRID.to_world((12, 32, 32)))
    counts = {}
    for style in ("fills", "outlines"):
        review.set_style(style)
        counts[style] = red(views[layout.panes[0].tag].image()).sum()
    assert 0 < counts["outlines"] < counts["fills"] / 4


def test_all_views_show_the_same_place(review: CaseReview, render: Render) -> None:
    review.open_views(planes=3)
    render(review)
    stop = review.next()
    assert stop.kind is Kind.BOUNDARY
    x, y, z = stop.position
    for orientation, expected in (("Axial", (2, z)), ("Coronal", (1, -y)), ("Sagittal", (0, -x))):
        nodes = [review.views.node(p) for p in review.views.layout.panes if p.orientation == orientation]
        assert len(nodes) == 4
        assert len({node.GetSliceOffset() for node in nodes}) == 1
        axis, where = expected
        assert {round(node.GetSliceToRAS().GetElement(axis, 3), 6) for node in nodes} == {round(where, 6)}
        assert len({node.GetFieldOfView() for node in nodes}) == 1
    crosshair = review.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    assert crosshair.GetCrosshairRAS() == pytest.approx((-x, -y, z))


def test_what_is_done_in_one_view_is_done_in_all_by_slicers_link(
    review: CaseReview, render: Render, application_logic: Any
) -> None:
    layout = review.open_views()
    views = render(review)
    review.views.center(GRID.to_world((12, 32, 32)))
    first = review.views.node(layout.panes[0])
    logic = views[layout.panes[0].tag].logic
    logic.StartSliceNodeInteraction(first.SliceToRASFlag)
    first.SetSliceOffset(first.GetSliceOffset() + 6.0)
    logic.EndSliceNodeInteraction()
    logic.StartSliceNodeInteraction(first.FieldOfViewFlag)
    first.SetFieldOfView(40.0, 40.0, 1.0)
    logic.EndSliceNodeInteraction()
    for node in review.views.slice_nodes():
        assert node.GetSliceOffset() == pytest.approx(GRID.to_world((12, 32, 32))[2] + 6.0)
        assert node.GetFieldOfView()[:2] == pytest.approx((40.0, 40.0))


def test_heat_map_voxels_equal_numpy_and_lie_over_every_view(
    review: CaseReview, render: Render, rendered_views: Any
) -> None:
    layout = review.open_views(with_result=False)
    views = render(review)
    review.set_style("outlines")
    review.views.center(GRID.to_world((12, 32, 32)))
    before = [views[pane.tag].image() for pane in layout.panes]
    stack = np.stack([reading(end).layers[0] for end in COLUMNS.values()])
    for kind in ("readers", "distance"):
        node = review.show_heat_map(kind)
        found = volume_from_node(node)
        assert not found.grid.differences(GRID)
        if kind == "readers":
            ones = (stack == 1).sum(axis=0)
            np.testing.assert_array_equal(found.voxels, np.minimum(ones, 3 - ones))
            np.testing.assert_array_equal(found.voxels, differing_readers(review.disagreements))
        else:
            i = np.arange(64)
            expected = np.where((i >= 40) & (i < 52), i - 39.0, 0.0)
            np.testing.assert_allclose(found.voxels[12, 32], expected)
            np.testing.assert_array_equal(found.voxels, depth_image(review.disagreements))
        assert {c.GetForegroundVolumeID() for c in review.views.composite_nodes()} == {node.GetID()}
        images = [views[pane.tag].image() for pane in layout.panes]
        keep(rendered_views, images, f"heat_map_{kind}.png")
        for image, was in zip(images, before, strict=True):
            changed = np.any(image.astype(int) != was, axis=2)
            assert changed.sum() == pytest.approx(32 * 12 * (300 / 80) ** 2, rel=0.12)
    review.show_heat_map(None)
    np.testing.assert_array_equal(views[layout.panes[0].tag].image(), before[0])


def test_taking_regions_fills_the_view_of_the_result(review: CaseReview, render: Render, rendered_views: Any) -> None:
    layout = review.open_views()
    views = render(review)
    review.set_style("fills")
    review.views.center(GRID.to_world((12, 32, 32)))
    review.next()
    for _ in range(len(review.walk)):
        review.take_region("cleo")
        review.next()
    result = segmentation_from_node(review.result_node, GRID)
    np.testing.assert_array_equal(result.mask("liver").voxels, reading(52).mask("liver").voxels)
    images = [views[pane.tag].image() for pane in layout.panes]
    keep(rendered_views, images, "with_result.png")
    by_source = {pane.source: red(image).sum() for pane, image in zip(layout.panes, images, strict=True)}
    assert by_source[RESULT] == pytest.approx(by_source["cleo"], rel=0.01)
    review.show_consensus("majority")
    assert red(views[layout.panes[-1].tag].image()).sum() == pytest.approx(by_source["ben"], rel=0.01)
    np.testing.assert_array_equal(review.painting.layers, reading(52).layers)  # showing decides nothing


def test_two_time_points_stand_side_by_side(review: CaseReview, scene: Any, volume: Any, render: Render) -> None:
    layout = review.open_views(with_result=False)
    later = add_volume(scene, Volume(np.full(GRID.shape, 150, np.int16), GRID), "later")
    later.GetDisplayNode().SetAndObserveColorNodeID(volume.GetDisplayNode().GetColorNodeID())
    later.GetDisplayNode().SetAutoWindowLevel(False)
    later.GetDisplayNode().SetWindowLevelMinMax(-50, 150)
    views = render(review)
    review.views.show_volumes({"ben": later})
    review.views.center(GRID.to_world((12, 32, 32)))
    seen = {pane.source: views[pane.tag].image()[150, 250, 0] for pane in layout.panes}
    assert seen["ben"] == 255
    assert seen["anna"] == seen["cleo"] < 200
    assert len({node.GetSliceOffset() for node in review.views.slice_nodes()}) == 1


def test_readings_stay_as_they_are_and_a_copy_is_explicit(review: CaseReview) -> None:
    review.open_views()
    review.next()
    review.take_region("cleo")
    for reader, node in review.reading_nodes.items():
        found = segmentation_from_node(node, GRID)
        np.testing.assert_array_equal(found.mask("liver").voxels, reading(COLUMNS[reader]).mask("liver").voxels)
        assert node.GetHideFromEditors()
        assert not node.GetSelectable()
    copy = review.copy_to_mine("anna")
    assert copy.GetName() == "Copy of Reader B"
    assert not copy.GetHideFromEditors()
    assert copy.GetID() not in {node.GetID() for node in review.reading_nodes.values()}


def test_names_in_the_views_are_blinded(review: CaseReview) -> None:
    layout = review.open_views()
    assert [pane.label for pane in layout.panes] == ["Reader B", "Reader C", "Reader A", "Result"]
    assert {node.GetName() for node in review.reading_nodes.values()} == {"Reader A", "Reader B", "Reader C"}
    assert "anna" not in layout.xml()
    assert set(review.next().who) == {"Reader A", "Reader B", "Reader C"}


def test_three_dimensions_overlaid_with_transparency(review: CaseReview, render: Render, rendered_views: Any) -> None:
    layout = review.open_views(with_result=False, three_d="overlaid")
    views = render(review)
    overlay = next(pane for pane in layout.panes if pane.source == OVERLAID)
    for node in review.reading_nodes.values():
        display = node.GetDisplayNode()
        assert display.GetOpacity3D() < 1.0
        assert review.views.node(overlay).GetID() in display.GetViewNodeIDs()
    view = views[overlay.tag]
    view.renderer.ResetCamera()
    image = view.image()
    keep(rendered_views, [image], "overlaid_3d.png")
    assert red(image).sum() > 500


def test_cameras_of_the_3d_views_go_with_them(scene: Any, review: CaseReview) -> None:
    """Slicer makes one for each 3D view when it is shown, and leaves it in the scene."""

    def cameras() -> set[str]:
        count = scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")
        return {scene.GetNthNodeByClass(number, "vtkMRMLCameraNode").GetLayoutName() for number in range(count)}

    add_camera(scene, "1")
    layout = review.open_views(three_d="each")
    for pane in layout.panes:
        if not pane.is_slice:
            add_camera(scene, pane.tag)
    assert len(cameras()) == 5
    review.open_views(three_d="none")
    assert cameras() == {"1"}, "that of the user's own view"


def add_camera(scene: Any, layout_name: str) -> Any:
    """What Slicer adds when it shows a 3D view: it looks at the origin from half a metre away."""
    camera = scene.AddNewNodeByClass("vtkMRMLCameraNode")
    camera.SetLayoutName(layout_name)
    return camera


def sees(camera: Any, box: tuple[float, ...]) -> bool:
    """Whether a camera stands in front of a box and has all of it in its view."""
    low, high = np.array(box[::2]), np.array(box[1::2])
    focus, position = np.array(camera.GetFocalPoint()), np.array(camera.GetPosition())
    away = position - focus
    angle = np.radians(camera.GetViewAngle()) / 2
    return bool(
        (focus >= low).all()
        and (focus <= high).all()
        and abs(away[0]) < 1e-6 < away[1]
        and abs(away[2]) < 1e-6
        and camera.GetViewUp() == (0.0, 0.0, 1.0)
        and 0.9 < away[1] * np.sin(angle) / (np.linalg.norm(high - low) / 2) < 1.2
    )


FAR = Grid(GRID.shape, GRID.spacing, (150.0, -900.0, 1200.0))
"""As scanners have it, whose origin is at the table."""


def box_of_reading(end: int) -> tuple[float, ...]:
    """R, A and S of what `reading` draws on `FAR`."""
    low, high = np.array(FAR.to_world((4, 16, 16))), np.array(FAR.to_world((19, 47, end - 1)))
    return (-high[0], -low[0], -high[1], -low[1], low[2], high[2])


@pytest.mark.parametrize("three_d", ["each", "overlaid"])
def test_3d_views_look_at_what_was_drawn(scene: Any, volume: Any, three_d: Any) -> None:
    ours = add_camera(scene, "1")
    before = ours.GetPosition()
    far = add_volume(scene, Volume(volume_from_node(volume).voxels, FAR), "far")
    review = CaseReview(scene, {reader: reading(end, FAR) for reader, end in COLUMNS.items()}, far, {})
    review.frame()
    layout = review.open_views(three_d=three_d)
    cameras = [add_camera(scene, pane.tag) for pane in layout.panes if not pane.is_slice]
    widest = box_of_reading(max(COLUMNS.values()))
    assert cameras
    assert not any(sees(camera, widest) for camera in cameras)
    review.frame()
    assert all(sees(camera, widest) for camera in cameras)
    assert len({camera.GetPosition() for camera in cameras}) == 1, "all show the same part of the patient"
    assert ours.GetPosition() == before, "that of the user's own view"


@pytest.mark.parametrize("segments", [SEGMENTS, ()])
def test_nothing_drawn_leaves_the_3d_views_alone(scene: Any, volume: Any, segments: Any) -> None:
    empty = Segmentation(np.zeros((1 if segments else 0, *GRID.shape), np.uint8), GRID, segments)
    review = CaseReview(scene, {"anna": empty, "ben": empty}, volume, {})
    layout = review.open_views(three_d="each")
    (camera, *_) = [add_camera(scene, pane.tag) for pane in layout.panes if not pane.is_slice]
    before = camera.GetPosition()
    review.frame()
    assert camera.GetPosition() == before


def test_drawn_as_surfaces_only_is_seen_as_well(scene: Any) -> None:
    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(100.0, 200.0, 300.0)
    sphere.Update()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    segment = slicer.vtkSegment()
    segment.AddRepresentation("Closed surface", sphere.GetOutput())
    node.GetSegmentation().AddSegment(segment, "ball")
    found = bounds_of(node)
    assert found == pytest.approx(sphere.GetOutput().GetBounds())


@pytest.mark.parametrize("readers", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("planes", [1, 3])
def test_layouts_are_taken_by_slicer(scene: Any, readers: int, planes: Any) -> None:
    sources = {f"r{n}": f"Reader <{n}> & co" for n in range(readers)} | {RESULT: "Result"}
    layout = review_layout(sources, planes, "each")
    assert len(layout.panes) == (readers + 1) * (planes + 1)
    assert len({pane.tag for pane in layout.panes}) == len(layout.panes)
    root = ET.fromstring(layout.xml())
    tags = [view.get("singletontag") for view in root.iter("view")]
    assert tags == [pane.tag for pane in layout.panes]
    assert max(len(row) for row in layout.rows) <= 2 * max(planes + 1, 3)
    node = scene.AddNode(slicer.vtkMRMLLayoutNode())
    for _ in range(2):  # the second time the description is replaced
        assert add_layout(node, layout) == LAYOUT_ID
        assert node.GetViewArrangement() == LAYOUT_ID
        assert node.GetCurrentLayoutDescription() == layout.xml()


def test_of_more_than_six_readings_six_are_shown_and_all_count(scene: Any, volume: Any) -> None:
    review = CaseReview(scene, {f"r{n}": reading(40 + n) for n in range(8)}, volume)
    layout = review.open_views()
    assert [pane.source for pane in layout.panes] == [*(f"r{n}" for n in range(6)), RESULT]
    assert any("8 readings: 6 are shown" in message and "r6, r7" in message for message in review.messages)
    assert set(review.walk.next().who) == {f"r{n}" for n in range(8)}
    review.choose(["r7", "r0"])
    layout = review.open_views()
    assert [pane.source for pane in layout.panes] == ["r0", "r7", RESULT]
    shown = {reader for reader, node in review.reading_nodes.items() if node.GetDisplayVisibility()}
    assert shown == {"r0", "r7"}
    with pytest.raises(InputError, match="7 readings are chosen; choose one to 6"):
        review.choose([f"r{n}" for n in range(7)])
    with pytest.raises(InputError, match="no reading by 'nobody'"):
        review.choose(["nobody"])
    review.close()


def test_no_readings_and_too_many_views(scene: Any, volume: Any) -> None:
    with pytest.raises(InputError, match="no reading"):
        CaseReview(scene, {}, volume)
    with pytest.raises(InputError, match="8 readings"):
        review_layout({f"r{n}": "" for n in range(8)})


def test_one_reading_is_shown_and_says_that_it_is_alone(scene: Any, volume: Any) -> None:
    review = CaseReview(scene, {"anna": reading(40)}, volume)
    review.open_views()
    assert review.next() is None
    assert any("only reading" in message for message in review.messages)
    with pytest.raises(InputError, match="two readings or more"):
        review.show_consensus("staple")
    with pytest.raises(InputError, match="go to a region first"):
        review.take_region("anna")
    review.close()


def test_loose_nodes_are_compared_without_a_project_and_given_back(scene: Any, volume: Any) -> None:
    nodes = [add_segmentation(scene, reading(end), "drawing") for end in (40, 46)]
    nodes[0].GetDisplayNode().SetOpacity3D(0.8)
    count = scene.GetNumberOfNodes()
    review = CaseReview.of_nodes(scene, volume, nodes)
    assert list(review.names) == ["drawing", "drawing (2)"]
    assert list(review.reading_nodes.values()) == nodes
    review.open_views(three_d="overlaid")
    review.show_heat_map("readers")
    stop = review.next()
    assert stop.volume_mm3 == 16 * 32 * 6 * 2.0
    assert not review.walk.disagreements.labels.messages
    review.close()
    assert nodes[0].GetDisplayNode().GetOpacity3D() == 0.8
    assert not nodes[0].GetDisplayNode().GetViewNodeIDs()
    left = [scene.GetNthNode(n).GetName() for n in range(count, scene.GetNumberOfNodes())]
    assert left == ["Disagreement"], left  # the colour table, which is kept for the next review


def test_loose_nodes_on_another_grid_are_resampled_and_it_is_said(scene: Any, volume: Any) -> None:
    fine = Grid((48, 64, 64), (1.0, 1.0, 1.0), (-30.0, -30.0, -20.5))
    layer = np.zeros((1, *fine.shape), np.uint8)
    layer[0, 8:40, 16:48, 16:40] = 1
    nodes = [
        add_segmentation(scene, reading(40), "a"),
        add_segmentation(scene, Segmentation(layer, fine, SEGMENTS), "b"),
    ]
    review = CaseReview.of_nodes(scene, volume, nodes)
    assert review.labels.grid == GRID or not review.labels.grid.differences(GRID)
    assert any(message.startswith("b: was drawn on another grid") for message in review.messages)
    assert len(review.walk) == 0
    review.close()


def test_an_empty_node_is_a_reader_who_drew_nothing(scene: Any, volume: Any) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "nobody")
    review = CaseReview.of_nodes(scene, volume, [add_segmentation(scene, reading(40), "a"), empty])
    review.open_views()
    assert any(message.startswith("nobody: drew nothing") for message in review.messages)
    assert review.next().kind is Kind.MISSED_STRUCTURE
    review.close()
