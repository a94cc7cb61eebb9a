"""The in-application tests of Consensus Review and De-identify Study, as far as the stand-in goes.

So that their mistakes do not wait for a real Slicer. Views, layouts, effects and plots are the application's own; tests
that look at them run there only.
"""

from __future__ import annotations

import importlib
import importlib.util
import types
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer

FOLDER = Path(__file__).resolve().parents[1] / "Slicer"
NEEDS_THE_APPLICATION = {
    "test_readers_stand_side_by_side_in_linked_views",
    "test_layouts_follow_each_other_and_the_old_one_comes_back",
    "test_a_copy_is_painted_in_the_segment_editor_and_taken",
    "test_tables_and_plots_are_shown",
    "test_surfaces_fill_in_beside_the_main_thread_and_go_with_the_review",
    "test_run_in_python_slicer_and_load",
    "test_studies_of_the_dicom_database",
    "test_nothing_identifying_is_in_log_or_settings",
}


def load(name: str) -> Any:
    """The tests of a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


CASES = {name: load(f"{name}InSlicer") for name in ("ConsensusReview", "DeidentifyStudy")}
TESTS = [(module, name) for module, case in CASES.items() for name in unittest.TestLoader().getTestCaseNames(case)]


class Modules:
    """The module selector of the application."""

    def __init__(self) -> None:
        self.widgets: dict[str, Any] = {}
        self._shown = ""

    def select(self, name: str) -> None:
        if name == self._shown:
            return
        if self._shown in self.widgets:
            self.widgets[self._shown].exit()
        self._shown = name
        if name not in self.widgets and name in CASES:
            self.widgets[name] = getattr(importlib.import_module(name), f"{name}Widget")()
        if name in self.widgets:
            self.widgets[name].enter()


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch, slicer_app: Any) -> Iterator[None]:
    """What `slicer.util` asks of the main window and of other modules."""
    from review_studies import prepare_scene

    prepare_scene(slicer.mrmlScene)
    logic = slicer_app.applicationLogic()
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLApplicationLogic(logic)
    segmentations.SetMRMLScene(slicer.mrmlScene)
    module = types.SimpleNamespace(logic=lambda: segmentations)
    monkeypatch.setattr(slicer.modules, "segmentations", module, raising=False)
    modules = Modules()
    monkeypatch.setattr(slicer.util, "selectModule", modules.select)
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda name: modules.widgets[name])
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_args, **_options: True)
    yield
    for widget in modules.widgets.values():
        widget.cleanup()


@pytest.mark.parametrize(("module", "name"), [one for one in TESTS if one[1] not in NEEDS_THE_APPLICATION])
def test_as_far_as_the_stand_in_goes(module: str, name: str, application: None) -> None:
    result = unittest.TestResult()
    CASES[module](name).run(result)
    assert not result.errors + result.failures, "\n".join(text for _, text in result.errors + result.failures)


def test_the_application_runs_what_the_stand_in_cannot() -> None:
    assert {name for _module, name in TESTS} >= NEEDS_THE_APPLICATION
