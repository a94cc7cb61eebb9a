"""`annotation-qa textlabels` as its users type it."""

import csv
import json

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, generate_uid

from AnnotationQACore.cli.main import main
from AnnotationQACore.interchange.report_texts import read_reports
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import load_identity
from AnnotationQACore.project.readings import Answer, Presence, PresenceValue, Reading


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "case-1.txt").write_text("FINDINGS: No pneumothorax. Small effusion.", "utf-8")
    (folder / "case-2.txt").write_text("FINDINGS: Right pneumothorax.\nIMPRESSION: Possible nodule.", "utf-8")
    return folder


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "study"
    assert main(["init", str(folder), "--protocol", "chest_xray_findings", "--lead", "ana"]) == 0
    opened = Project.open(folder, load_identity("ana"))
    opened.add_cases([Case("case-1", "patient-1"), Case("case-2", "patient-2")])
    opened.close()
    return folder


def write_report(path, items):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = BasicTextSRStorage, generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Modality, dataset.ValueType = "SR", "CONTAINER"
    dataset.ContentSequence = [_container(name, text) for name, text in items]
    dataset.save_as(path, enforce_file_format=True)


def _named(kind, name):
    item, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = (
        name.value,
        name.scheme_designator,
        name.meaning,
    )
    item.ValueType, item.ConceptNameCodeSequence = kind, [concept]
    return item


def _container(name, text):
    container, line = _named("CONTAINER", name), _named("TEXT", codes.DCM.Finding)
    line.TextValue = text
    container.ContentSequence = [line]
    return container


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_reading_reports_writes_labels_with_their_places(reports, tmp_path, capsys):
    out, table = tmp_path / "out.json", tmp_path / "out.csv"
    command = ["textlabels", "read", str(reports), "--protocol", "chest_xray_findings"]
    assert main([*command, "--json", str(out), "--csv", str(table)]) == 0
    shown = capsys.readouterr().out
    assert "2 reports, 4 mentions" in shown
    assert next(line for line in shown.splitlines() if line.startswith("pneumothorax")).split()[1:] == [
        "1",
        "0",
        "1",
        "0",
    ]
    first = json.loads(out.read_text("utf-8"))["reports"][0]
    effusion = next(label for label in first["labels"] if label["finding"] == "pleural_effusion")
    assert effusion["assertion"] == "present"
    ((start, stop),) = effusion["spans"]
    assert (reports / "case-1.txt").read_text("utf-8")[start:stop] == "effusion"
    first = rows_of(table)[0]
    assert [first[name] for name in ("case", "finding", "assertion", "words", "trigger")] == [
        *("case-1", "pneumothorax", "absent", "pneumothorax", "No"),
    ]


def test_tables_and_structured_reports_are_read_like_texts(tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "many.csv").write_text(
        'Study ID,Findings,Impression\ncase-1,"No effusion, ok",Normal\ncase-2,,"Pneumothorax"\n', "utf-8"
    )
    write_report(folder / "case-3.dcm", [(codes.DCM.Findings, "No effusion."), (codes.DCM.Impressions, "Normal.")])
    texts = {report.case: report.text for report in read_reports(folder).reports}
    assert texts["case-1"] == "FINDINGS:\nNo effusion, ok\n\nIMPRESSION:\nNormal"
    assert texts["case-2"] == "IMPRESSION:\nPneumothorax"
    assert "Findings:\nFinding:\nNo effusion." in texts["case-3"]


def test_labels_become_a_reader_of_the_project(reports, project, capsys):
    assert main(["textlabels", "import", str(project), str(reports)]) == 0
    assert "2 readings of model:report-text" in capsys.readouterr().out
    assert main(["textlabels", "import", str(project), str(reports)]) == 0
    assert "0 readings of model:report-text with 0 answers, 2 were there" in capsys.readouterr().out
    opened = Project.open(project)
    (submitted,) = opened.state.latest_readings("case-1")
    reading = opened.load_reading(submitted)
    assert reading.answer("pneumothorax").value == PresenceValue(Presence.ABSENT)
    assert reading.answer("pleural_effusion").comment == "report text, characters 33-41"
    assert not opened.problems


def test_reports_are_compared_with_what_a_reader_saw(reports, project, tmp_path, capsys):
    opened = Project.open(project, load_identity("ana"))
    opened.add_member("model:net", "a net", ["reader"])
    answers = [
        Answer("pneumothorax", PresenceValue(Presence.PRESENT)),
        Answer("pleural_effusion", PresenceValue(Presence.PRESENT)),
        Answer("atelectasis", PresenceValue(Presence.PRESENT)),
    ]
    opened.submit_reading(Reading("case-1", "model:net", 1, 1, opened.state.protocol, tuple(answers)))
    opened.close()
    table = tmp_path / "check.csv"
    command = ["textlabels", "check", str(project), str(reports), "--against", "model:net", "--csv", str(table)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "not compared: case-2: has no reading of model:net" in shown
    outcomes = {row["finding"]: row["outcome"] for row in rows_of(table)}
    assert outcomes == {
        "pneumothorax": "differs",
        "pleural_effusion": "agrees",
        "atelectasis": "only in the images",
    }
    assert "agrees" in shown


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.txt", None, "is not there"),
        ("one.csv", "a,b\n1,2\n", "has no column 'case'; it has a, b"),
        ("two.csv", "case,text\nc1,x\nc1,y\n", "case 'c1' has a report already"),
        ("three.csv", "case,text\n,x\n", "names no case"),
        ("image.dcm", "no DICOM", "DICOM"),
    ],
)
def test_wrong_reports_get_one_line(tmp_path, capsys, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_text(content, "utf-8")
    assert main(["textlabels", "read", str(path), "--protocol", "chest_xray_findings"]) == 2
    error = capsys.readouterr().err
    assert message in error.splitlines()[-1]


def test_a_bad_file_does_not_stop_the_others(reports, capsys):
    (reports / "bad.dcm").write_bytes(b"\0" * 300)
    assert main(["textlabels", "read", str(reports), "--protocol", "chest_xray_findings"]) == 1
    shown = capsys.readouterr()
    assert "not read: " in shown.err
    assert "2 reports" in shown.out


def test_a_report_of_an_unknown_case_is_refused(reports, project, capsys):
    (reports / "case-9.txt").write_text("Normal.", "utf-8")
    assert main(["textlabels", "import", str(project), str(reports)]) == 2
    assert "case 'case-9': is not in the project (1 are not)" in capsys.readouterr().err
