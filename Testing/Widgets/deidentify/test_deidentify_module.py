"""The module as Slicer sees it."""

from pathlib import Path
from typing import Any

import pytest
import slicer

import DeidentifyStudy as module


def test_the_module_says_what_it_is(repository: Path) -> None:
    parent = slicer.qSlicerScriptedLoadableModule()
    parent.path = str(repository / "DeidentifyStudy" / "DeidentifyStudy.py")
    module.DeidentifyStudy(parent)
    assert parent.title == "De-identify Study"
    assert tuple(parent.categories) == ("Annotation QA",)
    assert len(parent.helpText) > 100
    assert parent.acknowledgementText
    assert (repository / "DeidentifyStudy" / "Resources" / "Icons" / "DeidentifyStudy.png").is_file()


def test_the_widget_lives_through_enter_exit_close_and_cleanup() -> None:
    widget = module.DeidentifyStudyWidget()
    widget.enter()
    slicer.mrmlScene.Clear(False)
    widget.exit()
    passphrase = widget.panel.places.ui.passphraseEdit
    passphrase.text = "correct horse battery"
    slicer.app.moduleManager().moduleAboutToBeUnloaded("DeidentifyStudy")
    assert widget.panel is None
    assert passphrase.text == ""


def test_the_program_is_slicers_python(monkeypatch: pytest.MonkeyPatch) -> None:
    from DeidentifyStudyLib.widgets import process

    monkeypatch.setattr(process.shutil, "which", lambda name: f"/slicer/bin/{name}")
    assert process.python_program() == "/slicer/bin/PythonSlicer"


def test_load_results_says_what_came(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Slicer's DICOM module is not in the stand-in; its two functions are, by name."""
    import contextlib
    import sys
    import types

    from DeidentifyStudyLib.widgets.loading import load_results

    imported: list[Any] = []

    class Database:
        def patients(self) -> list[str]:
            return ["1"]

    utilities = types.SimpleNamespace(
        TemporaryDICOMDatabase=lambda: contextlib.nullcontext(Database()),
        importDicom=lambda folder, database: imported.append(folder),
        loadPatientByUID=lambda uid: ["vtkMRMLScalarVolumeNode1"],
    )
    monkeypatch.setitem(sys.modules, "DICOMLib", types.SimpleNamespace(DICOMUtils=utilities))
    assert load_results(tmp_path) == "Loaded into the scene: 1."
    assert imported == [str(tmp_path)]
