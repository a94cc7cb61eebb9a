"""The in-application test, as far as the stand-in goes: so that its mistakes do not wait for a real Slicer.

The effects, undo, volume rendering presets and the DICOM indexer are the application's own; those tests run there only.
"""

from __future__ import annotations

import importlib.util
import types
import unittest
from pathlib import Path
from typing import Any

import pytest
import slicer

PATH = Path(__file__).resolve().parents[1] / "Slicer" / "AnnotationQAInSlicer.py"
NEEDS_THE_APPLICATION = {
    "test_a_nodule_is_read_and_submitted",
    "test_strokes_and_answers_are_undone",
    "test_a_volume_rendering_preset_is_applied_and_goes_with_the_case",
    "test_studies_of_the_dicom_database_become_cases",
}


def load() -> Any:
    spec = importlib.util.spec_from_file_location("AnnotationQAInSlicer", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = load()
NAMES = list(unittest.TestLoader().getTestCaseNames(MODULE.AnnotationQAInSlicer))


class Application:
    """The application, whose modules keep sequences up to date."""

    def __init__(self, app: Any, sequences: Any) -> None:
        self._app = app
        self._sequences = sequences

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def processEvents(self) -> None:
        self._app.processEvents()
        self._sequences.UpdateAllProxyNodes()


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch, slicer_app: Any) -> None:
    """What `slicer.util` asks of the main window and of other modules."""
    from AnnotationQA import AnnotationQAWidget

    widget = AnnotationQAWidget()
    shown: list[str] = []

    def select(name: str) -> None:
        if shown and shown[-1] == "AnnotationQA" != name:
            widget.exit()
        if name == "AnnotationQA" and shown[-1:] != ["AnnotationQA"]:
            widget.enter()
        shown.append(name)

    logic = slicer_app.applicationLogic()
    sequences, volumes = slicer.vtkSlicerSequencesLogic(), slicer.vtkSlicerVolumesLogic()
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    for one in (sequences, volumes, segmentations):
        one.SetMRMLApplicationLogic(logic)
        one.SetMRMLScene(slicer.mrmlScene)
    for name, made in (("volumes", volumes), ("segmentations", segmentations)):
        module = types.SimpleNamespace(logic=lambda made=made: made)
        monkeypatch.setattr(slicer.modules, name, module, raising=False)
    monkeypatch.setattr(slicer.util, "selectModule", select)
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda _name: widget)
    monkeypatch.setattr(slicer, "app", Application(slicer_app, sequences))
    yield
    widget.cleanup()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEEDS_THE_APPLICATION])
def test_as_far_as_the_stand_in_goes(name: str, application: None) -> None:
    result = unittest.TestResult()
    MODULE.AnnotationQAInSlicer(name).run(result)
    assert not result.errors + result.failures, "\n".join(text for _, text in result.errors + result.failures)


def test_the_application_runs_what_the_stand_in_cannot() -> None:
    assert set(NAMES) >= NEEDS_THE_APPLICATION
