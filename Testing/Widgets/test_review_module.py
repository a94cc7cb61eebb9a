"""The module as Slicer loads it, what Sample Data offers, and the page for reviewers."""

from __future__ import annotations

import importlib
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import review_studies as studies
import slicer

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.state import Action
from AnnotationQACore.review.kinds import Kind
from AnnotationQALib.review.widgets import review_keys as keys
from AnnotationQALib.review.widgets import samples

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_module_describes_itself_and_offers_samples(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Any
) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    offered: list[dict[str, Any]] = []
    logic = types.SimpleNamespace(registerCustomSampleDataSource=lambda **source: offered.append(source))
    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=logic))
    module = importlib.import_module("ConsensusReview")
    parent = slicer.qSlicerScriptedLoadableModule()
    module.ConsensusReview(parent)
    assert parent.title == "Consensus Review"
    assert tuple(parent.categories) == ("Annotation QA",)
    module.register_sample_data()
    assert [source["sampleName"] for source in offered] == ["CompareThreeReaders", "ReviewPractice"]
    assert Path(offered[0]["thumbnailFileName"]).is_file()


def test_the_widget_lives_and_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Any) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    module = importlib.import_module("ConsensusReview")
    widget = module.ConsensusReviewWidget()
    panel = widget.panel
    widget.enter()
    assert not panel.compare.ui.compareNowButton.enabled
    scene.Clear(False)
    widget.exit()
    widget.cleanup()
    assert widget.panel is None
    panel.tick()  # a last tick of the timer does no harm


def test_the_example_of_sample_data_is_compared_at_once(monkeypatch: pytest.MonkeyPatch, scene: Any) -> None:
    panel = studies.make_panel()
    monkeypatch.setattr(slicer.util, "selectModule", lambda _name: None)
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda _name: types.SimpleNamespace(panel=panel))
    samples.open_example()
    studies.settle(panel)
    assert panel.desk.walk.ui.walkTable.rowCount > 5
    panel.cleanup()


def test_a_practice_project_is_made_anew_when_all_is_decided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    identity = create_identity("practice")
    first = samples.review_practice_folder(identity, tmp_path / "root")
    assert samples.review_practice_folder(identity, tmp_path / "root") == first
    from AnnotationQACore.project.folder import Project

    project = Project.open(first, identity)
    for case in project.state.cases:
        reading = project.state.latest_readings(case)[0]
        project.decide(case, Action.ACCEPT, [reading.id], reason="done")
    project.close()
    assert samples.review_practice_folder(identity, tmp_path / "root") != first


@pytest.fixture(scope="module")
def page() -> str:
    return (REPOSITORY / "Documentation" / "review.md").read_text(encoding="utf-8")


def test_the_page_names_every_key_and_kind(page: str) -> None:
    for key in (keys.NEXT, keys.PREVIOUS, keys.STYLE, keys.CLOSER, keys.HEAT, keys.NEXT_CASE, keys.SIGN_OFF,
                keys.TAKE[0], keys.CONSENSUS):  # fmt: skip
        assert f"`{key}`" in page, key
    for kind in Kind:
        assert kind.value in page, kind


def test_the_pictures_of_the_page_are_there(page: str) -> None:
    pictures = re.findall(r"\]\((\.\./Resources/Screenshots/[^)]+)\)", page)
    assert len(pictures) >= 6
    for picture in pictures:
        assert (REPOSITORY / "Documentation" / picture).is_file(), picture


def test_no_key_is_one_of_the_segment_editor_or_of_slicers_menus() -> None:
    taken = {"1", "2", "3", "P", "E", "S", "D", "Ctrl+1", "Ctrl+3", "Ctrl+0", "Ctrl+S", "Ctrl+O", "Ctrl+W", "Ctrl+F"}
    used = {keys.NEXT, keys.PREVIOUS, keys.STYLE, keys.CLOSER, keys.HEAT, keys.NEXT_CASE, keys.SIGN_OFF, *keys.TAKE}
    assert not taken & used
    assert len(used) == 7 + len(keys.TAKE)
