"""Release, rounds and labels out of reports by clicks, in the lead's corner."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import qt

sys.path.append(str(Path(__file__).resolve().parents[1]))

from labeling_studies import Clock, make_panel, sign_in
from labeling_study import WhenTold
from release_study import SHEET, Study, make_study, series_of, write_images

from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
from AnnotationQACore.project.state import Action, CaseStatus
from AnnotationQACore.release.gate import remedies
from AnnotationQACore.release.gate.problems import Check, GateReport, Problem
from AnnotationQACore.release.sheet import load_sheet, sheet_text
from AnnotationQALib.logic.background import TaskProgress
from AnnotationQALib.logic.time_left import TimeLeft
from AnnotationQALib.widgets.labeling_panel import LabelingPanel

REPORTS = {"case-2": "FINDINGS: There is a nodule.", "case-1": "FINDINGS: A nodule is seen.", "case-3": "No nodule."}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    base = tmp_path_factory.mktemp("release")
    return base, make_study(base)


@pytest.fixture
def study(made: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    base, people = made
    for name in ("project", "report"):
        shutil.copytree(base / name, tmp_path / name)
    shutil.copytree(base / "keys", tmp_path / "user" / "keys")
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    return Study(tmp_path, people)


@pytest.fixture
def panel(study: Study, slicer_app: Any) -> Iterator[LabelingPanel]:
    made = make_panel(Clock())
    made.widget.show()
    made.enter()
    sign_in(made, study.folder, "lead")
    assert made.session is not None, message(made)
    made.ui.leadButton.collapsed = False
    made.lead.release.ui.releaseButton.collapsed = False
    yield made
    made.cleanup()


@pytest.fixture
def opened(panel: LabelingPanel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pages that were opened for the person."""
    pages: list[str] = []
    monkeypatch.setattr(panel.lead.release.make, "_open_page", pages.append)
    return pages


def message(panel: LabelingPanel) -> str:
    return str(panel.ui.messageLabel.text) if panel.ui.messageFrame.visible else ""


def texts(table: Any) -> list[list[str]]:
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def choose_formats(ui: Any, *names: str) -> None:
    for row in range(ui.formatsTable.rowCount):
        item = ui.formatsTable.item(row, 0)
        item.setCheckState(qt.Qt.Checked if item.text() in names else qt.Qt.Unchecked)


def fill_in(panel: LabelingPanel, study: Study) -> Any:
    """Sheet, formats and report."""
    ui = panel.lead.release.ui
    path = study.base / "sheet.json"
    path.write_text(sheet_text(SHEET))
    ui.sheetPathEdit.currentPath = str(path)
    ui.openSheetButton.click()
    choose_formats(ui, "nifti-bids" if "nifti-bids" in formats(ui) else "bids", "tables")
    ui.reportPathEdit.currentPath = str(study.base / "report")
    ui.releasePathEdit.currentPath = str(study.base / "dataset")
    return ui


def formats(ui: Any) -> list[str]:
    return [row[0] for row in texts(ui.formatsTable)]


def split(ui: Any) -> None:
    ui.trainSpin.value, ui.validationSpin.value, ui.testSpin.value = 60, 0, 40
    ui.planSplitButton.click()
    ui.recordSplitButton.click()


def look_and_sign(ui: Any) -> None:
    ui.lookButton.click()
    ui.signReasonEdit.text = "Lea looked at all pictures"
    ui.signButton.click()


def test_a_release_by_clicks(panel: LabelingPanel, study: Study, opened: list[str]) -> None:
    ui = fill_in(panel, study)
    ui.planSplitButton.click()
    assert message(panel) == ""
    assert not Project.open(study.folder).state.splits  # a preview records nothing
    ui.trainSpin.value, ui.validationSpin.value, ui.testSpin.value = 60, 0, 40
    ui.planSplitButton.click()
    shown = texts(ui.splitTable)
    assert shown[0][:2] == ["all cases", "7"]
    assert sum(map(int, shown[0][2:])) == 7
    assert any(row[1] == "3" for row in shown[1:])  # three cases with nodules
    assert not any("PA" in cell or "case-1" in cell for row in shown for cell in row)
    ui.recordSplitButton.click()
    assert "is recorded: 7 cases" in message(panel)
    assert ui.releaseSplitCombo.currentText == "main"

    ui.gateButton.click()
    assert "problems" in ui.gateLabel.text
    where = [row[0] for row in texts(ui.gateTable)]
    assert "case 'case-1'" in where
    ui.gateTable.selectRow(where.index("case 'case-1'"))
    assert "click Look, look at the page, and click Sign off" in ui.remedyLabel.text
    ui.makeButton.click()
    assert "Refused: 10 problems" in message(panel)
    assert len(texts(ui.gateTable)) == len(where)
    assert not (study.base / "dataset").exists()

    look_and_sign(ui)
    assert [Path(page).name for page in opened] == ["index.html"]
    assert not Path(opened[0]).exists()  # confidential, and looked at
    assert "Nothing stands in the way" in ui.gateLabel.text
    assert ui.gateTable.rowCount == 0

    ui.draftButton.click()
    assert "Phantom nodules" in Path(opened[-1]).read_text(encoding="utf-8")

    ui.makeButton.click()
    assert message(panel) == "The release dataset-1.0.0 is made, signed and recorded."
    assert [one.name for one in Project.open(study.folder).state.releases] == ["dataset-1.0.0"]
    ui.verifyButton.click()
    assert ui.madeLabel.text.startswith("<b>Sound: dataset-1.0.0")
    ui.openCardButton.click()
    assert opened[-1] == str(study.base / "dataset" / "card.html")
    (study.base / "dataset" / "cases.csv").write_text("case\n")
    ui.verifyButton.click()
    assert "not as it was signed" in ui.madeLabel.text
    assert "cases.csv" in ui.madeLabel.text


def test_remedies_name_what_to_click_and_no_command(panel: LabelingPanel) -> None:
    """A panel knows a remedy by its words, so that a new one of the gate must be put into the table as well."""
    ui = panel.lead.release.ui
    every = [Problem("case 'case-1'", "is wrong", getattr(remedies, name)) for name in remedies.__all__]
    panel.lead.release.make.show_gate(GateReport((Check("all", "cases", tuple(every)),)))
    assert len(texts(ui.gateTable)) == len(every)
    for row, problem in enumerate(every):
        ui.gateTable.selectRow(row)
        shown = ui.remedyLabel.text + ui.gateTable.item(row, 0).toolTip()
        assert problem.remedy not in shown
        for command in ("annotation-qa", "deidentify-study", "--", "release ", "_"):
            assert command not in shown, shown
    field = Problem("release sheet, field 'intended_uses'", "says nothing", "write what it is made for")
    panel.lead.release.make.show_gate(GateReport((Check("the sheet", "one field", (field,)),)))
    assert texts(ui.gateTable) == [["Card, Purpose", "says nothing"]]


def test_a_release_is_cancelled_and_goes_on(panel: LabelingPanel, study: Study, opened: list[str]) -> None:
    ui = fill_in(panel, study)
    look_and_sign(ui)
    held = WhenTold()
    release = panel.lead.release
    release.work._executor = held
    ui.makeButton.click()
    assert ui.releaseBusyFrame.isVisibleTo(panel.widget)
    assert not ui.makeButton.enabled
    assert not ui.rankButton.enabled
    ui.releaseCancelButton.click()
    held.work()
    release.work.poll()
    assert "cancelled" in message(panel)
    assert not ui.releaseBusyFrame.isVisibleTo(panel.widget)
    assert not (study.base / "dataset").exists()
    ui.makeButton.click()
    held.work()
    release.work.poll()
    assert "is made, signed and recorded" in message(panel)


def test_closing_the_project_ends_the_work(panel: LabelingPanel, study: Study) -> None:
    ui = fill_in(panel, study)
    held = WhenTold()
    release = panel.lead.release
    release.work._executor = held
    ui.gateButton.click()
    assert release.work.is_busy
    panel.projects.close()
    assert not release.work.is_busy
    assert ui.gateButton.enabled
    held.work()
    release.work.poll()
    assert ui.gateTable.rowCount == 0
    assert ui.gateLabel.text == "Not checked yet."


@pytest.mark.parametrize(
    ("prepare", "click", "line"),
    [
        (lambda ui, base: setattr(ui.releasePathEdit, "currentPath", ""), "makeButton", "no folder is chosen"),
        (lambda ui, base: setattr(ui.releasePathEdit, "currentPath", str(base)), "makeButton", "is not empty"),
        (lambda ui, base: setattr(ui.releasePathEdit, "currentPath", str(base)), "openCardButton", "there is none"),
        (lambda ui, base: setattr(ui.spacingEdit, "text", "3 1"), "gateButton", "three numbers"),
        (lambda ui, base: setattr(ui.clipEdit, "text", "400 -1000"), "gateButton", "a lower and a higher value"),
        (lambda ui, base: setattr(ui.ageEdit, "text", "old"), "gateButton", "18-80"),
        (lambda ui, base: setattr(ui.findingsEdit, "text", "cat=present"), "gateButton", "the protocol has no item"),
        (lambda ui, base: setattr(ui.trainSpin, "value", 90), "planSplitButton", "make 120 %"),
        (lambda ui, base: setattr(ui.pairEdit, "text", "case-1"), "pairButton", "two cases are needed"),
        (lambda ui, base: setattr(ui.pairEdit, "text", "case-1 case-2"), "pairButton", "the reason is empty"),
        (lambda ui, base: setattr(ui.verifyKeyEdit, "text", ""), "verifyButton", "no public key"),
        (lambda ui, base: setattr(ui.reportPathEdit, "currentPath", str(base / "no")), "gateButton", "no report of"),
        (lambda ui, base: setattr(ui.reportsPathEdit, "currentPath", ""), "readReportsButton", "none are chosen"),
        (lambda ui, base: setattr(ui.languageEdit, "text", "xx"), "readReportsButton", "language"),
    ],
)
def test_wrong_input_is_one_line(panel: LabelingPanel, study: Study, prepare: Any, click: str, line: str) -> None:
    ui = fill_in(panel, study)
    (study.base / "reports").mkdir()
    (study.base / "reports" / "case-1.txt").write_text("No nodule.")
    ui.reportsPathEdit.currentPath = str(study.base / "reports")
    prepare(ui, study.base)
    events = Project.open(study.folder).state.events
    getattr(ui, click).click()
    assert line.lower() in message(panel).lower()
    assert str(study.base) not in message(panel)
    assert Project.open(study.folder).state.events == events


def test_the_sheet_is_filled_in_and_saved(panel: LabelingPanel, study: Study) -> None:
    ui = panel.lead.release.ui
    rows = {row[0]: number for number, row in enumerate(texts(ui.sheetTable))}
    assert texts(ui.sheetTable)[rows["Title *"]][1] == "Phantoms"  # that of the project
    assert texts(ui.sheetTable)[rows["Licence *"]][1] == "needed"
    ui.sheetTable.selectRow(rows["Limitations *"])
    assert "biases" in ui.sheetHelpLabel.text
    ui.sheetEdit.setPlainText("Phantoms only.\nOne scanner.")
    assert texts(ui.sheetTable)[rows["Limitations *"]][1] == "Phantoms only. · One scanner."
    ui.saveSheetButton.click()
    assert "no file is chosen" in message(panel)
    ui.sheetPathEdit.currentPath = str(study.base / "own.json")
    ui.saveSheetButton.click()
    assert load_sheet(study.base / "own.json").limitations == ("Phantoms only.", "One scanner.")
    ui.sheetTable.selectRow(rows["Version *"])
    ui.sheetEdit.setPlainText("one")
    ui.saveSheetButton.click()
    assert "version" in message(panel)
    assert load_sheet(study.base / "own.json").version == "1.0.0"


def test_options_and_filters_reach_the_request(panel: LabelingPanel, study: Study) -> None:
    from AnnotationQALib.logic.release_form import export_options, filters_of

    ui = panel.lead.release.ui
    ui.spacingEdit.text = "3, 1, 1"
    ui.imageInterpolationCombo.currentIndex = ui.imageInterpolationCombo.findData("bspline")
    ui.cropCombo.currentIndex = ui.cropCombo.findData("labels")
    ui.cropMarginSpin.value = 5
    ui.clipEdit.text = "-1000 400"
    ui.normalizationCombo.currentIndex = ui.normalizationCombo.findData("unit")
    ui.overlapsCombo.currentIndex = ui.overlapsCombo.findData("layers")
    ui.orientationCombo.currentIndex = ui.orientationCombo.findData("RAS")
    ui.ageEdit.text = "40-"
    ui.modalitiesEdit.text = "ct"
    ui.femaleCheck.checked = True
    ui.findingsEdit.text = "nodule=present,uncertain quality=1"
    ui.agreementEdit.text = "lung=0.8"
    ui.flagsEdit.text = "poor quality, other"
    options = export_options(panel.lead.release.form.options)
    assert options.resampling.spacing_mm == (3.0, 1.0, 1.0)
    assert options.resampling.image == "bspline"
    assert (options.crop.to, options.crop.margin_mm) == ("labels", 5.0)
    assert (options.intensity[0].clip, options.intensity[0].normalization) == ((-1000.0, 400.0), "unit")
    assert (options.orientation, options.labels.overlaps) == ("RAS", "layers")
    filters = filters_of(panel.lead.release.form.filters)
    assert (filters.min_age, filters.max_age, filters.modalities, filters.sexes) == (40.0, None, ("CT",), ("F",))
    assert [(one.item, one.answers) for one in filters.findings] == [
        ("nodule", ("present", "uncertain")),
        ("quality", ("1",)),
    ]
    assert [(one.item, one.limit) for one in filters.agreement] == [("lung", 0.8)]
    assert filters.without_flags == ("poor quality", "other")


def test_readings_are_sent_back_after_a_new_protocol(panel: LabelingPanel, study: Study) -> None:
    ui = panel.lead.release.ui
    ui.redoButton.click()
    assert "Nothing is to be read again" in ui.redoLabel.text
    assert not ui.sendBackButton.enabled

    def change(document: Any) -> None:
        document["version"] = "2.0.0"
        document["change_note"] = "Other levels."
        document["items"][2]["levels"] = [{"value": value, "title": f"Grade {value}"} for value in (1, 2, 3, 4)]

    study.adopt(change)
    ui.redoButton.click()
    assert len(texts(ui.redoTable)) == 14
    assert {row[3] for row in texts(ui.redoTable)} == {"quality"}
    study.as_("lead").change_member("lead", "Lea", ["lead", "adjudicator"])
    ui.sendBackButton.click()
    assert message(panel) == "7 cases were sent back to their readers."
    state = Project.open(study.folder).state
    assert {state.case_status(case) for case in state.cases} == {CaseStatus.SENT_BACK}


def test_ranked_cases_are_assigned_from_the_table(panel: LabelingPanel, study: Study) -> None:
    lead = study.as_("lead")
    lead.change_member("rita", "Rita", ["reader"])
    ui = panel.lead.release.ui
    ui.decidedCheck.checked = True
    ui.rankButton.click()
    rows = texts(ui.rankTable)
    assert len(rows) == 7
    scores = [float(row[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert not ui.rankAssignButton.enabled
    ui.rankTable.selectRow(0)
    ui.rankPerCaseSpin.value = 3
    ui.rankAssignButton.click()
    assert message(panel) == "Assigned: rita: 1"
    assert [task.case for task in Project.open(study.folder).worklist("rita")] == [rows[0][0]]


def test_rereads_are_planned_and_recorded(panel: LabelingPanel, study: Study) -> None:
    ui = panel.lead.release.ui
    ui.perQuarterSpin.value, ui.quartersSpin.value, ui.rereadWashoutSpin.value = 2, 2, 0
    before = Project.open(study.folder).state.events
    ui.rereadButton.click()
    rows = texts(ui.rereadTable)
    assert {row[0] for row in rows} == {"anna", "ben"}
    assert {row[2] for row in rows} == {"2"}
    assert Project.open(study.folder).state.events == before
    ui.rereadAssignButton.click()
    assert message(panel) == "8 cases will be read again."
    assert not ui.rereadAssignButton.enabled


def predict(study: Study, *shifts: int) -> None:
    """A prediction of the model for each case, a week after the other; the lung is moved by so many voxels."""
    for case, shift in zip(Project.open(study.folder).state.cases, shifts, strict=True):
        study.clock.time += timedelta(days=7)
        study.read(case, "model:net", shift=shift)


def look_again(panel: LabelingPanel) -> None:
    """Read what others did meanwhile, as the panel does after each act of its own."""
    panel.session.project.refresh()
    panel.lead.release.show(panel.session.project)


def add_eighth_case(study: Study) -> None:
    """Read and accepted like the others; a control chart needs eight."""
    images = study.folder / "images" / "case-8"
    write_images(images, "case-8", 8)
    lead = study.as_("lead")
    lead.add_cases([Case("case-8", "PG", series=(series_of(study.folder, images),))])
    lead.assign([Assignment("case-8", "anna", 1, "reading", 8)])
    study.as_("rita").decide("case-8", Action.ACCEPT, [study.read("case-8", "anna")], reason="alike")


def test_a_model_that_drifts_is_seen(panel: LabelingPanel, study: Study) -> None:
    ui = panel.lead.release.ui
    assert ui.driftModelCombo.count == 0
    assert not ui.driftButton.enabled
    assert "model" in ui.driftButton.toolTip
    add_eighth_case(study)
    study.clock.time = datetime(2026, 5, 1, tzinfo=UTC)
    predict(study, 0, 1, 0, 1, 8, 8, 8, 8)
    look_again(panel)
    assert ui.driftModelCombo.currentText == "model:net"
    before = Project.open(study.folder).state.events
    ui.driftButton.click()
    assert message(panel) == ""
    assert ui.driftLabel.text == "8 cases of model:net scored."
    rows = {row[0]: row[1:] for row in texts(ui.driftTable)}
    assert set(rows) == {"Lung", "Nodule", "Quality"}
    assert rows["Lung"][0] == "8"
    assert 0.5 < float(rows["Lung"][1]) < 0.95
    low, high = map(float, rows["Lung"][2].split(" to "))
    assert low < float(rows["Lung"][1]) < high
    assert rows["Lung"][3].startswith("from day ")
    assert rows["Nodule"][3] == "none"
    tip = ui.driftTable.item(list(rows).index("Lung"), 0).toolTip()
    assert [line.partition(":")[0] for line in tip.splitlines()[1:]] == ["2026 Q2"]
    assert Project.open(study.folder).state.events == before  # looking records nothing


def test_cases_without_reference_are_named_and_few_cases_make_no_chart(panel: LabelingPanel, study: Study) -> None:
    ui = panel.lead.release.ui
    study.as_("rita").decide("case-1", Action.SEND_BACK, ["case-1/anna/round-1/revision-1"], reason="again")
    predict(study, *[0] * 7)
    look_again(panel)
    ui.driftButton.click()
    assert "6 cases of model:net scored." in ui.driftLabel.text
    assert "Left out: case 'case-1'" in ui.driftLabel.text
    assert {row[4] for row in texts(ui.driftTable)} == {"too few cases"}


def test_labels_out_of_reports(panel: LabelingPanel, study: Study) -> None:
    folder = study.base / "reports"
    folder.mkdir()
    for case, words in REPORTS.items():
        (folder / f"{case}.txt").write_text(words)
    ui = panel.lead.release.ui
    ui.reportsPathEdit.currentPath = str(folder)
    ui.readReportsButton.click()
    nodule = next(row for row in texts(ui.reportsTable) if row[0] == "nodule")
    assert nodule == ["nodule", "2", "0", "1", "0"]
    assert "3 reports" in ui.reportsLabel.text
    ui.checkReportsButton.click()
    assert [row for row in texts(ui.reportsTable) if row[1] == "nodule"] == [
        ["case-1", "nodule", "present", "absent", "differs"]
    ]
    ui.importReportsButton.click()
    assert "3 readings" in message(panel)
    state = Project.open(study.folder).state
    assert {one.case for one in state.all_readings() if one.reader == "model:report-text"} == set(REPORTS)
    assert ui.againstCombo.findData("model:report-text") > 0
    stored = b"".join(path.read_bytes() for path in study.folder.rglob("*") if path.is_file())
    assert not any(words.encode() in stored for words in REPORTS.values())
    ui.importReportsButton.click()
    assert "0 readings with 0 answers were imported, 3 were there" in message(panel)
    (folder / "unknown.txt").write_text("A nodule.")
    ui.importReportsButton.click()
    assert "is not in the project" in message(panel)


def test_a_reader_sees_nothing_of_it(panel: LabelingPanel, study: Study) -> None:
    sign_in(panel, study.folder, "anna")
    assert not panel.lead.release.widget.isVisibleTo(panel.widget)
    assert panel.lead.release.ui.gateTable.rowCount == 0


def test_the_time_left_is_that_of_the_present_step() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    assert left.seconds(TaskProgress(0, 0)) is None
    assert left.seconds(TaskProgress(0, 10)) is None
    clock.now += 4.0
    assert left.seconds(TaskProgress(2, 10)) == 16.0
    assert left.seconds(TaskProgress(0, 5)) is None  # the next step
    clock.now += 3.0
    assert left.seconds(TaskProgress(3, 5)) == 2.0
    assert left.seconds(TaskProgress(5, 5)) == 0.0
