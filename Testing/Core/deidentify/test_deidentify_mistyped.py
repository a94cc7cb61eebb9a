"""Mistyped command lines of de-identification, and the examples of its help: every word of them runs."""

import shlex
import shutil
from pathlib import Path

import pydicom
import pytest

from DeidentifyStudyCore.cli.examples import EXAMPLES
from DeidentifyStudyCore.cli.main import CLEAN, COMMANDS, SOME_QUARANTINED, main
from DeidentifyStudyCore.review import ReviewQueue


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rum in out", "no such command (did you mean 'run'?); see deidentify-study --help."),
        ("run in out --profil x", "--profile is missing"),
        ("run in out --profile x --optoin y", "there is no option '--optoin' (did you mean '--option'?)"),
        ("run in out Doe Jane --profile x", "there is one word too many (put a path with spaces in quotes)"),
        ("run in out --profile x --workers Doe", "--workers: is no whole number"),
        ("run in out --profile x --progress Doe", "--progress: is none of text, json, none"),
        ("key", "deidentify-study key: say which ACTION: new"),
        ("key mew", "is none of new (did you mean 'new'?)"),
    ],
)
def test_it_is_one_line_that_repeats_no_path(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words.split())
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert "Doe" not in said.err


def test_a_fault_of_the_program_is_one_line_without_what_is_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: str) -> None:
        raise KeyError("Doe^Jane")

    monkeypatch.setattr("importlib.import_module", broken)
    monkeypatch.delenv("DEIDENTIFY_TRACEBACK", raising=False)
    assert main(["profiles"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("deidentify-study: fault of the program (KeyError in test_deidentify_mistyped.py, line ")
    assert "Doe" not in said


@pytest.mark.parametrize("error", [OSError(28, "No space left on device", "Doe"), MemoryError(), RecursionError()])
def test_what_the_computer_lacks_is_one_line(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(_: str) -> None:
        raise error

    monkeypatch.setattr("importlib.import_module", lacking)
    assert main(["profiles"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Doe" not in said


def test_every_command_has_examples_and_they_run_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {line.split()[1] for line in EXAMPLES} == set(COMMANDS)
    monkeypatch.chdir(tmp_path)
    Path("incoming").mkdir()
    shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), "incoming/image.dcm")
    Path("reports").mkdir()
    Path("reports/report.txt").write_text("CT abdomen: no lesion of the liver.\n")
    Path("passphrase.txt").write_text("correct horse battery staple\n")
    for line in EXAMPLES:
        code = main(shlex.split(line)[1:])
        said = capsys.readouterr()
        assert code in (CLEAN, SOME_QUARANTINED), f"{line}\n{said.err}"
    assert list(Path("clean").rglob("*.dcm"))


def test_what_waits_for_a_person_is_said_with_the_command_that_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("incoming").mkdir()
    shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), "incoming/image.dcm")
    assert main(["run", "incoming", "clean", "--profile", "gdpr-anonymous"]) == CLEAN
    assert main(["deface", "clean", "faceless", "--review", "queue"]) == SOME_QUARANTINED
    said = capsys.readouterr().out
    assert "Waiting for a person: 1. Look at the pictures" in said
    assert "deidentify-study review queue\naccept OBJECT --face" in said
    assert main(["review", "queue", "reject", "zz"]) == 2
    assert "no object of the queue begins with 'zz'" in capsys.readouterr().err
    (digest,) = ReviewQueue.load(Path("queue")).entries
    capsys.readouterr()
    assert main(["review", "queue", "reject", digest]) == CLEAN
    assert capsys.readouterr().out == "1 object rejected; run again to apply\n"
    assert main(["deface", "clean", "faceless", "--review", "queue"]) == SOME_QUARANTINED
    assert "Waiting" not in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_shows_them(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert f"examples:\n  deidentify-study {name}" in shown


WRITERS = (
    "run incoming {} --profile gdpr-anonymous",
    "run incoming out --profile gdpr-anonymous --report {}",
    "deface incoming {} --review faces",
    "deface incoming out --review faces --report {}",
)


@pytest.mark.parametrize("words", WRITERS)
@pytest.mark.parametrize("place", ["file", "file/below", ".", "incoming/.."])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    words: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("incoming").mkdir()
    shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), "incoming/image.dcm")
    Path("file").write_text("mine")
    before = sorted(Path().rglob("*"))
    assert main(words.format(place).split()) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"deidentify-study: {Path(place)}: is ")
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert sorted(Path().rglob("*")) == before


def test_a_key_has_a_folder_to_lie_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", str(tmp_path / "none" / "secret.key")]) == 2
    assert "its folder is not there; create it first" in capsys.readouterr().err
