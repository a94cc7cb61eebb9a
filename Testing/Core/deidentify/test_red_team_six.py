"""What a corpus with every option alone found: identities that a profile retains, codes, versions and labels."""

import json
import os

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.rules.technical import is_version
from DeidentifyStudyCore.rules.text import Allowed, clean_text

NO_OPTIONS = {
    "format": "deidentify-profile/1",
    "name": "options",
    "version": "1",
    "description": "One option at a time.",
    "patient_id": "P{n:03}",
    "key": "file",
}


@pytest.fixture
def with_options(tmp_path):
    def load(*options):
        path = tmp_path / "options.json"
        path.write_text(json.dumps(NO_OPTIONS | {"options": list(options)}))
        return load_profile(str(path))

    return load


def written(outcome_and_destination):
    _, destination = outcome_and_destination
    (path,) = destination.rglob("*.dcm")
    return pydicom.dcmread(path)


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def test_retained_devices_keep_their_numbers_and_dates(make_dataset, encode, deidentify, with_options):
    kept = {
        "DeviceSerialNumber": "SN-8821377",
        "StationName": "CTROOM3-1-88213",
        "UniqueDeviceIdentifier": "(01)00844588003288(17)141120(10)7654321D",
        "DateOfLastCalibration": ["20240101", "20240210"],
        "TimeOfLastCalibration": ["0700", "0710"],
        "DetectorID": "5.1.2024.771",
    }
    image = make_dataset(**kept, RetrieveAETitle=["CTROOM3", "PACS"], DateOfLastDetectorCalibration="20240229")
    result = written(deidentify({"a": encode(image)}, with_options("retain_device_identity")))
    assert {name: result[name].value for name in kept} == kept
    assert "DateOfLastDetectorCalibration" not in result  # of the day of the study
    assert [title[:2] for title in result.RetrieveAETitle] == ["AE", "AE"]
    assert not {"CTROOM3", "PACS"} & set(result.RetrieveAETitle)
    assert result.StudyDate == ""


def test_uids_go_also_from_and_within_what_is_retained_of_devices(make_dataset, encode, deidentify, with_options):
    image = make_dataset(DeviceUID="1.3.12.2.1107.5.1.4.73", StationName="CT 1.2.826.0.1.3680043.2.1143.1")
    result = written(deidentify({"a": encode(image)}, with_options("retain_device_identity")))
    assert result.DeviceUID.startswith("2.25.")
    assert result.StationName == "CT"


def test_retained_institutions_are_not_the_patients_words(make_dataset, encode, deidentify, with_options):
    image = make_dataset(
        InstitutionName="Nordlys Hospital",
        InstitutionAddress="Storgata 25, 9019 Tromso, tel 776 26000",
        IssuerOfPatientID="NORDLYS",
        VerifyingOrganization="Nordlys",
        InstitutionalDepartmentName="Ward of Dr. Vandermeersch",
    )
    result = written(deidentify({"a": encode(image)}, with_options("retain_institution_identity")))
    assert result.InstitutionName == image.InstitutionName
    assert result.InstitutionAddress == image.InstitutionAddress
    assert "Vandermeersch" not in result.get("InstitutionalDepartmentName", "")
    assert "IssuerOfPatientID" not in result


def test_without_the_options_devices_and_institutions_go(make_dataset, encode, deidentify, with_options):
    image = make_dataset(
        DeviceSerialNumber="SN-8821377",
        StationName="CTROOM3",
        DateOfLastCalibration="20240101",
        RetrieveAETitle="CTROOM3",
        InstitutionName="Nordlys Hospital",
    )
    result = written(deidentify({"a": encode(image)}, with_options("clean_descriptors")))
    assert "CTROOM3" not in str(result)
    assert "8821377" not in str(result)
    assert not {"DateOfLastCalibration", "InstitutionName"} & set(result.dir())


def test_what_the_patient_is_called_goes_from_retained_names_too(make_dataset, encode, deidentify, with_options):
    image = make_dataset(StationName="CT Zyxwarth 3", DeviceSerialNumber="MRN-7391846", InstitutionName="7391846")
    options = with_options("retain_device_identity", "retain_institution_identity")
    result = written(deidentify({"a": encode(image)}, options))
    assert result.StationName == "CT 3"
    assert "7391846" not in str(result)


def test_a_word_of_the_field_is_no_identity_because_a_station_has_it(make_dataset, encode, deidentify):
    image = make_dataset(StationName="MAMMO", StudyDescription="MAMMO SCREENING")
    assert written(deidentify({"a": encode(image)}, "hipaa-safe-harbor")).StudyDescription == "MAMMO SCREENING"


def test_codes_templates_and_types_of_documents_stay(make_dataset, encode, deidentify):
    image = make_dataset(ListOfMIMETypes="application/pdf", ContentLabel="REG")
    image.ViewCodeSequence = Sequence([code("2:61", "MDC", "Lead III")])
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "10011"
    image.ContentTemplateSequence = Sequence([template])
    result = written(deidentify({"a": encode(image)}, "hipaa-safe-harbor"))
    assert result.ViewCodeSequence[0].CodeValue == "2:61"
    assert result.ViewCodeSequence[0].CodeMeaning == "Lead III"
    assert result.ContentTemplateSequence[0].TemplateIdentifier == "10011"
    assert (result.ListOfMIMETypes, result.ContentLabel) == ("application/pdf", "REG")


def test_a_template_with_the_patients_number_and_a_label_with_the_name_go(make_dataset, encode, deidentify):
    image = make_dataset(PatientID="10011", ContentLabel="ZYXWARTH")
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "10011"
    image.ContentTemplateSequence = Sequence([template])
    result = written(deidentify({"a": encode(image)}, "hipaa-safe-harbor"))
    assert result.ContentTemplateSequence[0].get("TemplateIdentifier") != "10011"
    assert "ZYXWARTH" not in result.ContentLabel


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("22.1.14", True),
        ("5.1.10.2", True),
        ("V8.50", True),
        ("12.03.1957", False),
        ("1957.3.12", False),
        ("10.14.7.91", False),
        ("192.168.1.20", False),
        ("1.2.840.113", False),
        ("1.2.3.4.5", False),
        ("8821377", False),
        ("22.1.14 Meyer", False),
    ],
)
def test_versions_are_told_from_dates_addresses_and_uids(text, version):
    assert is_version(text) == version


def test_a_version_that_is_the_birth_date_goes(make_dataset, encode, deidentify):
    image = make_dataset(SoftwareVersions=["22.1.14", "12.3.57", "3.12.57", "57.3.12", "29.2.24", "5.1.10.2"])
    result = written(deidentify({"a": encode(image)}, "hipaa-safe-harbor"))
    assert result.SoftwareVersions == ["22.1.14", "", "", "", "", "5.1.10.2"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_left_out_and_never_waited_for(make_dataset, encode, deidentify, tmp_path):
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")
    outcome, _ = deidentify({"a": encode(make_dataset())})
    assert sorted(result.reason for result in outcome.files) == ["", "unreadable"]


def test_safe_private_names_of_sequences_stay_and_are_padded_as_text(make_dataset, encode, deidentify):
    image = make_dataset()
    block = image.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x9E, "LO", "FSE-XLT Zyxwarth")
    _, destination = deidentify({"a": encode(image, "1.2.840.10008.1.2")}, "research-shifted-dates")
    assert b"\x19\0\x9e\x10\x08\0\0\0FSE-XLT " in next(destination.rglob("*.dcm")).read_bytes()


def test_what_stands_for_a_size_is_never_zero_and_types_of_images_keep_their_places(make_dataset, encode, deidentify):
    image = make_dataset(ImageType=["ORIGINAL", "PRIMARY", "ZYXWARTH"])
    for tag, value in ((0x00281050, "40\\7391846"), (0x00281051, "400\\7391846")):
        image.add_new(tag, "DS", value)
    result = written(deidentify({"a": encode(image)}, "hipaa-safe-harbor"))
    assert list(result.ImageType) == ["ORIGINAL", "PRIMARY", "OTHER"]
    assert "WindowWidth" not in result or all(width > 0 for width in result.WindowWidth)


@pytest.mark.parametrize("text", ["A. ", "A.", "Abc-", "Abc ", "Dr A. ", "jan 1 ", "a@", "1.", "01 "])
def test_texts_that_repeat_themselves_take_no_time_without_end(text):
    kept = clean_text(text * 40_000, EchoBuilder().built())  # minutes, if time grew with the square of the length
    assert len(kept) <= len(text) * 40_000


def test_a_directory_is_complete_where_dates_are_removed(make_dataset, encode, deidentify):
    report = make_dataset(sop_class="1.2.840.10008.5.1.4.1.1.88.11", number=2, Modality="SR")
    del report.PixelData
    report.CompletionFlag, report.VerificationFlag, report.ContentDate = "COMPLETE", "VERIFIED", "20240229"
    report.ConceptNameCodeSequence = Sequence([code("18748-4", "LN", "Diagnostic imaging report")])
    observer = Dataset()
    observer.VerificationDateTime, observer.VerifyingObserverName = "20240229101112", "Vandermeersch^Odile"
    report.VerifyingObserverSequence = Sequence([observer])
    spectra = make_dataset(sop_class="1.2.840.10008.5.1.4.1.1.4.2", number=3, Modality="MR")
    del spectra.PixelData
    spectra.DataPointRows, spectra.DataPointColumns, spectra.NumberOfFrames = 1, 8192, 1
    files = {"a": make_dataset(), "b": report, "c": spectra, "DICOMDIR": make_dataset("1.2.840.10008.1.3.10", 9)}
    files = {name: encode(dataset, "1.2.840.10008.1.2.2") for name, dataset in files.items() if name != "a"} | {
        "a": encode(files["a"])
    }
    _, destination = deidentify(files, "hipaa-safe-harbor")
    directory = pydicom.dcmread(destination / "DICOMDIR")
    records = {record.DirectoryRecordType: record for record in directory.DirectoryRecordSequence}
    assert {"PATIENT", "STUDY", "SERIES", "IMAGE", "SR DOCUMENT", "SPECTROSCOPY"} == set(records)
    assert (records["STUDY"].StudyDate, records["STUDY"].StudyTime) == ("19000101", "000000")
    assert records["STUDY"].StudyID
    assert records["SR DOCUMENT"].VerificationDateTime == records["SR DOCUMENT"].ContentDate + "000000"
    assert (records["SPECTROSCOPY"].DataPointRows, records["SPECTROSCOPY"].DataPointColumns) == (1, 8192)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Lead I", "Lead I"),
        ("Grade II, stage IIIb", "Grade II, stage IIIb"),
        ("Typ VII", "Typ VII"),
        ("lead I Quelmthorp", "lead I"),
        ("grade I. Quelmthorp", "grade"),
        ("I V Quelmthorp", ""),
        ("grade III. Liver", "grade III. Liver"),
        ("renal stone. Liver", "renal stone. Liver"),
    ],
)
def test_numerals_stay_beside_what_they_number(text, kept):
    assert clean_text(text, EchoBuilder().built()) == kept


@pytest.mark.parametrize("allowed", [Allowed.FIELD, Allowed.TERMS, Allowed.ALL])
@pytest.mark.parametrize(
    "date",
    ["17/III/1941", "17/III/41", "17. marraskuuta 1941", "17 marca 1941", "17 března 1941", "17 марта 1941",
     "3 Ağustos 1941"],
)  # fmt: skip
def test_dates_of_further_languages_go(date, allowed):
    assert clean_text(f"chest {date}", EchoBuilder().built(), allowed) == "chest"
