"""What a source lacks is filled in empty where an object needs it, and a label map has what its IOD asks for."""

import warnings

import numpy as np
import pydicom
import pytest
from highdicom._iods import IOD_MODULE_MAP, SOP_CLASS_UID_IOD_KEY_MAP
from highdicom._modules import MODULE_ATTRIBUTE_MAP
from pydicom.datadict import dictionary_VR
from pydicom.uid import UID

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import ProbabilityMap, SegmentationType
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg, write_fractional_segs
from AnnotationQACore.interchange.dicom_sr import CodedEvaluation, GraphicType, MeasurementGroup, SpatialShape
from AnnotationQACore.interchange.dicom_sr_writer import write_measurement_report
from AnnotationQACore.interchange.key_objects import write_key_objects
from AnnotationQACore.interchange.rtstruct import write_rtstruct
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

INFO = ObjectInfo(description="Läsionen", creator="anna", key="x")
GRID = Grid((4, 6, 7), (2.5, 0.7, 0.5))
MASS = Code("SCT", "4147007", "Mass")
ABNORMAL = Code("SCT", "49755003", "Morphologically Abnormal Structure")
TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
"""Of type 2 in the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1)."""
BAD = {"PatientBirthDate": "1957-11-23", "PatientSex": "female", "StudyDate": "yesterday", "StudyTime": "noon"}


def drawn() -> Segmentation:
    layers = np.zeros((1, *GRID.shape), np.uint8)
    layers[0, 1:3, 2:5, 2:5] = 1
    return Segmentation(layers, GRID, (Segment("lesion", "Lesion", 1, category=ABNORMAL, type=MASS),))


def write(kind, path, series):
    if kind in ("BINARY", "LABELMAP"):
        write_dicom_seg(path, drawn(), series, INFO, SegmentationType(kind))
    elif kind == "FRACTIONAL":
        volume = Volume(drawn().layers[0].astype(np.float32), GRID)
        write_fractional_segs(path, [ProbabilityMap(drawn().segments[0], volume)], series, INFO)
    elif kind == "RTSTRUCT":
        write_rtstruct(path, drawn(), series, INFO)
    elif kind == "KOS":
        write_key_objects(path, series, INFO)
    else:
        place = SpatialShape(GraphicType.POINT, ((1.0, 2.0, 3.0),), str(series[0].FrameOfReferenceUID))
        said = (CodedEvaluation(MASS, ABNORMAL),)
        write_measurement_report(path, [MeasurementGroup("a", "", place, MASS, evaluations=said)], series, INFO)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL", "RTSTRUCT", "SR", "KOS"])
@pytest.mark.parametrize("source", ["missing", "empty", "invalid"])
def test_attributes_of_type_2_that_the_source_lacks_are_filled_in_empty(kind, source, series_on, tmp_path):
    values = {"missing": {}, "empty": dict.fromkeys(TYPE_2, ""), "invalid": BAD}[source]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of pydicom, on the invalid values of the source
        series = series_on(GRID, **values)
    assert all((keyword in series[0]) == (keyword in values) for keyword in TYPE_2)
    write(kind, tmp_path / "object.dcm", series)
    made = pydicom.dcmread(tmp_path / "object.dcm")
    for keyword in TYPE_2:
        assert keyword in made, keyword
        assert not made[keyword].value, keyword
    assert all((keyword in series[0]) == (keyword in values) for keyword in TYPE_2), "the source was changed"


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "RTSTRUCT", "SR", "KOS"])
def test_dciodvfy_takes_what_is_derived_from_a_bare_source(kind, series_on, tmp_path, judge):
    write(kind, tmp_path / "object.dcm", series_on(GRID))
    assert "Error" not in judge("dciodvfy", tmp_path / "object.dcm", package="dicom3tools")


def _absent_from_iod(dataset, iod: str) -> list[str]:
    """Required attributes of the mandatory modules at the top level that are missing, or empty where they may not be.

    The tables are those of PS3.3, as highdicom carries them.
    """
    problems = []
    for module in IOD_MODULE_MAP[iod]:
        for attribute in MODULE_ATTRIBUTE_MAP[module["key"]] if module["usage"] == "M" else ():
            if attribute["path"] or attribute["type"] not in ("1", "2"):
                continue
            keyword = attribute["keyword"]
            empty = keyword not in dataset or (attribute["type"] == "1" and dataset[keyword].is_empty)
            if empty:
                problems.append(f"{module['key']}: {keyword} ({attribute['type']})")
    return problems


@pytest.mark.parametrize(("kind", "uid"), [("BINARY", "66.4"), ("LABELMAP", "66.7"), ("RTSTRUCT", "481.3")])
def test_required_attributes_of_the_iod_are_there(kind, uid, series_on, tmp_path):
    """The label map is younger than dciodvfy."""
    write(kind, tmp_path / "object.dcm", series_on(GRID))
    made = pydicom.dcmread(tmp_path / "object.dcm")
    assert made.SOPClassUID == f"1.2.840.10008.5.1.4.1.1.{uid}"
    assert _absent_from_iod(made, SOP_CLASS_UID_IOD_KEY_MAP[made.SOPClassUID]) == []
    del made.SOPInstanceUID
    assert _absent_from_iod(made, SOP_CLASS_UID_IOD_KEY_MAP[made.SOPClassUID])  # the check can fail


def test_a_label_map_is_what_pydicom_knows_of_it(series_on, tmp_path):
    """Every element is in the dictionary with its value representation; the palette and pixels fit together."""
    write("LABELMAP", tmp_path / "object.dcm", series_on(GRID))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydicom warns of every value that its VR does not allow
        made = pydicom.dcmread(tmp_path / "object.dcm")
        elements = list(made.iterall())
    for element in elements:
        known = dictionary_VR(element.tag)
        assert element.VR in known.split(" or "), element.keyword
        if element.VR == "UI" and element.value:
            assert all(UID(uid).is_valid for uid in np.atleast_1d(element.value).tolist()), element.keyword
    assert made.SegmentationType == "LABELMAP"
    assert made.PhotometricInterpretation in ("MONOCHROME2", "PALETTE COLOR")
    assert made.SegmentsOverlap == "NO"
    numbers = {int(item.SegmentNumber) for item in made.SegmentSequence}
    assert set(np.unique(made.pixel_array).tolist()) <= numbers | {int(made.get("PixelPaddingValue", 0))}
    assert int(made.NumberOfFrames) == len(made.PerFrameFunctionalGroupsSequence) == 2
