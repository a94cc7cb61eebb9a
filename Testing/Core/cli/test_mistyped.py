"""Mistyped command lines: one line that says what is wrong, what was meant, and where help is; exit code 2."""

import argparse
import io
from pathlib import Path

import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.cli.output import summarized
from AnnotationQACore.cli.parsing import CommandParser


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1), said
    return said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("agrement a b", "no command 'agrement' (did you mean 'agreement'?); see annotation-qa --help."),
        ("Agreement a b", "(did you mean 'agreement'?)"),
        ("zzz", "annotation-qa: no command 'zzz'; see annotation-qa --help."),
        ("agreement a b --tolerence 1", "there is no option '--tolerence' (did you mean '--tolerance'?)"),
        ("agreement a b --tolerence=1", "(did you mean '--tolerance'?)"),
        ("agreement a b --toler 1", "there is no option '--toler' (did you mean '--tolerance'?)"),
        ("release splti study", "'splti' is none of accept, split, sheet,"),
        ("release", "annotation-qa release: say which STEP: accept, split, sheet,"),
        ("release split study --seeds 1", "annotation-qa release split: --seed is missing; see annotation-qa release"),
        ("release split study --seed 1 --fold 2", "there is no option '--fold' (did you mean '--folds'?)"),
        (
            "assign study --seed one",
            "annotation-qa assign: --seed: 'one' is not a whole number from 0; see annotation-qa assign",
        ),
        ("power icc --width wide", "--width: 'wide' is not a number"),
        ("consensus a b -o x --method majorty", "'majorty' is none of majority, weighted, staple, simple, shape (did"),
        ("init x --protocol p --lead a --roles boss", "--roles: 'boss' is none of reader, reviewer, adjudicator, lead"),
        ("import lidc study --limit 0", "--limit: '0' is not a whole number from 1"),
        ("import lidc study --limit ten", "--limit: 'ten' is not a whole number from 1"),
        ("power mean --sd 1 --width 0.2 --per-patient nan --correlation 0.5", "--per-patient: 'nan' is not a number"),
        ("power limits --sd 1 --width 1 --multiplier -1", "--multiplier: '-1' is not a number above 0"),
        ("power icc --expected 0.8 --width inf", "--width: 'inf' is not a number to 1e+09"),
        ("agreement a b --seed -1", "--seed: '-1' is not a whole number from 0"),
        ("assign study --seed 1 --washout 99999999999", "is not a number of days from 0 to 36500"),
        ("consensus a b -o c.nrrd --margin 1e308", "--margin: '1e308' is not a number to 1e+09"),
        ("release rereads study --seed 1 --per-quarter 0", "--per-quarter: '0' is not a whole number from 1"),
        ("status my study", "'study' is one word too many (put a name with spaces in quotes)"),
        ("agreement --json", "--json: expected one argument"),
    ],
)
def test_it_is_one_line(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refusal(words.split(), capsys)


def test_help_is_found_by_the_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    overview = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == overview
    with pytest.raises(SystemExit) as ended:
        main(["help", "power"])
    assert ended.value.code == 0
    assert "usage: annotation-qa power" in capsys.readouterr().out


def test_steps_have_the_same_parser() -> None:
    parser = CommandParser("annotation-qa release")
    step = parser.add_subparsers().add_parser("split")
    assert isinstance(step, CommandParser)
    assert isinstance(step, argparse.ArgumentParser)


def test_like_things_are_one_line_however_many() -> None:
    lines = [f"case c{n}: has no reading of anna." for n in range(1000)] + ["case x: is odd."]
    assert summarized(lines) == ["case c0; case c1; case c2 and 997 more: has no reading of anna.", "case x: is odd."]
    different = [f"c{n}: reason {n}" for n in range(1000)]
    assert summarized(different, most=2) == ["c0: reason 0", "c1: reason 1", "998 more, for other reasons"]


def test_a_fault_of_the_program_is_one_line_without_what_is_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: str) -> None:
        raise KeyError("Doe^Jane")

    monkeypatch.setattr("importlib.import_module", broken)
    monkeypatch.delenv("ANNOTATIONQA_TRACEBACK", raising=False)
    assert main(["status", "anywhere"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("annotation-qa: fault of the program (KeyError in test_mistyped.py, line ")
    assert "Doe" not in said
    assert said.count("\n") == 1
    monkeypatch.setenv("ANNOTATIONQA_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main(["status", "anywhere"])


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device", "/data/out"), MemoryError(), RecursionError()]
)
def test_what_the_computer_lacks_is_one_line(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(_: str) -> None:
        raise error

    monkeypatch.setattr("importlib.import_module", lacking)
    assert main(["status", "anywhere"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_key_is_not_made_for_a_project_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    words = ["init", str(tmp_path / "full"), "--protocol", "lung_nodule_ct", "--lead", "ana"]
    assert "is not empty" in refusal(words, capsys)
    assert not (tmp_path / "home").exists()


def test_a_passphrase_is_asked_for_in_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path))
    monkeypatch.delenv("ANNOTATIONQA_PASSPHRASE", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "no passphrase: set ANNOTATIONQA_PASSPHRASE" in refusal(["identity", "new", "ana", "--passphrase"], capsys)
    assert not list(tmp_path.iterdir())
