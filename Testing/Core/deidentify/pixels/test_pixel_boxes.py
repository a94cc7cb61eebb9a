"""Boxes: exact complements, cuts, joins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.pixels.boxes import Box, covered, joined, mask_of, outside

boxes = st.builds(Box, st.integers(-5, 25), st.integers(-5, 25), st.integers(0, 20), st.integers(0, 20))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(boxes, max_size=4), st.integers(1, 24), st.integers(1, 24))
def test_outside_is_the_exact_complement_without_overlaps(regions, rows, columns):
    rest = outside(regions, rows, columns)
    np.testing.assert_array_equal(mask_of(rest, rows, columns), ~mask_of(regions, rows, columns))
    assert sum(box.area for box in rest) == int(mask_of(rest, rows, columns).sum())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(boxes, boxes)
def test_overlap_and_cover_agree_with_pixels(one, other):
    grid = 64
    shift = [Box(box.row + 10, box.column + 10, box.height, box.width) for box in (one, other)]
    both = mask_of(shift[:1], grid, grid) & mask_of(shift[1:], grid, grid)
    assert one.overlap(other) == int(both.sum())
    if one.area:
        assert covered(one, [other]) == both.sum() / one.area


def test_boxes_that_share_half_are_joined():
    assert joined([Box(0, 0, 10, 10), Box(0, 4, 10, 10), Box(40, 40, 2, 2)]) == [Box(0, 0, 10, 14), Box(40, 40, 2, 2)]


def test_a_box_stays_within_the_frame():
    assert Box(-3, 5, 10, 100).within(4, 20) == Box(0, 5, 4, 15)
    assert Box(30, 30, 5, 5).within(4, 20).area == 0
