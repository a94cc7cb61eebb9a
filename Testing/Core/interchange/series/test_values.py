"""Real values are exact, in the smallest type that holds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.values import clear_unused_bits, rescaled


@pytest.mark.parametrize(
    ("low", "high", "stored", "slope", "intercept", "expected"),
    [
        (0, 4095, np.uint16, 1, -1024, np.int16),
        (0, 65535, np.uint16, 1, -1024, np.int32),
        (0, 65535, np.uint16, 1, 0, np.uint16),
        (2000, 40000, np.uint16, 1, -1024, np.uint16),
        (-2000, 3000, np.int16, 1, 24, np.int16),
        (0, 255, np.uint8, 1, 0, np.uint8),
        (0, 200, np.uint8, 1, -100, np.int8),
        (0, 255, np.uint8, 2, -100, np.int16),
        (0, 4095, np.uint16, 0.5, 0, np.float32),
        (0, 4095, np.uint16, 1, 0.5, np.float32),
        (0, 2**31, np.uint32, 0.1, 0, np.float64),
    ],
)
def test_smallest_exact_type(low, high, stored, slope, intercept, expected):
    values = np.array([[[low, high]]], dtype=stored)
    real = rescaled(values.copy(), [slope], [intercept])
    assert real.dtype == expected
    np.testing.assert_allclose(
        real.astype(float).ravel(), [low * slope + intercept, high * slope + intercept], rtol=1e-7
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    stored=arrays(st.sampled_from([np.uint8, np.int8, np.uint16, np.int16]), (3, 2, 4)),
    slopes=st.lists(st.integers(-50, 50).filter(bool), min_size=3, max_size=3),
    intercepts=st.lists(st.integers(-(2**15), 2**15), min_size=3, max_size=3),
)
def test_integral_rescale_is_exact_frame_by_frame(stored, slopes, intercepts):
    expected = stored.astype(object) * np.array(slopes)[:, None, None] + np.array(intercepts)[:, None, None]
    real = rescaled(stored.copy(), slopes, intercepts)
    assert real.dtype.kind in "iu"
    assert np.array_equal(real.astype(object), expected)


def test_floating_samples_keep_their_type():
    stored = np.array([[[0.5]]], dtype=np.float32)
    assert rescaled(stored.copy(), [2.0], [1.0]).dtype == np.float32
    assert rescaled(stored.copy(), [2.0], [1.0])[0, 0, 0] == 2.0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(values=arrays(np.int16, (1, 2, 3), elements=st.integers(-2048, 2047)), junk=st.integers(0, 15))
def test_sign_is_extended_over_overlay_bits(values, junk):
    dirty = (values.view(np.uint16) & 0x0FFF | np.uint16(junk << 12)).view(np.int16)
    clear_unused_bits(dirty, 12, 11)
    assert np.array_equal(dirty, values)


def test_high_bit_above_the_stored_bits():
    frames = (np.arange(6, dtype=np.uint16) << 4).reshape(1, 2, 3)
    assert clear_unused_bits(frames, 12, 15)
    assert frames.ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_clean_frames_stay_as_they_are():
    frames = np.arange(6, dtype=np.uint16).reshape(1, 2, 3)
    assert not clear_unused_bits(frames, 12, 11)
    assert not clear_unused_bits(frames, 16, 15)


def test_each_slice_has_its_own_rescale(studio):
    for k, slope in enumerate((0.5, 2.0, 4.0)):
        pixels = np.full((6, 5), 10, np.uint16)
        studio.slice(
            pixels, Modality="PT", RescaleSlope=slope, RescaleIntercept=0, ImagePositionPatient=[0, 0, 3.0 * k]
        )
    image = load_series(studio.folder)
    assert image.voxels[:, 0, 0].tolist() == [5.0, 20.0, 40.0]
    assert "per_frame_rescale" in [finding.code for finding in image.findings]
