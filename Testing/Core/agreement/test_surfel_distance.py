"""Surfel distances: against the reference implementation, its own tests, and a naive one of the definition."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.segmentations import neighbours, segmentations, surfel_distance, windows
from AnnotationQACore.agreement.segmentations.marching_cubes import CORNERS, surfel_areas
from AnnotationQACore.agreement.segmentations.segmentations import compare_masks, compare_segmentations
from AnnotationQACore.geometry import Grid

FEW = settings(max_examples=25, deadline=None, derandomize=True)

TOLERANCES = (0.5, 1.0, 2.0, 3.0)

spacings = st.tuples(*[st.sampled_from([0.5, 0.8, 1.0, 2.5, 5.0])] * 3)


@st.composite
def mask_pairs(draw):
    """Two masks, not empty, of one shape, and a spacing; one slice is as welcome as a volume."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 8)))
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    density = draw(st.sampled_from([0.02, 0.3, 0.9]))
    masks = generator.random((2, *shape)) < density
    masks[0].flat[generator.integers(masks[0].size)] = True
    masks[1].flat[generator.integers(masks[1].size)] = True
    return masks[0], masks[1], Grid(shape, draw(spacings))


def naive_surface(mask, mm_from_index):
    """Corners of the surface in mm, their areas, and whether the voxels around any other corner are all inside."""
    areas = surfel_areas(mm_from_index)
    padded = np.pad(mask, 1)
    codes = np.zeros([n + 1 for n in mask.shape], dtype=int)
    for k, j, i in np.ndindex(codes.shape):
        codes[k, j, i] = sum(1 << bit for bit, (dk, dj, di) in enumerate(CORNERS) if padded[k + dk, j + dj, i + di])
    corners = np.argwhere((codes > 0) & (codes < 255))
    return corners, areas[codes[tuple(corners.T)]], codes


def naive_figures(a, b, mm_from_index):
    """HD, HD95, ASSD, MASD, NSD and boundary shift, by looking at every pair of surface elements."""
    (corners_a, areas_a, codes_a), (corners_b, areas_b, codes_b) = (
        naive_surface(mask, mm_from_index) for mask in (a, b)
    )
    apart = np.linalg.norm((corners_a[:, None] - corners_b[None]) @ mm_from_index.T, axis=2)
    directed = []
    for distances, areas, corners, codes in (
        (apart.min(axis=1), areas_a, corners_a, codes_b),
        (apart.min(axis=0), areas_b, corners_b, codes_a),
    ):
        order = np.argsort(distances)
        reached = np.cumsum(areas[order]) / areas.sum()
        p95 = distances[order][np.argmax(reached >= 0.95 - 1e-12)]
        signs = np.where(codes[tuple(corners.T)] == 255, -1, 1)
        directed.append((distances, areas, p95, (signs * distances) @ areas / areas.sum()))
    (da, wa, pa, sa), (db, wb, pb, sb) = directed
    total = wa.sum() + wb.sum()
    return {
        "hd": max(da.max(), db.max()),
        "hd95": max(pa, pb),
        "assd": (da @ wa + db @ wb) / total,
        "masd": (da @ wa / wa.sum() + db @ wb / wb.sum()) / 2,
        "nsd": [(wa[da <= t + 1e-6].sum() + wb[db <= t + 1e-6].sum()) / total for t in TOLERANCES],
        "shift": (sa - sb) / 2,
    }


def figures(a, b, grid):
    return figures_of(compare_masks(a, b, grid, tolerances_mm=TOLERANCES).surface)


def figures_of(surface):
    return {
        "hd": surface.hd,
        "hd95": surface.hd95,
        "assd": surface.assd,
        "masd": surface.masd,
        "nsd": list(surface.nsd.values()),
        "shift": surface.boundary_shift_mm,
    }


def assert_alike(found, expected, tolerance=1e-9):
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name


@pytest.mark.parametrize("one_box", [0, 10**9], ids=["boxes", "whole image"])
@FEW
@given(pair=mask_pairs())
def test_naive_implementation_agrees(one_box, pair):
    a, b, grid = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmentations, "ONE_BOX", one_box)
        assert_alike(figures(a, b, grid), naive_figures(a, b, np.diag(grid.spacing)))


@pytest.mark.parametrize("voxels_per_query", [0, 10**9], ids=["tree", "transform"])
@FEW
@given(pair=mask_pairs())
def test_far_surfaces_are_found_otherwise_as_well(voxels_per_query, pair):
    """With a near distance of nothing all but shared corners go to the k-d tree, or to the distance transform."""
    a, b, grid = pair
    expected = figures(a, b, grid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_VOXELS_PER_QUERY", voxels_per_query)
        patch.setattr(neighbours, "_STEPPED_MM", 1e-3)
        surfel_distance._geometry.cache_clear()
        assert_alike(figures(a, b, grid), expected)
    surfel_distance._geometry.cache_clear()


@pytest.mark.parametrize(("few", "look_ups"), [(0, 1), (10**9, 1), (10**9, 40), (10**9, 10**9)])
@FEW
@given(pair=mask_pairs())
def test_shells_looked_at_one_by_one_or_together_find_the_same(few, look_ups, pair):
    a, b, grid = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_FEW", few)
        patch.setattr(neighbours, "_GATHER", look_ups)
        assert_alike(figures(a, b, grid), naive_figures(a, b, np.diag(grid.spacing)))


@FEW
@given(mask_pairs(), st.integers(0, 10**6))
def test_readers_measured_together_have_the_figures_of_two_alone(pair, seed):
    """Surfaces of all readers lie one after the other in memory, and no search reaches into the next."""
    a, b, grid = pair
    c = np.random.default_rng(seed).random(a.shape) < 0.1
    masks = {"a": a, "b": b, "c": c | (a & b), "d": ~a | b}
    together = compare_segmentations(masks, grid, tolerances_mm=TOLERANCES).labels["1"].pairs
    assert len(together) == 6
    for each in together:
        assert_alike(figures_of(each.surface), figures(masks[each.a], masks[each.b], grid))


@FEW
@given(mask_pairs())
def test_tiles_and_slabs_do_not_show_in_the_result(pair):
    a, b, grid = pair
    expected = figures(a, b, grid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmentations, "ONE_BOX", 0)
        patch.setattr(windows, "_WORTH_A_CUT", 1)
        patch.setattr(windows, "_WINDOW", 1)
        patch.setattr(windows, "_THINNEST", 1)
        patch.setattr(neighbours, "_STEPPED_MM", 1.3)
        surfel_distance._geometry.cache_clear()
        assert_alike(figures(a, b, grid), expected)
    surfel_distance._geometry.cache_clear()


def test_scattered_lesions_are_measured_in_windows_of_their_own(monkeypatch):
    generator = np.random.default_rng(3)
    a, b = np.zeros((2, 40, 120, 120), dtype=bool)
    for k, j, i in generator.integers(2, [34, 110, 110], (9, 3)):
        a[k : k + 4, j : j + 5, i : i + 6] = True
        b[k : k + 4, j + 1 : j + 5, i : i + 7] = True
    b[20, 60, 60] = True
    grid = Grid(a.shape, (1.5, 0.8, 0.8))
    expected = naive_figures(a, b, np.diag(grid.spacing))
    sizes = []
    original = surfel_distance.find_surfels
    monkeypatch.setattr(windows, "_WORTH_A_CUT", 1000)
    monkeypatch.setattr(
        surfel_distance, "find_surfels", lambda window, *rest: sizes.append(window.voxels) or original(window, *rest)
    )
    assert_alike(figures(a, b, grid), expected)
    assert len(sizes) >= 5


def test_many_slabs_with_close_surfaces_on_both_sides():
    """Slabs see the surfaces beyond their ends."""
    generator = np.random.default_rng(5)
    a = generator.random((60, 6, 6)) < 0.2
    b = generator.random((60, 6, 6)) < 0.2
    grid = Grid(a.shape, (0.5, 0.9, 1.1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_WINDOW", 1)
        assert_alike(figures(a, b, grid), naive_figures(a, b, np.diag(grid.spacing)))


def test_sheared_grids_are_measured_in_mm():
    tilted = (0.0, math.sin(0.3), math.cos(0.3))
    grid = Grid((6, 7, 8), (3.0, 0.9, 0.8), directions=(tilted, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
    assert grid.is_sheared
    generator = np.random.default_rng(2)
    a, b = generator.random((2, *grid.shape)) < 0.3
    assert_alike(figures(a, b, grid), naive_figures(a, b, grid.affine[:3, :3]))


# --- the reference implementation


def _number(value):
    return float(value) if isinstance(value, str) else value


def test_reference_implementation_of_nikolov_et_al(shared_data):
    """Overlap and every surfel figure of all mask pairs, at a thousandth of the stated tolerance."""
    folder = shared_data / "agreement"
    cases = json.loads((folder / "surface.json").read_text())["cases"]
    assert len(cases) >= 11
    for case in cases:
        a, b = (sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name))) > 0 for name in case["files"])
        grid = Grid(a.shape, tuple(case["spacing_zyx"]))
        expected = case["surfel_definition"]
        pair = compare_masks(a, b, grid, tolerances_mm=[float(tau) for tau in expected["nsd"]])
        confusion = pair.confusion
        assert [confusion.in_a, confusion.in_b] == case["voxels"], case["id"]
        assert confusion.both == case["intersection"], case["id"]
        for name in ("dice", "jaccard", "volume_similarity"):
            assert getattr(pair, name) == pytest.approx(case[name], abs=1e-12), case["id"]
        assert pair.volume_a_mm3 == pytest.approx(case["voxels"][0] * math.prod(case["spacing_zyx"]))
        if case["voxels"] == [0, 0]:
            assert pair.surface is None
            assert pair.state == "both absent"
            continue
        surface = pair.surface
        assert surface.hd == pytest.approx(_number(expected["hd"]), abs=1e-9), case["id"]
        assert surface.hd95 == pytest.approx(_number(expected["hd95"]), abs=1e-9), case["id"]
        for tau, value in expected["nsd"].items():
            assert surface.nsd[float(tau)] == pytest.approx(value, abs=1e-9), (case["id"], tau)
        if 0 in case["voxels"]:
            continue
        for directed, mean, area in (
            (surface.a_to_b, "asd_a_to_b", "area_a"),
            (surface.b_to_a, "asd_b_to_a", "area_b"),
        ):
            assert directed.mean == pytest.approx(expected[mean], abs=1e-9), case["id"]
            assert directed.area_mm2 == pytest.approx(expected[area], abs=1e-9), case["id"]
        areas = surface.a_to_b.area_mm2, surface.b_to_a.area_mm2
        overlap = np.dot(expected["overlap_at_1mm"], areas) / sum(areas)
        assert surface.nsd[1.0] == pytest.approx(overlap, abs=1e-9), case["id"]


def test_unit_tests_of_the_reference_implementation(shared_data):
    cases = {
        case["id"]: case
        for case in json.loads((shared_data / "agreement/deepmind_unit_tests.json").read_text())["cases"]
    }

    voxels = cases["dm3d_two_voxels"]
    a, b = np.zeros((2, *voxels["shape"]), dtype=bool)
    a[tuple(np.transpose(voxels["a"]))] = b[tuple(np.transpose(voxels["b"]))] = True
    _assert_unit_test(compare_masks(a, b, Grid(a.shape, tuple(voxels["spacing"]))), voxels["expected"], 1e-12)

    cubes = cases["dm3d_shifted_cubes"]
    a, b = np.zeros((2, *cubes["shape"]), dtype=bool)
    a[:50] = True
    b[:51] = True
    assert (cubes["a_slice"], cubes["b_slice"]) == ("[0:50]", "[0:51]")
    _assert_unit_test(compare_masks(a, b, Grid(a.shape, tuple(cubes["spacing"]))), cubes["expected"], cubes["tol"])

    empty = np.zeros((4, 5, 6), dtype=bool)
    full = np.ones_like(empty)
    missed = compare_masks(full, empty, Grid(empty.shape))
    expected = cases["dm_empty_pred"]["expected"]
    assert missed.surface.a_to_b.mean == float(expected["asd"][0])
    assert missed.surface.b_to_a is None
    assert missed.surface.hd == missed.surface.hd95 == float(expected["hd"])
    assert missed.surface.nsd[1.0] == expected["nsd1"]
    assert missed.dice == expected["dice"]
    absent = compare_masks(empty, empty, Grid(empty.shape))
    assert cases["dm_both_empty"]["expected"]["dice"] == "nan"
    assert absent.dice is absent.surface is None


def _assert_unit_test(pair, expected, tolerance):
    assert pair.surface.a_to_b.mean == pytest.approx(expected["asd"][0], abs=tolerance)
    assert pair.surface.b_to_a.mean == pytest.approx(expected["asd"][1], abs=tolerance)
    assert pair.surface.hd == pytest.approx(expected["hd"], abs=tolerance)
    assert pair.surface.hd95 == pytest.approx(expected["hd95"], abs=tolerance)
    assert pair.surface.nsd[1.0] == pytest.approx(expected["nsd1"], abs=tolerance)
    assert pair.dice == pytest.approx(expected["dice"], abs=max(tolerance, 5e-3))


def test_two_dimensional_unit_test_as_one_slice(shared_data):
    """An outline in the plane is the side wall of a slice: its distances are those of the two-dimensional test."""
    cases = json.loads((shared_data / "agreement/deepmind_unit_tests.json").read_text())["cases"]
    case = next(case for case in cases if case["id"] == "dm2d_two_pixels")
    a, b = np.zeros((2, 1, *case["shape"]), dtype=bool)
    a[(0, *np.transpose(case["a"]))] = b[(0, *np.transpose(case["b"]))] = True
    pair = compare_masks(a, b, Grid(a.shape, (1.0, *map(float, case["spacing"]))))
    expected = case["expected"]
    assert pair.surface.hd == pair.surface.hd95 == expected["hd"]
    assert [pair.surface.a_to_b.mean, pair.surface.b_to_a.mean] == expected["asd"]
    assert pair.surface.nsd[1.0] == expected["nsd1"]
    assert pair.dice == expected["dice"]


# --- properties


@FEW
@given(mask_pairs())
def test_symmetry(pair):
    a, b, grid = pair
    one, other = figures(a, b, grid), figures(b, a, grid)
    assert other.pop("shift") == pytest.approx(-one.pop("shift"), abs=1e-12)
    assert_alike(other, one, 1e-12)


@FEW
@given(mask_pairs())
def test_identity(pair):
    a, _, grid = pair
    surface = compare_masks(a, a.copy(), grid).surface
    assert surface.hd == surface.hd95 == surface.assd == surface.masd == surface.boundary_shift_mm == 0
    assert set(surface.nsd.values()) == {1.0}


@FEW
@given(mask_pairs(), st.tuples(*[st.integers(0, 5)] * 3), st.tuples(*[st.integers(0, 5)] * 3))
def test_translation(pair, before, after):
    a, b, grid = pair
    width = list(zip(before, after, strict=True))
    moved = Grid(tuple(n + p + q for n, (p, q) in zip(grid.shape, width, strict=True)), grid.spacing, (9.0, -4.0, 7.0))
    assert_alike(figures(np.pad(a, width), np.pad(b, width), moved), figures(a, b, grid), 1e-9)


@FEW
@given(mask_pairs(), st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_axis_permutation_and_flip(pair, order, flips):
    a, b, grid = pair
    step = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    turned = Grid(tuple(grid.shape[axis] for axis in order), tuple(grid.spacing[axis] for axis in order))
    found = figures(a.transpose(order)[step], b.transpose(order)[step], turned)
    assert_alike(found, figures(a, b, grid), 1e-9)


@FEW
@given(mask_pairs(), st.sampled_from([0.1, 0.25, 2.0, 10.0]))
def test_scaling_the_spacing_scales_the_distances(pair, factor):
    a, b, grid = pair
    scaled = Grid(grid.shape, tuple(factor * step for step in grid.spacing))
    surface = compare_masks(a, b, grid, tolerances_mm=TOLERANCES).surface
    other = compare_masks(a, b, scaled, tolerances_mm=[factor * tau for tau in TOLERANCES]).surface
    for name in ("hd", "hd95", "assd", "masd", "boundary_shift_mm"):
        assert getattr(other, name) == pytest.approx(factor * getattr(surface, name), rel=1e-9, abs=1e-12)
    assert list(other.nsd.values()) == pytest.approx(list(surface.nsd.values()), abs=1e-9)
    assert other.a_to_b.area_mm2 == pytest.approx(factor**2 * surface.a_to_b.area_mm2, rel=1e-9)


@FEW
@given(mask_pairs(), st.integers(0, 10**6))
def test_triangle_inequality_of_the_hausdorff_distance(pair, seed):
    a, b, grid = pair
    c = np.random.default_rng(seed).random(grid.shape) < 0.4
    c.flat[0] = True
    direct, via = figures(a, b, grid)["hd"], figures(a, c, grid)["hd"] + figures(c, b, grid)["hd"]
    assert direct <= via + 1e-9


@FEW
@given(mask_pairs())
def test_bounds(pair):
    a, b, grid = pair
    surface = compare_masks(a, b, grid, tolerances_mm=TOLERANCES).surface
    assert 0 <= surface.assd <= surface.hd
    assert surface.hd95 <= surface.hd
    assert abs(surface.boundary_shift_mm) <= surface.hd
    nsd = list(surface.nsd.values())
    assert nsd == sorted(nsd)
    assert 0 <= nsd[0] <= nsd[-1] <= 1


def test_a_larger_ball_lies_outside():
    k, j, i = np.ogrid[:30, :30, :30]
    radius = np.sqrt((k - 15) ** 2 + (j - 15) ** 2 + (i - 15) ** 2)
    surface = compare_masks(radius < 11, radius < 9, Grid((30, 30, 30))).surface
    assert surface.boundary_shift_mm == pytest.approx(2, abs=0.5)
    assert surface.boundary_shift_mm == pytest.approx(surface.masd, abs=1e-9)


# --- shapes at the edge


def test_a_mask_that_fills_the_volume_has_the_border_as_surface():
    grid = Grid((4, 5, 6), (2.0, 1.0, 1.0))
    full = np.ones(grid.shape, dtype=bool)
    inner = full.copy()
    inner[-1] = False
    surface = compare_masks(full, inner, grid).surface
    assert surface.hd == 2.0
    assert surface.nsd[1.0] < 1


def test_single_voxels_far_apart():
    grid = Grid((5, 40, 300), (3.0, 1.0, 0.7))
    a, b = np.zeros((2, *grid.shape), dtype=bool)
    a[0, 0, 0] = b[4, 39, 299] = True
    surface = compare_masks(a, b, grid).surface
    assert surface.hd == pytest.approx(math.dist((0, 0, 0), (4 * 3, 39, 299 * 0.7)), abs=1e-9)
    assert surface.nsd == {1.0: 0.0, 2.0: 0.0}


def test_tiny_and_huge_voxels():
    generator = np.random.default_rng(8)
    for spacing in ((0.01, 0.01, 0.01), (0.02, 0.3, 5.0), (50.0, 50.0, 80.0)):
        a, b = generator.random((2, 4, 5, 6)) < 0.3
        grid = Grid(a.shape, spacing)
        assert_alike(figures(a, b, grid), naive_figures(a, b, np.diag(spacing)))


def test_figures_of_boundary_voxels_follow_from_the_same_statistics(shared_data):
    """MetricsReloaded takes boundary voxels, each with the same weight, as surface.

    The figures are reproduced from such distances, which tests the means and NSD apart from the definition of surface.
    Its HD95 interpolates between distances, which no weighted percentile does.
    """
    from scipy.ndimage import binary_erosion
    from scipy.spatial.distance import cdist

    from AnnotationQACore.agreement.segmentations.distance_distribution import DistanceDistribution, surface_agreement
    from AnnotationQACore.agreement.segmentations.segmentation_agreement import Definition

    def agreement(a, b):
        points = [np.argwhere(mask & ~binary_erosion(mask)).astype(float) for mask in (a, b)]
        apart = cdist(*points)
        ways = [DistanceDistribution.of(way, np.ones(len(way)), 0.0) for way in (apart.min(axis=1), apart.min(axis=0))]
        return surface_agreement(*ways, (1.0, 2.0), Definition.SURFEL), ways

    def squares(shape, *places):
        mask = np.zeros(shape, dtype=bool)
        for place in places:
            mask[place] = True
        return mask

    cases = json.loads((shared_data / "agreement/metricsreloaded_figures.json").read_text())["cases"]
    figures_of = {case["id"]: (case["shape"], case["expected"], case["tol"]) for case in cases}
    shape, expected, tolerance = figures_of["pitfalls_2_10"]
    reference = squares(shape, np.s_[5:9, 5:9])
    for place, predicted in enumerate([squares(shape, np.s_[6:8, 6:8]), squares(shape, np.s_[4:10, 4:10])]):
        found, _ = agreement(predicted, reference)
        assert found.hd == pytest.approx(expected["hd"][place], abs=tolerance)
        assert found.masd == pytest.approx(expected["masd"][place], abs=tolerance)
        assert found.assd == pytest.approx(expected["assd"][place], abs=tolerance)
        assert found.nsd[1.0] == pytest.approx(expected["nsd1"][place], abs=tolerance)

    shape, expected, tolerance = figures_of["pitfalls_5c"]
    found, ways = agreement(squares(shape, np.s_[1, 1], np.s_[9:12, 9:12]), squares(shape, np.s_[9:12, 9:12]))
    assert found.hd == pytest.approx(expected["hd"], abs=tolerance)
    # The figure goes between the two largest of nine distances, 0 and 11.31; ours is one of them, the next larger.
    below, above = max(way.percentile(100 * 8 / 9) for way in ways), found.hd95
    assert below + (0.95 * 8 - 7) * (above - below) == pytest.approx(expected["hd95"], abs=tolerance)
    assert above == pytest.approx(expected["hd"], abs=tolerance)
    pooled = DistanceDistribution.of(np.concatenate([way.distances for way in ways]), np.ones(17), 0.0)
    assert pooled.percentile(90) == 0.0 < found.a_to_b.percentile95

    shape, expected, tolerance = figures_of["fig10_cross"]
    reference = squares(shape, np.s_[3:8, 3:8])
    found, _ = agreement(squares(shape, np.s_[3:8, 3:8], np.s_[5, 1:10], np.s_[1:10, 5]), reference)
    assert found.assd == pytest.approx(expected["assd"], abs=tolerance)
    assert found.masd == pytest.approx(expected["masd"], abs=tolerance)
    assert found.nsd[1.0] == pytest.approx(expected["nsd1"], abs=tolerance)
    assert found.nsd[2.0] == pytest.approx(expected["nsd2"], abs=tolerance)
