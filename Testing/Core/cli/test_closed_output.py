"""Output that goes nowhere: a pipe that nobody reads any more, an interruption, a place that is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from AnnotationQACore.cli.main import main


def test_a_closed_pipe_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "import sys; from AnnotationQACore.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "protocol", "show", "lung_nodule_ct"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_an_interruption_while_a_command_is_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main(["status", "anywhere"]) == 130
    assert capsys.readouterr().err.startswith("annotation-qa: cancelled")


@pytest.mark.parametrize(("place", "what"), [("none/out.json", "its folder is not there"), (".", "is a folder")])
def test_a_place_that_cannot_be_written_is_named_before_the_work(
    tmp_path: Path, place: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ratings.csv").write_text("case,reader,value\na,x,1\na,y,1\nb,x,2\nb,y,2\n")
    columns = ["--case", "case", "--reader", "reader", "--value", "value"]
    words = ["agreement", "--ratings", tmp_path / "ratings.csv", *columns, "--json", tmp_path / place]
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr()
    assert what in said.err
    assert said.out == ""
