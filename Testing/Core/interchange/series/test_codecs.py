"""Compressed pixels are decoded exactly where something installed can, and named where nothing can."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.interchange.series import codecs
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series

PIXELS = (np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) * 7) % 4096

JPEG_LOSSLESS_16X16 = base64.b64decode(
    "/9j/xAAXAAEBAQEAAAAAAAAAAAAAAAAGBwMM/8MACwwAEAAQAQARAP/aAAgBAAAGAADn/wDffffffffffffffeyMmTJkyZMmTJky"
    "ZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTK"
    "yMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJ"
    "kyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTKyMmTJkyZMmTJkyZMmTL/2Q=="
)
"""12-bit values 100 * row + 7 * column of a 16 x 16 image, written by imagecodecs.ljpeg_encode."""


HTJ2K_16X16 = base64.b64decode(
    "/0//UQApQAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCI"
    "kJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAHcAAf+TwAAmLfwFB3QAAMAAEsAAEoD+AId0"
    "ACICh3QAwAASwAATgN4AAnQAjjv+AINUAMAAE8AAFUDu7qCnwnUAwIGBgcAxgey2AMAAKuAAFogkSZLnwKenp0J4AMZGo9FoNBr9"
    "iEB79iEB7LoA/9k="
)
"""The same image by imagecodecs.htj2k_encode."""


def compressed(path, syntax):
    """Compress a file with pydicom's own encoders."""
    dataset = dcmread(path)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_lossless_slices_come_out_as_they_went_in(studio, syntax):
    for k in range(3):
        compressed(studio.slice(np.roll(PIXELS, k), ImagePositionPatient=[0, 0, 2.0 * k]), syntax)
    image = load_series(studio.folder)
    expected = np.stack([np.roll(PIXELS, k) for k in range(3)]).astype(np.int16) - 1024
    np.testing.assert_array_equal(image.voxels, expected)
    assert image.voxels.dtype == np.int16


def test_frames_of_a_compressed_cine_are_shared_among_threads(studio):
    frames = np.stack([np.roll(PIXELS, k) for k in range(7)])

    def edit(dataset):
        dataset.NumberOfFrames = 7
        del dataset.ImagePositionPatient

    compressed(studio.slice(frames, edit=edit, Modality="XA", RescaleIntercept=0), RLELossless)
    np.testing.assert_array_equal(load_series(studio.folder).voxels, frames)


def test_jpeg_lossless_needs_no_extra(studio):
    rows, columns = np.mgrid[:16, :16]
    expected = (100 * rows + 7 * columns).astype(np.int16)

    def edit(dataset):
        dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        dataset.PixelData = encapsulate([JPEG_LOSSLESS_16X16])
        dataset["PixelData"].is_undefined_length = True
        dataset.BitsStored, dataset.HighBit = 12, 11

    studio.slice(np.zeros((16, 16), np.uint16), edit=edit)
    image = load_series(studio.folder)
    np.testing.assert_array_equal(image.voxels[0], expected - 1024)


def write_stream(studio, pixels, stream, syntax, **elements):
    """Write a file whose pixel data is a code stream made by another encoder."""

    def edit(dataset):
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].is_undefined_length = True

    return studio.slice(np.zeros_like(pixels), edit=edit, **elements)


def test_jpeg_2000_by_pillow(studio):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG2000", irreversible=False, no_jp2=True)
    write_stream(studio, PIXELS, stream.getvalue(), JPEG2000Lossless)
    np.testing.assert_array_equal(load_series(studio.folder).voxels[0], PIXELS.astype(np.int16) - 1024)


def test_color_jpeg_becomes_the_rgb_that_pillow_sees(studio):
    colors = np.zeros((32, 32, 3), np.uint8)
    colors[..., 0] = 200
    colors[:, 16:] = (20, 40, 220)
    stream = io.BytesIO()
    Image.fromarray(colors).save(stream, "JPEG", quality=95, subsampling="4:2:2")
    elements = {"PhotometricInterpretation": "YBR_FULL_422", "Modality": "US", "LossyImageCompression": "01"}
    write_stream(studio, colors, stream.getvalue(), JPEGBaseline8Bit, **elements)
    image = load_series(studio.folder)
    expected = np.asarray(Image.open(stream)).astype(int)
    assert np.abs(image.voxels[0].astype(int) - expected).max() <= 3
    assert np.abs(image.voxels[0, 8, 4].astype(int) - [200, 0, 0]).max() <= 6


def test_htj2k_where_its_decoder_is_installed(studio):
    pytest.importorskip("openjpeg", reason='needs pip install "annotation-qa[codecs]"')
    rows, columns = np.mgrid[:16, :16]
    expected = (100 * rows + 7 * columns).astype(np.uint16)
    write_stream(studio, expected, HTJ2K_16X16, HTJ2KLossless)
    np.testing.assert_array_equal(load_series(studio.folder).voxels[0], expected.astype(np.int16) - 1024)


def encapsulated(studio, syntax, content=b"\xff\x4f\xff\x51" + b"\0" * 60):
    def edit(dataset):
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([content])
        dataset["PixelData"].is_undefined_length = True

    return studio.slice(PIXELS, edit=edit)


def test_what_nothing_decodes_is_named_with_the_extra(studio, monkeypatch):
    monkeypatch.setattr(codecs, "_is_installed", lambda *_: False)
    encapsulated(studio, HTJ2KLossless)
    series = studio.scanned()
    assert [finding.code for finding in series.findings] == [FindingCode.CODEC_MISSING]
    with pytest.raises(MissingExtra, match=r'HTJ2K lossless.*pip install "annotation-qa\[codecs\]"'):
        load_series(series)


def test_unknown_private_syntax_is_named(studio):
    encapsulated(studio, "1.2.840.113619.5.2.99")
    with pytest.raises(MissingExtra, match=r"transfer syntax 1\.2\.840\.113619\.5\.2\.99 is not known"):
        load_series(studio.folder)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless])
def test_corrupt_code_streams_are_named_not_raised_raw(studio, syntax):
    encapsulated(studio, syntax)
    with pytest.raises(InputError, match=r"0001\.dcm: its pixel data cannot be decoded"):
        load_series(studio.folder)


def test_one_corrupt_slice_leaves_the_rest(studio):
    for k in range(4):
        path = studio.slice(PIXELS, ImagePositionPatient=[0, 0, 2.0 * k])
        compressed(path, RLELossless)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([b"\1\0\0\0" + b"\0" * 60])
    dataset.save_as(path)
    image = load_series(studio.folder)
    assert image.grid.shape == (3, 64, 48)
    assert image.has(FindingCode.BROKEN_FILE)


def test_no_decoder_under_the_gpl_is_ever_asked():
    plugins = {plugin for names in codecs._PLUGINS.values() for plugin in names}
    assert plugins <= {"pillow", "pyjpegls", "pylibjpeg", "gdcm", "pydicom"}
    jpeg = {plugin for syntax in codecs._JPEG for plugin in codecs._PLUGINS[syntax]}
    assert "pylibjpeg" not in jpeg  # there it would mean pylibjpeg-libjpeg
    assert codecs._PYLIBJPEG_CODEC.keys() == {s for s, names in codecs._PLUGINS.items() if "pylibjpeg" in names}


IN_SLICER = {"PIL", "jpeg_ls"}
"""Decoders that Slicer 5.12 bundles, beside numpy, pydicom and SimpleITK."""


@pytest.fixture
def slicer_bundle(monkeypatch):
    """No other decoder than those of Slicer's bundle."""
    find = codecs.importlib.util.find_spec
    optional = {"gdcm", "pylibjpeg", "openjpeg", "rle", "libjpeg", "PIL", "jpeg_ls"}
    monkeypatch.setattr(
        codecs.importlib.util, "find_spec", lambda name: None if name in optional - IN_SLICER else find(name)
    )
    codecs._is_installed.cache_clear()
    yield
    codecs._is_installed.cache_clear()


def test_what_slicers_bundle_decodes_and_by_what(slicer_bundle):
    by = {codecs._NAMES[syntax]: codecs.decoder_for(syntax) for syntax in codecs._NAMES}
    assert by == {
        "RLE": "pydicom",
        "JPEG baseline": "pillow",
        "JPEG extended (12 bit)": "pillow",
        "JPEG lossless": "SimpleITK",
        "JPEG-LS lossless": "pyjpegls",
        "JPEG-LS near-lossless": "pyjpegls",
        "JPEG 2000 lossless": "pillow",
        "JPEG 2000": "pillow",
        "HTJ2K lossless": None,
        "HTJ2K lossless RPCL": None,
        "HTJ2K": None,
    }
    assert codecs.decoder_for("1.2.840.10008.1.2.4.51", bits_stored=12) == "SimpleITK"


@pytest.mark.parametrize("syntax", ["201", "202", "203"])
def test_what_slicers_bundle_cannot_decode_is_named_with_the_extra(slicer_bundle, studio, syntax):
    encapsulated(studio, f"1.2.840.10008.1.2.4.{syntax}")
    series = studio.scanned()
    (finding,) = [finding for finding in series.findings if finding.code is FindingCode.CODEC_MISSING]
    assert "HTJ2K" in finding.message
    with pytest.raises(MissingExtra, match=r'HTJ2K.*pip install "annotation-qa\[codecs\]"'):
        load_series(series)
