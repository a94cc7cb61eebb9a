"""A file that is recognized by its layout has the spans that a scan finds."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom import layouts
from DeidentifyStudyCore.dicom.courses import LONGEST_ELEMENT, is_long
from DeidentifyStudyCore.dicom.layouts import Layout
from DeidentifyStudyCore.dicom.source import DEFLATED, Source, opened
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


def _dataset(encoding: Encoding, instance: bytes, reference: bytes, text: bytes, bulk: int, items: int) -> bytes:
    inner = encoding.element(0x00081150, b"UI", _even(reference))
    item = encoding.header(ITEM, b"", len(inner)) + inner
    return (
        encoding.element(0x00080005, b"CS", b"ISO_IR 192")
        + encoding.element(0x00080018, b"UI", _even(instance))
        + encoding.header(0x00081140, b"SQ", UNDEFINED)
        + item * items
        + encoding.header(0xFFFEE0DD, b"", 0)
        + encoding.element(0x00081030, b"LO", _even(text))
        + encoding.element(0x00420011, b"OB", bytes(bulk))
        + encoding.element(0x7FE00010, b"OW", bytes(bulk))
    )


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)


def _file(
    syntax: str,
    instance: str = "1.2.4",
    reference: bytes = b"1.2.3",
    text: bytes = b"CT CHEST",
    bulk: int = 40,
    items: int = 1,
) -> bytes:
    meta = file_meta("1.2.840.10008.5.1.4.1.1.2", instance, syntax)
    return meta + _dataset(ENCODINGS[syntax], instance.encode(), reference, text, bulk, items)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layouts")


@pytest.fixture(scope="module")
def read(folder):
    def read(data: bytes) -> Layout:
        path = folder / "file"
        path.write_bytes(data)
        with opened(path) as source:
            return source.layout

    return read


@pytest.fixture(scope="module")
def said(folder):
    """What is found in a file, or the reason why nothing is."""

    def said(data: bytes) -> object:
        path = folder / "file"
        path.write_bytes(data)
        try:
            with opened(path) as source:
                return _said(source)
        except (MalformedFile, Quarantined) as error:
            return type(error), error.reason

    return said


def _said(source: Source) -> object:
    layout, spans, buffer = source.layout, source.spans, source.buffer
    assert source.spans == [source.places.span(number) for number in range(len(spans))]
    assert [*map(len, source.elements)] == [0 if is_long(span) else span[5] - span[2] for span in spans]
    assert all(raw == buffer[span[2] : span[5]] for raw, span in zip(source.elements, spans, strict=True) if raw)
    tags = tuple(layout.first)
    short = [tag for tag in tags if not is_long(source.first(tag))]
    assert all(source.values((tag, 0x00091010))[0].rstrip(b" \0") == source.value(tag) for tag in short)
    assert [source.first(tag) for tag in tags] == [next(span for span in spans if span[0] == tag) for tag in tags]
    assert source.first(0x00091010) is None
    return (
        source.start, source.encoding, source.transfer_syntax, spans, source.slack, layout.first, layout.groups,
        layout.vrs, layout.sequences, layout.long,
    )  # fmt: skip


def forget() -> None:
    layouts._known.clear()
    layouts._latest = ()


@pytest.mark.parametrize("syntax", ENCODINGS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3), late=st.booleans())
def test_recognized_files_are_scanned_ones(read, said, syntax, changes, late):
    data = bytearray(_file(syntax))
    for at, value in changes:
        data[len(data) - 140 + at % 140 if late else 128 + at % (len(data) - 128)] = value
    forget()
    expected = said(bytes(data))
    forget()
    read(_file(syntax))
    read(_file(syntax, "1.2.34567", b"1.2.3.99", b"a study", 44, 3))  # every element varies from now on
    read(_file(syntax, "1.2.34567", b"1.2.4.99", b"a study", 44, 3))
    assert said(bytes(data)) == expected


@pytest.mark.parametrize("syntax", ENCODINGS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    files=st.lists(
        st.tuples(
            st.integers(0, 10**9).map(lambda number: f"1.2.{number}"),
            st.integers(0, 10**9).map(lambda number: b"1.3.%d" % number),
            st.binary(max_size=80).filter(lambda text: len(text) % 2 == 0),
            st.sampled_from([0, 2, 254, 256, 65522, 65524, 65526, 70000]),
            st.integers(0, 3),
        ),
        min_size=4,
        max_size=9,
    )
)
def test_files_that_differ_in_lengths_are_of_one_layout(said, read, syntax, files):
    forget()
    written = [_file(syntax, *file) for file in files]
    scans = []
    for data in written:
        forget()
        scans.append(said(data))
    forget()
    assert [said(data) for data in written] == scans
    assert [said(data) for data in written] == scans
    header = 8 if syntax == IMPLICIT else 12
    are_long = {bulk + header > LONGEST_ELEMENT for *_, bulk, _ in files}
    assert len({id(read(data)) for data in written}) == len(are_long)


@pytest.mark.parametrize("syntax", ENCODINGS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    files=st.lists(
        st.tuples(
            st.sampled_from(["1.2.4", "1.2.5", "1.2.45"]),
            st.sampled_from([b"1.2.3", b"1.2.34"]),
            st.sampled_from([b"CT CHEST", b"MR KNEES", b"MR"]),
            st.sampled_from([40, 44]),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_what_differs_between_files_is_found(folder, syntax, files):
    forget()
    before = []
    for file in files:
        (folder / "file").write_bytes(_file(syntax, *file))
        with opened(folder / "file") as source:
            elements, raw = source.elements, [*source.elements]
        for other, others in before:
            expected = [(number, mine) for number, mine in enumerate(raw) if mine != others[number]]
            assert elements.differing(other) == expected
        before.append((elements, raw))


def _large(syntax: str, text: bytes = b"CT CHEST", padding: int = 30, pixels: int = 70000) -> bytes:
    """Pixels that a short element follows, as scanners of one maker write them."""
    whole = _file(syntax, text=text)
    encoding = ENCODINGS[syntax]
    before = whole[: -len(encoding.element(0x7FE00010, b"OW", bytes(40)))]
    padded = encoding.element(0xFFFCFFFC, b"OB", bytes(padding)) if padding else b""
    return before + encoding.element(0x7FE00010, b"OW", bytes(pixels)) + padded


@pytest.mark.parametrize("syntax", ENCODINGS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    padding=st.sampled_from([0, 2, 30]),
    text=st.binary(max_size=40).filter(lambda text: len(text) % 2 == 0),
    pixels=st.sampled_from([70000, 70002, 140000]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.integers(0, 255)), max_size=2),
    cut=st.sampled_from([0, 0, 0, 1, 2, 30, 50, 70000]),
)
def test_the_ends_of_a_large_file_tell_what_all_of_it_does(said, read, syntax, padding, text, pixels, changes, cut):
    data = bytearray(_large(syntax, text, padding, pixels))
    for at, early, value in changes:
        data[128 + at if early else len(data) - 1 - at % 50] = value
    data = data[: len(data) - cut]
    forget()
    expected = said(bytes(data))
    forget()
    for known in (b"CT CHEST", b"CT ABDOMEN", b"MR"):
        read(_large(syntax, known))
    assert said(bytes(data)) == expected


def test_a_large_file_that_is_recognized_is_mapped_only_when_it_is_asked_for(folder):
    forget()
    for text in (b"CT CHEST", b"CT ABDOMEN"):
        (folder / "file").write_bytes(_large(EXPLICIT, text))
        opened(folder / "file").__exit__()
    data = _large(EXPLICIT, b"MR")
    (folder / "file").write_bytes(data)
    with opened(folder / "file") as source:
        assert source.value(0x00081030) == b"MR"
        assert len(source.held) == 1
        assert source.read(0, 200) == data[:200]
        assert len(source.held) == 1
        assert source.buffer[:] == data
        assert len(source.held) == 2
    assert source.held == []


def test_another_transfer_syntax_of_the_same_length_is_another_layout(read):
    data = _file(EXPLICIT)
    read(data)
    other = data.replace(EXPLICIT.encode() + b"\0", b"1.2.840.10008.1.2.9\0")
    assert len(other) == len(data)
    assert other != data
    with pytest.raises(Quarantined, match="unknown-transfer-syntax"):
        read(other)


def test_a_new_value_needs_no_new_layout_and_memory_is_bounded(read):
    forget()
    data = _file(EXPLICIT)
    first = read(data)
    assert not first.met
    assert read(data.replace(b"CT CHEST", b"MR KNEES")) is first
    assert first.met
    assert read(data.replace(b"1.2.4\0", b"1.2.5\0")) is first  # in the file meta information too
    for number in range(100):
        other = data + b"".join(EXPLICIT_LITTLE.element(0x7FE10010, b"LO", b"") for _ in range(number + 1))
        read(other)
        for size in range(3):
            assert read(_file(EXPLICIT, text=b"x" * 2 * size)) is first
    assert len(layouts._known) <= 64
    for number in range(100):
        read(_file(EXPLICIT, f"1.2.{10**number}"))
    assert all(len(known.recent) <= 16 for known in layouts._known.values())


def test_a_layout_that_is_met_often_is_not_forgotten(read):
    data = _file(IMPLICIT)
    for number in range(20):
        read(data)
        again = read(data)
        other = data.replace(b"\x30\x10", bytes([0x31 + number, 0x10]))
        assert 0x00081031 + number in read(other).first
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
    assert 0xFFFAFFFC in read(other).first


def test_what_follows_no_preamble_or_is_deflated_is_never_taken_for_what_it_is_not(read, said, encode, make_dataset):
    bare = _file(EXPLICIT)[said(_file(EXPLICIT))[0] :]
    assert read(bare) is not read(bare)
    dataset = make_dataset()
    deflated = encode(dataset, DEFLATED)
    assert read(deflated).transfer_syntax == DEFLATED
    assert read(deflated) is not read(deflated)
    inflated = encode(dataset, EXPLICIT)
    assert read(inflated[said(inflated)[0] :]).transfer_syntax == EXPLICIT


def test_a_file_may_end_with_its_file_meta_information(folder, deidentify, encode, make_dataset):
    data = file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.4", EXPLICIT)
    (folder / "file").write_bytes(data)
    for _ in range(2):
        with opened(folder / "file") as source:
            assert source.spans == []
            assert source.values((0x00080018, 0x0020000D)) == (b"", b"")
            assert source.value(0x00080018) == b""
            assert source.start == len(data)
    outcome, _ = deidentify({"image": encode(make_dataset()), "nothing": data})
    assert [result.reason for result in outcome.files] == ["", "missing-identifiers"]


def test_a_large_file_of_another_layout_is_not_read_into_memory(read):
    forget()
    for text in (b"CT CHEST", b"CT ABDOMEN"):
        read(_file(IMPLICIT, text=text))
    other = _Watched(_file(IMPLICIT, text=bytes(10**6)))
    assert layouts.recognized(other, len(other)) is None
    known = _Watched(_file(IMPLICIT, text=b"MR"))
    assert layouts.recognized(known, len(known)) is not None
    assert 0 < _Watched.most < 1000


class _Watched(bytes):
    """Knows how many bytes were taken from it at once."""

    most = 0

    def __getitem__(self, key):
        taken = super().__getitem__(key)
        _Watched.most = max(_Watched.most, len(taken))
        return taken
