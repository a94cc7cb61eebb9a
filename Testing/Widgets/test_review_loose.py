"""Segmentations of the scene are compared without a project: what a new user tries first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import qt
import review_studies as studies
import slicer
import vtk
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest

from AnnotationQACore.geometry import Grid
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.segmentations import add_segmentation, segmentation_from_node
from AnnotationQALib.logic.volumes import add_volume
from AnnotationQALib.review.case_review import RESULT
from AnnotationQALib.review.example import EXAMPLE_READERS, GRID, add_example
from AnnotationQALib.review.layouts import LAYOUT_ID, OVERLAID
from pythonqt.application import process
from pythonqt.wrapping import native_of


@pytest.fixture
def panel(scene: Any) -> Any:
    made = studies.make_panel()
    yield made
    made.cleanup()


def reading(end: int, grid: Grid) -> Segmentation:
    layer = np.zeros((1, *grid.shape), np.uint8)
    layer[0, 2:8, 4:16, 4:end] = 1
    return Segmentation(layer, grid, (Segment("liver", "Liver", 1),))


SMALL = Grid((10, 24, 24), (2.0, 1.0, 1.0))


def test_one_click_leads_from_segmentations_to_linked_views(panel: Any, scene: Any) -> None:
    assert not panel.compare.ui.compareNowButton.enabled
    assert "Sample Data" in panel.compare.ui.compareNowButton.toolTip
    volume, nodes = studies.compare_example(panel)
    review = panel.desk.review
    assert [pane.source for pane in review.views.layout.panes] == [*EXAMPLE_READERS, RESULT]
    assert scene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement() == LAYOUT_ID
    assert {node.GetBackgroundVolumeID() for node in review.views.composite_nodes()} == {volume.GetID()}
    for reader, node in zip(EXAMPLE_READERS, nodes, strict=True):
        assert set(node.GetDisplayNode().GetViewNodeIDs()) == set(review.views.view_ids(reader))
    kinds = set(studies.texts(panel.desk.walk.ui.walkTable))
    assert {
        "Laterality swap", "Missed structure", "Extra structure", "Boundary", "Slice extent at the ends"
    } <= kinds  # fmt: skip
    assert panel.desk.walk.ui.placeLabel.text.startswith("1 of ")  # it stands at the first at once
    stop = review.walk.current
    _x, _y, z = stop.position
    assert {round(node.GetSliceOffset(), 6) for node in review.views.slice_nodes()} == {round(z, 6)}
    assert not panel.ui.compareButton.visible
    assert not panel.desk.ui.tabs.isTabVisible(2), "nothing to send back without a project"


def test_the_images_on_which_it_was_drawn_are_chosen(panel: Any, scene: Any) -> None:
    add_volume(scene, Volume(np.zeros(SMALL.shape, np.int16), SMALL), "other")
    volume, _ = studies.compare_example(panel)
    assert panel.desk.review.volume.GetID() == volume.GetID()


def test_unticked_segmentations_are_left_out_and_one_is_too_few(panel: Any, scene: Any) -> None:
    for name in "abc":
        add_segmentation(scene, reading(12, SMALL), name)
    studies.settle(panel)
    listed = panel.compare.ui.segmentationList
    assert panel.compare.ui.compareNowButton.text == "Compare 3"
    for row in (0, 1):
        listed.item(row).setCheckState(qt.Qt.Unchecked)
    assert not panel.compare.ui.compareNowButton.enabled
    assert panel.compare.ui.compareNowButton.toolTip == "Tick two or more segmentations."
    listed.item(0).setCheckState(qt.Qt.Checked)
    add_segmentation(scene, reading(12, SMALL), "d")  # the list is made anew, and what was unticked stays so
    studies.settle(panel)
    assert [node.GetName() for node in panel.compare.ticked] == ["a", "c", "d"]


def test_next_and_previous_by_key_centre_all_views(panel: Any) -> None:
    studies.compare_example(panel)
    window = native_of(panel.widget)
    window.activateWindow()
    process(lambda: window.isActiveWindow())
    review = panel.desk.review
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert review.walk.place == 1
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert review.walk.place == len(review.walk) - 1
    offsets = {round(node.GetSliceOffset(), 6) for node in review.views.slice_nodes()}
    assert offsets == {round(review.walk.current.position[2], 6)}
    panel.exit()
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert review.walk.place == len(review.walk) - 1, "the key is free when another module is shown"


def test_walk_rows_tell_what_where_and_how_much(panel: Any) -> None:
    studies.compare_example(panel)
    table = panel.desk.walk.ui.walkTable
    review = panel.desk.review
    volumes = [review.walk[place].volume_mm3 for place in range(len(review.walk))]
    assert volumes == sorted(volumes, reverse=True)
    assert "…" not in studies.texts(table, 3), "all distances are measured"
    studies.choose(panel.desk.walk.ui.orderCombo, "distance")
    distances = [review.walk[place].distance_mm for place in range(len(review.walk))]
    assert distances == sorted(distances, reverse=True)
    studies.choose(panel.desk.walk.ui.kindCombo, Kind.LATERALITY_SWAP.value)
    assert set(studies.texts(table)) == {"Laterality swap"}
    assert "kidney" in studies.texts(table, 1)[0]
    table.selectRow(0)
    said = dict(
        zip(studies.texts(panel.desk.walk.ui.whoTable), studies.texts(panel.desk.walk.ui.whoTable, 1), strict=False)
    )
    assert said["Reader Anna"].split(" kidney")[0] != said["Reader Cleo"].split(" kidney")[0]
    panel.desk.walk.ui.minimumSpin.value = 1_000_000
    assert panel.desk.walk.ui.placeLabel.text == "No differences here"
    assert not panel.desk.walk.ui.nextButton.enabled


def test_taking_region_by_region_and_everything_from_one_reader(panel: Any) -> None:
    studies.compare_example(panel)
    desk = panel.desk
    desk.walk._buttons["Reader Ben"].click()
    assert studies.texts(desk.walk.ui.walkTable, 4)[0] == "Reader Ben"
    assert studies.texts(desk.walk.ui.whoTable)[1].startswith("✓")
    desk.walk.next()
    studies.choose(desk.walk._consensus, "consensus:staple")
    desk.walk.take_consensus()
    assert studies.texts(desk.walk.ui.walkTable, 4)[1] == "STAPLE"
    for place in range(len(desk.review.walk)):
        desk.go_to(place)
        desk.walk.take_reader(0)
    result = segmentation_from_node(desk.review.result_node, GRID)
    for segment in ("liver", "kidney_left", "lesion"):
        expected = desk.review.labels.mask("Reader Anna", segment)
        np.testing.assert_array_equal(result.mask(segment).voxels, expected)
    assert all("region by region" in text for text in studies.texts(desk.items.ui.itemsTable, 2))
    desk.ui.tabs.currentIndex = 4
    assert desk.signing.view.ui.openLabel.text == "Everything is decided."
    assert not desk.signing.view.ui.signButton.visible
    desk.signing.view.ui.copyResultButton.click()
    panel.opener.close()
    kept = slicer.mrmlScene.GetFirstNodeByName("Result of the review")
    assert kept.GetSegmentation().GetNumberOfSegments() == 5


def test_methods_of_consensus_stand_next_to_each_other(panel: Any) -> None:
    studies.compare_example(panel)
    desk = panel.desk
    desk.ui.tabs.currentIndex = 1
    studies.settle(panel)
    table = desk.items.ui.consensusTable
    assert [text for text in studies.texts(table) if text] == ["Majority", "STAPLE", "SIMPLE", "Shape-based average"]
    assert studies.texts(table, 1)[:3] == list(EXAMPLE_READERS)
    found = desk.on_desk.work.choice("staple").of("liver")
    row = studies.texts(table).index("STAPLE")
    assert table.item(row, 3).text() == f"{found[0].sensitivity:.3f}"
    assert "estimated by STAPLE" in desk.items.ui.consensusLabel.text
    table.selectRow(row)
    desk.items.ui.showConsensusButton.click()
    shown = segmentation_from_node(desk.review.result_node, GRID).mask("liver").voxels
    expected = desk.review.consensus.segmentation("staple").mask("liver").voxels
    np.testing.assert_array_equal(shown, expected)
    assert desk.on_desk.deciding.open_regions == len(desk.review.walk), "showing decides nothing"
    desk.items.ui.tableButton.click()
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLTableNode")
    assert node.GetTable().GetNumberOfRows() == 4 * 5 * 3


def test_a_copy_is_edited_in_the_segment_editor_and_taken(panel: Any) -> None:
    studies.compare_example(panel)
    desk = panel.desk
    desk.ui.tabs.currentIndex = 1
    items = desk.items.ui
    items.itemsTable.selectRow(studies.texts(items.itemsTable, 1).index("Lesion"))
    studies.choose(items.sourceCombo, "Reader Anna")
    items.editButton.click()
    editor = desk.editing.host.editor
    assert editor.currentSegmentID() == "lesion"
    assert editor.segmentationNode().GetID() == desk.review.result_node.GetID()
    assert editor.sourceVolumeNode().GetID() == desk.review.volume.GetID()
    assert not items.acceptButton.enabled
    from AnnotationQACore.segmentation import Mask
    from AnnotationQALib.logic.segment_painting import set_voxels

    drawn = desk.review.labels.mask("Reader Anna", "lesion").copy()
    drawn[38, 100:104, 150:154] = True
    set_voxels(desk.review.result_node, "lesion", Mask(drawn, GRID))
    items.takeEditButton.click()
    np.testing.assert_array_equal(desk.review.painting.segmentation.mask("lesion").voxels, drawn)
    assert studies.texts(items.itemsTable, 2)[studies.texts(items.itemsTable, 1).index("Lesion")] == "edited"
    np.testing.assert_array_equal(
        segmentation_from_node(desk.review.reading_nodes["Reader Anna"], GRID).mask("lesion").voxels,
        desk.review.labels.mask("Reader Anna", "lesion"),
    )
    assert not desk.items.ui.editFrame.visible
    items.editButton.click()
    items.discardEditButton.click()
    np.testing.assert_array_equal(desk.review.painting.segmentation.mask("lesion").voxels, drawn)


@vtk.calldata_type(vtk.VTK_OBJECT)
def add_its_camera(scene: Any, _event: str, node: Any) -> None:
    """As vtkMRMLCameraDisplayableManager does for every 3D view that the layout manager shows a node in."""
    if node.IsA("vtkMRMLViewNode"):
        scene.AddNewNodeByClass("vtkMRMLCameraNode").SetLayoutName(node.GetLayoutName())


def test_planes_three_d_styles_heat_maps_and_crosshair(panel: Any, scene: Any) -> None:
    studies.compare_example(panel)
    display, review = panel.desk.views.display.ui, panel.desk.review
    place = review.walk.place
    studies.choose(display.planesCombo, "3")
    assert len(review.views.layout.panes) == 12
    assert review.walk.place == place
    studies.choose(display.planesCombo, "Coronal")
    assert {pane.orientation for pane in review.views.layout.panes} == {"Coronal"}
    scene.AddObserver(scene.NodeAddedEvent, add_its_camera)
    studies.choose(display.threeDCombo, "overlaid")
    assert review.views.layout.panes[-1].source == OVERLAID
    studies.choose(display.threeDCombo, "each")
    in_3d = [review.views.node(pane) for pane in review.views.layout.panes if not pane.is_slice]
    assert len(in_3d) == 4
    cameras = [slicer.vtkMRMLViewLogic.GetCameraNode(scene, node.GetLayoutName()) for node in in_3d]
    seen = {camera.GetFocalPoint() for camera in cameras}
    assert len(seen) == 1
    assert (0.0, 0.0, 0.0) not in seen, "all look at the readings, none at the origin"
    studies.choose(display.styleCombo, "fills")
    first = review.reading_nodes["Reader Anna"].GetDisplayNode()
    assert first.GetVisibility2DFill()
    assert not first.GetVisibility2DOutline()
    for kind in ("readers", "distance"):
        panel.desk.next_heat_map()
        studies.settle(panel)
        overlay = {node.GetForegroundVolumeID() for node in review.views.composite_nodes()}
        assert len(overlay) == 1
        assert scene.GetNodeByID(overlay.pop()).GetAttribute("AnnotationQA.HeatMap") == kind
    display.opacitySlider.value = 25
    assert {node.GetForegroundOpacity() for node in review.views.composite_nodes()} == {0.25}
    panel.desk.next_heat_map()
    assert {node.GetForegroundVolumeID() for node in review.views.composite_nodes()} == {None}
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    assert crosshair.GetCrosshairMode() == crosshair.ShowBasic
    display.crosshairCheck.checked = False
    assert crosshair.GetCrosshairMode() == crosshair.NoCrosshair
    display.resultCheck.checked = False
    assert RESULT not in {pane.source for pane in review.views.layout.panes}
    panel.desk.toggle_close_up()
    width = review.views.slice_nodes()[0].GetFieldOfView()[0]
    panel.desk.toggle_close_up()
    assert width < GRID.shape[2] * GRID.spacing[2]


def test_closing_gives_the_scene_and_the_layout_back(panel: Any, scene: Any) -> None:
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    _, nodes = studies.compare_example(panel)
    panel.desk.ui.closeButton.click()
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
    assert not nodes[0].GetDisplayNode().GetViewNodeIDs()
    assert [node.GetID() for node in panel.compare.ticked] == [node.GetID() for node in nodes]
    assert panel.ui.compareButton.visible
    names = {scene.GetNthNode(n).GetName() for n in range(scene.GetNumberOfNodes())}
    assert not any(name and name.startswith("Review") for name in names)


def test_closing_the_scene_closes_the_review(panel: Any, scene: Any) -> None:
    studies.compare_example(panel)
    panel.scene_closes()
    scene.Clear(False)
    studies.settle(panel)
    assert not panel.desk.is_open
    assert "scene was closed" in panel.ui.messageLabel.text


def test_copy_to_mine_is_explicit(panel: Any, scene: Any) -> None:
    studies.compare_example(panel)
    items = panel.desk.items.ui
    studies.choose(items.sourceCombo, "Reader Cleo")
    items.copyButton.click()
    assert scene.GetFirstNodeByName("Copy of Reader Cleo") is not None
    studies.choose(items.sourceCombo, "consensus:majority")
    panel.desk.items._enable()
    assert not items.copyButton.enabled


def test_time_points_stand_over_their_own_images(panel: Any, scene: Any) -> None:
    volumes = [add_volume(scene, Volume(np.zeros(SMALL.shape, np.int16), SMALL), f"CT {n}") for n in (1, 2)]
    for number, volume in enumerate(volumes):
        node = add_segmentation(scene, reading(12 + number, SMALL), f"time {number}")
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    studies.settle(panel)
    panel.compare.ui.ownImagesCheck.checked = True
    assert not panel.compare.ui.volumeRow.visible
    panel.compare.ui.compareNowButton.click()
    views = panel.desk.on_desk.time_points.views
    shown = [node.GetBackgroundVolumeID() for node in views.composite_nodes()]
    assert shown == [volume.GetID() for volume in volumes]
    assert {node.GetLinkedControl() for node in views.composite_nodes()} == {1}
    assert not panel.desk.ui.tabs.visible
    studies.choose(panel.desk.views.display.ui.planesCombo, "3")
    assert len(views.layout.panes) < len(panel.desk.on_desk.time_points.views.layout.panes) == 6
    panel.desk.ui.closeButton.click()
    assert panel.desk.on_desk.time_points is None


# awkward input


def test_a_reader_on_another_grid_is_resampled_and_named(panel: Any, scene: Any) -> None:
    fine = Grid((20, 24, 24), (1.0, 1.0, 1.0), (0.0, 0.0, -0.5))
    add_volume(scene, Volume(np.zeros(SMALL.shape, np.int16), SMALL), "CT")
    add_segmentation(scene, reading(12, SMALL), "coarse")
    add_segmentation(scene, reading(14, fine), "fine")
    studies.settle(panel)
    panel.compare.ui.compareNowButton.click()
    studies.settle(panel)
    assert "fine: was drawn on another grid" in panel.desk.ui.noticesLabel.text
    assert len(panel.desk.review.walk) > 0


def test_an_empty_and_a_partial_reading_are_told(panel: Any, scene: Any) -> None:
    add_volume(scene, Volume(np.zeros(SMALL.shape, np.int16), SMALL), "CT")
    both = reading(12, SMALL)
    layers = both.layers.copy()
    layers[0, 2:4, 18:22, 18:22] = 2
    segments = (Segment("liver", "Liver", 1), Segment("cyst", "Cyst", 2))
    add_segmentation(scene, Segmentation(layers, SMALL, segments), "a")
    add_segmentation(scene, both, "b")
    scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "nobody")
    studies.settle(panel)
    panel.compare.ui.compareNowButton.click()
    studies.settle(panel)
    notices = panel.desk.ui.noticesLabel.text
    assert "nobody: drew nothing" in notices
    assert "b: " in notices
    kinds = studies.texts(panel.desk.walk.ui.walkTable)
    assert "Missed structure" in kinds
    assert "Extra structure" in kinds


def test_eight_segmentations_show_six_and_others_by_choice(panel: Any, scene: Any) -> None:
    add_volume(scene, Volume(np.zeros(SMALL.shape, np.int16), SMALL), "CT")
    for number in range(8):
        add_segmentation(scene, reading(10 + number, SMALL), f"r{number}")
    studies.settle(panel)
    panel.compare.ui.compareNowButton.click()
    studies.settle(panel)
    desk = panel.desk
    assert desk.views.display.ui.readersButton.text == "Readers 6/8"
    assert "8 readings: 6 are shown" in desk.ui.noticesLabel.text
    assert len(desk.review.views.layout.panes) == 7
    desk.views.display._readers["r7"].setChecked(True)
    assert not desk.views.display._readers["r7"].checked, "a seventh is not shown before another is taken away"
    desk.views.display._readers["r0"].setChecked(False)
    desk.views.display._readers["r7"].setChecked(True)
    assert [pane.source for pane in desk.review.views.layout.panes][:-1] == [f"r{n}" for n in (1, 2, 3, 4, 5, 7)]
    assert desk.walk.ui.whoTable.rowCount == 9, "all count in the walk"
    assert not slicer.util.getNode("r0").GetDisplayVisibility()


def test_segmentations_without_images_are_fitted_into_the_views(panel: Any, scene: Any) -> None:
    for name in "ab":
        add_segmentation(scene, reading(12 if name == "a" else 14, SMALL), name)
    studies.settle(panel)
    panel.compare.ui.compareNowButton.click()
    studies.settle(panel)
    assert panel.desk.review.volume is None
    assert min(panel.desk.review.views.slice_nodes()[0].GetFieldOfView()[:2]) == pytest.approx(24 * 1.05)


def test_alike_readings_have_nothing_to_walk(panel: Any, scene: Any) -> None:
    for name in "ab":
        add_segmentation(scene, reading(12, SMALL), name)
    studies.settle(panel)
    panel.compare.ui.compareNowButton.click()
    studies.settle(panel)
    assert panel.desk.walk.ui.placeLabel.text == "No differences here"
    assert studies.texts(panel.desk.items.ui.itemsTable, 2) == ["all agree"]


def test_long_work_runs_beside_the_panel_as_in_the_application(scene: Any) -> None:
    panel = studies.make_panel(at_once=False)
    from AnnotationQALib.review.example import add_example

    volume, nodes = add_example(scene)
    panel.opener.compare_nodes(volume, nodes)
    process(lambda: panel.desk.is_open)
    assert panel.desk.review.views is not None, "the views come first"
    process(lambda: panel.desk.on_desk.work is not None and panel.desk.on_desk.work.is_found)
    panel.desk.ui.tabs.currentIndex = 1
    process(lambda: all(panel.desk.on_desk.work.choice(m) for m in ("majority", "staple", "simple", "shape")))
    process(lambda: panel.desk.review.walk.is_measured())
    assert not panel.ui.busyFrame.visible
    panel.opener.compare_nodes(volume, nodes)
    panel.cancel()
    assert not panel.desk.is_open
    panel.cleanup()


def test_the_buttons_of_a_second_comparison_are_new_ones(panel: Any, scene: Any) -> None:
    studies.compare_example(panel)
    walk = panel.desk.walk
    studies.choose(walk._consensus, "consensus:staple")
    walk.show_waiting()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # as the event loop does while one waits
    walk.take_reader(0)
    panel.desk._found()
    assert walk._consensus.currentData == "consensus:staple", "what was chosen stays chosen"
    walk.take_consensus()
    assert panel.desk.on_desk.deciding.rows()


def test_what_is_missing_for_a_comparison_is_seen_and_not_only_a_tool_tip(panel: Any, scene: Any) -> None:
    ui = panel.compare.ui
    assert "Load two or more segmentations first" in ui.reasonLabel.text
    assert ui.reasonLabel.visible
    assert not ui.segmentationList.visible
    add_example(scene)
    studies.settle(panel)
    assert ui.segmentationList.visible
    assert not ui.reasonLabel.visible
    for row in (0, 1):
        ui.segmentationList.item(row).setCheckState(qt.Qt.Unchecked)
    assert ui.reasonLabel.text == "Tick two or more segmentations."
    assert ui.reasonLabel.visible


@pytest.mark.parametrize("tab", [0, 1, 4])
def test_a_comparison_fits_a_dock_of_320_pixels(panel: Any, scene: Any, tab: int) -> None:
    studies.compare_example(panel)
    panel.desk.ui.tabs.currentIndex = tab
    studies.settle(panel)
    process(lambda: panel.widget.minimumSizeHint.width() <= 320)
