"""RLE in several fragments, frames that are deflated one by one, and frames in fragments that are not compressed."""

import struct
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended, generate_fragments, generate_frames
from pydicom.pixels import get_encoder
from pydicom.uid import JPEGLSLossless, RLELossless

from DeidentifyStudyCore.profile import load_profile

DEFLATED_FRAMES, UNCOMPRESSED = "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.1.98"
SECRET = b"Quaxelbrindt"


def pixels_of(frames, allocated=16):
    values = np.random.default_rng(3).integers(0, 4000 if allocated == 16 else 250, (frames, 64, 80))
    values[:, :40] = 7
    return values.astype(f"<u{allocated // 8}")


def described(make_dataset, pixels, **attributes):
    frames, rows, columns = pixels.shape
    dataset = make_dataset(Rows=rows, Columns=columns, **attributes)
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = 12 if pixels.itemsize == 2 else 8
    dataset.HighBit = dataset.BitsStored - 1
    if frames > 1:
        dataset.NumberOfFrames = frames
    return dataset


def file_of(dataset, encode, pixel_data, syntax):
    dataset.PixelData = pixel_data
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    if syntax == RLELossless:
        return encode(dataset, syntax)
    written, own = JPEGLSLossless.encode(), syntax.encode()  # pydicom writes no syntax that it does not know
    content = encode(dataset, JPEGLSLossless)
    assert content.count(written) == 1
    return content.replace(written, own + bytes(len(written) - len(own)))


def parts_of(data):
    """Fragments without the Basic Offset Table."""
    return [*generate_fragments(data)][1:]


def in_rle(pixels):
    described = {
        "rows": pixels.shape[1], "columns": pixels.shape[2], "samples_per_pixel": 1, "number_of_frames": 1,
        "bits_allocated": 8 * pixels.itemsize, "bits_stored": 12, "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2",
    }  # fmt: skip
    return [bytes(get_encoder(RLELossless).encode(frame, **described)) for frame in pixels]


def halved(frame):
    middle = len(frame) // 4 * 2
    return [frame[:middle], frame[middle:]]


def of_fragments(parts, offsets=()):
    """Encapsulated pixel data of these fragments; the table has the offsets of those with these numbers."""
    starts = np.cumsum([0, *(8 + len(part) for part in parts)])
    table = b"".join(struct.pack("<I", starts[number]) for number in offsets)
    items = [struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in (table, *parts)]
    return b"".join(items)


def written(outcome_and_destination):
    outcome, destination = outcome_and_destination
    assert [result.reason for result in outcome.files] == [""]
    return pydicom.dcmread(destination / outcome.files[0].output)


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("table", ["basic", "extended", "none"])
def test_frames_of_rle_in_several_fragments_become_one_each(frames, table, make_dataset, encode, deidentify):
    pixels = pixels_of(frames)
    whole = in_rle(pixels)
    parts = [half for frame in whole for half in halved(frame)]
    dataset = described(make_dataset, pixels)
    offsets = range(0, 2 * frames, 2)
    if table == "extended":
        starts = np.cumsum([0, *(8 + len(part) for part in parts)])
        dataset.ExtendedOffsetTable = b"".join(struct.pack("<Q", starts[number]) for number in offsets)
        dataset.ExtendedOffsetTableLengths = b"".join(struct.pack("<Q", len(frame)) for frame in whole)
    data = of_fragments(parts, offsets if table == "basic" else ())
    result = written(deidentify({"a": file_of(dataset, encode, data, RLELossless)}))
    assert parts_of(result.PixelData) == whole
    assert np.array_equal(result.pixel_array.reshape(pixels.shape), pixels)
    if table == "extended":
        lengths = np.frombuffer(result.ExtendedOffsetTableLengths, "<u8").tolist()
        assert lengths == [len(frame) for frame in whole]
        assert (
            np.frombuffer(result.ExtendedOffsetTable, "<u8").tolist()
            == np.cumsum([0, *(8 + n for n in lengths[:-1])]).tolist()
        )


def test_what_follows_the_runs_of_a_frame_in_fragments_is_blanked(make_dataset, encode, deidentify):
    pixels = pixels_of(1)
    (whole,) = in_rle(pixels)
    data = of_fragments([*halved(whole), SECRET])
    result = written(deidentify({"a": file_of(described(make_dataset, pixels), encode, data, RLELossless)}))
    assert SECRET not in result.PixelData
    assert np.array_equal(result.pixel_array, pixels[0])


def deflated(frame, rest=b""):
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    content = deflater.compress(frame.tobytes()) + deflater.flush() + rest
    return content + bytes(len(content) % 2)


def inflated(fragment):
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(fragment)


@pytest.mark.parametrize("allocated", [8, 16])
@pytest.mark.parametrize("frames", [1, 3])
def test_deflated_frames_keep_their_bytes(frames, allocated, make_dataset, encode, deidentify):
    pixels = pixels_of(frames, allocated)
    fragments = [deflated(frame) for frame in pixels]
    content = file_of(described(make_dataset, pixels), encode, encapsulate(fragments, has_bot=True), DEFLATED_FRAMES)
    result = written(deidentify({"a": content}))
    assert result.file_meta.TransferSyntaxUID == DEFLATED_FRAMES
    assert list(generate_frames(result.PixelData, number_of_frames=frames)) == fragments


def test_frames_of_single_bits_are_whole_bytes_each(make_dataset, encode, deidentify):
    """A segmentation of 3 frames of 5 x 5: each is deflated by itself."""
    frames = [np.packbits(np.eye(5, dtype=np.uint8).ravel(), bitorder="little") for _ in range(3)]
    dataset = make_dataset(Rows=5, Columns=5, NumberOfFrames=3, BitsAllocated=1, BitsStored=1, HighBit=0)
    fragments = [deflated(frame) for frame in frames]
    result = written(deidentify({"a": file_of(dataset, encode, encapsulate(fragments), DEFLATED_FRAMES)}))
    assert parts_of(result.PixelData) == fragments


def test_what_follows_a_deflated_frame_goes(make_dataset, encode, deidentify):
    pixels = pixels_of(2)
    fragments = [deflated(frame, SECRET) for frame in pixels]
    content = file_of(described(make_dataset, pixels), encode, encapsulate(fragments, has_bot=True), DEFLATED_FRAMES)
    result = written(deidentify({"a": content}))
    assert SECRET not in result.PixelData
    assert [inflated(part) for part in generate_frames(result.PixelData, number_of_frames=2)] == [
        frame.tobytes() for frame in pixels
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: deflated(np.append(frame.ravel(), np.frombuffer(SECRET, "<u2"))), "compressed-metadata"),
        (lambda frame: deflated(frame.ravel()[:-1]), "truncated-pixel-data"),
        (lambda frame: deflated(frame)[:-40], "truncated-pixel-data"),
        (lambda _: b"\xff\xff" + SECRET, "compressed-metadata"),
        (lambda _: deflated(np.zeros(1 << 22, np.uint8)), "compressed-metadata"),
    ],
)
def test_what_is_no_deflated_frame_waits(change, reason, make_dataset, encode, deidentify):
    pixels = pixels_of(1)
    data = encapsulate([change(pixels[0])])
    outcome, _ = deidentify({"a": file_of(described(make_dataset, pixels), encode, data, DEFLATED_FRAMES)})
    assert [result.reason for result in outcome.files] == [reason]


@pytest.mark.parametrize("frames", [1, 2])
def test_frames_that_are_not_compressed_end_where_they_end(frames, make_dataset, encode, deidentify):
    pixels = pixels_of(frames)
    dataset = described(make_dataset, pixels)
    data, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = encapsulate_extended(
        [frame.tobytes() + SECRET for frame in pixels]
    )
    result = written(deidentify({"a": file_of(dataset, encode, data, UNCOMPRESSED)}))
    assert parts_of(result.PixelData) == [frame.tobytes() for frame in pixels]
    lengths = np.frombuffer(result.ExtendedOffsetTableLengths, "<u8").tolist()
    assert lengths == [pixels[0].nbytes] * frames


def test_frames_that_are_not_compressed_hide_nothing_in_unused_bits(make_dataset, encode, deidentify):
    pixels = pixels_of(2)
    pixels[1, :20] |= np.uint16(0x8000) * (np.indices((20, 80)).sum(0) // 9 % 2).astype("<u2")
    data = encapsulate([frame.tobytes() for frame in pixels])
    outcome, _ = deidentify({"a": file_of(described(make_dataset, pixels), encode, data, UNCOMPRESSED)})
    assert [result.reason for result in outcome.files] == ["embedded-overlay"]


@pytest.mark.parametrize("syntax", [DEFLATED_FRAMES, UNCOMPRESSED])
def test_text_in_them_is_looked_for_and_filled(syntax, make_dataset, encode, deidentify):
    """An ultrasound image is blanked outside its region, and so decoded."""
    pixels = pixels_of(2, 8)
    pixels[:, :8] = 200
    dataset = described(make_dataset, pixels, Modality="US", SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1")
    region = pydicom.Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 8
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 79, 63
    region.RegionSpatialFormat, region.RegionDataType = 1, 1
    dataset.SequenceOfUltrasoundRegions = [region]
    fragments = [deflated(frame) if syntax == DEFLATED_FRAMES else frame.tobytes() for frame in pixels]
    profile = load_profile("research-shifted-dates", ("clean_pixel_data=on",))
    content = file_of(dataset, encode, encapsulate(fragments), syntax)
    result = written(deidentify({"a": content}, profile))
    assert result.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    found = result.pixel_array
    assert len(np.unique(found[:, :8])) == 1
    assert (found[:, :8] != 200).all()
    assert np.array_equal(found[:, 8:], pixels[:, 8:])
