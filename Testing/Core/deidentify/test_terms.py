"""What devices write: terms stay, names that nobody told stay not."""

import io
import warnings

import pydicom
import pydicom.data
import pytest

from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.errors import MalformedFile, Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.rules.text import Allowed, clean_text, is_term

NOTHING = EchoBuilder().built()


@pytest.mark.parametrize(
    "text",
    [
        "SIEMENS", "SOMATOM Definition AS+", "GE MEDICAL SYSTEMS", "LightSpeed VCT", "Biograph64_mCT",
        "syngo CT 2012B",
        "B30f",
        "*tfl3d1_16ns", "BONEPLUS", "Br40d\\3", "FC51", "HeadNeck_64", "syngo MR E11", "27.0", "I31f",
        "ReferencedSegmentNumber",
    ],
)  # fmt: skip
def test_technical_names_stay(text):
    assert clean_text(text, NOTHING, Allowed.TERMS) == text


@pytest.mark.parametrize(
    "term",
    [
        "rtstruct", "rtdose", "derived", "caudocranial", "mosaic", "dis2d", "helical", "10918", "mammographic",
        "panoramic",
        "palliative", "intracavitary", "vacuum", "mold", "transgastric", "annular", "mineral", "mlcx",
        "listmode", "uuid",
    ],
)  # fmt: skip
def test_defined_terms_are_known(term):
    assert is_term(term)


@pytest.mark.parametrize(
    "word",
    [
        "hinterhuber", "quelmthorp", "kowalczyk", "mrn0012345", "19510312", "12345678", "ab12345c", "lima",
        "manchester",
        "landolt", "pole", "chase",
    ],
)  # fmt: skip
def test_names_and_numbers_are_no_terms(word):
    assert not is_term(word)
    assert word not in clean_text(f"SIEMENS {word}", NOTHING, Allowed.TERMS)
    assert word in clean_text(f"SIEMENS {word}", NOTHING, Allowed.ALL) or word.isdigit() or "12345" in word


def test_a_name_is_known_as_people_without_the_key_write_it():
    builder = EchoBuilder()
    builder.add_name("Brännvöld^Łukaßz")
    echo = builder.built()
    assert all(
        echo.is_in(f"scan {name} chest") for name in ("Braennvoeld", "BRANNVOLD", "brännvöld", "lukassz", "Łukaßz")
    )


def test_nothing_of_a_damaged_file_is_quoted_in_a_warning(tmp_path):
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    content = buffer.getvalue().replace(b"1.2.840.10008.1.2.1\0", b"Quelmthorp^Xy 1.2.1\0")
    (tmp_path / "damaged").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((Quarantined, MalformedFile)), opened(tmp_path / "damaged"):
            pass
