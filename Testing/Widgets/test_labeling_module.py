"""The module as Slicer loads it."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import slicer

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE


def test_the_module_describes_itself_and_offers_a_practice_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Any
) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    offered: list[dict[str, Any]] = []
    logic = types.SimpleNamespace(registerCustomSampleDataSource=lambda **source: offered.append(source))
    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=logic))
    module = importlib.import_module("AnnotationQA")
    parent = slicer.qSlicerScriptedLoadableModule()
    module.AnnotationQA(parent)
    assert parent.title == "Annotation QA"
    assert tuple(parent.categories) == ("Annotation QA",)
    assert "tutorial" in parent.helpText
    module.register_sample_data()
    assert [source["sampleName"] for source in offered] == ["LungNodulePractice"]
    assert Path(offered[0]["thumbnailFileName"]).is_file()


def test_the_widget_lives_and_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Any) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    module = importlib.import_module("AnnotationQA")
    widget = module.AnnotationQAWidget()
    panel = widget.panel
    widget.enter()
    assert panel.ui.projectButton.visible
    assert not panel.ui.caseButton.visible
    scene.Clear(False)
    widget.exit()
    widget.cleanup()
    assert widget.panel is None
    panel.tick()  # a last tick of the timer does no harm
