"""What a header says of the pixels, read once for objects that say the same, and how often the brightest value is
there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from DeidentifyStudyCore.dicom.image_pixel import ImagePixel, image_pixel
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.dicom.unused_bits import CellForm
from DeidentifyStudyCore.pixels.peaks import _count_of_brightest


@pytest.fixture
def described(make_dataset, encode, tmp_path):
    def described(syntax: str = ExplicitVRLittleEndian, **attributes: object) -> ImagePixel:
        path = tmp_path / "object"
        path.write_bytes(encode(make_dataset(**attributes), syntax))
        with opened(path) as source:
            return image_pixel(source)

    return described


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_files_of_one_layout_are_each_read_as_they_are(described, syntax):
    big = syntax == ExplicitVRBigEndian
    for _ in range(3):  # as a layout that is new, met again, and remembered
        assert described(syntax) == ImagePixel(4, 6, 1, b"MONOCHROME2", CellForm(16, 12, 11, False, big), 48, 1)
        assert described(syntax, Rows=6, Columns=4).rows == 6
        assert described(syntax, Rows=512, Columns=2).size == 2048  # a value that ends, or begins, with a zero
        assert described(syntax, PixelRepresentation=1, BitsStored=16, HighBit=15).cells == CellForm(
            16, 16, 15, True, big
        )
        assert described(syntax, PixelPaddingValue=64536).cells.padding == 64536


def test_frames_and_colours_count_and_what_is_not_said_is_zero(described):
    assert described(NumberOfFrames="3").size == 3 * 48
    assert described(SamplesPerPixel=3, BitsAllocated=8, PhotometricInterpretation="YBR_FULL_422").size == 48
    assert described(SamplesPerPixel=3, BitsAllocated=8, PhotometricInterpretation="RGB").size == 72
    assert described(Rows=None).rows == 0
    assert described(Rows=None).size == 0


def test_a_size_of_unknown_vr_is_read_as_the_dictionary_has_it(make_dataset, encode, tmp_path):
    whole = encode(make_dataset(), ExplicitVRLittleEndian)
    known, unknown = b"\x28\0\x10\0US\2\0\4\0", b"\x28\0\x10\0UN\0\0\2\0\0\0\4\0"
    assert whole.count(known) == 1
    (tmp_path / "object").write_bytes(whole.replace(known, unknown))
    with opened(tmp_path / "object") as source:
        assert image_pixel(source).rows == 4


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    size=st.integers(1, 50000), seed=st.integers(0, 99), largest=st.sampled_from([1, 5, 1000, 30000]), low=st.booleans()
)
def test_the_brightest_value_is_counted_in_all_blocks_that_have_it(size, seed, largest, low):
    cells = np.random.default_rng(seed).integers(-largest, largest + 1, size).astype(">i2" if seed % 2 else "<i2")
    brightest = cells.min() if low else cells.max()
    assert _count_of_brightest(cells, inverted=low) == np.count_nonzero(cells == brightest)
