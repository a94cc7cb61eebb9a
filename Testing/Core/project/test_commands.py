"""A study from the command line, and wrong use of it."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from AnnotationQACore.cli.main import COMMANDS, main
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import load_identity


@pytest.fixture
def run(capsys):
    def run(*words: object, code: int = 0) -> str:
        found = main([str(word) for word in words])
        shown = capsys.readouterr()
        assert found == code, shown
        if code == 2:
            lines = [line for line in shown.err.splitlines() if not line.startswith("reading images: ")]
            assert len(lines) == 1, shown.err
            assert lines[0].startswith("annotation-qa: ")
        return shown.out + shown.err

    return run


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    for n in range(1, 7):
        for role in ("CT", "PET"):
            (folder / f"c{n}" / role).mkdir(parents=True)
            (folder / f"c{n}" / role / "1.dcm").write_bytes(f"{n}{role}".encode())
    return folder


@pytest.fixture
def project(tmp_path: Path, run, images: Path) -> Path:
    folder = tmp_path / "study"
    run("init", folder, "--protocol", "lung_nodule_ct", "--lead", "lead")
    for name, role in [("anna", "reader"), ("ben", "reader"), ("rita", "reviewer")]:
        shown = run("identity", "new", name)
        key = next(line.split()[-1] for line in shown.splitlines() if line.startswith("public key"))
        run("member", "add", folder, name, "--roles", role, "--public-key", key, "--as", "lead")
    assert "added 6 cases with 12 series" in run("add-cases", folder, images, "--as", "lead")
    run("assign", folder, "--per-case", "1", "--seed", "7", "--gold", "c1", "--repeats", "0.4", "--as", "lead")
    return folder


def test_a_study_from_the_command_line(project: Path, run, tmp_path: Path) -> None:
    state = Project.open(project).state
    purposes = [(t.reader, t.purpose) for t in state.all_tasks()]
    assert sorted(purposes) == sorted(
        [("anna", "gold"), ("ben", "gold"), ("anna", "repeat"), ("ben", "repeat")]
        + [("anna", "reading")] * (2 if purposes.count(("anna", "reading")) == 2 else 3)
        + [("ben", "reading")] * (3 if purposes.count(("anna", "reading")) == 2 else 2)
    )
    case = state.cases["c1"].case
    assert [(s.role, s.files, len(s.sha256)) for s in case.series] == [("CT", 1, 64), ("PET", 1, 64)]
    status = json.loads(run("status", project, "--json"))
    assert status["cases"] == {"new": 6}
    assert status["problems"] == []
    assert "reader  assigned" in run("status", project)
    assert run("verify", project).startswith("sound: 10 acts by 1 key,")
    assert "cases added" in run("history", project, "c2")
    assert "anna" in run("member", "list", project)
    for form in ("csv", "json", "html"):
        run("audit", "export", project, tmp_path / f"audit.{form}")
    rows = list(csv.DictReader((tmp_path / "audit.csv").read_text().splitlines()))
    assert [row["kind"] for row in rows][:2] == ["project created", "protocol adopted"]
    assert json.loads((tmp_path / "audit.json").read_text())["sound"] is True
    assert "<script" not in (tmp_path / "audit.html").read_text()
    assert "nothing to assign" in run(
        "assign", project, "--per-case", "1", "--seed", "8", "--gold", "c1", "--as", "lead"
    )


def test_verify_tells_what_is_broken_and_ends_with_1(project: Path, run, tmp_path: Path) -> None:
    run("audit", "export", project, tmp_path / "audit.json")
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    [ledger] = (copy / "ledger").glob("lead.*.jsonl")
    content = ledger.read_bytes()
    ledger.write_bytes(content.replace(b'"anna"', b'"hans"', 1))
    shown = run("verify", copy, code=1)
    assert shown.startswith(f"BROKEN  ledger/{ledger.name}: event ")
    assert "warning: " in run("status", copy)
    lines = content.splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-1]))
    assert "sound" in run("verify", copy)
    assert "event 9: it is missing" in run("verify", copy, "--against", tmp_path / "audit.json", code=1)


def test_revoking_a_key(project: Path, run) -> None:
    key = load_identity("anna").fingerprint
    run("member", "revoke", project, key[:10], "--reason", "left the hospital", "--as", "lead")
    assert "revoked from event 0" in run("member", "list", project)


def test_excluding_a_case_and_adopting_another_protocol(project: Path, run) -> None:
    run("exclude", project, "c2", "--reason", "motion artefacts", "--as", "lead")
    assert Project.open(project).state.cases["c2"].excluded == "motion artefacts"
    run("exclude", project, "c2", "--undo", "--as", "lead")
    assert not Project.open(project).state.cases["c2"].excluded
    assert "nothing to undo" in run("exclude", project, "c2", "--undo", "--as", "lead", code=2)
    run("adopt", project, "brain_tumour_mr", "--as", "lead")
    opened = Project.open(project)
    assert opened.protocol().title in run("status", project)
    assert opened.protocol(opened.state.protocols[0].hash).id != opened.protocol().id
    run("adopt", project, "lung_nodule_ct", "--as", "lead")
    assert len(list((project / "protocols").iterdir())) == 2
    assert "sound" in run("verify", project)
    assert "in force already" in run("adopt", project, "lung_nodule_ct", "--as", "lead", code=2)


def test_passphrases(run, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    monkeypatch.setenv("ANNOTATIONQA_PASSPHRASE", "correct horse")
    run("identity", "new", "carl", "--passphrase")
    assert "carl" in run("identity", "show", "--as", "carl")
    monkeypatch.setenv("ANNOTATIONQA_PASSPHRASE", "wrong")
    assert "check the passphrase" in run("identity", "show", "--as", "carl", code=2)
    monkeypatch.delenv("ANNOTATIONQA_PASSPHRASE")
    assert "a passphrase is needed" in run("identity", "show", "--as", "carl", code=2)
    assert "carl" in run("identity", "list")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["status", "{tmp}"], "is not a project"),
        (["verify", "{tmp}/nowhere"], "is not a project"),
        (["init", "{project}", "--protocol", "lung_nodule_ct", "--lead", "lead"], "is not empty"),
        (["init", "{tmp}/new", "--protocol", "nothing", "--lead", "lead"], "no shipped protocol"),
        (["init", "{tmp}/new", "--protocol", "{tmp}/gone.json", "--lead", "lead"], "cannot be read"),
        (["add-cases", "{project}", "{images}", "--as", "lead"], "added before: c1"),
        (["add-cases", "{project}", "{images}", "--as", "anna"], "is not for reader"),
        (["add-cases", "{project}", "{images}"], "who acts is not clear"),
        (["add-cases", "{project}", "{images}", "--as", "nobody"], "no key in"),
        (["add-cases", "{project}", "{tmp}/gone.csv", "--as", "lead"], "gone.csv: cannot be read (No such file or"),
        (["assign", "{project}", "--readers", "zoe", "--per-case", "1", "--seed", "1", "--as", "lead"], "reader 'zoe'"),
        (["assign", "{project}", "--per-case", "3", "--seed", "1", "--as", "lead"], "3 readers per case of 2"),
        (["assign", "{project}", "--cases", "x", "--per-case", "1", "--seed", "1", "--as", "lead"], "case 'x'"),
        (["history", "{project}", "c99"], "is not in the project"),
        (["identity", "new", "anna"], "there is a key already"),
        (["identity", "new", "a/b"], "identifier"),
        (["member", "add", "{project}", "anna", "--roles", "reader", "--as", "lead"], "a member 'anna' already"),
        (["member", "add-key", "{project}", "anna", "AAAA", "--as", "lead"], "32 bytes in base64"),
        (["audit", "export", "{project}", "{tmp}/x.doc"], "the ending says no form"),
        (["audit", "export", "{project}", "{tmp}/no/x.csv"], "its folder is not there"),
        (["verify", "{project}", "--against", "{images}"], "is no audit export"),
    ],
)
def test_wrong_use_is_one_line_and_changes_nothing(project, images, tmp_path, run, words, message) -> None:
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    filled = [word.format(tmp=tmp_path, project=project, images=images) for word in words]
    assert message in run(*filled, code=2)
    assert {p: p.read_bytes() for p in project.rglob("*") if p.is_file()} == before
    assert not (tmp_path / "new").exists()


def test_every_command_is_listed_and_explains_itself(capsys) -> None:
    for command in (
        "add-cases",
        "adopt",
        "assign",
        "audit",
        "exclude",
        "history",
        "identity",
        "init",
        "member",
        "status",
        "verify",
    ):
        assert command in COMMANDS
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "usage: annotation-qa" in capsys.readouterr().out


def test_a_table_without_rows_is_refused(project: Path, run, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("case,patient\n")
    assert "none.csv: names no case" in run("add-cases", project, tmp_path / "none.csv", "--as", "lead", code=2)


def test_a_device_without_keys_says_so(run, tmp_path: Path) -> None:
    assert "no keys on this device" in run("identity", "list", "--key-dir", tmp_path / "none")
