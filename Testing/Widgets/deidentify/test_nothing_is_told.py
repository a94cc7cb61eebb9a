"""What fails in the panel, what its dialogs remember and what it leaves behind say nothing of the patient."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import qt
import slicer
import vtk
from sample_studies import PATIENT_WORDS

from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyLib.logic import run as run_module
from DeidentifyStudyLib.logic import settings as settings_module
from DeidentifyStudyLib.logic.outcome import Outcome, RetainedText, SignOff
from DeidentifyStudyLib.logic.review_scene import ReviewScene
from DeidentifyStudyLib.logic.run import Run, RunState
from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.widgets import source_view
from DeidentifyStudyLib.widgets.guard import guarded
from DeidentifyStudyLib.widgets.slice_display import SliceDisplay
from pythonqt import dialogs
from pythonqt.application import process
from pythonqt.wrapping import OVERRIDES

TOO_LONG = "/Zyxwarth" * 600
"""No file system has such a path: looking at it fails, and the message of Python names it."""


def test_a_slot_that_fails_tells_its_kind_and_place_only(
    panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: Any) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "Zyxwarth_Quillon"))

    monkeypatch.setattr(source_view, "ask_folder", fail)
    panel.source.ui.sourceFolderButton.click()
    assert "PermissionError, Permission denied; test_nothing_is_told.py" in caplog.text
    assert "Zyxwarth" not in caplog.text
    caplog.clear()


def test_what_an_action_returns_and_takes_goes_through() -> None:
    assert guarded(lambda one, two: one + two)(1, 2) == 3


@pytest.mark.parametrize(
    ("where", "field", "what"),
    [
        ("source", "sourceFolderEdit", "The source folder"),
        ("places", "destinationEdit", "The folder for the result"),
        ("places", "keyEdit", "The key file"),
        ("places", "idsEdit", "The table of pseudonyms"),
    ],
)
def test_a_place_that_cannot_be_looked_at_is_one_line(
    ready: Any, where: str, field: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    getattr(getattr(ready, where).ui, field).text = TOO_LONG
    said = ready.run_view.ui.statusLabel.text
    assert said == ready.run_view.ui.applyButton.toolTip
    assert said == f"{what} cannot be looked at (File name too long): choose another."
    ready.preview.ui.previewFileEdit.text = TOO_LONG
    ready.preview.ui.previewButton.click()
    assert "Zyx" not in ready.preview.ui.previewSummary.text
    assert "Zyx" not in caplog.text


@pytest.mark.parametrize(("denied", "said"), [("source", "You may not read"), ("parent", "You may not write beside")])
def test_a_folder_without_permission_is_said(
    ready: Any, studies: Path, tmp_path: Path, denied: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of the system, since whoever runs the tests may be root."""
    place = studies if denied == "source" else tmp_path
    monkeypatch.setattr(settings_module.os, "access", lambda path, _mode: path != place)
    ready._check_can_apply()
    assert said in ready.run_view.ui.statusLabel.text


def test_the_program_behind_file_dialogs_forgets_where_the_person_was(
    panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog_settings: Any
) -> None:
    """Qt keeps the folders of its dialogs in settings of its own, which all programs of the person share."""
    dialog_settings().setValue("FileDialog/lastVisited", "file:///somewhere")

    def choose(*_arguments: Any) -> str:
        for key in ("FileDialog/lastVisited", "FileDialog/history"):
            dialog_settings().setValue(key, f"file://{tmp_path}/Zyxwarth")
        return str(tmp_path / "Zyxwarth")

    monkeypatch.setitem(OVERRIDES, ("QFileDialog", "getExistingDirectory"), choose)
    panel.source.ui.sourceFolderButton.click()
    assert panel.source.ui.sourceFolderEdit.text == str(tmp_path / "Zyxwarth")
    after = dialog_settings()
    assert after.value("FileDialog/lastVisited") == "file:///somewhere"
    assert not after.contains("FileDialog/history")


def test_views_are_given_back_as_they_were() -> None:
    manager = slicer.app.layoutManager()
    view = manager.sliceWidget("Red")
    node, composite = view.mrmlSliceNode(), view.mrmlSliceCompositeNode()
    own, other, shown = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode") for _ in range(3))
    for volume in (own, other, shown):
        image = vtk.vtkImageData()
        image.SetDimensions(20, 10, 1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        volume.SetAndObserveImageData(image)
    node.SetOrientationToSagittal()
    node.SetDimensions(200, 100, 1)
    node.SetFieldOfView(50, 25, 1)
    node.SetXYZOrigin(3, 4, 0)
    composite.SetBackgroundVolumeID(own.GetID())
    composite.SetForegroundVolumeID(other.GetID())
    plane = vtk.vtkMatrix4x4()
    plane.DeepCopy(node.GetSliceToRAS())

    display = SliceDisplay()
    display.show(shown)
    assert composite.GetBackgroundVolumeID() == shown.GetID()
    assert composite.GetForegroundVolumeID() is None, "what lay over the image would lie over the review"
    slicer.mrmlScene.RemoveNode(other)
    node.SetDimensions(200, 100, 1)
    display.give_back()
    assert composite.GetBackgroundVolumeID() == own.GetID()
    assert composite.GetForegroundVolumeID() is None
    places = [(row, column) for row in range(4) for column in range(4)]
    assert [node.GetSliceToRAS().GetElement(*at) for at in places] == [plane.GetElement(*at) for at in places]
    assert node.GetFieldOfView() == (50, 25, 1)
    assert node.GetXYZOrigin() == (3, 4, 0)


def test_the_3d_view_is_given_back_as_it_was(panel: Any) -> None:
    camera = slicer.app.layoutManager().threeDWidget(0).threeDView().cameraNode()
    camera.SetPosition(1, 2, 3)
    panel.faces._display.show()
    camera.SetPosition(9, 9, 9)
    panel.faces._display.give_back()
    assert camera.GetPosition() == (1, 2, 3)


def test_a_box_counts_once_its_second_corner_is_placed() -> None:
    """While the mouse moves, Slicer's node has a size already."""
    scene = ReviewScene(slicer.mrmlScene, lambda _number: None)
    box = scene.begin_drawing()
    box.AddNControlPoints(1, "", [-10, -20, 0])
    box.SetNthControlPointPosition(0, -10, -20, 0, slicer.vtkMRMLMarkupsNode.PositionPreview)
    box.AddNControlPoints(1, "", [-30, -26, 0])
    assert tuple(box.GetSize())[:2] == (20, 6)
    assert scene.rows() == []
    box.SetNthControlPointPosition(0, -10, -20, 0, slicer.vtkMRMLMarkupsNode.PositionDefined)
    ((_number, row, column, height, width),) = scene.rows()
    assert (height, width) == (6, 20)
    assert abs(row - 20) <= 1
    assert abs(column - 10) <= 1


def test_slicer_that_ends_leaves_no_study_in_its_temporary_folder(
    tmp_path: Path, studies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is asked to stop, then stopped; nobody is told any more, since the widgets are gone."""
    monkeypatch.setattr(run_module, "_PATIENCE", 120)  # however busy the machine is
    told: list[str] = []

    def launch(command: list[str], _environment: Any, folder: Path, _on_line: Any, _on_end: Any) -> Any:
        cancel = command[command.index("--cancel-file") + 1]
        wait = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
        return subprocess.Popen([sys.executable, "-c", wait, cancel], cwd=folder)

    run = Run(launch, "python", tmp_path / "temporary", lambda: told.append(run.state.value))
    (tmp_path / "temporary").mkdir()
    files = tuple(str(path) for path in studies.glob("*.dcm"))
    profile = load_profile("gdpr-anonymous")
    run.start(RunSettings(files=files, from_database=True, destination=tmp_path / "out", profile=profile))
    assert list((tmp_path / "temporary").glob("deidentify-studies-*"))
    process_of_run, before = run._process, list(told)
    run.close()
    assert process_of_run.poll() == 0, "it had no time to stop by itself"
    assert not list((tmp_path / "temporary").glob("deidentify-studies-*"))
    assert told == before


def test_a_sign_off_that_somebody_edited_is_none(tmp_path: Path) -> None:
    outcome = Outcome(tmp_path, tmp_path, "a" * 64, 1, 0, 0, (), (RetainedText("0008,0070", "Manufacturer", "ACME"),))
    content = {"format": "deidentify-sign-off/1", "report": "a" * 64, "refused": [{"tag": 1}], "signed_by": "A. Reader"}
    (tmp_path / "sign-off.json").write_text(json.dumps(content))
    assert SignOff(outcome).signed_by == ""


def test_a_result_of_an_earlier_session_is_shown_with_its_reviews(ready: Any, resources: Path, run_here: Any) -> None:
    from DeidentifyStudyLib.widgets.panel import DeidentifyStudyPanel

    ready.run._launch = run_here
    assert not ready.places.ui.earlierButton.visible
    ready.run_view.ui.applyButton.click()
    assert ready.run_view.ui.statusLabel.text.startswith("For your review below: 1.")
    later = DeidentifyStudyPanel(resources)
    later.widget.show()
    later.places.ui.destinationEdit.text = str(ready.settings().destination)
    later.places.ui.earlierButton.click()
    assert later.result.ui.resultSummary.text.startswith("2 objects were written")
    assert not later.places.ui.earlierButton.visible
    later.source.ui.sourceFolderEdit.text = str(ready.settings().source)
    later.review.ui.beginReviewButton.click()
    assert later.review.is_on
    assert "secondary capture" in later.review.ui.whyLabel.text
    later.review.ui.acceptButton.click()
    later.places.ui.keyEdit.text = str(ready.settings().key)
    later.places.ui.passphraseEdit.text = ready.settings().passphrase
    assert later.run_view.ui.statusLabel.text == "All are decided: start again to write what you accepted."
    later.review.ui.beginReviewButton.click()
    assert not later.review.is_on
    assert later.review.ui.beginReviewButton.enabled, "who ended a review may want to change a decision"
    later.cleanup()


def test_reviewed_objects_of_a_key_that_is_gone_are_written_by_a_new_run(
    panel: Any, studies: Path, tmp_path: Path, run_here: Any
) -> None:
    panel.run._launch = run_here
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.places.ui.destinationEdit.text = str(tmp_path / "out")
    panel.profile.ui.profileCombo.currentText = "gdpr-anonymous"
    panel.run_view.ui.applyButton.click()
    assert panel.run.state is RunState.DONE, panel.run.message
    panel.review.ui.beginReviewButton.click()
    panel.review.ui.acceptButton.click()
    panel.review.end()
    assert "renamed to out-earlier-1" in panel.places.ui.keyHint.text
    panel.run_view.ui.applyButton.click()
    assert panel.run.state is RunState.DONE, panel.run.message
    assert panel.result.ui.resultSummary.text.startswith("3 objects were written")
    assert len(list((tmp_path / "out-earlier-1").rglob("*.dcm"))) == 2
    assert (tmp_path / "out-earlier-1-report" / "report.json").is_file()

    panel.profile.ui.optionsTable.item(9, 0).setCheckState(qt.Qt.Checked)  # another profile: nothing is moved away
    panel.run_view.ui.applyButton.click()
    assert panel.run.state is RunState.FAILED
    assert not (tmp_path / "out-earlier-2").exists()


def test_a_queue_that_cannot_be_written_is_said_in_the_section(
    ready: Any, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from DeidentifyStudyCore import review
    from DeidentifyStudyCore.errors import DestinationError

    ready.run._launch = run_here
    ready.run_view.ui.applyButton.click()
    ready.review.ui.beginReviewButton.click()

    def full(*_arguments: Any) -> None:
        raise DestinationError("the queue: cannot be written (No space left on device); free space.")

    monkeypatch.setattr(review, "write_text", full)
    ready.review.ui.acceptButton.click()
    assert "No space left" in ready.review.ui.reviewSummary.text
    assert str(tmp_path) not in caplog.text


def test_a_real_process_leaves_no_word_of_the_patient_in_what_slicer_keeps(
    ready: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    ready.preview.ui.previewButton.click()
    ready.run_view.ui.applyButton.click()
    process(lambda: not ready.run.is_active, seconds=120)
    ready.review.ui.beginReviewButton.click()
    ready.review.ui.rejectButton.click()
    titles = " ".join(str(widget.windowTitle) for widget in qt.QApplication.topLevelWidgets())
    out, err = capfd.readouterr()
    kept = [path.read_bytes() for path in Path(slicer.app.temporaryPath).rglob("*") if path.is_file()]
    for word in PATIENT_WORDS:
        assert word not in caplog.text + titles + out + err
        assert not any(word.encode() in content for content in kept)
    assert not dialogs.opened
