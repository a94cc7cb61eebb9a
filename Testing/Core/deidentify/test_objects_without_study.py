"""Objects that belong to no patient and no study are cleaned like any other, and written beside the patients."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pydicom.fileset
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from DeidentifyStudyCore.cleaning import conformance
from DeidentifyStudyCore.cleaning.explain import explain_file
from DeidentifyStudyCore.dicom.object_classes import INVENTORY, WITHOUT_STUDY
from DeidentifyStudyCore.dicom.standard import load_table
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.indexing.index import NO_PATIENT
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.runs.report_files import clean_reports

RESEARCH = load_profile("research-shifted-dates")
HANGING, PALETTE, IMPLANT = "1.2.840.10008.5.1.4.38.1", "1.2.840.10008.5.1.4.39.1", "1.2.840.10008.5.1.4.43.1"
APPROVAL, DEFINED = "1.2.840.10008.5.1.4.1.1.200.3", "1.2.840.10008.5.1.4.1.1.200.1"


def code(value: str = "T-04000", meaning: str = "Breast") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SRT", meaning
    return item


def person() -> Dataset:
    item = Dataset()
    item.PersonIdentificationCodeSequence = Sequence([code("P4711", "Vandermeersch Odile")])
    item.PersonName = "Vandermeersch^Odile"
    item.InstitutionName = "Klinik Quillonberg"
    return item


def common(sop_class: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.2.1143.7.{sop_class.removeprefix('1.2.840.10008.5.1.4.')}"
    dataset.InstanceCreationDate = "20240229"
    return dataset


def hanging_protocol() -> Dataset:
    dataset = common(HANGING)
    dataset.HangingProtocolName = "MAMMO CC"
    dataset.HangingProtocolDescription = "Mammography for Dr. Vandermeersch"
    dataset.HangingProtocolLevel = "SINGLE_USER"
    dataset.HangingProtocolCreator = "Vandermeersch"
    dataset.HangingProtocolCreationDateTime = "20240229101112"
    definition = Dataset()
    definition.Modality, definition.Laterality = "MG", "R"
    definition.AnatomicRegionSequence = Sequence([code()])
    dataset.HangingProtocolDefinitionSequence = Sequence([definition])
    dataset.NumberOfPriorsReferenced = 1
    images = Dataset()
    images.ImageSetSelectorSequence = Sequence([])
    images.TimeBasedImageSetsSequence = Sequence([])
    dataset.ImageSetsSequence = Sequence([images])
    user = code("U-77123", "Odile Vandermeersch")
    dataset.HangingProtocolUserIdentificationCodeSequence = Sequence([user])
    dataset.HangingProtocolUserGroupName = "Klinik Quillonberg"
    dataset.NumberOfScreens = 1
    dataset.PartialDataDisplayHandling = "MAINTAIN_LAYOUT"
    dataset.DisplaySetsSequence = Sequence([])
    return dataset


def colour_palette() -> Dataset:
    dataset = common(PALETTE)
    dataset.ContentLabel = "HOT_IRON"
    dataset.ContentDescription = "made for Mr. Zyxwarth"
    dataset.ContentCreatorName = "Vandermeersch^Odile"
    for name in ("Red", "Green", "Blue"):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
        dataset.add_new(pydicom.datadict.tag_for_keyword(f"{name}PaletteColorLookupTableData"), "OW", bytes(range(256)))
    dataset.PaletteColorLookupTableUID = "1.2.840.10008.1.5.1"
    return dataset


def implant_template() -> Dataset:
    dataset = common(IMPLANT)
    dataset.Manufacturer = "Quillonberg Implants"
    dataset.ImplantName, dataset.ImplantPartNumber, dataset.ImplantSize = "Hip stem", "QX-17", "12"
    dataset.EffectiveDateTime = "20240229"
    return dataset


def protocol_approval() -> Dataset:
    dataset = common(APPROVAL)
    dataset.Manufacturer, dataset.ManufacturerModelName = "SIEMENS", "Force"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "SN774455", "VA50"
    dataset.InstitutionName = "Klinik Quillonberg"
    approval = Dataset()
    approval.AssertionCodeSequence = Sequence([code("128603", "Approved for use on patients")])
    approval.AssertionUID = "1.2.826.0.1.3680043.2.1143.55"
    approval.AsserterIdentificationSequence = Sequence([person()])
    approval.AssertionDateTime = "20240229101112"
    subject = Dataset()
    subject.ReferencedSOPClassUID = DEFINED
    subject.ReferencedSOPInstanceUID = common(DEFINED).SOPInstanceUID
    dataset.ApprovalSubjectSequence = Sequence([subject])
    dataset.ApprovalSequence = Sequence([approval])
    return dataset


def defined_protocol() -> Dataset:
    dataset = common(DEFINED)
    dataset.Modality = "CT"
    dataset.Manufacturer, dataset.ManufacturerModelName = "SIEMENS", "Force"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "SN774455", "VA50"
    dataset.InstitutionName = "Klinik Quillonberg"
    dataset.ProtocolName = "Head routine"
    dataset.CustodialOrganizationSequence = Sequence([person()])
    dataset.ContentCreatorName = "Vandermeersch^Odile"
    dataset.ProtocolElementNumber = 1
    return dataset


MADE = {
    "hanging": hanging_protocol,
    "palette": colour_palette,
    "implant": implant_template,
    "approval": protocol_approval,
    "defined": defined_protocol,
}
SECRET_WORDS = (
    b"Vandermeersch",
    b"Odile",
    b"Quillon",
    b"Zyxwarth",
    b"20240229",
    b"U-77123",
    b"P4711",
    b"SN774455",
    b"1143.7.",
)


def test_classes_are_those_whose_iods_have_no_patient() -> None:
    classes = load_table("attribute_types.json")["sop_classes"]
    without = {uid for uid, modules in classes.items() if "patient" not in modules}
    assert without - {"1.2.840.10008.1.3.10"} == {*WITHOUT_STUDY, INVENTORY}


@pytest.mark.parametrize("kind", MADE)
def test_they_are_written_and_say_nothing_of_anybody(kind: str, encode: Callable, deidentify: Callable) -> None:
    outcome, destination = deidentify({"a": encode(MADE[kind]())})
    (result,) = outcome.files
    assert result.reason == ""
    folder, name = result.output.split("/")
    assert folder == "OBJECTS"
    raw = (destination / folder / name).read_bytes()
    assert [word for word in SECRET_WORDS if word in raw] == []
    dataset = pydicom.dcmread(destination / folder / name)
    assert dataset.SOPInstanceUID.startswith("2.25.")
    assert "PatientID" not in dataset
    assert "StudyInstanceUID" not in dataset


def test_what_they_are_for_is_kept(encode: Callable, deidentify: Callable) -> None:
    outcome, destination = deidentify({kind: encode(make()) for kind, make in MADE.items()})
    written = {
        dataset.SOPClassUID: dataset
        for dataset in (pydicom.dcmread(destination / result.output) for result in outcome.files)
    }
    assert written[HANGING].HangingProtocolDefinitionSequence[0].AnatomicRegionSequence[0] == code()
    assert written[HANGING].HangingProtocolDefinitionSequence[0].Laterality == "R"
    assert written[PALETTE].RedPaletteColorLookupTableData == bytes(range(256))
    assert written[PALETTE].PaletteColorLookupTableUID == "1.2.840.10008.1.5.1"
    subject = written[APPROVAL].ApprovalSubjectSequence[0]
    assert subject.ReferencedSOPInstanceUID == written[DEFINED].SOPInstanceUID


def test_they_are_no_patient_and_no_study(make_dataset: Callable, encode: Callable, deidentify: Callable) -> None:
    outcome, _ = deidentify({"a": encode(make_dataset()), "b": encode(hanging_protocol())})
    counts = outcome.index.counts()
    assert (counts["patients"], counts["studies"], counts["series"], counts["objects"]) == (1, 1, 1, 2)
    assert [result.output.split("/")[0] for result in outcome.files] == ["SUBJ-00001", "OBJECTS"]
    assert [facts.patient == NO_PATIENT for facts in outcome.index.files] == [False, True]


def test_their_dates_move_though_they_have_no_patient(encode: Callable, deidentify: Callable) -> None:
    outcome, destination = deidentify({"a": encode(hanging_protocol())}, RESEARCH)
    moved = pydicom.dcmread(destination / outcome.files[0].output).HangingProtocolCreationDateTime
    assert not str(moved).startswith("2024022")


def test_one_that_names_a_patient_is_of_that_patient(
    make_dataset: Callable, encode: Callable, deidentify: Callable
) -> None:
    named = hanging_protocol()
    named.PatientID, named.PatientName = "MRN-7391846", "Zyxwarth^Quillon"
    outcome, destination = deidentify({"a": encode(make_dataset()), "b": encode(named)})
    assert outcome.index.counts()["patients"] == 1
    assert pydicom.dcmread(destination / outcome.files[1].output).PatientID == "SUBJ-00001"


def test_images_without_a_study_are_still_held(make_dataset: Callable, encode: Callable, deidentify: Callable) -> None:
    image, hanging = make_dataset(), hanging_protocol()
    del image.StudyInstanceUID
    outcome, _ = deidentify({"a": encode(image), "b": encode(hanging)})
    assert [result.reason for result in outcome.files] == ["missing-identifiers", ""]


def test_an_inventory_is_held_for_what_it_is(encode: Callable, deidentify: Callable) -> None:
    outcome, _ = deidentify({"a": encode(common(INVENTORY)), "b": encode(hanging_protocol())})
    assert [result.reason for result in outcome.files] == ["inventory", ""]


def test_a_new_dicomdir_has_them_at_its_root(encode: Callable, deidentify: Callable, tmp_path: Path) -> None:
    folder = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    shutil.copytree(folder / "77654033", tmp_path / "source" / "77654033")
    shutil.copy(folder / "DICOMDIR", tmp_path / "source" / "DICOMDIR")
    outcome, destination = deidentify({kind: encode(make()) for kind, make in MADE.items()})
    assert {result.reason for result in outcome.files} == {""}
    directory = pydicom.dcmread(destination / "DICOMDIR")
    records = {record.DirectoryRecordType: record for record in directory.DirectoryRecordSequence}
    assert records["HANGING PROTOCOL"].HangingProtocolDefinitionSequence[0].Modality == "MG"
    assert records["PALETTE"].ContentLabel
    assert records["IMPLANT"].ImplantPartNumber
    for kind in ("HANGING PROTOCOL", "PALETTE", "IMPLANT"):
        path = destination.joinpath(*records[kind].ReferencedFileID)
        assert pydicom.dcmread(path).SOPInstanceUID == records[kind].ReferencedSOPInstanceUIDInFile
    fileset = pydicom.fileset.FileSet(directory)  # walks the offsets
    assert {"HANGING PROTOCOL", "PALETTE", "IMPLANT"} <= {node.record_type for node in fileset._tree.children}
    fileset._stage["t"].cleanup()  # else pydicom leaves it to the collector, which warns


def test_explain_explains_them(encode: Callable, tmp_path: Path, secret: Secret) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(hanging_protocol()))
    rows = {row.name: row for row in explain_file(path, RESEARCH, secret)}
    assert rows["HangingProtocolCreator"].before == "Vandermeersch"
    assert "Vandermeersch" not in rows["HangingProtocolCreator"].after


def test_reports_are_not_cleaned_by_them_alone(encode: Callable, tmp_path: Path, secret: Secret) -> None:
    for folder in ("studies", "reports"):
        (tmp_path / folder).mkdir()
    (tmp_path / "studies" / "a.dcm").write_bytes(encode(hanging_protocol()))
    (tmp_path / "reports" / "a.txt").write_text("No finding.")
    with pytest.raises(InputError, match="of no patient"):
        clean_reports(tmp_path / "reports", tmp_path / "studies", tmp_path / "out", RESEARCH, secret)


@pytest.mark.skipif(not conformance.is_available(), reason="dciodvfy is not installed")
@pytest.mark.parametrize("kind", MADE)
def test_they_stay_as_valid_as_they_were(kind: str, encode: Callable, deidentify: Callable, tmp_path: Path) -> None:
    outcome, destination = deidentify({"a": encode(MADE[kind]())})
    assert conformance.new_errors(tmp_path / "source" / "a", destination / outcome.files[0].output) == []


@pytest.mark.skipif(not conformance.is_available(), reason="dciodvfy is not installed")
def test_what_the_judge_could_not_read_is_not_compared(make_dataset, encode, deidentify, tmp_path):
    """The retired Length to End at the beginning makes it stop reading."""
    image = make_dataset(CalciumScoringMassFactorDevice=[1.0])
    image.add_new(0x00080001, "UL", 1)
    outcome, destination = deidentify({"a": encode(image), "b": encode(make_dataset(number=2))})
    found = [
        conformance.new_errors(tmp_path / "source" / name, destination / result.output)
        for name, result in zip("ab", outcome.files, strict=True)
    ]
    assert found == [None, []]


@pytest.mark.skipif(not conformance.is_available(), reason="dciodvfy is not installed")
def test_values_with_brackets_make_no_error_new(make_dataset, encode, tmp_path):
    for name, text in (("a", "<name>Zyxwarth</name> " * 9), ("b", "liver " * 20)):
        (tmp_path / name).write_bytes(encode(make_dataset(Allergies=text)))
    assert conformance.new_errors(tmp_path / "a", tmp_path / "b") == []
    (tmp_path / "c").write_bytes(encode(make_dataset(Allergies="none")))
    errors = conformance.new_errors(tmp_path / "c", tmp_path / "a")
    assert len(errors) == 2  # the second says that there are any
    assert "Zyxwarth" not in "".join(errors)
