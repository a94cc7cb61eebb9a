"""Series with one thing wrong: exactly that is said, and nothing wrong comes out."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from pydicom.uid import generate_uid

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.dimensions import DimensionName
from AnnotationQACore.interchange.series.findings import FindingCode, Severity
from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.scanning import scan_folder
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind

CORONAL = [1, 0, 0, 0, 0, -1]


def codes(image):
    return [finding.code for finding in image.findings]


def test_shuffled_files_are_sorted_by_position(studio):
    order = [4, 0, 3, 1, 2]
    for number, z in enumerate(order):
        studio.slice(np.full((6, 5), z, np.uint16), ImagePositionPatient=[0, 0, z * 2.0], InstanceNumber=number + 1)
    image = load_series(studio.folder)
    assert image.voxels[:, 0, 0].tolist() == [-1024 + z for z in range(5)]
    assert [source.position[2] for source in image.sources[0]] == [0, 2, 4, 6, 8]
    assert image.findings == ()
    assert image.volume().grid == image.grid


def test_values_are_int16_hounsfield_units(studio):
    studio.stack()
    image = load_series(studio.folder)
    assert image.voxels.dtype == np.int16
    assert image.units == "HU"
    assert image.voxels[0, 0, 0] == 100 - 1024


def test_sources_name_the_instances(studio):
    paths = studio.stack(3)
    image = load_series(studio.folder)
    assert [source.path for source in image.sources[0]] == paths
    assert len({source.instance_uid for source in image.sources[0]}) == 3


def test_missing_slice_makes_no_volume_but_frames_with_positions(studio):
    paths = studio.stack(6)
    paths[2].unlink()
    image = load_series(studio.folder)
    assert (image.kind, image.grid) == (GeometryKind.IRREGULAR, None)
    assert codes(image) == [FindingCode.MISSING_SLICES]
    assert image.voxels.shape == (5, 6, 5)
    assert [source.position[2] for source in image.sources[0]] == [30, 32.5, 37.5, 40, 42.5]
    with pytest.raises(InputError, match="1 slice is missing"):
        image.volume()


def test_localizer_is_kept_apart(studio):
    studio.stack(5)
    studio.slice(
        np.zeros((8, 9), np.uint16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=CORONAL
    )
    series = studio.scanned()
    image = load_series(series)
    assert image.voxels.shape == (5, 6, 5)
    assert codes(image) == [FindingCode.MIXED_LOCALIZER]
    assert load_series(series, stack=1).voxels.shape == (1, 8, 9)
    with pytest.raises(InputError, match="no number 2"):
        load_series(series, stack=2)


def test_unmarked_localizer_is_known_by_its_orientation(studio):
    studio.stack(5)
    studio.slice(ImageOrientationPatient=CORONAL)
    assert codes(load_series(studio.folder)) == [FindingCode.MIXED_LOCALIZER]


def test_other_matrix_is_kept_apart(studio):
    studio.stack(5)
    studio.slice(np.zeros((8, 8), np.uint16), ImagePositionPatient=[-10, -20, 42.5])
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.MIXED_MATRIX]
    assert image.kind is GeometryKind.REGULAR


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"FrameOfReferenceUID": generate_uid()}, FindingCode.MIXED_FRAME_OF_REFERENCE),
        ({"PixelRepresentation": 1}, FindingCode.MIXED_PIXEL_FORMAT),
        ({"PixelSpacing": [0.9, 0.9]}, FindingCode.MIXED_ORIENTATION),
        ({"ImagePositionPatient": None}, FindingCode.PARTLY_PLACED),
    ],
)
def test_strangers_are_named(studio, elements, code):
    studio.stack(5)
    studio.slice(**{"ImagePositionPatient": [-10, -20, 42.5], **elements})
    image = load_series(studio.folder)
    assert codes(image) == [code]
    assert len(image.voxels) == 5


def test_a_copied_file_is_used_once(studio):
    paths = studio.stack(4)
    shutil.copy(paths[1], paths[1].with_name("copy.dcm"))
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.DUPLICATE_FILE]
    assert image.kind is GeometryKind.REGULAR
    assert len(image.voxels) == 4


def test_the_same_slice_under_another_uid(studio):
    studio.stack(4)
    pixels = np.arange(30, dtype=np.uint16).reshape(6, 5) + 200  # as slice 2
    studio.slice(pixels, ImagePositionPatient=[-10, -20, 32.5], InstanceNumber=9)
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.DUPLICATE_SLICE]
    assert image.grid.shape == (4, 6, 5)


def test_another_slice_at_the_same_position_is_an_error(studio):
    studio.stack(4)
    studio.slice(np.full((6, 5), 7, np.uint16), ImagePositionPatient=[-10, -20, 32.5], InstanceNumber=9)
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.DUPLICATE_SLICE, FindingCode.CONFLICTING_SLICE]
    assert image.findings[1].severity is Severity.ERROR
    assert image.voxels[1, 0, 0] == 200 - 1024  # the lower instance number


def test_all_slices_twice_is_no_time_series(studio):
    for number in range(8):
        pixels = np.full((6, 5), number % 4, np.uint16)
        studio.slice(pixels, ImagePositionPatient=[0, 0, number % 4], InstanceNumber=number + 1)
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.DUPLICATE_SLICE]
    assert image.dimension is None
    assert image.voxels.shape == (4, 6, 5)


def test_frames_that_nothing_tells_apart_are_said_to_be_so(studio):
    for number in range(8):
        studio.slice(ImagePositionPatient=[0, 0, number % 4], InstanceNumber=number + 1)
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.FOUR_DIMENSIONAL, FindingCode.DIMENSION_UNNAMED]
    assert image.dimension.name is DimensionName.UNNAMED
    assert image.voxels.shape == (2, 4, 6, 5)


def test_zero_spacing_is_never_a_place(studio):
    studio.stack(4, PixelSpacing=[0, 0])
    image = load_series(studio.folder)
    assert image.grid is None
    assert image.kind is GeometryKind.NONE
    assert FindingCode.ZERO_SPACING in codes(image)
    assert image.spacing.spacing is None


def test_bad_orientation_is_never_a_place(studio):
    studio.stack(4, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])
    image = load_series(studio.folder)
    assert image.grid is None
    assert FindingCode.BAD_ORIENTATION in codes(image)


def test_no_position_at_all(studio):
    for _ in range(3):
        studio.slice(ImagePositionPatient=None)
    image = load_series(studio.folder)
    assert image.kind is GeometryKind.NONE
    assert FindingCode.NO_PATIENT_GEOMETRY in codes(image)
    assert image.voxels[:, 0, 0].tolist() == [100 - 1024, 200 - 1024, 300 - 1024]


def test_truncated_file_is_named_and_the_rest_loaded(studio):
    paths = studio.stack(5)
    paths[4].write_bytes(paths[4].read_bytes()[:-20])
    image = load_series(studio.folder)
    assert image.grid.shape == (4, 6, 5)
    (finding,) = image.findings
    assert finding.code is FindingCode.BROKEN_FILE
    assert "0005.dcm" in finding.message


def test_series_of_nothing_but_broken_files(studio):
    path = studio.slice()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="ends inside its pixel data"):
        load_series(studio.folder)


def test_image_without_pixel_data(studio):
    studio.slice(edit=lambda dataset: dataset.pop("PixelData"))
    with pytest.raises(InputError, match="no pixel data"):
        load_series(studio.folder)


def test_no_series_uid_is_refused_by_name(studio):
    studio.slice(SeriesInstanceUID="")
    with pytest.raises(InputError, match="no SeriesInstanceUID"):
        load_series(studio.folder)


def test_folder_without_dicom(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no DICOM series"):
        load_series(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        scan_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a file; name the folder"):
        scan_folder(tmp_path / "notes.txt")


def test_several_series_must_be_chosen_from(studio, another_studio):
    studio.stack(2)
    another_studio.stack(2)
    with pytest.raises(InputError, match="2 series"):
        load_series(studio.folder)


def test_tilted_series_places_every_slice(studio):
    tilt = np.radians(20)
    leaning = [1, 0, 0, 0, np.cos(tilt), -np.sin(tilt)]
    studio.stack(7, (0, 0, 3.0), ImageOrientationPatient=leaning, GantryDetectorTilt=-20)
    image = load_series(studio.folder)
    assert image.kind is GeometryKind.SHEARED
    assert codes(image) == [FindingCode.GANTRY_TILT]
    corners = image.grid.to_world([(k, 0, 0) for k in range(7)])
    stated = np.array([source.position for source in image.sources[0]])
    assert np.abs(corners - stated).max() < 1e-4


def test_unused_bits_are_cleared_and_said(studio):
    pixels = np.arange(30, dtype=np.uint16).reshape(6, 5)
    pixels[0, 0] |= 0xF000
    studio.slice(pixels, BitsStored=12, HighBit=11)
    image = load_series(studio.folder)
    assert codes(image) == [FindingCode.UNUSED_BITS_SET]
    assert image.voxels[0, 0, 0] == -1024


def test_monochrome1_keeps_its_values(studio):
    pixels = np.arange(30, dtype=np.uint16).reshape(6, 5)
    studio.slice(pixels, PhotometricInterpretation="MONOCHROME1", Modality="DX", RescaleIntercept=0)
    image = load_series(studio.folder)
    np.testing.assert_array_equal(image.voxels[0], pixels)
    assert image.shown_inverted
    assert FindingCode.INVERTED in codes(image)


def test_lossy_compression_is_said(studio):
    studio.slice(LossyImageCompression="01")
    assert codes(load_series(studio.folder)) == [FindingCode.LOSSY]


def test_progress_can_cancel(studio):
    studio.stack(3)
    seen = []
    load_series(studio.folder, progress=lambda done, total, _="": seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
