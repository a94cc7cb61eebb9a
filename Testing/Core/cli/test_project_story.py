"""Commands on a project of real readings, one after the other, as the demo types them."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.lidc.database import find_database
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.segmentation import Mask

SCANS = 3


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three scans, their readings and the consensus by majority."""
    try:
        find_database()
    except MissingExtra as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANNOTATIONQA_HOME", str(folder / "home"))
        project = str(folder / "study")
        assert main(["init", project, "--protocol", "lung_nodule_ct", "--lead", "ana"]) == 0
        assert main(["import", "lidc", project, "--limit", str(SCANS)]) == 0
        assert main(["consensus", project]) == 0
    return folder / "study"


@pytest.fixture(autouse=True)
def home(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(study.parent / "home"))


def test_import_is_taken_up_and_not_repeated(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "lidc", str(study), "--limit", str(SCANS)]) == 0
    assert f"0 cases with 0 readings imported, {SCANS} were there" in capsys.readouterr().out


def test_import_needs_the_protocol_of_the_readings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "other"), "--protocol", "vertebra_landmarks", "--lead", "ana"]) == 0
    assert main(["import", "lidc", str(tmp_path / "other"), "--limit", "1"]) == 2
    assert "does not ask for 'calcification'" in capsys.readouterr().err


def test_agreement_of_a_project_is_shown_and_written(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "agreement.json"
    assert main(["agreement", str(study), "--json", str(out), "--resamples", "100"]) == 0
    shown = capsys.readouterr().out
    document = json.loads(out.read_text())
    assert [case["case"] for case in document["cases"]] == ["LIDC-IDRI-0001", "LIDC-IDRI-0002", "LIDC-IDRI-0003"]
    nodule = next(item for item in document["summary"]["items"] if item["item"] == "nodule")
    dice = next(figure for figure in nodule["figures"] if figure["name"] == "dice")
    assert f"{dice['value']:.3f}" in shown
    assert main(["agreement", str(study), "--workers", "0"]) == 2


def test_consensus_is_recomputed_only_when_readings_change(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consensus", str(study)]) == 0
    assert f"0 cases have a new consensus by majority, {SCANS} were up to date" in capsys.readouterr().out
    assert main(["consensus", str(study), "--ties", "include"]) == 0
    assert f"{SCANS} cases have a new consensus by majority, 0 were up to date" in capsys.readouterr().out
    assert main(["consensus", str(study)]) == 0
    assert main(["consensus", str(study), "-o", "x.nrrd"]) == 2
    assert "it goes into its ledger" in capsys.readouterr().err


def test_the_majority_of_four_is_what_three_drew(study: Path) -> None:
    project = Project.open(study)
    case = "LIDC-IDRI-0003"
    by_reader = {r.reader: project.segmentation_path(r) for r in project.state.latest_readings(case)}
    consensus = read_segmentation(by_reader.pop("consensus:majority"))  # type: ignore[arg-type]
    drawn = [read_segmentation(path) for path in by_reader.values() if path is not None]
    votes = sum(np.any(one.layers > 0, axis=0).astype(int) for one in drawn)
    np.testing.assert_array_equal(np.any(consensus.layers > 0, axis=0), votes >= 3)


def test_export_writes_dicom_seg_where_the_images_are_there(study: Path, tmp_path: Path) -> None:
    project = Project.open(study)
    reading = next(r for r in project.state.latest_readings("LIDC-IDRI-0001") if r.reader == "consensus:majority")
    path = project.segmentation_path(reading)
    assert path is not None
    stored = read_segmentation(path)
    union = Mask(np.any(stored.layers > 0, axis=0), stored.grid)
    images = tmp_path / "images"
    images.mkdir()
    series = project.state.cases["LIDC-IDRI-0001"].case.series[0].uid
    slices = write_phantom_series(images, union, "LIDC-IDRI-0001", series)
    assert main(["export", str(study), "--images", str(images), "-o", str(tmp_path / "out")]) == 0
    exported = read_dicom_seg(tmp_path / "out" / "LIDC-IDRI-0001_consensus-majority.dcm")
    segment = exported.segmentation.segments[0]
    assert exported.segmentation.mask(segment.id).voxels.sum() == (stored.layers > 0).sum()
    assert (tmp_path / "out" / "LIDC-IDRI-0003_consensus-majority.seg.nrrd").is_file()
    header = pydicom.dcmread(slices[0])
    words = [header.PatientName, header.PatientID, header.StudyDescription, header.SeriesDescription]
    assert all("PHANTOM" in str(word) for word in words)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--reader", "nobody"], "has no reading in this project"),
        (["--cases", "X"], "case 'X': is not in the project"),
    ],
)
def test_export_of_what_is_not_there_is_refused(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], expected: str
) -> None:
    assert main(["export", str(study), "-o", str(tmp_path / "out"), *argv]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--json out.json", "--segments x", "--margin 3", "--probabilities maps"])
def test_an_option_that_does_nothing_for_a_project_is_refused(
    study: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main(["consensus", str(study), *option.split()]) == 2
    name = option.split()[0]
    assert capsys.readouterr().err == (
        f"annotation-qa: consensus: {name} has no meaning for a project; leave it out.\n"
    )


@pytest.mark.parametrize("words", ["status {}", "verify {}", "export {} -o x", "import lidc {}", "consensus {}"])
def test_a_folder_that_is_no_project_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert main(words.format(tmp_path).split()) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agre"]) == 2
    assert capsys.readouterr().err == (
        "annotation-qa: no command 'agre' (did you mean 'agreement'?); see annotation-qa --help.\n"
    )


def test_the_report_shows_the_image_and_says_that_it_is_a_phantom(study: Path, tmp_path: Path) -> None:
    project = Project.open(study)
    case = project.state.cases["LIDC-IDRI-0001"].case
    path = project.segmentation_path(project.state.latest_readings(case.id)[0])
    assert path is not None
    drawn = read_segmentation(path)
    (tmp_path / "images").mkdir()
    write_phantom_series(
        tmp_path / "images", Mask(np.any(drawn.layers > 0, axis=0), drawn.grid), case.id, case.series[0].uid
    )
    argv = ["report", str(study), "-o", str(tmp_path / "report"), "--resamples", "50"]
    assert main([*argv, "--images", str(tmp_path / "images")]) == 0
    page = (tmp_path / "report" / "cases" / "LIDC-IDRI-0001.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "Image: PHANTOM, images of no patient" in page
    other = (tmp_path / "report" / "cases" / "LIDC-IDRI-0003.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," not in other
    assert "No image: outlines only" in other
