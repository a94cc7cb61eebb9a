"""The quick ways give what the plain ways give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label

from AnnotationQACore.checks.quick_shapes import pieces, quick_plane_diameters
from AnnotationQACore.geometry import Grid
from AnnotationQACore.measure.diameters import plane_diameters
from AnnotationQACore.segmentation import Mask

OBLIQUE = ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0))
SHEARED = ((0.0, 0.28, 0.96), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
MASKS = arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(MASKS)
def test_pieces_are_the_connected_components(voxels: np.ndarray) -> None:
    labels, number = label(voxels, structure=np.ones((3, 3, 3)))
    found = pieces(voxels)
    assert [size for size, _ in found] == sorted(np.bincount(labels.reshape(-1))[1:].tolist())
    assert len({int(labels[index]) for _, index in found} - {0}) == number
    for size, index in found:
        assert np.count_nonzero(labels == labels[index]) == size


@settings(max_examples=60, deadline=None, derandomize=True)
@given(MASKS, st.sampled_from([OBLIQUE, SHEARED]), st.integers(0, 2))
def test_quick_diameters_are_the_diameters(voxels: np.ndarray, directions: tuple, axis: int) -> None:
    grid = Grid(voxels.shape, (2.5, 0.6, 0.9), (1.0, 2.0, 3.0), directions)
    quick, plain = quick_plane_diameters(Mask(voxels, grid), axis), plane_diameters(Mask(voxels, grid), axis)
    assert (quick is None) == (plain is None)
    if quick is not None and plain is not None:
        assert quick.longest.length_mm == pytest.approx(plain.longest.length_mm)
        if not plain.tied_slices:
            assert quick.slice_index == plain.slice_index
            assert quick.perpendicular.length_mm == pytest.approx(plain.perpendicular.length_mm)
