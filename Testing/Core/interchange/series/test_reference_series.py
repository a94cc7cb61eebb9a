"""Every reference series comes out right, or is refused by name; dcm2niix is the judge where it can be."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.dimensions import DimensionName
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.planar import SpacingKind
from AnnotationQACore.interchange.series.scanning import scan_folder
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind

EXPECTED = {
    "ct_philips_5mm": [("CT", (22, 512, 512), "int16", "regular", ())],
    "ct_philips_tilt_m18": [("CT", (10, 512, 512), "int16", "sheared", ("gantry_tilt",))],
    "mr_uih_t1_sag": [("MR", (10, 512, 460), "uint16", "regular", ())],
    "mr_ge_4d": [("MR", (3, 15, 64, 64), "int16", "regular", ("four_dimensional", "incomplete_dimension"))],
    "mr_enh_siemens_xa10": [("MR", (4, 6, 64, 64), "uint16", "regular", ("four_dimensional",))],
    "ct_enhanced_2f": [("CT", (2, 512, 512), "int16", "regular", ())],
    "mr_enhanced_10f_nogeom": [("MR", (10, 64, 64), "uint16", "none", ("no_patient_geometry", "no_spacing"))],
    "us_cine_jpeg": [
        ("US", (30, 240, 320, 3), "uint8", "none", ("lossy", "color_converted", "ultrasound_regions")),
    ],
    "us_palette": [("US", (1, 350, 800, 3), "uint8", "none", ("color_converted", "ultrasound_regions"))],
    "us_rgb": [("US", (1, 240, 320, 3), "uint8", "none", ("no_spacing",))],
    "cr_mono1_j2k": [("CR", (1, 1955, 1841), "uint16", "none", ("lossy", "inverted", "no_spacing"))],
    "mg_jpeg": [("RG", (1, 4664, 3064), "uint16", "none", ("lossy", "no_spacing"))],
    "dx_mono1": [("DX", (1, 169, 211), "uint8", "none", ("inverted", "spacing_at_detector"))],
    "seg_dcmqi_liver": [("CT", (3, 512, 512), "int16", "regular", ()), "SEG", "SEG"],
    "seg_dcmqi_labelmap": ["SEG"],
    "legacy_converted_ct_and_seg": [
        ("CT", (3, 38, 23), "uint16", "regular", ()),
        ("CT", (3, 38, 23), "uint16", "regular", ()),
        "SEG",
    ],
    "sr_highdicom": ["SR", "SR"],
    "pm_dcmqi": [("MR", (1, 256, 256), "int16", "regular", ()), ("OT", (1, 128, 128), "float32", "regular", ())],
    "rtstruct_tiny": ["RTSTRUCT"],
}


def test_no_reference_folder_is_forgotten(shared_data):
    assert {folder.name for folder in (shared_data / "dicom").iterdir() if folder.is_dir()} <= set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_reference_series(shared_data, name):
    found = []
    for series in scan_folder(shared_data / "dicom" / name).series:
        if not series.stacks:
            with pytest.raises(InputError, match="as a reading, not as an image"):
                load_series(series)
            found.append(series.modality)
            continue
        image = load_series(series)
        codes = tuple(finding.code.value for finding in image.findings)
        found.append((image.modality, image.voxels.shape, image.voxels.dtype.name, image.kind.value, codes))
    assert sorted(found, key=str) == sorted(EXPECTED[name], key=str)


@pytest.mark.parametrize(
    "name", ["ct_philips_5mm", "ct_philips_tilt_m18", "mr_uih_t1_sag", "mr_ge_4d", "mr_enh_siemens_xa10"]
)
def test_every_slice_is_where_its_header_says(shared_data, name):
    image = load_series(shared_data / "dicom" / name)
    for volume in image.sources:
        corners = image.grid.to_world([(k, 0, 0) for k in range(len(volume))])
        stated = np.array([source.position for source in volume])
        assert np.abs(corners - stated).max() < 1e-4


def test_voxels_are_those_of_pydicom_with_the_rescale_of_each_file(shared_data):
    image = load_series(shared_data / "dicom" / "ct_philips_tilt_m18")
    for source, voxels in zip(image.sources[0], image.voxels, strict=True):
        dataset = pydicom.dcmread(source.path)
        assert dataset.SOPInstanceUID == source.instance_uid
        expected = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        np.testing.assert_array_equal(voxels, expected)


def test_legacy_converted_frames_equal_their_single_frame_sources(shared_data):
    first, second = (
        load_series(series)
        for series in scan_folder(shared_data / "dicom" / "legacy_converted_ct_and_seg").series
        if series.modality == "CT"
    )
    np.testing.assert_array_equal(first.voxels, second.voxels)
    assert first.grid.differences(second.grid) == ()
    single, converted = sorted((first, second), key=lambda image: bool(image.sources[0][0].original_uid))
    assert [s.original_uid for s in converted.sources[0]] == [s.instance_uid for s in single.sources[0]]


def test_enhanced_frames_are_sorted_by_position(shared_data):
    image = load_series(shared_data / "dicom" / "ct_enhanced_2f")
    assert [source.frame_number for source in image.sources[0]] == [2, 1]  # rows x columns points down
    assert image.grid.spacing[0] == pytest.approx(10)
    assert image.units == "ml/100ml/s"


def test_enhanced_time_series(shared_data):
    image = load_series(shared_data / "dicom" / "mr_enh_siemens_xa10")
    assert image.dimension.name is DimensionName.TIME
    assert image.dimension.values == pytest.approx((0, 0.5, 1.0, 1.5))


def test_jpeg_of_12_bits_is_decoded_without_any_extra(shared_data):
    image = load_series(shared_data / "dicom" / "mg_jpeg")
    assert (int(image.voxels.min()), int(image.voxels.max())) == (0, 4095)


def test_ultrasound_region_gives_the_spacing(shared_data):
    image = load_series(shared_data / "dicom" / "us_cine_jpeg")
    assert image.spacing.kind is SpacingKind.REGION
    assert image.spacing.spacing == pytest.approx((0.510497, 0.510497), abs=1e-6)
    assert [source.time for source in image.sources[0]][:3] == pytest.approx([0, 0.033333, 0.066666])


@pytest.fixture(scope="session")
def dcm2niix() -> str:
    program = shutil.which("dcm2niix")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have dcm2niix (Debian: apt-get install dcm2niix)")
        pytest.skip("needs dcm2niix (Debian: apt-get install dcm2niix)")
    return program


def converted(program: str, folder: Path, out: Path) -> dict[str, nibabel.Nifti1Image]:
    """Images that dcm2niix makes of a folder, by name; ``_Tilt`` in the name of one that it corrected."""
    out.mkdir()
    arguments = [program, "-z", "n", "-b", "n", "-l", "o", "-m", "y", "-f", "image", "-o", str(out), str(folder)]
    subprocess.run(arguments, check=True, capture_output=True, timeout=60)
    return {path.stem: nibabel.load(path) for path in out.glob("*.nii")}


def oriented_like(image: nibabel.Nifti1Image, affine: np.ndarray) -> nibabel.Nifti1Image:
    """Flip and permute the axes of a NIfTI image, so that they run as those of `affine`: nothing is resampled."""
    orientations = nibabel.orientations
    transform = orientations.ornt_transform(
        orientations.io_orientation(image.affine), orientations.io_orientation(affine)
    )
    return image.as_reoriented(transform)


def assert_same_image(image, reference):
    ours = image.voxels.T  # (i, j, k[, t]), as in NIfTI
    theirs = oriented_like(reference, image.grid.ras_affine)
    np.testing.assert_allclose(theirs.affine, image.grid.ras_affine, atol=2e-3)
    np.testing.assert_array_equal(np.asarray(theirs.dataobj), ours)


@pytest.mark.parametrize("name", ["ct_philips_5mm", "mr_uih_t1_sag", "mr_ge_4d", "mr_enh_siemens_xa10"])
def test_agrees_with_dcm2niix(shared_data, dcm2niix, tmp_path, name):
    folder = shared_data / "dicom" / name
    (reference,) = converted(dcm2niix, folder, tmp_path / "out").values()
    assert_same_image(load_series(folder), reference)


def test_tilted_voxels_agree_with_dcm2niix_before_its_correction(shared_data, dcm2niix, tmp_path):
    folder = shared_data / "dicom" / "ct_philips_tilt_m18"
    images = converted(dcm2niix, folder, tmp_path / "out")
    image = load_series(folder)
    assert image.kind is GeometryKind.SHEARED
    assert image.has(FindingCode.GANTRY_TILT)
    corrected = [name for name in images if "Tilt" in name]
    assert corrected, "dcm2niix too takes the series for tilted"
    raw = next(value for name, value in images.items() if "Tilt" not in name and "Eq" not in name)
    theirs = oriented_like(raw, image.grid.ras_affine)
    np.testing.assert_array_equal(np.asarray(theirs.dataobj), image.voxels.T)
