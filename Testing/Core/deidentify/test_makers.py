"""Names of makers are public: an institution that is called like one makes them nobody's."""

import pydicom
import pytest

from DeidentifyStudyCore.rules.text import is_maker


@pytest.mark.parametrize(
    "name",
    [
        "SIEMENS", "Siemens Healthineers", "GE MEDICAL SYSTEMS", "Philips Medical Systems, Inc.", "TOSHIBA_MEC",
        "Canon Medical Systems Corporation", "GE", "Agfa-Gevaert", "FUJIFILM Corporation", "Hologic, Inc.",
    ],
)  # fmt: skip
def test_makers(name):
    assert is_maker(name)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "Medical Systems", "General Hospital", "The Health Group", "Siemens Hospital", "Klinik Philips",
        "Zyxwarth Medical Systems", "Imaging Center", "GE Zyxwarth", "Philips^Anna", "Siemens 7391846",
    ],
)  # fmt: skip
def test_others(name):
    assert not is_maker(name)


@pytest.mark.parametrize(
    ("institution", "manufacturer", "kept"),
    [
        ("SIEMENS", "SIEMENS", "SIEMENS"),
        ("GE MEDICAL SYSTEMS", "GE MEDICAL SYSTEMS", "GE MEDICAL SYSTEMS"),
        ("Philips Medical Systems", "Philips Medical Systems", "Philips Medical Systems"),
        ("TOSHIBA_MEC", "TOSHIBA_MEC", "TOSHIBA_MEC"),
        ("Quobblewick Medical Systems", "Quobblewick Medical Systems", "Medical Systems"),
    ],
)
def test_a_maker_stays_where_the_institution_is_called_alike(
    institution, manufacturer, kept, make_dataset, encode, deidentify
):
    image = make_dataset(InstitutionName=institution, Manufacturer=manufacturer)
    _, destination = deidentify({"a": encode(image)})
    written = pydicom.dcmread(next(destination.rglob("*.dcm")))
    assert written.Manufacturer == kept
    assert "InstitutionName" not in written or not written.InstitutionName


def test_the_name_of_a_patient_goes_though_a_maker_is_called_alike(make_dataset, encode, deidentify):
    image = make_dataset(PatientName="Brainlab^Anna", InstitutionName="Brainlab", Manufacturer="Brainlab")
    _, destination = deidentify({"a": encode(image)})
    assert b"brainlab" not in next(destination.rglob("*.dcm")).read_bytes().lower()


def test_the_address_of_a_patient_goes_though_a_maker_is_called_alike(make_dataset, encode, deidentify):
    image = make_dataset(PatientAddress="Nucletron", InstitutionName="Nucletron", Manufacturer="Nucletron")
    _, destination = deidentify({"a": encode(image)})
    assert b"nucletron" not in next(destination.rglob("*.dcm")).read_bytes().lower()
