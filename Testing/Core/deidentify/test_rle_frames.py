"""What is left over in frames of RLE is found as a walk through all runs finds it, and blanked where it lies."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom import codestream
from DeidentifyStudyCore.dicom.codestream import Piece, stripped
from DeidentifyStudyCore.errors import Quarantined

RLE = "1.2.840.10008.1.2.5"

runs = st.one_of(
    st.tuples(st.integers(129, 255), st.integers(0, 255)).map(bytes),
    st.binary(min_size=1, max_size=128).map(lambda told: bytes([len(told) - 1]) + told),
    st.just(b"\x80"),
)
segments = st.builds(
    lambda told, cut, rest: b"".join(told)[: cut if cut else None] + rest,
    st.lists(runs, max_size=12),
    st.integers(-3, 0),
    st.one_of(st.just(b""), st.just(b"\0"), st.binary(max_size=6), st.just(b"DOE^JANE\0\0")),
)


def frame_of(segments: list[bytes], between: bytes = b"") -> bytes:
    """A frame whose segments follow the header, and what lies between the two."""
    offsets = [64 + len(between)]
    for segment in segments[:-1]:
        offsets.append(offsets[-1] + len(segment))
    header = struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments)))
    return header + between + b"".join(segments)


def end_by_walk(segment: bytes, plane: int) -> int:
    """PS3.5, G.3.2, as it is written."""
    position = 0
    while plane > 0 and position < len(segment):
        control = segment[position]
        position += control + 2 if control < 128 else 2 if control > 128 else 1
        plane -= control + 1 if control < 128 else 257 - control if control > 128 else 0
    return min(position, len(segment))


def blanked_by_walk(frame: bytes, plane: int) -> bytes:
    count, *offsets = struct.unpack("<16I", frame[:64])
    result = bytearray(frame)
    bounds = [*offsets[:count], len(frame)]
    unused = [(4 + 4 * count, bounds[0])]
    unused += [(begin + end_by_walk(frame[begin:end], plane), end) for begin, end in pairwise(bounds)]
    for begin, end in unused:
        result[begin:end] = bytes(end - begin)
    return bytes(result)


def joined(buffer: bytes, pieces: list[Piece]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else buffer[slice(*piece)] for piece in pieces)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(segments, min_size=1, max_size=3), st.integers(1, 700), st.binary(max_size=4))
def test_what_no_run_needs_is_blanked_and_nothing_else(told: list[bytes], plane: int, before: bytes) -> None:
    frame = frame_of(told)
    buffer = before + frame
    pieces = stripped(buffer, len(before), len(buffer), RLE, plane)
    assert joined(buffer, pieces) == blanked_by_walk(frame, plane)
    assert (pieces == [(len(before), len(buffer))]) == (frame == blanked_by_walk(frame, plane))


@pytest.mark.parametrize("pattern", [b"\x81\0", b"\xff\7", b"\0\7", b"\2abc\xfd\0", b"\x7f" + bytes(range(128))])
@pytest.mark.parametrize("left_over", [b"", b"\0", b"DOE^JANE", b"\0\0\1", b"\1\0"])
def test_planes_of_long_and_of_short_runs(pattern: bytes, left_over: bytes) -> None:
    plane = 96 * 128
    segment = pattern * (plane // {0x81: 128, 0xFF: 2, 0: 1, 2: 7, 0x7F: 128}[pattern[0]] + 1)
    end = end_by_walk(segment, plane)
    frame = frame_of([segment[:end] + left_over, segment[:end]])
    assert joined(frame, stripped(frame, 0, len(frame), RLE, plane)) == frame_of(
        [segment[:end] + bytes(len(left_over)), segment[:end]]
    )


def test_a_plane_too_large_to_be_held_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of([b"\xff\7" * 500 + b"DOE^JANE"])
    expected = joined(frame, stripped(frame, 0, len(frame), RLE, 1000))
    monkeypatch.setattr(codestream, "_LARGEST_PLANE", 10)
    monkeypatch.setattr(codestream, "_tells", None)
    assert joined(frame, stripped(frame, 0, len(frame), RLE, 1000)) == expected
    assert b"DOE" not in expected
    assert len(expected) == len(frame)


def test_a_plane_of_unknown_size_leaves_segments_alone() -> None:
    frame = frame_of([b"\xff\7" * 5 + b"JANE"])
    assert stripped(frame, 0, len(frame), RLE) == [(0, len(frame))]


@pytest.mark.parametrize(
    "frame",
    [
        b"\1\0\0\0" + bytes(20),
        frame_of([b"\xff\7"])[:63],
        struct.pack("<16I", 0, *[0] * 15),
        struct.pack("<16I", 16, *[64] * 15),
        struct.pack("<16I", 1, 60, *[0] * 14),
        struct.pack("<16I", 2, 66, 64, *[0] * 13) + b"\xff\7\xff\7",
        struct.pack("<16I", 1, 70, *[0] * 14),
    ],
)
def test_a_table_of_segments_that_is_wrong_is_refused(frame: bytes) -> None:
    with pytest.raises(Quarantined):
        stripped(frame, 0, len(frame), RLE, 4)
