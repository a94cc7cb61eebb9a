"""Joint decisions are the readers' labels, nothing more and nothing less."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.consensus.decisions import joint_decisions
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid

SHAPE = (3, 4, 5)
GRID = Grid(SHAPE, (2.0, 1.0, 1.0))
LABELS = arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 0, 2, 7]))
FEW = settings(max_examples=40, deadline=None, derandomize=True)


@FEW
@given(st.lists(LABELS, min_size=2, max_size=4), st.sampled_from([0.0, 1.0, None]))
def test_every_readers_labels_can_be_restored(maps, margin):
    decisions = joint_decisions(maps, GRID, margin_mm=margin)
    values = np.array(decisions.labels, dtype=np.uint8)
    for number, labels in enumerate(maps):
        restored = np.zeros(SHAPE, np.uint8)
        restored[decisions.region] = decisions.spread(values[decisions.patterns[:, number]])
        assert np.array_equal(restored, labels)
    assert decisions.counts.sum() == np.prod(decisions.shape)
    assert len(np.unique(decisions.patterns, axis=0)) == len(decisions.patterns)
    assert np.array_equal(decisions.vote_counts.sum(axis=1), np.full(len(decisions.counts), len(maps)))


@FEW
@given(st.lists(LABELS, min_size=2, max_size=3))
def test_voxels_with_a_pattern_are_those_that_have_it(maps):
    decisions = joint_decisions(maps, GRID)
    wanted = ~decisions.is_unanimous
    flat, pattern = decisions.voxels_with(wanted)
    everywhere = decisions.spread(np.arange(len(decisions.patterns))).reshape(-1)
    assert np.array_equal(flat, np.flatnonzero(wanted[everywhere]))
    assert np.array_equal(pattern, everywhere[flat])


def test_domain_is_the_union_box_and_a_margin_in_mm():
    maps = [np.zeros((10, 10, 10), np.uint8) for _ in range(2)]
    maps[0][4, 5, 5] = 1
    maps[1][5, 5, 6] = 1
    grid = Grid((10, 10, 10), (5.0, 1.0, 2.0))
    decisions = joint_decisions(maps, grid, margin_mm=3.0)
    assert decisions.region == (slice(3, 7), slice(2, 9), slice(3, 9))
    assert decisions.parameters()["domain_voxels"] == 4 * 7 * 6
    assert joint_decisions(maps, grid, margin_mm=None).shape == (10, 10, 10)
    assert joint_decisions(maps, grid, margin_mm=100.0).shape == (10, 10, 10)


def test_many_readers_and_labels_do_not_collide():
    rng = np.random.default_rng(3)
    maps = [rng.integers(0, 300, (4, 6, 7)).astype(np.int64) for _ in range(20)]
    decisions = joint_decisions(maps, Grid((4, 6, 7)))
    assert len(decisions.patterns) == len(np.unique(np.stack(maps).reshape(20, -1), axis=1).T)


@pytest.mark.parametrize(
    ("maps", "names", "message"),
    [
        ([np.zeros(SHAPE, np.uint8)], None, "at least two"),
        ([np.zeros(SHAPE, np.uint8)] * 2, ("a", "a"), "given twice"),
        ([np.zeros(SHAPE, np.uint8)] * 2, ("a", "b", "c"), "one name for each"),
        ([np.zeros(SHAPE, np.uint8), np.zeros(SHAPE)], None, "not labels"),
        ([np.zeros(SHAPE, np.uint8), np.full(SHAPE, np.nan, np.float32)], None, "not labels"),
        ([np.zeros(SHAPE, np.uint8), np.full(SHAPE, -3, np.int16)], None, "label -3 is negative"),
        ([np.zeros(SHAPE, np.uint8), np.zeros((3, 4, 6), np.uint8)], None, r"\(3, 4, 6\) is not that of the image"),
    ],
)
def test_what_is_no_set_of_label_maps_is_refused(maps, names, message):
    with pytest.raises(InputError, match=message):
        joint_decisions(maps, GRID, names)


def test_a_margin_below_zero_is_refused():
    with pytest.raises(InputError, match="margin"):
        joint_decisions([np.ones(SHAPE, bool)] * 2, GRID, margin_mm=-1.0)
