"""annotation-qa protocol ..., as a study lead types it."""

import json

import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.protocol.loading import load_protocol, load_shipped, shipped_protocols
from AnnotationQACore.protocol.schema import schema_text


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main(["protocol", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_check_says_that_a_protocol_is_valid(run):
    code, out, err = run("check", "lung_nodule_ct")
    assert (code, err) == (0, "")
    assert "valid" in out
    assert load_shipped("lung_nodule_ct").hash in out


def test_check_names_every_problem_on_its_own_line(run, tmp_path, small):
    small["titel"] = small.pop("title")
    small["items"][0]["label_value"] = 0
    (tmp_path / "p.json").write_text(json.dumps(small))
    code, out, err = run("check", "p.json")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "p.json: titel: unknown key; did you mean 'title'?",
        "p.json: title: missing; add text in quotes.",
        "p.json: items[0].label_value: 0 is out of range; give a number from 1 to 65535.",
    ]


def test_a_file_that_is_not_there(run):
    code, out, err = run("check", "nowhere.json")
    assert (code, out) == (2, "")
    assert err.startswith("annotation-qa: nowhere.json: cannot be read (")
    assert err.endswith("); name a protocol file (JSON).\n")
    assert len(err.splitlines()) == 1


def test_new_writes_a_protocol_and_refuses_to_overwrite(run, tmp_path):
    code, out, _ = run("new", "--from", "chest_xray_findings", "-o", "mine.json")
    assert code == 0
    assert "mine.json" in out
    assert load_protocol(tmp_path / "mine.json") == load_shipped("chest_xray_findings")
    (tmp_path / "mine.json").write_text("mine")
    code, _, err = run("new", "--from", "chest_xray_findings", "-o", "mine.json")
    assert code == 2
    assert "exists already" in err
    assert (tmp_path / "mine.json").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.json"]


def test_new_from_a_protocol_that_is_not_shipped(run, tmp_path):
    code, _, err = run("new", "--from", "lung_nodules", "-o", "mine.json")
    assert code == 2
    assert err == "annotation-qa: no shipped protocol 'lung_nodules'; did you mean 'lung_nodule_ct'?\n"
    assert list(tmp_path.iterdir()) == []


def test_new_into_a_folder_that_is_not_there(run):
    code, _, err = run("new", "--from", "chest_xray_findings", "-o", "none/mine.json")
    assert code == 2
    assert "its folder is not there; create it first" in err


def test_show_writes_html_or_markdown(run, tmp_path):
    assert run("show", "lung_nodule_ct", "-o", "book.html")[0] == 0
    assert (tmp_path / "book.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    code, out, _ = run("show", "lung_nodule_ct")
    assert code == 0
    assert out.startswith("# Lung nodules on CT")
    assert run("show", "lung_nodule_ct", "-o", tmp_path)[0] == 2


def test_schema_prints_the_schema(run):
    assert run("schema") == (0, schema_text(), "")


def test_list_names_all(run):
    _, out, _ = run("list")
    assert [line.split()[0] for line in out.splitlines()] == list(shipped_protocols())


def test_diff_says_what_is_to_be_read_again(run, tmp_path):
    run("new", "--from", "lung_nodule_ct", "-o", "b.json")
    document = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert run("diff", "lung_nodule_ct", "b.json")[1].endswith("The two are the same protocol.\n")
    document["version"] = "2.0.0"
    document["items"][5]["definition"] = "How blurred the border is."
    document["items"][0]["color"] = "#00AA00"
    (tmp_path / "b.json").write_text(json.dumps(document), encoding="utf-8")
    code, out, _ = run("diff", "lung_nodule_ct", "b.json")
    assert code == 0
    assert "margin: meaning changed" in out
    assert "nodule: only presentation changed" in out
    assert [line for line in out.splitlines() if line.startswith("read again")] == [
        "read again: margin (its meaning changed (definition))"
    ]
