"""Numbers that are somebody's, and text among samples: found, and not seen where there is none."""

import math
import struct

import numpy as np
import pytest

from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.numerals import significant_digits, spoken_numbers, tells_long_number, whole_number
from DeidentifyStudyCore.rules.hidden_text import holds_text


@pytest.fixture(scope="module")
def echo():
    builder = EchoBuilder()
    builder.add_identifier("0007391846")
    builder.add_identifier("+1 (555) 013-4998")
    builder.add_date("19570312", of_birth=True)
    return builder.built()


@pytest.mark.parametrize(
    ("text", "number"),
    [("7391846", 7391846), ("+7391846.0", 7391846), ("7.391846E6", 7391846), ("-5 ", 5), ("1.5", None), ("E", None),
     ("1e400", None), ("nan", None), ("", None), ("٣٤٥", 345)],
)  # fmt: skip
def test_whole_numbers_however_they_are_written(text, number):
    assert whole_number(text) == number


def test_digits_that_tell_something():
    assert [significant_digits(number) for number in (370000000, 7391846, 10)] == [2, 7, 1]


@pytest.mark.parametrize(
    ("vr", "form", "value"),
    [("UL", "I", 7391846), ("SL", "i", -7391846), ("FL", "f", 7391846.0), ("FD", "d", 7391846.0), ("SV", "q", 7391846),
     ("UV", "Q", 15550134998), ("FD", "d", 15550134998.0), ("FD", "d", 19570312.0), ("UL", "I", 12031957)],
)  # fmt: skip
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("around", [0, 3])
def test_the_patients_numbers_are_found_in_binary(vr, form, value, big, around, echo):
    order = ">" if big else "<"
    content = struct.pack(f"{order}{2 * around + 1}{form}", *[1] * around, value, *[2] * around)
    assert echo.is_in_numbers(vr, content, big=big)
    assert not echo.is_in_numbers(vr, struct.pack(f"{order}3{form}", 1, 200, 12345), big=big)


def test_numbers_that_are_none_are_passed_over(echo):
    assert list(spoken_numbers("FD", struct.pack("<d", math.nan), big=False)) == []
    assert list(spoken_numbers("FL", struct.pack("<3f", math.inf, -math.inf, math.nan), big=False)) == []
    assert echo.is_in_numbers("AT", struct.pack("<HH", 0x1957, 0x0312), big=False)
    assert not echo.is_in_numbers("AT", struct.pack("<HH", 0x0018, 0x1063), big=False)


def test_digits_of_an_identifier_are_found_without_its_letters():
    builder = EchoBuilder()
    builder.add_identifier("JP-0087-4432")
    echo = builder.built()
    assert echo.is_number("874432")
    assert echo.is_in("study 00874432")
    assert not echo.is_number("4432")


def test_a_number_with_other_zeros_before_it_is_the_same(echo):
    assert all(map(echo.is_number, ("7391846", "007391846", "7391846.00", "19570312")))
    assert not any(map(echo.is_number, ("739184", "73918460", "7391846.5", "12")))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("tag", "vr", "form", "value", "told"),
    [
        (0x00720078, "UL", "I", 58824248, True),  # Selector UL Value
        (0x00720074, "FD", "d", 58824248.0, True),  # Selector FD Value
        (0x00720078, "UL", "I", 58800000, False),  # six digits
        (0x00720078, "UL", "I", 588242, False),
        (0x00720078, "UL", "I", 0xFFFFFFFF, False),  # no limit
        (0x00720074, "FD", "d", 58824248.5, False),  # measured
        (0x00480006, "UL", "I", 1234567, False),  # Total Pixel Matrix Columns
        (0x003A0010, "UL", "I", 1234567, False),  # Number of Waveform Samples
        (0x00409213, "FD", "d", 16777215.0, False),  # Double Float Real World Value Last Value Mapped
        (0x00189098, "FD", "d", 123254321.0, False),  # Transmitter Frequency
        (0x00720076, "FL", "f", 16777215.0, False),
        (0x20051010, "UL", "I", 58824248, False),  # private: its own table decides
    ],
)  # fmt: skip
def test_long_numbers_in_binary_stay_where_so_much_is_counted(tag, vr, form, value, told, big):
    assert tells_long_number(tag, vr, struct.pack((">" if big else "<") + form, value), big=big) is told


NOISE = np.random.default_rng(4)


@pytest.mark.parametrize(
    "value",
    [
        b"Hufigovoz^Segobotux",
        b"gilibijomoromoz ",
        b"477571656d696e617a5e5669766f73616d656b  ",
        b"12/25/1960  ",
        "Hufigovoz".encode("utf-16-le"),
        b"\0" + "Hufigovoz".encode("utf-16-be")[:-1],
        NOISE.bytes(500) + b"Hufigovozega" + NOISE.bytes(500),
        bytes(900) + b"MRN30806360" + bytes(90),
        b"SHVmaWdvdm96XlNlZ29ib3R1eA==",
    ],
)
def test_text_among_numbers_is_seen(value):
    assert holds_text(value)


@pytest.mark.parametrize(
    "value",
    [
        bytes(range(256)),
        bytes(range(255, -1, -1)) * 4,
        b"A" * 512,
        np.arange(4096, dtype="<u2").tobytes(),
        np.linspace(0, 65535, 256).astype("<u2").tobytes(),
        np.linspace(0, 65535, 4096).astype(">u2").tobytes(),
        np.repeat(np.arange(256), 2).astype("u1").tobytes(),
        (2000 * np.sin(np.arange(5000) / 40)).astype("<i2").tobytes(),
        np.arange(500, dtype="<u4").tobytes(),
        np.repeat(np.arange(0, 255, 3), 2).astype("u1").tobytes(),
        (16000 + 4000 * np.sin(np.arange(50000) / 400) + NOISE.integers(0, 30, 50000)).astype("<i2").tobytes(),
        NOISE.normal(size=5000).astype("<f4").tobytes(),
        NOISE.normal(size=5000).tobytes(),
        NOISE.integers(0, 4096, 20000).astype("<u2").tobytes(),
        NOISE.bytes(100000),
        b"",
    ],
)
def test_tables_and_samples_hold_none(value):
    assert not holds_text(value)


TENTHS = np.arange(10000) / 10


@pytest.mark.parametrize(("vr", "kind"), [("FD", "f8"), ("FL", "f4")])
@pytest.mark.parametrize("big", [False, True])
def test_numbers_that_look_like_text_are_numbers(vr, kind, big):
    order = ">" if big else "<"
    seeming = [number for number in TENTHS if holds_text(np.array([number], order + kind).tobytes())]
    assert (len(seeming) > 0) is (kind == "f8")  # 22.4 is ffffff6@
    assert not any(holds_text(np.array([number], order + kind).tobytes(), vr, big=big) for number in seeming)
    triples = NOISE.choice(TENTHS, (2000, 3)).astype(order + kind)
    assert not any(holds_text(triple.tobytes(), vr, big=big) for triple in triples)


@pytest.mark.parametrize(("vr", "kind"), [("OF", "<f4"), ("OD", "<f8")])
@pytest.mark.parametrize("spread", [NOISE.normal(900, 250, 16384), NOISE.gamma(2, 2, 16384)])
def test_samples_that_look_like_text_are_numbers(vr, kind, spread):
    assert not holds_text(spread.astype(kind).tobytes(), vr)
    assert not holds_text(np.round(spread, 1).astype(kind).tobytes(), vr)


@pytest.mark.parametrize("vr", ["FL", "FD", "OF", "OD"])
@pytest.mark.parametrize(
    "text", [b"HOLLINGSWORTH MARJORIE  ", b"Winterbottom^Zenobia    ", b"7740192 ", b"Grunwald", b"DOB 14.07.1931  "]
)
def test_text_among_floating_point_numbers_is_seen(vr, text):
    assert holds_text(text, vr)
    assert holds_text(text, vr, big=True)
    if vr[0] == "O" and len(text) > 16:
        kind = "<f4" if vr == "OF" else "<f8"
        samples = bytearray(NOISE.normal(900, 250, 16384).astype(kind).tobytes())
        for place in (8000, 8003):
            samples[place : place + len(text)] = text
            assert holds_text(bytes(samples), vr)
