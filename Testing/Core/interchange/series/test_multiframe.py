"""Multi-frame files: functional groups, dose grids, nuclear medicine."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage, EnhancedPETImageStorage

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.dimensions import DimensionName
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind

TOP_LEVEL = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope")


def item(**elements) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def group(**sequences) -> Dataset:
    return item(**{name: Sequence([content]) for name, content in sequences.items()})


def frame_group(z, slope=1.0, intercept=0.0, echo=None) -> Dataset:
    sequences = {
        "PlanePositionSequence": item(ImagePositionPatient=[1, 2, z]),
        "PixelValueTransformationSequence": item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US"),
    }
    if echo is not None:
        sequences["MREchoSequence"] = item(EffectiveEchoTime=float(echo))
    return group(**sequences)


def write_enhanced(studio, groups, frames=None, count=None, sop_class=EnhancedMRImageStorage, modality="MR"):
    pixels = np.stack([np.full((6, 5), n + 1, np.uint16) for n in range(len(groups))]) if frames is None else frames

    def edit(dataset: Dataset) -> None:
        for keyword in (*TOP_LEVEL, "RescaleIntercept"):
            dataset.pop(keyword, None)
        dataset.NumberOfFrames = count or len(groups)
        shared = group(
            PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
            PixelMeasuresSequence=item(PixelSpacing=[0.7, 0.6], SliceThickness=2.0),
        )
        dataset.SharedFunctionalGroupsSequence = Sequence([shared])
        dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)

    return studio.slice(pixels, edit=edit, SOPClassUID=sop_class, Modality=modality)


@pytest.mark.parametrize(("sop_class", "modality"), [(EnhancedCTImageStorage, "CT"), (EnhancedPETImageStorage, "PT")])
def test_enhanced_ct_and_pet_are_read_like_enhanced_mr(studio, sop_class, modality):
    groups = [frame_group(z, slope, -5) for z, slope in ((0, 2), (2, 0.5))]
    write_enhanced(studio, groups, sop_class=sop_class, modality=modality)
    image = load_series(studio.folder)
    assert image.voxels[:, 0, 0].tolist() == [1 * 2 - 5, 2 * 0.5 - 5]
    assert image.grid.spacing == (2.0, 0.7, 0.6)
    assert image.grid.origin == (1, 2, 0)


def test_each_frame_has_its_own_place_and_rescale(studio):
    write_enhanced(studio, [frame_group(z, slope, 10) for z, slope in ((4, 3), (0, 1), (2, 2))])
    image = load_series(studio.folder)
    assert [source.frame_number for source in image.sources[0]] == [2, 3, 1]
    assert image.voxels[:, 0, 0].tolist() == [2 * 1 + 10, 3 * 2 + 10, 1 * 3 + 10]
    assert image.grid.origin == (1, 2, 0)
    assert image.grid.spacing == pytest.approx((2.0, 0.7, 0.6))
    assert image.has(FindingCode.PER_FRAME_RESCALE)


def test_frames_of_several_echoes(studio):
    write_enhanced(studio, [frame_group(z, echo=echo) for z in (0, 2, 4) for echo in (30, 15)])
    image = load_series(studio.folder)
    assert image.dimension.name is DimensionName.ECHO
    assert image.dimension.values == (15.0, 30.0)
    assert image.voxels[:, :, 0, 0].tolist() == [[2, 4, 6], [1, 3, 5]]


def test_missing_frame_of_an_enhanced_image(studio):
    write_enhanced(studio, [frame_group(z) for z in (0, 2, 4, 8)])
    image = load_series(studio.folder)
    assert image.kind is GeometryKind.IRREGULAR
    assert image.has(FindingCode.MISSING_SLICES)


def test_more_frames_than_descriptions(studio):
    write_enhanced(studio, [frame_group(0), frame_group(2)], np.zeros((3, 6, 5), np.uint16), count=3)
    with pytest.raises(InputError, match="says 3 frames and describes 2"):
        load_series(studio.folder)


def test_frames_without_a_plane(studio):
    write_enhanced(studio, [Dataset(), Dataset()])
    image = load_series(studio.folder)
    assert (image.kind, image.grid) == (GeometryKind.NONE, None)
    assert image.has(FindingCode.NO_PATIENT_GEOMETRY)


def test_dose_grid(studio):
    def edit(dataset: Dataset) -> None:
        dataset.NumberOfFrames = 3
        dataset.GridFrameOffsetVector = [0, 3, 6]
        dataset.DoseGridScaling = 0.01
        dataset.DoseUnits = "GY"

    pixels = np.stack([np.full((6, 5), 100 * (n + 1), np.uint16) for n in range(3)])
    studio.slice(pixels, edit=edit, Modality="RTDOSE", RescaleSlope=None, RescaleIntercept=None)
    image = load_series(studio.folder)
    np.testing.assert_allclose(image.voxels[:, 0, 0], [1, 2, 3])
    assert image.grid.spacing[0] == pytest.approx(3)
    assert image.grid.origin == (-10, -20, 30)


@pytest.mark.parametrize(("kind", "geometry"), [("RECON TOMO", "regular"), ("TOMO", "none"), ("WHOLE BODY", "none")])
def test_nuclear_medicine(studio, kind, geometry):
    def edit(dataset: Dataset) -> None:
        dataset.NumberOfFrames = 3
        detector = item(ImagePositionPatient=[0, 0, 50], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
        dataset.DetectorInformationSequence = Sequence([detector])
        dataset.SpacingBetweenSlices = -4
        del dataset.ImagePositionPatient
        del dataset.ImageOrientationPatient

    pixels = np.stack([np.full((6, 5), n, np.uint16) for n in range(3)])
    studio.slice(
        pixels, edit=edit, Modality="NM", ImageType=["ORIGINAL", "PRIMARY", kind, "EMISSION"], RescaleIntercept=0
    )
    image = load_series(studio.folder)
    assert image.kind.value == geometry
    if image.grid is not None:
        assert image.grid.origin == (0, 0, 42)
        assert image.voxels[:, 0, 0].tolist() == [2, 1, 0]
