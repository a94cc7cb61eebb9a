import gzip
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation, read_volume, write_segmentation, write_volume
from AnnotationQACore.interchange.labels import label_map, overlapping_segments
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

FORMATS = ("image.nii", "image.nii.gz", "image.nrrd", "image.mha")
few = settings(max_examples=15, deadline=None, derandomize=True)


@few
@given(data=st.data())
@pytest.mark.parametrize("sheared", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_volume_comes_back_with_its_grid(data, random_grids, tmp_path_factory, name, sheared):
    grid = data.draw(random_grids(sheared=sheared))
    dtype = data.draw(st.sampled_from([np.uint8, np.int16, np.float32, np.float64]))
    voxels = np.random.default_rng(0).integers(0, 100, grid.shape).astype(dtype)
    path = tmp_path_factory.mktemp("volume") / name
    write_volume(path, Volume(voxels, grid))
    back = read_volume(path)
    assert back.voxels.dtype == dtype
    assert np.array_equal(back.voxels, voxels)
    assert back.grid.differences(grid) == ()


@few
@given(data=st.data())
def test_seg_nrrd_round_trip_is_the_identity(data, random_segmentations, tmp_path_factory, same):
    segmentation = data.draw(random_segmentations())
    path = tmp_path_factory.mktemp("seg") / "s.seg.nrrd"
    assert write_segmentation(path, segmentation) == ()
    back = read_segmentation(path)
    same(back, segmentation)
    assert back.segments == segmentation.segments


@few
@given(data=st.data(), name=st.sampled_from(FORMATS))
def test_label_map_keeps_values_and_tells_what_it_cannot_hold(data, random_segmentations, tmp_path_factory, name):
    segmentation = data.draw(random_segmentations(overlaps=False))
    path = tmp_path_factory.mktemp("labels") / name
    losses = write_segmentation(path, segmentation)
    back = read_segmentation(path)
    assert np.array_equal(back.layers, segmentation.layers)
    assert all(segment.id in " ".join(losses) for segment in segmentation.segments)


@few
@given(data=st.data())
@pytest.mark.parametrize("sheared", [False, True])
def test_nibabel_reads_our_nifti_with_our_affine(data, random_grids, tmp_path_factory, sheared):
    grid = data.draw(random_grids(sheared=sheared))
    voxels = np.arange(np.prod(grid.shape), dtype=np.int16).reshape(grid.shape)
    path = tmp_path_factory.mktemp("nib") / "x.nii.gz"
    write_volume(path, Volume(voxels, grid))
    image = nibabel.load(path)
    assert np.abs(image.affine - grid.ras_affine).max() < 1e-4
    assert np.array_equal(np.asarray(image.dataobj).T, voxels)
    assert image.header.get_xyzt_units()[0] == "mm"
    if not sheared:
        assert np.abs(image.get_qform() - grid.ras_affine).max() < 1e-3


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1.0, -1.0), repeat=3)))
def test_nibabel_reads_our_qform_of_quarter_and_half_turns(order, signs, tmp_path):
    directions = tuple(tuple(sign * axis) for sign, axis in zip(signs, np.eye(3)[list(order)], strict=True))
    grid = Grid((2, 3, 4), (3.0, 1.0, 2.0), (5.0, 6.0, 7.0), directions)
    write_volume(tmp_path / "x.nii", Volume(np.zeros(grid.shape, np.uint8), grid))
    assert np.abs(nibabel.load(tmp_path / "x.nii").get_qform() - grid.ras_affine).max() < 1e-5


@few
@given(data=st.data())
def test_nibabels_nifti_is_read_with_its_affine_and_scaling(data, random_grids, tmp_path_factory):
    grid = data.draw(random_grids())
    voxels = np.arange(np.prod(grid.shape)).reshape(grid.shape).T
    kind = data.draw(st.sampled_from([nibabel.Nifti1Image, nibabel.Nifti2Image]))
    form = data.draw(st.sampled_from(["sform", "qform"]))
    big_endian = data.draw(st.booleans())
    header = kind.header_class(endianness=">" if big_endian else "<")
    header.set_data_dtype(np.int16)
    image = kind(voxels.astype(np.float32) * 0.5 - 3, grid.ras_affine, header)
    image.set_sform(grid.ras_affine, 1 if form == "sform" else 0)
    image.set_qform(grid.ras_affine, 1 if form == "qform" else 0)
    path = tmp_path_factory.mktemp("nib") / "x.nii"
    nibabel.save(image, path)
    back = read_volume(path)
    reference = nibabel.load(path)
    assert np.allclose(back.voxels, reference.get_fdata().T)
    assert np.abs(back.grid.ras_affine - reference.affine).max() < 1e-4


def test_itk_agrees_with_our_nrrd_and_nifti(tmp_path):
    grid = Grid((2, 3, 4), (3.0, 0.7, 0.6), (1.0, -2.0, 3.0), ((0.8, 0.6, 0.0), (-0.6, 0.8, 0.0), (0.0, 0.0, 1.0)))
    volume = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), grid)
    for name in ("x.nrrd", "x.nii"):
        write_volume(tmp_path / name, volume)
        image = sitk.ReadImage(str(tmp_path / name))
        assert np.allclose(image.TransformIndexToPhysicalPoint((3, 1, 1)), grid.to_world((1, 1, 3)), atol=1e-5)
        assert image.GetPixel(3, 1, 1) == volume.voxels[1, 1, 3]
    sitk.WriteImage(image, str(tmp_path / "itk.nrrd"))
    assert read_volume(tmp_path / "itk.nrrd").grid.differences(grid) == ()


def test_tools_disagree_not_with_real_data(shared_data):
    path = shared_data / "raters" / "labelfusion" / "data" / "unet.nii.gz"
    segmentation = read_segmentation(path)
    reference = nibabel.load(path)
    assert np.array_equal(segmentation.layers[0], np.asarray(reference.dataobj).T)
    assert np.allclose(segmentation.grid.ras_affine, reference.affine, atol=1e-4)
    assert [s.value for s in segmentation.segments] == [v for v in np.unique(reference.dataobj) if v]


def test_overlap_is_refused_where_the_format_cannot_hold_it(tmp_path):
    layers = np.ones((2, 2, 2, 2), np.uint8)
    segmentation = Segmentation(layers, Grid((2, 2, 2)), (Segment("liver", "", 1, 0), Segment("tumour", "", 1, 1)))
    assert overlapping_segments(segmentation) == [("liver", "tumour")]
    with pytest.raises(InputError, match=r"'liver' and 'tumour' overlap"):
        write_segmentation(tmp_path / "x.nii.gz", segmentation)
    assert list(tmp_path.iterdir()) == []


def test_layers_without_overlap_become_one_label_map():
    layers = np.zeros((2, 1, 1, 3), np.uint8)
    layers[0, 0, 0, 0] = 1
    layers[1, 0, 0, 2] = 1
    segmentation = Segmentation(layers, Grid((1, 1, 3)), (Segment("a", "", 1, 0), Segment("b", "", 1, 1)))
    labels, segments = label_map(segmentation, "here")
    assert labels.ravel().tolist() == [1, 0, 2]
    assert [(segment.id, segment.value) for segment in segments] == [("a", 1), ("b", 2)]


def test_values_without_a_segment_are_not_lost(tmp_path):
    layers = np.array([[[[0, 1, 7]]]], np.uint8)
    write_segmentation(tmp_path / "x.seg.nrrd", Segmentation(layers, Grid((1, 1, 3)), (Segment("a", "A", 1),)))
    assert [s.id for s in read_segmentation(tmp_path / "x.seg.nrrd").segments] == ["a", "label-7"]


def test_colours_are_no_layers_of_segments(tmp_path):
    colours = sitk.GetImageFromArray(np.ones((2, 3, 4, 3), np.uint8), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / "x.nrrd"))
    with pytest.raises(InputError, match=r"x\.nrrd: has 3 values a voxel and describes no segments"):
        read_segmentation(tmp_path / "x.nrrd")


def test_fourth_axis_of_a_volume_is_refused(tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2, 3), np.uint8), np.eye(4)), tmp_path / "x.nii")
    with pytest.raises(InputError, match="several volumes"):
        read_volume(tmp_path / "x.nii")


def _written(folder: Path, name: str) -> bytes:
    write_volume(folder / name, Volume(np.arange(2000, dtype=np.int16).reshape(10, 10, 20), Grid((10, 10, 20))))
    return (folder / name).read_bytes()


@pytest.mark.parametrize("name", [*FORMATS, "x.seg.nrrd"])
@pytest.mark.parametrize("part", [0, 2, 60, 300, 0.5, 0.98])
def test_truncated_file_is_one_clear_line(tmp_path, name, part):
    content = _written(tmp_path, name.replace(".seg", ""))
    keep = part if isinstance(part, int) else int(len(content) * part)
    (tmp_path / name).write_bytes(content[:keep])
    with pytest.raises(InputError) as caught:
        read_segmentation(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.nii", b"text", "not a NIfTI"),
        ("x.nii.gz", gzip.compress(b"text" * 200, mtime=0), "not a NIfTI"),
        ("x.nrrd", b"NRRD", "not a NRRD"),
        ("x.nrrd", b"NRRD0005\ntype: short\ndimension: 3\nsizes: 1 1 1\nencoding: raw\n\n\0\0", "no anatomical space"),
        ("x.nrrd", b"NRRD0005\ntype: block\ndimension: 1\nsizes: 1\nencoding: raw\n\n\0", "lacks or garbles"),
        ("x.nrrd", b"NRRD0005\ntype: char\ndimension: Q\nsizes: 1\nencoding: raw\n\n\0", "lacks or garbles"),
        ("x.nrrd", b"NRRD0005\ndata file: ../secret\n\n", "not in one file beside it"),
        ("x.mha", b"text", "not a readable MetaImage"),
        ("x.png", b"", "format that is not read"),
    ],
)
def test_wrong_content_is_one_clear_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_segmentation(tmp_path / name)


@pytest.mark.parametrize("name", FORMATS)
def test_missing_file_and_folder(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(tmp_path / name)
    with pytest.raises(DestinationError, match="cannot be written"):
        write_volume(tmp_path / "absent" / name, Volume(np.zeros((1, 1, 1), np.uint8), Grid((1, 1, 1))))


@pytest.mark.parametrize("voxels", [np.float32([[[0.5]]]), np.float32([[[np.nan]]]), np.int16([[[-1]]])])
def test_image_is_no_label_map(tmp_path, voxels):
    write_volume(tmp_path / "x.nrrd", Volume(voxels, Grid((1, 1, 1))))
    with pytest.raises(InputError, match="where label values are due"):
        read_segmentation(tmp_path / "x.nrrd")


def test_integral_floats_are_labels(tmp_path):
    write_volume(tmp_path / "x.nii", Volume(np.float64([[[0, 300]]]), Grid((1, 1, 2))))
    back = read_segmentation(tmp_path / "x.nii")
    assert back.layers.dtype == np.uint16
    assert back.layers.ravel().tolist() == [0, 300]


def test_nifti_without_orientation_is_refused(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nibabel.save(image, tmp_path / "x.nii")
    with pytest.raises(InputError, match="neither sform nor qform"):
        read_volume(tmp_path / "x.nii")


def test_detached_and_big_endian_nrrd(tmp_path):
    header = (
        "NRRD0004\n# made by hand\ntype: short\ndimension: 3\nspace: RAS\nsizes: 2 1 1\n"
        "space directions: (-1,0,0) (0,-2,0) (0,0,3)\nspace origin: (-5,-6,7)\nendian: big\nencoding: raw\n"
        "data file: x.raw\n"
    )
    (tmp_path / "x.nhdr").write_text(header)
    (tmp_path / "x.raw").write_bytes(np.array([1, 258], ">i2").tobytes())
    volume = read_volume(tmp_path / "x.nhdr")
    assert volume.voxels.ravel().tolist() == [1, 258]
    assert volume.grid == Grid((1, 1, 2), (3.0, 2.0, 1.0), (5.0, 6.0, 7.0))
