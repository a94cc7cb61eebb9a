"""`annotation-qa consensus` on files."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.cli.inputs import open_segmentation
from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation, read_volume, write_segmentation, write_volume
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

OBLIQUE = Grid((6, 10, 12), (2.5, 0.7, 0.7), (-30.0, 12.0, 7.0), ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)))
SEGMENTS = (Segment("liver", "Liver", 1, color=(0.8, 0.2, 0.1)), Segment("cyst", "Cyst", 2, color=(0.1, 0.6, 0.9)))


@pytest.fixture
def readings(tmp_path):
    """Three readers' files: a and b agree, c is larger."""
    paths = []
    for name, extra in (("a", 0), ("b", 0), ("c", 2)):
        layers = np.zeros((1, *OBLIQUE.shape), np.uint8)
        layers[0, 1:5, 2:8, 1 : 5 + extra] = 1
        layers[0, 2:4, 3:6, 8:10] = 2
        paths.append(tmp_path / f"{name}.seg.nrrd")
        write_segmentation(paths[-1], Segmentation(layers, OBLIQUE, SEGMENTS))
    return paths


def run(*arguments):
    return main(["consensus", *map(str, arguments)])


@pytest.mark.parametrize("method", ["majority", "staple", "simple", "shape"])
def test_every_method_writes_the_consensus_and_the_performance(readings, tmp_path, capsys, method):
    out, performance = tmp_path / "out.seg.nrrd", tmp_path / "out.json"
    assert run("--method", method, *readings, "-o", out, "--json", performance) == 0
    written = read_segmentation(out)
    assert written.grid.differences(OBLIQUE) == ()
    assert [(s.id, s.name) for s in written.segments] == [("liver", "Liver"), ("cyst", "Cyst")]
    assert written.segments[0].color == pytest.approx((0.8, 0.2, 0.1), abs=1e-3)
    voxels = int(np.count_nonzero(written.mask("cyst").voxels))
    assert voxels == 12

    report = json.loads(performance.read_text())
    assert report["method"] == method
    assert report["readers"] == ["a", "b", "c"]
    assert report["version"]
    assert report["segments"]["cyst"]["voxels"] == voxels
    assert report["segments"]["cyst"]["volume_mm3"] == pytest.approx(voxels * OBLIQUE.voxel_volume)
    assert report["segments"]["liver"]["performance"]["c"]["dice"] < 1
    assert report["segments"]["cyst"]["performance"]["c"]["dice"] == 1
    assert report["decided_together"][0]["segments"] == ["liver", "cyst"]
    assert report["decided_together"][0]["parameters"]["domain_voxels"] > 0
    if method == "staple":
        assert set(report["decided_together"][0]["parameters"]["prior"]) == {"background", "liver", "cyst"}
    shown = capsys.readouterr().out
    assert f"Consensus by {method} of a, b, c" in shown
    assert "Cyst (cyst): 12 voxels" in shown


def test_majority_is_the_default(readings, tmp_path):
    run(*readings, "-o", tmp_path / "out.nii.gz")
    assert np.array_equal(read_volume(tmp_path / "out.nii.gz").voxels, read_segmentation(readings[0]).layers[0])


def test_weights_make_one_reader_count_more(readings, tmp_path):
    out = tmp_path / "out.seg.nrrd"
    assert run("--method", "weighted", "--weights", "1", "1", "3", "-o", out, "--", *readings) == 0
    assert np.array_equal(read_segmentation(out).layers, read_segmentation(readings[2]).layers)


def test_a_tie_break_reader_decides(readings, tmp_path):
    out = tmp_path / "out.seg.nrrd"
    pair = [readings[0], readings[2]]
    assert run(*pair, "--ties", "reader", "--tie-break", "c", "-o", out) == 0
    assert np.array_equal(read_segmentation(out).layers, read_segmentation(readings[2]).layers)
    assert run(*pair, "--ties", "background", "-o", out) == 0
    assert np.array_equal(read_segmentation(out).layers, read_segmentation(readings[0]).layers)


def test_maps_of_support_and_uncertainty_lie_on_the_image(readings, tmp_path):
    maps, uncertainty = tmp_path / "new" / "maps", tmp_path / "uncertainty.nii.gz"
    assert run(*readings, "-o", tmp_path / "o.nrrd", "--probabilities", maps, "--uncertainty", uncertainty) == 0
    liver, entropy = read_volume(maps / "liver.nii.gz"), read_volume(uncertainty)
    assert liver.grid.differences(OBLIQUE) == entropy.grid.differences(OBLIQUE) == ()
    assert liver.voxels[2, 3, 2] == 1.0
    assert liver.voxels[2, 3, 6] == pytest.approx(1 / 3)
    assert entropy.voxels[2, 3, 6] == pytest.approx(0.9183, abs=1e-4)
    assert entropy.voxels[0, 0, 0] == 0.0
    assert (maps / "cyst.nii.gz").is_file()


def test_overlaps_are_kept_in_layers_or_refused_by_name(tmp_path, capsys):
    layers = np.zeros((2, *OBLIQUE.shape), np.uint8)
    layers[0, 1:5, 2:8, 1:6] = 1
    layers[1, 2:4, 3:5, 2:4] = 1
    both = (SEGMENTS[0], Segment("cyst", "Cyst", 1, layer=1))
    paths = [tmp_path / "a.seg.nrrd", tmp_path / "b.seg.nrrd"]
    for path in paths:
        write_segmentation(path, Segmentation(layers, OBLIQUE, both))
    assert run(*paths, "-o", tmp_path / "out.seg.nrrd") == 0
    assert np.array_equal(read_segmentation(tmp_path / "out.seg.nrrd").mask("cyst").voxels, layers[1] == 1)
    assert run(*paths, "-o", tmp_path / "out.nii.gz") == 2
    assert "'liver' and 'cyst' overlap" in capsys.readouterr().err
    assert not (tmp_path / "out.nii.gz").exists()


def test_files_of_one_name_are_told_apart_by_their_folder(readings, tmp_path):
    for name in ("r1", "r2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "label.seg.nrrd").write_bytes(readings[0].read_bytes())
    out = tmp_path / "p.json"
    paths = [tmp_path / "r1/label.seg.nrrd", tmp_path / "r2/label.seg.nrrd"]
    assert run(*paths, "-o", tmp_path / "o.nrrd", "--json", out) == 0
    assert json.loads(out.read_text())["readers"] == ["r1/label.seg.nrrd", "r2/label.seg.nrrd"]
    assert run("--readers", "x", "y", "-o", tmp_path / "o.nrrd", "--json", out, "--", *paths) == 0
    assert json.loads(out.read_text())["readers"] == ["x", "y"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--readers", "x", "x", "y", "--"], "'x' appears more than once"),
        (["--readers", "x", "y", "--"], "2 names for 3 files"),
        (["--method", "weighted"], "--weights and --method weighted go together"),
        (["--method", "weighted", "--weights", "1", "2", "--"], "2 weights for 3 readers"),
        (["--method", "staple", "--ties", "include"], "its own rule for ties"),
        (["--ties", "reader", "--tie-break", "nobody"], "'nobody' is none of a, b, c"),
        (["--ties", "reader"], "tie-break reader"),
        (["--margin", "-1"], "margin of -1.0 mm"),
        (["--segments", "spleen", "--"], "no reader has a segment 'spleen'"),
        (["--method", "simple", "--alpha", "-1"], "alpha"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(readings, tmp_path, capsys, options, message):
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run("-o", tmp_path / "out.nrrd", *options, *readings) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("annotation-qa:")]
    assert len(error) == 1
    assert message in error[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_without_an_output_there_is_nothing_to_write(readings, capsys):
    assert run(*readings) == 2
    assert "-o FILE" in capsys.readouterr().err


def test_one_reader_is_no_consensus(readings, tmp_path, capsys):
    assert run(readings[0], "-o", tmp_path / "out.nrrd") == 2
    assert "at least two" in capsys.readouterr().err


def test_readings_of_other_images_are_refused(readings, tmp_path, capsys):
    moved = Grid(OBLIQUE.shape, OBLIQUE.spacing, (0.0, 0.0, 0.0), OBLIQUE.directions)
    other = tmp_path / "moved.seg.nrrd"
    write_segmentation(other, Segmentation(read_segmentation(readings[0]).layers, moved, SEGMENTS))
    assert run(readings[0], other, "-o", tmp_path / "out.nrrd") == 2
    assert "a and moved differ in origin" in capsys.readouterr().err


def test_readings_saved_cropped_are_put_on_their_joint_grid(readings, tmp_path):
    whole, cropped, out = read_segmentation(readings[2]), tmp_path / "cropped.seg.nrrd", tmp_path / "out.seg.nrrd"
    box = (slice(1, 5), slice(2, 8), slice(1, 11))
    write_segmentation(cropped, Segmentation(whole.layers[(slice(None), *box)], OBLIQUE.cropped(box), whole.segments))
    assert run(readings[0], cropped, readings[1], "-o", out) == 0
    written = read_segmentation(out)
    assert written.grid.differences(OBLIQUE) == ()
    assert np.array_equal(written.layers, read_segmentation(readings[0]).layers)


def test_a_dicom_segmentation_is_a_reading(shared_data, tmp_path):
    path = shared_data / "dicom/seg_dcmqi_liver/liver.dcm"
    other, out = tmp_path / "other.seg.nrrd", tmp_path / "out.seg.nrrd"
    write_segmentation(other, open_segmentation(path))
    assert run(path, other, "-o", out) == 0
    assert np.array_equal(read_segmentation(out).layers > 0, read_segmentation(other).layers > 0)


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (np.full(OBLIQUE.shape, 0.5, np.float32), "bad.nii.gz"),
        (np.full(OBLIQUE.shape, np.nan, np.float32), "bad.nii.gz"),
        (np.full(OBLIQUE.shape, -2, np.int16), "bad.nii.gz"),
    ],
)
def test_voxels_that_are_no_labels_are_refused(readings, tmp_path, capsys, voxels, message):
    bad = tmp_path / "bad.nii.gz"
    write_volume(bad, Volume(voxels, OBLIQUE))
    assert run(readings[0], bad, "-o", tmp_path / "out.nrrd") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.nrrd").exists()


def test_missing_and_truncated_files_and_folders_are_named(readings, tmp_path, capsys):
    short = tmp_path / "short.nii.gz"
    short.write_bytes(b"\x1f\x8b\x08\x00")
    for arguments, message in (
        ([readings[0], tmp_path / "none.nrrd", "-o", tmp_path / "o.nrrd"], "none.nrrd"),
        ([readings[0], short, "-o", tmp_path / "o.nrrd"], "short.nii.gz"),
        ([*readings, "-o", tmp_path / "nowhere/o.nrrd"], "nowhere"),
        ([*readings, "-o", tmp_path / "o.xyz"], "o.xyz"),
    ):
        assert run(*arguments) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "o.nrrd").exists()


def test_the_published_fusion_is_reproduced_from_files(shared_data, tmp_path):
    folder = shared_data / "raters/labelfusion/data"
    out = tmp_path / "out.nii.gz"
    assert run(folder / "unet.nii.gz", folder / "resunet.nii.gz", "-o", out) == 0
    ours, theirs = (sitk.ReadImage(str(path)) for path in (out, folder / "baseline_majorityvoting.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(ours), sitk.GetArrayFromImage(theirs))
    assert ours.GetDirection() == pytest.approx(theirs.GetDirection())
    assert ours.GetOrigin() == pytest.approx(theirs.GetOrigin())
