"""Measurement reports come back as they were, and software that no one here wrote finds them valid."""

import json
import re
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
from AnnotationQACore.interchange.dicom_sr import (
    CodedEvaluation,
    CodedMeasurement,
    GraphicType,
    ImageShape,
    MeasurementGroup,
    SegmentReference,
    SpatialShape,
    read_measurement_report,
)
from AnnotationQACore.interchange.dicom_sr_writer import write_measurement_report, write_measurement_reports
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

INFO = ObjectInfo(description="Läsionen", creator="anna", when=datetime(2026, 1, 2, 3, 4, 5), key="reading 1")
GRID = Grid((4, 5, 6), (2.5, 0.7, 0.7))
MASS = Code("SCT", "4147007", "Mass")
ABNORMAL = Code("SCT", "49755003", "Morphologically Abnormal Structure")
LUNG = Code("SCT", "39607008", "Lung")
RIGHT = Code("SCT", "24028007", "Right")
MM = Code("UCUM", "mm", "millimeter")
VOLUME = CodedMeasurement(Code("SCT", "118565006", "Volume"), 12.5, Code("UCUM", "mm3", "cubic millimeter"))
MEAN = CodedMeasurement(
    Code("SCT", "112031", "Attenuation"),
    -120.25,
    Code("UCUM", "[hnsf'U]", "Hounsfield unit"),
    Code("SCT", "373098007", "Mean"),
)
LENGTH = CodedMeasurement(Code("SCT", "410668003", "Length"), 7.25, MM)
SUSPICIOUS = CodedEvaluation(Code("RADLEX", "RID5741", "Malignancy"), Code("RADLEX", "RID36042", "Highly suspicious"))


@pytest.fixture
def series(series_on):
    return series_on(GRID)


@pytest.fixture
def segmentation(series, tmp_path) -> Path:
    layers = np.zeros((1, *GRID.shape), np.uint8)
    layers[0, 1:3, 1:4, 2:5] = 1
    layers[0, 3, 4, 0] = 2
    segments = tuple(Segment(f"lesion#{n}", f"Lesion {n}", n, category=ABNORMAL, type=MASS) for n in (1, 2))
    write_dicom_seg(tmp_path / "seg.dcm", Segmentation(layers, GRID, segments), series, INFO)
    return tmp_path / "seg.dcm"


@pytest.fixture
def groups(series, segmentation) -> list[MeasurementGroup]:
    seg_uid, source = read_dicom_seg(segmentation).instance_uid, series[0]
    frame_of_reference, image = str(source.FrameOfReferenceUID), str(source.SOPInstanceUID)
    one = SegmentReference(seg_uid, 1, str(source.SeriesInstanceUID))
    point = SpatialShape(GraphicType.POINT, ((1.0, -2.0, 3.5),), frame_of_reference)
    outline = SpatialShape(
        GraphicType.POLYGON, ((0.0, 0.0, 3.0), (4.0, 0.0, 3.0), (4.0, 4.0, 3.0), (0.0, 0.0, 3.0)), frame_of_reference
    )
    box = ImageShape(GraphicType.POLYLINE, ((1.0, 1.0), (3.0, 1.0), (3.0, 4.0), (1.0, 4.0), (1.0, 1.0)), image)
    line = ImageShape(GraphicType.POLYLINE, ((1.0, 1.5), (3.0, 4.0)), image)
    return [
        MeasurementGroup("lesion#1", "1.2.3", one, MASS, ABNORMAL, LUNG, RIGHT, (VOLUME, MEAN), (SUSPICIOUS,)),
        MeasurementGroup("lesion#2", "1.2.4", replace(one, segment_number=2), MASS, measurements=(VOLUME,)),
        MeasurementGroup("T12", "1.2.5", point, Code("SCT", "11994002", "T12 vertebra")),
        MeasurementGroup("outline", "1.2.6", outline, MASS),
        MeasurementGroup("fracture#1", "1.2.7", box, MASS, evaluations=(SUSPICIOUS,)),
        MeasurementGroup("diameter", "1.2.8", line, MASS, measurements=(LENGTH,)),
    ]


@pytest.fixture
def reports(groups, series, segmentation, tmp_path) -> tuple[Path, ...]:
    return write_measurement_reports(tmp_path, "r", groups, series, INFO, segmentation)


def test_three_documents_come_back_as_they_were(reports, groups):
    assert [path.name for path in reports] == ["r-segments.dcm", "r-points.dcm", "r-images.dcm"]
    read = [read_measurement_report(path) for path in reports]
    assert [group for report in read for group in report.groups] == groups
    assert {report.observer for report in read} == {"anna"}
    assert len({report.instance_uid for report in read}) == 3


def test_radiograph_box(shared_data, tmp_path):
    source = shared_data / "dicom" / "dx_mono1" / "dx_image.dcm"
    from pydicom import dcmread

    uid = str(dcmread(source, stop_before_pixels=True).SOPInstanceUID)
    box = ImageShape(GraphicType.POLYLINE, ((1.0, 1.0), (3.0, 1.0), (3.0, 4.0), (1.0, 4.0), (1.0, 1.0)), uid)
    group = MeasurementGroup("fracture#1", "1.2.7", box, MASS)
    write_measurement_report(tmp_path / "r.dcm", [group], [source], INFO)
    assert read_measurement_report(tmp_path / "r.dcm").groups == (group,)


def test_dciodvfy_and_dsrdump_find_no_error(judge, reports):
    for path in reports:
        assert "Error" not in judge("dciodvfy", path, package="dicom3tools")
        said = judge("dsrdump", path, package="dcmtk")
        assert "Imaging Measurement Report" in said
        assert not re.search("^[EF]: ", said, re.MULTILINE)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_pixelmed_finds_no_error(judge, reports, number):
    said = judge("DicomSRValidator", reports[number], package="pixelmed-apps")
    assert "Found Root Template TID_1500" in said
    assert "IOD validation complete" in said
    assert "Error" not in said


def test_dcmqi_reads_the_measurements(dcmqi, reports, tmp_path):
    out = tmp_path / "out.json"
    command = [dcmqi / "tid1500reader", "--inputDICOM", reports[0], "--outputMetadata", out]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert out.exists(), done.stdout + done.stderr
    first, second = json.loads(out.read_text())["Measurements"]
    assert (first["TrackingIdentifier"], first["TrackingUniqueIdentifier"]) == ("lesion#1", "1.2.3")
    assert first["ReferencedSegment"] == 1
    assert second["ReferencedSegment"] == 2
    assert [float(item["value"]) for item in first["measurementItems"]] == [12.5, -120.25]
    assert first["Finding"]["CodeValue"] == MASS.value


@pytest.mark.parametrize(("name", "count"), [("sr_document.dcm", 1), ("sr_document_with_multiple_groups.dcm", 4)])
def test_highdicoms_reports(shared_data, name, count):
    report = read_measurement_report(shared_data / "dicom" / "sr_highdicom" / name)
    assert len(report.groups) == count
    assert all(group.tracking_uid for group in report.groups)
    assert any(group.measurements for group in report.groups)


def test_highdicoms_report_in_detail(shared_data):
    report = read_measurement_report(shared_data / "dicom" / "sr_highdicom" / "sr_document_with_multiple_groups.dcm")
    assert report.observer == "Doe^John"
    (measurement,) = report.groups[0].measurements
    assert measurement.concept == Code("IBSI", "X6K6", "Intensity Histogram Mean")
    assert measurement.value == pytest.approx(-119.07385253906)
    assert measurement.unit.value == "[hnsf'U]"


def test_mixed_groups_and_foreign_references_are_refused(groups, series, segmentation, tmp_path):
    before = set(tmp_path.iterdir())
    bad = {
        "groups of one kind": (groups, segmentation),
        "name the DICOM segmentation": (groups[:1], None),
        "refers to a segment that": ([replace(groups[0], place=SegmentReference("1.2", 1))], segmentation),
        "lies on an image that is not given": (
            [replace(groups[4], place=replace(groups[4].place, image_uid="1.2"))], None),
        "TID 1500 takes codes only": (
            [replace(groups[4], evaluations=(CodedEvaluation(MASS, "text"),))], None),
        "a report holds groups": ([], None),
    }  # fmt: skip
    for message, (chosen, seg) in bad.items():
        with pytest.raises(InputError, match=message):
            write_measurement_report(tmp_path / "r.dcm", chosen, series, INFO, seg)
    assert set(tmp_path.iterdir()) == before


def test_what_is_no_report_is_refused(shared_data, segmentation, tmp_path):
    with pytest.raises(InputError, match="is not a measurement report"):
        read_measurement_report(segmentation)
    (tmp_path / "x.dcm").write_bytes(b"text")
    with pytest.raises(InputError, match="is not a DICOM file"):
        read_measurement_report(tmp_path / "x.dcm")


def test_truncated_report(reports):
    content = reports[0].read_bytes()
    for keep in (0.1, 0.3, 0.7, 0.95):
        reports[0].write_bytes(content[: int(len(content) * keep)])
        with pytest.raises(InputError, match=r"r-segments\.dcm"):
            read_measurement_report(reports[0])
