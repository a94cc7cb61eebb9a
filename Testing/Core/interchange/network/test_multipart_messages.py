"""Messages of several parts, whatever pieces they come in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.interchange.network.multipart import BrokenMultipart, FilesBody, media_type, read_parts

CONTENTS = st.lists(
    st.binary(max_size=60) | st.sampled_from([b"\r\n", b"\r\n--", b"--b", b"\r\n--B", b"\r"]), max_size=5
)


def message(contents, preamble=b""):
    parts = b"".join(b"\r\n--BOUND\r\nContent-Type: application/dicom\r\n\r\n" + one for one in contents)
    return preamble + parts + b"\r\n--BOUND--\r\n"


def pieces(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(contents=CONTENTS, size=st.integers(1, 50), preamble=st.sampled_from([b"", b"hello\r\n"]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_parts_come_out_as_they_went_in(contents, size, preamble):
    found = [b"".join(part) for part in read_parts(pieces(message(contents, preamble), size), "BOUND")]
    assert found == contents


@given(size=st.integers(1, 40), data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_cut_message_is_told_from_a_whole_one(size, data):
    whole = message([b"one" * 9, b"two" * 9])
    cut = whole[: data.draw(st.integers(0, len(whole) - 5))]
    found = []

    def read():
        found.extend(b"".join(part) for part in read_parts(pieces(cut, size), "BOUND"))

    with pytest.raises(BrokenMultipart):
        read()
    assert found == [b"one" * 9, b"two" * 9][: len(found)]


def test_a_part_that_is_not_read_does_not_disturb_the_next():
    found = [
        next(part) if number else b"" for number, part in enumerate(read_parts([message([b"a" * 99, b"b"])], "BOUND"))
    ]
    assert found == [b"", b"b"]


def test_media_types():
    header = 'Multipart/Related; type="application/dicom"; boundary="a=b;c"'
    assert media_type(header) == ("multipart/related", "a=b;c")
    assert media_type("") == ("application/octet-stream", "")


@pytest.mark.parametrize("block", [1, 7, 16384, -1])
def test_what_is_sent_can_be_read(tmp_path, block):
    files = []
    for name, content in (("a", b"first\r\n--"), ("b", b""), ("c", b"x" * 3000)):
        (tmp_path / name).write_bytes(content)
        files.append((tmp_path / name, len(content)))
    body = FilesBody(files)
    kind, boundary = media_type(body.content_type)
    sent = []
    while piece := body.read(block):
        sent.append(piece)
    assert kind == "multipart/related"
    assert len(body) == sum(map(len, sent))
    assert [b"".join(part) for part in read_parts(sent, boundary)] == [path.read_bytes() for path, _ in files]
