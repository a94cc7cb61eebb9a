"""Boxes of segments and means under masks are those of the plain way, on structures and on noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import find_objects

from AnnotationQACore.checks.segment_checks import _masked_mean
from AnnotationQACore.checks.segment_regions import MOST_RUNS, _boxes


def plain(voxels: np.ndarray) -> dict[int, tuple[slice, ...]]:
    found = find_objects(voxels)
    return {value: region for value, region in enumerate(found, start=1) if region is not None}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), *[st.tuples(st.integers(0, 29), st.integers(1, 30)) for _ in range(3)]),
        max_size=4,
    )
)
def test_boxes_of_structures(structures: list) -> None:
    voxels = np.zeros((30, 30, 30), np.uint8)
    for value, *axes in structures:
        voxels[tuple(slice(start, start + size) for start, size in axes)] = value
    assert _boxes(voxels) == plain(voxels)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 3)))
def test_boxes_of_noise(voxels: np.ndarray) -> None:
    runs = np.count_nonzero(np.diff(voxels, axis=2)) + voxels.shape[0] * voxels.shape[1]
    assert runs > MOST_RUNS * voxels.size  # goes the other way
    assert _boxes(voxels) == plain(voxels)


def test_a_view_of_part_of_a_layer() -> None:
    voxels = np.zeros((6, 40, 80), np.int16)
    voxels[2:4, 10:20, 30:50] = 7
    assert _boxes(voxels[:, ::2, ::2]) == {7: (slice(2, 4), slice(5, 10), slice(15, 25))}


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_the_mean_under_a_mask(dtype: type) -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 250, (5, 6, 7)).astype(dtype)
    mask = rng.random(values.shape) > 0.5
    assert _masked_mean(values, mask) == pytest.approx(values[mask].mean(dtype=np.float64))
    assert _masked_mean(values, np.zeros_like(mask)) is None


def test_the_mean_leaves_out_what_is_no_number() -> None:
    values = np.array([[[1.0, np.nan, 3.0, np.inf]]])
    assert _masked_mean(values, np.ones(values.shape, dtype=bool)) == 2.0
