"""The measures of strokes that are reckoned without numpy's general functions, which take longer, are theirs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from DeidentifyStudyCore.pixels.classical import (
    _components,
    _deviation,
    _dilated,
    _median,
    _neighbours,
    _percentile,
)

bounded = settings(max_examples=100, deadline=None, derandomize=True)
numbers = arrays.arrays(np.float64, st.integers(1, 40), elements=st.integers(-2000, 2000).map(lambda n: n / 8))
steps = arrays.arrays(np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 255))
boxes = st.tuples(st.integers(0, 60), st.integers(0, 900), st.integers(4, 20), st.integers(2, 30))
pictures = arrays.arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))


@bounded
@given(numbers, steps)
def test_median_deviation_and_percentile_are_those_of_numpy(values, differences):
    assert _median(values) == np.median(values)
    assert _deviation(values) == np.std(values)
    assert _percentile(differences, 0.95) == np.percentile(differences, 95)


@bounded
@given(pictures)
def test_dilation_is_that_of_scipy(drawn):
    assert np.array_equal(_dilated(drawn), ndimage.binary_dilation(drawn))
    assert np.array_equal(_dilated(_dilated(drawn)), ndimage.binary_dilation(drawn, iterations=2))


@bounded
@given(pictures, st.integers(0, 10**6))
def test_components_are_those_that_scipy_labels(drawn, seed):
    grey = np.random.default_rng(seed).integers(0, 256, drawn.shape, np.uint8)
    labels, _ = ndimage.label(drawn, np.ones((3, 3)))
    expected = []
    for label, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        values = np.sort(grey[labels == label])
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if 4 <= height <= 54 and width <= 24 * height and 4 <= len(values) <= 0.85 * height * width + 8:
            bright = values[int(0.8 * (len(values) - 1))]
            expected.append((rows.start, columns.start, rows.stop, columns.stop, len(values), bright))
    assert _components(grey, drawn, 9).tolist() == [list(row) for row in sorted(expected, key=lambda row: row[1])]


@bounded
@given(st.lists(boxes, max_size=60))
def test_neighbours_are_found_pair_by_pair(found):
    found = sorted(found, key=lambda box: box[1])
    rows = np.array([(y, x, y + h, x + w, h * w, 200 - y) for y, x, h, w in found], np.float64).reshape(-1, 6)
    expected = []
    for one, (top, _, bottom, right, _, bright) in enumerate(rows):
        for other in range(one + 1, len(rows)):
            above, left, below, _, _, light = rows[other]
            small, large = sorted((bottom - top, below - above))
            shared = min(bottom, below) - max(top, above)
            close = left <= right + 1.6 * (bottom - top) and shared > 0.6 * small
            if close and large < 2.2 * small and abs(light - bright) < 60:
                expected.append((one, other))
    assert list(_neighbours(rows)) == expected
