"""Reports beside the studies: cleaned by what these tell, under names that tell nothing."""

import json
from pathlib import Path

import pytest

from DeidentifyStudyCore.cli.main import BAD_USE, CLEAN, SOME_QUARANTINED, main

TEXT = """Patient: Quillon Zyxwarth, born 12.03.1957, number 7391846
CT chest with contrast, comparison 03/04/2023.
Findings: 8 mm nodule in the right upper lobe, no effusion.
Dr. Odile Vandermeersch"""
SECRET_WORDS = ("Zyxwarth", "Quillon", "7391846", "1957", "Vandermeersch", "2023")
RESEARCH = ("--profile", "research-shifted-dates", "--key", "key.json")


@pytest.fixture
def folder(tmp_path, monkeypatch, make_dataset, encode) -> Path:
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", "correct horse battery")
    monkeypatch.chdir(tmp_path)
    for name in ("studies", "reports"):
        (tmp_path / name).mkdir()
    (tmp_path / "studies" / "image").write_bytes(encode(make_dataset()))
    assert main(["key", "new", "key.json"]) == CLEAN
    return tmp_path


def text(*arguments: str, studies: str = "studies") -> int:
    return main(["text", "reports", "out", "--studies", studies, *arguments])


def diagnostic_report(**more: object) -> str:
    return json.dumps(
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "subject": {"display": "Zyxwarth"},
            "effectiveDateTime": "2023-04-03T10:11:12Z",
            "conclusion": TEXT,
            **more,
        }
    )


def test_texts_and_resources_get_new_names_and_lose_the_patient(folder, capsys):
    (folder / "reports" / "CT of Zyxwarth.txt").write_text(TEXT)
    (folder / "reports" / "later").mkdir()
    (folder / "reports" / "later" / "7391846.json").write_text(diagnostic_report())
    assert text(*RESEARCH) == CLEAN
    assert main(["run", "studies", "clean", *RESEARCH, "--conformance", "none"]) == CLEAN
    out, err = capsys.readouterr()
    assert "2 of 2 reports written" in out
    written = sorted((folder / "out").iterdir(), key=lambda path: path.suffix)
    assert [path.suffix for path in written] == [".json", ".txt"]
    everything = out + err + "".join(path.name + path.read_text() for path in written)
    assert not [word for word in SECRET_WORDS if word in everything]
    resource = json.loads(written[0].read_text())
    (pseudonym,) = [path.name for path in (folder / "clean").iterdir()]
    assert resource["subject"] == {"identifier": {"value": pseudonym}}  # the same as in the studies' run
    assert resource["effectiveDateTime"] != "2023-04-03"
    assert "8 mm nodule in the right upper lobe, no effusion." in written[1].read_text()
    assert "nodule in the right upper lobe" in resource["conclusion"]


def test_days_are_those_of_the_profile(folder, capsys):
    (folder / "reports" / "a.json").write_text(diagnostic_report())
    days = {}
    for profile in ("hipaa-safe-harbor", "internal-pseudonymous"):
        arguments = [
            "text",
            "reports/a.json",
            profile,
            "--studies",
            "studies",
            "--profile",
            profile,
            "--key",
            "key.json",
        ]
        assert main(arguments) == CLEAN
        (path,) = (folder / profile).iterdir()
        days[profile] = json.loads(path.read_text()).get("effectiveDateTime")
    assert days == {"hipaa-safe-harbor": None, "internal-pseudonymous": "2023-04-03"}


def test_what_cannot_be_cleaned_is_left_out_with_a_reason_and_no_name(folder, capsys):
    reports = folder / "reports"
    (reports / "a Zyxwarth").write_bytes(b"caf\xe9 \xff")
    (reports / "b.json").write_text('{"resourceType": "Patient", "name": "Zyxwarth"}')
    (reports / "c.json").write_text("[1]")
    (reports / "d.json").write_text('{"resourceType": ')
    (reports / "e").symlink_to("/etc/hostname")
    (reports / "f.txt").write_bytes(b"a" * (5 << 20))
    (reports / "g.json").write_text(diagnostic_report(code={"coding": "Zyxwarth"}))
    (reports / "h.txt").write_text("No effusion.")
    assert text(*RESEARCH) == SOME_QUARANTINED
    out, err = capsys.readouterr()
    assert "1 of 8 reports written" in out
    reasons = [line.split(": ")[1].split(",")[0] for line in out.splitlines() if line.startswith("file ")]
    assert reasons == [
        "not-text", "not-a-report", "not-a-report", "not-a-report", "unreadable", "too-large", "not-a-report",
    ]  # fmt: skip
    assert not [word for word in SECRET_WORDS if word in out + err]
    assert [path.read_text() for path in (folder / "out").iterdir()] == ["No effusion.\n"]


def test_a_report_that_still_repeats_the_patient_is_not_written(folder, capsys, monkeypatch):
    (folder / "reports" / "a.txt").write_text(TEXT)
    monkeypatch.setattr("DeidentifyStudyCore.runs.report_files.clean_report_text", lambda text, _: text)
    assert text(*RESEARCH) == SOME_QUARANTINED
    assert "repeats-identity" in capsys.readouterr().out
    assert not list((folder / "out").iterdir())


def test_wrong_use_is_one_line(folder, capsys, make_dataset, encode):
    (folder / "reports" / "a.txt").write_text(TEXT)
    (folder / "both").mkdir()
    for number, name in enumerate(("Zyxwarth^Quillon", "Doe^Jane")):
        other = make_dataset(number=number, PatientName=name, PatientID=f"PX-{number}9912")
        (folder / "both" / str(number)).write_bytes(encode(other))
    for arguments, studies, said in (
        (RESEARCH, "both", "the studies are of 2 patients"),
        (RESEARCH, "nowhere", "--studies"),
        ((*RESEARCH, "--option", "clean_descriptors=off"), "studies", "keeps no free text"),
        (RESEARCH[:2], "studies", "--key"),
        (RESEARCH, "reports", "of no patient"),
    ):
        assert text(*arguments, studies=studies) == BAD_USE
        err = capsys.readouterr().err
        assert said in err.splitlines()[-1]
        assert not [word for word in SECRET_WORDS if word in err]
    inside = ["text", "reports", "reports/out", "--studies", "studies", *RESEARCH]
    assert main(inside) == BAD_USE
    assert main(["text", "none", "out", "--studies", "studies", *RESEARCH]) == BAD_USE
    (folder / "empty").mkdir()
    assert main(["text", "empty", "out", "--studies", "studies", *RESEARCH]) == BAD_USE
    assert "the folder of the reports is empty" in capsys.readouterr().err
    assert main(["text", "reports", "out", "--studies", "empty", *RESEARCH]) == BAD_USE
    assert not (folder / "out").exists()
