"""Cine and multi-frame series, X-rays, single slices, volume rendering, linked views and undo, by clicks and keys."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import slicer
from labeling_images import write_frames, write_picture, write_time_points
from labeling_studies import Clock, make_panel, make_study, paint, pause, rows, sign_in
from labeling_study import EVERYTHING

from AnnotationQACore.project.answers import Presence
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol, Rating, Scope, StudyDesign
from AnnotationQALib.widgets.labeling_panel import LabelingPanel
from AnnotationQALib.widgets.model_modules import KNOWN
from AnnotationQALib.widgets.views import show_volume_rendering
from pythonqt.wrapping import native_of


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


def open_case(panel: LabelingPanel, root: Path, protocol: Protocol | str, write: Callable[..., Path] | None) -> Any:
    sign_in(panel, make_study(root, protocol, ("case-1",), write))
    panel.worklist.ui.nextButton.click()
    assert panel.session is not None, panel.ui.messageLabel.text
    assert panel.session.case is not None, panel.ui.messageLabel.text
    return panel.session.case


@pytest.fixture
def sequences(slicer_app: Any) -> Any:
    """The logic of the module Sequences, which makes its nodes known to the scene."""
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    return logic


def test_a_cine_is_played_stepped_and_stopped(panel: LabelingPanel, tmp_path: Path, sequences: Any) -> None:
    case = open_case(panel, tmp_path, "left_ventricle_cine_mr", write_time_points)
    role = case.protocol.imaging.reference_series
    browser = case.images.browser(role)
    assert panel.case.cine.is_shown
    assert panel.case.ui.cinePlace.visible
    panel.case.cine.step(True)
    sequences.UpdateAllProxyNodes()
    assert case.images.frame(role) == 2
    assert case.images.node(role).GetImageData().GetScalarRange() == (2.0, 2.0)
    panel.case.cine.step(False)
    panel.case.cine.play_or_pause()
    assert browser.GetPlaybackActive()
    assert browser.GetPlaybackRateFps() == pytest.approx(25.0)  # as it was acquired
    assert native_of(panel.case.cine._play).recordingControlsVisible is False
    native_of(panel.case.cine._seek).slider().setValue(3)
    assert case.images.frame(role) == 4
    entry = next(e for e in panel.case.form.entries if e.item.id == "lv_cavity_ed")
    panel.case.select(entry.key)
    panel.case.page._frame.chooseButton.click()
    panel.tick()
    assert case.editor.frame_of(entry.item) == 4
    panel.exit()
    assert not browser.GetPlaybackActive()  # nothing plays on in another module
    panel.enter()
    panel.cases.close()
    assert not panel.case.ui.cinePlace.visible


def test_frames_of_an_x_ray_are_a_cine(panel: LabelingPanel, tmp_path: Path, sequences: Any) -> None:
    case = open_case(panel, tmp_path, "chest_xray_findings", write_frames)
    role = case.images.roles[0]
    assert case.images.frame_count(role) == 4
    assert panel.case.cine.is_shown
    panel.case.cine.step(True)
    assert case.images.frame(role) == 2
    assert case.images.plane(role) is not None  # pixels, no place in the patient


def test_one_x_ray_has_no_cine_and_lies_upright(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "chest_xray_findings", write_picture)
    assert not panel.case.cine.is_shown
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    matrix = red.GetSliceToRAS()
    assert [matrix.GetElement(row, 0) for row in range(3)] == pytest.approx([-1.0, 0.0, 0.0])
    assert [matrix.GetElement(row, 1) for row in range(3)] == pytest.approx([0.0, 1.0, 0.0])
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == case.images.node(case.images.roles[0]).GetID()


def test_items_of_single_images_are_asked_about_the_slice_shown(panel: LabelingPanel, tmp_path: Path) -> None:
    source = next(item for item in EVERYTHING.items if isinstance(item, Rating))
    motion = replace(source, id="motion", title="Motion", scope=Scope(level="image"))
    case = open_case(panel, tmp_path, replace(EVERYTHING, items=(motion,)), None)
    assert panel.case.ui.imagesFrame.visible
    assert not panel.case.form.entries
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    red.JumpSliceByCentering(0.0, 0.0, -15.0 + 2.5 * 4)
    panel.case.ui.askImageButton.click()
    red.JumpSliceByCentering(0.0, 0.0, -15.0 + 2.5 * 7)
    panel.case.ui.askImageButton.click()
    assert [entry.key.subject.frame for entry in panel.case.form.entries] == [5, 8]
    assert panel.case.page.entry.key.subject.frame == 8
    panel.case.page.press("2")
    assert case.editor.value(panel.case.page.entry.key).level == 2
    panel.case.ui.forgetImageButton.click()
    assert [entry.key.subject.frame for entry in panel.case.form.entries] == [5]
    red.JumpSliceByCentering(0.0, 0.0, 500.0)
    panel.case.ui.askImageButton.click()
    assert "scroll to one" in panel.ui.messageLabel.text


def test_answers_are_undone_and_given_again(panel: LabelingPanel, tmp_path: Path) -> None:
    case = open_case(panel, tmp_path, "lung_nodule_ct", None)
    assert not panel.case.ui.undoButton.enabled
    panel.case.page._presence.buttons[Presence.ABSENT].click()
    panel.tick()
    assert rows(panel)["Nodule"] == "Absent"
    panel.case.ui.undoButton.click()
    assert rows(panel)["Nodule"] == ""
    assert panel.case.page.entry.key.item == "nodule"
    panel.case.ui.redoButton.click()
    assert rows(panel)["Nodule"] == "Absent"
    panel.case.select(next(e.key for e in panel.case.form.entries if e.item.id == "comment"))
    for text in ("w", "we", "well"):
        panel.case.page._written(text)
    panel.cases.undo()
    assert case.editor.value(panel.case.page.entry.key) is None or panel.case.page.entry.key.item != "comment"
    assert not panel.case.ui.redoButton.enabled or case.editor.can_redo


def test_strokes_are_undone_by_the_segment_editor(panel: LabelingPanel, tmp_path: Path) -> None:
    open_case(panel, tmp_path, "lung_nodule_ct", None)
    panel.case.page._instance.addButton.click()
    editor = panel.case.page.segment_editor.editor
    assert editor.undoEnabled
    assert editor.maximumNumberOfUndoStates == 10


def test_volume_rendering_by_the_preset_leaves_with_the_case(
    panel: LabelingPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slicer_app: Any
) -> None:
    made = slicer.vtkMRMLVolumePropertyNode()
    made.GetVolumeProperty().SetShade(True)
    logic = types.SimpleNamespace()
    real = slicer.vtkSlicerVolumeRenderingLogic()
    real.SetMRMLApplicationLogic(slicer_app.applicationLogic())
    real.SetMRMLScene(slicer.mrmlScene)
    logic.GetPresetByName = lambda name: made if name == "CT-Lung" else None  # the wheel has no presets on disk
    logic.GetFirstVolumeRenderingDisplayNode = real.GetFirstVolumeRenderingDisplayNode
    logic.CreateDefaultVolumeRenderingNodes = real.CreateDefaultVolumeRenderingNodes
    monkeypatch.setattr(slicer.modules, "volumerendering", types.SimpleNamespace(logic=lambda: logic), raising=False)
    case = open_case(panel, tmp_path, "lung_nodule_ct", None)
    volume = case.images.node("ct")
    before = slicer.mrmlScene.GetNumberOfNodes()
    assert show_volume_rendering(volume, "CT-Lung")
    assert show_volume_rendering(volume, "CT-Lung")  # once more changes nothing
    display = real.GetFirstVolumeRenderingDisplayNode(volume)
    assert display.GetVisibility()
    assert display.GetVolumePropertyNode().GetVolumeProperty().GetShade()
    assert slicer.mrmlScene.GetNumberOfNodes() > before
    assert not show_volume_rendering(volume, "No such preset")
    panel.cases.close()
    for kind in ("vtkMRMLVolumeRenderingDisplayNode", "vtkMRMLVolumePropertyNode", "vtkMRMLMarkupsROINode"):
        assert slicer.mrmlScene.GetNumberOfNodesByClass(kind) == 0, kind


def test_the_panel_leaves_the_link_of_the_views_as_it_is(panel: LabelingPanel, tmp_path: Path) -> None:
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        manager.sliceWidget(name).mrmlSliceCompositeNode().SetLinkedControl(True)
    case = open_case(panel, tmp_path, "lung_nodule_ct", None)
    composites = [manager.sliceWidget(name).mrmlSliceCompositeNode() for name in manager.sliceViewNames()]
    assert all(composite.GetLinkedControl() for composite in composites)
    ids = {composite.GetBackgroundVolumeID() for composite in composites}
    assert ids == {case.images.node("ct").GetID()}  # all views show the same, so that linking has nothing to mend
    orientations = [manager.sliceWidget(name).mrmlSliceNode().GetOrientation() for name in ("Red", "Yellow", "Green")]
    assert orientations == ["Axial", "Sagittal", "Coronal"]


@pytest.fixture
def with_models() -> Protocol:
    protocol = load_shipped("lung_nodule_ct")
    blinding = replace(protocol.design.blinding, model_results=False)
    return replace(protocol, design=replace(protocol.design, start_from=("model",), blinding=blinding))


def test_a_model_of_an_extension_is_offered_and_its_result_taken_over(
    panel: LabelingPanel,
    tmp_path: Path,
    clock: Clock,
    with_models: Protocol,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slicer.modules, "totalsegmentator", object(), raising=False)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)
    opened: list[Any] = []
    monkeypatch.setattr(
        "AnnotationQALib.widgets.start_controller.open_model", lambda model, volume: opened.append((model, volume))
    )
    case = open_case(panel, tmp_path, with_models, None)
    assert panel.case.ui.startFromButton.isVisibleTo(panel.case.widget)
    panel.case.page._presence.buttons[Presence.UNCERTAIN].click()
    actions = panel.case.start_menu.menu.actions()
    assert [action.text for action in actions] == ["Open TotalSegmentator..."]
    actions[0].trigger()
    assert opened == [(KNOWN[0], case.images.node("ct"))]

    result = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "CT segmentation")
    result.CreateDefaultDisplayNodes()
    for name in ("Nodule", "nodule", "heart"):
        result.GetSegmentation().AddEmptySegment(name, name)
    paint(result, "Nodule", (slice(2, 4), slice(5, 10), slice(5, 10)))
    paint(result, "nodule", (slice(6, 8), slice(20, 30), slice(5, 10)))
    paint(result, "heart", (slice(6, 8), slice(30, 35), slice(15, 20)))
    panel.case.start_menu.fill()
    panel.case.start_menu.menu.actions()[0].trigger()
    pause(panel, clock)
    assert "heart" in panel.ui.messageLabel.text
    assert {"Nodule 1", "Nodule 2"} <= set(rows(panel))
    node = case.editor.segmentation_node
    paint(node, "nodule#1", (slice(2, 4), slice(5, 10), slice(5, 9)))  # ten voxels less
    snapshot = case.editor.snapshot()
    reading = snapshot.complete(case.sources).reading
    assert reading.started_from.reading == "model:TotalSegmentator"
    assert reading.started_from.changed_voxels == 10
    panel.cases.close()
    panel.worklist.ui.nextButton.click()  # another day: what it was started from is still known
    again = panel.session.case.editor.snapshot().complete(panel.session.case.sources).reading
    assert again.started_from == reading.started_from


def test_a_segmentation_without_a_segment_of_the_protocol_is_refused(
    panel: LabelingPanel, tmp_path: Path, with_models: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)
    case = open_case(panel, tmp_path, with_models, None)
    result = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "other")
    result.GetSegmentation().AddEmptySegment("heart", "heart")
    paint(result, "heart", (slice(6, 8), slice(30, 35), slice(15, 20)))
    panel.starting.start_from_node(result)
    assert "is called as the protocol says (Nodule)" in panel.ui.messageLabel.text
    assert case.editor.started_from is None


def test_without_leave_of_the_protocol_nothing_is_offered(panel: LabelingPanel, tmp_path: Path) -> None:
    protocol = load_shipped("lung_nodule_ct")
    design: StudyDesign = replace(protocol.design, start_from=())
    open_case(panel, tmp_path, replace(protocol, design=design), None)
    assert not panel.case.ui.startFromButton.isVisibleTo(panel.case.widget)
