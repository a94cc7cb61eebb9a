"""Burned-in text: what a run holds back is reviewed in the red view, and written by the next run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import qt
import slicer
import vtk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from sample_studies import screen_shot

from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyLib.logic.review import Review
from DeidentifyStudyLib.logic.review_scene import ReviewScene
from DeidentifyStudyLib.logic.run import RunState
from pythonqt.application import process
from pythonqt.wrapping import native_of

NODES_OF_REVIEW = ("vtkMRMLMarkupsROINode", "vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode")


def run_to_the_end(panel: Any) -> None:
    panel.run_view.ui.applyButton.click()
    process(lambda: not panel.run.is_active, seconds=120)
    assert panel.run.state is RunState.DONE, panel.run.message


def nodes_of_review() -> list[Any]:
    return [node for name in NODES_OF_REVIEW for node in slicer.util.getNodesByClass(name)]


@pytest.fixture
def reviewed(ready: Any, run_here: Any) -> Any:
    """The panel after a run that holds the screen shot back, with the review begun."""
    ready.run._launch = run_here
    options = ready.profile.ui.optionsTable
    options.item(0, 0).setCheckState(qt.Qt.Checked)  # clean pixel data: the program searches and proposes
    run_to_the_end(ready)
    assert ready.review.ui.reviewSummary.text == "Objects that wait for a person: 1."
    assert not ready.ui.reviewSection.collapsed
    ready.review.ui.beginReviewButton.click()
    return ready


def queue_of(panel: Any) -> ReviewQueue:
    return ReviewQueue.load(panel.run.settings.queue)


def only_entry(panel: Any) -> Any:
    (entry,) = queue_of(panel).entries.values()
    return entry


def test_the_image_and_its_boxes_are_in_the_red_view_and_never_saved(reviewed: Any) -> None:
    volume = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID()
    volume = slicer.mrmlScene.GetNodeByID(volume)
    assert slicer.util.arrayFromVolume(volume).shape == (1, 240, 320)
    boxes = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    assert len(boxes) == len(only_entry(reviewed).boxes) == reviewed.review.ui.boxesTable.rowCount >= 1
    for node in nodes_of_review():
        assert not node.GetSaveWithScene()
        assert node.GetHideFromEditors()
        assert "Zyx" not in node.GetName()
    assert "secondary capture" in reviewed.review.ui.whyLabel.text


def test_accepting_by_key_and_running_again_writes_it_blackened(reviewed: Any, studies: Path, tmp_path: Path) -> None:
    QTest.keyClick(native_of(reviewed.widget), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert only_entry(reviewed).decision == "accepted"
    assert "All decided" in reviewed.review.ui.reviewSummary.text
    boxes = only_entry(reviewed).boxes
    run_to_the_end(reviewed)
    assert not reviewed.review.is_on
    assert not nodes_of_review()
    written = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    (screen,) = [dataset for dataset in written if dataset.SOPClassUID.name.startswith("Secondary")]
    before = pydicom.dcmread(studies / "screen.dcm").pixel_array
    outside = np.ones(before.shape, bool)
    for _frame, row, column, height, width in boxes:
        outside[row : row + height, column : column + width] = False
    assert (screen.pixel_array[outside] == before[outside]).all()
    assert len(np.unique(screen.pixel_array[~outside])) == 1


def test_rejecting_undoing_and_ending(reviewed: Any) -> None:
    ui = reviewed.review.ui
    ui.rejectButton.click()
    assert only_entry(reviewed).decision == "rejected"
    ui.undoButton.click()
    assert only_entry(reviewed).decision == "pending"
    ui.beginReviewButton.click()
    assert not nodes_of_review()
    assert not ui.reviewBody.visible
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


def test_boxes_are_drawn_dragged_and_removed(reviewed: Any) -> None:
    ui = reviewed.review.ui
    count = len(only_entry(reviewed).boxes)
    ui.drawButton.click()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place
    drawn = slicer.mrmlScene.GetNodeByID(slicer.app.applicationLogic().GetSelectionNode().GetActivePlaceNodeID())
    ui.boxesTable.clearSelection()
    drawn.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent)  # the first corner
    process()
    process()
    assert not ui.boxesTable.selectedItems()
    drawn.SetCenter(-100, -50, 0)
    drawn.SetSize(40, 10, 1)
    drawn.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent)
    process(lambda: len(only_entry(reviewed).boxes) == count + 1)
    assert only_entry(reviewed).boxes[-1] == [-1, 46, 80, 10, 40]
    assert ui.boxesTable.rowCount == count + 1

    box = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")[-1]
    box.SetSize(20, 10, 1)
    box.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    process(lambda: only_entry(reviewed).boxes[-1][4] == 20)

    assert {item.row() for item in ui.boxesTable.selectedItems()} == {count}  # the box that was touched
    colours = [node.GetDisplayNode().GetColor() for node in slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")]
    assert colours[-1] not in colours[:-1]
    assert ui.removeButton.enabled
    ui.removeButton.click()
    assert len(only_entry(reviewed).boxes) == count
    ui.undoButton.click()
    assert len(only_entry(reviewed).boxes) == count + 1
    ui.boxesTable.selectAll()
    ui.removeButton.click()
    assert only_entry(reviewed).boxes == []
    ui.undoButton.click()
    assert len(only_entry(reviewed).boxes) == count + 1


def test_leaving_the_module_ends_the_review_and_its_keys(reviewed: Any) -> None:
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "other")
    reviewed.exit()
    assert nodes_of_review() == [other]
    QTest.keyClick(native_of(reviewed.widget), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert only_entry(reviewed).decision == "pending"


def test_closing_the_scene_ends_the_review(reviewed: Any) -> None:
    slicer.mrmlScene.Clear(False)
    reviewed.scene_closed()
    assert not reviewed.review.is_on
    assert only_entry(reviewed).decision == "pending"
    reviewed.review.ui.beginReviewButton.click()
    assert nodes_of_review()


def test_an_object_whose_source_is_gone_can_still_be_decided(reviewed: Any, studies: Path) -> None:
    reviewed.review.end()
    (studies / "screen.dcm").unlink()
    reviewed.review.ui.beginReviewButton.click()
    assert "was not found" in reviewed.review.ui.whyLabel.text
    assert not reviewed.review.ui.drawButton.enabled
    reviewed.review.ui.rejectButton.click()
    assert only_entry(reviewed).decision == "rejected"


def test_a_damaged_queue_is_one_line(reviewed: Any) -> None:
    reviewed.review.end()
    (reviewed.run.settings.queue / "queue.json").write_text("{", encoding="utf-8")
    reviewed.review.ui.beginReviewButton.click()
    assert "is not a review queue" in reviewed.review.ui.reviewSummary.text
    assert not reviewed.review.ui.beginReviewButton.checked


@pytest.mark.parametrize("shape", [(30, 50), (31, 49, 3)])
def test_boxes_go_through_the_scene_unchanged(shape: tuple[int, ...]) -> None:
    scene = ReviewScene(slicer.mrmlScene, lambda: None)
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    boxes = [(0, [-1, 0, 0, 1, 1]), (1, [0, 29, 48, 1, 1]), (2, [0, 3, 4, 10, 21]), (3, [0, 5, 6, 11, 20])]
    scene.show(pixels, boxes)
    assert scene.rows() == [(number, *row[1:]) for number, row in boxes]
    assert (slicer.util.arrayFromVolume(scene.volume)[0] == pixels).all()
    matrix = vtk.vtkMatrix4x4()
    scene.volume.GetIJKToRASMatrix(matrix)
    assert matrix.MultiplyPoint((4, 3, 0, 1)) == (-4, -3, 0, 1)
    scene.clear()
    assert not nodes_of_review()


def test_a_changed_box_asks_for_a_new_decision(tmp_path: Path) -> None:
    screen_shot(tmp_path / "a.dcm")
    queue = ReviewQueue.load(tmp_path / "queue")
    queue.add("a" * 64, "burned-in-risk", ["secondary-capture"], [[-1, 1, 2, 3, 4]], ["classical"])
    review = Review(queue, {"a" * 64: tmp_path / "a.dcm"})
    assert review.image().pixels.shape == (240, 320)
    assert review.source_of_box([-1, 1, 2, 3, 4]) == "strokes"
    assert review.source_of_box([-1, 9, 9, 3, 4]) == "by hand"
    review.decide("accepted")
    review.add_box(5, 6, 0, 4, every_frame=True)
    assert review.entry.decision == "accepted"
    review.add_box(5, 6, 7, 8, every_frame=False)
    assert review.entry.decision == "pending"
    saved = json.loads((tmp_path / "queue" / "queue.json").read_text())["objects"]["a" * 64]
    assert saved["boxes"] == [[-1, 1, 2, 3, 4], [0, 5, 6, 7, 8]]
    assert review.undo()
    assert review.undo()
    assert not review.undo()
