"""The sub-voxel definition measures what lies between voxels, and says when it cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.segmentations import subvoxel_distance, triangle_distance
from AnnotationQACore.agreement.segmentations.segmentations import compare_masks, compare_segmentations
from AnnotationQACore.agreement.segmentations.subvoxel_surface import smooth_surface, smoothing_sigmas
from AnnotationQACore.agreement.segmentations.triangle_distance import distances_to_triangles, point_triangle_distances
from AnnotationQACore.geometry import Grid

FEW = settings(max_examples=10, deadline=None, derandomize=True)

GRIDS = [Grid((46, 46, 46)), Grid((20, 56, 56), (2.5, 0.8, 0.8))]


def ball(grid, radius, shift=(0.0, 0.0, 0.0)):
    """Ball near the middle of a grid; shift in mm along (k, j, i)."""
    axes = [
        (np.arange(n) - (n - 1) / 2) * step - 0.13 - offset
        for n, step, offset in zip(grid.shape, grid.spacing, shift, strict=True)
    ]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    return k**2 + j**2 + i**2 <= radius**2


def subvoxel(a, b, grid, **options):
    return compare_masks(a, b, grid, definition="subvoxel", **options).surface


def test_sigma_is_0_7_voxel_or_0_6_of_the_coarsest_spacing():
    np.testing.assert_allclose(smoothing_sigmas(np.diag([1.0, 1.0, 1.0])), [0.7, 0.7, 0.7])
    np.testing.assert_allclose(smoothing_sigmas(np.diag([2.5, 0.8, 0.8])), [1.75, 1.5, 1.5])


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("difference", [0.3, 0.5, 1.0])
def test_a_shift_of_less_than_a_voxel_is_measured(grid, difference):
    smaller, larger = ball(grid, 16), ball(grid, 16 + difference)
    surface = subvoxel(larger, smaller, grid)
    assert surface.definition == "subvoxel"
    assert surface.boundary_shift_mm == pytest.approx(difference, abs=0.06)
    assert surface.assd == pytest.approx(difference, abs=0.06)
    coarse = compare_masks(larger, smaller, grid).surface
    assert abs(coarse.assd - difference) > abs(surface.assd - difference)


def test_area_of_a_ball():
    surface = subvoxel(ball(GRIDS[0], 16), ball(GRIDS[0], 15), GRIDS[0])
    assert surface.a_to_b.area_mm2 == pytest.approx(4 * math.pi * 16**2, rel=0.02)


def test_identical_masks():
    mask = ball(GRIDS[1], 15)
    surface = subvoxel(mask, mask, GRIDS[1])
    assert surface.hd == pytest.approx(0, abs=1e-9)
    assert surface.nsd[1.0] == pytest.approx(1, abs=1e-12)


def test_symmetry_and_spacing():
    a, b = ball(GRIDS[1], 15), ball(GRIDS[1], 13, (1.0, 0.6, 0.0))
    one, other = subvoxel(a, b, GRIDS[1]), subvoxel(b, a, GRIDS[1])
    doubled = Grid(GRIDS[1].shape, tuple(2 * step for step in GRIDS[1].spacing))
    scaled = subvoxel(a, b, doubled, tolerances_mm=(2.0, 4.0))
    for name in ("hd", "hd95", "assd", "masd"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-9)
        assert getattr(scaled, name) == pytest.approx(2 * getattr(one, name), abs=1e-6)
    assert other.boundary_shift_mm == pytest.approx(-one.boundary_shift_mm, abs=1e-9)
    assert list(scaled.nsd.values()) == pytest.approx(list(one.nsd.values()), abs=1e-6)


def test_the_border_of_the_image_is_surface():
    grid = Grid((20, 24, 24))
    half = np.zeros(grid.shape, dtype=bool)
    half[:, :, :12] = True
    quarter = half.copy()
    quarter[:, :, :2] = False
    surface = subvoxel(half, quarter, grid)
    assert surface.definition == "subvoxel"
    assert surface.hd == pytest.approx(2, abs=0.2)


def test_structures_too_thin_fall_back_and_it_is_said():
    grid = Grid((20, 40, 40))
    thread = np.zeros(grid.shape, dtype=np.uint8)
    thread[10, 5, 5:35] = 1
    thick = np.zeros_like(thread)
    thick[6:14, 2:8, 5:35] = 1
    solid = np.zeros_like(thread)
    solid[2:18, 12:34, 8:30] = 2
    readers = {"A": np.where(thread, 1, solid), "B": np.where(thick, 1, solid)}
    result = compare_segmentations(readers, grid, definition="subvoxel")
    assert result.definition == "subvoxel"
    thin, other = result.labels["1"], result.labels["2"]
    assert thin.too_thin
    assert thin.pairs[0].surface.definition == "surfel"
    assert thin.pairs[0].surface == compare_masks(readers["A"] == 1, readers["B"] == 1, grid).surface
    assert thin.pairs[0].to_json()["surface_definition"] == "surfel"
    assert any(message.startswith("1: too thin") for message in result.messages)
    assert not other.too_thin
    assert other.pairs[0].surface.definition == "subvoxel"
    assert len(result.messages) == 1


def test_a_narrow_gap_is_too_thin_as_well():
    grid = Grid((24, 30, 30), (2.5, 0.8, 0.8))
    mask = np.zeros(grid.shape, dtype=bool)
    mask[2:22, 3:27, 3:27] = True
    whole = mask.copy()
    mask[3:21, 4:26, 15] = False
    assert compare_masks(whole, mask, grid, definition="subvoxel").surface.definition == "surfel"
    assert compare_masks(whole, whole, grid, definition="subvoxel").surface.definition == "subvoxel"


def test_single_voxels_fall_back():
    grid = Grid((5, 6, 7))
    a, b = np.zeros((2, *grid.shape), dtype=bool)
    a[2, 2, 2] = b[2, 2, 4] = True
    surface = subvoxel(a, b, grid)
    assert surface.definition == "surfel"
    assert surface.hd == 2


def test_empty_masks_follow_the_policy():
    empty = np.zeros(GRIDS[0].shape, dtype=bool)
    missed = subvoxel(ball(GRIDS[0], 12), empty, GRIDS[0])
    assert missed.definition == "subvoxel"
    assert missed.hd == math.inf
    assert missed.nsd[1.0] == 0
    result = compare_segmentations({"A": empty, "B": empty}, GRIDS[0], labels=[1], definition="subvoxel")
    assert result.labels["1"].pairs[0].surface is None
    assert result.messages == ()


def test_leave_one_out_consensus_has_a_smooth_surface():
    readers = {name: ball(GRIDS[0], radius) for name, radius in (("A", 14), ("B", 15), ("C", 16))}
    result = compare_segmentations(readers, GRIDS[0], definition="subvoxel", against_consensus=True)
    shifts = [pair.surface.boundary_shift_mm for pair in result.labels["1"].against_consensus]
    # The majority of two others is what both have: the smaller ball.
    assert shifts == pytest.approx([-1, 1, 2], abs=0.1)


def test_the_surface_of_each_mask_is_made_once(monkeypatch):
    made = []

    def counted(mask, *others):
        made.append(int(mask.sum()))
        return smooth_surface(mask, *others)

    monkeypatch.setattr(subvoxel_distance, "smooth_surface", counted)
    balls = {name: ball(GRIDS[0], radius) for name, radius in (("A", 14), ("B", 15), ("C", 16))}
    compare_segmentations(balls, GRIDS[0], definition="subvoxel", reference=ball(GRIDS[0], 13))
    assert made == [int(mask.sum()) for mask in (*balls.values(), ball(GRIDS[0], 13))]


def test_the_surface_is_closed():
    mask = ball(Grid((16, 16, 16)), 5)
    surface = smooth_surface(mask, np.zeros(3, dtype=np.int64), np.eye(3))
    rounded = [tuple(map(tuple, triangle)) for triangle in np.round(surface.vertices, 9)]
    sides = {}
    for triangle in rounded:
        for start, end in ((0, 1), (1, 2), (2, 0)):
            side = frozenset((triangle[start], triangle[end]))
            sides[side] = sides.get(side, 0) + 1
    assert set(sides.values()) == {2}


# --- points and triangles


@FEW
@given(st.integers(0, 10**6))
def test_point_triangle_distance_against_sampling(seed):
    generator = np.random.default_rng(seed)
    triangle, point = generator.normal(size=(3, 3)), 2 * generator.normal(size=3)
    u, v = np.meshgrid(np.linspace(0, 1, 201), np.linspace(0, 1, 201))
    weights = np.stack([1 - u, u * (1 - v), u * v], axis=-1)
    sampled = np.linalg.norm(weights @ triangle - point, axis=-1).min()
    exact = float(point_triangle_distances(point, triangle))
    assert exact <= sampled + 1e-12
    assert exact == pytest.approx(sampled, abs=0.02)


def test_degenerate_triangles_are_segments_and_points():
    segment = np.array([[0.0, 0, 0], [2, 0, 0], [1, 0, 0]])
    point = np.zeros((3, 3))
    assert point_triangle_distances(np.array([1.0, 3, 0]), segment) == pytest.approx(3)
    assert point_triangle_distances(np.array([0.0, 3, 4]), point) == pytest.approx(5)


@pytest.mark.parametrize("difference", [0.0, 1.5, 8.0])
def test_few_triangles_are_looked_at_closely(monkeypatch, difference):
    looked_at = []

    def counted(points, triangles):
        looked_at.append(len(points))
        return point_triangle_distances(points, triangles)

    one, other = (smooth_surface(ball(GRIDS[0], radius), np.zeros(3, dtype=np.int64), np.eye(3)) for radius in
                  (12, 12 + difference))  # fmt: skip
    expected = distances_to_triangles(one.centroids, other.vertices)
    monkeypatch.setattr(triangle_distance, "point_triangle_distances", counted)
    found = distances_to_triangles(one.centroids, other.vertices)
    np.testing.assert_array_equal(found, expected)
    assert len(found) <= sum(looked_at) < 12 * len(found)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.7)])
def test_the_nearest_triangle_is_among_the_candidates(spacing):
    grid = Grid((14 if spacing[0] > 1 else 40, 56, 56), spacing)
    step = np.diag(spacing)
    one = smooth_surface(ball(grid, 12), np.zeros(3, dtype=np.int64), step)
    other = smooth_surface(ball(grid, 13.5, (2.0, 1.0, 1.0)), np.zeros(3, dtype=np.int64), step)
    chosen = one.centroids[:: max(1, len(one.areas) // 200)]
    found = distances_to_triangles(chosen, other.vertices)
    exact = [point_triangle_distances(centre, other.vertices).min() for centre in chosen]
    np.testing.assert_allclose(found, exact, atol=1e-9)
