"""Cases of a project: from the list to the signature, and what goes back to the readers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qt
import review_studies as studies
import slicer
from labeling_study import WhenTold

from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity, load_identity
from AnnotationQACore.project.readings import Answer, RatingValue, Subject
from AnnotationQACore.project.state import Action, CaseStatus, Role
from AnnotationQALib.logic.segmentations import segmentation_from_node
from AnnotationQALib.review.case_review import RESULT
from AnnotationQALib.review.practice_review import GRID, make_review_practice


@pytest.fixture
def panel(scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_args, **_options: True)
    made = studies.make_panel()
    yield made
    made.cleanup()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the practice project and its reviewer's key; tests work on copies."""
    folder = tmp_path_factory.mktemp("practice")
    make_review_practice(folder / "practice", create_identity("practice", folder / "user" / "keys"))
    return folder


@pytest.fixture
def project(panel: Any, made_once: Path, tmp_path: Path) -> Path:
    """A practice project, opened and compared; its images are those of the original."""
    shutil.copytree(made_once / "user", tmp_path / "user", dirs_exist_ok=True)
    for part in ("project", "keys"):
        shutil.copytree(made_once / "practice" / part, tmp_path / "practice" / part)
    folder = tmp_path / "practice" / "project"
    panel.projects.open(str(folder), load_identity("practice"))
    studies.settle(panel)
    return folder


def open_case(panel: Any, case: str) -> Any:
    panel.opener.open(case)
    studies.settle(panel)
    assert panel.desk.opened is not None, panel.ui.messageLabel.text
    return panel.desk


def message(panel: Any) -> str:
    return str(panel.ui.messageLabel.text) if panel.ui.messageFrame.visible else ""


def decide_everything(desk: Any, reader_number: int = 0) -> None:
    for place in range(len(desk.review.walk)):
        desk.go_to(place)
        desk.walk.take_reader(reader_number)


def accept_open_items(desk: Any, source: str, reason: str = "") -> None:
    desk.ui.reasonEdit.text = reason
    for row in desk.on_desk.deciding.rows():
        if row.is_open:
            desk._accept(row, source)


# the list


def test_the_worst_case_comes_first_and_figures_have_colours(panel: Any, project: Path) -> None:
    table = panel.cases.ui.casesTable
    cases = studies.texts(table)
    assert cases == ["review-2", "review-4", "review-3", "review-1"], "thresholds missed, then a nodule missed"
    headers = [table.horizontalHeaderItem(column).text() for column in range(table.columnCount)]
    assert headers[:2] == ["Case", "State"]
    assert headers[-1] == "Readers", "figures are seen without scrolling"
    column = headers.index("Nodule")
    figures = dict(zip(cases, studies.texts(table, column), strict=True))
    assert figures["review-1"].endswith("✓")
    assert figures["review-2"].endswith(("✗", "≈"))
    backgrounds = {
        case: table.item(row, column).background().color().name() for row, case in enumerate(cases)
    }  # fmt: skip
    assert backgrounds["review-1"] != backgrounds["review-2"]
    for text in studies.texts(table, len(headers) - 1):
        assert text == "Reader A, Reader B, Reader C", "blinded, as the protocol wants it; the order tells nothing"


def test_the_selected_case_is_told_item_by_item(panel: Any, project: Path) -> None:
    panel.cases.select("review-2")
    table = panel.cases.ui.itemsTable
    row = studies.texts(table).index("Nodule")
    assert table.item(row, 2).text() == "Dice ≥ 0.7"
    assert table.item(studies.texts(table).index("Subtlety"), 2).text() == "apart ≤ 1"
    assert table.item(row, 3).text() == "Boundary, Slice extent at the ends"
    assert panel.cases.ui.openButton.enabled


def test_the_list_is_filtered_by_item_kind_and_state(panel: Any, project: Path) -> None:
    ui = panel.cases.ui
    studies.choose(ui.kindCombo, "missed structure")
    assert set(studies.texts(ui.casesTable)) == {"review-3", "review-4"}
    studies.choose(ui.kindCombo, "boundary")
    assert studies.texts(ui.casesTable) == ["review-2", "review-3", "review-1"]
    studies.choose(ui.kindCombo, "laterality swap")
    assert studies.texts(ui.casesTable) == []
    ui.kindCombo.currentIndex = 0
    studies.choose(ui.itemCombo, "malignancy")
    assert studies.texts(ui.casesTable) == ["review-2", "review-4"]
    ui.itemCombo.currentIndex = 0
    studies.choose(ui.stateCombo, "decided")
    assert ui.casesTable.rowCount == 0
    assert not ui.nextButton.enabled
    assert not ui.readerCombo.enabled, "blinded readers cannot be told apart across cases"


def test_acceptance_is_proposed_listed_and_done_only_when_said(panel: Any, project: Path) -> None:
    ui = panel.cases.ui
    assert ui.proposalsFrame.visible
    assert ui.proposalsList.count == 1
    assert ui.proposalsList.item(0).text().startswith("review-1")
    assert panel.session.project.state.case_status("review-1") is CaseStatus.TO_REVIEW
    ui.proposalsList.item(0).setCheckState(qt.Qt.Unchecked)
    assert ui.acceptProposedButton.toolTip == "Tick a case first."
    panel.projects.refresh()
    studies.settle(panel)
    assert not ui.acceptProposedButton.enabled, "what was unticked stays unticked"
    ui.proposalsList.item(0).setCheckState(qt.Qt.Checked)
    ui.proposalReasonEdit.text = "reaches the thresholds"
    ui.acceptProposedButton.click()
    studies.settle(panel)
    assert "Accepted: review-1" in message(panel)
    state = panel.session.project.state
    assert state.case_status("review-1") is CaseStatus.DECIDED
    (decision,) = state.decisions["review-1"]
    assert decision.reason == "reaches the thresholds"
    assert not ui.proposalsFrame.visible


# deciding


def test_a_case_is_walked_decided_and_signed(panel: Any, project: Path) -> None:
    panel.cases.select("review-2")
    panel.cases.ui.openButton.click()
    studies.settle(panel)
    desk = panel.desk
    assert len(desk.review.views.layout.panes) == 4
    assert desk.review.volume is not None
    rows = studies.texts(desk.walk.ui.walkTable)
    assert rows[0] == "Rating", "answers that differ come before the regions"
    assert "Boundary" in rows
    desk.ui.tabs.currentIndex = 4
    assert not desk.signing.view.ui.signButton.enabled
    assert "To be decided" in desk.signing.view.ui.signButton.toolTip
    needs = panel.session.reviews.protocol.design.reason_required
    desk.ui.reasonEdit.text = ""
    desk.ui.tabs.currentIndex = 0
    if needs:
        desk.walk.take_reader(0)
        assert "asks for a reason" in message(panel)
    desk.ui.reasonEdit.text = "seen on thin slices"
    decide_everything(desk)
    accept_open_items(desk, desk.review.labels.readers[0], "seen on thin slices")
    desk.ui.tabs.currentIndex = 4
    assert desk.signing.view.ui.openLabel.text == "Everything is decided."
    assert "minority" in desk.signing.view.ui.minorityLabel.text
    assert "Reader" in desk.signing.view.ui.minorityLabel.text, "blinded until it is signed"
    accepted = desk.review.labels.mask(desk.review.labels.readers[0], "nodule#1").copy()
    panel.widget.show()
    desk.signing.view.ui.signButton.click()
    studies.settle(panel)
    assert "is signed off" in message(panel)
    state = panel.session.project.state
    assert state.case_status("review-2") is CaseStatus.DECIDED
    (decision,) = state.decisions["review-2"]
    assert decision.action == Action.ADJUDICATE
    assert any(comment.get("opinion") == "minority" for comment in decision.comments)
    submitted = state.reading(decision.readings[0])
    path = panel.session.project.segmentation_path(submitted)
    np.testing.assert_array_equal(read_segmentation(path).mask("nodule#1").voxels, accepted)
    assert not panel.desk.is_open
    table = panel.cases.ui.casesTable
    names = dict(zip(studies.texts(table), studies.texts(table, table.columnCount - 1), strict=True))
    assert "Dr Anna" in names["review-2"], "no longer blinded"


def test_an_answer_is_taken_from_the_walk(panel: Any, project: Path) -> None:
    desk = open_case(panel, "review-2")
    desk.ui.reasonEdit.text = "typical"
    stop = desk.review.walk.current
    assert stop.region is None
    who = desk.walk.ui.whoTable
    button = desk.walk._buttons["ben"]
    assert button.enabled
    assert not desk.walk._buttons["consensus:"].enabled, "there is no consensus of answers here"
    button.click()
    assert desk.opened.adjudication.decisions[0].source == "ben"
    place = list(desk.review.names).index("ben")
    assert who.item(place, 0).text().startswith("✓")


def test_signing_exports_seg_and_sr_when_wished(panel: Any, project: Path, tmp_path: Path) -> None:
    desk = open_case(panel, "review-2")
    desk.ui.reasonEdit.text = "r"
    decide_everything(desk)
    accept_open_items(desk, desk.review.labels.readers[0], "r")
    desk.ui.tabs.currentIndex = 4
    view = desk.signing.view.ui
    assert not view.srCheck.enabled
    view.segCheck.checked = True
    view.srCheck.checked = True
    view.folderEdit.currentPath = str(tmp_path / "export")
    expected = desk.review.labels.mask(desk.review.labels.readers[0], "nodule#1").copy()
    view.signButton.click()
    studies.settle(panel)
    assert "Exported to" in message(panel), message(panel)
    folder = tmp_path / "export" / "review-2_revision-1"
    listed = json.loads((folder / "export.json").read_text())
    assert listed
    objects = sorted(folder.rglob("*.dcm"))
    seg = next(path for path in objects if "sr" not in path.stem.split("_")[-1])
    found = read_dicom_seg(seg).segmentation
    assert found.mask("nodule#1").voxels.sum() == expected.sum()
    assert len(objects) > 1, "and a report"


def test_warnings_of_a_consensus_name_structures_and_keep_readers_blinded(panel: Any, project: Path) -> None:
    desk = open_case(panel, "review-3")
    desk.ui.tabs.currentIndex = 1
    studies.settle(panel)
    items = desk.items.ui
    items.itemsTable.selectRow(studies.texts(items.itemsTable, 1).index("Nodule"))
    told = str(items.consensusLabel.text)
    assert re.search(r"Nodule \d is the mean of the readers that have it, without Reader [ABC]\.", told), told
    assert not [reader for reader in desk.review.labels.readers if reader in told]
    assert "label" not in told
    assert {len(text.partition(".")[2]) for text in studies.texts(items.consensusTable, 2)} == {3}


def test_items_are_accepted_from_a_consensus(panel: Any, project: Path) -> None:
    desk = open_case(panel, "review-2")
    desk.ui.tabs.currentIndex = 1
    studies.settle(panel)
    items = desk.items.ui
    assert studies.texts(items.consensusTable, 1)[:3] == list(desk.review.names.values())
    items.itemsTable.selectRow(studies.texts(items.itemsTable, 1).index("Nodule"))
    studies.choose(items.sourceCombo, "consensus:staple")
    desk.ui.reasonEdit.text = "three readers"
    items.acceptButton.click()
    row = studies.texts(items.itemsTable, 1).index("Nodule")
    assert items.itemsTable.item(row, 2).text() == "STAPLE"
    expected = desk.review.consensus.segmentation("staple").mask("nodule#1").voxels
    shown = segmentation_from_node(desk.review.result_node, GRID).mask("nodule#1").voxels
    np.testing.assert_array_equal(shown, expected)
    items.itemsTable.selectRow(studies.texts(items.itemsTable, 1).index("Likelihood of malignancy"))
    assert items.sourceCombo.findData("consensus:staple") < 0, "answers have no such consensus"
    assert not items.editButton.enabled


def test_closing_asks_before_decisions_are_lost(
    panel: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    asked: list[str] = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, **_o: bool(asked.append(text)))
    desk = open_case(panel, "review-2")
    desk.ui.closeButton.click()
    assert not asked
    desk = open_case(panel, "review-2")
    desk.ui.reasonEdit.text = "r"
    desk.walk.take_reader(0)
    desk.ui.closeButton.click()
    panel.opener.open_next()
    studies.settle(panel)
    assert len(asked) == 2
    assert panel.desk.opened.case == "review-2"


def test_window_presets_and_time_points_of_the_patient(panel: Any, project: Path, scene: Any) -> None:
    desk = open_case(panel, "review-3")
    display = desk.views.display.ui
    level = desk.review.volume.GetDisplayNode().GetLevel()
    others = list(range(display.windowCombo.count))
    assert len(others) > 1
    display.windowCombo.currentIndex = display.windowCombo.count - 1
    display.windowCombo.activated(display.windowCombo.count - 1)
    assert desk.review.volume.GetDisplayNode().GetLevel() != level
    before = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    studies.choose(display.besideCombo, "review-4")
    studies.settle(panel)
    points = desk.on_desk.time_points.points
    assert len(points) == 6
    assert len({point.volume.GetID() for point in points}) == 2
    desk.ui.closeButton.click()
    studies.settle(panel)
    assert panel.desk.opened.case == "review-3", "back to the review"
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == before
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    panel.desk.ui.closeButton.click()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


# sending back and revisions


def test_comments_with_pin_and_arrow_go_back_to_one_reader(panel: Any, project: Path, scene: Any) -> None:
    desk = open_case(panel, "review-2")
    desk.ui.tabs.currentIndex = 2
    view = desk.comments.view.ui
    assert not view.sendButton.enabled
    assert "Add a comment first" in view.sendButton.toolTip
    desk.go_to(len(desk.review.walk) - 1)
    position = desk.review.walk.current.position
    view.textEdit.text = "vessel, not nodule"
    studies.choose(view.toCombo, "ben")
    view.pinButton.click()
    view.textEdit.text = "follow this"
    studies.choose(view.toCombo, "")
    view.arrowButton.click()
    assert "arrow begins" in view.hintLabel.text
    node = scene.GetFirstNodeByName("follow this")
    for point in ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)):
        node.AddControlPoint(point)
    assert scene.GetFirstNodeByName("follow this") is node, "it is still at work in its own event"
    slicer.app.processEvents()
    assert studies.texts(view.commentsTable) == ["vessel, not nodule", "follow this"]
    assert studies.texts(view.commentsTable, 2) == ["pin", "arrow"]
    for row in range(view.readersList.count):
        is_ben = view.readersList.item(row).text() == desk.review.names["ben"]
        view.readersList.item(row).setCheckState(qt.Qt.Checked if is_ben else qt.Qt.Unchecked)
    assert desk.comments.view.ticked == ("ben",)
    view.sendButton.click()
    assert "is sent back to Reader" in message(panel)
    assert panel.session.project.state.case_status("review-2") is CaseStatus.SENT_BACK
    (first, *_) = studies.as_reader(project, "ben", lambda opened: opened.worklist("ben"))
    assert first.case == "review-2"
    assert first.comments[0]["position"] == pytest.approx(list(position))
    assert first.comments[1]["towards"] == pytest.approx([-4.0, -5.0, 6.0])
    assert not studies.as_reader(project, "anna", lambda opened: opened.worklist("anna"))
    assert scene.GetFirstNodeByName("follow this") is None


def test_a_new_revision_shows_what_changed(panel: Any, project: Path) -> None:
    session = panel.session
    desk = open_case(panel, "review-2")
    assert desk.changes.ui.changesLabel.text.startswith("Every reading is a first revision")
    desk.comments._add("too large", "nodule", "", "none")
    desk.comments._send_back(["ben"])

    def revise(opened: Project) -> None:
        former = next(one for one in opened.state.latest_readings("review-2") if one.reader == "ben")
        reading = opened.load_reading(former)
        answers = tuple(
            Answer(a.item, RatingValue(2), Subject(instance=1)) if a.item == "malignancy" else a
            for a in reading.answers
        )
        path = opened.segmentation_path(former)
        assert path is not None
        drawn = read_segmentation(path)
        layers = drawn.layers.copy()
        layers[:, :, :, : layers.shape[3] // 2 + 22] = 0
        from AnnotationQACore.interchange.label_images import write_segmentation

        target = project.parent / "revised.seg.nrrd"
        write_segmentation(target, replace(drawn, layers=layers))
        opened.submit_reading(replace(reading, revision=2, answers=answers, segmentation=None), target)

    studies.as_reader(project, "ben", revise)
    panel.projects.refresh()
    studies.settle(panel)
    assert session.project.state.case_status("review-2") is CaseStatus.TO_REVIEW
    desk = open_case(panel, "review-2")
    desk.ui.tabs.currentIndex = 3
    studies.settle(panel)
    view = desk.changes.ui
    assert view.readerCombo.count == 1
    assert [view.answersTable.item(0, column).text() for column in (1, 2)] != ["–", "–"]
    assert studies.texts(view.answersTable) == ["Likelihood of malignancy 1"]
    assert view.segmentsTable.item(0, 2).text() != "-0 mm³"
    view.regionsTable.selectRow(0)
    x = desk.review.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode").GetCrosshairRAS()[0]
    first = desk.changes._places[0]
    assert x == pytest.approx(-first[0])
    assert "removed" in view.regionsTable.item(0, 0).text() or "Boundary" in view.regionsTable.item(0, 0).text()


# agreement over the project


def test_tables_and_plots_of_the_project(panel: Any, project: Path, scene: Any) -> None:
    panel.ui.agreementButton.collapsed = False
    view = panel.agreement.ui
    studies.choose(view.itemCombo, "nodule")
    studies.choose(view.figureCombo, "dice")
    view.pairTableButton.click()
    assert "rows" in view.resultLabel.text
    table = panel.agreement.ui.resultTable
    assert table.rowCount >= 9
    assert "Reader " in table.item(0, 2).text()
    assert "anna" not in " ".join(studies.texts(table, 2))
    selection = slicer.app.applicationLogic().GetSelectionNode()
    assert scene.GetNodeByID(selection.GetActiveTableID()).GetName().startswith("Agreement")
    for button in (view.distributionButton, view.biasButton, view.driftButton, view.blandAltmanButton):
        assert button.enabled, button.text
        button.click()
        chart = scene.GetNodeByID(selection.GetActivePlotChartID())
        assert chart.GetNumberOfPlotSeriesNodes() >= 1, message(panel)
    studies.choose(view.itemCombo, "malignancy")
    assert not view.distributionButton.enabled
    assert "not drawn" in view.distributionButton.toolTip
    view.confusionButton.click()
    assert "Confusion" in view.resultLabel.text
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
    view.watchedButton.click()
    studies.settle(panel)
    assert "no repeat was read yet" in message(panel)


def test_repeats_are_a_table_of_the_scene(panel: Any, project: Path, scene: Any) -> None:
    lead = panel.session.project
    lead.assign([Assignment("review-2", "anna", 2, "repeat", 9)])

    def read_again(opened: Project) -> None:
        first = next(one for one in opened.state.latest_readings("review-2") if one.reader == "anna")
        again = replace(opened.load_reading(first), round=2, revision=1, segmentation=None)
        opened.submit_reading(again, opened.segmentation_path(first))

    studies.as_reader(project, "anna", read_again)
    panel.projects.refresh()
    studies.settle(panel)
    panel.agreement.ui.watchedButton.click()
    studies.settle(panel)
    table = panel.agreement.ui.resultTable
    assert set(studies.texts(table, 1)) == {"own first reading"}
    values = dict(zip(studies.texts(table, 3), studies.texts(table, 5), strict=True))
    assert values["Nodule"] == "1"
    assert "Dr Anna" not in studies.texts(table)
    assert scene.GetFirstNodeByName("Gold-standard and repeated cases") is not None


def test_the_html_report(panel: Any, project: Path, tmp_path: Path) -> None:
    pages: list[str] = []
    panel.projects._open_page = pages.append
    view = panel.agreement.ui
    assert not view.reportButton.enabled
    view.reportEdit.currentPath = str(tmp_path / "report")
    view.reportButton.click()
    studies.settle(panel)
    assert pages == [str(tmp_path / "report" / "index.html")]
    assert "dice" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8").lower()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    view.reportEdit.currentPath = str(tmp_path / "full")
    view.reportButton.click()
    studies.settle(panel)
    assert "choose another folder" in message(panel)
    assert (tmp_path / "full" / "mine.txt").read_text() == "x"


# awkward input


def test_a_second_adjudicator_is_a_conflict_until_one_decision_is_kept(
    panel: Any, project: Path, act_as: Callable[[Path, Any, str], Project]
) -> None:
    other = act_as(project, panel, "adam")
    readings = {one.reader: one.id for one in other.state.latest_readings("review-2")}
    other.decide("review-2", Action.ACCEPT, [readings["ben"]], reason="as ben")
    other.close()
    (theirs,) = (project / "ledger").glob("adam.*.jsonl")
    away = theirs.rename(theirs.with_suffix(".away"))  # the reviewer's share has not seen it yet
    panel.projects.refresh()
    panel.session.project.decide("review-2", Action.ACCEPT, [readings["anna"]], reason="as anna")
    away.rename(theirs)
    panel.projects.refresh()
    studies.settle(panel)
    table = panel.cases.ui.casesTable
    assert table.item(0, 0).text() == "review-2", "conflicts come first"
    assert table.item(0, 1).text() == "⚠ Conflict"
    desk = open_case(panel, "review-2")
    assert desk.ui.conflictFrame.visible
    assert "1 answers and 1 structures" in desk.ui.conflictLabel.text
    assert sorted(studies.texts(desk.ui.conflictTable, 3)) == ["as anna", "as ben"]
    assert not desk.ui.keepButton.enabled
    desk.ui.conflictTable.selectRow(studies.texts(desk.ui.conflictTable, 3).index("as ben"))
    assert desk.ui.keepButton.toolTip == "Say why this one is kept."
    desk.ui.conflictReasonEdit.text = "discussed"
    desk.ui.keepButton.click()
    studies.settle(panel)
    assert "conflict of case review-2 is settled" in message(panel)
    assert panel.session.project.state.case_status("review-2") is CaseStatus.DECIDED


def test_a_revoked_reader_is_told(panel: Any, project: Path) -> None:
    lead = panel.session.project
    key = next(key.fingerprint for key in lead.state.keys.values() if key.member == "cleo")
    lead.revoke_key(key, "the laptop was stolen", from_sequence=0)
    panel.projects.refresh()
    studies.settle(panel)
    panel.cases.select("review-2")
    assert "a key was revoked" in panel.cases.ui.noticesLabel.text
    desk = open_case(panel, "review-2")
    assert "no reading of theirs counts here" in desk.ui.noticesLabel.text
    assert "cleo" not in desk.ui.noticesLabel.text
    assert len(desk.review.labels.readers) == 2


def test_one_reading_can_be_seen_and_accepted(panel: Any, project: Path) -> None:
    lead = panel.session.project
    for member in ("ben", "cleo"):
        key = next(key.fingerprint for key in lead.state.keys.values() if key.member == member)
        lead.revoke_key(key, "lost", from_sequence=0)
    panel.projects.refresh()
    studies.settle(panel)
    desk = open_case(panel, "review-2")
    assert "only reading" in desk.ui.noticesLabel.text
    assert desk.walk.ui.placeLabel.text == "No differences here"
    assert "consensus:" not in desk.walk._buttons
    desk.ui.tabs.currentIndex = 1
    assert "two readings or more" in desk.items.ui.consensusLabel.text
    accept_open_items(desk, "anna", "only one")
    desk.ui.reasonEdit.text = "only one"
    desk.ui.tabs.currentIndex = 4
    assert desk.signing.view.ui.signButton.enabled, desk.signing.view.ui.signButton.toolTip


def test_an_empty_reading_has_an_empty_view(panel: Any, project: Path) -> None:
    desk = open_case(panel, "review-4")
    empty = [r for r in desk.review.labels.readers if not desk.review.labels.of(r).any()]
    assert sorted(empty) == ["anna", "cleo"]
    assert len(desk.review.views.layout.panes) == 4
    assert "Extra structure" in studies.texts(desk.walk.ui.walkTable)
    node = desk.review.reading_nodes["anna"]
    assert node.GetDisplayVisibility()


def test_images_that_are_gone_are_told_and_the_case_opens_without(panel: Any, project: Path, made_once: Path) -> None:
    images = made_once / "practice" / "images"
    images.rename(images.with_name("elsewhere"))
    try:
        desk = open_case(panel, "review-2")
    finally:
        images.with_name("elsewhere").rename(images)
    assert desk.review.volume is None
    assert "are not at their place" in desk.ui.noticesLabel.text
    assert len(desk.review.walk) > 0


def test_a_damaged_reading_is_told_and_stops_no_other_case(panel: Any, project: Path) -> None:
    state = panel.session.project.state
    one = next(r for r in state.latest_readings("review-2") if r.segmentation_sha256)
    (project / one.files[1].path).write_bytes(b"NRRD0004")
    panel.opener.open("review-2")
    studies.settle(panel)
    assert not panel.desk.is_open
    assert "was changed after it was submitted" in message(panel)
    open_case(panel, "review-3")


def test_who_may_not_review_is_told_why(panel: Any, project: Path, act_as: Callable[[Path, Any, str], Project]) -> None:
    act_as(project, panel, "rita", Role.READER).close()
    panel.projects.close()
    panel.projects.open(str(project), load_identity("rita"))
    studies.settle(panel)
    assert "Only reviewers and adjudicators" in panel.cases.ui.acceptProposedButton.toolTip
    desk = open_case(panel, "review-2")
    desk.ui.tabs.currentIndex = 2
    assert "Only reviewers and adjudicators" in desk.comments.view.ui.sendButton.toolTip
    desk.ui.tabs.currentIndex = 4
    assert "Only adjudicators" in desk.signing.view.ui.signButton.toolTip


def test_a_folder_that_is_no_project_is_refused_in_one_line(panel: Any, tmp_path: Path) -> None:
    create_identity("me")
    panel.exit()
    panel.enter()
    ui = panel.sign_in.ui
    (tmp_path / "nothing").mkdir()
    ui.projectPathEdit.currentPath = str(tmp_path / "nothing")
    ui.identityCombo.currentIndex = ui.identityCombo.findText("me")
    ui.openButton.click()
    assert "not a project; choose another folder" in message(panel)
    assert panel.session is None


def test_a_project_that_is_slow_to_open_can_be_let_go(scene: Any, project: Path) -> None:
    """Such as one on a share out of reach: the panel stays usable, and a late answer is not taken."""
    slow = WhenTold()
    panel = studies.make_panel(executor=slow)
    identity = load_identity("practice")
    panel.projects.open(str(project), identity)
    assert panel.ui.busyLabel.text == "Opening the project..."
    assert not panel.sign_in.ui.signInPage.enabled
    assert panel.session is None
    panel.ui.cancelButton.click()
    slow.work()
    studies.settle(panel)
    assert panel.sign_in.ui.signInPage.enabled
    assert panel.session is None
    assert not panel.ui.busyFrame.visible
    panel.projects.open(str(project), identity)
    slow.work()
    panel.tick()
    assert panel.session is not None
    assert panel.cases.ui.casesTable.rowCount > 0
    panel.cleanup()


def test_result_view_is_there_from_the_start(panel: Any, project: Path) -> None:
    desk = open_case(panel, "review-2")
    assert [pane.label for pane in desk.review.views.layout.panes] == [
        "Reader A",
        "Reader B",
        "Reader C",
        "Result",
    ] or {pane.label for pane in desk.review.views.layout.panes} == {"Reader A", "Reader B", "Reader C", "Result"}
    assert desk.review.views.layout.panes[-1].source == RESULT


@pytest.fixture
def act_as() -> Callable[..., Project]:
    """Adds a member to the project of the panel, and opens it as that member."""

    def act(project: Path, panel: Any, name: str, role: Role = Role.ADJUDICATOR) -> Project:
        identity = create_identity(name)
        panel.session.project.add_member(name, f"Dr {name.title()}", [role], identity.public_key)
        return Project.open(project, identity)

    return act
