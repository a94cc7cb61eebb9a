"""What every voxelwise method of consensus keeps, whatever the readers drew."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.consensus.decisions import joint_decisions
from AnnotationQACore.consensus.shape import shape_based_average
from AnnotationQACore.consensus.simple import simple
from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.geometry import Grid

SHAPE = (3, 5, 6)
SPACING = (2.5, 0.7, 0.9)
METHODS = [majority, staple, simple, shape_based_average]
FEW = settings(max_examples=8, deadline=None, derandomize=True)
BINARY = st.lists(arrays.arrays(np.uint8, SHAPE, elements=st.integers(0, 1)), min_size=2, max_size=5)
LABELS = st.lists(arrays.arrays(np.uint8, SHAPE, elements=st.integers(0, 3)), min_size=2, max_size=4)


def combine(method, maps, spacing=SPACING):
    return method(joint_decisions(maps, Grid(maps[0].shape, spacing), margin_mm=None)).voxels


@pytest.mark.parametrize("method", [majority, simple, shape_based_average])
@FEW
@given(maps=LABELS)
def test_no_voxel_has_a_label_that_no_reader_gave_it(method, maps):
    voxels = combine(method, maps)
    assert np.any([voxels == labels for labels in maps] + [voxels == 0], axis=0).all()


@FEW
@given(maps=LABELS)
def test_staple_says_when_it_gives_a_voxel_what_no_reader_gave_it(maps):
    result = staple(joint_decisions(maps, Grid(SHAPE, SPACING), margin_mm=None))
    unseen = ~np.any([result.voxels == labels for labels in maps], axis=0)
    assert any(f"{unseen.sum()} voxels have a label" in told for told in result.warnings) == unseen.any()


@pytest.mark.parametrize("method", [majority, simple, shape_based_average])
@FEW
@given(maps=BINARY)
def test_what_all_readers_drew_is_in_and_what_none_drew_is_out(method, maps):
    voxels = combine(method, maps) > 0
    assert voxels[np.all(maps, axis=0)].all()
    assert not voxels[~np.any(maps, axis=0)].any()


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(labels=arrays.arrays(np.uint8, SHAPE, elements=st.integers(0, 3)), number=st.integers(2, 5))
def test_readers_who_agree_are_the_consensus(method, labels, number):
    assert np.array_equal(combine(method, [labels] * number), labels)


@pytest.mark.parametrize("method", [majority, shape_based_average])
@FEW
@given(maps=LABELS, axis=st.integers(0, 2), turn=st.permutations([0, 1, 2]))
def test_flipping_turning_and_scaling_the_image_carries_the_result_along(method, maps, axis, turn):
    expected = combine(method, maps)
    assert np.array_equal(combine(method, [np.flip(labels, axis) for labels in maps]), np.flip(expected, axis))
    turned = combine(method, [np.transpose(labels, turn) for labels in maps], tuple(SPACING[axis] for axis in turn))
    assert np.array_equal(turned, np.transpose(expected, turn))
    assert np.array_equal(combine(method, maps, tuple(2.0 * step for step in SPACING)), expected)


@pytest.mark.parametrize("method", [majority, shape_based_average])
@FEW
@given(maps=LABELS, order=st.randoms(use_true_random=False))
def test_the_order_of_readers_does_not_matter(method, maps, order):
    shuffled = list(maps)
    order.shuffle(shuffled)
    assert np.array_equal(combine(method, maps), combine(method, shuffled))


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(maps=LABELS)
def test_other_values_for_the_labels_change_nothing_else(method, maps):
    values = np.array([0, 4, 900, 70000], np.uint32)
    assert np.array_equal(combine(method, [values[labels] for labels in maps]), values[combine(method, maps)])


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(maps=LABELS)
def test_support_is_a_probability_and_performance_counts_the_consensus(method, maps):
    result = method(joint_decisions(maps, Grid(SHAPE, SPACING), margin_mm=None))
    assert result.support.sum(axis=1) == pytest.approx(1.0)
    assert result.support.min() >= -1e-12
    assert result.uncertainty().min() >= 0
    assert result.uncertainty().max() <= np.log2(4) + 1e-6
    for row in result.performance:
        said, truth = maps[result.decisions.readers.index(row.reader)] == row.label, result.voxels == row.label
        if said.any() or truth.any():
            assert row.dice == pytest.approx(2 * (said & truth).sum() / (said.sum() + truth.sum()))
        else:
            assert np.isnan(row.dice)
