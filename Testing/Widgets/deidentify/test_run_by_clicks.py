"""Clicks drive a whole run: a real process of the command line on real files."""

import json
import logging
from pathlib import Path
from typing import Any

import pydicom
import pytest
import qt
import slicer
from sample_studies import PATIENT_WORDS

from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyLib.logic.run import RunState
from pythonqt import dialogs
from pythonqt.application import process

PASSPHRASE = "correct horse battery"


def texts_of(table: Any) -> list[list[str]]:
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def run_to_the_end(panel: Any) -> None:
    panel.run_view.ui.applyButton.click()
    process(lambda: not panel.run.is_active, seconds=120)


def test_a_whole_run(
    ready: Any, tmp_path: Path, loaded: list[Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    assert ready.run_view.ui.applyButton.enabled
    run_to_the_end(ready)
    assert ready.run.state is RunState.DONE, ready.run.message
    assert ready.result.ui.resultSummary.text.startswith("2 objects were written and verified, 2 files were not")
    assert {row[1] for row in texts_of(ready.result.ui.reasonsTable)} == {"not-dicom", "burned-in-risk"}
    assert not ready.ui.resultSection.collapsed
    files = ready.result.ui.filesList
    assert not files.visible
    row = [line[1] for line in texts_of(ready.result.ui.reasonsTable)].index("not-dicom")
    ready.result.ui.reasonsTable.selectRow(row)
    assert [files.item(number).text() for number in range(files.count)] == ["notes about Zyxwarth.txt"]
    written = sorted((tmp_path / "out").rglob("*.dcm"))
    assert len(written) == 2
    assert all(str(pydicom.dcmread(path).PatientIdentityRemoved) == "YES" for path in written)

    ready.result.ui.loadButton.click()
    assert loaded == [tmp_path / "out"]
    ready.result.ui.reportButton.click()
    ready.result.ui.folderButton.click()
    assert list(dialogs.opened) == [f"file://{tmp_path}/out-report/report.html", f"file://{tmp_path}/out"]
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", PASSPHRASE)
    assert main(["verify", str(tmp_path / "out-report"), "--key", str(tmp_path / "project.key")]) == 0

    settings = "".join(f"{key}={qt.QSettings().value(key)}" for key in qt.QSettings().allKeys())
    nodes = [slicer.mrmlScene.GetNthNode(number) for number in range(slicer.mrmlScene.GetNumberOfNodes())]
    scene = "".join(f"{node.GetName()} {node}" for node in nodes)
    ready.cleanup()
    assert files.count == 0
    for word in (*PATIENT_WORDS, PASSPHRASE):
        assert word not in caplog.text
        assert word not in settings
        assert word not in scene
    assert not list(Path(slicer.app.temporaryPath).glob("deidentify-*"))


def test_arguments_tell_nothing_and_the_passphrase_leaves_with_the_process(ready: Any) -> None:
    seen: dict[str, Any] = {}

    def launch(command: list[str], environment: Any, folder: Path, on_line: Any, on_end: Any) -> None:
        seen.update(command=command, environment=environment)
        on_end(2)

    ready.run._launch = launch
    ready.run_view.ui.applyButton.click()
    assert not [word for word in (*PATIENT_WORDS, PASSPHRASE) if word in " ".join(seen["command"])]
    assert PASSPHRASE in seen["environment"].values()
    assert PASSPHRASE not in repr(ready.run.settings)
    assert ready.run.settings.passphrase == ""


def test_a_second_run_resumes_and_a_wrong_passphrase_is_one_line(ready: Any, tmp_path: Path) -> None:
    run_to_the_end(ready)
    ready.places.ui.passphraseEdit.text = "something else"
    assert ready.run_view.ui.applyButton.enabled
    run_to_the_end(ready)
    assert ready.run.state is RunState.FAILED
    line = ready.run_view.ui.statusLabel.text
    assert "wrong passphrase" in line
    assert "\n" not in line
    assert "something else" not in line
    ready.places.ui.passphraseEdit.text = PASSPHRASE
    run_to_the_end(ready)
    assert ready.run.state is RunState.DONE
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 2


def test_an_ephemeral_profile_needs_no_key(panel: Any, studies: Path, tmp_path: Path) -> None:
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.places.ui.destinationEdit.text = str(tmp_path / "out")
    assert not panel.run_view.ui.applyButton.enabled
    panel.profile.ui.profileCombo.currentText = "gdpr-anonymous"
    assert not panel.places.ui.keyEdit.enabled
    assert "throws its key away" in panel.places.ui.keyHint.text
    run_to_the_end(panel)
    assert panel.run.state is RunState.DONE, panel.run.message
    assert json.loads((tmp_path / "out-report" / "report.json").read_text())["profile"]["name"] == "gdpr-anonymous"


def test_cancelling_stops_the_process_and_leaves_nothing_behind(ready: Any, tmp_path: Path) -> None:
    ready.run_view.ui.applyButton.click()
    assert ready.run_view.ui.cancelButton.visible
    assert not ready.ui.sourceSection.enabled
    assert ready.run_view.ui.applyButton.toolTip == "A run is at work."
    ready.run_view.ui.cancelButton.click()
    assert ready.run.state is RunState.CANCELLING
    process(lambda: not ready.run.is_active, seconds=60)
    assert ready.run.state is RunState.CANCELLED
    assert "go on where it stopped" in ready.run_view.ui.statusLabel.text
    assert ready.ui.sourceSection.enabled
    assert not list(tmp_path.rglob(".tmp-*"))
    run_to_the_end(ready)
    assert ready.run.state is RunState.DONE


def test_a_killed_process_is_said_in_one_line(ready: Any) -> None:
    ready.run_view.ui.applyButton.click()
    ready.run._process.kill()
    process(lambda: not ready.run.is_active, seconds=60)
    assert ready.run.state is RunState.FAILED
    assert "ended unexpectedly" in ready.run_view.ui.statusLabel.text


def test_studies_of_the_database_are_collected_and_taken_away_again(
    panel: Any, studies: Path, tmp_path: Path, slicer_app: Any
) -> None:
    database = slicer.dicomDatabase._native
    database.content = {
        "1": {"study-ct": {"series-1": [str(studies / "CT_small.dcm")]}},
        "2": {"study-mr": {"series-2": [str(studies / "MR_small.dcm")]}},
    }
    database.descriptions = {"1": "CompressedSamples^CT1", "study-ct": "CT of the chest"}
    panel.source.ui.databaseRadio.checked = True
    assert texts_of(panel.source.ui.studiesTable)[0][:2] == ["CT of the chest", "CompressedSamples^CT1"]
    assert "Tick the studies" in panel.run_view.ui.statusLabel.text
    panel.source.ui.studiesTable.item(0, 0).setCheckState(qt.Qt.Checked)
    assert panel.source.ui.studiesLabel.text == "Ticked: 1 of 2 studies; files: 1"
    panel.places.ui.destinationEdit.text = str(tmp_path / "out")
    panel.profile.ui.profileCombo.currentText = "gdpr-anonymous"
    run_to_the_end(panel)
    assert panel.run.state is RunState.DONE, panel.run.message
    assert panel.result.ui.resultSummary.text == "The only object was written and verified."
    assert not list(Path(slicer.app.temporaryPath).glob("deidentify-*"))
    panel.cleanup()
    assert panel.source.ui.studiesTable.rowCount == 0


def test_a_file_that_left_the_database_is_one_line(panel: Any, tmp_path: Path) -> None:
    database = slicer.dicomDatabase._native
    database.content = {"1": {"study": {"series": [str(tmp_path / "gone.dcm")]}}}
    panel.source.ui.databaseRadio.checked = True
    panel.source.ui.studiesTable.item(0, 0).setCheckState(qt.Qt.Checked)
    panel.places.ui.destinationEdit.text = str(tmp_path / "out")
    panel.profile.ui.profileCombo.currentText = "gdpr-anonymous"
    panel.run_view.ui.applyButton.click()
    assert "no longer in the DICOM database" in panel.run_view.ui.statusLabel.text
    assert not panel.run.is_active
