"""Output that goes nowhere: a pipe that nobody reads any more, an interruption, a place that is not there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
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


PROGRAM = "import sys; from AnnotationQACore.cli.main import main; sys.exit(main())"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with nothing but these variables and the way to its packages."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}
    call = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(
        call, env=kept | environment, capture_output=True, text=True, errors="replace", check=False, timeout=120
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["protocol", "list"], ["power", "icc", "--expected", "0.8", "--width", "0.2"]])
def test_a_full_disk_under_the_output_is_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        call = [sys.executable, "-c", PROGRAM, *words]
        done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("annotation-qa: output: cannot be read or written (No space left")
    assert done.stderr.count("\n") == 1


LOCALES = ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})


@pytest.mark.parametrize("locale", LOCALES)
def test_a_terminal_without_a_letter_shows_an_escape(locale: dict[str, str]) -> None:
    done = run("protocol", "show", "lung_nodule_ct", **locale)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "\\u2265" in done.stdout  # at least


def test_piped_json_is_valid_in_any_locale(tmp_path: Path) -> None:
    project = str(tmp_path / "study")
    assert run("init", project, "--protocol", "lung_nodule_ct", "--lead", "ana", "--title", "Größe",
               ANNOTATIONQA_HOME=str(tmp_path), LC_ALL="C.UTF-8").returncode == 0  # fmt: skip
    done = run("status", project, "--json", ANNOTATIONQA_HOME=str(tmp_path), **LOCALES[0])
    assert json.loads(done.stdout)["name"] == "Größe"
    done = run("power", "icc", "--expected", "0.8", "--width", "0.2", "--json", "-", **LOCALES[1])
    assert json.loads(done.stdout)["cases"] > 10


@pytest.mark.skipif(sys.platform != "linux", reason="file names of bytes are of Linux")
def test_a_name_that_is_no_text_is_listed_or_refused(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xffd"))
    folder.mkdir()
    shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), os.fsencode(folder) + b"/\xfe.dcm")
    report = tmp_path / "out.json"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "LC_ALL": "C.UTF-8"}
    for _ in range(2):  # the second time out of the cache
        done = run("inspect", str(folder), "--jobs", "1", "--quiet", "--json", str(report), **cache)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(json.loads(report.read_bytes())["series"]) == 1
    words = ("init", os.fsdecode(os.fsencode(tmp_path) + b"/p\xff"), "--protocol", "lung_nodule_ct", "--lead", "ana")
    done = run(*words, ANNOTATIONQA_HOME=str(tmp_path / "home"), LC_ALL="C.UTF-8")
    assert done.returncode == 2
    assert "the name is no text in this locale" in done.stderr
    assert not (tmp_path / "home").exists()


def test_without_a_home_what_needs_no_key_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    project = str(tmp_path / "study")
    assert main(["init", project, "--protocol", "lung_nodule_ct", "--lead", "ana"]) == 0

    def homeless(_: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", classmethod(homeless))
    for name in ("ANNOTATIONQA_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), tmp_path / "study.dcm")
    capsys.readouterr()
    for name in ("status", "verify"):
        assert main([name, project]) == 0, capsys.readouterr().err
    assert main(["agreement", project]) == 2
    assert "results are not kept for the next time: this user has no home folder" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path), "--jobs", "1", "--quiet"]) == 0
    assert "headers are not kept for the next time" in capsys.readouterr().err
    assert main(["assign", project, "--seed", "1"]) == 2
    assert "this user has no home folder; set ANNOTATIONQA_HOME" in capsys.readouterr().err


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
