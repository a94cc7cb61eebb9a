"""The way from the button "Load results" to volumes in the scene, by the functions of Slicer's DICOM module."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import qt
import slicer
from sample_studies import PATIENT_WORDS, make_studies

from DeidentifyStudyLib.logic.run import RunState
from DeidentifyStudyLib.widgets.loading import load_results
from DeidentifyStudyLib.widgets.panel import DeidentifyStudyPanel
from pythonqt import dicom_lib
from pythonqt.application import process

OWN = {"7": {"own-study": {"own-series": ["own.dcm"]}}}
"""What Slicer's own database holds."""


@pytest.fixture(autouse=True)
def own_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Slicer's own database stays as it is, whatever happens."""
    monkeypatch.setitem(sys.modules, "DICOMLib", dicom_lib)
    slicer.dicomDatabase._native.content = OWN
    qt.QSettings().setValue(dicom_lib.SETTINGS_KEY, "/own/database")
    yield
    assert slicer.dicomDatabase._native.content == OWN
    assert qt.QSettings().value(dicom_lib.SETTINGS_KEY) == "/own/database"
    assert not list(Path(slicer.app.temporaryPath).glob("deidentify-*"))
    assert not [
        window for window in slicer.app.topLevelWidgets() if window.className() == "QProgressDialog" and window.visible
    ]


def volumes() -> list[Any]:
    return slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")


def test_results_are_loaded_by_a_click(
    resources: Path, studies: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    panel = DeidentifyStudyPanel(resources)
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.places.ui.destinationEdit.text = str(tmp_path / "out")
    panel.profile.ui.profileCombo.currentText = "gdpr-anonymous"
    panel.run_view.ui.applyButton.click()
    process(lambda: not panel.run.is_active, seconds=120)
    assert panel.run.state is RunState.DONE, panel.run.message
    panel.result.ui.loadButton.click()
    assert panel.result.ui.resultSummary.text.endswith("Loaded into the scene: 2.")
    assert len(volumes()) == 2
    scene = "".join(str(slicer.mrmlScene.GetNthNode(n)) for n in range(slicer.mrmlScene.GetNumberOfNodes()))
    settings = "".join(f"{key}={qt.QSettings().value(key)}" for key in qt.QSettings().allKeys())
    for word in PATIENT_WORDS:
        assert word not in scene + settings + caplog.text
    panel.cleanup()


def test_what_slicer_cannot_load_is_counted(studies: Path) -> None:
    text = studies / "a report.dcm"
    import pydicom

    dataset = pydicom.dcmread(next(path for path in studies.iterdir() if path.name == "CT_small.dcm"))
    del dataset.PixelData
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.save_as(text)
    assert load_results(studies).endswith("Slicer could not load: 1.")


def test_a_cancelled_one_stops_and_puts_the_database_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies = make_studies(tmp_path / "out")
    made = slicer.util.createProgressDialog

    def cancelled(*arguments: Any, **named: Any) -> Any:
        dialog = made(*arguments, **named)
        dialog.cancel()
        return dialog

    monkeypatch.setattr(slicer.util, "createProgressDialog", cancelled)
    assert load_results(studies) == "Slicer has loaded none of them."
    assert volumes() == []


def test_a_failure_puts_the_database_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise OSError("No studies found")

    monkeypatch.setattr(dicom_lib.DICOMUtils, "loadPatientByUID", fail)
    with pytest.raises(OSError, match="No studies"):
        load_results(make_studies(tmp_path / "out"))


def test_without_slicers_dicom_module_a_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.delattr(slicer, "dicomDatabase")
        assert "module DICOM is not loaded" in load_results(tmp_path)
