"""`annotation-qa measure` on files."""

import json

import numpy as np
import pytest

from AnnotationQACore.cli.inputs import open_image
from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation, write_volume
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

GRID = Grid((6, 20, 20), (3.0, 0.5, 0.5), (-10.0, 20.0, 5.0))


@pytest.fixture
def files(tmp_path):
    """An image, and a segmentation with a block, an empty segment, and one over the block."""
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[0, 2:4, 4:12, 5:15] = 1
    layers[1, 3, 6:8, 6:8] = 1
    segments = (Segment("block", "Block", 1), Segment("gone", "Gone", 2), Segment("spot", "Spot", 1, layer=1))
    values = np.where(layers[0] == 1, 40, -1000).astype(np.int16)
    image, segmentation = tmp_path / "image.nrrd", tmp_path / "seg.seg.nrrd"
    write_volume(image, Volume(values, GRID))
    write_segmentation(segmentation, Segmentation(layers, GRID, segments))
    return image, segmentation


def run(*arguments):
    return main(["measure", *map(str, arguments)])


def test_measurements_are_written_and_shown(files, tmp_path, capsys):
    out = tmp_path / "m.json"
    assert run(*files, "--json", out, "--shell", "0.5", "--unit", "HU") == 0
    report = json.loads(out.read_text())
    assert set(report["segments"]) == {"block", "gone", "spot"}
    block = report["segments"]["block"]
    assert block["voxels"] == 160
    assert block["volume_mm3"] == pytest.approx(120)
    assert block["in_plane"]["slice_index"] == 2
    assert block["in_plane"]["tied_slices"] == [3]
    # outermost centres are 9 and 7 half-millimetres apart; half a voxel is added along the longer axis
    assert block["in_plane"]["longest"]["length_mm"] == pytest.approx(0.5 * np.hypot(10, 7))
    assert block["intensity"]["mean"] == 40
    assert block["intensity_core"]["voxels"] == 96
    assert block["intensity"]["percentiles"]["90"] == 40
    assert report["parameters"] == {"slice_axis": 0, "shell_mm": 0.5, "factor": 1.0, "unit": "HU"}
    assert report["version"]
    assert report["grid"]["voxel_volume_mm3"] == pytest.approx(0.75)
    assert "rows" not in report["definitions"]
    assert set(block) - {"name", "voxels"} == set(report["definitions"])

    gone = report["segments"]["gone"]
    assert (gone["voxels"], gone["in_plane"], gone["intensity"]["mean"]) == (0, None, None)
    shown = capsys.readouterr().out
    assert "Block (block)" in shown
    assert "volume          120.0 mm³ (160 voxels, 1 part)" in shown
    assert "on slice 2 (as long on slice 3)" in shown
    assert "mean 40, SD 0" in shown
    assert "HU" in shown
    assert "empty: nothing to measure" in shown


def test_the_suv_factor_scales_intensities(files, tmp_path):
    out = tmp_path / "m.json"
    assert run(*files, "--json", out, "--factor", "0.25", "--segments", "block") == 0
    report = json.loads(out.read_text())
    assert list(report["segments"]) == ["block"]
    assert report["segments"]["block"]["intensity"]["mean"] == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--segments", "liver"], "no segment 'liver'; there are block, gone, spot"),
        (["--shell", "-1"], "a shell of -1.0 mm"),
        (["--factor", "0"], "a factor of 0.0"),
        (["--percentiles", "50", "101"], "percentiles lie between 0 and 100"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(files, tmp_path, capsys, options, message):
    assert run(*files, "--json", tmp_path / "m.json", *options) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("annotation-qa:")]
    assert len(error) == 1
    assert message in error[0]
    assert not (tmp_path / "m.json").exists()


def test_a_segmentation_of_another_image_is_refused(files, tmp_path, capsys):
    other = tmp_path / "other.nrrd"
    write_volume(other, Volume(np.zeros(GRID.shape, np.int16), Grid(GRID.shape, (3.0, 0.5, 0.6), GRID.origin)))
    assert run(other, files[1]) == 2
    assert "seg.seg.nrrd and other.nrrd differ in spacing" in capsys.readouterr().err


def test_a_segmentation_saved_cropped_is_put_where_it_belongs(files, tmp_path):
    whole, cropped, out = read_segmentation(files[1]), tmp_path / "cropped.seg.nrrd", tmp_path / "m.json"
    box = (slice(1, 5), slice(3, 13), slice(4, 16))
    write_segmentation(cropped, Segmentation(whole.layers[(slice(None), *box)], GRID.cropped(box), whole.segments))
    assert run(files[0], cropped, "--json", out) == 0
    block = json.loads(out.read_text())["segments"]["block"]
    assert (block["voxels"], block["in_plane"]["slice_index"], block["intensity"]["mean"]) == (160, 2, 40)


def test_a_dicom_series_is_measured_with_its_slices(shared_data, tmp_path):
    folder = shared_data / "dicom/ct_philips_5mm"
    image = open_image(folder)
    layers = np.zeros((1, *image.grid.shape), np.uint8)
    layers[0, 0, 10:20, 10:30] = 1
    write_segmentation(tmp_path / "s.seg.nrrd", Segmentation(layers, image.grid, (Segment("block", "Block", 1),)))
    assert run(folder, tmp_path / "s.seg.nrrd", "--json", tmp_path / "m.json") == 0
    block = json.loads((tmp_path / "m.json").read_text())["segments"]["block"]
    assert block["intensity"]["mean"] == pytest.approx(float(image.voxels[0, 10:20, 10:30].mean()))


def test_files_and_folders_that_are_not_there_are_named(files, tmp_path, capsys):
    assert run(tmp_path / "none.nrrd", files[1]) == 2
    assert "none.nrrd" in capsys.readouterr().err
    assert run(*files, "--json", tmp_path / "nowhere/m.json") == 2
    assert "nowhere" in capsys.readouterr().err


def test_values_that_are_not_finite_are_told(files, tmp_path, capsys):
    values = np.full(GRID.shape, 7.0, np.float32)
    values[2, 5, 6:8] = np.nan
    image = tmp_path / "nan.nrrd"
    write_volume(image, Volume(values, GRID))
    out = tmp_path / "m.json"
    assert run(image, files[1], "--json", out) == 0
    block = json.loads(out.read_text())["segments"]["block"]["intensity"]
    assert (block["not_finite"], block["voxels"], block["mean"]) == (2, 158, 7.0)
    assert "2 not finite left out" in capsys.readouterr().out


def test_a_real_image_has_the_values_of_pyradiomics(shared_data, tmp_path):
    folder = shared_data / "raters/pyradiomics/data"
    out = tmp_path / "m.json"
    assert run(folder / "brain2_image.nrrd", folder / "brain2_label.nrrd", "--json", out) == 0
    (row,) = json.loads(out.read_text())["segments"].values()
    assert row["volume_mm3"] == pytest.approx(1797.180175781249)
    assert row["in_plane"]["longest"]["length_mm"] == pytest.approx(16.3129789202)
    assert row["longest_3d"]["length_mm"] == pytest.approx(24.4445322363)
    assert row["intensity"]["mean"] == pytest.approx(390.7858719646799)
