from datetime import datetime

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.contours import fill, keyholed, outlines
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.rtstruct import read_rtstruct, to_segmentation, write_rtstruct
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

few = settings(max_examples=15, deadline=None, derandomize=True)
INFO = ObjectInfo(description="Läsionen", creator="anna", when=datetime(2026, 1, 2, 3, 4, 5), key="reading 1")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9), st.integers(1, 12), st.integers(1, 12))
def test_filling_the_outlines_gives_the_mask_back(seed, share, rows, columns):
    mask = np.random.default_rng(seed).random((rows, columns)) < share
    drawn = np.zeros_like(mask)
    for loops in outlines(mask):
        part = fill(keyholed(loops), mask.shape)
        assert not (drawn & part).any()
        drawn |= part
    assert np.array_equal(drawn, mask)


def test_outline_of_a_square_with_a_hole():
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    ((outer, hole),) = outlines(mask)
    assert {tuple(p) for p in hole} == {(1.5, 2.0), (2.0, 2.5), (2.5, 2.0), (2.0, 1.5)}
    assert outer.min() == -0.5
    assert outer.max() == 4.5
    assert len(outer) == 8  # straight lines have no points in between, corners are cut


@pytest.mark.parametrize("point", [(0.0, 0.0), (0.5, 0.25), (-3.0, 2.0)])
def test_filling_counts_centres_on_half_of_the_border_only(point):
    square = np.array([[0, 0], [0, 3], [3, 3], [3, 0]]) + np.array(point)
    assert fill(square, (9, 9)).sum() == (3 if point[0] >= 0 else 0) * 3


@few
@given(data=st.data())
@pytest.mark.parametrize("sheared", [False, True])
def test_round_trip_is_the_identity(data, random_segmentations, series_on, tmp_path_factory, same, sheared):
    segmentation = data.draw(random_segmentations(sheared=sheared))
    path = tmp_path_factory.mktemp("rt") / "rt.dcm"
    write_rtstruct(path, segmentation, series_on(segmentation.grid), INFO)
    back, notes = to_segmentation(read_rtstruct(path), segmentation.grid)
    assert notes == ()
    same(back, segmentation)
    for ours, theirs in zip(segmentation.segments, back.segments, strict=True):
        assert (theirs.name, theirs.type) == (ours.name, ours.type)
        assert theirs.color == pytest.approx(ours.color, abs=0.5 / 255)


def _with_holes() -> Segmentation:
    grid = Grid((4, 40, 50), (2.5, 0.8, 0.7), (-10.0, 20.0, 30.0))
    row, column = np.mgrid[:40, :50]
    distance = np.hypot(row - 19.3, column - 24.6)
    layers = np.zeros((2, *grid.shape), np.uint8)
    ring = ((distance < 17) & (distance > 11)) | (distance < 6)
    ring[5, 24] = ring[33, 20:23] = ring[19, 24] = False
    layers[0, 1:4] = ring
    layers[1, 0:2, 0:9, 0:50:2] = 1
    mass = Code("SCT", "4147007", "Mass")
    return Segmentation(layers, grid, (Segment("ring", "Ring", 1, type=mass), Segment("comb", "Comb", 1, 1)))


@pytest.fixture
def written(series_on, tmp_path):
    segmentation = _with_holes()
    write_rtstruct(tmp_path / "rt.dcm", segmentation, series_on(segmentation.grid), INFO)
    return tmp_path / "rt.dcm", segmentation


def test_dciodvfy_finds_no_error(judge, written):
    said = judge("dciodvfy", written[0], package="dicom3tools")
    assert "RTStructureSet" in said
    assert "Error" not in said


def test_plastimatch_draws_our_mask_with_its_holes(judge, written, tmp_path):
    path, segmentation = written
    reference = tmp_path / "reference.nrrd"
    from AnnotationQACore.interchange.label_images import write_volume

    write_volume(reference, Volume(np.zeros(segmentation.grid.shape, np.int16), segmentation.grid))
    out = tmp_path / "out"
    said = judge(
        "plastimatch",
        "convert",
        "--input",
        path,
        "--fixed",
        reference,
        "--output-prefix",
        out,
        "--prefix-format",
        "nrrd",
    )
    for segment, name in zip(segmentation.segments, ("Ring", "Comb"), strict=True):
        assert (out / f"{name}.nrrd").exists(), said
        theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(out / f"{name}.nrrd"))) > 0
        ours = segmentation.mask(segment.id).voxels
        assert 2 * (theirs & ours).sum() / (theirs.sum() + ours.sum()) == 1.0


def test_numbers_have_at_most_sixteen_characters(series_on, tmp_path):
    grid = Grid(
        (3, 4, 4),
        (1.1, 1 / 3, 1 / 7),
        (-1234.56789, 1e-9, -999.999),
        ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)),
    )
    layers = np.ones((1, 3, 4, 4), np.uint8)
    write_rtstruct(tmp_path / "rt.dcm", Segmentation(layers, grid, (Segment("a", "A", 1),)), series_on(grid), INFO)
    dataset = dcmread(tmp_path / "rt.dcm")
    assert (
        not dataset.file_meta.TransferSyntaxUID.is_implicit_VR
        or dataset.file_meta.TransferSyntaxUID.name.startswith("Implicit")
    )
    for contour in dataset.ROIContourSequence[0].ContourSequence:
        assert all(len(str(number)) <= 16 for number in contour.ContourData)


def test_long_outline_survives(series_on, tmp_path, same):
    grid = Grid((3, 200, 200), (1.0, 0.123, 0.123), (-100.0, -100.0, -100.0))
    layers = np.zeros((1, *grid.shape), np.uint8)
    layers[0, 1, ::3] = 1
    layers[0, 1, 1::3, ::2] = 1
    layers[0, 1, :, 0] = 1
    segmentation = Segmentation(layers, grid, (Segment("a", "A", 1),))
    write_rtstruct(tmp_path / "rt.dcm", segmentation, series_on(grid), INFO)
    contours = dcmread(tmp_path / "rt.dcm").ROIContourSequence[0].ContourSequence
    assert max(len("\\".join(map(str, contour.ContourData))) for contour in contours) > 2**16
    same(to_segmentation(read_rtstruct(tmp_path / "rt.dcm"), grid)[0], segmentation)


def test_what_lies_between_slices_or_outside_is_named(written):
    path, segmentation = written
    structures = read_rtstruct(path)
    _, notes = to_segmentation(structures, segmentation.grid.cropped((slice(0, 2), slice(0, 40), slice(0, 50))))
    assert "structure 'ring': 4 of 6 outlines" in notes[0]
    shifted = Grid(segmentation.grid.shape, segmentation.grid.spacing, (-10.0, 20.0, 31.2))
    _, notes = to_segmentation(structures, shifted)
    assert len(notes) == 2


def test_structure_set_without_images(shared_data):
    structures = read_rtstruct(shared_data / "dicom" / "rtstruct_tiny" / "rtstruct.dcm")
    assert structures.structures
    assert structures.instance_uid


def test_what_cannot_be_outlined_is_refused(shared_data, series_on, tmp_path):
    segmentation = _with_holes()
    with pytest.raises(GridMismatch):
        write_rtstruct(tmp_path / "rt.dcm", segmentation, series_on(Grid((4, 40, 50))), INFO)
    with pytest.raises(InputError, match="frame of reference"):
        write_rtstruct(tmp_path / "rt.dcm", segmentation, [shared_data / "dicom" / "dx_mono1" / "dx_image.dcm"], INFO)
    with pytest.raises(InputError, match="is not a RT Structure Set"):
        read_rtstruct(shared_data / "dicom" / "dx_mono1" / "dx_image.dcm")
    assert list(tmp_path.iterdir()) == []
