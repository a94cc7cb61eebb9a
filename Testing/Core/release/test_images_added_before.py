"""Images that were added to a project before anybody de-identified them, as those of the practice project."""

import json
import sys
from pathlib import Path

import pydicom
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.protocol.loading import load_protocol
from DeidentifyStudyCore.cli.main import main as deidentify

sys.path.append(str(Path(__file__).resolve().parents[2]))

from release_study import PROTOCOL, make_reading, write_images


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with one case, a reading of it, and a consensus that was accepted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", "phantom-phantom")
    Path("protocol.json").write_text(json.dumps(PROTOCOL))
    write_images(Path("images/case-1"), "case-1", 1)
    uid = pydicom.dcmread(next(Path("images/case-1").iterdir())).SeriesInstanceUID
    Path("cases.csv").write_text(f"case,patient,role,series_uid,location\ncase-1,PA,ct,{uid},images/case-1\n")
    for reader in ("ben", "cleo"):
        _, path = make_reading(Path(), load_protocol(Path("protocol.json")), "case-1", reader)
        Path("readings/case-1").mkdir(parents=True, exist_ok=True)
        path.rename(f"readings/case-1/{reader}.seg.nrrd")
    for words in (
        "init study --protocol protocol.json --lead ana --roles lead reviewer",
        "add-cases study cases.csv",
        "import folder study readings --pattern {case}/{reader}.seg.nrrd",
        "consensus study",
        "release accept study --reader consensus:majority --reason agreed",
    ):
        assert main(words.split()) == 0, words


@pytest.mark.usefixtures("study")
def test_they_are_released_after_de_identification_that_keeps_their_uids(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["release", "check", "study"]) == 1
    said = capsys.readouterr().out
    assert "REFUSED  images carry a de-identification report" in said
    assert "deidentify-study run --option retain_uids) and name the result with --images" in said
    assert "passed   free text holds nothing that identifies (0 texts" in said  # the consensus notes its own parameters
    assert deidentify(["key", "new", "secret.key"]) == 0
    words = "run images clean --profile research-shifted-dates --option retain_uids --key secret.key --progress none"
    assert deidentify(words.split()) == 0
    capsys.readouterr()
    report = ["--deidentification", "clean-report/report.json"]
    assert main(["release", "check", "study", "--images", "clean", *report]) == 1
    said = capsys.readouterr().out
    assert "passed   images carry a de-identification report (5 files in 1 reports)" in said
