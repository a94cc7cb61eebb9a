"""The tokenizer finds what pydicom finds, and anything else ends in one error."""

import random
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.dicom.source import Source, opened
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    MAX_DEPTH,
    Encoding,
    items,
    scan,
    scan_dataset,
)
from DeidentifyStudyCore.dicom.walk import leaves
from DeidentifyStudyCore.errors import MalformedFile, Quarantined

ENCODINGS = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]
bounded = settings(max_examples=60, deadline=None, derandomize=True)


def encoded(dataset: Dataset, encoding: Encoding) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = encoding.implicit, not encoding.big
    write_dataset(stream, dataset)
    return stream.getvalue()


def flat(dataset: Dataset, path: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], int]]:
    found = []
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                found += flat(item, (*path, int(element.tag)))
        else:
            found.append((path, int(element.tag)))
    return found


VALUES = st.sampled_from(
    [
        (0x00080060, "CS", "CT"), (0x00081030, "LO", "liver"), (0x00100010, "PN", "A^B"), (0x00280010, "US", 7),
        (0x00189087, "FD", 1.5), (0x00282000, "OB", b"\1\2"), (0x00081190, "UR", "urn:x"), (0x00091010, "UN", b"ab"),
        (0x0040A160, "UT", "x" * 9), (0x00200013, "IS", 5), (0x00089007, "CS", ["A", "B"]), (0x00700020, "CS", ""),
    ]
)  # fmt: skip


@st.composite
def datasets(draw: Callable[..., object], depth: int = 3) -> Dataset:
    dataset = Dataset()
    for tag, vr, value in draw(st.lists(VALUES, max_size=6)):
        dataset.add_new(tag, vr, value)
    if depth and draw(st.booleans()):
        sequence = Sequence(draw(st.lists(datasets(depth=depth - 1), max_size=3)))
        dataset.add_new(draw(st.sampled_from([0x00081140, 0x0040A730, 0x52009230])), "SQ", sequence)
        element = dataset[sorted(t for t in dataset._dict if dataset[t].VR == "SQ")[0]]
        element.is_undefined_length = draw(st.booleans())
        for item in element.value:
            item.is_undefined_length_sequence_item = draw(st.booleans())
    return dataset


@pytest.mark.parametrize("encoding", ENCODINGS, ids=["explicit", "implicit", "big"])
@bounded
@given(dataset=datasets())
def test_every_element_is_found(encoding, dataset):
    content = encoded(dataset, encoding)
    spans = scan(content, 0, len(content), encoding)
    assert [span[0] for span in spans] == [int(tag) for tag in sorted(dataset.keys())]
    assert [(leaf.path, leaf.tag) for leaf in leaves(content, spans, encoding, ())] == flat(dataset)
    assert b"".join(content[span[2] : span[5]] for span in spans) == content


@pytest.mark.parametrize("encoding", ENCODINGS, ids=["explicit", "implicit", "big"])
@bounded
@given(dataset=datasets(), data=st.data())
def test_damage_ends_in_one_error(encoding, dataset, data):
    content = bytearray(encoded(dataset, encoding))
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        spans, end = scan_dataset(content, 0, len(content), encoding)
        found = list(leaves(content, spans, encoding, ()))
    except MalformedFile as error:
        offset = error.offset
        assert 0 <= offset <= len(content)  # either outcome is right
    else:
        assert end <= len(content)
        assert len(found) <= len(content)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=["explicit", "implicit", "big"])
@bounded
@given(content=st.binary(max_size=400))
def test_noise_ends_in_one_error(encoding, content):
    try:
        spans = scan(content, 0, len(content), encoding)
        assert spans == [] or spans[-1][5] == len(content)
    except MalformedFile:
        pass


def read_all(path: Path) -> int:
    with opened(path) as source:
        return sum(1 for _ in leaves(source.buffer, source.spans, source.encoding, ()))


def real_files(shared_data: Path) -> list[Path]:
    own = [Path(name) for name in pydicom.data.get_testdata_files()]
    return [path for path in (*own, *sorted((shared_data / "dicom").rglob("*"))) if path.is_file()]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_real_files_have_the_elements_that_pydicom_finds(shared_data):
    compared = 0
    for path in real_files(shared_data):
        try:
            with opened(path) as source:
                tags = [span[0] for span in source.spans]
        except (MalformedFile, Quarantined):
            continue
        assert sorted(tags) == sorted(int(tag) for tag in pydicom.dcmread(path, force=True)._dict), path.name
        compared += 1
    assert compared > 250


def test_files_that_cannot_be_read_say_why(tmp_path, make_dataset, encode):
    whole = encode(make_dataset())
    cases = {
        "empty-file": b"",
        "not-dicom": b"# a text\n" * 40,
        "truncated-pixel-data": whole[:-10],
        "truncated": whole[: whole.index(b"\x20\x00\x32\x00") + 20],
        "invalid-vr": whole.replace(b"\x28\x00\x02\x00US", b"\x28\x00\x02\x00ZZ"),
        "unknown-transfer-syntax": whole.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"),
    }
    for reason, content in cases.items():
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises((MalformedFile, Quarantined)) as caught:
            read_all(path)
        assert caught.value.reason == reason


def test_mutated_files_never_do_anything_but_raise_the_one_error(tmp_path, make_dataset, encode):
    """Seeded mutations of files in all encodings; the hour of it is `Testing/Benchmarks/deidentify.py --fuzz`."""
    random_ = random.Random(20)
    dataset = make_dataset()
    dataset.ReferencedImageSequence = [make_dataset(), make_dataset()]
    syntaxes = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
    seeds = [encode(dataset, syntax) for syntax in syntaxes]
    path = tmp_path / "mutant"
    outcomes = set()
    for _ in range(600):
        content = bytearray(random_.choice(seeds))
        for _ in range(random_.randint(1, 8)):
            content[random_.randrange(128, len(content))] = random_.choice((0, 1, 127, 255, random_.randrange(256)))
        path.write_bytes(content[: random_.randint(0, len(content)) if random_.random() < 0.3 else None])
        try:
            outcomes.add(read_all(path) > 0)
        except (MalformedFile, Quarantined) as error:
            outcomes.add(error.reason)
    assert {True, "truncated", "invalid-vr"} <= outcomes


@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, IMPLICIT_LITTLE], ids=["explicit", "implicit"])
def test_depth_is_limited(encoding):
    def nest(depth: int) -> bytes:
        opening = encoding.header(0x0040A730, b"SQ", 0xFFFFFFFF) + encoding.header(0xFFFEE000, b"", 0xFFFFFFFF)
        closing = encoding.header(0xFFFEE00D, b"", 0) + encoding.header(0xFFFEE0DD, b"", 0)
        return opening * depth + closing * depth

    allowed = nest(MAX_DEPTH - 1)
    assert len(scan(allowed, 0, len(allowed), encoding)) == 1
    for depth in (MAX_DEPTH + 1, 20000):
        content = nest(depth)
        with pytest.raises(MalformedFile, match="too-deep"):
            scan(content, 0, len(content), encoding)


def test_un_of_undefined_length_is_an_implicit_sequence():
    inner = IMPLICIT_LITTLE.element(0x00100020, b"LO", b"ID")
    item = IMPLICIT_LITTLE.header(0xFFFEE000, b"", len(inner)) + inner
    content = EXPLICIT_LITTLE.header(0x00091010, b"UN", 0xFFFFFFFF) + item + IMPLICIT_LITTLE.header(0xFFFEE0DD, b"", 0)
    (span,) = scan(content, 0, len(content), EXPLICIT_LITTLE)
    ((_, value, stop, _),) = items(content, span, IMPLICIT_LITTLE)
    assert content[value:stop] == inner
    assert [leaf.tag for leaf in leaves(content, [span], EXPLICIT_LITTLE, ())] == [0x00100020]


def test_a_bomb_is_refused(tmp_path, make_dataset, encode):
    content = encode(make_dataset(), "1.2.840.10008.1.2.1.99")
    start = 144 + int.from_bytes(content[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflater.compress(EXPLICIT_LITTLE.header(0x00420011, b"OB", 1 << 25) + bytes(1 << 25)) + deflater.flush()
    path = tmp_path / "bomb"
    path.write_bytes(content[:start] + bomb[: len(bomb) // 2])
    with pytest.raises(MalformedFile, match="truncated"):
        read_all(path)


def test_slack_is_told_from_damage(make_dataset, encode, tmp_path):
    whole = encode(make_dataset())
    path = tmp_path / "file"
    for slack in (bytes(100), b"any text at all", b"\xff" * 9, b"\x10\0\x10\0PN\x04\0A^B "):
        path.write_bytes(whole + slack)
        with opened(path) as source:
            assert isinstance(source, Source)
            assert source.slack == len(slack)
            assert source.spans[-1][0] == 0x7FE00010


def test_vr_of_the_dictionary():
    assert dictionary_vr(0x00100010) == b"PN"
    assert dictionary_vr(0x60003000) == b"OW"
    assert dictionary_vr(0x00090010) == b"LO"
    assert dictionary_vr(0x00091001) == b"UN"
    assert dictionary_vr(0x00080000) == b"UL"
    assert dictionary_vr(0x00082FFF) == b"UN"


def test_pydicom_reads_what_the_encoder_writes():
    for encoding in ENCODINGS:
        content = encoding.element(0x00080060, b"CS", b"CT") + encoding.element(0x00282000, b"OB", b"\1\2")
        stream = BytesIO(content)
        dataset = pydicom.filereader.read_dataset(stream, encoding.implicit, not encoding.big)
        assert (dataset.Modality, dataset.ICCProfile) == ("CT", b"\1\2")
