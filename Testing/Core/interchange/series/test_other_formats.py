"""Images that are no DICOM go through the same door of the intake check."""

import gzip
import json
import struct
import subprocess
import sys
import textwrap
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange import plausible
from AnnotationQACore.interchange.label_images import read_volume, write_segmentation, write_volume
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.interchange.series.inspection import InspectionFilter, inspect_folder, inspection_json
from AnnotationQACore.interchange.series.other_formats import list_other_images
from AnnotationQACore.segmentation import Mask, Segment, Segmentation, Volume

GRID = Grid((4, 5, 6), (2.5, 0.7, 0.8), (1.0, 2.0, 3.0))


@pytest.fixture
def folder(tmp_path):
    """One of each format."""
    data = tmp_path / "data"
    (data / "pictures").mkdir(parents=True)
    voxels = np.arange(120, dtype=np.int16).reshape(GRID.shape)
    for name in ("a.nii.gz", "b.nii", "c.nrrd", "d.mha"):
        write_volume(data / name, Volume(voxels, GRID))
    labels = np.zeros((2, *GRID.shape), np.uint8)
    labels[0, 1, 1, 1] = labels[1, 1, 1, 1] = 1
    write_segmentation(data / "e.seg.nrrd", Segmentation(labels, GRID, (Segment("x", "X", 1), Segment("y", "Y", 1, 1))))
    for number in range(3):
        Image.fromarray(np.full((7, 9), number, np.uint8)).save(data / "pictures" / f"slice{number}.png")
    (data / "notes.txt").write_text("no image")
    return data


def test_every_format_is_listed_as_its_header_says(folder):
    found = {image.path.name: image for image in inspect_folder(folder).images}
    assert list(found) == ["a.nii.gz", "b.nii", "c.nrrd", "d.mha", "e.seg.nrrd", "pictures"]
    for name in ("a.nii.gz", "b.nii", "c.nrrd", "d.mha", "e.seg.nrrd"):
        image = found[name]
        assert (image.slices, image.rows, image.columns) == GRID.shape, name
        assert image.spacing == pytest.approx(GRID.spacing), name
        assert image.geometry == "regular"
        assert not image.findings
    assert [found[name].format for name in found] == [
        "NIfTI", "NIfTI", "NRRD", "MetaImage", "NRRD segmentation", "pictures"]  # fmt: skip
    assert found["e.seg.nrrd"].volumes == 2
    assert found["a.nii.gz"].voxel_type == "int16"
    stack = found["pictures"]
    assert (stack.files, stack.columns, stack.rows, stack.slices) == (3, 9, 7, 3)


def test_the_command_shows_and_writes_them(folder, capsys, tmp_path):
    out = tmp_path / "report.json"
    assert main(["inspect", str(folder), "--jobs", "1", "--no-cache", "--quiet", "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "6 images of other formats:" in shown
    assert "  a.nii.gz: NIfTI, 6 x 5 x 4, 2.5 x 0.7 x 0.8 mm, int16, regular" in shown
    assert "  pictures: pictures, 3 files, 9 x 7 x 3, L, none" in shown
    report = json.loads(out.read_text())
    assert report["images_of_other_formats"][0]["path"] == "a.nii.gz"
    assert report["other_files"] == ["notes.txt"]


def test_images_without_a_place_sheared_broken_and_mixed_are_found(tmp_path):
    sheared = GRID.affine
    sheared[:3, 0] += 0.5 * sheared[:3, 1]
    write_volume(
        tmp_path / "sheared.nii", Volume(np.zeros(GRID.shape, np.uint8), Grid.from_affine(GRID.shape, sheared))
    )
    nowhere = bytearray((tmp_path / "sheared.nii").read_bytes())
    struct.pack_into("<2h", nowhere, 252, 0, 0)
    (tmp_path / "nowhere.nii").write_bytes(nowhere)
    (tmp_path / "broken.nii.gz").write_bytes(b"\x1f\x8bnothing")
    (tmp_path / "text.nrrd").write_text("NRRD? no")
    (tmp_path / "text.mha").write_text("no header")
    four = sitk.JoinSeries([sitk.Image(4, 5, 6, sitk.sitkInt16)] * 3)
    sitk.WriteImage(four, str(tmp_path / "four.mha"))
    Image.fromarray(np.zeros((7, 9), np.uint8)).save(tmp_path / "one.png")
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / "two.png")
    (tmp_path / "three.png").write_bytes(b"no picture")
    inspection = inspect_folder(tmp_path)
    found = {image.path.name: [finding.code.value for finding in image.findings] for image in inspection.images}
    assert found == {
        tmp_path.name: ["broken_file", "mixed_matrix", "no_spacing"],
        "broken.nii.gz": ["broken_file"],
        "four.mha": [],
        "nowhere.nii": ["no_patient_geometry"],
        "sheared.nii": ["sheared"],
        "text.mha": ["broken_file"],
        "text.nrrd": ["broken_file"],
    }
    assert inspection.errors == 6
    assert next(i for i in inspection.images if i.path.name == "four.mha").volumes == 3
    assert main(["inspect", str(tmp_path), "--jobs", "1", "--no-cache", "--quiet", "--strict"]) == 1


def test_a_video_is_described_or_names_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "cine.mp4").write_bytes(b"no video")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    (image,) = list_other_images([tmp_path / "cine.mp4"])
    assert image.findings[0].code.value == "codec_missing"
    assert 'pip install "annotation-qa[video]"' in image.findings[0].message


def bomb(path, shape, stored):
    """A packed NIfTI that declares `shape` and holds `stored` bytes of zeros."""
    write_volume(path.with_suffix(""), Volume(np.zeros((1, 1, 1), np.uint8), Grid((1, 1, 1))))
    header = bytearray(path.with_suffix("").read_bytes()[:352])
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    path.write_bytes(gzip.compress(bytes(header) + bytes(stored)))


def test_a_small_header_with_a_bomb_behind_it_is_read_no_further_than_it_says(tmp_path):
    import tracemalloc

    bomb(tmp_path / "x.nii.gz", (8, 8, 8), 80_000_000)
    tracemalloc.start()
    try:
        assert read_volume(tmp_path / "x.nii.gz").voxels.shape == (8, 8, 8)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_header_that_declares_more_than_the_file_can_hold_is_refused_at_once(tmp_path, monkeypatch):
    bomb(tmp_path / "x.nii.gz", (30_000, 30_000, 30), 1000)
    with pytest.raises(InputError, match=r"which .* bytes cannot hold; the file is truncated"):
        read_volume(tmp_path / "x.nii.gz")
    (tmp_path / "x.nrrd").write_bytes(
        b"NRRD0005\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 30000 30000 30\n"
        b"space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: gzip\n\n" + gzip.compress(b"x")
    )
    with pytest.raises(InputError, match="cannot hold"):
        read_volume(tmp_path / "x.nrrd")
    monkeypatch.setattr(plausible, "MOST_BYTES", 1000)
    bomb(tmp_path / "y.nii.gz", (100, 100, 1), 10_000)
    with pytest.raises(InputError, match="declares 0 GB of voxels; the file is damaged"):
        read_volume(tmp_path / "y.nii.gz")


@pytest.fixture
def phantom(tmp_path):
    folder = tmp_path / "dicom"
    folder.mkdir()
    mask = np.zeros((4, 8, 8), bool)
    mask[1:3, 2:5, 2:5] = True
    write_phantom_series(folder, Mask(mask, Grid((4, 8, 8))), "c1", "1.2.3")
    return folder


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--modality", "XYZ"], "No series has the modality 'XYZ'; there are: "),
        (["--body-part", "TAIL"], "No series has the body part 'TAIL'; there are: "),
        (["--phase", "lunar"], "No series has the phase 'lunar'; there are: none that state one."),
    ],
)
def test_a_filter_value_that_nothing_has_is_said(phantom, capsys, options, expected):
    assert main(["inspect", str(phantom), "--jobs", "1", "--no-cache", "--quiet", *options]) == 0
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--sex", "X"], "--sex X: is none of F, M, O"),
        (["--min-age", "nan"], "--min-age nan: is no number from 0"),
        (["--max-slice-thickness", "-1"], "--max-slice-thickness -1.0: is no number from 0"),
        (["--min-age", "60", "--max-age", "40"], "--min-age 60: is above --max-age 40"),
    ],
)
def test_limits_without_sense_are_refused(phantom, capsys, options, expected):
    assert main(["inspect", str(phantom), "--jobs", "1", "--quiet", *options]) == 2
    assert expected in capsys.readouterr().err


def test_an_age_that_is_no_number_is_refused(phantom, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(phantom), "--min-age", "old"])
    assert ended.value.code == 2
    assert "--min-age" in capsys.readouterr().err


def test_expected_phases_are_named_where_they_lack(phantom, capsys):
    argv = ["inspect", str(phantom), "--jobs", "1", "--no-cache", "--quiet", "--expect-phases", "arterial", "portal"]
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert "Study 1: no series of phase 'arterial'." in shown
    assert "Study 1: no series of phase 'portal'." in shown


class Breaking:
    """An executor whose processes end after the first result."""

    def map(self, work, *jobs, chunksize=1):
        for number, arguments in enumerate(zip(*jobs, strict=True)):
            if number:
                raise BrokenProcessPool("ended")
            future: Future = Future()
            future.set_result(work(*arguments))
            yield future.result()


def test_when_the_processes_end_the_rest_is_read_here(phantom, monkeypatch):
    monkeypatch.setattr("AnnotationQACore.interchange.series.scanning._CHUNK", 1)
    alone = inspection_json(inspect_folder(phantom, compare_all_pixels=True))
    broken = inspection_json(inspect_folder(phantom, compare_all_pixels=True, executor=Breaking()))  # type: ignore[arg-type]
    (note,) = broken.pop("notes")
    assert alone.pop("notes") == []
    assert 'if __name__ == "__main__":' in note
    assert broken == alone


def test_a_script_without_main_guard_ends_well(phantom, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor
            from pathlib import Path
            from AnnotationQACore.interchange.series import scanning
            from AnnotationQACore.interchange.series.inspection import inspect_folder
            scanning._CHUNK = 1
            pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
            found = inspect_folder(Path({str(phantom)!r}), executor=pool)
            print(len(found.series), found.notes)
        """)
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 ('the processes that read headers ended without a word" in done.stdout


def test_filters_leave_other_formats_out_and_count_them(folder):
    inspection = inspect_folder(folder, InspectionFilter(modalities=("CT",)))
    assert inspection.images == ()
    assert inspection.left_out == 6
