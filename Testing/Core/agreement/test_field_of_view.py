"""Segmentations on other grids: parts of one lattice are cropped, others refused or resampled, nothing silently."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.agreement.segmentations.field_of_view import on_common_view, require_common_view
from AnnotationQACore.agreement.segmentations.label_sources import as_sources
from AnnotationQACore.agreement.segmentations.segmentations import compare_segmentations
from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((10, 12, 14), (2.0, 0.8, 0.9), (-30.0, 12.0, 5.0))


def labelled(voxels, grid):
    return Segmentation(voxels[np.newaxis], grid, (Segment("1", "one", 1), Segment("2", "two", 2)))


def blobs(seed, grid=GRID):
    generator = np.random.default_rng(seed)
    voxels = np.zeros(grid.shape, dtype=np.uint8)
    voxels[2:8, 3:9, 3:10] = 1
    voxels[4:6, 5:8, 5:8] = 2
    noise = generator.random(grid.shape) < 0.05
    voxels[noise] = generator.integers(0, 3, noise.sum())
    return voxels


def figures(result):
    return {key: [pair.to_json() for pair in label.pairs] for key, label in result.labels.items()}


def assert_same_figures(found, expected):
    for key, pairs in figures(expected).items():
        for pair, other in zip(pairs, figures(found)[key], strict=True):
            for name, value in pair.items():
                assert other[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, (float, dict)) else value)


@pytest.fixture
def two_readers():
    return {"A": labelled(blobs(1), GRID), "B": labelled(blobs(2), GRID)}


def test_nothing_is_left_out_of_equal_grids(two_readers):
    result = compare_segmentations(two_readers)
    assert result.left_out_mm3 == {}
    assert result.messages == ()


@pytest.mark.parametrize("resample", [False, True])
def test_a_label_outside_of_the_common_view_is_absent_and_said(resample):
    first, second = np.zeros((2, *GRID.shape), dtype=np.uint8)
    first[0, 0, 0] = second[-1, -1, -1] = 2
    first[5:7, 5:7, 5:7] = 1
    second[4:6, 5:7, 5:7] = 1
    moved = GRID.cropped((slice(1, 10), slice(1, 12), slice(1, 14)))
    shift = 0.3 if resample else 0.0
    x, y, z = moved.origin
    moved = Grid(GRID.shape, GRID.spacing, (x + shift, y, z), GRID.directions)
    result = compare_segmentations({"A": labelled(first, GRID), "B": labelled(second, moved)}, resample=resample)
    lost = [message for message in result.messages if "wholly outside" in message]
    assert [message.split(" lies")[0] for message in lost] == ["A: label 2", "B: label 2"]
    assert result.labels["2"].pairs[0].state.value == "both absent"
    assert result.left_out_mm3 == pytest.approx({"A": GRID.voxel_volume, "B": GRID.voxel_volume})


def test_a_common_view_is_required():
    half = GRID.cropped((slice(0, 5), slice(0, 12), slice(0, 14)))
    other = GRID.cropped((slice(5, 10), slice(0, 12), slice(0, 14)))
    require_common_view({"A": GRID, "B": half, "C": GRID})
    with pytest.raises(GridMismatch, match="no field of view in common"):
        require_common_view({"A": GRID, "B": half, "C": other})


def test_rounding_of_a_header_is_no_difference(two_readers):
    rounded = Grid(GRID.shape, GRID.spacing, (-30.0004, 12.0, 5.0), GRID.directions)
    result = compare_segmentations({"A": two_readers["A"], "B": labelled(blobs(2), rounded)})
    assert result.messages == ()


def test_parts_of_one_lattice_are_scored_on_what_they_share():
    region = (slice(1, 9), slice(0, 11), slice(2, 14))
    a, b = blobs(1), blobs(2)
    result = compare_segmentations({"A": labelled(a, GRID), "B": labelled(b[region], GRID.cropped(region))})
    shared = compare_segmentations({"A": a[region], "B": b[region]}, GRID.cropped(region))
    assert_same_figures(result, shared)
    outside = np.ones(GRID.shape, dtype=bool)
    outside[region] = False
    assert result.left_out_mm3 == {
        "A": pytest.approx(np.count_nonzero(a[outside]) * GRID.voxel_volume),
        "B": 0.0,
    }
    assert "8 x 11 x 12" in result.messages[0]


def test_views_that_only_overlap():
    first, second = (slice(0, 7), slice(0, 12), slice(0, 14)), (slice(3, 10), slice(0, 12), slice(0, 14))
    a, b = blobs(1), blobs(2)
    readers = {"A": labelled(a[first], GRID.cropped(first)), "B": labelled(b[second], GRID.cropped(second))}
    both = (slice(3, 7), slice(0, 12), slice(0, 14))
    assert_same_figures(
        compare_segmentations(readers), compare_segmentations({"A": a[both], "B": b[both]}, GRID.cropped(both))
    )


def test_views_with_nothing_in_common():
    first, second = (slice(0, 4), slice(0, 12), slice(0, 14)), (slice(4, 10), slice(0, 12), slice(0, 14))
    readers = {
        "A": labelled(blobs(1)[first], GRID.cropped(first)),
        "B": labelled(blobs(2)[second], GRID.cropped(second)),
    }
    for resample in (False, True):
        with pytest.raises(GridMismatch, match="in common"):
            compare_segmentations(readers, resample=resample)
    elsewhere = Grid(GRID.shape, (3.0, 0.8, 0.9), (900.0, 0.0, 0.0))
    with pytest.raises(GridMismatch, match="in common"):
        compare_segmentations({"A": labelled(blobs(1), GRID), "B": labelled(blobs(2), elsewhere)}, resample=True)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Grid(GRID.shape, (2.0, 0.8, 0.95), GRID.origin), "spacing"),
        (Grid(GRID.shape, GRID.spacing, (-29.6, 12.0, 5.0)), "origin"),
        (Grid(GRID.shape, GRID.spacing, GRID.origin, ((0, 0, -1), (0, 1, 0), (1, 0, 0))), "direction"),
        (Grid(GRID.shape, GRID.spacing, GRID.origin, ((0, 0.6, 0.8), (0, 0.8, -0.6), (1, 0, 0))), "direction"),
    ],
)
def test_another_lattice_is_refused_and_named(two_readers, other, named):
    with pytest.raises(GridMismatch, match=named) as refused:
        compare_segmentations({"A": two_readers["A"], "C": labelled(blobs(2), other)})
    assert "A and C" in str(refused.value)


@pytest.mark.parametrize("flipped", [(True, False, False), (False, True, True), (True, True, True)])
def test_flipped_axes_change_nothing_once_resampled(two_readers, flipped):
    step = tuple(slice(None, None, -1 if flip else 1) for flip in flipped)
    corner = [n - 1 if flip else 0 for n, flip in zip(GRID.shape, flipped, strict=True)]
    directions = tuple(
        tuple(-x if flip else x for x in direction) for direction, flip in zip(GRID.directions, flipped, strict=True)
    )
    other = Grid(GRID.shape, GRID.spacing, tuple(GRID.to_world(corner)), directions)
    result = compare_segmentations({"A": two_readers["A"], "B": labelled(blobs(2)[step], other)}, resample=True)
    assert_same_figures(result, compare_segmentations(two_readers))
    assert set(result.left_out_mm3.values()) == {0.0}
    assert result.messages[0].startswith("B differs from A in ")


def test_permuted_axes_change_nothing_once_resampled(two_readers):
    order = (2, 0, 1)
    other = Grid(
        tuple(GRID.shape[axis] for axis in order),
        tuple(GRID.spacing[axis] for axis in order),
        GRID.origin,
        tuple(GRID.directions[axis] for axis in order),
    )
    result = compare_segmentations(
        {"A": two_readers["A"], "B": labelled(blobs(2).transpose(order), other)}, resample=True
    )
    assert_same_figures(result, compare_segmentations(two_readers))


def _itk(voxels, grid):
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing([float(x) for x in reversed(grid.spacing)])
    image.SetOrigin([float(x) for x in grid.origin])
    image.SetDirection(np.array(grid.directions)[::-1].T.reshape(-1).tolist())
    return image


def test_oblique_resampling_is_that_of_itk():
    angle = 0.3
    tilted = Grid(
        (16, 20, 18),
        (1.3, 0.9, 1.1),
        (-31.0, 8.0, 4.0),
        ((0.0, -math.sin(angle), math.cos(angle)), (0.0, math.cos(angle), math.sin(angle)), (1.0, 0.0, 0.0)),
    )
    voxels = blobs(2, tilted)
    sources = as_sources({"A": labelled(blobs(1), GRID), "B": labelled(voxels, tilted)}, None)
    view = on_common_view(sources, resample=True)
    expected, seen = (
        sitk.GetArrayFromImage(
            sitk.Resample(_itk(array, tilted), _itk(blobs(1), GRID), sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        )
        for array in (voxels, np.ones_like(voxels))
    )
    offset = np.rint(GRID.to_index(view.grid.origin)).astype(int)
    box = tuple(slice(start, start + n) for start, n in zip(offset, view.grid.shape, strict=True))
    assert 0 < view.n_unseen == np.count_nonzero(seen[box] == 0)
    np.testing.assert_array_equal(view.sources[1].arrays[0], expected[box])
    np.testing.assert_array_equal(view.sources[0].arrays[0], np.where(seen[box] > 0, blobs(1)[box], 0))
    outside = np.count_nonzero(blobs(1)[seen == 0])
    assert view.left_out_mm3["A"] == pytest.approx(outside * GRID.voxel_volume)


def test_what_not_all_saw_is_no_agreement():
    """The unseen corners of an oblique view count neither for nor against the voxelwise kappa."""
    slanted = Grid((10, 12, 14), GRID.spacing, (-30.0, 15.0, 5.0), ((0, -0.28, 0.96), (0, 0.96, 0.28), (1, 0, 0)))
    readers = {"A": labelled(blobs(1), GRID), "B": labelled(blobs(2, slanted), slanted)}
    result = compare_segmentations(readers, resample=True, distances=False)
    view = on_common_view(as_sources(readers, None), resample=True)
    confusion = result.labels["1"].pairs[0].confusion
    assert view.n_unseen > 0
    assert confusion.total == math.prod(view.grid.shape) - view.n_unseen


def test_coarser_labels_are_spread_by_the_nearest_neighbour():
    fine = Grid((4, 8, 8), (1.0, 1.0, 1.0))
    coarse = Grid((2, 4, 4), (2.0, 2.0, 2.0), (0.5, 0.5, 0.5))
    voxels = np.zeros(coarse.shape, dtype=np.uint8)
    voxels[0, 1:3, 1:3] = 1
    spread = voxels.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    readers = {"A": labelled(spread, fine), "B": labelled(voxels, coarse)}
    pair = compare_segmentations(readers, resample=True).labels["1"].pairs[0]
    assert pair.dice == 1
    assert pair.surface.hd == 0


def test_a_label_map_must_fit_its_grid():
    with pytest.raises(InputError, match="does not fit"):
        compare_segmentations({"A": np.zeros((3, 3, 3)), "B": np.zeros((3, 3, 3))}, GRID)


def test_what_is_scored_after_resampling_is_said():
    """A reading turned about its first voxel has only its first sagittal plane in common with the other."""
    turned = Grid(GRID.shape, GRID.spacing, GRID.origin, ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)))
    result = compare_segmentations(
        {"a": labelled(blobs(1), GRID), "b": labelled(blobs(1), turned)}, tolerances_mm=[1.0], resample=True
    )
    assert any("scored on the 120 voxels that all have in common" in message for message in result.messages)
    assert all(volume > 0 for volume in result.left_out_mm3.values())
