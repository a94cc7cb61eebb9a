"""The form: what can be chosen, what it says, and the one line that says why the run cannot start."""

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import qt
import slicer

from DeidentifyStudyCore.profile import OPTIONS, load_profile, shipped_profiles
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyLib.logic import preview
from DeidentifyStudyLib.logic.outcome import Outcome, RetainedText, SignOff
from DeidentifyStudyLib.logic.preview import first_object
from DeidentifyStudyLib.logic.profile_form import edited, effect_of, effects_of, option_title
from DeidentifyStudyLib.logic.progress_lines import RunProgress, parsed
from DeidentifyStudyLib.logic.run import Run, RunState
from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.logic.staging import stage
from DeidentifyStudyLib.widgets.common import load_section
from DeidentifyStudyLib.widgets.texts_view import TextsView
from pythonqt import dialogs


def reason(panel: Any) -> str:
    button = panel.run_view.ui.applyButton
    assert not button.enabled
    assert button.toolTip == panel.run_view.ui.statusLabel.text
    assert "\n" not in button.toolTip
    return str(button.toolTip)


@pytest.mark.parametrize(
    ("where", "field", "value", "expected"),
    [
        ("source", "sourceFolderEdit", "", "Choose the folder that holds the studies."),
        ("source", "sourceFolderEdit", "/no/such/folder", "The source folder does not exist"),
        ("places", "destinationEdit", "", "Choose a folder for the result."),
        ("places", "destinationEdit", "{source}/inside", "inside each other"),
        ("places", "destinationEdit", "{tmp}", "inside each other"),
        ("places", "destinationEdit", "{tmp}/full", "The destination is not empty"),
        ("places", "destinationEdit", "{tmp}/full/file", "The destination is a file"),
        ("places", "destinationEdit", "{tmp}/no/such/folder", "does not exist"),
        ("places", "keyEdit", "", "Choose a key file"),
        ("places", "keyEdit", "{tmp}/out/key", "away: choose another place"),
        ("places", "keyEdit", "{tmp}/no/key", "The folder of the key file does not exist"),
        ("places", "passphraseEdit", "", "Type the passphrase"),
        ("places", "passphraseEdit", "short", "at least 8 characters"),
        ("places", "repeatEdit", "another one", "not the same"),
        ("places", "idsEdit", "{tmp}/no.csv", "The table of pseudonyms does not exist"),
        ("profile", "patientIdEdit", "Zyxwarth", "$.patient_id must be"),
    ],
)
def test_a_wrong_choice_is_one_clear_line(
    ready: Any, tmp_path: Path, studies: Path, where: str, field: str, value: str, expected: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    assert ready.run_view.ui.applyButton.enabled
    getattr(getattr(ready, where).ui, field).text = value.format(tmp=tmp_path, source=studies)
    assert expected in reason(ready)


def test_options_that_exclude_each_other_are_said_where_they_are(ready: Any) -> None:
    ui = ready.profile.ui
    rows = {ui.optionsTable.item(row, 0).text(): row for row in range(ui.optionsTable.rowCount)}
    ui.optionsTable.item(rows["Keep full dates"], 0).setCheckState(qt.Qt.Checked)
    assert ready.profile.profile.options >= {"retain_longitudinal_full_dates"}
    ui.optionsTable.item(rows["Keep shifted dates"], 0).setCheckState(qt.Qt.Checked)
    assert ui.profileProblem.visible
    assert "choose one" in reason(ready)
    ui.optionsTable.item(rows["Keep full dates"], 0).setCheckState(qt.Qt.Unchecked)
    assert not ui.profileProblem.visible
    assert ready.run_view.ui.applyButton.enabled


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_what_an_option_says_is_what_the_rules_do(name: str) -> None:
    profile = load_profile(name)
    described = {effect.name: effect.action for effect in effects_of(profile) if effect.tag}
    for option in OPTIONS:
        effect = effect_of(profile, option)
        if option in profile.options and effect.names:
            policies = {rule.describe() for _kind, rule in RuleBook(profile).policies()}
            assert effect.with_it in {described.get(attribute) for attribute in effect.names} | policies
        assert option_title(option)


def test_every_attribute_of_the_table_is_shown_and_searched(panel: Any) -> None:
    panel.profile.ui.effectsButton.checked = True
    table = panel.profile.ui.effectsTable
    names = {table.item(row, 1).text() for row in range(table.rowCount)}
    assert {"Patient's Name", "Study Date", "private elements"} <= names
    panel.profile.ui.effectsSearch.text = "patient's name"
    shown = [table.item(row, 1).text() for row in range(table.rowCount) if not table.isRowHidden(row)]
    assert "Patient's Name" in shown
    assert all("patient's" in text.casefold() and "name" in text.casefold() for text in shown)


def test_every_option_can_be_ticked_and_says_what_it_does(panel: Any) -> None:
    table = panel.profile.ui.optionsTable
    for row, option in enumerate(OPTIONS):
        assert table.item(row, 0).flags() & qt.Qt.ItemIsEnabled
        assert len(table.item(row, 1).text()) > 5, option
    faces = list(OPTIONS).index("clean_recognizable_visual_features")
    assert "faces" in table.item(faces, 1).text()


def test_an_edited_profile_says_so_and_an_unchanged_one_does_not() -> None:
    profile = load_profile("hipaa-safe-harbor")
    same = edited(profile, profile.options, profile.patient_id, profile.burned_in_risk)
    assert same is profile
    other = edited(profile, profile.options, "SITE-{n:04}", "accept")
    assert (other.version, other.patient_id, other.burned_in_risk) == (
        f"{profile.version}+edited",
        "SITE-{n:04}",
        "accept",
    )
    assert other.digest != profile.digest
    assert edited(other, other.options, "SITE-{n:05}", "accept").version == other.version


def test_a_profile_of_ones_own_is_read_and_a_broken_one_is_one_line(panel: Any, tmp_path: Path) -> None:
    content = load_profile("hipaa-safe-harbor").as_json() | {"name": "our-house", "patient_id": "HOUSE-{n:03}"}
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(content))
    bad.write_text(json.dumps(content | {"key": "nowhere"}))
    dialogs.answers.append(str(bad))
    panel.profile.ui.profileFileButton.click()
    assert "$.key must be one of" in panel.profile.ui.profileProblem.text
    dialogs.answers.append(str(good))
    panel.profile.ui.profileFileButton.click()
    assert panel.profile.ui.profileCombo.currentText == "our-house"
    assert panel.profile.ui.patientIdEdit.text == "HOUSE-{n:03}"
    assert not panel.profile.ui.profileProblem.visible


def test_paths_are_chosen_with_the_buttons(panel: Any, tmp_path: Path) -> None:
    dialogs.answers.extend([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "c"), ""])
    panel.source.ui.sourceFolderButton.click()
    panel.places.ui.destinationButton.click()
    panel.places.ui.newKeyButton.click()
    panel.places.ui.keyButton.click()  # the person cancels
    assert panel.settings().source == tmp_path / "a"
    assert panel.settings().destination == tmp_path / "b"
    assert panel.settings().key == tmp_path / "c"


def test_the_preview_shows_before_and_after_by_colour(panel: Any, studies: Path) -> None:
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.preview.ui.previewButton.click()
    table = panel.preview.ui.previewTable
    rows = {table.item(row, 0).text(): row for row in range(table.rowCount)}
    name = rows["PatientName"]
    assert table.item(name, 1).text() in {"replaced", "removed"}
    assert "CompressedSamples" in table.item(name, 2).text()
    assert "CompressedSamples" not in table.item(name, 3).text()
    kept = rows["Rows"]
    assert table.item(kept, 2).text() == table.item(kept, 3).text()
    assert table.item(name, 0).background() != table.item(kept, 0).background()
    panel.preview.ui.previewChanged.checked = True
    assert table.isRowHidden(kept)
    assert not table.isRowHidden(name)
    panel.cleanup()
    assert table.rowCount == 0


@pytest.mark.parametrize(("name", "expected"), [("none.dcm", "no such file"), ("notes.txt", "would not be written")])
def test_a_file_without_a_preview_is_one_line(panel: Any, tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "notes.txt").write_text("Zyxwarth " * 40)
    panel.preview.ui.previewFileEdit.text = str(tmp_path / name)
    panel.preview.ui.previewButton.click()
    assert expected in panel.preview.ui.previewSummary.text
    assert "Zyxwarth" not in panel.preview.ui.previewSummary.text


def test_a_failure_of_the_program_brings_no_value_into_the_log(
    panel: Any, studies: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: Any) -> None:
        raise ValueError("Zyxwarth^Quillon is no number")

    monkeypatch.setattr(preview, "explain_file", fail)
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.preview.ui.previewButton.click()
    assert "The program failed on this file" in panel.preview.ui.previewSummary.text
    assert "Quillon" not in panel.preview.ui.previewSummary.text + caplog.text


def test_the_first_object_of_a_folder_is_dicom(studies: Path, tmp_path: Path) -> None:
    assert first_object(studies) == studies / "CT_small.dcm"
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no DICOM")
    assert first_object(tmp_path / "texts") is None


def test_every_field_and_button_has_a_tooltip(panel: Any) -> None:
    without = [
        widget.name
        for widget in slicer.util.findChildren(panel.widget)
        if widget.className() in {"QPushButton", "QToolButton", "QLineEdit", "QComboBox", "QCheckBox", "QRadioButton",
                                  "QSpinBox", "QTableWidget", "ctkCollapsibleButton"}
        and widget.name
        and not widget.name.startswith("qt_")
        and not widget.toolTip
    ]  # fmt: skip
    assert not without


def test_texts_are_signed_off_beside_the_report(resources: Path, tmp_path: Path) -> None:
    holder = qt.QWidget()
    holder.setLayout(qt.QVBoxLayout())
    ui = load_section(resources, "TextsSection", holder.layout())
    texts = (RetainedText("0008,0070", "Manufacturer", "ACME"), RetainedText("0008,1030", "StudyDescription", "chest"))
    outcome = Outcome(tmp_path, tmp_path, "a" * 64, 2, 0, 0, (), texts)
    when = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    holder.show()
    removed: dict[str, str] = {}
    view = TextsView(ui, removed.update, lambda: when)
    view.show(outcome)
    assert "name" in ui.signButton.toolTip
    assert not ui.signButton.enabled
    ui.textsTable.item(1, 0).setCheckState(qt.Qt.Unchecked)
    ui.signerEdit.text = "A. Reader"
    ui.signButton.click()
    assert "1 must not stay" in ui.signLabel.text
    assert ui.refuseButton.visible
    ui.refuseButton.click()
    assert removed == {"0008,1030": "StudyDescription"}
    assert not ui.refuseButton.visible
    written = json.loads((tmp_path / "sign-off.json").read_text())
    assert written["signed_by"] == "A. Reader"
    assert written["signed_at"] == "2026-03-01T12:00:00+00:00"
    assert written["refused"] == [{"tag": "0008,1030", "name": "StudyDescription", "text": "chest"}]
    assert SignOff(outcome).refused == {texts[1]}
    changed = Outcome(tmp_path, tmp_path, "b" * 64, 2, 0, 0, (), texts)
    assert SignOff(changed).signed_by == "", "a sign-off holds for its report only"


def test_what_was_refused_is_removed_until_another_profile_is_chosen(ready: Any) -> None:
    plain = ready.profile.profile
    ready.profile.remove({"0008,0070": "Manufacturer"})
    assert ready.profile.profile.attributes == {0x00080070: "X"}
    assert ready.profile.profile.digest != plain.digest
    assert ready.profile.ui.alsoRemoved.text == "Also removed: Manufacturer."
    ready.profile.ui.profileCombo.currentText = "research-shifted-dates"
    assert not ready.profile.ui.alsoRemoved.visible
    ready.profile.ui.profileCombo.currentText = plain.name
    assert ready.profile.profile == plain
    assert not RetainedText("0029,1010", "private", "x").is_standard


def test_progress_is_said_with_the_time_left() -> None:
    line = '{"stage": "writing", "done": 30, "total": 120, "seconds_left": 200.0}'
    assert parsed(line).sentence() == "Step 2 of 2, writing and verifying: 30 of 120 files, 3 min left"
    assert parsed("deidentify-study: no space") == "deidentify-study: no space"
    assert parsed('{"stage": 1}') == '{"stage": 1}'
    assert RunProgress("indexing", 5, 5, 0.0).sentence() == "Step 1 of 2, reading: 5 of 5 files"


def test_staged_studies_are_the_same_each_time_and_their_names_say_nothing(studies: Path, tmp_path: Path) -> None:
    files = [str(studies / "MR_small.dcm"), str(studies / "CT_small.dcm")]
    stage(files, tmp_path / "staged")
    first = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "staged").iterdir()}
    stage(reversed(files), tmp_path / "staged")
    second = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "staged").iterdir()}
    assert first == second
    assert set(first) == {"00000000", "00000001"}


def test_a_run_that_cannot_start_python_says_so(tmp_path: Path, studies: Path) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(2, "No such file or directory")

    run = Run(refuse, "python", tmp_path, lambda: None)
    run.start(RunSettings(source=studies, destination=tmp_path / "out", profile=load_profile("gdpr-anonymous")))
    assert run.state is RunState.FAILED
    assert "Python cannot be started" in run.message
    assert not list(tmp_path.glob("deidentify-*"))


def test_the_report_that_was_changed_is_not_shown(ready: Any, tmp_path: Path) -> None:
    def launch(command: list[str], environment: Any, folder: Path, on_line: Any, on_end: Any) -> None:
        (tmp_path / "out-report").mkdir()
        (tmp_path / "out-report" / "report.json").write_text('{"format": "deidentify-report/1"}')
        on_end(0)

    ready.run._launch = launch
    ready.run_view.ui.applyButton.click()
    assert "is not a report" in ready.result.ui.resultSummary.text
    assert not ready.result.ui.loadButton.enabled
    shutil.rmtree(tmp_path / "out-report")
