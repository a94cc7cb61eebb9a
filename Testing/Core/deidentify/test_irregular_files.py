"""Files that are not written as they say: readers understand them, and what is written of them is as it should be."""

import contextlib
import random
import struct
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from DeidentifyStudyCore.dicom.digests import digests_of_file, sha256_of
from DeidentifyStudyCore.dicom.irregular import write_regular
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.dicom.tokenizer import EXPLICIT_LITTLE, UNDEFINED
from DeidentifyStudyCore.errors import MalformedFile, Quarantined

SOURCE_IMAGES = 0x00082112


def rich(make_dataset, number=1):
    """An image with sequences of undefined length, private elements, and values of all lengths."""
    dataset = make_dataset(number=number, ImageComments="liver with lesion", PixelRepresentation=1)
    dataset.SmallestImagePixelValue = -5
    dataset.ManufacturerModelName = "SOMATOM Force"
    inner = Dataset()
    inner.CodeValue, inner.CodingSchemeDesignator, inner.CodeMeaning = "121320", "DCM", "Uncompressed predecessor"
    outer = Dataset()
    outer.ReferencedSOPInstanceUID = "1.2.3.4"
    outer.PurposeOfReferenceCodeSequence = Sequence([inner])
    dataset.SourceImageSequence = Sequence([outer, Dataset()])
    dataset.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x23, "DS", "12.5")
    dataset.ICCProfile = b"\0" * 10
    for item in (outer, inner, dataset.SourceImageSequence[1]):
        item.is_undefined_length_sequence_item = True
    dataset["SourceImageSequence"].is_undefined_length = True
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    return dataset


def split(content):
    """The file meta information, and the data set."""
    end = 144 + struct.unpack_from("<I", content, 140)[0]
    return content[:end], content[end:]


def blanked(content, tag, vr, blank=b"  "):
    header = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    assert content.count(header + vr) == 1
    return content.replace(header + vr, header + blank)


def with_implicit_items(dataset, encode, tmp_path):
    """A file in explicit VR but for the items of one sequence."""
    alone = Dataset()
    alone[SOURCE_IMAGES] = dataset[SOURCE_IMAGES]
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, alone)
    items = EXPLICIT_LITTLE.header(SOURCE_IMAGES, b"SQ", UNDEFINED) + stream.getvalue()[8:]
    content = encode(dataset)
    (tmp_path / "regular").write_bytes(content)
    with opened(tmp_path / "regular") as source:
        _, _, start, _, _, end = source.first(SOURCE_IMAGES)
    return content[:start] + items + content[end:]


def irregular(kind, dataset, encode, tmp_path):
    content, implicit = encode(dataset), encode(dataset, ImplicitVRLittleEndian)
    return {
        "blank": lambda: blanked(blanked(content, 0x00081155, b"UI"), 0x00204000, b"LT"),
        "implicit items": lambda: with_implicit_items(dataset, encode, tmp_path),
        "implicit": lambda: split(content)[0] + split(implicit)[1],
        "explicit": lambda: split(implicit)[0] + split(content)[1],
        "implicit meta": lambda: content[:132] + implicit_meta(content) + split(content)[1],
    }[kind]()


def implicit_meta(content):
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, pydicom.dcmread(DicomBytesIO(content)).file_meta)
    return stream.getvalue()


KINDS = ["blank", "implicit items", "implicit", "explicit", "implicit meta"]


@pytest.mark.parametrize("kind", KINDS)
def test_irregular_files_become_what_regular_ones_become(kind, make_dataset, encode, tmp_path, deidentify):
    one, two = rich(make_dataset), rich(make_dataset, number=2)
    files = {"a": encode(one), "b": irregular(kind, two, encode, tmp_path)}
    assert files["b"] != encode(two)
    outcome, destination = deidentify(files)
    assert [result.reason for result in outcome.files] == ["", ""]
    regular, mended = (pydicom.dcmread(destination / result.output) for result in outcome.files)
    for found in (regular, mended):
        del found.SOPInstanceUID, found.InstanceNumber, found.ImagePositionPatient
    assert mended.to_json_dict() == regular.to_json_dict()
    assert mended.SmallestImagePixelValue == -5
    assert mended.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeMeaning == "Uncompressed predecessor"
    syntax = ImplicitVRLittleEndian if kind == "implicit" else ExplicitVRLittleEndian
    assert mended.file_meta.TransferSyntaxUID == syntax
    assert mended.original_encoding == (kind == "implicit", True)


@pytest.mark.parametrize("blank", [b"  ", b"\0\0", b"??", b"--"])
@pytest.mark.parametrize(
    ("tag", "vr"),
    [(0x00081090, b"LO"), (0x00280010, b"US"), (0x00282000, b"OB"), (0x00191023, b"DS"), (SOURCE_IMAGES, b"SQ")],
)
def test_an_element_without_a_vr_has_that_of_the_dictionary(blank, tag, vr, make_dataset, encode, tmp_path):
    content = encode(rich(make_dataset))
    (tmp_path / "a").write_bytes(blanked(content, tag, vr, blank))
    (tmp_path / "b").write_bytes(content)
    with opened(tmp_path / "a") as mended, opened(tmp_path / "b") as regular:
        assert mended.is_remade
        assert not regular.is_remade
        expected = {tag: b"UN"} if tag & 0x10000 else {}
        assert {s[0]: s[1] for s in mended.spans} == {s[0]: s[1] for s in regular.spans} | expected
        assert mended.value(tag) == regular.value(tag)
    assert digests_of_file(tmp_path / "a") == (sha256_of(tmp_path / "a"), "")


def test_a_vr_that_may_come_one_day_is_not_guessed(make_dataset, encode, tmp_path):
    (tmp_path / "a").write_bytes(blanked(encode(rich(make_dataset)), 0x00081090, b"LO", b"ZZ"))
    with pytest.raises(MalformedFile, match="invalid-vr"), opened(tmp_path / "a"):
        pass


def test_compressed_pixels_in_implicit_vr(make_dataset, encode, tmp_path, deidentify):
    dataset = rich(make_dataset)
    encode(dataset)
    dataset.compress(RLELossless, generate_instance_uid=False)
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, dataset)
    content = split(encode(dataset, RLELossless))[0] + stream.getvalue()
    outcome, destination = deidentify({"a": content})
    assert [result.reason for result in outcome.files] == [""]
    written = pydicom.dcmread(destination / outcome.files[0].output)
    assert written.file_meta.TransferSyntaxUID == RLELossless
    assert written.original_encoding == (False, True)
    assert written["PixelData"].VR == "OB"
    assert next(pydicom.encaps.generate_frames(written.PixelData, number_of_frames=1)) == frame


def test_a_public_file_of_that_kind_is_written(deidentify):
    path = Path(pydicom.data.get_testdata_file("SC_rgb_jpeg.dcm"))
    outcome, destination = deidentify({"a": path.read_bytes()})
    assert [result.reason for result in outcome.files] == [""]
    assert pydicom.dcmread(destination / outcome.files[0].output).pixel_array.shape == (256, 256, 3)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_dicm_may_stand_in_a_value_of_a_file_without_preamble(syntax, make_dataset, encode, tmp_path, deidentify):
    dataset = make_dataset(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    for length in range(100):
        dataset.add_new(0x00080008, "CS", ["ORIGINAL", "PRIMARY", "A" * length + "DICM"])
        content = split(encode(dataset, syntax))[1]
        if content[128:132] == b"DICM":
            break
    assert content[128:132] == b"DICM"
    outcome, destination = deidentify({"a": content})
    assert [result.reason for result in outcome.files] == [""]
    written = pydicom.dcmread(destination / outcome.files[0].output)
    assert written.PixelData == dataset.PixelData


def test_a_data_set_may_follow_the_preamble_at_once(make_dataset, encode, deidentify):
    content = encode(make_dataset())
    outcome, _ = deidentify({"a": content[:132] + split(content)[1]})
    assert [result.reason for result in outcome.files] == [""]


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_what_cannot_be_told_is_refused(syntax, make_dataset, encode, tmp_path):
    """Implicit VR where the file says deflated, or big endian."""
    dataset = make_dataset()
    content = split(encode(dataset, syntax))[0] + split(encode(dataset, ImplicitVRLittleEndian))[1]
    (tmp_path / "a").write_bytes(content)
    with pytest.raises((MalformedFile, Quarantined)), opened(tmp_path / "a"):
        pass


def test_an_element_that_can_be_read_in_two_ways_is_refused():
    """An empty one and two that follow, or one of sixteen bytes."""
    blank = b"\x08\0\x31\x10" + bytes(4)
    group_length = b"\x10\0\0\0UL\4\0" + bytes(4)
    name = EXPLICIT_LITTLE.element(0x00100010, b"PN", b"")
    for content, refused in ((blank + group_length + name, True), (blank + name, False)):
        written = []
        with pytest.raises(MalformedFile, match="invalid-vr") if refused else contextlib.nullcontext():
            write_regular(content, 0, len(content), written.append, implicit=False)
        assert bool(written) != refused


def test_damaged_irregular_files_end_in_the_one_error(make_dataset, encode, tmp_path):
    random_ = random.Random(7)
    outcomes = set()
    seeds = [irregular(kind, rich(make_dataset), encode, tmp_path) for kind in KINDS]
    path = tmp_path / "mutant"
    for _ in range(300):
        content = bytearray(random_.choice(seeds))
        for _ in range(random_.randint(1, 6)):
            content[random_.randrange(128, len(content))] = random_.choice((0, 1, 32, 255, random_.randrange(256)))
        path.write_bytes(content[: random_.randint(140, len(content)) if random_.random() < 0.3 else None])
        try:
            with opened(path) as source:
                outcomes.add(len(source.spans) > 0)
        except (MalformedFile, Quarantined) as error:
            outcomes.add(error.reason)
    assert {True, "truncated", "invalid-vr"} <= outcomes
