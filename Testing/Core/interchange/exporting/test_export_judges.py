"""Software that no one here wrote takes what `annotation-qa export` writes."""

import re
import subprocess

import nibabel
import numpy as np
import pycocotools.coco
import pydicom
import pytest
from pydicom.uid import UID

from AnnotationQACore.interchange.label_images import read_segmentation


@pytest.mark.parametrize("study", ["lung", "spine", "wrist"])
def test_dciodvfy_finds_no_error(study, request, judge):
    """Every DICOM object of three protocols; the tool is older than the label map."""
    made = request.getfixturevalue(study)
    assert made.export("out", "seg", "sr", "rtstruct", "kos") == 0
    files = sorted((made.home / "out").glob("*.dcm"))
    assert files
    for path in files:
        said = judge("dciodvfy", path, package="dicom3tools")
        assert not re.findall(r"^Error.*", said, re.MULTILINE), (path.name, said)


@pytest.mark.parametrize("study", ["lung", "wrist"])
def test_pixelmed_and_dcmtk_take_the_reports(study, request, judge):
    made = request.getfixturevalue(study)
    assert made.export("out", "sr") == 0
    reports = sorted((made.home / "out").glob("*_sr-*.dcm"))
    assert reports
    for path in reports:
        said = judge("DicomSRValidator", path, package="pixelmed-apps")
        assert "Error" not in said, (path.name, said)
        assert "Imaging Measurement Report" in judge("dsrdump", path, package="dcmtk")


def test_the_four_documents_do_not_mix(lung, spine, wrist):
    kinds = {}
    for study in (lung, spine, wrist):
        assert study.export(f"out-{study.name}", "sr") == 0
        for path in (study.home / f"out-{study.name}").glob("*_sr-*.dcm"):
            kinds.setdefault(path.stem.rpartition("-")[2], set()).add(pydicom.dcmread(path).SOPClassUID.name)
    assert kinds == {
        "segments": {"Comprehensive SR Storage"},
        "points": {"Comprehensive 3D SR Storage"},
        "images": {"Comprehensive SR Storage"},
        "case": {"Comprehensive SR Storage"},
    }


def test_dcmqi_reads_segmentation_and_report_of_an_export(lung, dcmqi, tmp_path):
    assert lung.export("out", "seg", "sr") == 0
    folder = lung.home / "out"
    command = [dcmqi / "segimage2itkimage", "--inputDICOM", folder / "c1_anna.dcm", "--outputDirectory", tmp_path,
               "--outputType", "nii", "--prefix", "x"]  # fmt: skip
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    path = lung.only_reading()[1]
    assert path is not None
    ours = read_segmentation(path)
    for number, segment in enumerate(ours.segments, start=1):
        theirs = (
            nibabel.load(tmp_path / f"x-{number}.nii.gz")
            if (tmp_path / f"x-{number}.nii.gz").exists()
            else (nibabel.load(tmp_path / f"x-{number}.nii"))
        )
        assert int((np.asarray(theirs.dataobj) > 0).sum()) == int(ours.mask(segment.id).voxels.sum())
    out = tmp_path / "report.json"
    command = [dcmqi / "tid1500reader", "--inputDICOM", folder / "c1_anna_sr-segments.dcm", "--outputMetadata", out]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    text = out.read_text()
    assert "nodule#1" in text
    assert "0.23456789" in text


def test_nibabel_reads_the_label_map_where_the_segmentation_lies(lung):
    assert lung.export("out", "nifti") == 0
    image = nibabel.load(lung.home / "out" / "c1_anna.nii.gz")
    path = lung.only_reading()[1]
    assert path is not None
    ours = read_segmentation(path)
    np.testing.assert_allclose(image.affine, ours.grid.ras_affine, atol=1e-6)
    assert np.array_equal(np.asarray(image.dataobj).T, ours.layers[0])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools under numpy 2
def test_pycocotools_reads_masks_and_boxes(lung, wrist):
    assert lung.export("out", "coco") == 0
    coco = pycocotools.coco.COCO(lung.home / "out" / "c1_anna.coco.json")
    path = lung.only_reading()[1]
    assert path is not None
    assert sum(int(coco.annToMask(one).sum()) for one in coco.anns.values()) == int(
        (read_segmentation(path).layers > 0).sum()
    )
    assert wrist.export("out", "coco") == 0
    boxes = pycocotools.coco.COCO(wrist.home / "out" / "c1_anna.coco.json")
    assert sorted(one["bbox"] for one in boxes.anns.values()) == [[6.0, 9.0, 4.0, 4.0], [9.0, 15.5, 6.5, 9.0]]


def test_segmentation_and_report_track_the_same_finding(lung):
    assert lung.export("out", "sr") == 0
    folder = lung.home / "out"
    segments = pydicom.dcmread(folder / "c1_anna.dcm").SegmentSequence
    report = pydicom.dcmread(folder / "c1_anna_sr-segments.dcm")
    text = str(report)
    for segment in segments:
        assert str(segment.TrackingUID) in text
        assert UID(segment.TrackingUID).is_valid
    again = lung.home / "again"
    assert (
        lung.run("export", lung.folder, "-o", again, "--reader", "anna", "--images", lung.images, "--format", "sr") == 0
    )
    for path in folder.glob("*.dcm"):
        assert pydicom.dcmread(again / path.name).SOPInstanceUID == pydicom.dcmread(path).SOPInstanceUID
