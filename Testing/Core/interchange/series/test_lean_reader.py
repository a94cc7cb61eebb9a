"""The fast header reader says what pydicom says, and finds every truncation."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.interchange.series.header_reader import read_elements_with_pydicom, read_header
from AnnotationQACore.interchange.series.headers import FileHeader, UnreadableFile
from AnnotationQACore.interchange.series.lean_reader import Truncated, Unusual, read_elements
from AnnotationQACore.interchange.series.loader import load_series

KEY = b"key"


def header_of(path: Path) -> FileHeader | UnreadableFile:
    status = path.stat()
    return read_header(path, status.st_size, status.st_mtime_ns, KEY)


def test_agrees_with_pydicom_on_every_reference_file(shared_data):
    compared = 0
    for path in sorted((shared_data / "dicom").rglob("*.dcm")):
        try:
            lean, pixels = read_elements(path, path.stat().st_size)
        except Unusual:
            continue
        compared += 1
        reference, _ = read_elements_with_pydicom(path)
        assert lean == reference, path.name
        if pixels is not None and pixels.length >= 0:
            dataset = pydicom.dcmread(path)
            keyword = {0x7FE00008: "FloatPixelData", 0x7FE00010: "PixelData"}[pixels.tag]
            content = path.read_bytes()[pixels.offset : pixels.offset + pixels.length]
            assert content == dataset[keyword].value
    assert compared > 90


def nested() -> Sequence:
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "deep"
    inner.Rows = 9999  # must not be taken for the image's
    middle = Dataset()
    middle.ConceptNameCodeSequence = Sequence([inner])
    return Sequence([middle, middle])


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, "1.2.840.10008.1.2.1"])
@pytest.mark.parametrize("undefined", [False, True])
def test_skips_nested_sequences(studio, syntax, undefined):
    def edit(dataset: Dataset) -> None:
        dataset.AnatomicRegionSequence = nested()
        dataset["AnatomicRegionSequence"].is_undefined_length = undefined
        for item in dataset.AnatomicRegionSequence:
            item.is_undefined_length_sequence_item = undefined
            item["ConceptNameCodeSequence"].is_undefined_length = undefined

    path = studio.slice(syntax=syntax, edit=edit)
    lean, pixels = read_elements(path, path.stat().st_size)
    assert lean == read_elements_with_pydicom(path)[0]
    assert lean[0x00280010] == 6
    assert pixels is not None


def test_names_outside_ascii_are_left_to_pydicom(studio):
    path = studio.slice(SpecificCharacterSet="ISO_IR 100", SeriesDescription="Schädel")
    with pytest.raises(Unusual):
        read_elements(path, path.stat().st_size)
    header = header_of(path)
    assert isinstance(header, FileHeader)
    assert header.description == "Schädel"


def test_deflated_files_are_left_to_pydicom(studio):
    header = header_of(studio.slice(syntax=DeflatedExplicitVRLittleEndian))
    assert isinstance(header, FileHeader)
    assert (header.rows, header.problem) == (6, "")


def test_a_header_longer_than_the_first_chunk_is_read(studio):
    def edit(dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "LONG", create=True)
        block.add_new(0x01, "OB", b"\1" * 300_000)

    path = studio.slice(edit=edit)
    assert read_elements(path, path.stat().st_size)[0] == read_elements_with_pydicom(path)[0]


def test_every_truncation_is_noticed_and_none_raises(studio):
    path = studio.slice()
    content = path.read_bytes()
    cut = path.with_name("cut.dcm")
    for length in range(len(content)):
        cut.write_bytes(content[:length])
        result = header_of(cut)
        if isinstance(result, FileHeader):
            assert result.problem, f"cut at {length} of {len(content)}"
    cut.write_bytes(content)
    assert header_of(cut).problem == ""


def test_no_corruption_of_a_header_raises_anything_of_ours_excepted(studio):
    path = studio.slice()
    content = path.read_bytes()
    generator = random.Random(5)
    outcomes = set()
    for _ in range(400):
        broken = bytearray(content)
        for _ in range(generator.choice([1, 3])):
            broken[generator.randrange(132, len(content) - 80)] = generator.choice([0, 255, 45, 92, 200])
        path.write_bytes(broken)
        try:
            load_series(path)
            outcomes.add("loaded")
        except AnnotationQAError:
            outcomes.add("refused")
    assert outcomes == {"loaded", "refused"}


def test_truncated_pixel_data_names_itself(studio):
    path = studio.slice()
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(Truncated):
        read_elements(path, path.stat().st_size)
    assert header_of(path).problem == "the file ends inside its pixel data"


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x00" * 500, b"\0" * 128 + b"DICM", bytes(range(256)) * 8])
def test_other_files_are_no_dicom(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert isinstance(header_of(path), UnreadableFile)


def test_pixel_data_shorter_than_the_matrix(studio):
    header = header_of(studio.slice(Rows=7))
    assert header.problem == "its pixel data is shorter than its matrix"


def test_zero_slope_is_refused(studio):
    assert "Rescale Slope" in header_of(studio.slice(RescaleSlope=0)).problem


@pytest.mark.parametrize(
    ("keyword", "reason"), [("SeriesInstanceUID", "no SeriesInstanceUID"), ("SOPInstanceUID", "no SOPInstanceUID")]
)
def test_missing_uids(studio, keyword, reason):
    result = header_of(studio.slice(**{keyword: ""}))
    assert reason in (result.problem if isinstance(result, FileHeader) else result.reason)


def test_nothing_that_names_the_patient_is_kept(studio):
    header = header_of(studio.slice(PatientBirthDate="19630101"))
    text = repr(dataclasses.replace(header, path=Path("x")))
    for secret in ("Nobody", "4711", "19630101", "20240229"):
        assert secret not in text
    assert header.patient_key


def test_age_from_the_birth_date_where_it_is_not_stated(studio):
    header = header_of(studio.slice(PatientAge=None, PatientBirthDate="19540301"))
    assert header.age_years == pytest.approx(69.998, abs=0.01)
    assert header_of(studio.slice(PatientAge="018M")).age_years == pytest.approx(1.5)
