"""Shape-based averaging against CMTK, against exact distance transforms, and on grids that are not orthogonal."""

import json

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from AnnotationQACore.consensus.decisions import joint_decisions
from AnnotationQACore.consensus.lattice import adjacent_offsets, near_offsets
from AnnotationQACore.consensus.shape import shape_based_average
from AnnotationQACore.geometry import Grid

FEW = settings(max_examples=40, deadline=None, derandomize=True)
TILTED = ((0.0, np.sin(0.35), np.cos(0.35)), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def signed_distance(mask, spacing):
    return distance_transform_edt(~mask, sampling=spacing) - distance_transform_edt(mask, sampling=spacing)


def sheared_distance(mask, grid):
    """Signed distances by brute force over all voxel centres."""
    world = grid.to_world(np.argwhere(np.ones(mask.shape, bool)))
    inside = mask.reshape(-1)
    distances = np.linalg.norm(world[:, None] - world[None], axis=2)
    return np.where(inside, -distances[:, ~inside].min(axis=1), distances[:, inside].min(axis=1)).reshape(mask.shape)


def test_cmtk_agrees_but_for_its_ties(shared_data):
    for case in json.loads((shared_data / "agreement/sba.json").read_text())["cases"]:
        found = np.load(shared_data / f"lidc/masks/{case['nodule']}.npz")
        masks, spacing = found["masks"], tuple(found["spacing_zyx"])
        ours = shape_based_average(joint_decisions(list(masks), Grid(masks.shape[1:], spacing))).voxels > 0
        theirs = np.load(shared_data / "agreement" / case["file"])["label"] > 0
        mean = np.mean([signed_distance(mask > 0, spacing) for mask in masks], axis=0)
        assert int(ours.sum()) == case["mean_sdf_lt0"]
        assert np.all(np.abs(mean[ours != theirs]) < 1e-3)


@FEW
@given(
    st.lists(arrays.arrays(bool, (4, 6, 7)), min_size=2, max_size=4),
    st.sampled_from([(1.0, 1.0, 1.0), (2.5, 0.7, 0.8)]),
)
def test_the_mean_of_exact_signed_distances_decides(masks, spacing):
    assume(all(mask.any() and not mask.all() for mask in masks))
    mean = np.mean([signed_distance(mask, spacing) for mask in masks], axis=0)
    ours = shape_based_average(joint_decisions(masks, Grid((4, 6, 7), spacing), margin_mm=0.0)).voxels > 0
    clear = np.abs(mean) > 1e-6
    assert np.array_equal(ours[clear], mean[clear] < 0)
    assert not ours[~clear].any()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(arrays.arrays(bool, (3, 5, 4)), min_size=2, max_size=3))
def test_distances_are_right_on_a_tilted_grid(masks):
    assume(all(mask.any() and not mask.all() for mask in masks))
    grid = Grid((3, 5, 4), (5.0, 0.6, 0.8), directions=TILTED)
    mean = np.mean([sheared_distance(mask, grid) for mask in masks], axis=0)
    ours = shape_based_average(joint_decisions(masks, grid)).voxels > 0
    clear = np.abs(mean) > 1e-6
    assert np.array_equal(ours[clear], mean[clear] < 0)


@pytest.mark.parametrize("directions", [Grid((1, 1, 1)).directions, TILTED])
def test_far_apart_readers_are_averaged_beyond_the_near_search(directions):
    shape = (24, 40, 40)
    masks = [np.zeros(shape, bool) for _ in range(4)]
    masks[0][1:23, 1:39, 1:39] = True  # one reader has a huge structure, two a small one, one another elsewhere
    masks[1][11:13, 18:22, 18:22] = True
    masks[2][11:13, 18:22, 18:22] = True
    masks[3][2:4, 3:6, 32:36] = True
    grid = Grid(shape, (1.0, 1.0, 1.0), directions=directions)
    ours = shape_based_average(joint_decisions(masks, grid)).voxels > 0
    assert not ours.any()
    if grid.is_sheared:
        return
    ours = shape_based_average(joint_decisions([masks[0], masks[1]], grid)).voxels > 0
    mean = np.mean([signed_distance(mask, grid.spacing) for mask in masks[:2]], axis=0)
    clear = np.abs(mean) > 1e-6
    assert np.array_equal(ours[clear], mean[clear] < 0)
    assert masks[1].sum() < ours.sum() < masks[0].sum()


def test_two_spheres_average_to_the_one_between():
    k, j, i = np.ogrid[:41, :41, :41]
    radius = np.sqrt((k - 20.0) ** 2 + (j - 20.0) ** 2 + (i - 20.0) ** 2)
    masks = [radius < 8.0, radius < 14.0]
    ours = shape_based_average(joint_decisions(masks, Grid((41, 41, 41)))).voxels > 0
    assert abs((ours.sum() * 3 / 4 / np.pi) ** (1 / 3) - 11.0) < 0.35


@FEW
@given(st.lists(arrays.arrays(np.uint8, (3, 5, 5), elements=st.integers(0, 3)), min_size=2, max_size=4))
def test_many_labels_take_the_smallest_mean_distance_among_those_given(maps):
    present = [
        label for label in range(4) if 2 * sum((labels == label).any() for labels in maps) > len(maps) or label == 0
    ]
    surface = {label: [m for m in maps if (m == label).any() and not (m == label).all()] for label in present}
    assume(all(surface.values()))
    mean = {
        label: np.mean([signed_distance(m == label, (1.0, 1.0, 1.0)) for m in surface[label]], axis=0)
        for label in present
    }
    ours = shape_based_average(joint_decisions(maps, Grid((3, 5, 5)))).voxels
    for place in np.ndindex(ours.shape):
        given_labels = sorted({int(labels[place]) for labels in maps} & set(present))
        if len(given_labels) <= 1:
            assert ours[place] == (given_labels[0] if given_labels else 0)
            continue
        smallest = min(mean[label][place] for label in given_labels)
        assert ours[place] == next(label for label in given_labels if mean[label][place] <= smallest + 1e-6)


def test_a_structure_that_few_readers_have_is_left_out_and_named():
    small, none = np.zeros((5, 5, 5), bool), np.zeros((5, 5, 5), bool)
    small[2, 2, 1:4] = True
    grid = Grid((5, 5, 5))
    out = shape_based_average(joint_decisions([small, none, none], grid, "abc"))
    assert not out.voxels.any()
    assert any("left out" in warning for warning in out.warnings)
    kept = shape_based_average(joint_decisions([small, small, none], grid, "abc"))
    assert np.array_equal(kept.voxels > 0, small)
    assert any("without c" in warning for warning in kept.warnings)


def test_a_mask_that_fills_the_image_has_no_border_and_is_named():
    part, full = np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)
    part[:, :, 0] = True
    grid = Grid((3, 3, 3))
    assert shape_based_average(joint_decisions([full, full], grid)).voxels.all()
    result = shape_based_average(joint_decisions([full, part], grid, "ab"))
    assert np.array_equal(result.voxels > 0, part)
    assert any("fills the image of a" in warning for warning in result.warnings)


def test_performance_is_counted_on_the_result():
    k, j, i = np.ogrid[:15, :15, :15]
    masks = [((k - 7) ** 2 + (j - 7) ** 2 + (i - 7) ** 2 < radius**2) for radius in (4, 5, 6)]
    result = shape_based_average(joint_decisions(masks, Grid((15, 15, 15)), margin_mm=1.0))
    truth = result.voxels > 0
    for row, mask in zip(result.performance, masks, strict=True):
        assert row.sensitivity == pytest.approx((mask & truth).sum() / truth.sum())
        assert row.dice == pytest.approx(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))


def test_near_offsets_leave_no_gap_and_adjacent_ones_are_the_faces():
    offsets, lengths = near_offsets(Grid((1, 1, 1), (3.0, 1.0, 0.5)), 200)
    assert np.all(np.diff(lengths) >= 0)
    every = np.stack(np.meshgrid(*[np.arange(-40, 41)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    within = np.linalg.norm(every * (3.0, 1.0, 0.5), axis=1)
    assert len(offsets) == np.sum((within > 0) & (within <= lengths[-1]))
    faces = {tuple(offset) for offset in adjacent_offsets(Grid((1, 1, 1), (3.0, 1.0, 0.5))).tolist()}
    assert faces == {(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)}
    assert len(adjacent_offsets(Grid((1, 1, 1), (5.0, 0.6, 0.8), directions=TILTED))) > 6
