"""What is drawn by points, what was deleted, and what is started from, by clicks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer
from labeling_studies import Clock, make_panel, make_study, paint, pause, rows, sign_in

from AnnotationQACore.project.answers import Answer, LandmarksValue, Presence, RatingValue
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, load_identity
from AnnotationQACore.project.readings import Reading
from AnnotationQALib.logic.form import ItemState
from AnnotationQALib.widgets.labeling_panel import LabelingPanel
from pythonqt.application import process


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slicer_app: Any, clock: Clock) -> Iterator[LabelingPanel]:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    made = make_panel(clock)
    made.widget.show()
    made.enter()
    yield made
    made.cleanup()


def open_case(panel: LabelingPanel, root: Path, protocol: str) -> Any:
    sign_in(panel, make_study(root, protocol, ("case-1",)))
    panel.worklist.ui.nextButton.click()
    assert panel.session is not None
    return panel.session.case


def select(panel: LabelingPanel, item: str) -> Any:
    entry = next(entry for entry in panel.case.form.entries if entry.item.id == item)
    assert panel.case.select(entry.key)
    return entry


def interaction_mode() -> int:
    return int(slicer.app.applicationLogic().GetInteractionNode().GetCurrentInteractionMode())


def test_landmarks_are_placed_in_their_order(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "vertebra_landmarks")
    entry = select(panel, "vertebral_bodies")
    controls = panel.case.page.markups
    assert controls.placeButton.text == "Place C1"
    controls.placeButton.click()
    assert interaction_mode() == slicer.vtkMRMLInteractionNode.Place
    node = case.editor.drawing.nodes(entry.key)[0]
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlaceNodeID() == node.GetID()
    node.SetNthControlPointPosition(0, 1.0, 2.0, 3.0)
    panel.tick()
    assert controls.placeButton.text == "Place C2"
    panel.case.page.next_not_visible()
    panel.tick()
    value = case.editor.value(entry.key)
    assert isinstance(value, LandmarksValue)
    assert [(mark.name, mark.position is None) for mark in value.landmarks] == [("c1", False), ("c2", True)]
    assert controls.placeButton.text == "Place C3"
    assert rows(panel)["Vertebral bodies"] == "2 of 25 points"
    assert panel.case.form.entry(entry.key).state == ItemState.TO_DO  # not before each was looked for
    controls.points.setCurrentItem(controls.points.topLevelItem(1))
    controls.againButton.click()
    assert controls.placeButton.text == "Place C2"
    panel.exit()
    assert interaction_mode() == slicer.vtkMRMLInteractionNode.ViewTransform


def test_a_box_is_placed_and_erased(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "vertebra_landmarks")
    select(panel, "fractured_vertebra")
    panel.case.page._instance.addButton.click()
    key = panel.case.page.entry.key
    assert key.instance == 1
    assert "Level" in rows(panel)
    panel.case.page.markups.placeButton.click()
    node = case.editor.drawing.nodes(key)[0]
    assert node.IsA("vtkMRMLMarkupsROINode")
    node.SetCenter(0.0, 0.0, 0.0)
    node.SetSize(10.0, 10.0, 10.0)
    panel.tick()
    assert rows(panel)["Fractured vertebra 1"] == "Drawn"
    panel.case.page.markups.eraseButton.click()
    panel.tick()
    assert rows(panel)["Fractured vertebra 1"] == ""
    panel.case.page._instance.removeButton.click()
    panel.tick()
    assert "Fractured vertebra 1" not in rows(panel)
    assert "Level" not in rows(panel)


def test_the_named_frame_is_chosen(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "left_ventricle_cine_mr")
    entry = select(panel, "lv_cavity_ed")
    panel.case.page._frame.chooseButton.click()
    panel.tick()
    assert case.editor.frame_of(entry.item) == 1
    assert "frame 1" in panel.case.page._frame._label.text


def test_a_segment_deleted_elsewhere_is_restored(panel: LabelingPanel, tmp_path: Path, clock: Clock) -> None:
    case = open_case(panel, tmp_path, "lung_nodule_ct")
    panel.case.page._instance.addButton.click()
    node = case.editor.segmentation_node
    paint(node, "nodule#1", (slice(4, 8), slice(10, 20), slice(10, 22)))
    pause(panel, clock)
    node.GetSegmentation().RemoveSegment("nodule#1")
    panel.tick()
    page = panel.case.page
    assert "was deleted" in page.ui.problemLabel.text
    assert not page.segment_editor.is_shown
    page._deleted.restoreButton.click()
    pause(panel, clock)
    assert node.GetSegmentation().GetSegment("nodule#1") is not None
    assert "0.77" in page.ui.readoutLabel.text
    assert page.segment_editor.is_shown


def test_removing_what_was_drawn_asks_first(
    panel: LabelingPanel, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_case(panel, tmp_path, "lung_nodule_ct")
    panel.case.page._instance.addButton.click()
    paint(panel.session.case.editor.segmentation_node, "nodule#1", (slice(4, 8), slice(10, 20), slice(10, 22)))
    pause(panel, clock)
    answers = iter([False, True])
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *a, **k: next(answers))
    panel.case.page._instance.removeButton.click()
    panel.tick()
    assert "Nodule 1" in rows(panel)
    panel.case.page._instance.removeButton.click()
    panel.tick()
    assert "Nodule 1" not in rows(panel)


def test_flags_comments_and_windows(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "lung_nodule_ct")
    panel.case._flags["poor quality"].trigger()
    panel.tick()
    assert case.editor.flags == ("poor quality",)
    assert panel.case.ui.flagButton.text == "Flagged: 1"
    before = panel.case.ui.windowCombo.currentText
    panel.images.next_window()
    assert panel.case.ui.windowCombo.currentText != before
    display = case.images.node("ct").GetDisplayNode()
    window = next(w for w in case.protocol.windows if w.title == panel.case.ui.windowCombo.currentText)
    assert display.GetLevel() == pytest.approx(window.center)
    assert panel.case.page._presence.buttons[Presence.ABSENT].toolTip


def test_the_view_stays_while_items_share_it_and_scrolling_is_work(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "lung_nodule_ct")
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    red.JumpSliceByCentering(3.0, 4.0, 5.0)
    place = red.GetSliceToRAS().GetElement(2, 3)
    select(panel, "comment")
    assert red.GetSliceToRAS().GetElement(2, 3) == place
    acts: list[int] = []
    case.activity.act = lambda item=None: acts.append(1)
    red.JumpSliceByCentering(3.0, 4.0, 6.0)
    assert acts
    panel.cases.close()
    acts.clear()
    red.JumpSliceByCentering(3.0, 4.0, 7.0)
    assert not acts


def test_a_project_out_of_reach_is_told_and_nothing_is_lost(panel: LabelingPanel, tmp_path: Path, clock: Clock) -> None:
    open_case(panel, tmp_path, "lung_nodule_ct")
    (tmp_path / "project").rename(tmp_path / "away")
    panel.case.page._presence.buttons[Presence.UNCERTAIN].click()
    pause(panel, clock)
    assert "kept on this computer" in panel.ui.messageLabel.text
    assert "Kept on this computer" in panel.case.ui.savedLabel.text
    panel.submission.submit()
    assert panel.session.case is not None  # nothing is submitted, nothing is lost
    (tmp_path / "away").rename(tmp_path / "project")
    pause(panel, clock, 20.0)
    assert "Draft saved" in panel.case.ui.savedLabel.text


def test_a_case_is_started_from_the_reading_of_a_model(
    panel: LabelingPanel, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_study(tmp_path, "brain_tumour_mr", ("case-1",))
    lead = Project.open(project, load_identity("lead"))
    answer = Answer("image_quality", RatingValue(2))
    lead.submit_reading(Reading("case-1", "model:net", 1, 1, lead.state.protocol, (answer,)))
    sign_in(panel, project)
    panel.worklist.ui.nextButton.click()
    button = panel.case.ui.startFromButton
    assert button.isVisibleTo(panel.case.widget)
    asked: list[str] = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, *a, **k: asked.append(text) or True)
    panel.case.start_menu.menu.actions()[0].trigger()
    assert "Start from 'Model net'" in asked[0]
    panel.tick()
    assert rows(panel)["Image quality"].startswith("2")


def test_with_threads_and_timers_as_in_the_application(tmp_path: Path, panel: LabelingPanel, clock: Clock) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1", "case-2"))
    threaded = make_panel(clock, at_once=False)
    threaded.widget.show()
    sign_in(threaded, project)
    threaded.worklist.ui.nextButton.click()
    process(lambda: threaded.session.case is not None)
    threaded.case.page._instance.addButton.click()
    node = threaded.session.case.editor.segmentation_node
    paint(node, "nodule#1", (slice(4, 8), slice(10, 20), slice(10, 22)))
    clock.now += 5
    process(lambda: "0.77" in threaded.case.page.ui.readoutLabel.text)
    process(lambda: "Draft saved" in threaded.case.ui.savedLabel.text)
    process(lambda: threaded.session.is_preloaded)
    threaded.cases.open_next()
    process(lambda: threaded.session.case is not None and threaded.session.case.case_id == "case-2")
    assert not slicer.mrmlScene.IsNodePresent(node)
    threaded.cleanup()


def test_every_button_and_field_has_a_tooltip(panel: LabelingPanel, tmp_path: Path) -> None:
    open_case(panel, tmp_path, "vertebra_landmarks")
    select(panel, "vertebral_bodies")
    kinds = ("QPushButton", "QToolButton", "QComboBox", "QLineEdit", "QTableWidget", "QTreeWidget", "QSpinBox")
    for ui in (
        panel.ui, panel.sign_in.ui, panel.worklist.ui, panel.case.ui, panel.case.page.ui, panel.checks.ui, panel.lead.ui
    ):  # fmt: skip
        for name, child in vars(ui).items():
            if child.className() in kinds and not name.startswith(("qt_", "Scroll")):  # parts that Qt makes
                assert child.toolTip, name
