"""A file that is recognized by its layout has the spans that a scan finds."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom import layouts
from DeidentifyStudyCore.dicom.layouts import Scanned
from DeidentifyStudyCore.dicom.source import DEFLATED, opened
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    UNDEFINED,
    Encoding,
)
from DeidentifyStudyCore.errors import MalformedFile, Quarantined
from DeidentifyStudyCore.rules.markers import file_meta

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
ENCODINGS = {EXPLICIT: EXPLICIT_LITTLE, IMPLICIT: IMPLICIT_LITTLE, BIG: EXPLICIT_BIG}


def _dataset(encoding: Encoding) -> bytes:
    inner = encoding.element(0x00081150, b"UI", b"1.2.3\0")
    sequence = encoding.header(0x00081140, b"SQ", UNDEFINED) + encoding.header(ITEM, b"", len(inner)) + inner
    return (
        encoding.element(0x00080018, b"UI", b"1.2.4\0")
        + sequence
        + encoding.header(0xFFFEE0DD, b"", 0)
        + encoding.element(0x00081030, b"LO", b"CT CHEST")
        + encoding.element(0x7FE00010, b"OW", bytes(40))
    )


def _file(syntax: str) -> bytes:
    return file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.4", syntax) + _dataset(ENCODINGS[syntax])


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("layouts") / "file"

    def read(data: bytes) -> Scanned:
        path.write_bytes(data)
        with opened(path) as source:
            assert source.spans is source.layout.spans
            return source.layout

    return read


def _said(read, data: bytes) -> object:
    try:
        found = read(data)
    except (MalformedFile, Quarantined) as error:
        return type(error), error.reason
    return found.start, found.encoding, found.transfer_syntax, found.spans, found.end, found.first, found.groups


@pytest.mark.parametrize("syntax", ENCODINGS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3), late=st.booleans())
def test_recognized_files_are_scanned_ones(read, syntax, changes, late):
    data = bytearray(_file(syntax))
    for at, value in changes:
        data[len(data) - 140 + at % 140 if late else 128 + at % (len(data) - 128)] = value
    layouts._known.clear()
    expected = _said(read, bytes(data))
    layouts._known.clear()
    for _ in range(2):
        read(_file(syntax))
    assert _said(read, bytes(data)) == expected


def test_another_transfer_syntax_of_the_same_length_is_another_layout(read):
    data = _file(EXPLICIT)
    read(data)
    other = data.replace(EXPLICIT.encode() + b"\0", b"1.2.840.10008.1.2.9\0")
    assert len(other) == len(data)
    assert other != data
    with pytest.raises(Quarantined, match="unknown-transfer-syntax"):
        read(other)


def test_a_new_value_needs_no_new_layout_and_memory_is_bounded(read):
    data = _file(EXPLICIT)
    read(data)
    first = read(data)  # of a layout that was met again more is known
    assert read(data.replace(b"CT CHEST", b"MR KNEES")) is first
    assert read(data.replace(b"1.2.4\0", b"1.2.5\0")) is first  # in the file meta information too
    for size in range(300):
        read(data + EXPLICIT_LITTLE.element(0x7FE10010, b"LO", b" " * (2 * size)))
    assert len(layouts._known) <= 256


def test_a_layout_that_is_met_often_is_not_forgotten(read):
    data = _file(IMPLICIT)
    for number in range(20):
        read(data)
        again = read(data)
        other = data.replace(b"\x30\x10", bytes([0x31 + number, 0x10]))
        assert read(other).spans[2][0] == 0x00081031 + number
        assert read(data) is again


def test_long_values_between_two_headers_are_not_compared(read):
    pixels = b"\2" * 100000
    data = (
        file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.4", EXPLICIT)
        + EXPLICIT_LITTLE.element(0x00080018, b"UI", b"1.2.4\0")
        + EXPLICIT_LITTLE.element(0x7FE00010, b"OW", pixels)
        + EXPLICIT_LITTLE.element(0xFFFCFFFC, b"OB", b"\0\0")
    )
    read(data)
    found = read(data)
    assert read(data.replace(pixels, b"\1" * 100000)) is found
    other = data[:-14] + b"\xfa" + data[-13:]  # another tag behind the pixels
    assert read(other).spans[-1][0] == 0xFFFAFFFC


def test_what_follows_no_preamble_or_is_deflated_is_never_taken_for_what_it_is_not(read, encode, make_dataset):
    bare = _dataset(EXPLICIT_LITTLE)
    assert read(bare) is not read(bare)
    dataset = make_dataset()
    deflated = encode(dataset, DEFLATED)
    assert read(deflated).transfer_syntax == DEFLATED
    assert read(deflated) is not read(deflated)
    inflated = encode(dataset, EXPLICIT)
    assert read(inflated[read(inflated).start :]).transfer_syntax == EXPLICIT
