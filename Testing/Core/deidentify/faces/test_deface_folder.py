"""A folder of de-identified series: one mask for a frame of reference, confirmed by a person, nothing else changed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian

from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.faces.groups import examine_group
from DeidentifyStudyCore.faces.head_model import LIPS, NOSE_TIP
from DeidentifyStudyCore.faces.stack import read_header, stack_of
from DeidentifyStudyCore.faces.volume import world_of
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyCore.rules.markers import FACE_STATEMENT as STATEMENT


def _other(path: Path, modality: str, frame_of_reference: str = "") -> Path:
    """An object without voxels of the head."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.{len(path.name)}9{len(modality)}"
    dataset.Modality, dataset.PatientIdentityRemoved = modality, "YES"
    if frame_of_reference:
        item = Dataset()
        item.FrameOfReferenceUID = frame_of_reference
        dataset.ReferencedFrameOfReferenceSequence = [item]
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, make_phantom: Any, make_pose: Any, write_series: Any) -> Any:
    """CT with gantry tilt and an RLE-compressed MR of the same head, contours of it, and a report."""
    folder = tmp_path_factory.mktemp("faces")
    pose = make_pose(nod=6.0, turn=5.0)
    ct = make_phantom("CT", pose=pose, spacing=(4.0, 2.0, 2.0), gantry=-12.0)
    mr = make_phantom("MR", pose=pose, spacing=(6.0, 2.5, 2.0), heights=(-130.0, 90.0))
    write_series(ct, folder / "in" / "ct", "CT", 5)
    write_series(mr, folder / "in" / "mr", "MR", 6, rle=True)
    _other(folder / "in" / "outline.dcm", "RTSTRUCT", "2.25.77")
    _other(folder / "in" / "report.dcm", "SR")
    return folder, ct, mr


def _deface(folder: Path, *more: str) -> int:
    arguments = [str(folder / "in"), str(folder / "out"), "--review", str(folder / "queue"), "--progress", "none"]
    return main(["deface", *arguments, *more])


@pytest.fixture(scope="module")
def unconfirmed(study: Any) -> tuple[int, list[str], dict[str, Any]]:
    """Exit code, files and report of the first run."""
    folder, _, _ = study
    code = _deface(folder)
    written = sorted(path.name for path in (folder / "out").rglob("*") if path.is_file())
    return code, written, json.loads((folder / "out-faces" / "faces.json").read_text())


@pytest.fixture(scope="module")
def confirmed(study: Any, unconfirmed: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and report after a person confirmed."""
    folder, _, _ = study
    queue = ReviewQueue.load(folder / "queue")
    (digest,) = queue.entries
    assert main(["review", str(folder / "queue"), "accept", digest[:10], "--face", "--by", "A. Reader"]) == 0
    return _deface(folder), json.loads((folder / "out-faces" / "faces.json").read_text())


def test_nothing_with_a_face_is_written_before_a_person_confirms(
    study: Any, unconfirmed: tuple[int, list[str], dict[str, Any]]
) -> None:
    folder, _, _ = study
    code, written, report = unconfirmed
    assert code == 3
    assert written == ["report.dcm"]
    (found,) = report["frames_of_reference"]
    assert found["verdict"] == "altered"
    assert all(gate["passed"] and gate["reason"] for gate in found["gates"])
    queue = ReviewQueue.load(folder / "queue")
    assert [entry.reason for entry in queue.entries.values()] == ["face-unconfirmed"]
    assert (queue.pictures / f"{found['digest']}-face.png").stat().st_size > 10_000
    assert {row["reason"] for row in report["files"]} == {"face-unconfirmed", ""}


def test_one_mask_is_used_for_all_series_of_the_frame_of_reference(
    study: Any, confirmed: tuple[int, dict[str, Any]], locate: Any
) -> None:
    folder, ct, _ = study
    code, report = confirmed
    assert code == 3  # the contours stay out
    assert len(report["frames_of_reference"]) == 1
    outcomes = {row["path"]: row["outcome"] for row in report["files"]}
    assert outcomes["outline.dcm"] == "quarantined"
    assert outcomes["report.dcm"] == "copied"
    for name, air in (("ct", 24), ("mr", 0)):
        seen = 0
        for path in (folder / "out" / name).iterdir():
            dataset = pydicom.dcmread(path)
            for landmark in (np.add(NOSE_TIP, (0, 5, 3)), np.add(LIPS, (0, 3, 0))):
                distance, row, column = locate(dataset, ct.place(landmark))
                if abs(distance) < 3.1:
                    seen += 1
                    assert dataset.pixel_array[round(row), round(column)] == air
        assert seen >= 2


def test_outside_the_mask_every_pixel_is_as_it_was_and_no_brain_is_touched(
    study: Any, confirmed: tuple[int, dict[str, Any]]
) -> None:
    folder, ct, mr = study
    for name, phantom in (("ct", ct), ("mr", mr)):
        touched = 0
        for path in sorted((folder / "out" / name).iterdir()):
            old, new = pydicom.dcmread(folder / "in" / name / path.name), pydicom.dcmread(path)
            changed = old.pixel_array != new.pixel_array
            touched += int(changed.sum())
            assert len(np.unique(new.pixel_array[changed])) <= 1
            index = int(path.stem.split("-")[1])
            assert not (changed & phantom.brain[index]).any()
            assert new.file_meta.TransferSyntaxUID == old.file_meta.TransferSyntaxUID
            for element in old:
                if element.keyword not in {"PixelData", "DeidentificationMethod"}:
                    assert new[element.tag] == element
        assert touched > 3000


def test_frames_of_compressed_files_that_hold_no_face_keep_their_bytes(
    study: Any, confirmed: tuple[int, dict[str, Any]]
) -> None:
    folder, _, _ = study
    frames = {row["path"]: row["frames"] for row in confirmed[1]["files"]}
    untouched = 0
    for path in sorted((folder / "out" / "mr").iterdir()):
        old, new = pydicom.dcmread(folder / "in" / "mr" / path.name), pydicom.dcmread(path)
        same = next(generate_frames(old.PixelData, number_of_frames=1)) == next(
            generate_frames(new.PixelData, number_of_frames=1)
        )
        if not frames[f"mr/{path.name}"]:
            untouched += 1
            assert same
    assert untouched > 3


def test_files_say_what_was_done_and_nothing_more(study: Any, confirmed: tuple[int, dict[str, Any]]) -> None:
    folder, _, _ = study
    for path in (folder / "out" / "ct").iterdir():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        assert STATEMENT == "facial surface altered, reviewer-confirmed"
        assert list(dataset.DeidentificationMethod) == ["De-identify Study", STATEMENT]
        (code,) = dataset.DeidentificationMethodCodeSequence
        assert (code.CodeValue, code.CodingSchemeDesignator) == ("113102", "DCM")
        assert code.CodeMeaning == "Clean Recognizable Visual Features Option"
        assert dataset.RecognizableVisualFeatures == "NO"
    assert (folder / "out" / "report.dcm").read_bytes() == (folder / "in" / "report.dcm").read_bytes()


def test_the_code_is_that_of_the_standard(shared_data: Path) -> None:
    rows = json.loads((shared_data / "deid" / "cid_7050_2026d.json").read_text())["rows"]
    meaning = {row["code_value"]: row["code_meaning"] for row in rows}
    assert meaning["113102"] == "Clean Recognizable Visual Features Option"


def test_objects_that_were_not_deidentified_are_refused(
    tmp_path: Path, make_phantom: Any, write_series: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    phantom = make_phantom("CT", spacing=(20.0, 8.0, 8.0))
    write_series(phantom, tmp_path / "in", "CT", 9, removed="NO")
    assert _deface(tmp_path) == 2
    assert "not de-identified" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_places_inside_each_other_and_foreign_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    _other(tmp_path / "in" / "a.dcm", "SR")
    inside = [str(tmp_path / "in"), str(tmp_path / "in" / "out"), "--review", str(tmp_path / "q")]
    assert main(["deface", *inside]) == 2
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("")
    assert _deface(tmp_path) == 2
    assert _deface(tmp_path, "--report", str(tmp_path / "out" / "r")) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x"]


def test_the_reader_knows_a_tilted_stack_and_refuses_an_irregular_one(
    tmp_path: Path, make_phantom: Any, write_series: Any
) -> None:
    phantom = make_phantom("CT", spacing=(10.0, 8.0, 8.0), gantry=-18.5)
    paths = write_series(phantom, tmp_path / "in", "CT", 4)
    files = [file for path in paths if (file := read_header(path)) is not None]
    frames, affine = stack_of(files[::-1])
    assert np.allclose(affine, phantom.volume.affine, atol=1e-6)
    assert [owner.path for owner, _ in frames] == paths
    assert np.allclose(world_of(affine, np.array([3, 2, 1])), world_of(phantom.volume.affine, np.array([3, 2, 1])))
    for wrong in (files[:5] + files[6:], [*files, files[0]], files[:4]):
        with pytest.raises(Quarantined, match="irregular-series"):
            stack_of(wrong)
    assert "look at them by hand" in examine_group(files[:4]).reason
