"""What a corpus like a hospital's export found: names that are words, numbers of patients, and descriptors lost."""

import datetime
import struct

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.rules.text import Allowed, clean_text

NOTHING = EchoBuilder().built()


def written(outcome_and_destination):
    _, destination = outcome_and_destination
    return [pydicom.dcmread(path) for path in sorted(destination.rglob("*.dcm"))]


@pytest.mark.parametrize(
    ("character_set", "number", "name"),
    [
        ("ISO_IR 144", "РУ-6620193", "Люксембургский^Ярослав"),
        ("ISO_IR 100", "Ä-4711083", "Müller^Änne"),
        ("ISO_IR 100", "", "Müller^Änne"),
    ],
)
def test_patients_whose_number_or_name_is_not_in_ascii_stop_no_batch(
    make_dataset, encode, deidentify, character_set, number, name
):
    images = [
        make_dataset(number=one, SpecificCharacterSet=character, PatientID=number, PatientName=name)
        for one, character in enumerate((character_set, "ISO_IR 192"), start=1)
    ]
    result = written(
        deidentify({str(one): encode(image) for one, image in enumerate(images)}, "research-shifted-dates")
    )
    assert len({image.PatientID for image in result}) == 1
    assert len({image.StudyDate for image in result}) == 1


def test_bytes_that_are_no_text_tell_patients_apart(make_dataset, encode, deidentify):
    files = {}
    for one, byte in enumerate((b"\xe4", b"\xf6"), start=1):
        content = encode(make_dataset(number=one, PatientID="MRN-739184X", StudyInstanceUID=f"1.2.3.{one}"))
        files[str(one)] = content.replace(b"MRN-739184X", b"MRN-739184" + byte)
    assert len({image.PatientID for image in written(deidentify(files))}) == 2


def test_tags_and_numbers_that_spell_the_patients_are_removed(make_dataset, encode, deidentify):
    image = make_dataset(PatientID="0004711083", PatientBirthDate="19470223", TableFeedPerRotation=470223.0)
    image.FrameIncrementPointer = Tag(0x04711083)
    image.SeriesNumber = 230247
    image.SingleCollimationWidth, image.TableSpeed = 230248.0, 22348.0
    (result,) = written(deidentify({"a": encode(image)}))
    assert not {"FrameIncrementPointer", "TableFeedPerRotation"} & set(result.dir())
    assert result.SeriesNumber is None
    assert (result.SingleCollimationWidth, result.TableSpeed) == (230248.0, 22348.0)


@pytest.mark.parametrize("vr", ["UL", "FD", "SL"])
def test_births_in_six_digits_are_numbers_of_the_patient(vr):
    builder = EchoBuilder()
    builder.add_date("19470223", of_birth=True)
    builder.add_date("20230415")
    echo = builder.built()
    for number, ours in ((470223, True), (230247, True), (22347, True), (230415, False), (470224, False)):
        value = struct.pack({"UL": "<I", "FD": "<d", "SL": "<i"}[vr], number)
        assert echo.is_in_numbers(vr, value, big=False) == ours
    assert echo.births == {datetime.date(1947, 2, 23)}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("liver seen, signed: Hand, MD", "liver seen"),
        ("Hand, MD", ""),
        ("Rose Hand, M.D.", ""),
        ("Head, PhD: liver", "liver"),
        ("Reviewed by: Foot", ""),
        ("chest read by Head Foot", "chest"),
        ("Radiologist: Head, liver", "liver"),
        ("Name: Foot Head", ""),
        ("FA, MD maps", "FA, MD maps"),
        ("verified by protocol", "verified by protocol"),
    ],
)
def test_words_of_the_field_go_where_they_are_names(text, kept):
    assert clean_text(text, NOTHING) == kept


@pytest.mark.parametrize(
    "text", ["Z%C3%BCxwarth", "Z&uuml;xwarth", "Z&#252;xwarth L", "Z�xw�rth", "M%C3%BCL&auml;", "L�L M�M"]
)
def test_names_in_pieces_leave_no_initials(text):
    assert clean_text(f"{text} liver", NOTHING).removeprefix("L ") == "liver"


@pytest.mark.parametrize(
    "text",
    [
        "SpinalCord", "PTV60Gy", "GTVp", "zRing_3cm", "Lung_L", "FemoralHead_L", "BrachialPlex_R", "PRV_Cord+5mm",
        "Esophagus", "Optic Chiasm", "Ax T1 FSPGR +C", "Skeletal scintigraphy", "white matter", "4 chamber long axis",
        "Mammographie beidseits", "Keine Pleuraergüsse", "Suspicious microcalcifications", "vasogenic edema",
        "BI-RADS category 2", "Bowel_Bag", "OralCavity", "Barium swallow",
    ],
)  # fmt: skip
def test_descriptors_of_the_field_stay(text):
    assert clean_text(text, NOTHING) == text


@pytest.mark.parametrize("text", ["DeLong", "4711", "PTV4711", "McHand", "White", "Long", "Klein", "LiverZyxwarth"])
def test_what_is_no_compound_of_the_field_goes(text):
    assert clean_text(text, NOTHING) == ""


def test_compounds_hold_no_name_of_the_patient():
    builder = EchoBuilder()
    builder.add_name("Cord^Chest")
    echo = builder.built(frozenset({"cord", "chest"}))
    assert clean_text("ThoracicCord ChestSkin liver", echo, Allowed.FIELD) == "liver"


def test_punctuation_between_words_that_stay_stays():
    assert (
        clean_text("Zyxwarth: chest/abdomen (pelvis), L-spine; Quillon", NOTHING) == "chest/abdomen (pelvis), L-spine"
    )


def test_codes_of_units_and_of_leads_stay(make_dataset, encode, deidentify):
    report = make_dataset("1.2.840.10008.5.1.4.1.1.88.33")
    del report[0x7FE00010]
    given = [("[hnsf'U]", "UCUM", "Hounsfield unit"), ("2:2", "SCPECG", "Lead II"), ("{SUVbw}g/ml", "UCUM", "SUVbw")]
    contents = []
    for value, scheme, meaning in given:
        code, content = Dataset(), Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
        content.RelationshipType, content.ValueType, content.ConceptCodeSequence = "CONTAINS", "CODE", Sequence([code])
        contents.append(content)
    report.ContentSequence = Sequence(contents)
    (result,) = written(deidentify({"a": encode(report)}))
    kept = [content.ConceptCodeSequence[0] for content in result.ContentSequence]
    assert [(code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) for code in kept] == given


def test_dummies_of_codes_and_tables_are_valid(make_dataset, encode, deidentify):
    urn, long = Dataset(), Dataset()
    urn.URNCodeValue, urn.CodeMeaning = "urn:uuid:zyxwarth", "Zyxwarth"
    long.LongCodeValue, long.CodingSchemeDesignator, long.CodeMeaning = "by-zyxwarth-quillon-zyxwarth", "99X", "x"
    table = Dataset()
    table.LUTDescriptor, table.LUTExplanation = [32, 0, 12], "Zyxwarth"
    table.add_new(0x00283006, "OW", "Zyxwarth.Quillon.1957.03.12.xxxx".encode("utf-16-le"))
    image = make_dataset(ProcedureCodeSequence=Sequence([urn, long]), VOILUTSequence=Sequence([table]))
    (result,) = written(deidentify({"a": encode(image)}))
    assert result.ProcedureCodeSequence[0].URNCodeValue == "urn:removed"
    assert len(result.ProcedureCodeSequence[1].LongCodeValue) > 16
    entries = struct.unpack("<32H", result.VOILUTSequence[0][0x00283006].value)
    assert (entries[0], entries[-1], sorted(entries)) == (0, 4095, list(entries))


def test_what_real_files_hold_stays(make_dataset, encode, deidentify):
    given = {
        "ImagedNucleus": "H", "PositionReferenceIndicator": "OM", "SoftwareVersions": "5.00.02",
        "SeriesDescription": "Apparent Diffusion Coefficient (mm2/s)", "ContentLabel": "LUNG",
    }  # fmt: skip
    image = make_dataset(ImagingFrequency="128175847", **given)
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    image.ContentTemplateSequence = Sequence([template])
    (result,) = written(deidentify({"a": encode(image)}, "research-shifted-dates"))
    assert {keyword: result[keyword].value for keyword in given} == given
    assert result.ImagingFrequency == 128176000
    assert result.ContentTemplateSequence[0].MappingResource == "DCMR"


@pytest.mark.parametrize(("text", "kept"), [("LungNodule0001", True), ("Lung1947", False), ("Lung0471a1", False)])
def test_indices_after_words_stay_and_years_go(text, kept):
    assert clean_text(text, NOTHING) == (text if kept else "")


@pytest.mark.parametrize(
    "name", ["Miller", "Taylor", "Walker", "Moore", "Lewis", "Alexander", "Brown", "Wright", "Stone"]
)
def test_names_that_are_eponyms_stay_in_meanings_of_standard_codes_only(name):
    assert clean_text(f"chest {name}", NOTHING, Allowed.TERMS) == "chest"
    assert clean_text(f"chest {name}", NOTHING) == "chest"
    assert clean_text(f"{name} projection", NOTHING, Allowed.CODED) == f"{name} projection"


def test_a_stone_of_a_kidney_is_nobody():
    assert clean_text("kidney stone, Stone", NOTHING) == "kidney stone"


@pytest.mark.parametrize("allowed", [Allowed.FIELD, Allowed.TERMS])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("chest M.J. Zyxwarth P. liver", "chest liver"),
        ("J.Q. Zyxwarth", ""),
        ("Zyxwarth, T. R.: knee", "knee"),
        ("R. knee", "R. knee"),
        ("chest L. and R.", "chest L. and R."),
    ],
)
def test_initials_go_with_their_name(text, kept, allowed):
    assert clean_text(text, NOTHING, allowed) == kept


@pytest.mark.parametrize("name", ["Lee", "KIM", "Ana", "Tom", "Wei", "Uwe"])
def test_technical_text_keeps_no_common_name_of_three_letters(name):
    assert clean_text(f"chest {name}", NOTHING, Allowed.TERMS) == "chest"


@pytest.mark.parametrize("term", ["TSE", "PAT", "SIM", "HEA", "NEK", "EPI", "LIN", "ROI", "MIN", "TIM", "PAA", "SPI"])
def test_technical_text_keeps_other_words_of_three_letters(term):
    assert clean_text(f"chest {term}", NOTHING, Allowed.TERMS) == f"chest {term}"


def test_names_of_three_letters_go_from_terms(make_dataset, encode, deidentify):
    image = make_dataset(ScanOptions=["FS", "DR KIM"], FilterType="LEE")
    (result,) = written(deidentify({"a": encode(image)}, "research-shifted-dates"))
    assert result.ScanOptions == "FS"
    assert not result.get("FilterType")
