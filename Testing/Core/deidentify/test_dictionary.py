"""The carried list is pydicom's dictionary, and a plain study is done without loading pydicom."""

import shutil
import subprocess
import sys

import pydicom.data
import pytest
from pydicom.charset import decode_bytes, encode_string, python_encoding
from pydicom.datadict import DicomDictionary, RepeatersDictionary, keyword_for_tag, mask_match
from pydicom.uid import AllTransferSyntaxes, UID_dictionary

from DeidentifyStudyCore.dicom.charset import _PLAIN, codecs_of, decoded, encoded
from DeidentifyStudyCore.dicom.dictionary import (
    dictionary_vr,
    dictionary_words,
    is_well_known,
    keyword_of,
    tags_of,
    transfer_syntaxes,
)

REPEATED = [int(tag.replace("x", digit), 16) for tag in RepeatersDictionary for digit in "02E"]
NEWER = {f"1.2.840.10008.1.2.{number}" for number in ("8.1", "4.110", "4.111", "4.112")}
UNKNOWN = [0x00082FFF, 0x00091001, 0x60FF1234, 0x70013000]


def test_keywords_are_those_of_pydicom():
    for tag in [*DicomDictionary, *REPEATED, *UNKNOWN]:
        assert keyword_of(tag) == keyword_for_tag(tag), f"{tag:08X}"


def test_vrs_are_those_of_pydicom():
    for tag in [*DicomDictionary, *REPEATED]:
        if tag >> 16 & 1 or tag & 0xFFFF == 0:
            continue
        entry = DicomDictionary.get(tag) or RepeatersDictionary[mask_match(tag)]
        vr = dictionary_vr(tag).decode()
        assert vr in entry[0] or (vr == "UN" and entry[0] in {"", "NONE"}), f"{tag:08X}"
    assert all(dictionary_vr(tag) == b"UN" for tag in UNKNOWN)


def test_uids_words_and_keywords():
    current = set(map(str, AllTransferSyntaxes))
    further = transfer_syntaxes() - current
    assert current < transfer_syntaxes()
    named = {uid: UID_dictionary[uid][1::2] for uid in further & UID_dictionary.keys()}
    assert set(named.values()) == {("Transfer Syntax", "Retired"), ("Transfer Syntax", "")}
    assert {uid for uid, kind in named.items() if not kind[1]} <= {"1.2.840.10008.1.2.1.98", *NEWER}
    assert further - named.keys() <= NEWER
    assert is_well_known("1.2.840.10008.5.1.4.1.1.2")
    assert not is_well_known("1.2.840.10008.5.1.4.1.1.2.9999")
    assert {"patient", "patientname", "pitch"} <= dictionary_words()
    assert tags_of({"PatientID", "NoSuchKeyword"}) == {0x00100020}


@pytest.mark.parametrize("term", _PLAIN)
def test_plain_character_sets_are_read_and_written_as_by_pydicom(term):
    codecs = codecs_of(term.encode())
    if term:
        assert codecs == (python_encoding[term],)
    raw = bytes(range(0xA0, 0x100))
    for character in (raw[at : at + 1] for at in range(len(raw))):
        text = decoded(character, codecs)
        try:
            expected = decode_bytes(character, list(codecs), set())
        except UnicodeError:
            expected = "\ufffd"
        except Warning:
            expected = text
        assert text == expected
        if "\ufffd" not in text and codecs != ("ascii",):
            assert encoded(text, codecs) == encode_string(text, list(codecs)) == character


PROGRAM = """
import sys
from DeidentifyStudyCore.cli.main import main
code = main(["run", *sys.argv[1:], "--profile", "gdpr-anonymous", "--conformance", "none"])
assert code == 0, code
assert "pydicom" not in sys.modules
"""


def test_a_plain_study_is_written_without_pydicom(tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), tmp_path / "in")
    command = [sys.executable, "-c", PROGRAM, tmp_path / "in", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
