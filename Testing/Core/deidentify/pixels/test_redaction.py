"""Boxes are filled with one value that displays as black; every other sample keeps its bits, in every encoding."""

from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_decoder, get_encoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from DeidentifyStudyCore.pixels import redaction
from DeidentifyStudyCore.profile import load_profile

BOX = [-1, 3, 5, 14, 21]
INSIDE = (slice(3, 17), slice(5, 26))


def outside(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape[:2], bool)
    mask[INSIDE] = False
    return mask


def compress(dataset: pydicom.Dataset, syntax: str) -> None:
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(syntax, generate_instance_uid=False)
    dataset["PixelData"].VR = "OB"


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize(
    ("kind", "bits", "photometric"),
    [("u1", 8, "MONOCHROME2"), ("u2", 12, "MONOCHROME2"), ("i2", 16, "MONOCHROME2"), ("u2", 10, "MONOCHROME1")],
)
def test_grey_frames_in_every_syntax(kind, bits, photometric, syntax, ink, make_capture, encode, reviewed):
    if syntax == ExplicitVRBigEndian and kind == "u1":
        pytest.skip("8 bits have no byte order")
    rng = np.random.default_rng(1)
    low, high = (-2000, 2000) if kind == "i2" else (5, (1 << bits) - 5)
    frame = rng.integers(low, high, (1, 40, 60)).astype(kind)
    frame[0][ink((40, 60), (3, 5), "ABC", 12)] = high
    dataset = make_capture(frame, PhotometricInterpretation=photometric, BitsStored=bits, HighBit=bits - 1)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = frame.astype(f">{kind}").tobytes()
    after = reviewed(encode(dataset, syntax), [BOX])
    assert after.file_meta.TransferSyntaxUID == syntax
    stored = np.frombuffer(after.PixelData, f"{'>' if syntax == ExplicitVRBigEndian else '<'}{kind}").reshape(40, 60)
    mask = outside(stored.shape)
    np.testing.assert_array_equal(stored[mask], frame[0][mask])
    black = frame.max() if photometric == "MONOCHROME1" else frame.min()
    assert (stored[INSIDE] == black).all()


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_by_pixel_and_by_plane(planar, make_capture, encode, reviewed):
    frames = np.random.default_rng(2).integers(1, 256, (2, 40, 60, 3), np.uint8)
    dataset = make_capture(frames, PlanarConfiguration=planar)
    if planar:
        dataset.PixelData = frames.transpose(0, 3, 1, 2).tobytes()
    after = reviewed(encode(dataset), [[1, *BOX[1:]]])
    np.testing.assert_array_equal(after.pixel_array[0], frames[0])
    mask = outside(frames[1].shape)
    np.testing.assert_array_equal(after.pixel_array[1][mask], frames[1][mask])
    assert (after.pixel_array[1][INSIDE] == 0).all()
    assert after.PlanarConfiguration == planar


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_luminance_and_chrominance_are_black_not_green(photometric, make_capture, encode, reviewed):
    frames = np.random.default_rng(3).integers(20, 200, (1, 40, 60, 3), np.uint8)
    dataset = make_capture(frames, PhotometricInterpretation=photometric)
    if photometric == "YBR_FULL_422":
        pairs = np.random.default_rng(3).integers(20, 200, (40, 30, 4), np.uint8)
        dataset.PixelData = pairs.tobytes()
    before = pydicom.pixels.pixel_array(dataset_read(encode(dataset)))
    after = reviewed(encode(dataset), [BOX])
    shown = pydicom.pixels.pixel_array(after)
    assert (shown[INSIDE] == 0).all()
    mask = outside(shown.shape)
    if photometric == "YBR_FULL_422":
        mask[3:17, 4:6] = mask[3:17, 26:28] = False  # two pixels share one colour
    np.testing.assert_array_equal(shown[mask], before[mask])


def dataset_read(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))


def test_palette_colour_is_filled_with_its_darkest_entry(encode, reviewed):
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("examples_palette.dcm"))
    before = pydicom.pixels.pixel_array(dataset)
    dataset.file_meta = None
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    after = reviewed(encode(dataset), [[-1, 10, 20, 30, 40]])
    index = pydicom.pixels.pixel_array(after)
    assert len(np.unique(index[10:40, 20:60])) == 1
    colour = pydicom.pixels.apply_color_lut(index, after)[10, 20]
    darkest = pydicom.pixels.apply_color_lut(np.arange(256, dtype=np.uint8).reshape(1, -1), after).sum(axis=2).min()
    assert colour.astype(int).sum() == darkest
    mask = np.ones(index.shape, bool)
    mask[10:40, 20:60] = False
    np.testing.assert_array_equal(index[mask], before[mask])


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("colour", [False, True])
def test_only_touched_frames_of_compressed_objects_change(syntax, colour, make_capture, encode, reviewed):
    if not get_encoder(syntax).is_available:
        pytest.skip("no encoder for this syntax is installed")
    shape = (5, 40, 60, 3) if colour else (5, 40, 60)
    frames = np.random.default_rng(4).integers(10, 250, shape, np.uint8)
    dataset = make_capture(frames)
    compress(dataset, syntax)
    before = list(generate_frames(dataset.PixelData, number_of_frames=5))
    after = reviewed(encode(dataset, syntax), [[1, *BOX[1:]], [3, *BOX[1:]]])
    assert after.file_meta.TransferSyntaxUID == syntax
    written = list(generate_frames(after.PixelData, number_of_frames=5))
    assert [written[n] == before[n] for n in range(5)] == [True, False, True, False, True]
    mask = outside(frames[0].shape)
    for number in (1, 3):
        np.testing.assert_array_equal(after.pixel_array[number][mask], frames[number][mask])
        assert (after.pixel_array[number][INSIDE] == (0 if colour else frames[number].min())).all()


def test_offset_tables_follow_the_frames(make_capture, encode, reviewed):
    frames = np.random.default_rng(5).integers(10, 250, (4, 40, 60), np.uint8)
    dataset = make_capture(frames)
    encoded = [
        get_encoder(RLELossless).encode(
            frame, rows=40, columns=60, samples_per_pixel=1, bits_allocated=8, bits_stored=8, number_of_frames=1,
            photometric_interpretation="MONOCHROME2", pixel_representation=0,
        )
        for frame in frames
    ]  # fmt: skip
    dataset.PixelData, offsets, lengths = pydicom.encaps.encapsulate_extended(encoded)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    after = reviewed(encode(dataset, RLELossless), [[0, *BOX[1:]]])
    table = np.frombuffer(after.ExtendedOffsetTable, "<u8")
    found = list(
        generate_frames(
            after.PixelData,
            number_of_frames=4,
            extended_offsets=(after.ExtendedOffsetTable, after.ExtendedOffsetTableLengths),
        )
    )
    assert found[1:] == encoded[1:]
    assert table[1] == len(found[0]) + 8
    np.testing.assert_array_equal(after.pixel_array[1:], frames[1:])


def test_a_jpeg_cine_becomes_uncompressed_and_says_so(reviewed):
    path = pydicom.data.get_testdata_file("examples_ybr_color.dcm")
    before = pydicom.dcmread(path)
    shown = pydicom.pixels.pixel_array(before)
    after = reviewed(Path(path).read_bytes(), [[7, 0, 0, 20, 300]])
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (after.PhotometricInterpretation, after.PlanarConfiguration) == ("RGB", 0)
    assert after.LossyImageCompression == "01"
    pixels = pydicom.pixels.pixel_array(after)
    np.testing.assert_array_equal(pixels[:7], shown[:7])
    np.testing.assert_array_equal(pixels[8:], shown[8:])
    np.testing.assert_array_equal(pixels[7, 20:], shown[7, 20:])
    assert (pixels[7, :20, :300] == 0).all()


def test_without_an_encoder_the_object_is_written_uncompressed(make_capture, encode, reviewed, monkeypatch):
    frames = np.random.default_rng(6).integers(-900, 900, (3, 40, 60)).astype(np.int16)
    dataset = make_capture(frames)
    compress(dataset, RLELossless)
    monkeypatch.setattr(redaction, "_ENCODED_AS", {})
    after = reviewed(encode(dataset, RLELossless), [[2, *BOX[1:]]])
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert after["PixelData"].VR == "OW"
    np.testing.assert_array_equal(after.pixel_array[:2], frames[:2])
    assert (after.pixel_array[2][INSIDE] == frames[2].min()).all()
    assert "LossyImageCompression" not in after


def test_a_frame_of_several_fragments_is_replaced_as_a_whole(make_capture, encode, reviewed):
    frame = np.random.default_rng(8).integers(10, 250, (1, 40, 60), np.uint8)
    dataset = make_capture(frame)
    compress(dataset, RLELossless)
    (encoded,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([encoded], fragments_per_frame=3)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    after = reviewed(encode(dataset, RLELossless), [BOX])
    mask = outside(frame[0].shape)
    np.testing.assert_array_equal(after.pixel_array[mask], frame[0][mask])
    assert (after.pixel_array[INSIDE] == frame.min()).all()


def test_fragmented_frames_without_a_table_begin_where_their_code_streams_do(make_capture, encode, reviewed):
    frames = np.random.default_rng(9).integers(10, 250, (3, 40, 60), np.uint8)
    dataset = make_capture(frames)
    compress(dataset, JPEGLSLossless)
    encoded = [*generate_frames(dataset.PixelData, number_of_frames=3)]
    dataset.PixelData = encapsulate(encoded, fragments_per_frame=2, has_bot=False)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    after = reviewed(encode(dataset, JPEGLSLossless), [[1, *BOX[1:]]])
    mask = outside(frames[0].shape)
    np.testing.assert_array_equal(after.pixel_array[[0, 2]], frames[[0, 2]])
    np.testing.assert_array_equal(after.pixel_array[1][mask], frames[1][mask])
    assert (after.pixel_array[1][INSIDE] == frames[1].min()).all()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"])
def test_lossless_jpeg_is_redacted_with_a_decoder_and_quarantined_without(syntax, encode, reviewed, deidentify):
    """Process 14; the decoder is an extra (python-gdcm), since Slicer's Python has none."""
    path = pydicom.data.get_testdata_file("SC_rgb_jpeg_gdcm.dcm", download=False)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax  # selection value 1, as .70 asks and .57 allows
    content = encode(dataset, syntax)
    if not get_decoder(syntax).is_available:
        profile = load_profile("research-shifted-dates", ("clean_pixel_data",))
        outcome, destination = deidentify({"jpeg.dcm": content}, profile)
        assert [result.reason for result in outcome.files] == ["undecodable-pixels"]
        assert not list(destination.rglob("*.dcm"))
        return
    after = reviewed(content, [BOX])
    before = pydicom.dcmread(path).pixel_array
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    mask = outside(before.shape[:2])
    np.testing.assert_array_equal(after.pixel_array[mask], before[mask])
    assert (after.pixel_array[INSIDE] == 0).all()
    assert "LossyImageCompression" not in after or after.LossyImageCompression != "01"
