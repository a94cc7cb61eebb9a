"""annotation-qa report: options, and what it says when it cannot."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.readings import Answer, Presence, RatingValue, Reading, SegmentationValue, Subject
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.segmentation import Segment, Segmentation

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three cases with one nodule each, read by two readers."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    protocol = load_shipped("lung_nodule_ct")
    lead = Project.create(tmp_path / "project", create_identity("lead"), protocol)
    for reader in ("anna", "ben"):
        lead.add_member(reader, reader, [Role.READER])
    lead.add_cases([Case(f"c{number}", f"p{number}") for number in range(3)])
    for number in range(3):
        for reader in ("anna", "ben"):
            voxels = np.zeros((1, 4, 12, 12), np.uint8)
            voxels[0, 1:3, 2:8, 2 : 8 + number * (reader == "ben")] = 1
            path = tmp_path / "one.seg.nrrd"
            write_segmentation(path, Segmentation(voxels, Grid((4, 12, 12)), (Segment("nodule#1", "Nodule", 1),)))
            subject = Subject(instance=1)
            answers = (
                Answer("nodule", SegmentationValue(Presence.PRESENT), subject),
                Answer("malignancy", RatingValue(1 + number + (reader == "ben")), subject),
            )
            lead.submit_reading(Reading(f"c{number}", reader, 1, 1, protocol.hash, answers), path)
    lead.close()
    return tmp_path / "project"


@pytest.fixture
def run(project: Path, tmp_path: Path) -> Callable[..., int]:
    return lambda *more: main(["report", str(project), "-o", str(tmp_path / "out"), "--resamples", "50", *more])


def test_a_report_of_a_project(run: Callable[..., int], tmp_path: Path, capsys: Capture) -> None:
    assert run("--seed", "7") == 0
    assert "3 cases in" in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["bootstrap"] == {"resamples": 50, "seed": 7, "level": 0.95, "unit": "patient"}
    assert list(document["readers"]) == ["Reader A", "Reader B"]
    nodule = document["summary"]["items"][0]
    dice = [1.0, 2 * 72 / (72 + 84), 2 * 72 / (72 + 96)]
    assert nodule["figures"][0]["value"] == pytest.approx(sum(dice) / 3)
    assert nodule["reached"] is True


def test_some_cases_without_pictures_by_name(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("--cases", "c1", "c2", "--names", "--no-pictures") == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in (out / "cases").iterdir()) == ["c1.html", "c2.html"]
    document = json.loads((out / "report.json").read_text())
    assert list(document["readers"]) == ["anna", "ben"]
    assert document["summary"]["n_cases"] == 2
    assert "<path" not in (out / "cases" / "c1.html").read_text()
    assert run() == 0
    assert len(list((out / "cases").iterdir())) == 3
    assert "<path" in (out / "cases" / "c1.html").read_text()


def test_processes_give_the_same(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("--workers", "0") == 2
    assert run("--workers", "2") == 0
    first = (tmp_path / "out" / "figures.csv").read_bytes()
    assert run() == 0
    assert (tmp_path / "out" / "figures.csv").read_bytes() == first


def test_an_unknown_case(run: Callable[..., int], tmp_path: Path, capsys: Capture) -> None:
    assert run("--cases", "c9") == 2
    assert "'c9' is not a case of this project" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else(run: Callable[..., int], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    assert run() == 2
    assert "is not empty and holds no report" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_no_project(tmp_path: Path, capsys: Capture) -> None:
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("annotation-qa: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("resamples", ["0", "-5"])
def test_no_resamples(project: Path, tmp_path: Path, capsys: Capture, resamples: str) -> None:
    assert main(["report", str(project), "-o", str(tmp_path / "out"), "--resamples", resamples]) == 2
    assert f"--resamples: {resamples} is too few" in capsys.readouterr().err
