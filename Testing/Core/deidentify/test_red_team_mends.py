"""What testers found who had not seen the program: leaks, and data that were lost."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

SR = "1.2.840.10008.5.1.4.1.1.88.33"
VOICE = "1.2.840.10008.5.1.4.1.1.9.4.1"
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def measured(concept: Dataset, value: str, unit: Dataset, exact: float | None = None) -> Dataset:
    content, number = Dataset(), Dataset()
    content.RelationshipType, content.ValueType = "CONTAINS", "NUM"
    content.ConceptNameCodeSequence = Sequence([concept])
    number.MeasurementUnitsCodeSequence, number.NumericValue = Sequence([unit]), value
    if exact is not None:
        number.FloatingPointValue = exact
    content.MeasuredValueSequence = Sequence([number])
    return content


YEARS, MONTHS, MM = code("a", "UCUM", "year"), code("mo", "UCUM", "month"), code("mm", "UCUM", "millimeter")
AGE, LOINC_AGE = code("121033", "DCM", "Subject Age"), code("30525-0", "LN", "Age")
DIAMETER = code("81827009", "SCT", "Diameter")


@pytest.mark.parametrize("profile", ["research-shifted-dates", "hipaa-safe-harbor"])
def test_ages_in_reports_are_capped(make_dataset, encode, deidentify, profile):
    given = [
        (AGE, "94", YEARS, "90"), (LOINC_AGE, "1129", MONTHS, "1080"), (AGE, "89.5", YEARS, "89.5"),
        (LOINC_AGE, "1079", MONTHS, "1079"), (DIAMETER, "94", MM, "94"), (AGE, "101.25", YEARS, "90"),
    ]  # fmt: skip
    report = make_dataset(SR)
    del report[0x7FE00010]
    report.ContentSequence = Sequence([measured(concept, value, unit, 94.0) for concept, value, unit, _ in given])
    _, destination = deidentify({"a": encode(report)}, profile)
    (path,) = destination.rglob("*.dcm")
    numbers = [content.MeasuredValueSequence[0] for content in pydicom.dcmread(path).ContentSequence]
    assert [str(number.NumericValue) for number in numbers] == [expected for *_, expected in given]
    assert ["FloatingPointValue" in number for number in numbers] == [False] * 4 + [True, False]


def test_dates_in_class_uids_make_them_instances(make_dataset, encode, deidentify):
    image = make_dataset(RelatedGeneralSOPClassUID=["1.2.840.113619.4.19570312", "1.2.840.113619.4.2"])
    _, destination = deidentify({"a": encode(image)})
    (path,) = destination.rglob("*.dcm")
    assert all(uid.startswith("2.25.") for uid in pydicom.dcmread(path).RelatedGeneralSOPClassUID)
    assert b"19570312" not in path.read_bytes()


def test_class_uids_of_makers_stay(make_dataset, encode, deidentify):
    _, destination = deidentify({"a": encode(make_dataset(RelatedGeneralSOPClassUID="1.2.840.113619.4.2"))})
    (path,) = destination.rglob("*.dcm")
    assert pydicom.dcmread(path).RelatedGeneralSOPClassUID == "1.2.840.113619.4.2"


def test_names_of_grids_are_no_technique(make_dataset, encode, deidentify):
    _, destination = deidentify({"a": encode(make_dataset(GridID="GRID-Z9931"))})
    (path,) = destination.rglob("*.dcm")
    assert b"Z9931" not in path.read_bytes()


def test_voices_are_not_written(make_dataset, encode, deidentify):
    outcome, destination = deidentify({"a": encode(make_dataset(VOICE, Modality="AU")), "b": encode(make_dataset())})
    assert [result.reason for result in outcome.files] == ["voice-recording", ""]
    assert len(list(destination.rglob("*.dcm"))) == 1


def test_maps_of_floating_point_numbers_stay_or_wait(make_dataset, encode, deidentify):
    def parametric(number: int, samples: bytes) -> bytes:
        image = make_dataset(PARAMETRIC_MAP, number, Rows=64, Columns=64, BitsAllocated=32)
        del image[0x7FE00010]
        image.add_new(0x7FE00008, "OF", samples)
        return encode(image)

    tenths = np.round(np.random.default_rng(7).uniform(8, 60, 4096), 1).astype("<f4").tobytes()
    text = bytearray(tenths)
    text[400:424] = b"HOLLINGSWORTH MARJORIE  "
    outcome, destination = deidentify({"a": parametric(1, tenths), "b": parametric(2, bytes(text))})
    assert [result.reason for result in outcome.files] == ["", "text-in-samples"]
    (path,) = destination.rglob("*.dcm")
    assert pydicom.dcmread(path)[0x7FE00008].value == tenths


def test_echo_times_stay(make_dataset, encode, deidentify):
    image, timing, shared = make_dataset(), Dataset(), Dataset()
    timing.EffectiveEchoTime = 14.2
    shared.MREchoSequence = Sequence([timing])
    image.SharedFunctionalGroupsSequence = Sequence([shared])
    image.AcquisitionDuration = 22.4
    _, destination = deidentify({"a": encode(image)})
    (path,) = destination.rglob("*.dcm")
    written = pydicom.dcmread(path)
    assert written.SharedFunctionalGroupsSequence[0].MREchoSequence[0].EffectiveEchoTime == 14.2
    assert written.AcquisitionDuration == 22.4


def test_dummies_are_as_many_as_the_numbers_were(make_dataset, encode, deidentify):
    image = make_dataset(PatientID="7391846", PixelAspectRatio=[7391846, 1])
    _, destination = deidentify({"a": encode(image)})
    (path,) = destination.rglob("*.dcm")
    written = pydicom.dcmread(path)
    assert "PixelAspectRatio" not in written or len(written.PixelAspectRatio) == 2
    assert b"7391846" not in path.read_bytes()
