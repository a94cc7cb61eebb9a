"""Sequences that are not parsed again where only values differ from one before."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom import sequences
from DeidentifyStudyCore.dicom.sequences import Item, leaves_of, opened_items
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    items,
    scan,
)
from DeidentifyStudyCore.dicom.walk import leaves
from DeidentifyStudyCore.errors import MalformedFile

CODECS = ("iso8859",)
KINDS = [(0x00080005, b"CS"), (0x00081150, b"UI"), (0x00081155, b"UI"), (0x00080104, b"LO"), (0x00091010, b"UN")]
VALUES = st.sampled_from(
    [b"", b"ISO_IR 100", b"ISO_IR 192", b"1.2.3\0", b"1.2.4\0", b"\xfe\xff\x00\xe0\0\0\0\0", b"ab"]
)


def encoded(node, encoding):
    """Encode ``(tag, vr, value)`` or ``(items, whether lengths are undefined)``."""
    if len(node) == 3:
        return encoding.element(*node)
    content, undefined = b"", node[1]
    for item in node[0]:
        body = b"".join(encoded(child, encoding) for child in item)
        end = encoding.header(ITEM_END, b"", 0) if undefined else b""
        content += encoding.header(ITEM, b"", UNDEFINED if undefined else len(body)) + body + end
    end = encoding.header(SEQUENCE_END, b"", 0) if undefined else b""
    return encoding.header(0x00081140, b"SQ", UNDEFINED if undefined else len(content)) + content + end


leaf = st.tuples(st.sampled_from(KINDS), VALUES).map(lambda pair: (*pair[0], pair[1]))
nodes = st.recursive(
    leaf, lambda inner: st.tuples(st.lists(st.lists(inner, max_size=3), max_size=2), st.booleans()), max_leaves=6
)
sequences_of_nodes = st.tuples(st.lists(st.lists(nodes, max_size=3), max_size=2), st.booleans())


def parsed(element, encoding):
    """Read what is in a sequence as if nothing were known."""
    (span,) = scan(element, 0, len(element), encoding)
    found = [Item(*item, scan(element, item[1], item[2], encoding, 1)) for item in items(element, span, encoding)]
    return span, found, [*leaves(element, [span], encoding, CODECS)]


@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(sequences_of_nodes, min_size=1, max_size=6))
def test_what_is_found_is_what_parsing_finds(encoding, drawn):
    for node in [*drawn, *drawn]:
        element = encoded(node, encoding)
        span, found, own = parsed(element, encoding)
        assert opened_items(element, span, encoding, 0) == found
        assert leaves_of(element, span, encoding, CODECS) == own


def test_only_values_may_differ(monkeypatch):
    monkeypatch.setattr(sequences, "_known", {})

    def with_values(*values, undefined=True):
        pairs = [(0x00081150, b"UI", values[0]), (0x00081155, b"UI", values[1])]
        return encoded(([pairs], undefined), EXPLICIT_LITTLE)

    one, other = with_values(b"1.2.840.1\0", b"1.2.3\0"), with_values(b"1.2.840.2\0", b"1.2.9\0")
    found = opened_items(one, parsed(one, EXPLICIT_LITTLE)[0], EXPLICIT_LITTLE, 0)
    assert opened_items(other, parsed(other, EXPLICIT_LITTLE)[0], EXPLICIT_LITTLE, 0) is found
    shifted = with_values(b"1.2.8\0", b"1.2.840.1\0")  # as long as the others in all
    assert len(shifted) == len(one)
    assert opened_items(shifted, parsed(shifted, EXPLICIT_LITTLE)[0], EXPLICIT_LITTLE, 0) is not found


def test_a_character_set_in_an_item_is_read_anew():
    def texts(character_set):
        element = encoded(
            ([[(0x00080005, b"CS", character_set), (0x00081190, b"LO", "Müller  ".encode())]], False), EXPLICIT_LITTLE
        )
        (span,) = scan(element, 0, len(element), EXPLICIT_LITTLE)
        return [found.codecs for found in leaves_of(element, span, EXPLICIT_LITTLE, CODECS)][1]

    assert texts(b"ISO_IR 192") != texts(b"ISO_IR 100") == texts(b"ISO_IR 100")
    assert texts(b"ISO_IR 192") == ("utf8",) or "utf" in texts(b"ISO_IR 192")[0].lower()


def test_bytes_that_may_be_a_sequence_are_looked_at_each_time():
    """UN that the dictionary takes for a sequence is one or is not, by what it holds."""
    inner = IMPLICIT_LITTLE.header(ITEM, b"", 8) + IMPLICIT_LITTLE.element(0x00081155, b"UI", b"")

    def element(content):
        header = struct.pack("<HH2sHI", 0x0008, 0x1140, b"UN", 0, len(content))
        return (
            encoded(([[]], False), EXPLICIT_LITTLE)[:8]
            + struct.pack("<I", len(header) + len(content) + 8)
            + EXPLICIT_LITTLE.header(ITEM, b"", len(header) + len(content))
            + header
            + content
        )

    for content in (b"\xff" * len(inner), inner, b"\xff" * len(inner), inner):
        whole = element(content)
        span, found, own = parsed(whole, EXPLICIT_LITTLE)
        assert leaves_of(whole, span, EXPLICIT_LITTLE, CODECS) == own
        assert opened_items(whole, span, EXPLICIT_LITTLE, 0) == found


def test_what_cannot_be_parsed_is_never_taken_for_what_can():
    good = encoded(([[(0x00081155, b"UI", b"1.2.3\0")]], True), EXPLICIT_LITTLE)
    (span,) = scan(good, 0, len(good), EXPLICIT_LITTLE)
    assert len(opened_items(good, span, EXPLICIT_LITTLE, 0)) == 1
    bad = good.replace(b"UI\6\0", b"XX\6\0")
    with pytest.raises(MalformedFile):
        opened_items(bad, span, EXPLICIT_LITTLE, 0)
