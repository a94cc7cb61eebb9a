"""The module as Slicer sees it."""

from pathlib import Path

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
