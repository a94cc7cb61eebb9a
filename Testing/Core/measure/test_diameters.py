"""Diameters against brute force over all points, against pyradiomics, and on shapes whose diameters are known."""

from itertools import combinations

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as label_components
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from AnnotationQACore.geometry import Grid
from AnnotationQACore.measure.diameters import longest_diameter, plane_diameters
from AnnotationQACore.segmentation import Mask

FEW = settings(max_examples=30, deadline=None, derandomize=True)
MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)))
TILTED = ((0.0, np.sin(0.35), np.cos(0.35)), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
OBLIQUE = ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0))
DIRECTIONS = st.sampled_from([Grid((1, 1, 1)).directions, OBLIQUE, TILTED])


def surface_points(voxels, axes):
    """Middles between neighbouring voxel centres of which one is inside, one by one."""
    points = []
    for index in np.argwhere(voxels):
        for axis in axes:
            for step in (-1, 1):
                beside = index.copy()
                beside[axis] += step
                inside = 0 <= beside[axis] < voxels.shape[axis] and voxels[tuple(beside)]
                if not inside:
                    points.append((index + beside) / 2)
    return np.array(points)


def brute(points):
    return max(float(np.linalg.norm(a - b)) for a, b in combinations(points, 2))


@FEW
@given(MASKS, DIRECTIONS)
def test_the_longest_in_space_is_that_of_all_pairs(voxels, directions):
    assume(voxels.any())
    grid = Grid(voxels.shape, (2.5, 0.7, 0.9), (4.0, 5.0, 6.0), directions)
    found = longest_diameter(Mask(voxels, grid))
    points = grid.to_world(surface_points(voxels, range(3)))
    assert found.length_mm == pytest.approx(brute(points))
    for end in found.ends:
        assert np.linalg.norm(points - end, axis=1).min() < 1e-9


@FEW
@given(MASKS, DIRECTIONS, st.integers(0, 2))
def test_the_longest_in_the_plane_is_that_of_all_pairs_of_a_part(voxels, directions, axis):
    assume(voxels.any())
    grid = Grid(voxels.shape, (2.5, 0.7, 0.9), (4.0, 5.0, 6.0), directions)
    found = plane_diameters(Mask(voxels, grid), axis)
    in_plane = [other for other in range(3) if other != axis]
    longest = {}
    for index in range(voxels.shape[axis]):
        plane = np.zeros_like(voxels)
        select = tuple(index if other == axis else slice(None) for other in range(3))
        parts, number = label_components(voxels[select], structure=np.ones((3, 3)))
        for part in range(1, number + 1):
            plane[select] = parts == part
            length = brute(grid.to_world(surface_points(plane, in_plane)))
            longest[index] = max(longest.get(index, 0.0), length)
    best = max(longest.values())
    at_best = [index for index, length in longest.items() if length > best - 1e-9]
    assert found.longest.length_mm == pytest.approx(best)
    assert found.slice_index == at_best[0]
    assert found.tied_slices == tuple(at_best[1:])
    for end in (*found.longest.ends, *found.perpendicular.ends):
        assert grid.to_index(end)[axis] == pytest.approx(found.slice_index)


@FEW
@given(MASKS, DIRECTIONS)
def test_the_perpendicular_is_at_right_angles_and_not_longer(voxels, directions):
    assume(voxels.any())
    found = plane_diameters(Mask(voxels, Grid(voxels.shape, (2.5, 0.7, 0.9), directions=directions)))
    long, short = (np.subtract(*diameter.ends) for diameter in (found.longest, found.perpendicular))
    assert abs(long @ short) < 1e-8
    assert 0 < found.perpendicular.length_mm <= found.longest.length_mm + 1e-9
    assert found.perpendicular.length_mm == pytest.approx(np.linalg.norm(short))


def test_no_other_perpendicular_chord_is_longer():
    rng = np.random.default_rng(4)
    for _ in range(20):
        voxels = rng.random((1, 7, 9)) < 0.7
        parts, _ = label_components(voxels[0], structure=np.ones((3, 3)))
        voxels[0] = parts == np.argmax(np.bincount(parts.ravel())[1:]) + 1
        found = plane_diameters(Mask(voxels, Grid(voxels.shape, (1.0, 0.7, 0.9))))
        points = Grid(voxels.shape, (1.0, 0.7, 0.9)).to_world(surface_points(voxels, (1, 2)))[:, :2]
        start, end = (np.array(point[:2]) for point in found.longest.ends)
        along = (end - start) / np.linalg.norm(end - start)
        t, s = (points - start) @ along, (points - start) @ np.array([-along[1], along[0]])
        # the convex hull, sampled: between every pair of points the heights of their connection
        heights = {}
        for place in np.linspace(t.min(), t.max(), 200):
            left, right = np.flatnonzero(t <= place), np.flatnonzero(t >= place)
            share = (place - t[left][:, None]) / np.maximum(t[right][None] - t[left][:, None], 1e-12)
            chords = s[left][:, None] + np.clip(share, 0, 1) * (s[right][None] - s[left][:, None])
            heights[place] = chords.max() - chords.min()
        assert max(heights.values()) <= found.perpendicular.length_mm + 1e-9
        assert max(heights.values()) > 0.97 * found.perpendicular.length_mm


def test_one_voxel_measures_its_spacing():
    found = plane_diameters(Mask(np.ones((1, 1, 1), bool), Grid((1, 1, 1), (5.0, 0.8, 0.6))))
    assert found.longest.length_mm == pytest.approx(0.8)
    assert found.perpendicular.length_mm == pytest.approx(0.6)
    assert longest_diameter(Mask(np.ones((1, 1, 1), bool), Grid((1, 1, 1), (5.0, 0.8, 0.6)))).length_mm == 5.0


def test_a_turned_ellipse_has_its_axes():
    j, i = np.mgrid[-60:61, -60:61] * 0.5
    turned = np.cos(0.5) * i + np.sin(0.5) * j, np.cos(0.5) * j - np.sin(0.5) * i
    voxels = ((turned[0] / 24) ** 2 + (turned[1] / 13) ** 2 <= 1)[None]
    found = plane_diameters(Mask(voxels, Grid(voxels.shape, (3.0, 0.5, 0.5))))
    assert found.longest.length_mm == pytest.approx(48, abs=0.5)
    assert found.perpendicular.length_mm == pytest.approx(26, abs=0.5)


def test_end_points_half_way_are_nearer_to_the_truth_than_corners():
    rng = np.random.default_rng(0)
    errors, corners = [], []
    for _ in range(100):
        radius, (y, x), turn = rng.uniform(5, 15), rng.uniform(-0.5, 0.5, 2), rng.uniform(0, np.pi)
        j, i = np.mgrid[-20:21, -20:21]
        along = np.cos(turn) * (i - x) + np.sin(turn) * (j - y)
        across = np.cos(turn) * (j - y) - np.sin(turn) * (i - x)
        voxels = ((along / radius) ** 2 + (across / (0.7 * radius)) ** 2 < 1)[None]
        errors.append(plane_diameters(Mask(voxels, Grid(voxels.shape))).longest.length_mm - 2 * radius)
        index = np.argwhere(voxels[0])
        outer = np.concatenate(
            [np.add(index, corner) for corner in ((0.5, 0.5), (0.5, -0.5), (-0.5, 0.5), (-0.5, -0.5))]
        )
        corners.append(pdist(outer[ConvexHull(outer).vertices]).max() - 2 * radius)
    assert 0.2 < np.mean(errors) < 0.5
    assert np.mean(corners) > np.mean(errors) + 0.3


def test_parts_of_a_slice_are_measured_apart_but_the_longest_in_space_is_over_all():
    voxels = np.zeros((1, 3, 30), bool)
    voxels[0, 1, 2:6] = voxels[0, 1, 20:27] = True
    mask = Mask(voxels, Grid(voxels.shape))
    assert plane_diameters(mask).longest.length_mm == pytest.approx(7.0)
    assert longest_diameter(mask).length_mm == pytest.approx(25.0)


def test_the_first_of_equally_long_slices_is_taken_and_the_others_named():
    voxels = np.zeros((6, 3, 8), bool)
    voxels[2, 1, 1:4] = voxels[3, 1, 1:6] = voxels[5, 1, 2:7] = True
    found = plane_diameters(Mask(voxels, Grid(voxels.shape, (2.0, 1.0, 1.0))))
    assert (found.slice_index, found.tied_slices) == (3, (5,))
    assert found.longest.ends == ((0.5, 1.0, 6.0), (5.5, 1.0, 6.0))


def test_flips_keep_the_diameters():
    rng = np.random.default_rng(8)
    voxels = rng.random((3, 8, 9)) < 0.4
    grid = Grid(voxels.shape, (2.0, 0.7, 0.9))
    expected = plane_diameters(Mask(voxels, grid))
    for axis in range(3):
        found = plane_diameters(Mask(np.flip(voxels, axis), grid))
        assert found.longest.length_mm == pytest.approx(expected.longest.length_mm)


def test_an_empty_mask_has_no_diameter():
    mask = Mask(np.zeros((2, 3, 4), bool), Grid((2, 3, 4)))
    assert plane_diameters(mask) is None
    assert longest_diameter(mask) is None


# Maximum3DDiameter and Maximum2DDiameterSlice of pyradiomics (data/baseline/baseline_shape.csv); the latter is measured
# over all parts of a slice, and brain1 and lung1 have slices with several.
PYRADIOMICS = {
    "brain1": (69.6009903059, None),
    "brain2": (24.4445322363, 16.3129789202),
    "breast1": (9.08101860833, 8.39979371027),
    "lung1": (21.3449467202, None),
    "lung2": (68.9824710303, 55.8023479973),
}


@pytest.mark.parametrize("name", PYRADIOMICS)
def test_pyradiomics_agrees(label_of, name):
    in_space, in_plane = PYRADIOMICS[name]
    mask = label_of(name)
    assert longest_diameter(mask).length_mm == pytest.approx(in_space, rel=1e-9)
    if in_plane is not None:
        assert plane_diameters(mask).longest.length_mm == pytest.approx(in_plane, rel=1e-9)
