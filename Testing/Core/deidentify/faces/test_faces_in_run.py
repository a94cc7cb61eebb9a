"""Faces as a step of a run: nothing with a face is written before a person has confirmed by name, then all of it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyCore.faces import survey
from DeidentifyStudyCore.faces.store import FaceStore
from DeidentifyStudyCore.review import ReviewQueue

PASSPHRASE = "correct horse battery"
OPTION = "clean_recognizable_visual_features"


def _outlines(path: Path) -> None:
    """Contours in the same frame of reference."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.991"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1", "2.25.992"
    dataset.Modality = "RTSTRUCT"
    item = Dataset()
    item.FrameOfReferenceUID = "2.25.77"
    dataset.ReferencedFrameOfReferenceSequence = [item]
    dataset.save_as(path, enforce_file_format=True)


class _Place:
    """A folder with a source, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pass").write_text(PASSPHRASE)
        assert main(["key", "new", str(folder / "key.json"), "--passphrase-file", str(folder / "pass")]) == 0

    def run(self, *more: str) -> int:
        places = [str(self.folder / "in"), str(self.folder / "out"), "--profile", "research-shifted-dates"]
        key = ["--key", str(self.folder / "key.json"), "--passphrase-file", str(self.folder / "pass")]
        queue = ["--review", str(self.folder / "queue"), "--progress", "none", "--conformance", "none"]
        return main(["run", *places, *key, *queue, "--option", OPTION, *more])

    def review(self, *words: str) -> int:
        return main(["review", str(self.folder / "queue"), *words])

    def verify(self) -> int:
        return main(["verify", str(self.folder / "out-report"), "--progress", "none"])

    @property
    def queue(self) -> ReviewQueue:
        return ReviewQueue.load(self.folder / "queue")

    @property
    def report(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "out-report" / "report.json").read_text())
        return content

    def written(self) -> list[pydicom.Dataset]:
        return [pydicom.dcmread(path) for path in sorted((self.folder / "out").rglob("*.dcm"))]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make_phantom: Any, make_pose: Any, write_series: Any) -> _Place:
    """CT with gantry tilt, RLE-compressed MR of the same head, and contours of it, as a clinic has them."""
    made = _Place(tmp_path_factory.mktemp("run"))
    pose = make_pose(nod=6.0, turn=5.0)
    ct = make_phantom("CT", pose=pose, spacing=(5.0, 2.5, 2.5), gantry=-12.0)
    mr = make_phantom("MR", pose=pose, spacing=(8.0, 2.5, 2.5), heights=(-130.0, 90.0))
    write_series(ct, made.folder / "in" / "ct", "CT", 5, removed="NO")
    write_series(mr, made.folder / "in" / "mr", "MR", 6, rle=True, removed="NO")
    _outlines(made.folder / "in" / "outline.dcm")
    return made


@pytest.fixture(scope="module")
def unconfirmed(place: _Place) -> dict[str, Any]:
    """Report of the first run."""
    assert place.run() == 3
    return place.report


@pytest.fixture(scope="module")
def confirmed(place: _Place, unconfirmed: dict[str, Any]) -> dict[str, Any]:
    """Report of the run after a person confirmed; nothing is examined twice."""
    (digest,) = place.queue.entries
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "examine_group", lambda *_args, **_options: pytest.fail("examined again"))
        assert place.review("accept", digest[:10], "--face", "--by", "A. Reader") == 0
        assert place.run() == 3  # the contours stay out
    return place.report


def test_nothing_with_a_face_is_written_before_a_person_confirms(place: _Place, unconfirmed: dict[str, Any]) -> None:
    (found,) = unconfirmed["faces"]
    assert found["verdict"] == "altered"
    assert found["done"] == "left out"
    assert found["confirmed_by"] == found["picture_sha256"] == ""
    assert {row["reason"] for row in unconfirmed["files"]} == {"face-unconfirmed"}
    assert {row["output"] for row in unconfirmed["files"]} == {""}
    (entry,) = place.queue.entries.values()
    assert entry.is_face


def test_a_face_needs_a_name_and_all_pending_is_never_a_face(
    place: _Place, unconfirmed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (digest,) = place.queue.entries
    if place.queue.entries[digest].decision != "pending":
        assert place.review("reopen", digest) == 0
    assert place.review("accept", "all-pending") == 0
    assert "1 face waits" in capsys.readouterr().out
    for words in (("accept", digest), ("accept", digest, "--face"), ("accept", digest, "--face", "--by", " ")):
        assert place.review(*words) == 2
        assert "--face --by" in capsys.readouterr().err
    assert place.queue.entries[digest].decision == "pending"
    queue = place.queue
    queue.entries[digest].decision = "accepted"  # by hand, in the file
    assert queue.confirmed_by(digest) == ""


def test_what_was_confirmed_is_filled_in_every_series_and_nothing_else_changes(
    place: _Place, confirmed: dict[str, Any]
) -> None:
    (found,) = confirmed["faces"]
    assert (found["done"], found["confirmed_by"]) == ("altered", "A. Reader")
    mask = FaceStore(place.queue.pictures).load(found["digest"]).as_mask()
    before = {path.relative_to(place.folder / "in").as_posix(): path for path in (place.folder / "in").rglob("*.dcm")}
    names = sorted(before)
    touched = {"CT": 0, "MR": 0}
    for row in confirmed["files"]:
        old = pydicom.dcmread(before[names[row["number"]]])
        if not row["output"]:
            assert (row["reason"], old.Modality) == ("face-derived", "RTSTRUCT")
            continue
        new = pydicom.dcmread(place.folder / "out" / row["output"])
        inside = mask.of_frame(survey.read_header(before[names[row["number"]]]), 0)
        assert (old.pixel_array == new.pixel_array)[~inside].all()
        air = {"CT": 24, "MR": 0}[old.Modality]
        assert (new.pixel_array[inside] == air).all()
        assert new.file_meta.TransferSyntaxUID == old.file_meta.TransferSyntaxUID
        touched[old.Modality] += bool(inside.any())
    assert min(touched.values()) > 5
    assert place.verify() == 0


def test_files_say_what_was_done_and_nothing_more(place: _Place, confirmed: dict[str, Any]) -> None:
    written = place.written()
    assert len(written) > 40
    for dataset in written:
        assert dataset.RecognizableVisualFeatures == "NO"
        assert dataset.DeidentificationMethod[-1] == "facial surface altered, reviewer-confirmed"
        codes = {code.CodeValue: code.CodeMeaning for code in dataset.DeidentificationMethodCodeSequence}
        assert codes["113102"] == "Clean Recognizable Visual Features Option"
        assert "113101" not in codes


def test_the_report_shows_the_surface_after_and_never_the_one_before(place: _Place, confirmed: dict[str, Any]) -> None:
    (found,) = confirmed["faces"]
    pictures = place.folder / "out-report" / "pictures"
    (path,) = pictures.iterdir()
    assert path.stem == found["picture_sha256"]
    store = FaceStore(place.queue.pictures)
    both = np.asarray(Image.open(store.picture(found["digest"])))
    after = np.asarray(Image.open(path))
    assert (both[-len(after) :] == after).all()
    assert (both[: len(after)] != after).mean() > 0.01
    page = (place.folder / "out-report" / "report.html").read_text()
    assert f"pictures/{path.name}" in page
    assert "A. Reader" in page
    assert place.review("page") == 0
    assert f"{found['digest']}-face.png" in (place.folder / "queue" / "queue.html").read_text()


@pytest.fixture
def small(tmp_path: Path) -> Callable[[str], _Place]:
    """A series in which no face can be found for certain."""

    def make(modality: str = "CT") -> _Place:
        made = _Place(tmp_path)
        (tmp_path / "in").mkdir()
        for index in range(10):
            dataset = Dataset()
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.{300 + index}"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1", "2.25.2"
            dataset.FrameOfReferenceUID = "2.25.3"
            dataset.Modality, dataset.ImageType = modality, ["ORIGINAL", "PRIMARY", "AXIAL"]
            dataset.Rows = dataset.Columns = 40
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
            dataset.PixelSpacing, dataset.ImageOrientationPatient = [2.0, 2.0], [1, 0, 0, 0, 1, 0]
            dataset.ImagePositionPatient = [0.0, 0.0, 3.0 * index]
            pixels = np.zeros((40, 40), "<u2")
            pixels[10:30, 12:28] = 1064  # a limb
            dataset.PixelData = pixels.tobytes()
            dataset["PixelData"].VR = "OW"
            dataset.save_as(tmp_path / "in" / f"{index}.dcm", enforce_file_format=True)
        return made

    return make


@pytest.mark.parametrize("modality", ["CT", "XC"])
def test_a_person_can_say_that_there_is_no_face_and_nothing_is_claimed_then(
    modality: str, small: Callable[[str], _Place]
) -> None:
    place = small(modality)
    assert place.run() == 3
    assert {row["reason"] for row in place.report["files"]} == {"face-not-examined"}
    (digest,) = place.queue.entries
    with Image.open(FaceStore(place.queue.pictures).picture(digest)) as sheet:
        assert np.asarray(sheet).max() > 200
    assert place.review("accept", digest, "--face", "--by", "A. Reader") == 0
    if modality == "XC":  # photographs wait for text, too
        assert place.run() == 3
        assert {row["reason"] for row in place.report["files"]} == {"burned-in-risk"}
        assert place.review("accept", "all-pending") == 0
    assert place.run() == 0
    (found,) = place.report["faces"]
    assert (found["done"], found["confirmed_by"]) == ("written as it is", "A. Reader")
    for dataset in place.written():
        assert "RecognizableVisualFeatures" not in dataset
        assert "113102" not in {code.CodeValue for code in dataset.DeidentificationMethodCodeSequence}


def test_what_a_person_rejects_is_never_written(small: Callable[[str], _Place]) -> None:
    place = small("CT")
    assert place.run() == 3
    (digest,) = place.queue.entries
    assert place.review("reject", digest) == 0
    assert place.run() == 3
    assert {row["reason"] for row in place.report["files"]} == {"rejected-by-reviewer"}
    assert place.written() == []


def test_a_decision_that_is_taken_back_takes_the_files_back(small: Callable[[str], _Place]) -> None:
    place = small("CT")
    assert place.run() == 3
    (digest,) = place.queue.entries
    assert place.review("accept", digest, "--face", "--by", "A. Reader") == 0
    assert place.run() == 0
    assert len(place.written()) == 10
    assert place.review("reject", digest) == 0
    assert place.run() == 3
    assert place.written() == []
    assert place.verify() == 0


def test_a_run_that_takes_the_ears_too_is_another_run(
    small: Callable[[str], _Place], capsys: pytest.CaptureFixture[str]
) -> None:
    place = small("CT")
    assert place.run() == 3
    assert place.run("--ears") == 2
    assert "was begun with another profile" in capsys.readouterr().err


def test_a_decision_holds_for_what_was_shown_only(small: Callable[[str], _Place]) -> None:
    place = small("CT")
    assert place.run() == 3
    (digest,) = place.queue.entries
    assert place.review("accept", digest, "--face", "--by", "A. Reader") == 0
    path = place.folder / "in" / "4.dcm"
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(path)
    assert place.run() == 3
    assert place.written() == []
    assert len(place.queue.entries) == 2
