"""Every command that writes refuses a place it could not write to before it begins, whatever else is wrong."""

import os
from pathlib import Path

import pytest

from AnnotationQACore.cli.main import COMMANDS, main

RATINGS = "agreement --ratings ratings.csv --case case --reader reader --value value"
FILES = {
    "agreement labels": "agreement a.nrrd b.nrrd --json {}",
    "agreement ratings": f"{RATINGS} --json {{}}",
    "agreement landmarks": "agreement --landmarks a.mrk.json b.mrk.json --json {}",
    "audit": "audit export study {} --format csv",
    "consensus": "consensus a.nrrd b.nrrd -o {}.nrrd",
    "consensus performance": "consensus a.nrrd b.nrrd -o out.nrrd --json {}",
    "consensus uncertainty": "consensus a.nrrd b.nrrd -o out.nrrd --uncertainty {}.nrrd",
    "export list": "export study -o out --json {}",
    "inspect": "inspect images --json {}",
    "measure": "measure image.nrrd a.nrrd --json {}",
    "power": "power icc --expected 0.8 --width 0.2 --json {}",
    "protocol new": "protocol new --from lung_nodule_ct -o {}",
    "protocol reference": "protocol reference -o {}",
    "protocol schema": "protocol schema -o {}",
    "protocol show": "protocol show lung_nodule_ct -o {}",
    "release drift": "release drift study model:net --json {}",
    "release rank": "release rank study --json {}",
    "release redo": "release redo study --json {}",
    "release sheet": "release sheet study -o {}",
    "textlabels check": "textlabels check study reports --csv {}",
    "textlabels read": "textlabels read reports --protocol chest_xray_findings --json {}",
    "textlabels table": "textlabels read reports --protocol chest_xray_findings --csv {}",
}
FOLDERS = {
    "consensus": "consensus a.nrrd b.nrrd -o out.nrrd --probabilities {}",
    "demo": "demo {}",
    "export": "export study -o {}",
    "fetch": "fetch https://localhost/none --all -o {}",
    "init": "init {} --protocol lung_nodule_ct --lead ana",
    "release card": "release card study -o {}",
    "release look": "release look study -o {}",
    "release make": "release make study {} --as ana",
    "report": "report study -o {}",
}
WRITES_NOWHERE_ELSE = {
    "add-cases", "adopt", "assign", "exclude", "history", "identity", "import", "member", "publish", "status", "verify",
}  # fmt: skip
"""Commands that write into the project or the user's folder only, or nothing."""

NO_FOLDER = "/proc" if Path("/proc/self").exists() else ""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands run: a project of somebody's, and a file."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "project.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.nrrd").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    return tmp_path


def refused(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command said, which ended with exit code 2."""
    before = sorted(Path().rglob("*"))
    assert main(words.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert sorted(Path().rglob("*")) == before
    return said.err


def test_every_command_is_looked_at() -> None:
    listed = {words.split()[0] for words in (*FILES.values(), *FOLDERS.values())}
    assert listed | WRITES_NOWHERE_ELSE == set(COMMANDS)
    assert not listed & WRITES_NOWHERE_ELSE


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = FILES[name]
    assert "its folder is not there; create it first" in refused(words.format("none/out"), capsys)
    assert "is a folder; name a file" in refused(words.format("folder"), capsys)
    assert "lies in the project" in refused(words.format("other/out"), capsys)
    if Path(os.devnull).exists() and "{}.nrrd" not in words:
        assert "is a device and no file" in refused(words.format(os.devnull), capsys)
    if NO_FOLDER:
        assert "cannot be written into" in refused(words.format(f"{NO_FOLDER}/out"), capsys)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_cannot_be_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = FOLDERS[name]
    assert "is a file; name a folder" in refused(words.format("file"), capsys)
    assert "file is a file; name another folder" in refused(words.format("file/out"), capsys)
    assert "lies in the project" in refused(words.format("other/out"), capsys)
    if name != "fetch":
        assert "is a folder that is in use" in refused(words.format("."), capsys)
        assert "is a folder that is in use" in refused(words.format("folder/.."), capsys)
    if NO_FOLDER:
        assert "cannot be written into" in refused(words.format(f"{NO_FOLDER}/out"), capsys)
    assert Path("file").read_text() == "mine"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "words",
    [
        "agreement file b.nrrd --json file",
        "agreement --landmarks a.mrk.json file --json folder/../file",
        f"{RATINGS.replace('ratings.csv', 'file')} --json file",
        "consensus a.nrrd folder.nrrd/x.nrrd -o folder.nrrd/x.nrrd",
        "measure image.nrrd file --json file",
        "measure image.nrrd a.nrrd --baseline file b.nrrd --json file",
        "protocol show file -o file",
        "textlabels read file --protocol chest_xray_findings --csv file",
        "report folder -o folder",
        "export study --images folder -o folder",
    ],
)
def test_what_is_read_is_not_written_over(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is what is read; name another place for the result" in refused(words, capsys)


@pytest.mark.usefixtures("place")
def test_two_results_do_not_share_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    words = "consensus a.nrrd b.nrrd -o out.nrrd --uncertainty out.nrrd"
    assert "is named for two results" in refused(words, capsys)
    assert "of a format that is not written" in refused("consensus a.nrrd b.nrrd -o out.png", capsys)
