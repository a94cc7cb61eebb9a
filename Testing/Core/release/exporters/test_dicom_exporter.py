"""DICOM datasets, read back by pydicom and highdicom, and judged by dciodvfy where it is installed."""

import filecmp
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from AnnotationQACore.geometry import Grid
from AnnotationQACore.release.exporters.dicom import DicomExporter
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.options import Crop, ExportOptions, Intensity, Labels, Resampling

GRID = Grid((6, 24, 20), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
LESION = (slice(2, 4), slice(6, 10), slice(5, 9))
SECOND = (slice(3, 4), slice(14, 17), slice(10, 13))
ORGAN = (slice(1, 5), slice(4, 20), slice(3, 16))
MakeDataset = Callable[..., Dataset]


@pytest.fixture
def folder(dataset_of: MakeDataset, tmp_path: Path) -> Path:
    dataset = dataset_of("reference", "readers", "probability")
    dataset = replace(dataset, cases=dataset.cases[:1])
    assert DicomExporter().check(dataset, ExportOptions()) == []  # overlaps are no problem for DICOM SEG
    files = DicomExporter().write(dataset, tmp_path, ExportOptions())
    on_disk = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert list(files) == on_disk
    return tmp_path


def test_images_are_copied_byte_by_byte(folder: Path, dataset_of: MakeDataset) -> None:
    copies = sorted((folder / "train/case-1/images/ct").iterdir())
    originals = dataset_of().cases[0].images[0].files
    assert len(copies) == len(originals) == 6
    assert all(filecmp.cmp(a, b, shallow=False) for a, b in zip(copies, originals, strict=True))


def test_highdicom_reads_every_segment_overlaps_included(folder: Path) -> None:
    segmentation = highdicom.seg.segread(folder / "train/case-1/reference-seg.dcm")
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in (folder / "train/case-1/images/ct").iterdir()]
    images.sort(key=lambda image: float(image.ImagePositionPatient[2]))
    assert [str(one.SegmentLabel) for one in segmentation.SegmentSequence] == ["Organ", "Lesion 1", "Lesion 2"]
    assert [one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for one in segmentation.SegmentSequence] == [
        "Lung", "Nodule", "Nodule",
    ]  # fmt: skip
    uids = [image.SOPInstanceUID for image in images]
    voxels = segmentation.get_pixels_by_source_instance(
        uids, assert_missing_frames_are_empty=True, ignore_spatial_locations=False
    )
    for number, region in enumerate((ORGAN, LESION, SECOND)):
        expected = np.zeros(GRID.shape, bool)
        expected[region] = True
        np.testing.assert_array_equal(voxels[..., number] > 0, expected)
    assert segmentation.ContentCreatorName == "reference"
    assert images[0].StudyInstanceUID == segmentation.StudyInstanceUID


def test_the_probability_map_is_fractional(folder: Path) -> None:
    found = highdicom.seg.segread(folder / "train/case-1/probability-seg.dcm")
    assert found.SegmentationType == "FRACTIONAL"
    values = np.unique(found.pixel_array)
    np.testing.assert_array_equal(values, [0, 128, 255])


def test_reports_hold_ratings_measurements_and_landmarks(folder: Path) -> None:
    place = folder / "train/case-1"
    segmentation = pydicom.dcmread(place / "reference-seg.dcm")
    report = highdicom.sr.srread(place / "reference-segments.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert {str(group.tracking_identifier) for group in groups} >= {"lesion#1", "lesion#2"}
    lesions = [group for group in groups if str(group.tracking_identifier).startswith("lesion")]
    meanings = [one.value.meaning for group in lesions for one in group.get_qualitative_evaluations()]
    assert sorted(meanings)[:2] == ["Level 1", "Level 2"]
    referenced = {str(group.referenced_segment.value[0].ReferencedSOPInstanceUID)
                  if hasattr(group.referenced_segment, "value") else segmentation.SOPInstanceUID
                  for group in lesions}  # fmt: skip
    assert referenced == {segmentation.SOPInstanceUID}
    points = highdicom.sr.srread(place / "reference-points.dcm")
    planar = points.content.get_planar_roi_measurement_groups()
    numbers = [float(one.value) for group in planar for one in group.get_measurements()]
    assert 12.5 in numbers


def test_what_a_report_cannot_hold_is_listed(folder: Path) -> None:
    document = json.loads((folder / "dataset.json").read_text())
    lost = document["cases"][0]["not_in_dicom"]
    assert any(line.startswith("reference: ") and "comment" in line and "text" in line for line in lost)
    assert any("p2" in line and "not visible" in line for line in lost)
    assert any("region" in line and "box in space" in line for line in lost)


@pytest.mark.parametrize(
    "options",
    [
        ExportOptions(resampling=Resampling(scale=2)),
        ExportOptions(crop=Crop()),
        ExportOptions(orientation="RAS"),
        ExportOptions(intensity=(Intensity(clip=(0, 1)),)),
        ExportOptions(labels=Labels(merge_into=("organ",))),
    ],
)
def test_options_that_would_change_the_images_are_refused(dataset_of: MakeDataset, options: ExportOptions) -> None:
    problems = DicomExporter().check(dataset_of(), options)
    assert len(problems) == 1
    assert "DICOM holds images as acquired and segments as drawn" in problems[0]


def test_images_that_are_no_dicom_are_named(dataset_of: MakeDataset) -> None:
    dataset = dataset_of()
    case = dataset.cases[0]
    image = replace(case.images[0], facts=replace(case.images[0].facts, series_uid=""))
    problems = DicomExporter().check(replace(dataset, cases=(replace(case, images=(image,)),)), ExportOptions())
    assert problems == [
        "case case-1: series 'ct' is no DICOM, and DICOM copies images as they are; "
        "take the format bids, or leave the series out."
    ]


def test_dciodvfy_finds_no_error(folder: Path) -> None:
    judge = shutil.which("dciodvfy")
    if judge is None:
        pytest.skip("needs dciodvfy (Debian: dicom3tools)")
    for path in sorted((folder / "train/case-1").glob("*.dcm")):
        said = subprocess.run([judge, str(path)], capture_output=True, text=True, check=False).stderr
        assert [line for line in said.splitlines() if line.startswith("Error")] == [], path.name
