"""Images without a place in the patient: what a millimetre means, color, ultrasound regions."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UltrasoundMultiFrameImageStorage, XRayAngiographicImageStorage

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.planar import SpacingKind
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind

RGB = np.random.default_rng(1).integers(0, 256, (6, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("elements", "kind", "spacing"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": None}, SpacingKind.DETECTOR, (0.2, 0.2)),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2]}, SpacingKind.DETECTOR, (0.2, 0.2)),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.15, 0.15]}, SpacingKind.CALIBRATED, (0.15, 0.15)),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            SpacingKind.CALIBRATED,
            (0.2, 0.2),
        ),
        ({"PixelSpacing": [0.3, 0.3]}, SpacingKind.UNSPECIFIED, (0.3, 0.3)),
        ({"PixelSpacing": None}, SpacingKind.NONE, None),
        ({"PixelSpacing": [0, 0]}, SpacingKind.NONE, None),
    ],
)
def test_meaning_of_the_spacing_of_a_projection(studio, elements, kind, spacing):
    studio.slice(**{"Modality": "DX", "ImagePositionPatient": None, "ImageOrientationPatient": None, **elements})
    image = load_series(studio.folder)
    assert (image.spacing.kind, image.spacing.spacing) == (kind, spacing)
    assert (image.kind, image.grid) == (GeometryKind.NONE, None)
    expected = {
        SpacingKind.DETECTOR: FindingCode.SPACING_AT_DETECTOR,
        SpacingKind.CALIBRATED: FindingCode.SPACING_CALIBRATED,
        SpacingKind.UNSPECIFIED: FindingCode.SPACING_UNSPECIFIED,
        SpacingKind.NONE: FindingCode.NO_SPACING,
    }[kind]
    assert image.has(expected)


def test_projections_have_no_patient_coordinates_even_with_a_position(studio):
    studio.slice(Modality="XA")
    image = load_series(studio.folder)
    assert image.grid is None
    with pytest.raises(InputError, match="no one volume"):
        image.volume()


def test_rgb_as_stored_and_by_plane(studio, another_studio):
    studio.slice(RGB, Modality="US", file="a.dcm")
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1))

    def by_plane(dataset: Dataset) -> None:
        dataset.PlanarConfiguration = 1
        dataset.PixelData = planes.tobytes()

    path = another_studio.slice(RGB, Modality="US", edit=by_plane)
    image = load_series(studio.folder / "a.dcm")
    assert image.is_color
    np.testing.assert_array_equal(image.voxels, RGB[None])
    np.testing.assert_array_equal(load_series(path).voxels, RGB[None])


def test_palette_becomes_rgb(studio):
    indices = np.arange(30, dtype=np.uint8).reshape(6, 5)

    def edit(dataset: Dataset) -> None:
        for color, factor in (("Red", 1), ("Green", 2), ("Blue", 3)):
            setattr(dataset, f"{color}PaletteColorLookupTableDescriptor", [32, 0, 8])
            table = bytes(min(255, factor * value) for value in range(32))
            setattr(dataset, f"{color}PaletteColorLookupTableData", table)

    studio.slice(indices, Modality="US", PhotometricInterpretation="PALETTE COLOR", edit=edit)
    image = load_series(studio.folder)
    assert image.voxels.dtype == np.uint8
    assert image.voxels[0, 2, 3].tolist() == [13, 26, 39]
    assert image.has(FindingCode.COLOR_CONVERTED)


def test_ybr_becomes_rgb(studio):
    def edit(dataset: Dataset) -> None:
        dataset.PhotometricInterpretation = "YBR_FULL"
        dataset.PixelData = np.tile(np.array([76, 85, 255], np.uint8), 30).tobytes()  # red, PS3.3 C.7.6.3.1.2

    studio.slice(RGB, Modality="US", edit=edit)
    image = load_series(studio.folder)
    assert np.abs(image.voxels[0, 0, 0].astype(int) - [254, 0, 0]).max() <= 2


def region(**elements) -> Dataset:
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionLocationMinX0": 1,
        "RegionLocationMinY0": 0,
        "RegionLocationMaxX1": 99,
        "RegionLocationMaxY1": 4,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02,
        "PhysicalDeltaY": -0.03,
    }
    for keyword, value in {**values, **elements}.items():
        setattr(item, keyword, value)
    return item


def write_cine(studio, *regions, **elements):
    frames = np.random.default_rng(2).integers(0, 256, (4, 6, 5), dtype=np.uint8)

    def edit(dataset: Dataset) -> None:
        dataset.NumberOfFrames = 4
        dataset.SequenceOfUltrasoundRegions = Sequence(regions)
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
            del dataset[keyword]
        del dataset.RescaleIntercept

    studio.slice(frames, edit=edit, Modality="US", SOPClassUID=UltrasoundMultiFrameImageStorage, **elements)
    return frames, load_series(studio.folder)


def test_cine_loop_with_frame_time(studio):
    frames, image = write_cine(studio, region(), FrameTime=40)
    np.testing.assert_array_equal(image.voxels, frames)
    assert [source.time for source in image.sources[0]] == pytest.approx([0, 0.04, 0.08, 0.12])
    assert [source.frame_number for source in image.sources[0]] == [1, 2, 3, 4]


def test_frame_time_vector(studio):
    _, image = write_cine(studio, region(), FrameTimeVector=[0, 10, 20, 30])
    assert [source.time for source in image.sources[0]] == pytest.approx([0, 0.01, 0.03, 0.06])


def test_regions_carry_the_calibration(studio):
    ecg = region(RegionSpatialFormat=4, RegionDataType=10, PhysicalUnitsXDirection=4)
    _, image = write_cine(studio, region(), ecg)
    assert image.spacing.kind is SpacingKind.REGION
    assert image.spacing.spacing == pytest.approx((0.3, 0.2))
    tissue, trace = image.regions
    assert (tissue.left, tissue.top, tissue.right, tissue.bottom) == (1, 0, 4, 4)
    assert (trace.data_type, trace.spatial_format, trace.spacing) == ("ECG", "waveform", None)
    assert image.has(FindingCode.ULTRASOUND_REGIONS)
    assert image.grid is None


def test_two_scales_give_no_one_spacing(studio):
    _, image = write_cine(studio, region(), region(PhysicalDeltaX=0.05))
    assert image.spacing.spacing is None
    assert "no one pixel spacing" in next(f.message for f in image.findings if f.code is FindingCode.ULTRASOUND_REGIONS)


def test_no_regions(studio):
    _, image = write_cine(studio)
    assert image.has(FindingCode.NO_SPACING)


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.2]}, SpacingKind.DETECTOR),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.14, 0.14]}, SpacingKind.CALIBRATED),
    ],
)
def test_an_angiogram_is_a_cine_loop_without_a_place_calibrated_or_not(studio, elements, kind):
    frames = np.random.default_rng(3).integers(0, 256, (5, 6, 7), dtype=np.uint8)

    def edit(dataset: Dataset) -> None:
        dataset.NumberOfFrames = 5
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept"):
            del dataset[keyword]
        if "PixelSpacing" not in elements:
            del dataset.PixelSpacing

    studio.slice(frames, edit=edit, Modality="XA", SOPClassUID=XRayAngiographicImageStorage, FrameTime=66.7, **elements)
    image = load_series(studio.folder)
    np.testing.assert_array_equal(image.voxels, frames)
    assert (image.kind, image.grid, image.spacing.kind) == (GeometryKind.NONE, None, kind)
    assert [source.time for source in image.sources[0]] == pytest.approx([0.0667 * n for n in range(5)])
