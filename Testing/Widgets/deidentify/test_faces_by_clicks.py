"""Faces: what a run holds back is confirmed by name in the 3D view, and written by the next run."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import qt
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from sample_studies import head_series
from vtk.util import numpy_support

from DeidentifyStudyCore.faces import survey
from DeidentifyStudyCore.faces.finding import Finding
from DeidentifyStudyCore.faces.groups import examine_group
from DeidentifyStudyCore.faces.stack import read_header
from DeidentifyStudyCore.faces.store import StoredFace
from DeidentifyStudyCore.profile import OPTIONS
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyLib.logic.head_scene import HeadScene, surface_of
from DeidentifyStudyLib.logic.run import RunState
from DeidentifyStudyLib.widgets.three_d_display import ThreeDDisplay
from pythonqt.application import process
from pythonqt.wrapping import native_of

CTRL = Qt.KeyboardModifier.ControlModifier


def run_to_the_end(panel: Any) -> None:
    panel.run_view.ui.applyButton.click()
    process(lambda: not panel.run.is_active, seconds=120)
    assert panel.run.state is RunState.DONE, panel.run.message


def models() -> list[Any]:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if node.GetName().startswith("Head under")]


def only_entry(panel: Any) -> Any:
    (entry,) = [e for e in ReviewQueue.load(panel.run.settings.queue).entries.values() if e.is_face]
    return entry


@pytest.fixture(scope="module")
def finding(tmp_path_factory: pytest.TempPathFactory) -> Finding:
    """What the program finds in the head, once for all tests."""
    folder = tmp_path_factory.mktemp("examined") / "head"
    head_series(folder)
    files = [file for path in sorted(folder.iterdir()) if (file := read_header(path)) is not None]
    return examine_group(files)


@pytest.fixture
def reviewed(ready: Any, run_here: Any, studies: Path, finding: Finding, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel after a run that holds a head back, with the review of faces begun."""
    monkeypatch.setattr(survey, "examine_group", lambda _files, **_options: finding)
    for path in studies.iterdir():
        path.unlink()
    head_series(studies / "head")
    ready.run._launch = run_here
    row = list(OPTIONS).index("clean_recognizable_visual_features")
    ready.profile.ui.optionsTable.item(row, 0).setCheckState(qt.Qt.Checked)
    run_to_the_end(ready)
    assert ready.faces.ui.facesSummary.text == "Heads and bodies that wait for a person: 1."
    assert not ready.ui.facesSection.collapsed
    assert ready.ui.reviewSection.collapsed
    ready.faces.ui.beginFacesButton.click()
    return ready


def test_the_head_stands_in_the_3d_view_before_and_after_and_is_never_saved(reviewed: Any) -> None:
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUp3DView
    after, before = models()
    for node in (after, before):
        assert not node.GetSaveWithScene()
        assert node.GetHideFromEditors()
        assert "Zyx" not in node.GetName()
        assert node.GetPolyData().GetNumberOfPoints() > 5000
    assert "a facial surface was found" in reviewed.faces.ui.whyFaceLabel.text
    assert not reviewed.faces.ui.facePicture.pixmap.isNull()
    reviewed.faces.ui.originalCheck.click()
    assert len(models()) == 1


def test_confirming_needs_a_name_and_the_next_run_writes_it(reviewed: Any, tmp_path: Path) -> None:
    ui = reviewed.faces.ui
    assert not ui.confirmButton.enabled
    QTest.keyClick(native_of(reviewed.widget), Qt.Key.Key_Return, CTRL)
    assert only_entry(reviewed).decision == "pending"
    assert "your name" in ui.facesSummary.text
    ui.reviewerEdit.text = "A. Reader"
    assert ui.confirmButton.enabled
    QTest.keyClick(native_of(reviewed.widget), Qt.Key.Key_Return, CTRL)
    assert (only_entry(reviewed).decision, only_entry(reviewed).confirmed_by) == ("accepted", "A. Reader")
    assert "All decided" in ui.facesSummary.text
    run_to_the_end(reviewed)
    assert not reviewed.faces.is_on
    assert not models()
    written = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert len(written) == 45
    assert {dataset.RecognizableVisualFeatures for dataset in written} == {"NO"}


def test_rejecting_by_key_undoing_and_ending(reviewed: Any) -> None:
    layout = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    QTest.keyClick(native_of(reviewed.widget), Qt.Key.Key_Backspace, CTRL)
    assert only_entry(reviewed).decision == "rejected"
    reviewed.faces.ui.undoFaceButton.click()
    assert only_entry(reviewed).decision == "pending"
    reviewed.faces.ui.beginFacesButton.click()
    assert not models()
    assert not reviewed.faces.ui.facesBody.visible
    assert slicer.app.layoutManager().layout == layout


def test_leaving_the_module_or_closing_the_scene_ends_the_review(reviewed: Any) -> None:
    reviewed.exit()
    assert not models()
    QTest.keyClick(native_of(reviewed.widget), Qt.Key.Key_Backspace, CTRL)
    assert only_entry(reviewed).decision == "pending"
    reviewed.faces.ui.beginFacesButton.click()
    assert len(models()) == 2
    slicer.mrmlScene.Clear(False)
    reviewed.scene_closed()
    assert not reviewed.faces.is_on


def test_a_lost_picture_or_head_is_one_line(reviewed: Any) -> None:
    reviewed.faces.end()
    for path in (reviewed.run.settings.queue / "queue-pictures").glob("*-face*"):
        path.write_bytes(b"damaged")
    reviewed.faces.ui.beginFacesButton.click()
    assert "run again" in reviewed.faces.ui.whyFaceLabel.text
    assert not models()


def test_surfaces_lie_where_the_voxels_say() -> None:
    body = np.zeros((30, 20, 16), np.bool_)
    body[10:20, 5:15, 4:12] = True
    affine = np.array([[0, 0, 2.0, 10], [0, 2.0, 0, -30], [2.0, 0, 0, 5], [0, 0, 0, 1]])
    points = numpy_support.vtk_to_numpy(surface_of(body, affine, 0.0).GetPoints().GetData())
    low, high = points.min(axis=0), points.max(axis=0)
    expected = np.array([[-(10 + 2 * 11.5), 30 - 2 * 14.5, 5 + 2 * 9.5], [-(10 + 2 * 3.5), 30 - 2 * 4.5, 5 + 2 * 19.5]])
    assert np.abs(low - expected[0]).max() < 0.6
    assert np.abs(high - expected[1]).max() < 0.6


def test_the_altered_head_lacks_what_the_mask_has() -> None:
    head = np.zeros((30, 30, 30), np.bool_)
    head[4:26, 4:26, 4:26] = True
    mask = np.zeros_like(head)
    mask[:, :10] = True  # the front
    scene = HeadScene(slicer.mrmlScene)
    affine = np.array([[0, 0, 2.0, 0], [0, 2.0, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1]])
    scene.show(StoredFace(head, mask, affine), original=True)
    (altered, before) = (numpy_support.vtk_to_numpy(m.GetPolyData().GetPoints().GetData()) for m in scene.models)
    assert altered[:, 1].max() < before[:, 1].max() - 10  # anterior
    assert altered[:, 0].min() > before[:, 0].max()  # beside each other
    scene.clear()
    assert not models()


@pytest.mark.parametrize("table", [0.0, -1200.0, 900.0])
def test_a_head_is_seen_from_the_front_wherever_the_scanner_has_its_origin(table: float) -> None:
    """Tables of scanners stand far from the origin, along the patient's axis more than in front of him."""
    head = np.zeros((30, 30, 30), np.bool_)
    head[4:26, 4:26, 4:26] = True
    affine = np.array([[0, 0, 8.0, -120], [0, 8.0, 0, -150], [8.0, 0, 0, table], [0, 0, 0, 1]])
    scene, display = HeadScene(slicer.mrmlScene), ThreeDDisplay()
    camera = slicer.app.layoutManager().threeDWidget(0).threeDView().cameraNode()
    camera.SetPosition(300, 300, 300)
    scene.show(StoredFace(head, np.zeros_like(head), affine), original=False)
    display.show()
    position, focus = np.array(camera.GetPosition()), np.array(camera.GetFocalPoint())
    distance = np.linalg.norm(position - focus)
    assert np.allclose((position - focus) / distance, (0, 1, 0), atol=1e-6), "the camera stands in front"
    assert np.allclose(camera.GetViewUp(), (0, 0, 1), atol=1e-6)
    low, high = (np.array(scene.models[0].GetPolyData().GetBounds())[side::2] for side in (0, 1))
    assert np.allclose(focus, (low + high) / 2, atol=1)
    assert distance > np.linalg.norm(high - low), "the whole head is seen"
    display.give_back()
    scene.clear()
