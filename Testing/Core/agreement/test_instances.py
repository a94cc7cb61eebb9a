"""Instances: components against scipy, matching against panoptica's figures, and several readers."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from AnnotationQACore.agreement.instances.instances import connected_instances, given_instances
from AnnotationQACore.agreement.instances.instances_clusters import cluster_instances
from AnnotationQACore.agreement.instances.instances_matching import assign_by_distance, match_instances
from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_volume

bounded = settings(max_examples=40, deadline=None, derandomize=True)
STRUCTURES = {6: 1, 18: 2, 26: 3}

masks = st.tuples(
    st.tuples(*[st.integers(1, 7)] * 3), st.integers(0, 10**6), st.sampled_from([0.1, 0.3, 0.6, 1.0])
).map(lambda args: (np.random.default_rng(args[1]).random(args[0]) < args[2]).astype(np.uint8))


@bounded
@given(masks, st.sampled_from([6, 18, 26]))
def test_components_are_those_of_scipy_in_the_same_order(mask, connectivity):
    structure = ndimage.generate_binary_structure(3, STRUCTURES[connectivity])
    expected, count = ndimage.label(mask, structure)
    found = connected_instances(mask, Grid(mask.shape), connectivity=connectivity)
    assert len(found) == count
    np.testing.assert_array_equal(found.to_array(), expected)
    np.testing.assert_array_equal(found.voxels, np.bincount(expected.ravel(), minlength=count + 1)[1:])


@bounded
@given(masks, st.integers(0, 1000))
def test_different_labels_are_never_connected(mask, seed):
    labels = mask * np.random.default_rng(seed).integers(1, 4, mask.shape).astype(np.uint8)
    expected = sum(ndimage.label(labels == value, np.ones((3, 3, 3)))[1] for value in (1, 2, 3))
    assert len(connected_instances(labels, Grid(labels.shape))) == expected


def test_a_mask_that_fills_the_volume_is_one_instance_and_rows_do_not_wrap():
    assert len(connected_instances(np.ones((3, 4, 5), np.uint8), Grid((3, 4, 5)))) == 1
    ends = np.zeros((2, 3, 4), np.uint8)
    ends[0, 0, -1] = ends[0, 1, 0] = ends[1, 0, 0] = 1  # neighbours in memory, not in space
    assert len(connected_instances(ends, Grid(ends.shape))) == 3 - 1
    np.testing.assert_array_equal(connected_instances(ends, Grid(ends.shape)).to_array()[0, 0], [0, 0, 0, 1])


def test_volumes_and_centres_are_in_mm_on_an_oblique_grid():
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    grid = Grid((4, 5, 6), (3.0, 0.5, 0.7), (10, -20, 30), tuple(map(tuple, turn)))
    labels = np.random.default_rng(0).integers(0, 3, grid.shape)
    found = given_instances(labels, grid)
    for index, value in enumerate((1, 2)):
        voxels = np.argwhere(labels == value)
        np.testing.assert_allclose(found.centres[index], grid.to_world(voxels).mean(axis=0))
        assert found.volumes[index] == pytest.approx(len(voxels) * 3.0 * 0.5 * 0.7)


# Computed by panoptica 2.1.7 (NaiveThresholdMatching at IoU 0.5, cc3d components) on the files it publishes.
PANOPTICA = {
    "unmatched_instance": (22, 22, 19, 0.8328184295330796, 0.719252280051296, 0.900292616009954),
    "matched_instance": (22, 22, 22, 0.7831427226203406, 0.7831427226203406, 0.8644933992012848),
    "semantic": (87, 89, 73, 0.7940127477906024, 0.6586696657808406, 0.8802182546605446),
}


@pytest.mark.parametrize("kind", PANOPTICA)
def test_vertebrae_give_the_figures_of_panoptica(shared_data, kind):
    folder = shared_data / "raters" / "panoptica" / "examples" / "spine_seg" / kind
    images = [read_volume(folder / f"{name}.nii.gz") for name in ("ref", "pred")]
    make = connected_instances if kind == "semantic" else given_instances
    reference, predicted = (make(image.voxels, images[0].grid) for image in images)
    found = match_instances(reference, predicted, by_label=kind == "matched_instance")
    in_reference, in_predicted, matched, quality, panoptic, dice = PANOPTICA[kind]
    assert (len(reference), len(predicted), len(found.matches)) == (in_reference, in_predicted, matched)
    assert found.detection.precision == pytest.approx(matched / in_predicted)
    assert found.detection.recall == pytest.approx(matched / in_reference)
    assert found.detection.f1 == pytest.approx(2 * matched / (in_reference + in_predicted))
    assert found.segmentation_quality == pytest.approx(quality, abs=1e-12)
    assert found.panoptic_quality == pytest.approx(panoptic, abs=1e-12)
    assert found.mean_dice == pytest.approx(dice, abs=1e-12)
    json.dumps(found.to_json(), allow_nan=False)


@bounded
@given(st.integers(0, 10**6))
def test_matching_keeps_its_promises(seed):
    generator = np.random.default_rng(seed)
    a, b = (np.kron(generator.integers(0, 4, (2, 3, 3)), np.ones((2, 2, 2), int)) for _ in range(2))
    grid = Grid(a.shape, (2.0, 1.0, 0.5))
    first, second = given_instances(a, grid), given_instances(b, grid)
    for options in ({}, {"iou_above": 0.1}, {"within_mm": 3.0}):
        there, back = match_instances(first, second, **options), match_instances(second, first, **options)
        pairs = {(match.a, match.b) for match in there.matches}
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        assert len(pairs) == len(back.matches)
        assert len(pairs) + len(there.missed) == len(first)
        assert len(pairs) + len(there.extra) == len(second)
        for match in there.matches:
            inside_a, inside_b = a == match.a, b == match.b
            iou = (inside_a & inside_b).sum() / (inside_a | inside_b).sum()
            assert match.iou == pytest.approx(iou)
            assert match.dice == pytest.approx(2 * iou / (1 + iou))
            assert match.size_error_mm3 == pytest.approx(inside_b.sum() - inside_a.sum())
            assert match.iou > options.get("iou_above", 0.5) or "within_mm" in options
    itself = match_instances(first, first)
    assert (itself.panoptic_quality == 1.0) if len(first) else math.isnan(itself.panoptic_quality)


def test_the_threshold_is_strict_and_the_rule_is_named():
    grid = Grid((1, 1, 6))
    a, b = np.array([[[1, 1, 1, 1, 0, 0]]]), np.array([[[1, 1, 0, 0, 0, 0]]])
    half = match_instances(given_instances(a, grid), given_instances(b, grid))
    assert half.rule == "IoU > 0.5, unique"
    assert half.matches == ()
    assert half.panoptic_quality == 0.0
    assert [lesion.label for lesion in half.missed] == [1]
    below = match_instances(given_instances(a, grid), given_instances(b, grid), iou_above=0.4)
    assert below.rule == "IoU > 0.4, optimal assignment"
    assert below.matches[0].iou == pytest.approx(0.5)
    assert below.matches[0].size_error_relative == pytest.approx(-0.5)


def test_optimal_assignment_beats_greed():
    grid = Grid((1, 1, 12))
    a = np.array([[[1, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0, 0]]])
    b = np.array([[[3, 3, 0, 0, 4, 4, 4, 4, 4, 0, 0, 0]]])
    found = match_instances(given_instances(a, grid), given_instances(b, grid), iou_above=0.1)
    assert {(match.a, match.b) for match in found.matches} == {(1, 3), (2, 4)}


def test_one_missed_lesion_of_the_shared_masks(shared_data):
    images = [
        read_volume(shared_data / "agreement" / "masks" / f"multi_lesion_one_missed_{side}.nrrd") for side in "ab"
    ]
    a, b = (connected_instances(image.voxels, image.grid) for image in images)
    assert (len(a), len(b)) == (5, 4)
    found = match_instances(a, b, within_mm=1.0)
    assert (found.detection.true_positives, len(found.missed), len(found.extra)) == (4, 1, 0)
    assert found.rule == "centre distance <= 1 mm, optimal assignment"
    strict = match_instances(a, b)
    assert len(strict.missed) == len(strict.extra) + 1


def test_nothing_on_either_side_is_defined():
    grid = Grid((2, 2, 2))
    none = connected_instances(np.zeros(grid.shape, np.uint8), grid)
    one = connected_instances(np.ones(grid.shape, np.uint8), grid)
    absent = match_instances(none, none)
    assert absent.state == "both absent"
    assert absent.to_json()["panoptic_quality"] is None
    missed, invented = match_instances(one, none), match_instances(none, one)
    assert (missed.state, invented.state) == ("only a", "only b")
    assert missed.panoptic_quality == missed.detection.recall == 0.0
    assert math.isnan(missed.detection.precision)
    assert invented.detection.precision == 0.0
    assert math.isnan(invented.detection.recall)


def test_points_are_matched_as_often_as_possible_then_as_near():
    a, b = np.array([[0.0, 0, 0], [4.0, 0, 0]]), np.array([[3.0, 0, 0], [7.5, 0, 0]])
    assert assign_by_distance(a, b, 3.5).tolist() == [[0, 0], [1, 1]]  # greedy would take 4 - 3 and leave two alone
    assert assign_by_distance(a, b, 1.0).tolist() == [[1, 0]]
    assert assign_by_distance(a, np.empty((0, 3)), 1.0).shape == (0, 2)
    with pytest.raises(InputError, match="distance"):
        assign_by_distance(a, b, -1.0)


def test_lesions_of_three_readers_are_joined():
    grid = Grid((1, 1, 30))
    rows = np.zeros((3, 1, 1, 30), int)
    rows[:, 0, 0, 0:6] = 1  # all
    rows[:2, 0, 0, 10:16] = 2  # two of three, shifted
    rows[1, 0, 0, 10] = 0
    rows[2, 0, 0, 20:25] = 7  # one
    readers = [given_instances(row, grid) for row in rows]
    found = cluster_instances(readers, ["a", "b", "c"])
    assert [cluster.members for cluster in found.clusters] == [(1, 1, 1), (2, 2, None), (None, None, 7)]
    assert found.found_by == (1, 1, 1)
    assert found.clusters[1].mean_iou == pytest.approx(5 / 6)
    assert math.isnan(found.clusters[2].mean_iou)
    assert math.isnan(found.clusters[2].volumes_mm3[0])
    with pytest.raises(InputError, match="more than once"):
        cluster_instances(readers, ["a", "a", "c"])


def test_a_lesion_has_at_most_one_instance_of_each_reader():
    grid = Grid((1, 1, 12))
    whole = np.array([[[1] * 12]])
    halves = np.array([[[1] * 7 + [2] * 5]])
    found = cluster_instances([given_instances(whole, grid), given_instances(halves, grid)], ["a", "b"], iou_above=0.2)
    assert [cluster.members for cluster in found.clusters] == [(1, 1), (None, 2)]


def test_specks_can_be_left_out():
    labels = np.array([[[1, 0, 2, 2, 0, 3, 3, 3]]])
    kept = given_instances(labels, Grid((1, 1, 8), (2.0, 1.0, 1.0))).larger_than(2.0)
    assert kept.labels == (2, 3)
    np.testing.assert_array_equal(kept.to_array(), np.where(labels == 1, 0, labels))


def test_bad_input_is_refused():
    grid = Grid((2, 2, 2))
    one = given_instances(np.ones(grid.shape, int), grid)
    with pytest.raises(InputError, match="do not fit"):
        given_instances(np.ones((2, 2, 3), int), grid)
    with pytest.raises(InputError, match="connectivity 8"):
        connected_instances(np.ones(grid.shape, int), grid, connectivity=8)
    with pytest.raises(InputError, match="threshold"):
        match_instances(one, one, iou_above=1.0)
    with pytest.raises(InputError, match="negative"):
        given_instances(np.full(grid.shape, -1), grid)
    with pytest.raises(InputError, match="NaN"):
        given_instances(np.full(grid.shape, np.nan), grid)
    with pytest.raises(GridMismatch, match="spacing"):
        match_instances(one, given_instances(np.ones(grid.shape, int), Grid((2, 2, 2), (2.0, 1.0, 1.0))))
