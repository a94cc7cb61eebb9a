"""JPEG XL: the code stream stays bit for bit, what may hold anything else goes or waits.

Samples were made by libjxl (through imagecodecs) from gradients; of the large one only the header is here, since what
its sections hold does not matter.
"""

import base64
import re
import struct

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import HTJ2KLossless

from DeidentifyStudyCore.dicom.codestream import begins_image, stripped
from DeidentifyStudyCore.dicom.jpegxl import end_of_code_stream
from DeidentifyStudyCore.errors import Quarantined

LOSSLESS, RECOMPRESSED, ANY = (f"1.2.840.10008.1.2.4.11{number}" for number in range(3))
SECRET = b"Quaxelbrindt"
GREY = base64.b85decode("{|ZAuP}~Rz1OWhO081z()}a&>1fmUypQLFrfcI98zHAOI5lA@")
CODE_STREAMS = {
    "grey": GREY,
    "colour, lossy": base64.b85decode("{|W;K0n`A~PZ9ut3YAgD4PMUmeEFfnV%o-ahPK+au!OPMUKk`K6dIg1PB;z#WC$lrR;iUFh9m<6"),
    "several groups": base64.b85decode(
        "{|Z=%b_EEE8vzIc0RS)n006)NBtQZbzyTZpOBjn4fQ|nj0DuVqBZmB?VBZDPOkN6LG0wgV0}v$uAUn;z3xiji5&)ylC;`A64g(O60MKj&"
    ),
    "sections in another order": base64.b85decode(
        "{|cHxXdi)~xDf~f0Vtu&bQ7qrf`E{qB7k9lL4YBE0f0w<2Y>^30{~pX6<om;T)`Dw!4+J=6<om;T)`Dw!4+J=6<om;T)`Dw!4+J=6<om;T)`"
        "Dw!4+J=6<om;T)`Dw!4+J=6<om;T)`Dw!4+J=6<om;T)`Dw!4+J=6<om;T)`Dw!4&|&6<om;T)`Dw!4+Hq08~L0R6!L~K^0U%6#zgL000"
    )
    + bytes(7421 - 170),
}
FILE_OF_JPEG = base64.b85decode(
    "0000CN?1%F4GM<}0000KW^{RQYItlQ00000YItlQ0000JYItmL00000{|ZAuP}~Rr009JQVsd1`4Il_D0|EeqfRL+7002P9QQ3l_IR7Vzj1kH>"
    "rxdgwAw!s@4l>L@=?*nmA2OVL%z#4<DlBr)umjsi4gLEg%N%yxfrg^{UyO0aB$sUR$tb5hGtD*Id^65D3q3T^MH_uI(n(7_HPuyHeKpoui#;~k"
    "Wt)9A+G)!@H{EsHeK+2D3qCmEg&Tf2;)zEt`Q(&WZu#YyXCAufqmy2`>8GQfdhD{#PJ8XP-;R6k!3#e;@x>c|Jo3p$Fa7k?S8x6G*k=!Z_~MUG"
    "e);B~kAC{_$1nf<^w)3y{rKnq5AXv3000XJfZzZSN=8XW009920096200093008i6cx-Th0005tTL2IMbOQ)@2zUs1{{IdD02lxW009610001h"
    "fF+4z#NDKasOlPn3lRJY1PUZ6C@7E#yN+lZV`Gesj7DROk;saT!O_OpScG=iSaTS)k+^`@_mRM)kIq~yATX&DK#Xd`4gdmDu)k%DgF`<BiOO=T"
    "q$=73YY5yaBJ6qvk6uVc5Kpi!pd=Cy0gPC;Uo!TYm6Jk9WztOo6>aEJgx>%Wc)fyaAEY9PB_S68jUbSRMJQx>dFL$BPZ6ie=_c7qG-WBmSBnU|"
    "UO~GLQjC=msA7l@0Ym@*00000P?7)"
)


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def long_box(kind, content):
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


START = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")


def part(number, content, *, last=False):
    return box(b"jxlp", struct.pack(">I", number | last << 31) + content)


FILES = {
    "one box": START + box(b"Exif", SECRET) + box(b"jxlc", GREY) + box(b"xml ", SECRET),
    "to the end": START + box(b"brob", b"xml " + SECRET) + b"\0\0\0\0jxlc" + GREY,
    "long": START + long_box(b"jumb", SECRET) + long_box(b"jxlc", GREY),
    "parts": START + part(0, GREY[:9]) + box(b"jbrd", SECRET) + part(1, GREY[9:20]) + part(2, GREY[20:], last=True),
    "followed": START + part(0, GREY, last=True) + SECRET,
}


def left(content, syntax=LOSSLESS):
    before = b"..."
    pieces = stripped(before + content, len(before), len(before + content), syntax)
    return b"".join(piece if isinstance(piece, bytes) else (before + content)[slice(*piece)] for piece in pieces)


@pytest.mark.parametrize("kind", CODE_STREAMS)
def test_a_code_stream_stays_to_its_last_byte(kind):
    content = CODE_STREAMS[kind]
    assert end_of_code_stream(content) == len(content)
    assert left(content) == content
    assert end_of_code_stream(content + b"\0") == len(content)
    assert begins_image(content, 0, len(content), ANY)


@pytest.mark.parametrize("kind", ["grey", "colour, lossy", "several groups"])
def test_what_follows_a_code_stream_goes(kind):
    assert left(CODE_STREAMS[kind] + SECRET) == CODE_STREAMS[kind]


def test_sections_in_another_order_must_fill_the_image():
    with pytest.raises(Quarantined, match="compressed-metadata"):
        left(CODE_STREAMS["sections in another order"] + SECRET)


@pytest.mark.parametrize("kind", FILES)
def test_of_a_file_only_its_code_stream_stays(kind):
    assert left(FILES[kind]) == GREY
    assert begins_image(FILES[kind], 0, len(FILES[kind]), LOSSLESS)


def test_what_a_jpeg_held_besides_its_image_goes():
    """Its code stream lies in two parts, before and behind the box that tells the JPEG's segments."""
    first, second = (match.start() for match in re.finditer(b"jxlp", FILE_OF_JPEG))
    size = int.from_bytes(FILE_OF_JPEG[first - 4 : first], "big")
    assert first < FILE_OF_JPEG.index(b"jbrd") < second
    expected = FILE_OF_JPEG[first + 8 : first - 4 + size] + FILE_OF_JPEG[second + 8 :]
    assert left(FILE_OF_JPEG, RECOMPRESSED) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        SECRET,
        b"\xff\x0a",
        b"\xff\x0a" + SECRET * 9,
        START,
        START + box(b"Exif", SECRET),
        START + box(b"jxlc", SECRET),
        START + part(1, GREY, last=True),
        START + part(0, GREY),
        START + b"\0\0\0\4jxlc" + GREY,
        START + struct.pack(">I4s", 4000, b"jxlc") + GREY,
        box(b"JXL ", SECRET[:4]) + box(b"jxlc", GREY),
        *(GREY[:size] for size in range(2, len(GREY))),
    ],
)
def test_what_is_none_or_breaks_off_waits(content):
    with pytest.raises(Quarantined):
        left(content)


def code_stream(metadata="1", frame="0 00 1 00 00 10 00 0 00 1 00 1 00", table="0"):
    """An image of 8 x 8 with these bits in its headers, and one section of 5 bytes."""

    def packed(*fields):
        bits = "".join(fields).replace(" ", "")
        bits += "0" * (-len(bits) % 8)
        return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))

    size = "1 00000 100"  # 8 rows, and as many columns
    return b"\xff\x0a" + packed(size, metadata, "1") + packed(frame, table) + packed("00", f"{5:010b}"[::-1]) + b"12345"


def test_headers_of_numbers_are_read():
    plain = code_stream()
    assert end_of_code_stream(plain) == len(plain)
    # orientation, 12 bits, no XYB, linear grey; then a frame whose smoothing is told
    told = "0 1 010 0 00 0 01 1 00 0 0 0 10 10 0 01 0110 10 1 00"
    frame = "0 00 1 00 0 00 10 00 0 00 1 00 0 0 01 0 0" + "0" * 16 + "00 00"
    full = code_stream(told, frame)
    assert end_of_code_stream(full) == len(full)


@pytest.mark.parametrize(
    "headers",
    [
        {"metadata": "0 1 000 0 1"},  # a preview
        {"metadata": "0 1 000 0 0 1"},  # animation
        {"metadata": "0 0 0 00 1 10 0000"},  # extra channels
        {"metadata": "0 0 0 00 1 00 1 0 1"},  # an ICC profile
        {"metadata": "0 0 0 00 1 00 1 1 01 0000"},  # extensions
        {"frame": "0 00 1 00 00 10 00 0 00 1 01 0011" + "01010001" * 3 + "1 00"},  # a name
        {"frame": "0 00 1 00 00 10 00 0 00 1 00 1 01 0000"},  # extensions
        {"frame": "0 00 1 00 00 10 00 0 00 1 00 0 0 00 01 0000"},  # extensions of smoothing
        {"frame": "0 00 1 00 00 10 00 0 00 0 00 1 00"},  # further frames
        {"frame": "0 10 1 00 00 10"},  # a frame that others refer to
        {"frame": "0 00 1 00 00 10 00 1"},  # a place of its own
        {"frame": "0 00 1 00 00 10 00 0 01"},  # blended
    ],
)
def test_headers_that_may_hold_anything_wait(headers):
    with pytest.raises(Quarantined, match="compressed-metadata"):
        end_of_code_stream(code_stream(**headers) + bytes(40))


@pytest.fixture
def jpeg_xl(make_dataset, encode):
    def make(fragments, **attributes):
        dataset = make_dataset(Rows=16, Columns=16, BitsAllocated=8, BitsStored=8, HighBit=7, **attributes)
        dataset.PixelData = encapsulate(fragments, has_bot=True)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        content = encode(dataset, HTJ2KLossless)  # pydicom writes no syntax that it does not know
        assert content.count(HTJ2KLossless.encode()) == 1
        return content.replace(HTJ2KLossless.encode(), LOSSLESS.encode())

    return make


def test_objects_are_written_with_their_frames_alone(jpeg_xl, deidentify):
    outcome, destination = deidentify({"a": jpeg_xl([FILES["parts"], GREY], NumberOfFrames=2)})
    assert [result.reason for result in outcome.files] == [""]
    written = pydicom.dcmread(destination / outcome.files[0].output)
    assert written.file_meta.TransferSyntaxUID == LOSSLESS
    frames = [*generate_frames(written.PixelData, number_of_frames=2)]
    assert [frame[: len(GREY)] for frame in frames] == [GREY, GREY]
    assert all(len(frame) <= len(GREY) + 1 for frame in frames)
    assert SECRET not in written.PixelData


def test_an_object_that_must_be_searched_waits_for_a_decoder(jpeg_xl, deidentify):
    content = jpeg_xl([GREY], Modality="US", SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1")
    outcome, _ = deidentify({"a": content}, "research-shifted-dates")
    assert [result.reason for result in outcome.files] == ["undecodable-pixels"]


def test_an_image_that_cannot_be_read_waits(jpeg_xl, deidentify):
    outcome, _ = deidentify({"a": jpeg_xl([b"\xff\x0a" + SECRET * 4])})
    assert [result.reason for result in outcome.files] == ["compressed-metadata"]


def test_noise_ends_in_the_one_error():
    generator = np.random.default_rng(5)
    ended = 0
    for _ in range(400):
        content = bytearray(generator.choice([GREY, *CODE_STREAMS.values(), *FILES.values()]))
        for at in generator.integers(0, min(len(content), 60), 3):
            content[at] = generator.integers(256)
        try:
            assert len(left(bytes(content))) <= len(content)
        except Quarantined:
            ended += 1
    assert ended > 50
