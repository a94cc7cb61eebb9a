"""A whole reading by clicks and keys, on a project on disk and a real scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import qt
import slicer
from labeling_studies import (
    Clock,
    answers_of,
    make_study,
    name_of,
    paint,
    pause,
    rows,
    shown_panels,
    sign_in,
)
from labeling_study import WhenTold
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from AnnotationQACore.project.answers import (
    ChoiceValue,
    NotApplicable,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    TextValue,
)
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, load_identity
from AnnotationQACore.project.state import Action
from AnnotationQALib.widgets.labeling_panel import LabelingPanel
from pythonqt.application import process
from pythonqt.wrapping import native_of


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def panels(clock: Clock, slicer_app: Any) -> Iterator[Callable[..., LabelingPanel]]:
    with shown_panels(clock) as make:
        yield make


def key(panel: LabelingPanel, *keys: Any) -> None:
    """Press keys on the widget that has the keyboard."""
    panel.widget.activateWindow()
    process(lambda: panel.widget.isActiveWindow)
    for one in keys:
        QTest.keyClick(native_of(qt.QApplication.focusWidget() or panel.widget), one)


def message(panel: LabelingPanel) -> str:
    return str(panel.ui.messageLabel.text) if panel.ui.messageFrame.visible else ""


def item(panel: LabelingPanel) -> str:
    entry = panel.case.page.entry
    return entry.key.item if entry is not None else ""


def open_first_case(panel: LabelingPanel, project: Path) -> None:
    sign_in(panel, project)
    assert not message(panel), message(panel)
    panel.worklist.ui.nextButton.click()
    assert panel.session is not None
    assert panel.session.case is not None


def submit_with_reasons(panel: LabelingPanel) -> None:
    """Submit; give a reason for every warning, as the panel asks for."""
    panel.checks.ui.submitButton.click()
    for row in range(panel.checks.ui.problemsTable.rowCount):
        if panel.session.case is None:
            return
        panel.checks.ui.problemsTable.selectRow(row)
        assert panel.checks.ui.reasonRow.visible
        QTest.keyClicks(native_of(panel.checks.ui.reasonEdit), "looked twice")
    if panel.session.case is not None:
        panel.checks.ui.submitButton.click()


def test_a_chest_x_ray_is_read_by_keys_alone(tmp_path: Path, panels: Callable[[], LabelingPanel], clock: Clock) -> None:
    project = make_study(tmp_path, "chest_xray_findings", ("case-1", "case-2"))
    panel = panels()
    sign_in(panel, project)
    key(panel, Qt.Key.Key_F9)
    assert panel.ui.caseButton.text == f"Case {name_of(panel, 'case-1')}"
    assert item(panel) == "projection"
    key(panel, Qt.Key.Key_1)
    assert item(panel) == "image_quality"
    key(panel, Qt.Key.Key_3)
    assert item(panel) == "lung_opacity"
    assert "Consolidation" not in rows(panel)
    key(panel, Qt.Key.Key_1)
    assert "Consolidation" in rows(panel)
    assert item(panel) == "consolidation"  # what the answer has brought up comes next
    before = ""
    while item(panel) != before:
        before = item(panel)
        key(panel, Qt.Key.Key_2)
    pause(panel, clock)
    key(panel, Qt.Key.Key_F8)
    assert "No problems" in panel.checks.ui.summaryLabel.text, [p.message for p in panel.checks._problems]
    QTest.keyClick(native_of(panel.widget), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert message(panel) == f"Case {name_of(panel, 'case-1')} is submitted."
    answers = answers_of(project, "case-1")
    assert answers["lung_opacity"] == PresenceValue(Presence.PRESENT)
    assert answers["consolidation"] == PresenceValue(Presence.ABSENT)
    assert answers["image_quality"] == RatingValue(3)
    assert answers["pleural_effusion_side"] == NotApplicable()
    assert isinstance(answers["projection"], ChoiceValue)
    key(panel, Qt.Key.Key_F9)
    assert panel.ui.caseButton.text == f"Case {name_of(panel, 'case-2')}"


def test_a_nodule_is_drawn_rated_and_submitted(
    tmp_path: Path, panels: Callable[[], LabelingPanel], clock: Clock
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    panel = panels()
    open_first_case(panel, project)
    page = panel.case.page
    assert item(panel) == "nodule"
    page._instance.addButton.click()
    assert page.entry.title == "Nodule 1"
    editor = page.segment_editor.editor
    assert editor.currentSegmentID() == "nodule#1"
    assert editor.sourceVolumeNode() is panel.session.case.images.node("ct")
    assert native_of(editor).shortcutsInstalled
    paint(panel.session.case.editor.segmentation_node, "nodule#1", (slice(4, 8), slice(10, 20), slice(10, 22)))
    pause(panel, clock)
    assert "volume" in page.ui.readoutLabel.text
    assert "0.77" in page.ui.readoutLabel.text  # 4 x 10 x 12 voxels of 1.6 mm³
    assert "Draft saved" in panel.case.ui.savedLabel.text
    key(panel, Qt.Key.Key_F6)
    assert item(panel) == "subtlety"
    assert not native_of(editor).shortcutsInstalled  # the digits answer now
    answered = []
    for _ in range(12):
        if page.digits:
            answered.append(item(panel))
            key(panel, Qt.Key.Key_1)
            panel.tick()
    assert answered[:3] == ["subtlety", "internal_structure", "calcification"]
    assert panel.case.select(next(e.key for e in panel.case.form.entries if e.item.id == "comment"))
    QTest.keyClicks(native_of(page._editor.edit), "well seen")
    submit_with_reasons(panel)
    assert message(panel) == f"Case {name_of(panel, 'case-1')} is submitted."
    answers = answers_of(project, "case-1")
    assert answers["nodule1"] == SegmentationValue(Presence.PRESENT)
    assert answers["subtlety1"] == RatingValue(1)
    assert answers["comment"] == TextValue("well seen")
    assert answers["nodule_volume1"].value == pytest.approx(0.768)
    assert "All your cases are read" in panel.worklist.ui.nextButton.toolTip


def test_absent_is_one_click_and_required_items_hinder(
    tmp_path: Path, panels: Callable[[], LabelingPanel], clock: Clock
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    panel = panels()
    open_first_case(panel, project)
    panel.checks.ui.submitButton.click()
    assert "cannot be submitted" in message(panel)
    assert panel.checks.ui.problemsTable.rowCount == 1
    panel.checks.ui.problemsTable.cellClicked(0, 0)
    assert item(panel) == "nodule"
    panel.case.page._presence.buttons[Presence.ABSENT].click()
    assert rows(panel)["Nodule"] in ("", "Absent")
    panel.tick()
    assert rows(panel)["Nodule"] == "Absent"
    submit_with_reasons(panel)
    assert message(panel) == f"Case {name_of(panel, 'case-1')} is submitted."
    assert answers_of(project, "case-1")["nodule"] == SegmentationValue(Presence.ABSENT)


def test_the_worklist_is_searched_sorted_and_keeps_its_selection(
    tmp_path: Path, panels: Callable[[], LabelingPanel]
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1", "case-2", "other"))
    panel = panels()
    sign_in(panel, project)
    table = panel.worklist.ui.table
    panel.worklist.ui.searchBox.text = name_of(panel, "case-2").lower()
    assert table.rowCount == 1
    panel.worklist.ui.searchBox.text = ""
    table.selectRow(2)
    panel.projects.refresh()
    assert table.item(table.currentRow(), 1).text() == name_of(panel, "other")
    table.sortItems(1, qt.Qt.DescendingOrder)
    assert table.item(table.currentRow(), 1).text() == name_of(panel, "other")
    panel.worklist.ui.openButton.click()
    assert panel.session.case.case_id == "other"  # the row that was chosen, however it is sorted
    panel.case.ui.closeCaseButton.click()
    panel.worklist.ui.filterCombo.currentIndex = panel.worklist.ui.filterCombo.findData("draft")
    assert panel.session.case is None


def test_a_case_sent_back_shows_the_comments(tmp_path: Path, panels: Callable[[], LabelingPanel], clock: Clock) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    panel = panels()
    open_first_case(panel, project)
    panel.case.page._presence.buttons[Presence.ABSENT].click()
    submit_with_reasons(panel)
    review = Project.open(project, load_identity("lead"))
    review.change_member("lead", "Lead", ["lead", "reviewer"])
    reading = review.state.latest_readings("case-1")[0]
    comments = [{"text": "there is one here", "item": "nodule", "position": [0.0, 0.0, 0.0]}]
    review.decide("case-1", Action.SEND_BACK, [reading.id], comments=comments, reason="missed")
    panel.session.refresh()
    panel.projects.refresh()
    assert panel.worklist.ui.table.item(0, 2).text() == "Sent back"
    assert "1 sent back" in panel.sign_in.ui.progressLabel.text
    panel.worklist.ui.table.selectRow(0)
    panel.worklist.ui.openButton.click()
    assert panel.case.ui.commentsFrame.visible
    assert "there is one here" in panel.case.ui.commentsLabel.text
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    assert item(panel) == "nodule"  # the first comment, at once
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(0.0)
    red.JumpSliceByCentering(0.0, 0.0, -10.0)
    panel.case.select(panel.case.form.entries[-1].key)
    panel.case.ui.commentsLabel.linkActivated("0")
    assert item(panel) == "nodule"
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(0.0)
    assert rows(panel)["Nodule"] == "Absent"  # the former answer, as a new revision


def test_the_draft_is_there_after_the_scene_was_closed(
    tmp_path: Path, panels: Callable[[], LabelingPanel], clock: Clock
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    panel = panels()
    open_first_case(panel, project)
    panel.case.page._instance.addButton.click()
    paint(panel.session.case.editor.segmentation_node, "nodule#1", (slice(4, 8), slice(10, 20), slice(10, 22)))
    panel.scene_closes()
    slicer.mrmlScene.Clear(False)
    assert "draft is saved" in message(panel)
    assert panel.session.case is None
    panel.worklist.ui.nextButton.click()
    assert "draft was resumed" in message(panel)
    pause(panel, clock)
    assert rows(panel)["Nodule 1"] == "Present"


def test_leaving_the_module_leaves_nothing_in_the_views(
    tmp_path: Path, panels: Callable[[], LabelingPanel], clock: Clock
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    panel = panels()
    open_first_case(panel, project)
    panel.case.page._instance.addButton.click()
    editor = panel.case.page.segment_editor.editor
    editor.setActiveEffectByName("Paint")
    panel.exit()
    assert native_of(editor)._effect == ""
    assert not native_of(editor).shortcutsInstalled
    assert not native_of(editor).viewsObserved
    key(panel, Qt.Key.Key_F8)
    assert panel.checks.ui.problemsTable.rowCount == 0  # our keys are off
    panel.enter()
    assert native_of(editor).shortcutsInstalled


@pytest.mark.parametrize(
    ("folder", "line"),
    [("nowhere", "is not a project"), ("project/images", "is not a project")],
)
def test_a_wrong_folder_is_one_clear_line(
    tmp_path: Path, panels: Callable[[], LabelingPanel], folder: str, line: str
) -> None:
    make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    panel = panels()
    sign_in(panel, tmp_path / folder)
    assert line in message(panel)
    assert panel.session is None
    assert panel.sign_in.ui.signInPage.visible
    panel.ui.messageButton.click()
    assert not message(panel)


def test_images_that_were_changed_are_one_clear_line(tmp_path: Path, panels: Callable[[], LabelingPanel]) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    path = tmp_path / "images" / "case-1" / "ct.nrrd"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    panel = panels()
    sign_in(panel, project)
    panel.worklist.ui.nextButton.click()
    assert "are not those that were added" in message(panel)
    assert str(tmp_path) not in panel.ui.messageLabel.text
    assert "case-1" not in message(panel)  # repeats and gold cases would be known by it
    assert name_of(panel, "case-1") in message(panel)
    assert panel.session.case is None
    assert panel.worklist.widget.visible


def test_opening_is_shown_and_cancelled_and_the_open_case_stays(
    tmp_path: Path, panels: Callable[..., LabelingPanel], clock: Clock
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1", "case-2"))
    worker = WhenTold(at_once=True)
    panel = panels(worker)
    open_first_case(panel, project)
    first = panel.session.case
    worker.at_once = False
    panel.cases.open_next()
    assert panel.ui.busyFrame.visible
    assert name_of(panel, "case-2") in panel.ui.busyLabel.text
    assert panel.session.case is first
    panel.case.page._presence.buttons[Presence.ABSENT].click()  # the reader goes on meanwhile
    panel.ui.busyCancelButton.click()
    worker.work()
    panel.tick()
    assert not panel.ui.busyFrame.visible
    assert panel.session.case is first
    assert not message(panel)
    panel.cases.open_next()
    worker.work()
    panel.tick()
    assert panel.session.case.item.case == "case-2"
    worker.work()
    pause(panel, clock)
    draft = panel.session.project.load_draft("case-1")
    assert draft.reading.answer("nodule").value == SegmentationValue(Presence.ABSENT)


def test_nothing_can_be_changed_while_a_reading_is_signed(
    tmp_path: Path, panels: Callable[..., LabelingPanel], clock: Clock
) -> None:
    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    worker = WhenTold(at_once=True)
    panel = panels(worker)
    open_first_case(panel, project)
    panel.case.page._presence.buttons[Presence.ABSENT].click()
    case, worker.at_once = panel.session.case, False
    panel.submission.submit()
    assert panel.ui.busyFrame.visible
    assert not panel.case.widget.enabled
    panel.cases.open_next()  # refused while busy
    worker.work()
    panel.tick()  # checked: the signing begins
    if panel.session.case is not None and not panel.busy.is_busy:  # a warning wants a reason first
        assert panel.case.widget.enabled
        for row in range(panel.checks.ui.problemsTable.rowCount):
            panel.checks.ui.problemsTable.selectRow(row)
            QTest.keyClicks(native_of(panel.checks.ui.reasonEdit), "looked twice")
        panel.submission.submit()
        worker.work()
        panel.tick()
    assert not panel.case.widget.enabled
    panel.cases.close()
    assert panel.session.case is case
    worker.work()
    panel.tick()
    assert panel.session.case is None
    assert panel.case.widget.enabled
    assert answers_of(project, "case-1")["nodule"] == SegmentationValue(Presence.ABSENT)


def test_a_key_is_made_on_first_use(tmp_path: Path, panels: Callable[[], LabelingPanel]) -> None:
    panel = panels()
    ui = panel.sign_in.ui
    assert not ui.openButton.enabled
    assert "Make a key" in ui.openButton.toolTip
    assert "Make a key" in ui.missingLabel.text
    ui.newIdentityButton.click()
    ui.newNameEdit.text = "bert"
    ui.newPassphraseEdit.text = "one"
    ui.repeatPassphraseEdit.text = "other"
    ui.createIdentityButton.click()
    assert "not the same" in message(panel)
    ui.repeatPassphraseEdit.text = "one"
    ui.createIdentityButton.click()
    assert ui.identityCombo.currentText == "bert"
    assert load_identity("bert", passphrase="one").public_key in ui.publicKeyEdit.text
    ui.newIdentityButton.click()
    ui.newNameEdit.text = "no/name"
    ui.createIdentityButton.click()
    assert "no/name" in message(panel)
