"""A file that is recognized by its layout has the spans that a scan finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom import layouts
from DeidentifyStudyCore.dicom.layouts import scanned
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    UNDEFINED,
    scan_dataset,
)
from DeidentifyStudyCore.errors import MalformedFile


def _dataset(encoding) -> bytes:
    inner = encoding.element(0x00081150, b"UI", b"1.2.3\0")
    sequence = encoding.header(0x00081140, b"SQ", UNDEFINED) + encoding.header(ITEM, b"", len(inner)) + inner
    return (
        encoding.element(0x00080018, b"UI", b"1.2.4\0")
        + sequence
        + encoding.header(0xFFFEE0DD, b"", 0)
        + encoding.element(0x00081030, b"LO", b"CT CHEST")
        + encoding.element(0x7FE00010, b"OW", bytes(40))
    )


@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3))
def test_recognized_files_are_scanned_ones(encoding, changes):
    whole = _dataset(encoding)
    scanned(whole, 0, len(whole), encoding)
    data = bytearray(whole)
    for at, value in changes:
        data[at % len(data)] = value
    try:
        expected = scan_dataset(bytes(data), 0, len(data), encoding)
    except MalformedFile:
        with pytest.raises(MalformedFile):
            scanned(bytes(data), 0, len(data), encoding)
        return
    found = scanned(bytes(data), 0, len(data), encoding)
    assert (found.spans, found.end) == expected
    assert all(found.first[span[0]][2] <= span[2] for span in found.spans)


def test_a_new_value_needs_no_new_layout_and_memory_is_bounded():
    data = _dataset(EXPLICIT_LITTLE)
    scanned(data, 0, len(data), EXPLICIT_LITTLE)
    first = scanned(data, 0, len(data), EXPLICIT_LITTLE)  # of a layout that was met again more is known
    assert scanned(data.replace(b"CT CHEST", b"MR KNEES"), 0, len(data), EXPLICIT_LITTLE) is first
    for size in range(600):
        padded = data + EXPLICIT_LITTLE.element(0x7FE10010, b"LO", b" " * (2 * size))
        scanned(padded, 0, len(padded), EXPLICIT_LITTLE)
    assert len(layouts._known) <= 256


def test_a_layout_that_is_met_often_is_not_forgotten():
    data = _dataset(IMPLICIT_LITTLE)
    for number in range(20):
        scanned(data, 0, len(data), IMPLICIT_LITTLE)
        again = scanned(data, 0, len(data), IMPLICIT_LITTLE)
        other = data.replace(b"\x30\x10", bytes([0x31 + number, 0x10]))
        assert scanned(other, 0, len(data), IMPLICIT_LITTLE).spans[2][0] == 0x00081031 + number
        assert scanned(data, 0, len(data), IMPLICIT_LITTLE) is again


def test_long_values_between_two_headers_are_not_compared():
    element, pixels = EXPLICIT_LITTLE.element(0x00080018, b"UI", b"1.2.4\0"), b"\2" * 100000
    data = (
        element
        + EXPLICIT_LITTLE.element(0x7FE00010, b"OW", pixels)
        + EXPLICIT_LITTLE.element(0xFFFCFFFC, b"OB", b"\0\0")
    )
    scanned(data, 0, len(data), EXPLICIT_LITTLE)
    found = scanned(data, 0, len(data), EXPLICIT_LITTLE)
    changed = data.replace(pixels, b"\1" * 100000)
    assert scanned(changed, 0, len(data), EXPLICIT_LITTLE) is found
    other = data[:-14] + b"\xfa" + data[-13:]  # another tag behind the pixels
    assert scanned(other, 0, len(data), EXPLICIT_LITTLE).spans[-1][0] == 0xFFFAFFFC
